// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of a collection, with threads: no more run than there are slots, each op runs
 * once, alone or with others, and whatever becomes of a shared run.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>

#include "bridge/config.h"
#include "bridge/gate.h"
#include "compat/compat.h"
#include "stat/op.h"
#include "suites.h"

#define CLIENTS		4u
#define THREADS		12u
#define SLOTS		3u
#define TOGETHER	5u	/* as many as a run has room for */

/**
 * struct gate_test - a gate, and what is seen there
 * @client: its clients
 * @used: slots in use
 * @most: most that there were
 * @runs: runs
 * @shared: those of them that answered several ops
 * @weight: of the last shared run, beside high priority
 * @restless: the gates are closed and opened again all the time, and some ops must not wait
 * @fail: shared runs fail
 * @stay: a shared run goes on until @go, or until its leader gets a signal
 * @stays: one does
 * @go: see @stay
 * @leader: its leader
 * @hold: what one that holds its slots waits for
 * @held: it has them
 * @wrong: ops that did not run once
 * @ops: of each thread
 */
struct gate_test {
	struct vexfs_gate_client client[CLIENTS];
	atomic_t used;
	atomic_t most;
	atomic_t runs;
	atomic_t shared;
	u32 weight;
	bool restless;
	bool fail;
	bool stay;
	struct completion stays;
	struct completion go;
	struct task_struct *leader;
	struct completion hold;
	struct completion held;
	atomic_t wrong;
	u32 ops;
};

/**
 * struct gate_op - an op of these tests
 * @pass: at the gate
 * @op: its op
 * @t: the test
 * @key: ops of the same one fit
 * @runs: how often it ran
 * @holds: it keeps its slots until it is told
 */
struct gate_op {
	struct vexfs_pass pass;
	struct vexfs_op op;
	struct gate_test *t;
	u32 key;
	u32 runs;
	bool holds;
};

static struct gate_op *gate_op_of(const struct vexfs_pass *p)
{
	return container_of(p, struct gate_op, pass);
}

static bool same_key(const struct vexfs_pass *a, const struct vexfs_pass *b)
{
	return gate_op_of(a)->key == gate_op_of(b)->key;
}

static void note_most(struct gate_test *t, int used)
{
	int most = atomic_read(&t->most);

	while (used > most && !atomic_try_cmpxchg(&t->most, &most, used))
		;
}

/* A shared run that takes long. */
static int run_stays(struct gate_test *t)
{
	t->leader = current;
	complete(&t->stays);
	while (!completion_done(&t->go)) {
		if (signal_pending(current))
			return -EINTR;
		usleep_range(100, 300);
	}
	return 0;
}

static int run_members(struct list_head *members)
{
	struct gate_op *first = gate_op_of(list_first_entry(members, struct vexfs_pass, node)), *o;
	struct gate_test *t = first->t;
	bool shared = !list_is_singular(members);
	u32 taken = first->pass.taken ? first->pass.taken / VEXFS_GATE_SLOTS : 1, items = 0;
	struct vexfs_pass *p;
	int err = 0;

	note_most(t, atomic_add_return(taken, &t->used));
	atomic_inc(&t->runs);
	atomic_add(shared, &t->shared);
	if (shared)
		t->weight = first->pass.beside.weight;
	if (first->holds) {
		complete(&t->held);
		wait_for_completion(&t->hold);
	} else {
		usleep_range(100, 300);
		while (vexfs_gate_give_way(&first->pass))
			;
	}
	if (shared && t->fail)
		err = -ENOMEM;
	if (shared && t->stay)
		err = run_stays(t);
	list_for_each_entry(p, members, node) {
		o = gate_op_of(p);
		items += p->items;
		o->runs += !err;
		p->err = -(int)o->key;
		/* those of different keys, or more than there is room for, are not taken along */
		if (o->key != first->key || items > max(first->pass.room, first->pass.items))
			atomic_inc(&t->wrong);
	}
	atomic_sub(taken, &t->used);
	return err;
}

static const struct vexfs_share share = {
	.fits = same_key,
	.run = run_members,
};

static void gate_op_init(struct gate_test *t, struct gate_op *o, u32 priority, u32 want, u32 key)
{
	memset(o, 0, sizeof(*o));
	vexfs_op_begin(&o->op, VEXFS_OP_INFO, priority, 0);
	o->t = t;
	o->key = key;
	o->pass.op = &o->op;
	o->pass.share = &share;
	o->pass.lane = VEXFS_LANE_FEW;
	o->pass.want = want * VEXFS_GATE_SLOTS;
	o->pass.items = 1;
	o->pass.room = TOGETHER;
}

static int gate_test_init(struct kunit *test)
{
	struct gate_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	init_completion(&t->hold);
	init_completion(&t->held);
	init_completion(&t->stays);
	init_completion(&t->go);
	for (i = 0; i < CLIENTS; i++)
		KUNIT_ASSERT_EQ(test, 0, vexfs_gate_open(&t->client[i], U64_MAX - 20));
	t->ops = vexfs_kunit_quick ? 8 : 300;
	vexfs_bridge_slots = SLOTS;
	test->priv = t;
	return 0;
}

static void gate_test_exit(struct kunit *test)
{
	struct gate_test *t = test->priv;
	u32 i;

	vexfs_bridge_slots = 0;
	for (i = 0; i < CLIENTS; i++)
		vexfs_gate_close(&t->client[i]);
}

/**
 * struct gate_thread - one that asks
 * @t: the test
 * @number: which
 * @done: it is through
 */
struct gate_thread {
	struct gate_test *t;
	u32 number;
	struct completion done;
};

static int gate_asks(void *arg)
{
	struct gate_thread *me = arg;
	struct gate_test *t = me->t;
	struct rnd_state rnd;
	struct gate_op o;
	u32 i, r;
	int err;

	prandom_seed_state(&rnd, me->number);
	for (i = 0; i < t->ops; i++) {
		r = prandom_u32_state(&rnd);
		gate_op_init(t, &o, r % 8 ? r / 8 % 3 : 0, 1 + r / 64 % (SLOTS + 1), r / 1024 % 3);
		o.pass.items = 1 + r / 4096 % 7;
		/* some are late already, or soon */
		if (r / 65536 % 8 == 0)
			o.op.deadline_ns = ktime_get_ns() + r / 1048576 * 100;
		o.pass.nonblock = t->restless && r / 16 % 4 == 0;
		err = vexfs_gate_run(&t->client[me->number % CLIENTS], &o.pass);
		if (err == -ETIME && o.op.deadline_ns && !o.runs)
			continue;
		if (err == -EAGAIN && o.pass.nonblock && !o.runs)
			continue;
		if (err != -(int)o.key || o.runs != 1)
			atomic_inc(&t->wrong);
	}
	complete(&me->done);
	return 0;
}

/* As a restart does: nothing runs while gates are closed, and all goes on when they are opened. */
static void close_and_open(struct kunit *test)
{
	struct gate_test *t = test->priv;
	int runs;

	KUNIT_EXPECT_TRUE(test, vexfs_gates_close());
	while (vexfs_gates_busy())
		usleep_range(100, 300);
	runs = atomic_read(&t->runs);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->used));
	usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, runs, atomic_read(&t->runs));
	vexfs_gates_open(true);
}

static void crowd_at_gate(struct kunit *test)
{
	struct gate_thread *threads = kunit_kcalloc(test, THREADS, sizeof(*threads), GFP_KERNEL);
	struct gate_test *t = test->priv;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, threads);
	for (i = 0; i < THREADS; i++) {
		struct task_struct *task;

		threads[i].t = t;
		threads[i].number = i;
		init_completion(&threads[i].done);
		task = kthread_run(gate_asks, &threads[i], "gate_kunit");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	for (i = 0; i < THREADS; i++)
		while (!wait_for_completion_timeout(&threads[i].done,
						    t->restless ? 1 : MAX_SCHEDULE_TIMEOUT))
			close_and_open(test);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->wrong));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->used));
	/* the slots, and the one for high priority */
	KUNIT_EXPECT_LE(test, atomic_read(&t->most), (int)SLOTS + 1);
}

static void each_runs_once(struct kunit *test)
{
	crowd_at_gate(test);
}

/* A shared run that fails costs its members that run, and no error. */
static void failed_runs_in_a_crowd(struct kunit *test)
{
	struct gate_test *t = test->priv;

	t->fail = true;
	crowd_at_gate(test);
}

static void restarts_in_a_crowd(struct kunit *test)
{
	struct gate_test *t = test->priv;

	t->restless = true;
	crowd_at_gate(test);
}

static int gate_holds(void *arg)
{
	struct gate_thread *me = arg;
	struct gate_op o;

	gate_op_init(me->t, &o, VEXFS_PRIORITY_MEDIUM, SLOTS, 1);
	o.holds = true;
	if (vexfs_gate_run(&me->t->client[0], &o.pass) != -1)
		atomic_inc(&me->t->wrong);
	complete(&me->done);
	return 0;
}

/* While all slots are taken. */
static void full_gate(struct kunit *test)
{
	struct gate_test *t = test->priv;
	struct gate_thread holder = { .t = t };
	struct task_struct *task;
	struct gate_op o;

	init_completion(&holder.done);
	task = kthread_run(gate_holds, &holder, "gate_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&t->held);

	gate_op_init(t, &o, VEXFS_PRIORITY_MEDIUM, 1, 2);
	o.pass.nonblock = true;
	KUNIT_EXPECT_EQ(test, -EAGAIN, vexfs_gate_run(&t->client[1], &o.pass));
	KUNIT_EXPECT_EQ(test, 0u, o.runs);
	gate_op_init(t, &o, VEXFS_PRIORITY_MEDIUM, 1, 2);
	o.op.deadline_ns = ktime_get_ns() + NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, -ETIME, vexfs_gate_run(&t->client[1], &o.pass));
	KUNIT_EXPECT_EQ(test, 0u, o.runs);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), o.op.deadline_ns);
	/* those of high priority do not wait for others */
	gate_op_init(t, &o, VEXFS_PRIORITY_HIGH, 1, 2);
	KUNIT_EXPECT_EQ(test, -2, vexfs_gate_run(&t->client[1], &o.pass));
	KUNIT_EXPECT_EQ(test, 1u, o.runs);
	/* nor do large requests for small ones */
	gate_op_init(t, &o, VEXFS_PRIORITY_MEDIUM, 1, 2);
	o.pass.lane = VEXFS_LANE_MANY;
	KUNIT_EXPECT_EQ(test, -2, vexfs_gate_run(&t->client[1], &o.pass));

	complete(&t->hold);
	wait_for_completion(&holder.done);
	gate_op_init(t, &o, VEXFS_PRIORITY_LOW, 1, 0);
	o.pass.nonblock = true;
	KUNIT_EXPECT_EQ(test, 0, vexfs_gate_run(&t->client[1], &o.pass));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->wrong));
}

/**
 * struct gate_waiter - an op that waits, and its thread
 * @t: the test
 * @o: its op
 * @task: its thread; valid until @done
 * @err: how it ended
 * @done: it has
 */
struct gate_waiter {
	struct gate_test *t;
	struct gate_op o;
	struct task_struct *task;
	int err;
	struct completion done;
};

static int gate_waits(void *arg)
{
	struct gate_waiter *w = arg;

	allow_kernel_signal(SIGKILL);
	w->err = vexfs_gate_run(&w->t->client[1], &w->o.pass);
	complete(&w->done);
	return 0;
}

static void waiter_start(struct kunit *test, struct gate_waiter *w, u32 priority, u32 want)
{
	w->t = test->priv;
	init_completion(&w->done);
	gate_op_init(w->t, &w->o, priority, want, 2);
	w->task = kthread_run(gate_waits, w, "gate_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
}

static void wait_queued(const struct gate_waiter *w)
{
	while (!vexfs_ticket_queued(&w->o.pass.ticket))
		usleep_range(100, 1000);
}

/*
 * Ops wait while another has all slots. Then each slot gets one of them, and the first of these
 * to run takes along those that are left.
 */
static void wait_together(struct kunit *test, struct gate_waiter *w)
{
	struct gate_test *t = test->priv;
	struct gate_thread holder = { .t = t };
	struct task_struct *task;
	u32 i;

	init_completion(&holder.done);
	task = kthread_run(gate_holds, &holder, "gate_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&t->held);
	for (i = 0; i < TOGETHER; i++)
		waiter_start(test, &w[i], VEXFS_PRIORITY_MEDIUM, SLOTS);
	for (i = 0; i < TOGETHER; i++)
		wait_queued(&w[i]);
	complete(&t->hold);
	wait_for_completion(&holder.done);
}

/* When the shared run fails, each of its members runs by itself. */
static void run_together(struct kunit *test)
{
	struct gate_waiter *w = kunit_kcalloc(test, TOGETHER, sizeof(*w), GFP_KERNEL);
	struct gate_test *t = test->priv;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	wait_together(test, w);
	for (i = 0; i < TOGETHER; i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_EQ(test, -2, w[i].err);
		KUNIT_EXPECT_EQ(test, 1u, w[i].o.runs);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->wrong));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->shared));
	/* the holder; as many as there are slots; and again those of the shared run */
	KUNIT_EXPECT_EQ(test, 1 + SLOTS + (t->fail ? TOGETHER - SLOTS + 1 : 0),
			(u32)atomic_read(&t->runs));
}

/* A run of low priority that takes one of medium priority along gives way as that one would. */
static void members_keep_their_weight(struct kunit *test)
{
	struct gate_waiter *w = kunit_kcalloc(test, 2, sizeof(*w), GFP_KERNEL);
	struct gate_test *t = test->priv;
	struct gate_thread holder = { .t = t };
	struct task_struct *task;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	vexfs_bridge_slots = 1;
	init_completion(&holder.done);
	task = kthread_run(gate_holds, &holder, "gate_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&t->held);
	waiter_start(test, &w[0], VEXFS_PRIORITY_LOW, 1);
	wait_queued(&w[0]);
	waiter_start(test, &w[1], VEXFS_PRIORITY_MEDIUM, 1);
	wait_queued(&w[1]);
	complete(&t->hold);
	wait_for_completion(&holder.done);
	for (i = 0; i < 2; i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_EQ(test, -2, w[i].err);
	}
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->shared));
	KUNIT_EXPECT_EQ(test, 2u, t->weight);
}

static void waiters_share_a_run(struct kunit *test)
{
	run_together(test);
}

static void failed_run_is_repeated(struct kunit *test)
{
	struct gate_test *t = test->priv;

	t->fail = true;
	run_together(test);
}

/* A signal to the leader of a shared run is its own affair: the others run alone. */
static void leader_is_killed(struct kunit *test)
{
	struct gate_waiter *w = kunit_kcalloc(test, TOGETHER, sizeof(*w), GFP_KERNEL);
	struct gate_test *t = test->priv;
	u32 i, interrupted = 0;

	KUNIT_ASSERT_NOT_NULL(test, w);
	t->stay = true;
	wait_together(test, w);
	wait_for_completion(&t->stays);
	send_sig(SIGKILL, t->leader, 1);
	for (i = 0; i < TOGETHER; i++) {
		wait_for_completion(&w[i].done);
		interrupted += w[i].err == -EINTR;
		KUNIT_EXPECT_TRUE(test, w[i].err == -EINTR || w[i].err == -2);
		KUNIT_EXPECT_EQ(test, w[i].err == -EINTR ? 0u : 1u, w[i].o.runs);
	}
	KUNIT_EXPECT_EQ(test, 1u, interrupted);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->wrong));
}

/* The one that a leader has taken along. */
static struct gate_waiter *taken_along(struct gate_waiter *w)
{
	u32 i;

	for (i = 0; i < TOGETHER; i++)
		if (smp_load_acquire(&w[i].o.pass.state) == VEXFS_PASS_TAKEN)
			return &w[i];
	return NULL;
}

/*
 * During a shared run: a member that is killed waits for its end, since the leader writes to its
 * memory. An op that arrives late waits for the next run; when it is killed, it ends at once.
 */
static void member_is_killed(struct kunit *test)
{
	struct gate_waiter *w = kunit_kcalloc(test, TOGETHER + 2, sizeof(*w), GFP_KERNEL);
	struct gate_waiter *late, *gone, *member;
	struct gate_test *t = test->priv;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	late = &w[TOGETHER];
	gone = &w[TOGETHER + 1];
	t->stay = true;
	wait_together(test, w);
	wait_for_completion(&t->stays);
	member = taken_along(w);
	KUNIT_ASSERT_NOT_NULL(test, member);
	send_sig(SIGKILL, member->task, 1);
	waiter_start(test, late, VEXFS_PRIORITY_MEDIUM, SLOTS);
	waiter_start(test, gone, VEXFS_PRIORITY_MEDIUM, SLOTS);
	wait_queued(late);
	wait_queued(gone);
	send_sig(SIGKILL, gone->task, 1);
	wait_for_completion(&gone->done);
	KUNIT_EXPECT_EQ(test, -EINTR, gone->err);
	KUNIT_EXPECT_EQ(test, 0u, gone->o.runs);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&member->done));
	KUNIT_EXPECT_FALSE(test, completion_done(&late->done));
	complete_all(&t->go);
	for (i = 0; i <= TOGETHER; i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_EQ(test, -2, w[i].err);
		KUNIT_EXPECT_EQ(test, 1u, w[i].o.runs);
	}
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->shared));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->wrong));
}

/* While gates are closed nothing runs, whatever its priority; then it goes on, or is told. */
static void closed_gates(struct kunit *test)
{
	struct gate_waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct gate_test *t = test->priv;
	struct gate_op o;
	u32 priority, tries, cancelled;

	KUNIT_ASSERT_NOT_NULL(test, w);
	for (priority = 0; priority < VEXFS_PRIORITIES; priority++) {
		KUNIT_ASSERT_TRUE(test, vexfs_gates_close());
		KUNIT_EXPECT_FALSE(test, vexfs_gates_close());
		gate_op_init(t, &o, priority, 1, 2);
		o.pass.nonblock = true;
		KUNIT_EXPECT_EQ(test, -EAGAIN, vexfs_gate_run(&t->client[0], &o.pass));
		waiter_start(test, w, priority, 1);
		msleep(20);
		KUNIT_EXPECT_EQ(test, 0u, vexfs_gates_busy());
		KUNIT_EXPECT_FALSE(test, completion_done(&w->done));
		vexfs_gates_open(true);
		wait_for_completion(&w->done);
		KUNIT_EXPECT_EQ(test, -2, w->err);
		KUNIT_EXPECT_EQ(test, 1u, w->o.runs);

		KUNIT_ASSERT_TRUE(test, vexfs_gates_close());
		waiter_start(test, w, priority, 1);
		for (cancelled = 0, tries = 0; !cancelled && tries < 10000; tries++) {
			cancelled = vexfs_gates_cancel();
			usleep_range(1000, 2000);
		}
		KUNIT_EXPECT_EQ(test, 1u, cancelled);
		vexfs_gates_open(false);
		wait_for_completion(&w->done);
		KUNIT_EXPECT_EQ(test, -ECANCELED, w->err);
		KUNIT_EXPECT_EQ(test, 0u, w->o.runs);
	}
}

static struct kunit_case gate_cases[] = {
	KUNIT_CASE_SLOW(each_runs_once),
	KUNIT_CASE_SLOW(failed_runs_in_a_crowd),
	KUNIT_CASE_SLOW(restarts_in_a_crowd),
	KUNIT_CASE(waiters_share_a_run),
	KUNIT_CASE(failed_run_is_repeated),
	KUNIT_CASE(members_keep_their_weight),
	KUNIT_CASE(leader_is_killed),
	KUNIT_CASE(member_is_killed),
	KUNIT_CASE(full_gate),
	KUNIT_CASE(closed_gates),
	{}
};

static struct kunit_suite gate_suite = {
	.name = "vexfs_gate",
	.init = gate_test_init,
	.exit = gate_test_exit,
	.test_cases = gate_cases,
};

kunit_test_suite(gate_suite);
