// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that keeps hit rate and utilisation of the pools: once a second it
 * looks at each tier and says what size it should have. How a size is changed is
 * in pool_manage.c.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "mem/pool_priv.h"

/* It looks this often, and judges a tier only by so many requests. */
#define ROUND_MS	1000u
#define ROUND_ALLOCS	64u
/* A tier shrinks by a tenth after so many rounds of using less than half of what it may. */
#define CALM_ROUNDS	30u
/* Buffers in use cannot be moved: what compaction did not cure, it leaves alone for a while. */
#define COMPACT_ROUNDS	60u

/*
 * Guards everything below; the lock of the sizes nests inside. @up: the pools
 * are there, and a parameter may wake the worker.
 */
static DEFINE_MUTEX(auto_lock);
static bool up;

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

/* One tier, one round. */
static u32 judge(unsigned int tier, u32 size, u32 least)
{
	struct vexfs_pool_stats st, *old = &seen[tier];
	u64 allocs, hits;
	u32 peak;

	vexfs_tier_read_round(&vexfs_tiers[tier], &st, &peak);
	allocs = st.allocs - old->allocs;
	hits = st.hits - old->hits;
	*old = st;
	return vexfs_pool_judge(&rounds[tier], size, least, peak, allocs, hits);
}

static bool may_compact(unsigned int tier)
{
	if (rounds_done < next_compact[tier])
		return false;
	next_compact[tier] = rounds_done + COMPACT_ROUNDS;
	return true;
}

static void auto_round(struct work_struct *work);
static DECLARE_DELAYED_WORK(auto_work, auto_round);

static void auto_round(struct work_struct *work)
{
	mutex_lock(&auto_lock);
	vexfs_pool_adjust(judge);
	if (READ_ONCE(vexfs_pool_compaction))
		vexfs_pool_compact_if(READ_ONCE(vexfs_pool_compact_pct) * 10000, may_compact);
	rounds_done++;
	if (up && READ_ONCE(vexfs_pool_auto))
		schedule_delayed_work(&auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

int vexfs_pool_apply_auto(const struct vexfs_tunable *t, u32 v)
{
	mutex_lock(&auto_lock);
	WRITE_ONCE(*t->value, v);
	if (up && v)
		schedule_delayed_work(&auto_work, 0);
	mutex_unlock(&auto_lock);
	return 0;
}

void vexfs_pool_last_round(enum vexfs_tier_id tier, struct vexfs_pool_round *r)
{
	mutex_lock(&auto_lock);
	*r = rounds[tier];
	mutex_unlock(&auto_lock);
}

void vexfs_pool_auto_up(void)
{
	mutex_lock(&auto_lock);
	up = true;
	if (vexfs_pool_auto)
		schedule_delayed_work(&auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

void vexfs_pool_auto_down(void)
{
	mutex_lock(&auto_lock);
	up = false;
	mutex_unlock(&auto_lock);
	cancel_delayed_work_sync(&auto_work);
}
