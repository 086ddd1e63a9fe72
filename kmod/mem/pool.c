// SPDX-License-Identifier: GPL-2.0
/*
 * The interface of the pools: which tier serves a request, and requests larger than all
 * tiers. How a tier works is in tier.c, when one grows or shrinks in pool_size.c.
 */
#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/kept.h"
#include "mem/pool_priv.h"

#include "mem/pool_trace.h"

struct vexfs_tier vexfs_tiers[VEXFS_TIER_HUGE];

/* Nobody can ask kvmalloc() for more. */
#define HUGE_MAX	((size_t)INT_MAX)

/*
 * Huge requests cost microseconds anyway, so their counters may be shared.
 */
static struct {
	atomic64_t allocs;
	atomic64_t misses;
	atomic64_t failures;
	atomic64_t frees;
	atomic64_t bytes;
	atomic64_t held_bytes;
	atomic64_t in_use;
	atomic64_t high_water;
	atomic64_t high_water_reset;
	atomic64_t sizes[VEXFS_POOL_SIZES];
} huge;

/* Its counters at the last reset. */
static struct vexfs_pool_stats huge_base;
static DEFINE_SPINLOCK(huge_base_lock);

static const char *const tier_names[VEXFS_TIER_COUNT] = {
	[VEXFS_TIER_SMALL] = "small",
	[VEXFS_TIER_MEDIUM] = "medium",
	[VEXFS_TIER_LARGE] = "large",
	[VEXFS_TIER_HUGE] = "huge",
};

static const u32 tier_bytes[VEXFS_TIER_COUNT] = {
	[VEXFS_TIER_SMALL] = VEXFS_SMALL_BYTES,
	[VEXFS_TIER_MEDIUM] = VEXFS_MEDIUM_BYTES,
	[VEXFS_TIER_LARGE] = VEXFS_LARGE_BYTES,
};

const char *vexfs_pool_tier_name(enum vexfs_tier_id tier)
{
	return tier < VEXFS_TIER_COUNT ? tier_names[tier] : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_tier_name);

size_t vexfs_pool_tier_bytes(enum vexfs_tier_id tier)
{
	return tier < VEXFS_TIER_COUNT ? tier_bytes[tier] : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_pool_tier_bytes);

static void atomic64_raise(atomic64_t *max, s64 v)
{
	s64 old = atomic64_read(max);

	while (old < v && !atomic64_try_cmpxchg(max, &old, v))
		;
}

static void *huge_alloc(size_t size, gfp_t gfp)
{
	void *p;
	bool hit;
	s64 now;

	p = vexfs_kept_alloc(size, gfp, &hit);
	if (!p && size <= HUGE_MAX)
		p = vexfs_user_alloc(size, gfp | __GFP_NOWARN);
	if (!p) {
		atomic64_inc(&huge.failures);
		vexfs_mem_tell(VEXFS_NEWS_EXHAUSTED, size, atomic64_read(&huge.in_use), "huge");
		return NULL;
	}
	atomic64_inc(&huge.allocs);
	if (!hit) {
		atomic64_inc(&huge.misses);
		trace_vexfs_pool_miss("huge", size);
	}
	atomic64_add(size, &huge.bytes);
	atomic64_add(size, &huge.held_bytes);
	atomic64_inc(&huge.sizes[vexfs_pool_size_bucket(size)]);
	now = atomic64_inc_return(&huge.in_use);
	atomic64_raise(&huge.high_water, now);
	atomic64_raise(&huge.high_water_reset, now);
	return p;
}

static void huge_free(void *p, size_t size)
{
	atomic64_inc(&huge.frees);
	atomic64_dec(&huge.in_use);
	atomic64_sub(size, &huge.held_bytes);
	if (!vexfs_kept_free(p, size))
		kvfree(p);
}

/*
 * Everything but the common case. Kept apart, so that the common case needs no
 * stack frame and few registers.
 */
static noinline void *alloc_rest(size_t size, gfp_t gfp, void *p, unsigned long caller)
{
	enum vexfs_tier_id tier = vexfs_pool_tier(size);

	if (tier == VEXFS_TIER_HUGE) {
		p = huge_alloc(size, gfp);
	} else {
		if (!p)
			p = vexfs_tier_alloc_slow(&vexfs_tiers[tier], size, gfp);
		if (p && (gfp & __GFP_ZERO))
			memset(p, 0, size);
	}
	trace_vexfs_pool_alloc(caller, p, size, tier, gfp);
	return p;
}

/* A pointer chosen by comparisons, where an index would have to be multiplied. */
static __always_inline struct vexfs_tier *tier_for(size_t size)
{
	if (size <= VEXFS_SMALL_BYTES)
		return &vexfs_tiers[VEXFS_TIER_SMALL];
	if (size <= VEXFS_MEDIUM_BYTES)
		return &vexfs_tiers[VEXFS_TIER_MEDIUM];
	return &vexfs_tiers[VEXFS_TIER_LARGE];
}

void *vexfs_pool_alloc(size_t size, gfp_t gfp)
{
	void *p = NULL;

	if (likely(size <= VEXFS_POOL_MAX)) {
		unsigned long cpu_offset;

		preempt_disable();
		cpu_offset = my_cpu_offset;
		p = vexfs_tier_alloc_fast(tier_for(size), cpu_offset, size);
		preempt_enable();
	}
	if (likely(p && !(gfp & __GFP_ZERO) && !trace_vexfs_pool_alloc_enabled()))
		return p;
	return alloc_rest(size, gfp, p, _RET_IP_);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_alloc);

/* Noinline for the same reason: the event's assembly is large. */
static noinline void trace_free(void *p, size_t size, unsigned long caller)
{
	trace_vexfs_pool_free(caller, p, size, vexfs_pool_tier(size));
}

static noinline void free_rest(void *p, size_t size)
{
	enum vexfs_tier_id tier = vexfs_pool_tier(size);

	if (tier == VEXFS_TIER_HUGE)
		huge_free(p, size);
	else
		vexfs_tier_free_slow(&vexfs_tiers[tier], p, size);
}

void vexfs_pool_free(void *p, size_t size)
{
	bool done = false;

	if (unlikely(!p))
		return;
	if (trace_vexfs_pool_free_enabled())
		trace_free(p, size, _RET_IP_);
	if (likely(size <= VEXFS_POOL_MAX)) {
		unsigned long cpu_offset;

		preempt_disable();
		cpu_offset = my_cpu_offset;
		done = vexfs_tier_free_fast(tier_for(size), cpu_offset, p, size);
		preempt_enable();
	}
	if (unlikely(!done))
		free_rest(p, size);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_free);

static void huge_count(struct vexfs_pool_stats *st)
{
	memset(st, 0, sizeof(*st));
	/* Before those of which they are a part. */
	st->misses = atomic64_read(&huge.misses);
	st->allocs = max_t(u64, atomic64_read(&huge.allocs), st->misses);
	st->failures = atomic64_read(&huge.failures);
	st->frees = atomic64_read(&huge.frees);
	st->bytes = atomic64_read(&huge.bytes);
}

static void huge_read(bool since_reset, struct vexfs_pool_stats *st)
{
	struct vexfs_pool_stats base = {};
	u64 idle_bytes;

	/* Before the counters, which only grow. */
	if (since_reset) {
		spin_lock(&huge_base_lock);
		base = huge_base;
		spin_unlock(&huge_base_lock);
	}
	huge_count(st);
	st->allocs -= base.allocs;
	st->failures -= base.failures;
	st->frees -= base.frees;
	st->bytes -= base.bytes;
	st->misses -= base.misses;
	st->hits = st->allocs - min(st->misses, st->allocs);
	st->hit_ppm = st->allocs ? div64_u64(st->hits * 1000000, st->allocs) : 1000000;
	st->in_use = atomic64_read(&huge.in_use);
	st->held = vexfs_kept_idle(&idle_bytes) + st->in_use;
	st->held_bytes = atomic64_read(&huge.held_bytes) + idle_bytes;
	st->high_water = atomic64_read(since_reset ? &huge.high_water_reset : &huge.high_water);
}

void vexfs_pool_read(enum vexfs_tier_id tier, bool since_reset, struct vexfs_pool_stats *st)
{
	if (tier < VEXFS_TIER_HUGE)
		vexfs_tier_read(&vexfs_tiers[tier], since_reset, st);
	else
		huge_read(since_reset, st);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_read);

void vexfs_pool_read_sizes(u64 sizes[VEXFS_POOL_SIZES])
{
	unsigned int i;

	for (i = 0; i < VEXFS_POOL_SIZES; i++)
		sizes[i] = atomic64_read(&huge.sizes[i]);
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		vexfs_tier_read_sizes(&vexfs_tiers[i], sizes);
}
VEXFS_EXPORT_KUNIT(vexfs_pool_read_sizes);

void vexfs_pool_reset(void)
{
	struct vexfs_pool_stats base;
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		vexfs_tier_reset(&vexfs_tiers[i]);
	huge_count(&base);
	spin_lock(&huge_base_lock);
	huge_base = base;
	spin_unlock(&huge_base_lock);
	atomic64_set(&huge.high_water_reset, atomic64_read(&huge.in_use));
}
VEXFS_EXPORT_KUNIT(vexfs_pool_reset);
