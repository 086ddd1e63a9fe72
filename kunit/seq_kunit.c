// SPDX-License-Identifier: GPL-2.0
/*
 * Sequence numbers: each change has one, none is skipped, and readers that use them miss
 * nothing and see nothing twice, with concurrent writers.
 */
#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "index/search.h"
#include "index/vector.h"
#include "store/store.h"
#include "suites.h"
#include "vectors.h"

/* One put of @n vectors, TEST_DIM components; those of id 0 to 19 are 2^id from zero. */
static int put_ids(struct vexfs_collection *c, const u64 *ids, u32 n, u32 flags, u64 *seq)
{
	float_bits *v = kvcalloc(n, TEST_DIM * sizeof(*v), GFP_KERNEL);
	struct vexfs_put_part p = { .flags = flags, .n = n, .ids = ids, .vectors = v };
	int err;
	u32 i;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		v[i * TEST_DIM] = (127 + (u32)min_t(u64, ids[i], 20)) << 23;
	err = vexfs_put_vectors(c, &p);
	if (seq)
		*seq = p.seq;
	kvfree(v);
	return err;
}

/* ---- dense ---- */

static int watch_insert(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			struct vexfs_stack_mark *stack)
{
	return 0;
}

static void watch_remove(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			 struct vexfs_stack_mark *stack)
{
}

static void watch_free(struct vexfs_collection *c, void *index)
{
}

static const struct vexfs_index_ops watch_ops = {
	.name = "watcher",
	.insert = watch_insert,
	.remove = watch_remove,
	.free = watch_free,
};

static void some_changes(struct kunit *test, struct vexfs_collection *c, u64 *at)
{
	static u64 ids[600];
	u64 seq, i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = 5000 + i;
	/* runs of consecutive ids, and groups */
	KUNIT_EXPECT_EQ(test, put_ids(c, ids, 600, VEXFS_PUT_INSERT, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, *at += 600);
	KUNIT_EXPECT_EQ(test, put_ids(c, ids, 600, VEXFS_PUT_UPSERT, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, *at += 600);
	for (i = 0; i < 100; i++)
		ids[i] = i * 12345 + 7;
	KUNIT_EXPECT_EQ(test, put_ids(c, ids, 100, VEXFS_PUT_INSERT, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, *at += 100);
	/* a refused change has no number */
	KUNIT_EXPECT_EQ(test, put_ids(c, ids, 100, VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, 0);
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, ids, 50, 0), 0);
	*at += 50;
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, ids, 50, VEXFS_DELETE_CONTINUE), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), *at);
	/* half of them exist */
	KUNIT_EXPECT_EQ(test, put_ids(c, ids, 100, VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, *at += 50);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), *at);
}

static void dense(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "dense", TEST_DIM, 0);
	struct vexfs_set set = { .what = VEXFS_SET_MODE, .mode = 0640 };
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_SET, .set = &set };
	static struct vexfs_index_ref ref;
	static u64 ids[700];
	u64 at = 0, i;

	/* settings of create belong to the create */
	KUNIT_EXPECT_EQ(test, vexfs_index_attach(c, &ref, &watch_ops, NULL), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_publish(c), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), 0);
	some_changes(test, c, &at);
	KUNIT_EXPECT_EQ(test, vexfs_index_detach(c), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), ++at);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = i < 600 ? 5000 + i : (i - 600) * 12345 + 7;
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, ids, ARRAY_SIZE(ids), 0), 0);
	at += ARRAY_SIZE(ids);
	some_changes(test, c, &at);
	KUNIT_EXPECT_EQ(test, vexfs_mutate(c, &m), 0);
	KUNIT_EXPECT_EQ(test, m.seq, ++at);
	/* one that is refused */
	set = (struct vexfs_set){ .what = VEXFS_SET_CAPACITY, .capacity = 5 };
	KUNIT_EXPECT_EQ(test, vexfs_mutate(c, &m), -ENOSPC);
	KUNIT_EXPECT_EQ(test, m.seq, 0);
	KUNIT_EXPECT_EQ(test, vexfs_index_attach(c, &ref, &watch_ops, NULL), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), ++at);
	KUNIT_EXPECT_EQ(test, vexfs_collection_drop(c->name, false), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c), ++at);
	vexfs_test_collection_end(c);
}

/* ---- concurrent writers ---- */

/**
 * struct writer - a task that writes while something else is tested
 * @c: the collection
 * @step: what it does repeatedly; returns an errno
 * @round: number of rounds done
 * @changes: number of changes made
 * @stop: it is to end
 * @err: its error
 * @task: the task
 * @ids: for the step
 */
struct writer {
	struct vexfs_collection *c;
	int (*step)(struct writer *w);
	u64 round;
	u64 changes;
	bool stop;
	int err;
	struct task_struct *task;
	u64 ids[200];
};

static int writer_thread(void *arg)
{
	struct writer *w = arg;
	int err = 0;

	while (!READ_ONCE(w->stop) && !err) {
		err = w->step(w);
		WRITE_ONCE(w->round, w->round + 1);
		cond_resched();
	}
	WRITE_ONCE(w->err, err);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return err;
}

static void writer_start(struct kunit *test, struct writer *w, struct vexfs_collection *c,
			 int (*step)(struct writer *w))
{
	*w = (struct writer){ .c = c, .step = step };
	w->task = kthread_run(writer_thread, w, "vexfs-writer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	/* it has started */
	while (READ_ONCE(w->round) < 2 && !READ_ONCE(w->err))
		schedule_timeout_uninterruptible(1);
}

static void writer_end(struct kunit *test, struct writer *w)
{
	WRITE_ONCE(w->stop, true);
	kthread_stop(w->task);
	KUNIT_EXPECT_EQ(test, w->err, 0);
}

/* 40 ids, all stored: replaced in groups. */
static int replace_hashed(struct writer *w)
{
	u32 n = 40, i;

	for (i = 0; i < n; i++)
		w->ids[i] = (w->round * n + i) % 2000 * 1000003;
	w->changes += n;
	return put_ids(w->c, w->ids, n, VEXFS_PUT_UPDATE, NULL);
}

/* Neighbours, in a run. */
static int replace_leaves(struct writer *w)
{
	u32 n = 200, i;

	for (i = 0; i < n; i++)
		w->ids[i] = (1ull << 40) + (w->round * n + i) % 4000;
	w->changes += n;
	return put_ids(w->c, w->ids, n, VEXFS_PUT_UPDATE, NULL);
}

/* Inserted and deleted, among the others. */
static int come_and_go(struct writer *w)
{
	u32 n = 150, i;
	int err;

	for (i = 0; i < n; i++)
		w->ids[i] = w->round % 2 ? (1ull << 50) + i :
			    (w->round % 50 * 200 + i) * 999983 + 1;
	err = put_ids(w->c, w->ids, n, VEXFS_PUT_INSERT, NULL);
	w->changes += 2 * n;
	return err ?: vexfs_test_delete(w->c, w->ids, n, 0);
}

/* The collection of the three writers. */
static void fill_collection(struct kunit *test, struct vexfs_collection *c)
{
	static u64 ids[200];
	u64 at, i;

	for (at = 0; at < 2000; at += ARRAY_SIZE(ids)) {
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			ids[i] = (at + i) * 1000003;
		KUNIT_ASSERT_EQ(test, put_ids(c, ids, ARRAY_SIZE(ids), VEXFS_PUT_INSERT, NULL), 0);
	}
	for (at = 0; at < 4000; at += ARRAY_SIZE(ids)) {
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			ids[i] = (1ull << 40) + at + i;
		KUNIT_ASSERT_EQ(test, put_ids(c, ids, ARRAY_SIZE(ids), VEXFS_PUT_INSERT, NULL), 0);
	}
}

static void dense_beside(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "dense", TEST_DIM, 0);
	int (*const steps[])(struct writer *w) = { replace_hashed, replace_leaves, come_and_go };
	static struct writer w[ARRAY_SIZE(steps)];
	u64 last = 0, seq, changes = 0, backwards = 0, start;
	u32 i, rounds = vexfs_kunit_quick ? 20 : 50;

	fill_collection(test, c);
	start = vexfs_seq(c);
	KUNIT_EXPECT_EQ(test, start, 6000);
	for (i = 0; i < ARRAY_SIZE(w); i++)
		writer_start(test, &w[i], c, steps[i]);
	while (READ_ONCE(w[0].round) < rounds) {
		seq = vexfs_seq(c);
		backwards += seq < last;
		last = seq;
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		writer_end(test, &w[i]);
		changes += w[i].changes;
	}
	KUNIT_EXPECT_EQ(test, backwards, 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(c) - start, changes);
	vexfs_test_collection_end(c);
}

/* ---- inserts and exact search ---- */

/* Ascending ids, some in runs, some alone. */
static int count_up(struct writer *w)
{
	u32 n = w->round % 3 ? 7 : 160, i;

	if (w->changes >= 3500)
		return 0;
	for (i = 0; i < n; i++)
		w->ids[i] = 100 + w->changes + i;
	WRITE_ONCE(w->changes, w->changes + n);
	return put_ids(w->c, w->ids, n, VEXFS_PUT_INSERT, NULL);
}

static int search_all(struct vexfs_collection *c, struct vexfs_topk *top, struct vexfs_hit *hits,
		      const void *q, u64 *seq)
{
	const u32 aux = 0;
	struct vexfs_op op;
	struct vexfs_search_job job = {
		.c = c, .op = &op, .nq = 1, .queries = q, .aux = &aux, .results = top,
	};
	int err;

	vexfs_topk_init(top, hits, VEXFS_K_MAX, ~0u);
	vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
	err = vexfs_search_exact(&job);
	vexfs_op_end(&op, err);
	*seq = job.seq;
	return err;
}

/* The sequence number of an answer tells how many vectors there are, and which. */
static void insert_is_atomic(struct kunit *test)
{
	struct vexfs_hit *hits = vmalloc(VEXFS_K_MAX * sizeof(*hits));
	u8 *q = kunit_kzalloc(test, TEST_DIM * sizeof(float_bits) + 192, GFP_KERNEL);
	u32 rounds = vexfs_kunit_quick ? 3 : 8, wrong = 0, i, searches = 0;
	struct vexfs_topk top;
	static struct writer w;
	u64 seq;

	KUNIT_ASSERT_TRUE(test, hits && q);
	q = PTR_ALIGN(q, 64);
	while (rounds--) {
		struct vexfs_collection *c = vexfs_test_collection(test, "atomic", TEST_DIM, 0);

		writer_start(test, &w, c, count_up);
		do {
			KUNIT_EXPECT_EQ(test, search_all(c, &top, hits, q, &seq), 0);
			searches++;
			wrong += top.n != seq;
			/* all at the same distance: ordered by id */
			for (i = 0; i < top.n; i++)
				wrong += hits[i].id != 100 + i;
		} while (READ_ONCE(w.changes) < 3500 && !READ_ONCE(w.err));
		writer_end(test, &w);
		vexfs_test_collection_end(c);
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "in %u searches", searches);
	vfree(hits);
}

/* ---- walks ---- */

/*
 * A whole walk, @room vectors at a time: counts how often each id of fill_collection() was met. The
 * other ids of come_and_go(), of which 1 is one, have no count.
 */
static void walk_once(struct kunit *test, struct vexfs_collection *c, u32 room, u8 *met,
		      u64 *others, u64 *twice)
{
	u64 ids[64];
	u32 slots[64], i;
	struct vexfs_walk_part p = { .room = room, .ids = ids, .slots = slots };

	memset(met, 0, 6000 + 300);
	*others = 0;
	do {
		vexfs_walk_vectors(c, &p);
		for (i = 0; i < p.n; i++) {
			u64 id = ids[i];

			if (id >= 1ull << 50)
				id = 6000 + (id - (1ull << 50));
			else if (id >= 1ull << 40)
				id = 2000 + (id - (1ull << 40));
			else if (id % 1000003 == 0 && id / 1000003 < 2000)
				id /= 1000003;
			else
				id = U64_MAX;
			if (id < 6300)
				*twice += met[id]++ != 0;
			else
				++*others;
		}
		cond_resched();
	} while (p.walk.part != VEXFS_IDWALK_END);
}

static void walk_beside(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "walk", TEST_DIM, 0);
	int (*const steps[])(struct writer *w) = { replace_hashed, replace_leaves, come_and_go };
	u32 rounds = vexfs_kunit_quick ? 2 : 12, i, j;
	u64 missed = 0, twice = 0, others;
	static struct writer w[ARRAY_SIZE(steps)];
	struct vexfs_soundness s;
	u8 *met = kunit_kzalloc(test, 6300, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, met);
	fill_collection(test, c);
	for (i = 0; i < ARRAY_SIZE(w); i++)
		writer_start(test, &w[i], c, steps[i]);
	for (i = 0; i < rounds; i++) {
		walk_once(test, c, 1 + i * 7 % 64, met, &others, &twice);
		for (j = 0; j < 6000; j++)
			missed += !met[j];
	}
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		kunit_info(test, "writer %u: %llu changes", i, w[i].changes);
		writer_end(test, &w[i]);
	}
	KUNIT_EXPECT_EQ_MSG(test, missed, 0, "in %u walks", rounds);
	KUNIT_EXPECT_EQ_MSG(test, twice, 0, "in %u walks", rounds);
	/* without writers: everything, once */
	walk_once(test, c, 64, met, &others, &twice);
	KUNIT_EXPECT_EQ(test, others, 0);
	KUNIT_EXPECT_EQ(test, twice, 0);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	vexfs_test_collection_end(c);
}

/* The multiplicative inverse of an odd number. */
static u64 inverse(u64 odd)
{
	u64 x = odd;
	u32 i;

	for (i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

/* The id with a given hash: see vexfs_idmap_hash(). */
static u64 id_of_hash(const struct vexfs_collection *c, u64 h)
{
	h *= inverse(0xd6e8feb86659fd93ULL);
	h ^= h >> 32;
	h *= inverse(0x9e3779b97f4a7c15ULL);
	return h ^ c->ids.seed;
}

/* Ids that share their tags, and steps that are too small for those of one tag. */
static void walk_one_tag(struct kunit *test)
{
	static const u32 tags[] = { 0, 1, 77, 0x80000000, 0xfffffffe, 0xffffffff };
	static const u32 rooms[] = { 1, 2, 5, 29, 30, 31, 64 };
	static u64 ids[30 * ARRAY_SIZE(tags)], got[64];
	struct vexfs_collection *c = vexfs_test_collection(test, "tags", TEST_DIM, 0);
	u32 slots[64], r;
	u64 i, n;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = id_of_hash(c, (u64)tags[i / 30] << 32 |
				       (i % 30 < 15 ? i % 30 : U32_MAX - i % 30 + 15));
	KUNIT_ASSERT_EQ(test, put_ids(c, ids, ARRAY_SIZE(ids), VEXFS_PUT_INSERT, NULL), 0);
	for (r = 0; r < ARRAY_SIZE(rooms); r++) {
		struct vexfs_walk_part p = { .room = rooms[r], .ids = got, .slots = slots };
		u8 met[ARRAY_SIZE(ids)] = { };
		u64 wrong = 0;

		do {
			vexfs_walk_vectors(c, &p);
			for (i = 0; i < p.n; i++) {
				for (n = 0; n < ARRAY_SIZE(ids) && ids[n] != got[i]; n++)
					;
				wrong += n == ARRAY_SIZE(ids) || met[n]++;
			}
		} while (p.walk.part != VEXFS_IDWALK_END);
		for (n = 0; n < ARRAY_SIZE(ids); n++)
			wrong += met[n] != 1;
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "room for %u", rooms[r]);
	}
	vexfs_test_collection_end(c);
}

/*
 * Ids that a walk meets by their hash move to leaves that are created meanwhile, some
 * before the walk reaches them and some after.
 */
static void walk_taken(struct kunit *test)
{
	enum { GROUPS = 40, EACH = 30 };
	static const u32 rooms[] = { 1, 7, 64 };
	static u64 ids[200], got[64];
	static u8 met[GROUPS * EACH];
	u32 slots[64], r;
	u64 g, i;

	for (r = 0; r < ARRAY_SIZE(rooms); r++) {
		struct vexfs_collection *c = vexfs_test_collection(test, "taken", TEST_DIM, 0);
		struct vexfs_walk_part p = { .room = rooms[r], .ids = got, .slots = slots };
		u64 wrong = 0, round = 0;

		memset(met, 0, sizeof(met));
		for (g = 0; g < GROUPS; g++) {
			for (i = 0; i < EACH; i++)
				ids[i] = g << 10 | i;
			KUNIT_ASSERT_EQ(test, put_ids(c, ids, EACH, VEXFS_PUT_INSERT, NULL), 0);
		}
		g = 0;
		do {
			vexfs_walk_vectors(c, &p);
			for (i = 0; i < p.n; i++) {
				u64 in = got[i] & 1023, of = got[i] >> 10;

				if (in < EACH)
					wrong += of >= GROUPS || met[of * EACH + in]++;
			}
			/* one more leaf now and then, up to the last */
			if (g < GROUPS && !(round++ % (64 / rooms[r] / 2 + 1))) {
				for (i = 0; i < ARRAY_SIZE(ids); i++)
					ids[i] = g << 10 | (500 + i);
				KUNIT_ASSERT_EQ(test, put_ids(c, ids, ARRAY_SIZE(ids),
								 VEXFS_PUT_INSERT, NULL), 0);
				g++;
			}
		} while (p.walk.part != VEXFS_IDWALK_END);
		for (i = 0; i < ARRAY_SIZE(met); i++)
			wrong += met[i] != 1;
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "room for %u, %llu leaves", rooms[r], g);
		KUNIT_EXPECT_GT(test, g, 3);
		vexfs_test_collection_end(c);
	}
}

/* A walk that begins at the end ends there. */
static void walk_empty(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "nothing", TEST_DIM, 0);
	u64 ids[4];
	u32 slots[4];
	struct vexfs_walk_part p = { .room = 4, .ids = ids, .slots = slots };

	vexfs_walk_vectors(c, &p);
	KUNIT_EXPECT_EQ(test, p.n, 0);
	KUNIT_EXPECT_EQ(test, p.walk.part, VEXFS_IDWALK_END);
	vexfs_walk_vectors(c, &p);
	KUNIT_EXPECT_EQ(test, p.n, 0);
	vexfs_test_collection_end(c);
}

/* ---- capacity ---- */

/* A whole batch of existing ids. */
static int replace_all(struct writer *w)
{
	static u64 ids[1000];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = 100 + i * 3;
	return put_ids(w->c, ids, ARRAY_SIZE(ids), VEXFS_PUT_UPSERT, NULL);
}

/* The last free place can be taken even if others, which need none, write at the same time. */
static void last_place(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "last", TEST_DIM, 0);
	u32 rounds = vexfs_kunit_quick ? 100 : 300, refused = 0, admitted = 0;
	const u64 one = 1, two = 2;
	struct vexfs_soundness s;
	static struct writer w;

	c->capacity = 1001;
	writer_start(test, &w, c, replace_all);
	while (rounds--) {
		refused += put_ids(c, &one, 1, VEXFS_PUT_INSERT, NULL) != 0;
		admitted += put_ids(c, &two, 1, VEXFS_PUT_INSERT, NULL) != -ENOSPC;
		refused += vexfs_test_delete(c, &one, 1, 0) != 0;
		cond_resched();
	}
	writer_end(test, &w);
	KUNIT_EXPECT_EQ(test, refused, 0);
	KUNIT_EXPECT_EQ(test, admitted, 0);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	KUNIT_EXPECT_EQ(test, s.vectors, 1000);
	vexfs_test_collection_end(c);
}

static struct kunit_case seq_cases[] = {
	KUNIT_CASE(dense),
	KUNIT_CASE(dense_beside),
	KUNIT_CASE(insert_is_atomic),
	KUNIT_CASE(walk_beside),
	KUNIT_CASE(walk_one_tag),
	KUNIT_CASE(walk_taken),
	KUNIT_CASE(walk_empty),
	KUNIT_CASE(last_place),
	{ }
};

static struct kunit_suite seq_suite = {
	.name = "vexfs-seq",
	.test_cases = seq_cases,
};
kunit_test_suite(seq_suite);
