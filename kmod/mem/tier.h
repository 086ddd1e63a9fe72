/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One tier of the pools: buffers of one size, a magazine for each CPU, a stock
 * behind them, a reserve, and a slab cache below. For this directory and its tests;
 * everybody else uses pool.h.
 *
 * Locking. Nothing here disables interrupts.
 *  - A magazine belongs to its CPU. Its owner has preemption off and says so in
 *    @busy; an interrupt that finds @busy set leaves the magazine alone and
 *    goes to the stock. No shared line is written on that path.
 *  - @lock guards stock and reserve, and is held for as many steps as a
 *    magazine has buffers. Tasks spin for it; interrupts only try, because they
 *    may have interrupted its holder. An interrupt that cannot have it takes a
 *    buffer from the slab allocator, or leaves one in @returned, which needs no
 *    lock. It is raw, so that all of this holds on PREEMPT_RT.
 *  - @manage is held by whoever changes the size; it nests outside @lock.
 */
#ifndef _VEXFS_MEM_TIER_H
#define _VEXFS_MEM_TIER_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "compat/kasan.h"
#include "mem/percpu.h"
#include "mem/pool.h"

#define VEXFS_MAGAZINE_MAX	32u
/*
 * A magazine takes at least so many, on however many CPUs: more than an op holds of one
 * tier. A tier of few buffers does with a quarter of them.
 */
#define VEXFS_MAGAZINE_MIN	8u

/**
 * struct vexfs_tier_cpu - the magazine of a CPU, and its statistics
 * @busy: the owner is at work; see above
 * @n: buffers in @buf
 * @low: fewest there were, @hot included, since the magazine was last filled or emptied
 * @hot: the buffer that was freed last, or NULL. Taking it and putting it back changes
 *	one word, where @buf takes a number that the next one has to wait for
 * @bytes: bytes requested
 * @frees: buffers given back
 * @buf: the buffers, the warmest last
 * @sizes: requests by size, see VEXFS_POOL_SIZES; their sum is that of all requests
 */
struct vexfs_tier_cpu {
	u32 busy;
	u32 n;
	u32 low;
	void *hot;
	u64 bytes;
	u64 frees;
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
 * @cap: buffers a magazine may take now: 0 while every buffer has to come by
 *	the stock (reserve short, or debug)
 * @bytes: size of a buffer
 * @name: name of the tier
 * @cache: where buffers come from
 * @get: takes one from there; tests put a failing one here
 * @full_cap: @cap when nothing is the matter
 * @size: buffers the tier keeps
 * @keep: the same, and what magazines may hold beyond a quarter of it; more are freed
 *	when their users are done
 * @per_slab: buffers a slab has room for
 * @wait_ms: how long a caller that may sleep waits for a buffer
 * @debug: watch for overruns and the like (fixed at start)
 * @fault: debug: called for a misuse; NULL warns with a backtrace
 * @lock: guards the following six, and @base
 * @locks: how often it was taken
 * @idle: the stock; buffers nobody uses carry the link to the next
 * @idle_n: length of @idle
 * @spare: the reserve, not part of @held
 * @spare_n: length of @spare
 * @spare_size: its length when it is full
 * @returned: buffers that were freed without the lock; whoever gets it next
 *	adds them to the stock
 * @held: buffers from @cache: in use, in magazines and in the stock
 * @slabs: entries of @slab_uses that are not 0
 * @slab_uses: buffers held by slab (hashed by the slab's address)
 * @high_water: largest number of buffers in use at once
 * @high_water_reset: the same since the last reset
 * @high_water_round: the same since vexfs_tier_read_round()
 * @looked: most that were out, magazines included, when all CPUs were read for the
 *	three above; 0 when one of them has begun anew
 * @scans: how often they were
 * @misses: counter, as those that follow; see struct vexfs_pool_stats
 * @nested_sizes: requests that found their CPU's magazine busy, by size
 * @nested_bytes: bytes of these requests
 * @nested_frees: buffers given back in that situation
 * @waiters: who waits for a buffer
 * @manage: serialises changes of the size
 * @base: counters at the last reset
 * @known: debug: every buffer held, by address
 * @faults: debug: misuses by kind
 */
struct vexfs_tier {
	struct vexfs_tier_cpu __percpu *cpu;
	u32 cap;
	u32 bytes;
	const char *name;
	struct kmem_cache *cache;
	void *(*get)(struct vexfs_tier *t, gfp_t gfp);
	u32 full_cap;
	u32 size;
	u32 keep;
	u32 per_slab;
	u32 wait_ms;
	bool debug;
	void (*fault)(struct vexfs_tier *t, enum vexfs_tier_fault what, const void *p);

	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	u64 locks;
	struct llist_node *idle;
	u32 idle_n;
	struct llist_node *spare;
	u32 spare_n;
	u32 spare_size;

	struct llist_head returned;
	atomic_t held;
	atomic_t slabs;
	atomic_t *slab_uses;
	u32 high_water;
	u32 high_water_reset;
	u32 high_water_round;
	u32 looked;

	atomic64_t scans;
	atomic64_t misses;
	atomic64_t failures;
	atomic64_t reserve_used;
	atomic64_t waits;
	atomic64_t resizes;
	atomic64_t shrunk;
	atomic64_t compactions;
	atomic64_t nested_sizes[VEXFS_POOL_SIZES];
	atomic64_t nested_bytes;
	atomic64_t nested_frees;

	wait_queue_head_t waiters;
	struct mutex manage;
	struct vexfs_pool_stats base;
	struct xarray known;
	atomic_t faults[VEXFS_FAULTS];
};

static inline unsigned int vexfs_pool_size_bucket(size_t size)
{
	unsigned int b = size > 64 ? fls64((u64)size - 1) - 6 : 0;

	return min(b, VEXFS_POOL_SIZES - 1);
}

/* Buffers in a magazine, for others to look at as well. */
static inline u32 vexfs_magazine_count(const struct vexfs_tier_cpu *c)
{
	return READ_ONCE(c->n) + !!READ_ONCE(c->hot);
}

/*
 * KASAN watches a buffer beyond what was asked for, and all of it but the link while nobody
 * uses it. Under @debug there are patterns in these places, and whoever breaks them is found
 * by those.
 */
static __always_inline void vexfs_buffer_take(const struct vexfs_tier *t, void *p, size_t size)
{
	if (!t->debug)
		vexfs_kasan_take(p, size, t->bytes);
}

/* @size: what its user had of it, or 0. A double free is reported here. */
static __always_inline void vexfs_buffer_rest(const struct vexfs_tier *t, void *p, size_t size)
{
	if (t->debug)
		return;
	kasan_check_write(p, size);
	vexfs_kasan_rest(p, sizeof(struct llist_node), t->bytes);
}

void *vexfs_tier_alloc_slow(struct vexfs_tier *t, size_t size, gfp_t gfp);
void vexfs_tier_free_slow(struct vexfs_tier *t, void *p, size_t size);

/*
 * The fast path: out of the magazine and back on one CPU, with preemption off. The CPU is
 * found first: where that calls a function of the kernel, only the arguments are live across
 * it.
 */
static __always_inline void *vexfs_tier_alloc_fast(struct vexfs_tier *t, unsigned long cpu_offset,
						   size_t size)
{
	struct vexfs_tier_cpu *c = SHIFT_PERCPU_PTR(t->cpu, cpu_offset);
	void *p;
	u32 n;

	if (unlikely(!vexfs_cpu_enter(&c->busy)))
		return NULL;
	p = c->hot;
	n = c->n;
	if (likely(p)) {
		WRITE_ONCE(c->hot, NULL);
	} else if (n) {
		p = c->buf[--n];
		WRITE_ONCE(c->n, n);
	}
	if (likely(p)) {
		if (n < c->low)
			WRITE_ONCE(c->low, n);
		c->bytes += size;
		c->sizes[vexfs_pool_size_bucket(size)]++;
		vexfs_buffer_take(t, p, size);
	}
	vexfs_cpu_leave(&c->busy);
	return p;
}

static __always_inline bool vexfs_tier_free_fast(struct vexfs_tier *t, unsigned long cpu_offset,
						 void *p, size_t size)
{
	struct vexfs_tier_cpu *c = SHIFT_PERCPU_PTR(t->cpu, cpu_offset);
	u32 n, cap = READ_ONCE(t->cap);
	bool done;

	if (unlikely(!vexfs_cpu_enter(&c->busy)))
		return false;
	n = c->n;
	done = n < cap;
	if (likely(done)) {
		if (likely(!c->hot)) {
			WRITE_ONCE(c->hot, p);
			c->frees++;
		} else if (n + 1 < cap) {
			c->buf[n] = p;
			WRITE_ONCE(c->n, n + 1);
			c->frees++;
		} else {
			done = false;
		}
	}
	if (likely(done))
		vexfs_buffer_rest(t, p, size);
	vexfs_cpu_leave(&c->busy);
	return done;
}

/**
 * vexfs_tier_init() - make a tier and fill it
 * @t: the tier
 * @name: of the tier, and of its cache behind "vexfs_"
 * @bytes: size of a buffer
 * @size: buffers to keep
 * @spare: buffers in reserve
 * @debug: watch for misuse; costs time and 64 bytes a buffer
 */
int vexfs_tier_init(struct vexfs_tier *t, const char *name, u32 bytes, u32 size, u32 spare,
		    bool debug);
/* Every buffer must have been freed. */
void vexfs_tier_exit(struct vexfs_tier *t);

/*
 * The size, in buffers. Filled at once; -ENOMEM leaves everything as it was.
 * The caller holds @manage, and has checked the byte limit.
 */
int vexfs_tier_resize(struct vexfs_tier *t, u32 size);
/* The same without filling, which cannot fail. Holds @manage. */
void vexfs_tier_set_size(struct vexfs_tier *t, u32 size);
/*
 * Buffers of the magazines go to the stock, but for those of isolated CPUs: nobody is
 * interrupted there, and their buffers go to the stock with the next ones. May sleep.
 */
void vexfs_tier_gather(struct vexfs_tier *t);
/* Buffers of an offline CPU go to the stock. May sleep. */
void vexfs_tier_gather_dead(struct vexfs_tier *t, unsigned int cpu);
/* So many CPUs share the tier from now on. May sleep. */
void vexfs_tier_share(struct vexfs_tier *t, unsigned int cpus);
/* The most buffers that a tier of @size keeps on as many CPUs as there are now. */
u32 vexfs_tier_keep(u32 size);
/* Gives up idle buffers while more than @keep are held; at most @max. Number given up. */
u32 vexfs_tier_trim(struct vexfs_tier *t, u32 keep, u32 max);
/* The same under memory pressure: counted, and never waits. */
u32 vexfs_tier_shrink(struct vexfs_tier *t, u32 max);
int vexfs_tier_fill(struct vexfs_tier *t);
/* Packs the stock into as few slabs as there can be. Holds @manage. */
int vexfs_tier_compact(struct vexfs_tier *t);

void vexfs_tier_read(struct vexfs_tier *t, bool since_reset, struct vexfs_pool_stats *st);
/* Since load, and the most in use since this was last asked. For a single caller. */
void vexfs_tier_read_round(struct vexfs_tier *t, struct vexfs_pool_stats *st, u32 *peak);
void vexfs_tier_read_sizes(struct vexfs_tier *t, u64 sizes[VEXFS_POOL_SIZES]);
void vexfs_tier_reset(struct vexfs_tier *t);

/* tier_debug.c: what a tier with @debug set does in addition. */
#define VEXFS_TIER_TRAILER	64u
int vexfs_debug_learn(struct vexfs_tier *t, void *p);
void vexfs_debug_forget(struct vexfs_tier *t, void *p);
void vexfs_debug_alloc(struct vexfs_tier *t, void *p, size_t size);
/* False: @p is not to be taken back. */
bool vexfs_debug_free(struct vexfs_tier *t, void *p, size_t size);

#endif
