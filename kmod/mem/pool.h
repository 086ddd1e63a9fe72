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

#include "mem/user.h"

#define VEXFS_POOL_ALIGN	64u	/* of every buffer of a tier */
#define VEXFS_POOL_MAX		16384u	/* larger requests are huge */

enum vexfs_tier_id {
	VEXFS_TIER_SMALL,
	VEXFS_TIER_MEDIUM,
	VEXFS_TIER_LARGE,
	VEXFS_TIER_HUGE,	/* has no stock: what is larger than all tiers */
	VEXFS_TIER_COUNT
};

/* Bytes of a buffer. */
#define VEXFS_SMALL_BYTES	1024u
#define VEXFS_MEDIUM_BYTES	4096u
#define VEXFS_LARGE_BYTES	VEXFS_POOL_MAX

/* Statistics of a tier. stat/subjects.c says what each means, and which are counters. */
struct vexfs_pool_stats {
	u64 allocs;
	u64 hits;
	u64 misses;
	u64 failures;
	u64 frees;
	u64 bytes;
	u64 reserve_used;
	u64 waits;
	u64 resizes;
	u64 shrunk;
	u64 compactions;
	u64 locks;
	u64 scans;
	u64 size;
	u64 held;
	u64 in_use;
	u64 high_water;
	u64 held_bytes;
	u64 reserve;
	u64 hit_ppm;
	u64 use_ppm;
	u64 frag_ppm;
};

/* Requests by size: bucket b counts sizes up to 64 << b, the last the rest. */
#define VEXFS_POOL_SIZES	20u

/**
 * vexfs_pool_alloc() - a buffer for a while
 * @size: bytes wanted; the same number goes to vexfs_pool_free()
 * @gfp: how hard to try, as for kmalloc(). __GFP_ZERO clears @size bytes.
 *	VEXFS_GFP_USER charges huge buffers to the caller's memory cgroup; tier
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
	if (size <= VEXFS_SMALL_BYTES)
		return VEXFS_TIER_SMALL;
	if (size <= VEXFS_MEDIUM_BYTES)
		return VEXFS_TIER_MEDIUM;
	return size <= VEXFS_LARGE_BYTES ? VEXFS_TIER_LARGE : VEXFS_TIER_HUGE;
}

const char *vexfs_pool_tier_name(enum vexfs_tier_id tier);
size_t vexfs_pool_tier_bytes(enum vexfs_tier_id tier);

/*
 * Statistics of a tier, since load or since the last reset of the pools. Readers take no
 * lock that allocations need, so the values of one call may be from slightly different times.
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
/* Idle buffers go back to the slab allocator; with @keep_hot those in magazines stay. */
u32 vexfs_pool_drain(bool keep_hot);
int vexfs_pool_refill(void);		/* and are allocated again */
/* Packs the stock of tiers whose frag_ppm is above @above_ppm. Number packed. */
int vexfs_pool_compact(u32 above_ppm);

/* The kernel has wanted memory back within the last seconds. */
bool vexfs_pool_under_pressure(void);
/* While @on, the worker leaves the tiers as they are. */
void vexfs_pool_fix(bool on);

struct seq_file;
/* What the statistics do not hold: sizes of requests, and the last round of the worker. */
void vexfs_pool_show(struct seq_file *m);

int vexfs_mem_init(void);
void vexfs_mem_exit(void);

#endif
