// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of the gates and queues. Counters are per CPU. Readers add them up, at most once
 * per bridge_sync_threshold_us.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "bridge/stats.h"
#include "compat/compat.h"
#include "mem/tunable.h"
#include "stat/counter.h"
#include "stat/hist.h"

static VEXFS_TUNABLE(bridge_sync_threshold_us, 2000, 0, 10000000, "us",
		     "Statistics of the bridge that are not older than this are not added up again",
		     0644);

static VEXFS_TUNABLE(bridge_heartbeat, 1, 0, 1, "flag",
		     "Note when one of those that wait goes on, so that a stall is seen", 0644);

#define TIMES(stage, what)								\
	{ stage "_mean_ns", "ns", "mean time " what, VEXFS_GAUGE },			\
	{ stage "_p50_ns", "ns", "median time " what, VEXFS_GAUGE },			\
	{ stage "_p95_ns", "ns", "95th percentile of the time " what, VEXFS_GAUGE },	\
	{ stage "_p99_ns", "ns", "99th percentile of the time " what, VEXFS_GAUGE },	\
	{ stage "_max_ns", "ns", "longest time " what, VEXFS_GAUGE }

#define TIMES_PER_STAGE	5u

static const struct vexfs_counter bridge_counters[] = {
	{ "submitted", "ops", "ops that arrived", VEXFS_COUNTER },
	{ "at_once", "ops", "ops that ran at once in their caller's context", VEXFS_COUNTER },
	{ "waited", "ops", "ops that had to wait", VEXFS_COUNTER },
	{ "waiting", "ops", "ops that wait now", VEXFS_GAUGE },
	{ "running", "ops", "ops that run now; a shared run counts once", VEXFS_GAUGE },
	{ "completed", "ops", "ops that have completed", VEXFS_COUNTER },
	{ "coalesced", "ops", "ops that were answered in the run of another", VEXFS_COUNTER },
	{ "shared_runs", "runs", "runs that answered several ops", VEXFS_COUNTER },
	{ "shared_queries", "queries", "queries answered by shared runs", VEXFS_COUNTER },
	{ "batch_2", "runs", "shared runs of 2 queries", VEXFS_COUNTER },
	{ "batch_4", "runs", "shared runs of 3 or 4", VEXFS_COUNTER },
	{ "batch_8", "runs", "shared runs of 5 to 8", VEXFS_COUNTER },
	{ "batch_16", "runs", "shared runs of 9 to 16", VEXFS_COUNTER },
	{ "batch_32", "runs", "shared runs of 17 to 32", VEXFS_COUNTER },
	{ "batch_64", "runs", "shared runs of 33 to 64", VEXFS_COUNTER },
	{ "batch_128", "runs", "shared runs of 65 to 128", VEXFS_COUNTER },
	{ "batch_more", "runs", "shared runs of more", VEXFS_COUNTER },
	{ "dropped", "ops", "ops that were refused because too many waited", VEXFS_COUNTER },
	{ "late", "ops", "ops whose deadline passed while they waited", VEXFS_COUNTER },
	{ "cancelled", "ops", "ops that were cancelled or interrupted while they waited",
	  VEXFS_COUNTER },
	{ "again", "ops", "ops that ran again, after a shared run or an attempt failed",
	  VEXFS_COUNTER },
	{ "paused", "pauses", "pauses that ops made because ops of high priority ran",
	  VEXFS_COUNTER },
	TIMES("queue", "from submission to the run"),
	TIMES("run", "of the run"),
	TIMES("reap", "from the end until it was reaped"),
	{ "stalled_ms", "ms", "time since a waiting op last went on, while ops wait", VEXFS_GAUGE },
};

#define VALUES		ARRAY_SIZE(bridge_counters)
#define AT_TIMES	(VALUES - 1 - VEXFS_BRIDGE_STAGES * TIMES_PER_STAGE)

/* Each count gives a value, but VEXFS_BRIDGE_ENDED: "running" is made from it and STARTED. */
static_assert(VEXFS_BRIDGE_COUNTS - 1 == AT_TIMES);

static const char *const place_names[] = {
	[VEXFS_BRIDGE_GATE + VEXFS_PRIORITY_MEDIUM] = "medium",
	[VEXFS_BRIDGE_GATE + VEXFS_PRIORITY_HIGH] = "high",
	[VEXFS_BRIDGE_GATE + VEXFS_PRIORITY_LOW] = "low",
	[VEXFS_BRIDGE_QUEUE + VEXFS_PRIORITY_MEDIUM] = "async_medium",
	[VEXFS_BRIDGE_QUEUE + VEXFS_PRIORITY_HIGH] = "async_high",
	[VEXFS_BRIDGE_QUEUE + VEXFS_PRIORITY_LOW] = "async_low",
};

static_assert(ARRAY_SIZE(place_names) == VEXFS_BRIDGE_PLACES);

/* Counters of one CPU. */
struct tally {
	u64 count[VEXFS_BRIDGE_PLACES][VEXFS_BRIDGE_COUNTS];
	u64 ns[VEXFS_BRIDGE_PLACES][VEXFS_BRIDGE_STAGES];
	u64 timed[VEXFS_BRIDGE_PLACES][VEXFS_BRIDGE_STAGES];
};

/**
 * struct place - one instance of the statistics
 * @hist: histogram of the times of each stage
 * @base: counts at the last reset
 * @base_hist: histograms at the last reset; NULL before the first one
 * @base_ns: sums of the times at the last reset
 * @base_timed: number of these times
 * @beat_ns: when a waiting op last went on
 * @value: values that were read last: since load, since reset
 * @read_ns: when they were read
 */
struct place {
	struct vexfs_hist hist[VEXFS_BRIDGE_STAGES];
	u64 base[VEXFS_BRIDGE_COUNTS];
	struct vexfs_hist_data *base_hist[VEXFS_BRIDGE_STAGES];
	u64 base_ns[VEXFS_BRIDGE_STAGES];
	u64 base_timed[VEXFS_BRIDGE_STAGES];
	u64 beat_ns;
	u64 value[2][VALUES];
	u64 read_ns[2];
};

static struct tally __percpu *tallies;
static struct place places[VEXFS_BRIDGE_PLACES];
/* Readers and resets, one at a time. */
static DEFINE_MUTEX(places_lock);

/* ---- counting ---- */

/*
 * Preemption is all that has to be off: a soft interrupt counts only for queues, and those only
 * with bottom halves off. Where there is no instruction for it this_cpu_add() disables interrupts,
 * and an op counts a dozen times.
 */
void vexfs_bridge_add(u32 place, enum vexfs_bridge_count what, u64 n)
{
	preempt_disable();
	raw_cpu_add(tallies->count[place][what], n);
	preempt_enable();
}

void vexfs_bridge_time(u32 place, enum vexfs_bridge_stage stage, u64 ns)
{
	preempt_disable();
	raw_cpu_add(tallies->ns[place][stage], ns);
	raw_cpu_inc(tallies->timed[place][stage]);
	preempt_enable();
	vexfs_hist_add(&places[place].hist[stage], ns);
}

void vexfs_bridge_batch(u32 place, u32 items)
{
	u32 size = min(order_base_2(max(items, 2u)), 8) - 1;

	vexfs_bridge_inc(place, VEXFS_BRIDGE_SHARED_RUNS);
	vexfs_bridge_add(place, VEXFS_BRIDGE_SHARED_ITEMS, items);
	vexfs_bridge_inc(place, VEXFS_BRIDGE_BATCH + size);
}

void vexfs_bridge_beat(u32 place)
{
	u64 now = ktime_get_coarse_ns();

	if (!READ_ONCE(vexfs_bridge_heartbeat))
		return;
	/* written once per tick of the coarse clock, so that the cache line is mostly shared */
	if (READ_ONCE(places[place].beat_ns) != now)
		WRITE_ONCE(places[place].beat_ns, now);
}

/* ---- reading ---- */

static u64 sum_of(const u64 __percpu *p)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(p, cpu));
	return sum;
}

static void read_times(struct place *p, u32 i, u32 stage, bool since_reset,
		       struct vexfs_hist_data *hist, u64 *v)
{
	u64 ns = sum_of(&tallies->ns[i][stage]), n = sum_of(&tallies->timed[i][stage]);

	memset(hist, 0, sizeof(*hist));
	vexfs_hist_read(&p->hist[stage], hist);
	if (since_reset) {
		ns -= p->base_ns[stage];
		n -= p->base_timed[stage];
		if (p->base_hist[stage])
			vexfs_hist_subtract(hist, p->base_hist[stage]);
	}
	v[0] = n ? div64_u64(ns, n) : 0;
	v[1] = vexfs_hist_percentile(hist, 500000);
	v[2] = vexfs_hist_percentile(hist, 950000);
	v[3] = vexfs_hist_percentile(hist, 990000);
	v[4] = vexfs_hist_max(hist);
}

static int read_place(struct place *p, u32 i, bool since_reset, u64 *v)
{
	struct vexfs_hist_data *hist = vexfs_hist_data_new();
	u64 count[VEXFS_BRIDGE_COUNTS], waiting, running, now = ktime_get_ns();
	u32 c, at = 0;

	if (!hist)
		return -ENOMEM;
	for (c = 0; c < VEXFS_BRIDGE_COUNTS; c++)
		count[c] = sum_of(&tallies->count[i][c]);
	/* counters change while they are added up: an op may be seen leaving but not arriving */
	waiting = max_t(s64, count[VEXFS_BRIDGE_WAITED] - count[VEXFS_BRIDGE_UNWAITED], 0);
	running = max_t(s64, count[VEXFS_BRIDGE_STARTED] - count[VEXFS_BRIDGE_ENDED], 0);
	for (c = 0; c < VEXFS_BRIDGE_COUNTS; c++) {
		if (c == VEXFS_BRIDGE_UNWAITED)
			v[at++] = waiting;
		else if (c == VEXFS_BRIDGE_STARTED)
			v[at++] = running;
		else if (c != VEXFS_BRIDGE_ENDED)
			v[at++] = count[c] - (since_reset ? p->base[c] : 0);
	}
	for (c = 0; c < VEXFS_BRIDGE_STAGES; c++, at += TIMES_PER_STAGE)
		read_times(p, i, c, since_reset, hist, v + at);
	v[at] = waiting && READ_ONCE(vexfs_bridge_heartbeat) && now > READ_ONCE(p->beat_ns) ?
		div_u64(now - READ_ONCE(p->beat_ns), NSEC_PER_MSEC) : 0;
	p->read_ns[since_reset] = now;
	kvfree(hist);
	return 0;
}

static unsigned int bridge_instances(void)
{
	return VEXFS_BRIDGE_PLACES;
}

static const char *bridge_instance(unsigned int i)
{
	return place_names[i];
}

static int bridge_read(unsigned int i, bool since_reset, u64 *values)
{
	u64 fresh = READ_ONCE(vexfs_bridge_sync_threshold_us) * (u64)NSEC_PER_USEC;
	struct place *p = &places[i];
	int err = 0;

	mutex_lock(&places_lock);
	if (!p->read_ns[since_reset] || ktime_get_ns() - p->read_ns[since_reset] >= fresh)
		err = read_place(p, i, since_reset, p->value[since_reset]);
	if (!err)
		memcpy(values, p->value[since_reset], sizeof(p->value[since_reset]));
	mutex_unlock(&places_lock);
	return err;
}

/* ---- reset ---- */

static int reset_place(struct place *p, u32 i)
{
	u32 c;

	for (c = 0; c < VEXFS_BRIDGE_STAGES; c++) {
		if (!p->base_hist[c])
			p->base_hist[c] = vexfs_hist_data_new();
		if (!p->base_hist[c])
			return -ENOMEM;
	}
	for (c = 0; c < VEXFS_BRIDGE_STAGES; c++) {
		memset(p->base_hist[c], 0, sizeof(*p->base_hist[c]));
		vexfs_hist_read(&p->hist[c], p->base_hist[c]);
		p->base_ns[c] = sum_of(&tallies->ns[i][c]);
		p->base_timed[c] = sum_of(&tallies->timed[i][c]);
	}
	for (c = 0; c < VEXFS_BRIDGE_COUNTS; c++)
		p->base[c] = sum_of(&tallies->count[i][c]);
	memset(p->read_ns, 0, sizeof(p->read_ns));
	return 0;
}

int vexfs_bridge_stats_reset(void)
{
	int err = 0;
	u32 i;

	mutex_lock(&places_lock);
	for (i = 0; i < VEXFS_BRIDGE_PLACES && !err; i++)
		err = reset_place(&places[i], i);
	mutex_unlock(&places_lock);
	return err;
}

static struct vexfs_subject bridge_subject = {
	.name = "bridge", .doc = "ops at the gates of collections, and in the queues of descriptors",
	.counters = bridge_counters, .counters_n = VALUES,
	.instances = bridge_instances, .instance = bridge_instance,
	.read = bridge_read, .reset = vexfs_bridge_stats_reset,
};

/* ---- life ---- */

void vexfs_bridge_exit(void)
{
	u32 i, c;

	vexfs_subject_del(&bridge_subject);
	for (i = 0; i < VEXFS_BRIDGE_PLACES; i++) {
		for (c = 0; c < VEXFS_BRIDGE_STAGES; c++) {
			vexfs_hist_exit(&places[i].hist[c]);
			kvfree(places[i].base_hist[c]);
		}
	}
	free_percpu(tallies);
}

int vexfs_bridge_init(void)
{
	u32 n = VEXFS_BRIDGE_PLACES * VEXFS_BRIDGE_STAGES, i;
	int err = -ENOMEM;

	tallies = alloc_percpu(struct tally);
	if (!tallies)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = vexfs_hist_init(&places[i / VEXFS_BRIDGE_STAGES].hist[i % VEXFS_BRIDGE_STAGES]);
		if (err)
			goto free;
	}
	err = vexfs_subject_add(&bridge_subject);
	if (!err)
		return 0;
free:
	while (i--)
		vexfs_hist_exit(&places[i / VEXFS_BRIDGE_STAGES].hist[i % VEXFS_BRIDGE_STAGES]);
	free_percpu(tallies);
	return err;
}
