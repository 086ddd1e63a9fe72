/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools: short-lived buffers for ops, in tiers of 1, 4 and 16 KiB, and
 * kvmalloc() above that. Nothing here knows what a buffer is for, and nothing
 * here may be used for memory that outlives an op by much: rows and graphs
 * have allocators of their own.
 */
#ifndef _VEXFS_MEM_POOL_H
#define _VEXFS_MEM_POOL_H

#include <linux/gfp.h>
#include <linux/types.h>

#define VEXFS_POOL_ALIGN	64u	/* of every buffer of a tier */
#define VEXFS_POOL_MAX		16384u	/* larger requests are huge */

/*
 * The tiers: name, bytes of a buffer, buffers at start. VEXFS_TIER_HUGE stands
 * behind them in statistics; it has no stock.
 */
#define VEXFS_TIERS(X)			\
	X(SMALL, "small", 1024, 128)	\
	X(MEDIUM, "medium", 4096, 64)	\
	X(LARGE, "large", 16384, 32)

enum vexfs_tier_id {
#define X(id, name, bytes, count) VEXFS_TIER_##id,
	VEXFS_TIERS(X)
#undef X
	VEXFS_TIER_HUGE,
	VEXFS_TIER_COUNT
};

/*
 * What is counted for each tier: field, unit, kind, and what it means. The one
 * list: the structure below, the account (stat/counter.h) and with it debugfs,
 * netlink and the exporter are made from it.
 */
#define VEXFS_POOL_COUNTERS(X)								\
	X(allocs, "buffers", COUNTER, "requests served, whatever served them")		\
	X(hits, "buffers", COUNTER, "requests served without the slab allocator")	\
	X(misses, "buffers", COUNTER, "requests served by the slab allocator")		\
	X(failures, "buffers", COUNTER, "requests that got nothing")			\
	X(frees, "buffers", COUNTER, "buffers given back by their users")		\
	X(bytes, "bytes", COUNTER, "bytes asked for")					\
	X(reserve_used, "buffers", COUNTER, "requests served by the reserve")		\
	X(waits, "times", COUNTER, "requests that waited for a buffer to come back")	\
	X(resizes, "times", COUNTER, "changes of the size")				\
	X(shrunk, "buffers", COUNTER, "idle buffers given up under memory pressure")	\
	X(compactions, "times", COUNTER, "times the stock was packed into fewer slabs")	\
	X(size, "buffers", GAUGE, "buffers the tier keeps")				\
	X(held, "buffers", GAUGE, "buffers taken from the slab allocator")		\
	X(in_use, "buffers", GAUGE, "buffers in the hands of users")			\
	X(high_water, "buffers", GAUGE, "most in use at once since the last reset")	\
	X(held_bytes, "bytes", GAUGE, "memory of the buffers held and of the reserve")	\
	X(reserve, "buffers", GAUGE, "buffers in reserve now")				\
	X(hit_ppm, "ppm", GAUGE, "hits of a million requests since the last reset")	\
	X(use_ppm, "ppm", GAUGE, "in_use in millionths of size")			\
	X(frag_ppm, "ppm", GAUGE, "slabs that packing would free, in millionths of those we hold buffers in")

struct vexfs_pool_stats {
#define X(field, unit, kind, doc) u64 field;
	VEXFS_POOL_COUNTERS(X)
#undef X
};

/* Requests by size: bucket b counts sizes up to 64 << b, the last the rest. */
#define VEXFS_POOL_SIZES	20u

/**
 * vexfs_pool_alloc() - a buffer for a while
 * @size: bytes wanted; the same number goes to vexfs_pool_free()
 * @gfp: how hard to try, as for kmalloc(). __GFP_ZERO clears @size bytes.
 *	__GFP_ACCOUNT charges huge buffers to the caller's memory cgroup; tier
 *	buffers belong to the module and pass from op to op, so they are not
 *	charged.
 *
 * Buffers of up to VEXFS_POOL_MAX bytes are aligned to VEXFS_POOL_ALIGN.
 *
 * Any context that @gfp allows, hard interrupts included (not NMI; on a
 * PREEMPT_RT kernel not hard interrupts either, as for kmalloc()). When the
 * slab allocator has nothing, the reserve of the tier is tapped; a caller that
 * may sleep and did not say __GFP_NORETRY then waits a bounded time for a
 * buffer to come back, unless it is killed. __GFP_NOMEMALLOC leaves the reserve
 * alone.
 *
 * Return: the buffer or NULL.
 */
void *vexfs_pool_alloc(size_t size, gfp_t gfp);

/**
 * vexfs_pool_free() - give a buffer back
 * @p: what vexfs_pool_alloc() returned, or NULL
 * @size: the size it was asked with
 *
 * Any context, except that a huge buffer may need one where vfree() is legal.
 */
void vexfs_pool_free(void *p, size_t size);

/* The tier that serves @size. */
static inline enum vexfs_tier_id vexfs_pool_tier(size_t size)
{
#define X(id, name, bytes, count) if (size <= (bytes)) return VEXFS_TIER_##id;
	VEXFS_TIERS(X)
#undef X
	return VEXFS_TIER_HUGE;
}

const char *vexfs_pool_tier_name(enum vexfs_tier_id tier);
size_t vexfs_pool_tier_bytes(enum vexfs_tier_id tier);

/*
 * Figures of a tier, since load or since the last reset of the pools. Never
 * stops anybody: figures read while others allocate are each right for some
 * moment of the call.
 */
void vexfs_pool_read(enum vexfs_tier_id tier, bool since_reset, struct vexfs_pool_stats *st);
void vexfs_pool_read_sizes(u64 sizes[VEXFS_POOL_SIZES]);
void vexfs_pool_reset(void);

/*
 * Management. May sleep. Sizes are in buffers, 0 to what the byte limit
 * allows; a refused call changes nothing: -EINVAL for a tier without stock,
 * -E2BIG beyond the byte limit, -ENOMEM when memory is short.
 */
int vexfs_pool_resize(enum vexfs_tier_id tier, u32 count);
int vexfs_pool_resize_all(const u32 counts[VEXFS_TIER_HUGE]);
int vexfs_pool_grow(u32 percent);	/* every tier; 1 to 1000 */
void vexfs_pool_drain(void);		/* idle buffers go back to the slab allocator */
int vexfs_pool_refill(void);		/* and come again */
/* Packs the stock of tiers whose frag_ppm is above @above_ppm. Number packed. */
int vexfs_pool_compact(u32 above_ppm);

struct seq_file;
void vexfs_pool_show(struct seq_file *m);

int vexfs_mem_init(void);
void vexfs_mem_exit(void);

#endif
