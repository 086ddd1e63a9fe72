/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One tier of the pools: buffers of one size, a magazine for each CPU, a stock
 * behind them, a reserve, and a slab cache below. For this room and its tests;
 * everybody else uses pool.h.
 *
 * Locking
 *  - A magazine belongs to its CPU. Its owner has preemption off and says so in
 *    @busy; an interrupt that finds @busy set leaves the magazine alone and
 *    goes to the stock. No shared line is written on that path.
 *  - @lock guards stock, reserve and their counters. It is raw and irq-safe
 *    and held for at most VEXFS_MAGAZINE_MAX steps, so that every context may
 *    take it, also on PREEMPT_RT.
 *  - @manage is held by whoever changes the size; it nests outside @lock.
 */
#ifndef _VEXFS_MEM_TIER_H
#define _VEXFS_MEM_TIER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "mem/pool.h"

#define VEXFS_MAGAZINE_MAX	32u

/* A buffer nobody uses carries the link to the next one. */
struct vexfs_idle {
	struct vexfs_idle *next;
};

/**
 * struct vexfs_tier_cpu - the magazine of a CPU, and what it has counted
 * @busy: the owner is at work; see above
 * @n: buffers in @buf
 * @low: fewest there were since the magazine was last filled or emptied
 * @allocs: buffers handed out from here
 * @frees: buffers taken back here
 * @bytes: bytes asked for
 * @sizes: requests by size, see VEXFS_POOL_SIZES
 * @buf: the buffers, the warmest last
 */
struct vexfs_tier_cpu {
	u32 busy;
	u32 n;
	u32 low;
	u64 allocs;
	u64 frees;
	u64 bytes;
	void *buf[VEXFS_MAGAZINE_MAX];
	u64 sizes[VEXFS_POOL_SIZES];
} ____cacheline_aligned;

enum vexfs_tier_fault {
	VEXFS_FAULT_DOUBLE_FREE,
	VEXFS_FAULT_FOREIGN,
	VEXFS_FAULT_OVERRUN,
	VEXFS_FAULT_USE_AFTER_FREE,
	VEXFS_FAULT_SIZE,
	VEXFS_FAULTS
};

/**
 * struct vexfs_tier - a tier
 * @cpu: the magazines
 * @cache: where buffers come from
 * @get: takes one from there; tests put a failing one here
 * @name: of the tier
 * @bytes: of a buffer
 * @cap: buffers a magazine may hold
 * @size: buffers the tier keeps; more are given back when they come home
 * @per_slab: buffers a slab has room for
 * @debug: watch for overruns and the like (fixed at start)
 * @reserve_short: buffers that come home go to the reserve first
 * @wait_ms: how long a caller that may sleep waits for a buffer
 * @fault: debug: who hears of a misuse; NULL warns with a backtrace
 * @lock: guards the following
 * @idle: the stock
 * @idle_n: its length
 * @held: buffers from @cache: in use, in magazines and in the stock
 * @spare: the reserve, not part of @held
 * @spare_n: its length
 * @spare_size: its length when it is full
 * @slow: counters of requests that came to the stock
 * @slow_sizes: and their sizes
 * @slab_uses: buffers held by slab (hashed by the slab's address)
 * @slabs: entries of @slab_uses that are not 0
 * @high_water: most in use at once
 * @high_water_reset: the same since the last reset
 * @high_water_round: the same since vexfs_tier_read_round()
 * @waiters: who waits for a buffer
 * @manage: serialises changes of the size
 * @node: in the list of all tiers
 * @base: counters at the last reset
 * @known: debug: every buffer held, by address
 * @faults: debug: misuses by kind
 */
struct vexfs_tier {
	struct vexfs_tier_cpu __percpu *cpu;
	struct kmem_cache *cache;
	void *(*get)(struct vexfs_tier *t, gfp_t gfp);
	const char *name;
	u32 bytes;
	u32 cap;
	u32 size;
	u32 per_slab;
	bool debug;
	bool reserve_short;
	u32 wait_ms;
	void (*fault)(struct vexfs_tier *t, enum vexfs_tier_fault what, const void *p);

	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	struct vexfs_idle *idle;
	u32 idle_n;
	u32 held;
	struct vexfs_idle *spare;
	u32 spare_n;
	u32 spare_size;
	struct vexfs_pool_stats slow;
	u64 slow_sizes[VEXFS_POOL_SIZES];
	u16 *slab_uses;
	u32 slabs;
	u32 high_water;
	u32 high_water_reset;
	u32 high_water_round;

	wait_queue_head_t waiters;
	struct mutex manage;
	struct list_head node;
	struct vexfs_pool_stats base;
	struct xarray known;
	atomic_t faults[VEXFS_FAULTS];
};

/**
 * vexfs_tier_init() - make a tier and fill it
 * @t: the tier
 * @name: of the tier, and of its cache behind "vexfs_"
 * @bytes: of a buffer
 * @size: buffers to keep
 * @spare: buffers in reserve
 * @debug: watch for misuse; costs time and 64 bytes a buffer
 */
int vexfs_tier_init(struct vexfs_tier *t, const char *name, u32 bytes, u32 size, u32 spare,
		    bool debug);
/* Every buffer must have come home. */
void vexfs_tier_exit(struct vexfs_tier *t);

void *vexfs_tier_alloc(struct vexfs_tier *t, size_t size, gfp_t gfp);
void vexfs_tier_free(struct vexfs_tier *t, void *p, size_t size);

/*
 * The size, in buffers. Filled at once; -ENOMEM leaves everything as it was.
 * The caller holds @manage, and has checked the byte limit.
 */
int vexfs_tier_resize(struct vexfs_tier *t, u32 size);
/* The same without filling, which cannot fail. Holds @manage. */
void vexfs_tier_set_size(struct vexfs_tier *t, u32 size);
/* Buffers of all magazines go to the stock. May sleep. */
void vexfs_tier_gather(struct vexfs_tier *t);
/* This CPU's magazine goes to the stock; false when its owner is at work. */
bool vexfs_tier_gather_here(struct vexfs_tier *t);
/* Gives up idle buffers while more than @keep are held; at most @max. Number given up. */
u32 vexfs_tier_trim(struct vexfs_tier *t, u32 keep, u32 max);
/* The same under memory pressure: counted, and never waits. */
u32 vexfs_tier_shrink(struct vexfs_tier *t, u32 max);
int vexfs_tier_fill(struct vexfs_tier *t);
/* Packs the stock into as few slabs as there can be. Holds @manage. */
int vexfs_tier_compact(struct vexfs_tier *t);

void vexfs_tier_read(struct vexfs_tier *t, bool since_reset, struct vexfs_pool_stats *st);
/* Since load, and the most in use since this was last asked. One asker. */
void vexfs_tier_read_round(struct vexfs_tier *t, struct vexfs_pool_stats *st, u32 *peak);
void vexfs_tier_read_sizes(struct vexfs_tier *t, u64 sizes[VEXFS_POOL_SIZES]);
void vexfs_tier_reset(struct vexfs_tier *t);

/* pool_debug.c: what a tier with @debug set does in addition. */
#define VEXFS_TIER_TRAILER	64u
int vexfs_debug_learn(struct vexfs_tier *t, void *p);
void vexfs_debug_forget(struct vexfs_tier *t, void *p);
void vexfs_debug_alloc(struct vexfs_tier *t, void *p, size_t size);
/* False: @p is not to be taken back. */
bool vexfs_debug_free(struct vexfs_tier *t, void *p, size_t size);

static inline unsigned int vexfs_pool_size_bucket(size_t size)
{
	unsigned int b = size > 64 ? fls64((u64)size - 1) - 6 : 0;

	return min(b, VEXFS_POOL_SIZES - 1);
}

#endif
