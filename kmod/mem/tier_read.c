// SPDX-License-Identifier: GPL-2.0
/*
 * What a tier has counted, added up over CPUs and read without stopping
 * anybody. Nothing is counted here.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/tier_priv.h"

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
	st->hits = st->allocs > st->misses ? st->allocs - st->misses : 0;
}

static u64 ppm(u64 part, u64 whole)
{
	return whole ? div64_u64(part * 1000000, whole) : 0;
}

static void take_base_off(const struct vexfs_pool_stats *base, struct vexfs_pool_stats *st)
{
	st->allocs -= base->allocs;
	st->hits -= min(st->hits, base->hits);
	st->misses -= base->misses;
	st->failures -= base->failures;
	st->frees -= base->frees;
	st->bytes -= base->bytes;
	st->reserve_used -= base->reserve_used;
	st->waits -= base->waits;
	st->resizes -= base->resizes;
	st->shrunk -= base->shrunk;
	st->compactions -= base->compactions;
}

void vexfs_tier_read(struct vexfs_tier *t, bool since_reset, struct vexfs_pool_stats *st)
{
	u32 slabs, packed, peak, dip;

	/* What interrupts left behind goes to the stock. */
	stock_lock_task(t);
	stock_unlock(t);
	read_counters(t, st);
	if (since_reset)
		take_base_off(&t->base, st);
	st->in_use = vexfs_tier_in_use(t, &dip);
	peak = since_reset ? READ_ONCE(t->high_water_reset) : READ_ONCE(t->high_water);
	st->high_water = max_t(u64, peak, st->in_use + dip);
	st->held = held(t);
	st->reserve = READ_ONCE(t->spare_n);
	st->size = READ_ONCE(t->size);
	st->held_bytes = (st->held + st->reserve) * t->bytes;
	st->hit_ppm = ppm(st->hits, st->allocs);
	st->use_ppm = ppm(st->in_use, st->size);
	slabs = atomic_read(&t->slabs);
	packed = DIV_ROUND_UP(st->held, max(t->per_slab, 1u));
	st->frag_ppm = slabs > packed ? ppm(slabs - packed, slabs) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_read);

void vexfs_tier_read_round(struct vexfs_tier *t, struct vexfs_pool_stats *st, u32 *peak)
{
	u32 now, dip;

	vexfs_tier_read(t, false, st);
	now = vexfs_tier_in_use(t, &dip);
	*peak = max(READ_ONCE(t->high_water_round), now + dip);
	WRITE_ONCE(t->high_water_round, now);
}

void vexfs_tier_reset(struct vexfs_tier *t)
{
	u32 dip;

	mutex_lock(&t->manage);
	read_counters(t, &t->base);
	WRITE_ONCE(t->high_water_reset, vexfs_tier_in_use(t, &dip));
	mutex_unlock(&t->manage);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_reset);
