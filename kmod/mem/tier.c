// SPDX-License-Identifier: GPL-2.0
/*
 * One tier of the pools: the way of a buffer through magazines, stock, reserve and the
 * slab cache below, when the fast path in tier.h is not enough. How many buffers a
 * tier holds is in tier_size.c, what it has counted in tier_stats.c.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/pool_trace.h"
#include "mem/tier_priv.h"

void *vexfs_tier_slab_get(struct vexfs_tier *t, gfp_t gfp)
{
	/* Buffers go from op to op: nobody in particular is charged for them. */
	void *p = t->get(t, (gfp & ~(__GFP_ZERO | __GFP_ACCOUNT)) | __GFP_NOWARN);

	if (p && unlikely(t->debug) && vexfs_debug_learn(t, p)) {
		kmem_cache_free(t->cache, p);
		return NULL;
	}
	if (p)
		vexfs_buffer_rest(t, p, 0);
	return p;
}

void vexfs_tier_slab_put(struct vexfs_tier *t, struct llist_node *list)
{
	void *p;

	while ((p = vexfs_chain_pop(&list))) {
		if (unlikely(t->debug))
			vexfs_debug_forget(t, p);
		vexfs_buffer_take(t, p, t->bytes);
		kmem_cache_free(t->cache, p);
	}
}

/* Interval at which a waiter tries the slab allocator again. */
#define WAIT_STEP_MS	10u

/* Serves a request for which the magazine had no buffer. */
static void count_alloc(struct vexfs_tier *t, size_t size)
{
	unsigned int b = vexfs_pool_size_bucket(size);
	struct vexfs_tier_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(vexfs_cpu_enter(&c->busy))) {
		c->bytes += size;
		c->sizes[b]++;
		vexfs_cpu_leave(&c->busy);
	} else {
		atomic64_add(size, &t->nested_bytes);
		atomic64_inc(&t->nested_sizes[b]);
	}
	preempt_enable();
}

/*
 * Returns a chain of buffers: to the reserve when that is short, to the stock while the tier
 * is below its size. What is left is for the slab allocator. The chain is no longer than a
 * magazine and one.
 */
static struct llist_node *return_chain(struct vexfs_tier *t, struct llist_node *list)
{
	struct llist_node *out = NULL;
	bool wake = false;
	void *p;

	if (unlikely(!vexfs_stock_lock(t))) {
		while ((p = vexfs_chain_pop(&list)))
			llist_add(p, &t->returned);
		return NULL;
	}
	while ((p = vexfs_chain_pop(&list))) {
		if (unlikely(t->spare_n < t->spare_size)) {
			vexfs_slab_out(t, p);
			vexfs_chain_push(&t->spare, p);
			WRITE_ONCE(t->spare_n, t->spare_n + 1);
			wake = true;
			vexfs_spare_changed(t);
		} else if (unlikely(vexfs_tier_held(t) > t->keep)) {
			vexfs_slab_out(t, p);
			vexfs_chain_push(&out, p);
		} else {
			vexfs_stock_push(t, p);
		}
	}
	vexfs_stock_unlock(t);

	if (unlikely(wake) && wq_has_sleeper(&t->waiters))
		wake_up(&t->waiters);
	return out;
}

/* Buffers from the stock fill this CPU's magazine as far as they fit. */
static void load_magazine(struct vexfs_tier *t, struct llist_node *list)
{
	struct vexfs_tier_cpu *c;
	u32 n;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(vexfs_cpu_enter(&c->busy))) {
		n = c->n;
		while (list && n + !!c->hot < READ_ONCE(t->cap))
			c->buf[n++] = vexfs_chain_pop(&list);
		WRITE_ONCE(c->n, n);
		WRITE_ONCE(c->low, n + !!c->hot);
		vexfs_cpu_leave(&c->busy);
	}
	preempt_enable();
	if (unlikely(list))
		vexfs_tier_slab_put(t, return_chain(t, list));
}

static bool from_stock(struct vexfs_tier *t, void **p)
{
	struct llist_node *list = NULL;
	u32 more;

	if (!vexfs_stock_lock(t))
		return false;
	*p = vexfs_stock_pop(t);
	if (*p)
		for (more = READ_ONCE(t->cap) / 2; more && t->idle; more--)
			vexfs_chain_push(&list, vexfs_stock_pop(t));
	vexfs_stock_unlock(t);
	if (list)
		load_magazine(t, list);
	return *p;
}

static bool from_slab(struct vexfs_tier *t, gfp_t gfp, void **p)
{
	*p = vexfs_tier_slab_get(t, gfp);
	if (!*p)
		return false;
	vexfs_slab_in(t, *p);
	atomic64_inc(&t->misses);
	trace_vexfs_pool_miss(t->name, t->bytes);
	return true;
}

static bool from_reserve(struct vexfs_tier *t, void **p)
{
	*p = NULL;
	if (!READ_ONCE(t->spare_n) || !vexfs_stock_lock(t))
		return false;
	*p = vexfs_chain_pop(&t->spare);
	if (*p) {
		WRITE_ONCE(t->spare_n, t->spare_n - 1);
		vexfs_slab_in(t, *p);
		atomic64_inc(&t->reserve_used);
		vexfs_spare_changed(t);
	}
	vexfs_stock_unlock(t);
	return *p;
}

/* Waits until a buffer is freed, to the tier or to the slab allocator. */
static bool wait_for_one(struct vexfs_tier *t, gfp_t gfp, void **p)
{
	unsigned long end = jiffies + msecs_to_jiffies(READ_ONCE(t->wait_ms));

	atomic64_inc(&t->waits);
	while (time_before(jiffies, end)) {
		long left = wait_event_killable_timeout(t->waiters, from_reserve(t, p),
							msecs_to_jiffies(WAIT_STEP_MS));
		if (left > 0)
			return true;
		if (left < 0)
			return false;
		if (from_stock(t, p) || from_slab(t, gfp, p))
			return true;
	}
	return false;
}

static bool find_one(struct vexfs_tier *t, size_t size, gfp_t gfp, void **p)
{
	if (from_stock(t, p) || from_slab(t, gfp, p))
		return true;
	if (!(gfp & __GFP_NOMEMALLOC) && from_reserve(t, p))
		return true;
	vexfs_mem_tell(VEXFS_NEWS_EXHAUSTED, size, vexfs_tier_held(t), t->name);
	if (!gfpflags_allow_blocking(gfp) || (gfp & (__GFP_NORETRY | __GFP_NOMEMALLOC)))
		return false;
	return wait_for_one(t, gfp, p);
}

/* The magazine is empty, or an interrupt came while its owner was at work. */
void *vexfs_tier_alloc_slow(struct vexfs_tier *t, size_t size, gfp_t gfp)
{
	void *p;

	if (!find_one(t, size, gfp, &p)) {
		atomic64_inc(&t->failures);
		return NULL;
	}
	count_alloc(t, size);
	vexfs_tier_note_high_water(t, 0);
	vexfs_buffer_take(t, p, size);
	if (unlikely(t->debug))
		vexfs_debug_alloc(t, p, size);
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_alloc_slow);

/* The magazine is full, or an interrupt came while its owner was at work. */
void vexfs_tier_free_slow(struct vexfs_tier *t, void *p, size_t size)
{
	struct llist_node *list = NULL;
	struct vexfs_tier_cpu *c;
	int dip = 0;
	u32 n;

	if (unlikely(t->debug) && !vexfs_debug_free(t, p, size))
		return;
	vexfs_buffer_rest(t, p, size);
	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(vexfs_cpu_enter(&c->busy))) {
		for (n = c->n; n > READ_ONCE(t->cap) / 2; )
			vexfs_chain_push(&list, c->buf[--n]);
		if (c->hot && !READ_ONCE(t->cap)) {
			vexfs_chain_push(&list, c->hot);
			WRITE_ONCE(c->hot, NULL);
		}
		WRITE_ONCE(c->n, n);
		n += !!c->hot;
		/* Buffers on their way to the stock still count as in use. */
		dip = (int)n - (int)c->low;
		WRITE_ONCE(c->low, n);
		c->frees++;
		vexfs_cpu_leave(&c->busy);
	} else {
		atomic64_inc(&t->nested_frees);
	}
	preempt_enable();
	vexfs_tier_note_high_water(t, dip);
	vexfs_chain_push(&list, p);
	vexfs_tier_slab_put(t, return_chain(t, list));
}
VEXFS_EXPORT_KUNIT(vexfs_tier_free_slow);
