// SPDX-License-Identifier: GPL-2.0
/*
 * How large the tiers are: sizes set by hand, memory given up under pressure,
 * compaction, and the worker that keeps hit rate and utilisation: once a second
 * it looks at each tier and says what size it should have. No request passes
 * through here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "compat/shrinker.h"
#include "mem/kept.h"
#include "mem/pool_priv.h"
#include "mem/scratch.h"

/*
 * Serialises everything that changes sizes; the tiers' own locks nest inside.
 * @pools_up tells a parameter set while the module loads from one set later.
 */
static DEFINE_MUTEX(sizes_lock);
static bool pools_up;

static u32 *const size_params[VEXFS_TIER_HUGE] = {
	[VEXFS_TIER_SMALL] = &vexfs_pool_small,
	[VEXFS_TIER_MEDIUM] = &vexfs_pool_medium,
	[VEXFS_TIER_LARGE] = &vexfs_pool_large,
};

static bool within_limit(const u32 counts[VEXFS_TIER_HUGE], u32 limit_mb)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		bytes += (u64)vexfs_tier_keep(counts[i]) * vexfs_pool_tier_bytes(i);
	return bytes <= (u64)limit_mb << 20;
}

static void sizes_now(u32 counts[VEXFS_TIER_HUGE])
{
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		counts[i] = *size_params[i];
}

static void set_one(unsigned int tier, u32 count)
{
	struct vexfs_tier *t = &vexfs_tiers[tier];

	mutex_lock(&t->manage);
	vexfs_tier_set_size(t, count);
	mutex_unlock(&t->manage);
}

static int resize_one(unsigned int tier, u32 count)
{
	struct vexfs_tier *t = &vexfs_tiers[tier];
	int err;

	mutex_lock(&t->manage);
	err = vexfs_tier_resize(t, count);
	mutex_unlock(&t->manage);
	return err;
}

/* All or nothing; under sizes_lock. */
static int resize_all(const u32 counts[VEXFS_TIER_HUGE])
{
	u32 old[VEXFS_TIER_HUGE];
	unsigned int i;
	int err;

	if (!within_limit(counts, vexfs_pool_limit_mb))
		return -E2BIG;
	sizes_now(old);
	for (i = 0; i < VEXFS_TIER_HUGE && pools_up && vexfs_pool_enabled; i++) {
		err = resize_one(i, counts[i]);
		if (err) {
			/* As before. What has shrunk fills again as it is used. */
			while (i--)
				set_one(i, old[i]);
			return err;
		}
	}
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		WRITE_ONCE(*size_params[i], counts[i]);
	return 0;
}

/* The worker does not go below what an operator has asked for. */
static u32 floor[VEXFS_TIER_HUGE];

static int resize_by_hand(const u32 counts[VEXFS_TIER_HUGE])
{
	int err = resize_all(counts);

	if (!err)
		memcpy(floor, counts, sizeof(floor));
	return err;
}

int vexfs_pool_resize_all(const u32 counts[VEXFS_TIER_HUGE])
{
	int err;

	mutex_lock(&sizes_lock);
	err = resize_by_hand(counts);
	mutex_unlock(&sizes_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_resize_all);

int vexfs_pool_resize(enum vexfs_tier_id tier, u32 count)
{
	u32 counts[VEXFS_TIER_HUGE];
	int err;

	if (tier >= VEXFS_TIER_HUGE)
		return -EINVAL;
	mutex_lock(&sizes_lock);
	sizes_now(counts);
	counts[tier] = count;
	err = resize_by_hand(counts);
	mutex_unlock(&sizes_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_resize);

int vexfs_pool_grow(u32 percent)
{
	u32 counts[VEXFS_TIER_HUGE];
	u64 more = 0;
	unsigned int i;
	int err;

	if (!percent || percent > 1000)
		return -EINVAL;
	mutex_lock(&sizes_lock);
	sizes_now(counts);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		u64 step = DIV_ROUND_UP_ULL((u64)counts[i] * percent, 100);

		more += step * vexfs_pool_tier_bytes(i);
		counts[i] = min_t(u64, counts[i] + step, U32_MAX);
	}
	/* In an emergency, do not make it worse. */
	if (more > ((u64)max(si_mem_available(), 0L) << PAGE_SHIFT) / 4)
		err = -ENOMEM;
	else
		err = resize_by_hand(counts);
	mutex_unlock(&sizes_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_grow);

void vexfs_pool_drain(void)
{
	unsigned int i;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_tier_gather(&vexfs_tiers[i]);
		vexfs_tier_trim(&vexfs_tiers[i], 0, U32_MAX);
	}
	mutex_unlock(&sizes_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_drain);

int vexfs_pool_refill(void)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE && !err; i++)
		err = vexfs_tier_fill(&vexfs_tiers[i]);
	mutex_unlock(&sizes_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_refill);

static int compact_if(u32 above_ppm, bool (*due)(unsigned int tier))
{
	struct vexfs_pool_stats st;
	unsigned int i;
	int n = 0;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		struct vexfs_tier *t = &vexfs_tiers[i];

		vexfs_tier_read(t, false, &st);
		if (st.frag_ppm <= above_ppm || (due && !due(i)))
			continue;
		mutex_lock(&t->manage);
		vexfs_tier_compact(t);
		mutex_unlock(&t->manage);
		n++;
	}
	mutex_unlock(&sizes_lock);
	return n;
}

int vexfs_pool_compact(u32 above_ppm)
{
	return compact_if(above_ppm, NULL);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_compact);

static void adjust(u32 (*want)(unsigned int tier, u32 size, u32 least))
{
	u32 counts[VEXFS_TIER_HUGE];
	unsigned int i;

	mutex_lock(&sizes_lock);
	sizes_now(counts);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		u32 old = counts[i];

		counts[i] = want(i, old, floor[i]);
		/* Beyond the limit or out of memory: it stays as it is. */
		if (counts[i] != old && (!vexfs_pool_enabled || resize_all(counts)))
			counts[i] = old;
	}
	mutex_unlock(&sizes_lock);
}

/* The worker. */

/* It looks this often, and judges a tier only by so many requests. */
#define ROUND_MS	1000u
#define ROUND_ALLOCS	64u
/* A tier shrinks by a tenth after so many rounds of using less than half of what it may. */
#define CALM_ROUNDS	30u
/* Memory is short for so long after the kernel has last asked for some back. */
#define PRESSURE_MS	10000u
/* Buffers in use cannot be moved: what compaction did not cure, it leaves alone for a while. */
#define COMPACT_ROUNDS	60u

/*
 * Guards everything below; the lock of the sizes nests inside. @worker_up: the pools
 * are there, and a parameter may wake the worker.
 */
static DEFINE_MUTEX(auto_lock);
static bool worker_up;

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

/* When the kernel last wanted memory back, and whether it ever did. */
static unsigned long pressed_at;
static bool ever_pressed;

static bool under_pressure(void)
{
	return READ_ONCE(ever_pressed) &&
	       time_before(jiffies, READ_ONCE(pressed_at) + msecs_to_jiffies(PRESSURE_MS));
}

/* One tier, one round. */
static u32 judge(unsigned int tier, u32 size, u32 least)
{
	struct vexfs_pool_stats st, *old = &seen[tier];
	u64 allocs, misses;
	u32 peak, want;

	vexfs_tier_read_round(&vexfs_tiers[tier], &st, &peak);
	allocs = st.allocs - old->allocs;
	misses = min(st.misses - old->misses, allocs);
	*old = st;
	want = vexfs_pool_judge(&rounds[tier], size, least, peak, allocs, allocs - misses);
	/* What the shrinker takes makes for misses: growing now would undo its work. */
	return under_pressure() ? min(want, size) : want;
}

static bool may_compact(unsigned int tier)
{
	if (rounds_done < next_compact[tier])
		return false;
	next_compact[tier] = rounds_done + COMPACT_ROUNDS;
	return true;
}

static void auto_round(struct work_struct *work);
/* On a CPU that housekeeps, and only when one is awake anyway: idle pools need no care. */
static DECLARE_DEFERRABLE_WORK(auto_work, auto_round);

static void auto_round(struct work_struct *work)
{
	mutex_lock(&auto_lock);
	adjust(judge);
	if (READ_ONCE(vexfs_pool_compaction) && !under_pressure())
		compact_if(READ_ONCE(vexfs_pool_compact_pct) * 10000, may_compact);
	rounds_done++;
	if (worker_up && READ_ONCE(vexfs_pool_auto))
		queue_delayed_work(system_dfl_wq, &auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

int vexfs_pool_apply_auto(const struct vexfs_tunable *t, u32 v)
{
	mutex_lock(&auto_lock);
	WRITE_ONCE(*t->value, v);
	if (worker_up && v)
		queue_delayed_work(system_dfl_wq, &auto_work, 0);
	mutex_unlock(&auto_lock);
	return 0;
}

void vexfs_pool_last_round(enum vexfs_tier_id tier, struct vexfs_pool_round *r)
{
	mutex_lock(&auto_lock);
	*r = rounds[tier];
	mutex_unlock(&auto_lock);
}

static void auto_up(void)
{
	mutex_lock(&auto_lock);
	worker_up = true;
	if (vexfs_pool_auto)
		queue_delayed_work(system_dfl_wq, &auto_work, msecs_to_jiffies(ROUND_MS));
	mutex_unlock(&auto_lock);
}

static void auto_down(void)
{
	mutex_lock(&auto_lock);
	worker_up = false;
	mutex_unlock(&auto_lock);
	cancel_delayed_work_sync(&auto_work);
}

/* Parameters. */

int vexfs_pool_apply_size(const struct vexfs_tunable *t, u32 v)
{
	unsigned int i;

	if (!pools_up) {
		WRITE_ONCE(*t->value, v);
		return 0;
	}
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		if (size_params[i] == t->value)
			return vexfs_pool_resize(i, v);
	return -EINVAL;
}

int vexfs_pool_apply_limit(const struct vexfs_tunable *t, u32 v)
{
	u32 counts[VEXFS_TIER_HUGE];
	int err = 0;

	mutex_lock(&sizes_lock);
	sizes_now(counts);
	if (pools_up && !within_limit(counts, v))
		err = -E2BIG;
	else
		WRITE_ONCE(*t->value, v);
	mutex_unlock(&sizes_lock);
	return err;
}

int vexfs_pool_apply_enabled(const struct vexfs_tunable *t, u32 v)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE && pools_up && !err; i++)
		err = resize_one(i, v ? *size_params[i] : 0);
	if (!err) {
		WRITE_ONCE(*t->value, v);
		if (!v)
			vexfs_kept_shrink(U32_MAX);
	} else {
		/* Only filling fails: back to keeping nothing. */
		while (i--)
			set_one(i, 0);
	}
	mutex_unlock(&sizes_lock);
	return err;
}

int vexfs_pool_apply_wait(const struct vexfs_tunable *t, u32 v)
{
	unsigned int i;

	WRITE_ONCE(*t->value, v);
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		WRITE_ONCE(vexfs_tiers[i].wait_ms, v);
	return 0;
}

/* Memory pressure: idle buffers go first, and come back as they are used. */

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n;
	unsigned int i;
	u64 bytes;

	WRITE_ONCE(pressed_at, jiffies);
	WRITE_ONCE(ever_pressed, true);
	n = vexfs_kept_idle(&bytes);
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		n += READ_ONCE(vexfs_tiers[i].idle_n);
	return n ?: SHRINK_EMPTY;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long done;
	unsigned int i;

	/* Large ones first: they give the most for the least. */
	done = vexfs_kept_shrink(min_t(unsigned long, sc->nr_to_scan, U32_MAX));
	for (i = VEXFS_TIER_HUGE; i-- && done < sc->nr_to_scan; )
		done += vexfs_tier_shrink(&vexfs_tiers[i], sc->nr_to_scan - done);
	return done ?: SHRINK_STOP;
}

static struct shrinker *shrinker;

/* One more CPU is about to share the tiers. */
static int cpu_prepare(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		vexfs_tier_share(&vexfs_tiers[i], num_online_cpus() + 1);
	return 0;
}

/* A CPU that is down leaves its magazines to the stock; nothing runs on it any more. */
static int cpu_dead(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_tier_gather_dead(&vexfs_tiers[i], cpu);
		vexfs_tier_share(&vexfs_tiers[i], num_online_cpus());
	}
	return 0;
}

static int cpuhp_state;

int vexfs_mem_init(void)
{
	unsigned int i;
	int err;

	sizes_now(floor);
	if (!within_limit(floor, vexfs_pool_limit_mb)) {
		pr_err("the pools' sizes do not fit pool_limit_mb=%u\n", vexfs_pool_limit_mb);
		return -E2BIG;
	}
	vexfs_kept_init();
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		err = vexfs_tier_init(&vexfs_tiers[i], vexfs_pool_tier_name(i),
				      vexfs_pool_tier_bytes(i), vexfs_pool_enabled ? floor[i] : 0,
				      vexfs_pool_reserve, vexfs_pool_debug);
		if (err)
			goto fail_tiers;
		vexfs_tiers[i].wait_ms = vexfs_pool_wait_ms;
	}
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "vexfs/pools:prepare", cpu_prepare,
					cpu_dead);
	if (err < 0)
		goto fail_tiers;
	cpuhp_state = err;
	err = -ENOMEM;
	shrinker = vexfs_shrinker_start("vexfs-pools", shrink_count, shrink_scan);
	if (!shrinker)
		goto fail_cpuhp;
	mutex_lock(&sizes_lock);
	pools_up = true;
	mutex_unlock(&sizes_lock);
	auto_up();
	return 0;
fail_cpuhp:
	cpuhp_remove_state_nocalls(cpuhp_state);
fail_tiers:
	while (i--)
		vexfs_tier_exit(&vexfs_tiers[i]);
	return err;
}

void vexfs_mem_exit(void)
{
	unsigned int i;

	auto_down();
	mutex_lock(&sizes_lock);
	pools_up = false;
	mutex_unlock(&sizes_lock);
	vexfs_shrinker_stop(shrinker);
	cpuhp_remove_state_nocalls(cpuhp_state);
	vexfs_kept_exit();
	for (i = VEXFS_TIER_HUGE; i--; )
		vexfs_tier_exit(&vexfs_tiers[i]);
}
