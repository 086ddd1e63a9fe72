// SPDX-License-Identifier: GPL-2.0
/*
 * One tier of the pools: magazines, stock, reserve, and the slab cache below.
 * The way of a buffer through them is here and nowhere else; when to make a
 * tier larger or smaller is not decided here.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/tier_priv.h"

/* A waiter asks the slab allocator again this often. */
#define WAIT_STEP_MS	10u

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

u32 vexfs_tier_in_use(const struct vexfs_tier *t, u32 *dip)
{
	u32 out = held(t) - READ_ONCE(t->idle_n);
	u32 resting = in_magazines(t, dip);

	return out > resting ? out - resting : 0;
}

static void raise_to(u32 *max, u32 v)
{
	u32 old = READ_ONCE(*max);

	while (old < v && !try_cmpxchg(max, &old, v))
		;
}

/*
 * More buffers are out than ever were in use, though some may rest in
 * magazines: look closer. @more is what the caller knows to be missing from,
 * or too many in, what can be seen.
 */
static void note_high_water(struct vexfs_tier *t, int more)
{
	int now = held(t) - READ_ONCE(t->idle_n) + more;
	u32 dip;

	if (likely(now <= (int)min(READ_ONCE(t->high_water_reset),
				   READ_ONCE(t->high_water_round))))
		return;
	now = (int)vexfs_tier_in_use(t, &dip) + more;
	if (now <= 0)
		return;
	raise_to(&t->high_water, now);
	raise_to(&t->high_water_reset, now);
	raise_to(&t->high_water_round, now);
}

/* A request that no magazine served. */
static void count_alloc(struct vexfs_tier *t, size_t size)
{
	unsigned int b = vexfs_pool_size_bucket(size);
	struct vexfs_tier_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(vexfs_magazine_open(c))) {
		c->bytes += size;
		c->sizes[b]++;
		vexfs_magazine_close(c);
	} else {
		atomic64_add(size, &t->nested_bytes);
		atomic64_inc(&t->nested_sizes[b]);
	}
	preempt_enable();
}

/*
 * A chain goes home: to the reserve when that is short, to the stock while the
 * tier is below its size. Returns what is left and belongs to the slab
 * allocator. The chain is no longer than a magazine and one.
 */
static struct llist_node *take_home(struct vexfs_tier *t, struct llist_node *list)
{
	struct llist_node *out = NULL;
	bool wake = false;
	void *p;

	if (unlikely(!stock_lock(t))) {
		while ((p = pop(&list)))
			llist_add(p, &t->returned);
		return NULL;
	}
	while ((p = pop(&list))) {
		if (unlikely(t->spare_n < t->spare_size)) {
			slab_out(t, p);
			push(&t->spare, p);
			WRITE_ONCE(t->spare_n, t->spare_n + 1);
			wake = true;
			spare_changed(t);
		} else if (unlikely(held(t) > t->size)) {
			slab_out(t, p);
			push(&out, p);
		} else {
			stock_push(t, p);
		}
	}
	stock_unlock(t);

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
	if (likely(vexfs_magazine_open(c))) {
		n = c->n;
		while (list && n + !!c->hot < READ_ONCE(t->cap))
			c->buf[n++] = pop(&list);
		WRITE_ONCE(c->n, n);
		WRITE_ONCE(c->low, n + !!c->hot);
		vexfs_magazine_close(c);
	}
	preempt_enable();
	if (unlikely(list))
		slab_put(t, take_home(t, list));
}

static bool from_stock(struct vexfs_tier *t, void **p)
{
	struct llist_node *list = NULL;
	u32 more;

	if (!stock_lock(t))
		return false;
	*p = stock_pop(t);
	if (*p)
		for (more = READ_ONCE(t->cap) / 2; more && t->idle; more--)
			push(&list, stock_pop(t));
	stock_unlock(t);
	if (list)
		load_magazine(t, list);
	return *p;
}

static bool from_slab(struct vexfs_tier *t, gfp_t gfp, void **p)
{
	*p = slab_get(t, gfp);
	if (!*p)
		return false;
	slab_in(t, *p);
	atomic64_inc(&t->misses);
	return true;
}

static bool from_reserve(struct vexfs_tier *t, void **p)
{
	*p = NULL;
	if (!READ_ONCE(t->spare_n) || !stock_lock(t))
		return false;
	*p = pop(&t->spare);
	if (*p) {
		WRITE_ONCE(t->spare_n, t->spare_n - 1);
		slab_in(t, *p);
		atomic64_inc(&t->reserve_used);
		spare_changed(t);
	}
	stock_unlock(t);
	return *p;
}

/* Somebody has to give a buffer back first, to us or to the slab allocator. */
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
	vexfs_mem_tell(VEXFS_NEWS_EXHAUSTED, size, held(t), t->name);
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
	note_high_water(t, 0);
	if (unlikely(t->debug))
		vexfs_debug_alloc(t, p, size);
	return p;
}

/* The magazine is full, or an interrupt came while its owner was at work. */
void vexfs_tier_free_slow(struct vexfs_tier *t, void *p, size_t size)
{
	struct llist_node *list = NULL;
	struct vexfs_tier_cpu *c;
	int dip = 0;
	u32 n;

	if (unlikely(t->debug) && !vexfs_debug_free(t, p, size))
		return;
	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(vexfs_magazine_open(c))) {
		for (n = c->n; n > READ_ONCE(t->cap) / 2; )
			push(&list, c->buf[--n]);
		if (c->hot && !READ_ONCE(t->cap)) {
			push(&list, c->hot);
			WRITE_ONCE(c->hot, NULL);
		}
		WRITE_ONCE(c->n, n);
		n += !!c->hot;
		/* What is on its way home still looks as if it were in use. */
		dip = (int)n - (int)c->low;
		WRITE_ONCE(c->low, n);
		c->frees++;
		vexfs_magazine_close(c);
	} else {
		atomic64_inc(&t->nested_frees);
	}
	preempt_enable();
	note_high_water(t, dip);
	push(&list, p);
	slab_put(t, take_home(t, list));
}

void *vexfs_tier_alloc(struct vexfs_tier *t, size_t size, gfp_t gfp)
{
	void *p;

	preempt_disable();
	p = vexfs_tier_alloc_fast(t, my_cpu_offset, size);
	preempt_enable();
	if (unlikely(!p))
		p = vexfs_tier_alloc_slow(t, size, gfp);
	if (p && (gfp & __GFP_ZERO))
		memset(p, 0, size);
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_alloc);

void vexfs_tier_free(struct vexfs_tier *t, void *p, size_t size)
{
	bool done;

	preempt_disable();
	done = vexfs_tier_free_fast(t, my_cpu_offset, p);
	preempt_enable();
	if (unlikely(!done))
		vexfs_tier_free_slow(t, p, size);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_free);

static void *cache_get(struct vexfs_tier *t, gfp_t gfp)
{
	return kmem_cache_alloc(t->cache, gfp);
}

static int fill_reserve(struct vexfs_tier *t, u32 n)
{
	while (t->spare_n < n) {
		void *p = slab_get(t, GFP_KERNEL);

		if (!p)
			return -ENOMEM;
		if (!t->per_slab) {
			size_t slab = page_size(virt_to_head_page(p));

			t->per_slab = max_t(size_t, 1, slab / kmem_cache_size(t->cache));
		}
		push(&t->spare, p);
		t->spare_n++;
	}
	t->spare_size = n;
	return 0;
}

int vexfs_tier_init(struct vexfs_tier *t, const char *name, u32 bytes, u32 size, u32 spare,
		    bool debug)
{
	u32 room = bytes + (debug ? VEXFS_TIER_TRAILER : 0);
	char cache_name[32];
	int err = -ENOMEM;

	memset(t, 0, sizeof(*t));
	t->name = name;
	t->bytes = bytes;
	t->get = cache_get;
	t->debug = debug;
	t->wait_ms = 1000;
	raw_spin_lock_init(&t->lock);
	init_waitqueue_head(&t->waiters);
	mutex_init(&t->manage);
	init_llist_head(&t->returned);
	xa_init_flags(&t->known, XA_FLAGS_LOCK_IRQ);
	t->cpu = alloc_percpu(struct vexfs_tier_cpu);
	t->slab_uses = kvcalloc(SLAB_HASH_SIZE, sizeof(*t->slab_uses), GFP_KERNEL);
	snprintf(cache_name, sizeof(cache_name), "vexfs_%s", name);
	/* Users' bytes are copied straight into buffers and out of them. */
	t->cache = kmem_cache_create_usercopy(cache_name, room, VEXFS_POOL_ALIGN,
					      VEXFS_SLAB_NO_MERGE, 0, bytes, NULL);
	if (!t->cpu || !t->slab_uses || !t->cache)
		goto fail;
	err = fill_reserve(t, max(spare, 1u));
	if (err)
		goto fail;
	mutex_lock(&t->manage);
	err = vexfs_tier_resize(t, size);
	mutex_unlock(&t->manage);
	if (err)
		goto fail;
	atomic64_set(&t->resizes, 0);
	return 0;
fail:
	vexfs_tier_exit(t);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_init);

void vexfs_tier_exit(struct vexfs_tier *t)
{
	if (t->cpu && t->slab_uses && t->cache) {
		vexfs_tier_gather(t);
		vexfs_tier_trim(t, 0, U32_MAX);
		slab_put(t, t->spare);
	}
	if (t->cache) {
		/* A buffer that was never given back makes the cache complain. */
		kmem_cache_destroy(t->cache);
	}
	xa_destroy(&t->known);
	kvfree(t->slab_uses);
	free_percpu(t->cpu);
	t->cache = NULL;
	t->slab_uses = NULL;
	t->cpu = NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_exit);
