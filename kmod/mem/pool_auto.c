// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that keeps hit rate and utilisation of the tiers: once a second it reads
 * the statistics of each tier and says what size it should have. No request passes
 * through here.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "mem/pool_priv.h"
#include "mem/tunable.h"

static int apply_auto(const struct vexfs_tunable *t, u32 v);

VEXFS_TUNABLE(pool_auto, 1, 0, 1, "flag",
	      "Let a worker keep hit rate and utilisation of the pools", 0644,
	      .apply = apply_auto);
static VEXFS_TUNABLE(pool_min_hit_pct, 90, 1, 100, "percent",
	      "Hit rate below which the worker makes a tier larger", 0644);
static VEXFS_TUNABLE(pool_max_use_pct, 80, 10, 100, "percent",
	      "Utilisation above which the worker makes a tier larger", 0644);
static VEXFS_TUNABLE(pool_compaction, 1, 0, 1, "flag",
	      "Let the worker compact tiers", 0644);
static VEXFS_TUNABLE(pool_compact_pct, 70, 1, 100, "percent",
	      "Fragmentation above which a tier is compacted", 0644);

/* Period of the worker, and how many requests it needs to judge a tier. */
#define ROUND_MS	1000u
#define ROUND_ALLOCS	64u
/* A tier shrinks by a tenth after so many rounds of using less than half of what it may. */
#define CALM_ROUNDS	30u
/* How long memory counts as short after the last call of the shrinker. */
#define PRESSURE_MS	10000u
/* Buffers in use cannot be moved: a tier that compaction did not improve is left alone. */
#define COMPACT_ROUNDS	60u

/*
 * Guards everything below; the lock of the sizes nests inside. @worker_up: the pools
 * are there, and a parameter may wake the worker.
 */
static DEFINE_MUTEX(auto_lock);
static bool worker_up;
/* The worker leaves the tiers unchanged. */
static bool fixed;

static struct vexfs_pool_stats seen[VEXFS_TIER_HUGE];
static struct vexfs_pool_round rounds[VEXFS_TIER_HUGE];
static u64 rounds_done;
static u64 next_compact[VEXFS_TIER_HUGE];

/*
 * Grows by a quarter at once when the tier misses or is too full; shrinks by a
 * tenth, not below what was asked for by hand, only after it has used less than
 * half of what it may for CALM_ROUNDS in a row. The gap between the two keeps it
 * from swinging.
 */
u32 vexfs_pool_judge(struct vexfs_pool_round *r, u32 size, u32 floor_size, u32 peak,
		     u64 allocs, u64 hits)
{
	u64 min_hit = READ_ONCE(vexfs_pool_min_hit_pct) * 10000ULL;
	u64 max_use = READ_ONCE(vexfs_pool_max_use_pct) * 10000ULL;

	r->hit_ppm = allocs ? div64_u64(hits * 1000000, allocs) : 1000000;
	r->use_ppm = size ? div64_u64(peak * 1000000ULL, size) : 0;
	if (r->use_ppm > max_use || (allocs >= ROUND_ALLOCS && r->hit_ppm < min_hit)) {
		u64 want = div64_u64(peak * 1000000ULL, max_use) + 1;

		r->calm = 0;
		return max_t(u64, size + size / 4 + 1, want);
	}
	if (size <= floor_size || r->use_ppm > max_use / 2) {
		r->calm = 0;
		return size;
	}
	if (++r->calm < CALM_ROUNDS)
		return size;
	r->calm = 0;
	return max(size - size / 10, floor_size);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_judge);

/* When the shrinker was last called, and whether it ever was. */
static unsigned long pressed_at;
static bool ever_pressed;

void vexfs_pool_pressed(void)
{
	WRITE_ONCE(pressed_at, jiffies);
	WRITE_ONCE(ever_pressed, true);
}

bool vexfs_pool_under_pressure(void)
{
	return READ_ONCE(ever_pressed) &&
	       time_before(jiffies, READ_ONCE(pressed_at) + msecs_to_jiffies(PRESSURE_MS));
}

/* One tier, one round. */
static u32 judge_tier(unsigned int tier, u32 size, u32 least)
{
	struct vexfs_pool_stats st, *old = &seen[tier];
	u64 allocs, misses;
	u32 peak, want;

	vexfs_tier_read_round(&vexfs_tiers[tier], &st, &peak);
	allocs = st.allocs - old->allocs;
	misses = min(st.misses - old->misses, allocs);
	*old = st;
	want = vexfs_pool_judge(&rounds[tier], size, least, peak, allocs, allocs - misses);
	/* Buffers taken by the shrinker cause misses: growing now would undo its work. */
	return vexfs_pool_under_pressure() ? min(want, size) : want;
}

static bool may_compact(unsigned int tier)
{
	if (rounds_done < next_compact[tier])
		return false;
	next_compact[tier] = rounds_done + COMPACT_ROUNDS;
	return true;
}

static void auto_round(struct work_struct *work);
/* Runs on a housekeeping CPU and wakes no idle CPU, since idle pools need no work. */
static DECLARE_DEFERRABLE_WORK(auto_work, auto_round);

static void auto_round(struct work_struct *work)
{
	mutex_lock(&auto_lock);
	if (!fixed) {
		vexfs_pool_adjust(judge_tier);
		if (READ_ONCE(vexfs_pool_compaction) && !vexfs_pool_under_pressure())
			vexfs_pool_compact_if(READ_ONCE(vexfs_pool_compact_pct) * 10000,
					      may_compact);
	}
	rounds_done++;
	if (worker_up && READ_ONCE(vexfs_pool_auto))
		queue_delayed_work(system_dfl_wq, &auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

static int apply_auto(const struct vexfs_tunable *t, u32 v)
{
	mutex_lock(&auto_lock);
	WRITE_ONCE(*t->value, v);
	if (worker_up && v)
		queue_delayed_work(system_dfl_wq, &auto_work, 0);
	mutex_unlock(&auto_lock);
	return 0;
}

void vexfs_pool_fix(bool on)
{
	mutex_lock(&auto_lock);
	fixed = on;
	mutex_unlock(&auto_lock);
}

void vexfs_pool_last_round(enum vexfs_tier_id tier, struct vexfs_pool_round *r)
{
	mutex_lock(&auto_lock);
	*r = rounds[tier];
	mutex_unlock(&auto_lock);
}

void vexfs_pool_auto_start(void)
{
	mutex_lock(&auto_lock);
	worker_up = true;
	if (vexfs_pool_auto)
		queue_delayed_work(system_dfl_wq, &auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

void vexfs_pool_auto_stop(void)
{
	mutex_lock(&auto_lock);
	worker_up = false;
	mutex_unlock(&auto_lock);
	cancel_delayed_work_sync(&auto_work);
}
