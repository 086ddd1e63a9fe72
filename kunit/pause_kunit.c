// SPDX-License-Identifier: GPL-2.0
/*
 * Searches that pause: a caller that is killed does not wait until a thread that helps it goes on.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "index/search.h"
#include "index/vector.h"
#include "suites.h"
#include "vectors.h"

#define PAUSE_DIM	512u
#define ROWS		2600u	/* more than two extents: there is one for a helper */
#define QUERIES		24u	/* so much to compare that a helper is worth it */
#define SOON		(20 * HZ)

/**
 * struct pause_test - a search, its caller, and what its helpers do
 * @c: collection
 * @caller: the task that searches
 * @paused: a helper pauses
 * @go: helpers go on
 * @ended: the search has ended
 * @err: how
 * @op: what it is done for
 * @job: the search
 * @results: its heaps
 * @hits: their room
 * @aux: of the queries
 * @rows: the queries
 */
struct pause_test {
	struct vexfs_collection *c;
	struct task_struct *caller;
	struct completion paused;
	bool go;
	struct completion ended;
	int err;
	struct vexfs_op op;
	struct vexfs_search_job job;
	struct vexfs_topk results[QUERIES];
	struct vexfs_hit hits[QUERIES];
	u32 aux[QUERIES];
	u8 rows[QUERIES * PAUSE_DIM * 4] __aligned(VEXFS_ROW_ALIGN);
};

/* Helpers pause until they are told; the caller, until one of them does. */
static bool pause_give_way(void *leader)
{
	struct pause_test *t = leader;
	bool helper = current != t->caller;

	if (helper && !completion_done(&t->paused))
		complete_all(&t->paused);
	if (helper ? READ_ONCE(t->go) : completion_done(&t->paused))
		return false;
	usleep_range(500, 1000);
	return true;
}

static int pause_searches(void *arg)
{
	struct pause_test *t = arg;

	allow_kernel_signal(SIGKILL);
	t->caller = current;
	t->err = vexfs_search(&t->job);
	complete(&t->ended);
	return 0;
}

static void put_rows(struct kunit *test, struct pause_test *t)
{
	float_bits *v = kunit_kmalloc(test, PAUSE_DIM * sizeof(*v), GFP_KERNEL);
	u64 id;
	u32 q;

	KUNIT_ASSERT_NOT_NULL(test, v);
	for (id = 0; id < ROWS; id++) {
		struct vexfs_put_part p = { .flags = VEXFS_PUT_INSERT, .n = 1, .ids = &id,
					    .vectors = v };

		vexfs_test_vector(v, PAUSE_DIM, id, 0);
		KUNIT_ASSERT_EQ(test, 0, vexfs_put_vectors(t->c, &p));
	}
	for (q = 0; q < QUERIES; q++) {
		vexfs_test_vector(v, PAUSE_DIM, q, 1);
		KUNIT_ASSERT_EQ(test, 0, vexfs_vector_import(t->c, VEXFS_FORMAT_F32,
							     t->rows + q * t->c->space.stride,
							     &t->aux[q], v, 1, NULL));
		vexfs_topk_init(&t->results[q], &t->hits[q], 1, ~0u);
	}
}

static void killed_while_helper_pauses(struct kunit *test)
{
	struct pause_test *t;
	struct task_struct *task;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor: nobody helps");
	t = kvzalloc(sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->c = vexfs_test_collection(test, "pause", PAUSE_DIM, 0);
	init_completion(&t->paused);
	init_completion(&t->ended);
	put_rows(test, t);
	vexfs_op_begin(&t->op, VEXFS_OP_EXACT, 0, 0);
	t->job = (struct vexfs_search_job){
		.c = t->c,
		.op = &t->op,
		.nq = QUERIES,
		.flags = VEXFS_SEARCH_EXACT,
		.queries = t->rows,
		.aux = t->aux,
		.results = t->results,
		.give_way = pause_give_way,
		.leader = t,
	};
	task = kthread_run(pause_searches, t, "pause_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_NE(test, 0ul, wait_for_completion_timeout(&t->paused, SOON));
	/* the caller is through with what was left, and waits for its helper */
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&t->ended));
	send_sig(SIGKILL, task, 1);
	KUNIT_EXPECT_NE(test, 0ul, wait_for_completion_timeout(&t->ended, SOON));
	/* should it hang: for the end of the test */
	WRITE_ONCE(t->go, true);
	if (!READ_ONCE(t->err))
		wait_for_completion_timeout(&t->ended, SOON);
	KUNIT_EXPECT_EQ(test, -EINTR, t->err);
	vexfs_test_collection_end(t->c);
	kvfree(t);
}

static struct kunit_case pause_cases[] = {
	KUNIT_CASE(killed_while_helper_pauses),
	{}
};

static struct kunit_suite pause_suite = {
	.name = "vexfs_pause",
	.test_cases = pause_cases,
};

kunit_test_suite(pause_suite);
