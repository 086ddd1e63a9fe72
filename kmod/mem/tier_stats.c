// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of a tier, summed over CPUs without locks.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/tier_priv.h"

/* Buffers in magazines, all together; a reading without locks. */
static u32 in_magazines(const struct vexfs_tier *t, u32 *dip)
{
	u32 sum = 0;
	int cpu;

	*dip = 0;
	for_each_possible_cpu(cpu) {
		const struct vexfs_tier_cpu *c = per_cpu_ptr(t->cpu, cpu);
		u32 n = vexfs_magazine_count(c), low = READ_ONCE(c->low);

		sum += n;
		if (n > low)
			*dip = max(*dip, n - low);
	}
	return sum;
}

/*
 * Buffers in use now; @dip: how many more there were since a magazine was last filled or
 * emptied. What is read while buffers move may be out by those, and is never below 0.
 */
u32 vexfs_tier_in_use(const struct vexfs_tier *t, u32 *dip)
{
	s64 resting = in_magazines(t, dip);
	s64 now = (s64)vexfs_tier_held(t) - READ_ONCE(t->idle_n) - resting;

	return max(now, 0);
}

static void raise_to(u32 *max, u32 v)
{
	u32 old = READ_ONCE(*max);

	while (old < v && !try_cmpxchg(max, &old, v))
		;
}

/*
 * More buffers are out than when this was last asked, though some may rest in
 * magazines: look closer, at every CPU's. Since it takes one more each time, that
 * is rare however many ask. @more is what the caller knows to be missing from, or
 * too many in, what can be seen.
 */
void vexfs_tier_note_high_water(struct vexfs_tier *t, int more)
{
	int now = (int)(vexfs_tier_held(t) - READ_ONCE(t->idle_n)) + more;
	u32 dip;

	if (likely(now <= (int)READ_ONCE(t->looked)))
		return;
	WRITE_ONCE(t->looked, now);
	atomic64_inc(&t->scans);
	now = (int)vexfs_tier_in_use(t, &dip) + more;
	if (now <= 0)
		return;
	raise_to(&t->high_water, now);
	raise_to(&t->high_water_reset, now);
	raise_to(&t->high_water_round, now);
}

void vexfs_tier_read_sizes(struct vexfs_tier *t, u64 sizes[VEXFS_POOL_SIZES])
{
	unsigned int b;
	int cpu;

	for (b = 0; b < VEXFS_POOL_SIZES; b++) {
		sizes[b] += atomic64_read(&t->nested_sizes[b]);
		for_each_possible_cpu(cpu)
			sizes[b] += READ_ONCE(per_cpu_ptr(t->cpu, cpu)->sizes[b]);
	}
}

/* Counters since load. */
static void read_counters(struct vexfs_tier *t, struct vexfs_pool_stats *st)
{
	u64 sizes[VEXFS_POOL_SIZES] = {};
	unsigned int b;
	int cpu;

	memset(st, 0, sizeof(*st));
	/* Misses first: one that comes in between is not to look like a hit below 0. */
	st->misses = atomic64_read(&t->misses);
	st->failures = atomic64_read(&t->failures);
	st->reserve_used = atomic64_read(&t->reserve_used);
	st->waits = atomic64_read(&t->waits);
	st->resizes = atomic64_read(&t->resizes);
	st->shrunk = atomic64_read(&t->shrunk);
	st->compactions = atomic64_read(&t->compactions);
	st->bytes = atomic64_read(&t->nested_bytes);
	st->frees = atomic64_read(&t->nested_frees);
	for_each_possible_cpu(cpu) {
		const struct vexfs_tier_cpu *c = per_cpu_ptr(t->cpu, cpu);

		st->bytes += READ_ONCE(c->bytes);
		st->frees += READ_ONCE(c->frees);
	}
	vexfs_tier_read_sizes(t, sizes);
	for (b = 0; b < VEXFS_POOL_SIZES; b++)
		st->allocs += sizes[b];
	st->locks = READ_ONCE(t->locks);
	st->scans = atomic64_read(&t->scans);
}

static u64 to_ppm(u64 part, u64 whole)
{
	return whole ? div64_u64(part * 1000000, whole) : 0;
}

/*
 * Each counter only grows, and the base was read before it: the difference is never below 0.
 */
static void take_base_off(const struct vexfs_pool_stats *base, struct vexfs_pool_stats *st)
{
	st->allocs -= base->allocs;
	st->misses -= base->misses;
	st->failures -= base->failures;
	st->frees -= base->frees;
	st->bytes -= base->bytes;
	st->reserve_used -= base->reserve_used;
	st->waits -= base->waits;
	st->resizes -= base->resizes;
	st->shrunk -= base->shrunk;
	st->compactions -= base->compactions;
	st->locks -= base->locks;
	st->scans -= base->scans;
}

void vexfs_tier_read(struct vexfs_tier *t, bool since_reset, struct vexfs_pool_stats *st)
{
	struct vexfs_pool_stats base = {};
	u32 slabs, packed, peak, dip;

	/* Moves buffers that interrupts have left to the stock. */
	vexfs_stock_lock_task(t);
	if (since_reset)
		base = t->base;
	vexfs_stock_unlock(t);
	read_counters(t, st);
	take_base_off(&base, st);
	/* A miss is counted before its request. */
	st->hits = st->allocs > st->misses ? st->allocs - st->misses : 0;
	st->in_use = vexfs_tier_in_use(t, &dip);
	peak = since_reset ? READ_ONCE(t->high_water_reset) : READ_ONCE(t->high_water);
	st->high_water = max_t(u64, peak, st->in_use + dip);
	st->held = vexfs_tier_held(t);
	st->reserve = READ_ONCE(t->spare_n);
	st->size = READ_ONCE(t->size);
	st->held_bytes = (st->held + st->reserve) * t->bytes;
	st->hit_ppm = to_ppm(st->hits, st->allocs);
	st->use_ppm = to_ppm(st->in_use, st->size);
	slabs = atomic_read(&t->slabs);
	packed = DIV_ROUND_UP(st->held, max(t->per_slab, 1u));
	st->frag_ppm = slabs > packed ? to_ppm(slabs - packed, slabs) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_read);

void vexfs_tier_read_round(struct vexfs_tier *t, struct vexfs_pool_stats *st, u32 *peak)
{
	u32 now, dip;

	vexfs_tier_read(t, false, st);
	now = vexfs_tier_in_use(t, &dip);
	*peak = max(READ_ONCE(t->high_water_round), now + dip);
	WRITE_ONCE(t->high_water_round, now);
	WRITE_ONCE(t->looked, 0);
}

void vexfs_tier_reset(struct vexfs_tier *t)
{
	struct vexfs_pool_stats base;
	u32 dip;

	read_counters(t, &base);
	vexfs_stock_lock_task(t);
	t->base = base;
	vexfs_stock_unlock(t);
	WRITE_ONCE(t->high_water_reset, vexfs_tier_in_use(t, &dip));
	WRITE_ONCE(t->looked, 0);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_reset);
