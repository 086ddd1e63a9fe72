// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes of the tiers, set by hand and by the worker, freeing of idle buffers, and compaction. When
 * to do this is decided elsewhere, and no request passes through here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/kept.h"
#include "mem/pool_priv.h"
#include "mem/tunable.h"

static int apply_size(const struct vexfs_tunable *t, u32 v);
static int apply_limit(const struct vexfs_tunable *t, u32 v);
static int apply_enabled(const struct vexfs_tunable *t, u32 v);
static int apply_wait(const struct vexfs_tunable *t, u32 v);

static VEXFS_TUNABLE(pool_small, 128, 0, 1048576, "buffers",
	      "Buffers of 1 KiB that the pools keep", 0644,
	      .apply = apply_size);
static VEXFS_TUNABLE(pool_medium, 64, 0, 1048576, "buffers",
	      "Buffers of 4 KiB that the pools keep", 0644,
	      .apply = apply_size);
static VEXFS_TUNABLE(pool_large, 32, 0, 1048576, "buffers",
	      "Buffers of 16 KiB that the pools keep", 0644,
	      .apply = apply_size);
static VEXFS_TUNABLE(pool_limit_mb, 256, 1, 1048576, "MiB",
	      "Most memory that the tiers together may be told to keep", 0644,
	      .apply = apply_limit);
static VEXFS_TUNABLE(pool_wait_ms, 1000, 0, 60000, "ms",
	      "How long a request that may sleep waits for a buffer when memory is short", 0644,
	      .apply = apply_wait);
static VEXFS_TUNABLE(pool_enabled, 1, 0, 1, "flag",
	      "Keep buffers; with 0 every request goes to the slab allocator", 0644,
	      .apply = apply_enabled);

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
			/*
			 * Restores the former sizes. Tiers that have shrunk fill again as they are
			 * used.
			 */
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
	/* Do not make a shortage of memory worse. */
	if (more > ((u64)max(si_mem_available(), 0L) << PAGE_SHIFT) / 4)
		err = -ENOMEM;
	else
		err = resize_by_hand(counts);
	mutex_unlock(&sizes_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_grow);

u32 vexfs_pool_drain(bool keep_hot)
{
	unsigned int i;
	u32 done = 0;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		if (!keep_hot)
			vexfs_tier_gather(&vexfs_tiers[i]);
		done += vexfs_tier_trim(&vexfs_tiers[i], 0, U32_MAX);
	}
	mutex_unlock(&sizes_lock);
	return done;
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

int vexfs_pool_compact_if(u32 above_ppm, bool (*due)(unsigned int tier))
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
	return vexfs_pool_compact_if(above_ppm, NULL);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_compact);

void vexfs_pool_adjust(u32 (*want)(unsigned int tier, u32 size, u32 least))
{
	u32 counts[VEXFS_TIER_HUGE];
	unsigned int i;

	mutex_lock(&sizes_lock);
	sizes_now(counts);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		u32 old = counts[i];

		counts[i] = want(i, old, floor[i]);
		/* Beyond the limit or out of memory: the size is unchanged. */
		if (counts[i] != old && (!vexfs_pool_enabled || resize_all(counts)))
			counts[i] = old;
	}
	mutex_unlock(&sizes_lock);
}

/* Parameters. */

static int apply_size(const struct vexfs_tunable *t, u32 v)
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

static int apply_limit(const struct vexfs_tunable *t, u32 v)
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

static int apply_enabled(const struct vexfs_tunable *t, u32 v)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&sizes_lock);
	for (i = 0; i < VEXFS_TIER_HUGE && pools_up && !err; i++)
		err = resize_one(i, v ? *size_params[i] : 0);
	if (!err) {
		WRITE_ONCE(*t->value, v);
		if (pools_up)
			vexfs_kept_enable(v);
	} else {
		/* Only filling can fail: the tiers keep no buffers then. */
		while (i--)
			set_one(i, 0);
	}
	mutex_unlock(&sizes_lock);
	return err;
}

static int apply_wait(const struct vexfs_tunable *t, u32 v)
{
	unsigned int i;

	WRITE_ONCE(*t->value, v);
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		WRITE_ONCE(vexfs_tiers[i].wait_ms, v);
	return 0;
}

int vexfs_pool_sizes_init(bool debug, u32 reserve)
{
	unsigned int i;
	int err;

	sizes_now(floor);
	if (!within_limit(floor, vexfs_pool_limit_mb)) {
		pr_err("the pools' sizes do not fit pool_limit_mb=%u\n", vexfs_pool_limit_mb);
		return -E2BIG;
	}
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		err = vexfs_tier_init(&vexfs_tiers[i], vexfs_pool_tier_name(i),
				      vexfs_pool_tier_bytes(i), vexfs_pool_enabled ? floor[i] : 0,
				      reserve, debug);
		if (err)
			goto fail;
		vexfs_tiers[i].wait_ms = vexfs_pool_wait_ms;
	}
	vexfs_kept_init(debug);
	return 0;
fail:
	while (i--)
		vexfs_tier_exit(&vexfs_tiers[i]);
	return err;
}

void vexfs_pool_sizes_exit(void)
{
	unsigned int i;

	vexfs_kept_exit();
	for (i = VEXFS_TIER_HUGE; i--; )
		vexfs_tier_exit(&vexfs_tiers[i]);
}

void vexfs_pool_sizes_start(void)
{
	mutex_lock(&sizes_lock);
	pools_up = true;
	vexfs_kept_enable(vexfs_pool_enabled);
	mutex_unlock(&sizes_lock);
}

void vexfs_pool_sizes_stop(void)
{
	mutex_lock(&sizes_lock);
	pools_up = false;
	mutex_unlock(&sizes_lock);
}
