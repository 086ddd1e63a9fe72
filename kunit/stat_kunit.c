// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: histograms against exact percentiles, ops that add up after a storm, lost
 * events that are reported, and complete tables.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "stat/counter.h"
#include "stat/event.h"
#include "stat/hist.h"
#include "stat/lock.h"
#include "stat/op.h"
#include "stat/op_priv.h"
#include "stat/timed.h"
#include "suites.h"

static void free_hist_data(void *d)
{
	kvfree(d);
}

static struct vexfs_hist_data *new_data(struct kunit *test)
{
	struct vexfs_hist_data *d = vexfs_hist_data_new();

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_hist_data, d), 0);
	return d;
}

static void hist_buckets(struct kunit *test)
{
	unsigned int b;

	KUNIT_EXPECT_EQ(test, vexfs_hist_low(0), 0);
	for (b = 0; b < VEXFS_HIST_BUCKETS; b++) {
		u64 low = vexfs_hist_low(b), high = vexfs_hist_high(b);
		u64 mid = low + (high - low) / 2;

		KUNIT_ASSERT_EQ(test, vexfs_hist_bucket(low), b);
		KUNIT_ASSERT_EQ(test, vexfs_hist_bucket(high), b);
		if (b)
			KUNIT_ASSERT_EQ(test, low, vexfs_hist_high(b - 1) + 1);
		/* Under 1 % from the middle to either edge. */
		KUNIT_ASSERT_LE(test, 100 * (mid - low), low);
		KUNIT_ASSERT_LE(test, 100 * (high - mid), low);
	}
	KUNIT_EXPECT_GE(test, vexfs_hist_high(VEXFS_HIST_BUCKETS - 1), 3600ULL * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vexfs_hist_bucket(U64_MAX), VEXFS_HIST_BUCKETS - 1);
}

static int cmp_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Values of every size from 1 ns to an hour. */
static u64 random_ns(struct rnd_state *rnd)
{
	u64 v = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);

	return (v >> (22 + prandom_u32_state(rnd) % 41)) % (3600ULL * NSEC_PER_SEC) + 1;
}

static void hist_percentiles(struct kunit *test)
{
	static const u32 ppm[] = { 1, 1000, 100000, 500000, 900000, 950000, 990000, 999000,
				   999900, 1000000 };
	unsigned int n = vexfs_kunit_quick ? 3000 : 30000, i;
	struct vexfs_hist_data *d = new_data(test), *twice = new_data(test);
	struct rnd_state rnd;
	struct vexfs_hist h;
	u64 *v = kvcalloc(n, sizeof(*v), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_hist_data, v), 0);
	KUNIT_ASSERT_EQ(test, vexfs_hist_init(&h), 0);
	prandom_seed_state(&rnd, 42);
	for (i = 0; i < n; i++) {
		v[i] = random_ns(&rnd);
		vexfs_hist_add(&h, v[i]);
	}
	sort(v, n, sizeof(*v), cmp_u64, NULL);
	vexfs_hist_read(&h, d);
	KUNIT_EXPECT_EQ(test, d->count, n);
	for (i = 0; i < ARRAY_SIZE(ppm); i++) {
		u64 exact = v[max_t(u64, DIV_ROUND_UP_ULL((u64)n * ppm[i], 1000000), 1) - 1];
		u64 got = vexfs_hist_percentile(d, ppm[i]);

		KUNIT_EXPECT_LE_MSG(test, 100 * (max(got, exact) - min(got, exact)), exact,
				    "%u ppm: %llu for %llu", ppm[i], got, exact);
	}
	KUNIT_EXPECT_GE(test, vexfs_hist_max(d), v[n - 1]);
	KUNIT_EXPECT_LE(test, vexfs_hist_max(d), v[n - 1] + v[n - 1] / 64 + 1);

	/* Adding the same histogram twice keeps the percentiles; subtracting it restores them. */
	vexfs_hist_read(&h, twice);
	vexfs_hist_read(&h, twice);
	KUNIT_EXPECT_EQ(test, twice->count, 2 * n);
	KUNIT_EXPECT_EQ(test, vexfs_hist_percentile(twice, 500000),
			vexfs_hist_percentile(d, 500000));
	vexfs_hist_subtract(twice, d);
	KUNIT_EXPECT_MEMEQ(test, twice, d, sizeof(*d));
	vexfs_hist_subtract(d, twice);
	KUNIT_EXPECT_EQ(test, vexfs_hist_percentile(d, 500000), 0);
	KUNIT_EXPECT_EQ(test, vexfs_hist_max(d), 0);
	KUNIT_EXPECT_LT(test, vexfs_hist_bytes(&h),
			num_possible_cpus() * (VEXFS_HIST_BUCKETS + 64) * sizeof(u64));
	vexfs_hist_exit(&h);
}

/* Ops on all CPUs, with concurrent reads and resets. */

struct stormer {
	struct completion done;
	unsigned int ops;
	unsigned int n;
};

static int storm_thread(void *arg)
{
	struct stormer *s = arg;
	struct vexfs_op op;
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		vexfs_op_begin(&op, VEXFS_OP_FUSE, VEXFS_PRIORITY_LOW, 0);
		op.items = 3;
		op.bytes_in = 5;
		op.bytes_out = 7;
		vexfs_op_end(&op, i % 4 ? 0 : i % 8 ? -ENOENT : -ERESTARTSYS);
		s->ops++;
		if (!(i % 256))
			cond_resched();
	}
	complete(&s->done);
	return 0;
}

static void interrupt(void *arg)
{
	struct vexfs_op op;

	vexfs_op_begin(&op, VEXFS_OP_FUSE, VEXFS_PRIORITY_LOW, 0);
	op.items = 3;
	op.bytes_in = 5;
	op.bytes_out = 7;
	vexfs_op_end(&op, 0);
}

static void op_storm(struct kunit *test)
{
	unsigned int threads = 2 * num_online_cpus(), per = vexfs_kunit_quick ? 2000 : 50000;
	struct stormer *s = kunit_kcalloc(test, threads, sizeof(*s), GFP_KERNEL);
	struct vexfs_hist_data *was = new_data(test), *is = new_data(test);
	struct vexfs_op_stats before, after, st;
	unsigned int i, up, extra = 0, cpu;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_FUSE, false, &before, was), 0);
	for (up = 0; up < threads; up++) {
		struct task_struct *t;

		s[up].n = per;
		init_completion(&s[up].done);
		t = kthread_run(storm_thread, &s[up], "vexfs_ops/%u", up);
		if (IS_ERR(t))
			break;
	}
	for (i = 0; i < 50; i++) {
		KUNIT_EXPECT_EQ(test, vexfs_op_read(VEXFS_OP_FUSE, true, &st, NULL), 0);
		KUNIT_EXPECT_LE(test, st.count, (u64)threads * per + 10000);
		if (i % 10 == 0)
			KUNIT_EXPECT_EQ(test, vexfs_op_reset(), 0);
		if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
			for_each_online_cpu(cpu) {
				smp_call_function_single(cpu, interrupt, NULL, 1);
				extra++;
			}
		}
		cond_resched();
	}
	for (i = 0; i < up; i++)
		wait_for_completion(&s[i].done);
	KUNIT_EXPECT_EQ(test, up, threads);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_FUSE, false, &after, is), 0);
	KUNIT_EXPECT_EQ(test, after.count - before.count, up * per + extra);
	KUNIT_EXPECT_EQ(test, after.errors - before.errors, up * per / 4);
	KUNIT_EXPECT_EQ(test, after.items - before.items, 3 * (up * per + extra));
	KUNIT_EXPECT_EQ(test, after.bytes_in - before.bytes_in, 5 * (up * per + extra));
	KUNIT_EXPECT_EQ(test, after.bytes_out - before.bytes_out, 7 * (up * per + extra));
	i = vexfs_errno_slot(-ENOENT);
	KUNIT_EXPECT_EQ(test, after.err[i] - before.err[i], up * per / 8);
	i = vexfs_errno_slot(-EINTR);
	KUNIT_EXPECT_EQ(test, after.err[i] - before.err[i], up * per / 8);
	KUNIT_EXPECT_EQ(test, is->count - was->count, up * per + extra);
	KUNIT_EXPECT_EQ(test, vexfs_op_count(VEXFS_OP_FUSE), after.count);
}

static void op_statistics(struct kunit *test)
{
	struct vexfs_op_stats st, class;
	u64 errors[VEXFS_ERR_SLOTS];
	struct vexfs_op op;
	void *p;
	u64 ns;

	KUNIT_ASSERT_EQ(test, vexfs_op_reset(), 0);
	vexfs_op_begin(&op, VEXFS_OP_INFO, VEXFS_PRIORITY_HIGH, 0);
	/* Its kind is known only at the end. */
	op.kind = VEXFS_OP_MMAP;
	p = vexfs_op_alloc(&op, 2000, GFP_KERNEL);
	vexfs_pool_free(p, 2000);
	op.distances = 13;
	msleep(20);
	ns = vexfs_op_end(&op, 5);
	KUNIT_EXPECT_GE(test, ns, 15 * NSEC_PER_MSEC);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_MMAP, true, &st, NULL), 0);
	KUNIT_EXPECT_EQ(test, st.count, 1);
	KUNIT_EXPECT_EQ(test, st.errors, 0);
	KUNIT_EXPECT_EQ(test, st.ns, ns);
	KUNIT_EXPECT_EQ(test, st.mean_ns, ns);
	KUNIT_EXPECT_EQ(test, st.heap_gets, 1);
	KUNIT_EXPECT_EQ(test, st.heap_bytes, 2000);
	KUNIT_EXPECT_EQ(test, st.distances, 13);
	KUNIT_EXPECT_LE(test, 100 * (max(st.p50_ns, ns) - min(st.p50_ns, ns)), ns);
	KUNIT_EXPECT_LE(test, st.p999_ns, st.max_ns);
	KUNIT_EXPECT_GT(test, st.rate_60s, 0);
	KUNIT_ASSERT_EQ(test, vexfs_op_read_class(VEXFS_CLASS_CONTROL, true, &class, NULL), 0);
	KUNIT_EXPECT_GE(test, class.count, 1);
	KUNIT_EXPECT_EQ(test, vexfs_op_read(VEXFS_OP_KINDS, true, &st, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_op_read_class(VEXFS_CLASS_COUNT, true, &st, NULL), -EINVAL);

	vexfs_op_begin(&op, VEXFS_OP_MMAP, VEXFS_PRIORITY_HIGH, 0);
	vexfs_op_end(&op, -EINTR);
	KUNIT_ASSERT_EQ(test, vexfs_op_read_errors(VEXFS_OP_MMAP, true, errors), 0);
	KUNIT_EXPECT_EQ(test, errors[vexfs_errno_slot(-EINTR)], 1);
	KUNIT_EXPECT_EQ(test, vexfs_op_read_errors(VEXFS_OP_KINDS, true, errors), -EINVAL);

	/* Reset sets a baseline: the total since load continues. */
	KUNIT_ASSERT_EQ(test, vexfs_op_reset(), 0);
	KUNIT_ASSERT_EQ(test, vexfs_op_read_errors(VEXFS_OP_MMAP, true, errors), 0);
	KUNIT_EXPECT_EQ(test, errors[vexfs_errno_slot(-EINTR)], 0);
	KUNIT_ASSERT_EQ(test, vexfs_op_read_errors(VEXFS_OP_MMAP, false, errors), 0);
	KUNIT_EXPECT_GE(test, errors[vexfs_errno_slot(-EINTR)], 1);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_MMAP, true, &st, NULL), 0);
	KUNIT_EXPECT_EQ(test, st.count, 0);
	KUNIT_EXPECT_EQ(test, st.p50_ns, 0);
	KUNIT_EXPECT_EQ(test, st.max_ns, 0);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_MMAP, false, &st, NULL), 0);
	KUNIT_EXPECT_GE(test, st.count, 1);
}

static void op_deadline(struct kunit *test)
{
	struct vexfs_op op;

	vexfs_op_begin(&op, VEXFS_OP_INFO, VEXFS_PRIORITY_MEDIUM, 0);
	KUNIT_EXPECT_EQ(test, op.deadline_ns, 0);
	KUNIT_EXPECT_EQ(test, vexfs_op_expired(&op), 0);
	vexfs_op_begin(&op, VEXFS_OP_INFO, VEXFS_PRIORITY_MEDIUM, U64_MAX);
	KUNIT_EXPECT_EQ(test, op.deadline_ns, U64_MAX);
	KUNIT_EXPECT_EQ(test, vexfs_op_expired(&op), 0);
	vexfs_op_begin(&op, VEXFS_OP_INFO, VEXFS_PRIORITY_MEDIUM, 5 * NSEC_PER_MSEC);
	/* A sleep is shorter than requested if ticks were late before it. */
	while (ktime_get_ns() < op.deadline_ns)
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, vexfs_op_expired(&op), -ETIME);
}

static void clock(struct kunit *test)
{
	u64 ns = ktime_get_ns(), a = vexfs_clock(), inside = ktime_get_ns(), took;

	while (ktime_get_ns() - inside < 50 * NSEC_PER_MSEC)
		msleep(20);
	took = vexfs_clock_ns(a, vexfs_clock());
	ns = ktime_get_ns() - ns;
	/* One interval is outside, one inside, and the two clocks agree within 1 %. */
	KUNIT_EXPECT_LE(test, took, ns + ns / 100);
	KUNIT_EXPECT_GE(test, took, 49 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, vexfs_clock_ns(a + 10, a), 0);
}

static void names(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < VEXFS_OP_KINDS; i++) {
		KUNIT_ASSERT_NOT_NULL(test, vexfs_op_name(i));
		KUNIT_EXPECT_NOT_NULL(test, vexfs_op_doc(i));
		KUNIT_EXPECT_LT(test, vexfs_op_class(i), VEXFS_CLASS_COUNT);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, vexfs_op_name(i), vexfs_op_name(j));
	}
	KUNIT_EXPECT_NULL(test, vexfs_op_name(VEXFS_OP_KINDS));
	for (i = 0; i < VEXFS_EVENT_KINDS; i++)
		KUNIT_EXPECT_NOT_NULL(test, vexfs_event_name(i));
	KUNIT_EXPECT_STREQ(test, vexfs_errno_name(vexfs_errno_slot(-ETIME)), "ETIME");
	KUNIT_EXPECT_STREQ(test, vexfs_errno_name(vexfs_errno_slot(-EXDEV)), "other");
}

static int check_subject(struct vexfs_subject *s, void *arg)
{
	struct kunit *test = arg;
	u64 *v = kunit_kcalloc(test, VEXFS_SUBJECT_COUNTERS_MAX, sizeof(*v), GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_EXPECT_GT(test, s->counters_n, 0);
	KUNIT_EXPECT_PTR_EQ(test, s->node.next->prev, &s->node);
	for (i = 0; i < s->counters_n; i++) {
		KUNIT_ASSERT_NOT_NULL(test, s->counters[i].name);
		KUNIT_EXPECT_NOT_NULL(test, s->counters[i].unit);
		KUNIT_EXPECT_NOT_NULL(test, s->counters[i].doc);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, s->counters[i].name, s->counters[j].name);
	}
	for (i = 0; i < s->instances(); i++) {
		KUNIT_EXPECT_NOT_NULL(test, s->instance(i));
		KUNIT_EXPECT_EQ(test, s->read(i, i % 2, v), 0);
	}
	return 0;
}

static void subjects(struct kunit *test)
{
	static struct vexfs_subject twin = { .name = "op" };

	KUNIT_EXPECT_EQ(test, vexfs_subject_walk(check_subject, test), 0);
	KUNIT_EXPECT_EQ(test, vexfs_subject_add(&twin), -EEXIST);
	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("nothing"), -ENOENT);
	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("events"), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("pool"), 0);
	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("all"), 0);
	KUNIT_EXPECT_NULL(test, vexfs_subject_find("nothing"));
	KUNIT_EXPECT_NOT_NULL(test, vexfs_subject_find("op"));
}

static void events_lost(struct kunit *test)
{
	struct vexfs_event_stats before, after;
	struct vexfs_event ev = {};
	u64 cursor = vexfs_event_now(), start = cursor, lost, n = 0, lost_all = 0;
	unsigned int i, rounds = 0;

	vexfs_event_stats(&before);
	/* A flood of one kind is rate limited; overwriting the ring takes some seconds. */
	for (i = 0; i < 200; i++)
		vexfs_event_raise(VEXFS_EVENT_TUNED, i, 2 * i, "kunit");
	vexfs_event_stats(&after);
	KUNIT_EXPECT_EQ(test, after.raised - before.raised, 200);
	KUNIT_EXPECT_GE(test, after.thinned - before.thinned, 200 - 3 * 32);
	KUNIT_ASSERT_EQ(test, vexfs_event_read(&cursor, &ev, 1, &lost), 1);
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ(test, ev.seq, start);
	KUNIT_EXPECT_EQ(test, ev.kind, VEXFS_EVENT_TUNED);
	KUNIT_EXPECT_EQ(test, ev.a, 0);
	KUNIT_EXPECT_STREQ(test, ev.subject, "kunit");
	KUNIT_EXPECT_EQ(test, ev.pid, current->pid);

	/* All kinds, until the ring has wrapped once. */
	while (vexfs_event_now() < start + VEXFS_EVENT_RING + 5 && rounds++ < 40) {
		for (i = 0; i < 64 * VEXFS_EVENT_KINDS; i++)
			vexfs_event_raise(i % VEXFS_EVENT_KINDS, i, 0, NULL);
		msleep(300);
	}
	KUNIT_ASSERT_GE(test, vexfs_event_now(), start + VEXFS_EVENT_RING + 5);
	cursor = start;
	while (vexfs_event_read(&cursor, &ev, 1, &lost)) {
		lost_all += lost;
		n++;
	}
	KUNIT_EXPECT_GE(test, lost_all, 5);
	KUNIT_EXPECT_EQ(test, lost_all + n, cursor - start);
	KUNIT_EXPECT_EQ(test, vexfs_event_read(&cursor, &ev, 1, &lost), 0);
}

static DECLARE_COMPLETION(listener_heard);
static u64 listener_a;

static int hear_event_test(struct notifier_block *nb, unsigned long lost, void *data)
{
	const struct vexfs_event *ev = data;

	if (ev->kind == VEXFS_EVENT_VARIANT && !strcmp(ev->subject, "kunit-listener")) {
		listener_a = ev->a;
		complete(&listener_heard);
	}
	return NOTIFY_OK;
}

static void event_listener(struct kunit *test)
{
	struct notifier_block nb = { .notifier_call = hear_event_test };

	vexfs_event_listen(&nb);
	/* The previous second may have been part of a flood. */
	msleep(1100);
	vexfs_event_raise(VEXFS_EVENT_VARIANT, 77, 0, "kunit-listener");
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&listener_heard, 10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, listener_a, 77);
	vexfs_event_ignore(&nb);
}

/* ---- locks ---- */

static DEFINE_SPINLOCK(contended_lock);
static DECLARE_COMPLETION(lock_held);
static DECLARE_COMPLETION(lock_left);

/* With a spinlock held, so not by vexfs_lock_read(), which may sleep. */
static u64 contended_now(void)
{
	unsigned int cpu;
	u64 n = 0;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu_ptr(&vexfs_lock_counts[VEXFS_LOCK_SLOTS], cpu)->contended);
	return n;
}

/* Holds the lock until somebody is seen to ask for it. */
static int hold_lock(void *arg)
{
	u64 until = ktime_get_ns() + 2 * NSEC_PER_SEC, was;

	spin_lock(&contended_lock);
	was = contended_now();
	complete(&lock_held);
	while (contended_now() == was && ktime_get_ns() < until)
		cpu_relax();
	spin_unlock(&contended_lock);
	complete(&lock_left);
	return 0;
}

static void lock_contention(struct kunit *test)
{
	struct vexfs_lock_counts before, after;
	struct task_struct *t;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU has no contention");
	vexfs_lock_read(VEXFS_LOCK_SLOTS, false, &before);
	vexfs_lock(&contended_lock, VEXFS_LOCK_SLOTS);
	spin_unlock(&contended_lock);
	vexfs_lock_read(VEXFS_LOCK_SLOTS, false, &after);
	KUNIT_EXPECT_GT(test, after.acquired, before.acquired);

	reinit_completion(&lock_held);
	reinit_completion(&lock_left);
	t = kthread_run(hold_lock, NULL, "vexfs_holder");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	wait_for_completion(&lock_held);
	vexfs_lock(&contended_lock, VEXFS_LOCK_SLOTS);
	spin_unlock(&contended_lock);
	wait_for_completion(&lock_left);
	vexfs_lock_read(VEXFS_LOCK_SLOTS, false, &before);
	KUNIT_EXPECT_GT(test, before.contended, after.contended);
	KUNIT_EXPECT_GT(test, before.acquired, after.acquired);
}

/* Of a subject's instance 0, every counter. */
static void read_counters(struct kunit *test, const char *subject, bool since_reset, u64 *v)
{
	struct vexfs_subject *s = vexfs_subject_find(subject);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, s->read(0, since_reset, v), 0);
}

/* Somebody else may use the module beside the test: it can add to counters, and nothing more. */
static void lock_reset(struct kunit *test)
{
	struct vexfs_lock_counts before, after, since;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("lock"), 0);
	for (i = 0; i < 1000; i++) {
		vexfs_lock(&contended_lock, VEXFS_LOCK_IDS);
		spin_unlock(&contended_lock);
	}
	read_counters(test, "lock", false, (u64 *)&before);
	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("lock"), 0);
	read_counters(test, "lock", true, (u64 *)&since);
	read_counters(test, "lock", false, (u64 *)&after);
	KUNIT_EXPECT_GE(test, before.acquired, 1000);
	KUNIT_EXPECT_GE(test, after.acquired, before.acquired);
	KUNIT_EXPECT_GE(test, after.contended, before.contended);
	/* what is left since the reset came after it */
	KUNIT_EXPECT_LE(test, since.acquired, after.acquired - before.acquired);
	KUNIT_EXPECT_LE(test, since.contended, after.contended - before.contended);

	vexfs_lock(&contended_lock, VEXFS_LOCK_IDS);
	spin_unlock(&contended_lock);
	read_counters(test, "lock", true, (u64 *)&since);
	KUNIT_EXPECT_GE(test, since.acquired, 1);
}

/* ---- parts of ops ---- */

static void timed_parts(struct kunit *test)
{
	struct vexfs_timed before, after, since;
	struct vexfs_op op;
	unsigned int i, n = 0;
	void *p;

	vexfs_timed_read(false, &before);
	preempt_disable();
	for (i = 0; i < 5 * VEXFS_TIMED_EVERY; i++)
		n += vexfs_timed_begin();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, n, 5);
	vexfs_timed_read(false, &after);
	KUNIT_EXPECT_GE(test, after.ops, before.ops + 5);

	vexfs_op_begin(&op, VEXFS_OP_GET, 0, 0);
	KUNIT_EXPECT_FALSE(test, op.timed);
	op.timed = true;
	p = vexfs_op_alloc(&op, 1000, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, p);
	vexfs_pool_free(p, 1000);
	vexfs_op_end(&op, 0);
	vexfs_timed_read(false, &before);
	KUNIT_EXPECT_GT(test, before.buffers, after.buffers);
	KUNIT_EXPECT_GT(test, before.buffer_ns, after.buffer_ns);

	KUNIT_EXPECT_EQ(test, vexfs_subject_reset("timed"), 0);
	read_counters(test, "timed", true, (u64 *)&since);
	read_counters(test, "timed", false, (u64 *)&after);
	KUNIT_EXPECT_GE(test, after.ops, before.ops);
	KUNIT_EXPECT_GE(test, after.buffer_ns, before.buffer_ns);
	KUNIT_EXPECT_LE(test, since.ops, after.ops - before.ops);
	KUNIT_EXPECT_LE(test, since.in_ns, after.in_ns - before.in_ns);
	KUNIT_EXPECT_LE(test, since.out_ns, after.out_ns - before.out_ns);
	KUNIT_EXPECT_LE(test, since.buffers, after.buffers - before.buffers);
	KUNIT_EXPECT_LE(test, since.buffer_ns, after.buffer_ns - before.buffer_ns);
}

static struct kunit_case stat_cases[] = {
	KUNIT_CASE(hist_buckets),
	KUNIT_CASE(hist_percentiles),
	KUNIT_CASE(op_storm),
	KUNIT_CASE(op_statistics),
	KUNIT_CASE(op_deadline),
	KUNIT_CASE(clock),
	KUNIT_CASE(names),
	KUNIT_CASE(subjects),
	KUNIT_CASE(lock_contention),
	KUNIT_CASE(lock_reset),
	KUNIT_CASE(timed_parts),
	KUNIT_CASE(events_lost),
	KUNIT_CASE(event_listener),
	{}
};

static struct kunit_suite stat_suite = {
	.name = "vexfs_stat",
	.test_cases = stat_cases,
};

kunit_test_suite(stat_suite);
