// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of durable collections: who waits for storage, for how long, and what ends the
 * wait; and which rows the reaper keeps until storage has them. The suite is the storage
 * daemon, so what waits runs in threads of its own.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "store/durable.h"
#include "store/ring.h"
#include "suites.h"
#include "vectors.h"

#define LONG	(120 * HZ)	/* longer than anything here takes on any machine */

/**
 * struct bench - a durable collection and its storage
 * @c: the collection
 * @cur: storage, or NULL
 */
struct bench {
	struct vexfs_collection *c;
	struct vexfs_cursor *cur;
};

/**
 * struct waiter - a task that does what may wait
 * @c: the collection
 * @run: what it does; returns an errno
 * @n: for @run
 * @seq: argument of @run
 * @deadline_ns: argument of @run
 * @err: what @run returned
 * @started: it runs
 * @done: @run has returned
 * @task: the task
 */
struct waiter {
	struct vexfs_collection *c;
	int (*run)(struct waiter *w);
	u32 n;
	u64 seq;
	u64 deadline_ns;
	int err;
	struct completion started;
	struct completion done;
	struct task_struct *task;
};

static int waiter_thread(void *arg)
{
	struct waiter *w = arg;

	allow_signal(SIGKILL);
	allow_signal(SIGUSR1);
	complete(&w->started);
	w->err = w->run(w);
	complete(&w->done);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void waiter_start(struct kunit *test, struct waiter *w, struct vexfs_collection *c,
			 int (*run)(struct waiter *w))
{
	w->c = c;
	w->run = run;
	init_completion(&w->started);
	init_completion(&w->done);
	w->task = kthread_run(waiter_thread, w, "vexfs-waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	/* one that is stopped before its start never runs */
	wait_for_completion(&w->started);
}

static int waiter_end(struct kunit *test, struct waiter *w)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&w->done, LONG), 0);
	kthread_stop(w->task);
	return w->err;
}

/* @n tasks sleep in the gate. */
static bool sleepers(const struct vexfs_collection *c, u32 n)
{
	struct vexfs_stream *s = vexfs_stream(c);
	unsigned long end = jiffies + LONG;
	struct list_head *at;
	u32 met;

	do {
		met = 0;
		spin_lock_irq(&s->turn.lock);
		list_for_each(at, &s->turn.head)
			met++;
		spin_unlock_irq(&s->turn.lock);
		if (met == n)
			return true;
		schedule_timeout_uninterruptible(1);
	} while (time_before(jiffies, end));
	return false;
}

static int publish(struct waiter *w)
{
	return vexfs_collection_publish(w->c);
}

static int wait_durable(struct waiter *w)
{
	return vexfs_durable_wait(w->c, w->seq, w->deadline_ns, false);
}

static int put_some(struct waiter *w)
{
	return vexfs_test_put(w->c, 1000, w->n, VEXFS_PUT_UPSERT, &w->seq);
}

/* As a request does it: the change, then the wait for it. */
static int put_durable(struct waiter *w)
{
	return put_some(w) ?: wait_durable(w);
}

static int attach(struct bench *b, u64 from, struct vexfs_stream_req *req)
{
	*req = (struct vexfs_stream_req){
		.flags = VEXFS_STREAM_STORAGE | VEXFS_STREAM_FROM, .from = from,
	};
	return vexfs_cursor_open(b->c, req, &b->cur);
}

static void detach(struct bench *b)
{
	vexfs_cursor_close(b->cur);
	b->cur = NULL;
}

/* Storage reads all there is; returns how many changes, or -1 when a number is missing. */
static int drain(struct bench *b, u64 *at)
{
	struct vexfs_change ch[16];
	int n, i, all = 0;

	while ((n = vexfs_cursor_read(b->cur, ch, ARRAY_SIZE(ch))) > 0) {
		for (i = 0; i < n; i++)
			if (ch[i].seq != ++*at || ch[i].op == VEXFS_CHANGE_LOST)
				return -1;
		all += n;
	}
	return all;
}

/* A durable collection whose creation storage has acknowledged. */
static void bench_begin(struct kunit *test, struct bench *b, const char *name)
{
	struct vexfs_stream_req req;
	static struct waiter maker;

	b->c = vexfs_test_collection_durable(test, name, TEST_DIM);
	/* nobody would store it */
	KUNIT_EXPECT_EQ(test, vexfs_collection_publish(b->c), -EROFS);
	KUNIT_ASSERT_EQ(test, vexfs_storage_open(), 0);
	KUNIT_EXPECT_EQ(test, vexfs_storage_open(), -EBUSY);
	/* storage would wait for itself */
	KUNIT_EXPECT_EQ(test, vexfs_collection_publish(b->c), -EDEADLK);
	memset(&maker, 0, sizeof(maker));
	waiter_start(test, &maker, b->c, publish);
	KUNIT_EXPECT_TRUE(test, sleepers(b->c, 1));
	KUNIT_ASSERT_EQ(test, attach(b, 0, &req), 0);
	KUNIT_EXPECT_TRUE(test, req.flags & VEXFS_STREAM_SNAPSHOT);
	KUNIT_EXPECT_FALSE(test, try_wait_for_completion(&maker.done));
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b->cur, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &maker), 0);
}

static void bench_end(struct kunit *test, struct bench *b)
{
	KUNIT_EXPECT_EQ(test, vexfs_collection_undo(b->c), 0);
	if (b->cur)
		detach(b);
	vexfs_storage_close();
	vexfs_test_collection_end(b->c);
}

static u32 stat_flags(struct vexfs_collection *c)
{
	struct vexfs_stat st = { };

	vexfs_durable_stat(c, &st);
	return st.flags & (VEXFS_STAT_STORED | VEXFS_STAT_READONLY);
}

/* ---- waiting for a sequence number ---- */

static void waits_for_its_number(struct kunit *test)
{
	static struct waiter w[3];
	struct bench b;
	u64 at = 0;
	u32 i;

	bench_begin(test, &b, "number");
	memset(w, 0, sizeof(w));
	KUNIT_EXPECT_EQ(test, vexfs_durable_wait(b.c, 0, 0, true), 0);
	for (i = 0; i < 3; i++) {
		w[i].n = 10;
		waiter_start(test, &w[i], b.c, put_durable);
		KUNIT_EXPECT_TRUE(test, sleepers(b.c, i + 1));
	}
	KUNIT_EXPECT_EQ(test, w[2].seq, 30);
	/* what storage has not read it cannot have */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 30);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 9, 0), 0);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 3));
	/* one acknowledgement for all it covers, and nobody else */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 29, 0), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w[0]), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w[1]), 0);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_FALSE(test, try_wait_for_completion(&w[2].done));
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 28, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 31, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 30, MAX_ERRNO + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 30, 0), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w[2]), 0);
	bench_end(test, &b);
}

static void deadline(struct kunit *test)
{
	struct waiter w = { };
	struct bench b;
	u64 at = 0, end;

	bench_begin(test, &b, "deadline");
	w.n = 1;
	waiter_start(test, &w, b.c, put_some);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	/* in the past, and to come */
	KUNIT_EXPECT_EQ(test, vexfs_durable_wait(b.c, 1, 1, false), -ETIME);
	end = ktime_get_ns() + 30 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, vexfs_durable_wait(b.c, 1, end, false), -ETIME);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), end);
	/* the change stays, and counts when storage has it */
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 1);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_durable_wait(b.c, 1, 1, false), 0);
	bench_end(test, &b);
}

/* SIGKILL ends a wait; another signal does not. */
static void signals(struct kunit *test)
{
	static struct waiter w[2];
	struct bench b;
	u64 at = 0;
	u32 i;

	bench_begin(test, &b, "signals");
	memset(w, 0, sizeof(w));
	for (i = 0; i < 2; i++) {
		w[i].n = 1;
		waiter_start(test, &w[i], b.c, put_durable);
		KUNIT_EXPECT_TRUE(test, sleepers(b.c, i + 1));
	}
	send_sig(SIGUSR1, w[1].task, 1);
	send_sig(SIGKILL, w[0].task, 1);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w[0]), -EINTR);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 2);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w[1]), 0);
	bench_end(test, &b);
}

/* ---- storage goes and fails ---- */

/* Promises what it does not need. */
static int begin_and_end(struct waiter *w)
{
	int err = vexfs_write_begin(w->c, w->n, 0);

	if (!err)
		vexfs_write_end(w->c, w->n);
	return err;
}

static bool promises(struct vexfs_collection *c, u64 seq)
{
	struct vexfs_stream *s = vexfs_stream(c);
	unsigned long end = jiffies + LONG;
	u64 now;

	do {
		spin_lock(&s->gate_lock);
		now = s->promised;
		spin_unlock(&s->gate_lock);
		if (now == seq)
			return true;
		schedule_timeout_uninterruptible(1);
	} while (time_before(jiffies, end));
	return false;
}

/* A writer has promised, and until it may write the gate closes and opens again. */
static void gate_closes_meanwhile(struct kunit *test)
{
	struct waiter w = { .n = 200 };
	struct bench b;

	bench_begin(test, &b, "meanwhile");
	down_write(&b.c->quiesce);
	waiter_start(test, &w, b.c, begin_and_end);
	KUNIT_EXPECT_TRUE(test, promises(b.c, 200));
	vexfs_gate_off(b.c);
	vexfs_gate_on(b.c, true);
	up_write(&b.c->quiesce);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	/* nothing is promised any more, so there is room for all but the last entry */
	KUNIT_EXPECT_TRUE(test, promises(b.c, 0));
	w.n = vexfs_ring_entries(b.c) - 1;
	waiter_start(test, &w, b.c, begin_and_end);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	bench_end(test, &b);
}

static void daemon_dies(struct kunit *test)
{
	struct waiter w = { .n = 5 }, again = { .seq = 5 };
	struct vexfs_stream_req req;
	struct bench b;
	u64 at = 0;

	bench_begin(test, &b, "dies");
	waiter_start(test, &w, b.c, put_durable);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 5);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 2, 0), 0);
	/* it may attach again, so writers wait */
	detach(&b);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_FALSE(test, try_wait_for_completion(&w.done));
	vexfs_storage_close();
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), -EROFS);
	KUNIT_EXPECT_EQ(test, stat_flags(b.c), VEXFS_STAT_STORED | VEXFS_STAT_READONLY);
	KUNIT_EXPECT_EQ(test, vexfs_test_put(b.c, 1, 1, VEXFS_PUT_UPSERT, NULL), -EROFS);
	KUNIT_EXPECT_EQ(test, vexfs_seq(b.c), 5);
	/* the next one begins where the last was acknowledged, and misses nothing */
	KUNIT_ASSERT_EQ(test, vexfs_storage_open(), 0);
	waiter_start(test, &again, b.c, wait_durable);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_ASSERT_EQ(test, attach(&b, 2, &req), 0);
	KUNIT_EXPECT_FALSE(test, req.flags & VEXFS_STREAM_SNAPSHOT);
	KUNIT_EXPECT_EQ(test, req.from, 2);
	at = 2;
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 3);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 5, 0), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &again), 0);
	KUNIT_EXPECT_EQ(test, stat_flags(b.c), VEXFS_STAT_STORED);
	/* one that knows less than was acknowledged has to start from a snapshot */
	detach(&b);
	KUNIT_ASSERT_EQ(test, attach(&b, 1, &req), 0);
	KUNIT_EXPECT_TRUE(test, req.flags & VEXFS_STREAM_SNAPSHOT);
	KUNIT_EXPECT_EQ(test, req.from, 5);
	bench_end(test, &b);
}

static void storage_fails(struct kunit *test)
{
	struct waiter w = { .n = 3 }, next = { .n = 1 };
	struct bench b;
	u64 at = 0;

	bench_begin(test, &b, "fails");
	waiter_start(test, &w, b.c, put_durable);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_EQ(test, drain(&b, &at), 3);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 1, ENOSPC), 0);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), -EROFS);
	KUNIT_EXPECT_EQ(test, stat_flags(b.c), VEXFS_STAT_STORED | VEXFS_STAT_READONLY);
	waiter_start(test, &next, b.c, put_durable);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &next), -EROFS);
	KUNIT_EXPECT_EQ(test, vexfs_seq(b.c), 3);
	/* the cause is gone */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 3, 0), 0);
	KUNIT_EXPECT_EQ(test, stat_flags(b.c), VEXFS_STAT_STORED);
	KUNIT_EXPECT_EQ(test, vexfs_durable_wait(b.c, 3, 1, false), 0);
	waiter_start(test, &next, b.c, put_some);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &next), 0);
	bench_end(test, &b);
}

/* ---- room in the ring ---- */

static int fill_ring(struct waiter *w)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < w->n; i++)
		err = vexfs_test_put(w->c, i % 4 * 1000, 1000, VEXFS_PUT_UPSERT, NULL);
	return err;
}

static void writers_wait_for_room(struct kunit *test)
{
	struct waiter w = { .n = 70 }, killed = { .n = 1 };
	struct bench b;
	u32 entries, bad = 0, rounds = 0;
	u64 at = 0, acked = 0;

	bench_begin(test, &b, "room");
	entries = vexfs_ring_entries(b.c);
	waiter_start(test, &w, b.c, fill_ring);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 1));
	KUNIT_EXPECT_LT(test, vexfs_seq(b.c), entries);
	KUNIT_EXPECT_GE(test, vexfs_seq(b.c) + 1000, entries);
	/* who is killed while it waits has changed nothing */
	waiter_start(test, &killed, b.c, fill_ring);
	KUNIT_EXPECT_TRUE(test, sleepers(b.c, 2));
	send_sig(SIGKILL, killed.task, 1);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &killed), -EINTR);
	while (!wait_for_completion_timeout(&w.done, 1)) {
		bad += drain(&b, &at) < 0;
		bad += vexfs_seq(b.c) - acked >= entries;
		/* half of what was read */
		acked += (at - acked + 1) / 2;
		bad += vexfs_cursor_ack(b.cur, acked, 0) != 0;
		if (bad || rounds++ > 1000000)
			break;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	complete(&w.done);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	KUNIT_EXPECT_EQ(test, vexfs_seq(b.c), 70000);
	KUNIT_EXPECT_GE(test, drain(&b, &at), 0);
	KUNIT_EXPECT_EQ(test, at, 70000);
	bench_end(test, &b);
}

/* ---- the reaper ---- */

static bool has_row(struct vexfs_collection *c, u32 slot, u64 seq)
{
	int idx = vexfs_read_lock(c);
	bool has = vexfs_slot_has(c, slot, seq);

	vexfs_read_unlock(c, idx);
	return has;
}

static int delete_one(struct waiter *w)
{
	u64 id = 1000;

	return vexfs_test_delete(w->c, &id, 1, 0);
}

static void reaper_keeps(struct kunit *test)
{
	struct waiter w = { .n = 2 };
	struct vexfs_change ch[8];
	struct vexfs_stream *s;
	struct bench b;
	u32 i;

	bench_begin(test, &b, "reaper");
	s = vexfs_stream(b.c);
	/* two versions of two vectors, and one of them is deleted */
	for (i = 0; i < 2; i++) {
		waiter_start(test, &w, b.c, put_some);
		KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	}
	waiter_start(test, &w, b.c, delete_one);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	KUNIT_ASSERT_EQ(test, vexfs_cursor_read(b.cur, ch, ARRAY_SIZE(ch)), 5);
	/* every version is there, however often the reaper passes */
	KUNIT_EXPECT_EQ(test, vexfs_reap_slots(b.c), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE_MSG(test, has_row(b.c, ch[i].slot, ch[i].seq), "change %u", i + 1);
	KUNIT_EXPECT_EQ(test, s->held, 3);
	KUNIT_EXPECT_EQ(test, s->held_least, 1);
	/* ... until storage has it */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_reap_slots(b.c), 0);
	KUNIT_EXPECT_FALSE(test, has_row(b.c, ch[0].slot, 1));
	KUNIT_EXPECT_TRUE(test, has_row(b.c, ch[1].slot, 2));
	KUNIT_EXPECT_EQ(test, s->held, 2);
	/* a deletion needs no row, so the last version goes before the deletion is stored */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(b.cur, 4, 0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_reap_slots(b.c), 0);
	KUNIT_EXPECT_FALSE(test, has_row(b.c, ch[1].slot, 2));
	KUNIT_EXPECT_FALSE(test, has_row(b.c, ch[2].slot, 3));
	KUNIT_EXPECT_TRUE(test, has_row(b.c, ch[3].slot, 4));
	KUNIT_EXPECT_EQ(test, s->held, 0);
	/* storage that is not there keeps them, too */
	waiter_start(test, &w, b.c, put_some);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	KUNIT_ASSERT_EQ(test, vexfs_cursor_read(b.cur, ch, ARRAY_SIZE(ch)), 2);
	waiter_start(test, &w, b.c, put_some);
	KUNIT_EXPECT_EQ(test, waiter_end(test, &w), 0);
	detach(&b);
	KUNIT_EXPECT_EQ(test, vexfs_reap_slots(b.c), 0);
	KUNIT_EXPECT_TRUE(test, has_row(b.c, ch[0].slot, ch[0].seq));
	bench_end(test, &b);
}

static struct kunit_case durable_cases[] = {
	KUNIT_CASE(waits_for_its_number),
	KUNIT_CASE(deadline),
	KUNIT_CASE(signals),
	KUNIT_CASE(gate_closes_meanwhile),
	KUNIT_CASE(daemon_dies),
	KUNIT_CASE(storage_fails),
	KUNIT_CASE(writers_wait_for_room),
	KUNIT_CASE(reaper_keeps),
	{}
};

static struct kunit_suite vexfs_durable_suite = {
	.name = "vexfs-durable",
	.test_cases = durable_cases,
};

kunit_test_suite(vexfs_durable_suite);
