// SPDX-License-Identifier: GPL-2.0
/*
 * One tier of the pools: magazines, stock, reserve, and the slab cache below.
 * The way of a buffer through them is here and nowhere else; when to make a
 * tier larger or smaller is not decided here.
 */
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/tier.h"

/* Buckets of slab_uses: exact enough up to some 1000 slabs. */
#define SLAB_HASH_BITS	12
#define SLAB_HASH_SIZE	(1u << SLAB_HASH_BITS)

/* A waiter asks the slab allocator again this often. */
#define WAIT_STEP_MS	10u

/* Chains of idle buffers. */

static void push(struct vexfs_idle **list, void *p)
{
	struct vexfs_idle *b = p;

	b->next = *list;
	*list = b;
}

static void *pop(struct vexfs_idle **list)
{
	struct vexfs_idle *b = *list;

	if (b)
		*list = b->next;
	return b;
}

/* Slabs that carry buffers of ours; under the lock. */

static u16 *slab_use(struct vexfs_tier *t, const void *p)
{
	return &t->slab_uses[hash_ptr(virt_to_head_page(p), SLAB_HASH_BITS)];
}

static void slab_in(struct vexfs_tier *t, const void *p)
{
	u16 *use = slab_use(t, p);

	if (!(*use)++)
		t->slabs++;
	t->held++;
}

static void slab_out(struct vexfs_tier *t, const void *p)
{
	u16 *use = slab_use(t, p);

	if (!--*use)
		t->slabs--;
	t->held--;
}

/* The slab allocator. Neither call may be made under the lock. */

static void *cache_get(struct vexfs_tier *t, gfp_t gfp)
{
	return kmem_cache_alloc(t->cache, gfp);
}

static void *slab_get(struct vexfs_tier *t, gfp_t gfp)
{
	/* Buffers go from op to op: nobody in particular is charged for them. */
	void *p = t->get(t, (gfp & ~(__GFP_ZERO | __GFP_ACCOUNT)) | __GFP_NOWARN);

	if (p && unlikely(t->debug) && vexfs_debug_learn(t, p)) {
		kmem_cache_free(t->cache, p);
		return NULL;
	}
	return p;
}

static void slab_put(struct vexfs_tier *t, struct vexfs_idle *list)
{
	void *p;

	while ((p = pop(&list))) {
		if (unlikely(t->debug))
			vexfs_debug_forget(t, p);
		kmem_cache_free(t->cache, p);
	}
}

/* Buffers in magazines, all together; a reading without locks. */
static u32 in_magazines(const struct vexfs_tier *t, u32 *dip)
{
	u32 sum = 0;
	int cpu;

	*dip = 0;
	for_each_possible_cpu(cpu) {
		const struct vexfs_tier_cpu *c = per_cpu_ptr(t->cpu, cpu);
		u32 n = READ_ONCE(c->n), low = READ_ONCE(c->low);

		sum += n;
		if (n > low)
			*dip = max(*dip, n - low);
	}
	return sum;
}

static u32 in_use(const struct vexfs_tier *t, u32 *dip)
{
	u32 out = READ_ONCE(t->held) - READ_ONCE(t->idle_n);
	u32 resting = in_magazines(t, dip);

	return out > resting ? out - resting : 0;
}

/*
 * More buffers are out than ever before, unless they rest in magazines: look.
 * @back buffers have just come home and were in use until then.
 */
static void note_high_water(struct vexfs_tier *t, u32 back)
{
	u32 out = READ_ONCE(t->held) - READ_ONCE(t->idle_n);
	unsigned long flags;
	u32 now, dip;

	if (likely(out + back <= min(READ_ONCE(t->high_water_reset),
				     READ_ONCE(t->high_water_round))))
		return;
	now = in_use(t, &dip) + back;
	raw_spin_lock_irqsave(&t->lock, flags);
	t->high_water = max(t->high_water, now);
	t->high_water_reset = max(t->high_water_reset, now);
	t->high_water_round = max(t->high_water_round, now);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/* A request that no magazine served; under the lock. */
static void count_slow(struct vexfs_tier *t, size_t size)
{
	t->slow.allocs++;
	t->slow.bytes += size;
	t->slow_sizes[vexfs_pool_size_bucket(size)]++;
}

/*
 * A chain goes home: to the reserve when that is short, to the stock while the
 * tier is below its size. Returns what is left and belongs to the slab
 * allocator. The chain is no longer than a magazine and one.
 */
static struct vexfs_idle *take_home(struct vexfs_tier *t, struct vexfs_idle *list, u32 frees)
{
	struct vexfs_idle *out = NULL;
	bool wake = false;
	unsigned long flags;
	void *p;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->slow.frees += frees;
	while ((p = pop(&list))) {
		if (unlikely(t->spare_n < t->spare_size)) {
			slab_out(t, p);
			push(&t->spare, p);
			t->spare_n++;
			wake = true;
		} else if (unlikely(t->held > t->size)) {
			slab_out(t, p);
			push(&out, p);
		} else {
			push(&t->idle, p);
			t->idle_n++;
		}
	}
	WRITE_ONCE(t->reserve_short, t->spare_n < t->spare_size);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	if (unlikely(wake) && wq_has_sleeper(&t->waiters))
		wake_up(&t->waiters);
	return out;
}

/* Buffers from the stock fill this CPU's magazine as far as they fit. */
static void load_magazine(struct vexfs_tier *t, struct vexfs_idle *list)
{
	struct vexfs_tier_cpu *c;
	u32 n;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(!READ_ONCE(c->busy))) {
		WRITE_ONCE(c->busy, 1);
		barrier();
		n = c->n;
		while (list && n < READ_ONCE(t->cap))
			c->buf[n++] = pop(&list);
		WRITE_ONCE(c->n, n);
		WRITE_ONCE(c->low, n);
		barrier();
		WRITE_ONCE(c->busy, 0);
	}
	preempt_enable();
	if (unlikely(list))
		slab_put(t, take_home(t, list, 0));
}

static bool from_reserve(struct vexfs_tier *t, size_t size, void **p)
{
	unsigned long flags;

	if (!READ_ONCE(t->spare_n))
		return false;
	raw_spin_lock_irqsave(&t->lock, flags);
	*p = pop(&t->spare);
	if (*p) {
		t->spare_n--;
		slab_in(t, *p);
		t->slow.reserve_used++;
		count_slow(t, size);
		WRITE_ONCE(t->reserve_short, true);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return *p;
}

static bool from_slab(struct vexfs_tier *t, size_t size, gfp_t gfp, void **p)
{
	unsigned long flags;

	*p = slab_get(t, gfp);
	if (!*p)
		return false;
	raw_spin_lock_irqsave(&t->lock, flags);
	slab_in(t, *p);
	t->slow.misses++;
	count_slow(t, size);
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return true;
}

/* Somebody has to give a buffer back first, to us or to the slab allocator. */
static bool wait_for_one(struct vexfs_tier *t, size_t size, gfp_t gfp, void **p)
{
	unsigned long end = jiffies + msecs_to_jiffies(READ_ONCE(t->wait_ms));
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->slow.waits++;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	while (time_before(jiffies, end)) {
		long left = wait_event_killable_timeout(t->waiters, from_reserve(t, size, p),
							msecs_to_jiffies(WAIT_STEP_MS));
		if (left > 0)
			return true;
		if (left < 0)
			return false;
		if (from_slab(t, size, gfp, p))
			return true;
	}
	return false;
}

static void *alloc_slow(struct vexfs_tier *t, size_t size, gfp_t gfp)
{
	struct vexfs_idle *list = NULL;
	unsigned long flags;
	u32 more;
	void *p;

	raw_spin_lock_irqsave(&t->lock, flags);
	p = pop(&t->idle);
	if (p) {
		for (more = t->cap / 2; more && t->idle; more--) {
			push(&list, pop(&t->idle));
			t->idle_n--;
		}
		t->idle_n--;
		count_slow(t, size);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);

	if (p) {
		if (list)
			load_magazine(t, list);
	} else if (!from_slab(t, size, gfp, &p) &&
		   ((gfp & __GFP_NOMEMALLOC) || !from_reserve(t, size, &p))) {
		vexfs_mem_tell(VEXFS_NEWS_EXHAUSTED, size, READ_ONCE(t->held), t->name);
		if (!gfpflags_allow_blocking(gfp) || (gfp & (__GFP_NORETRY | __GFP_NOMEMALLOC)) ||
		    !wait_for_one(t, size, gfp, &p)) {
			raw_spin_lock_irqsave(&t->lock, flags);
			t->slow.failures++;
			raw_spin_unlock_irqrestore(&t->lock, flags);
			return NULL;
		}
	}
	note_high_water(t, 0);
	return p;
}

void *vexfs_tier_alloc(struct vexfs_tier *t, size_t size, gfp_t gfp)
{
	struct vexfs_tier_cpu *c;
	void *p = NULL;
	u32 n;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (likely(!READ_ONCE(c->busy))) {
		WRITE_ONCE(c->busy, 1);
		barrier();
		n = c->n;
		if (likely(n)) {
			p = c->buf[--n];
			WRITE_ONCE(c->n, n);
			if (n < c->low)
				WRITE_ONCE(c->low, n);
			WRITE_ONCE(c->allocs, c->allocs + 1);
			WRITE_ONCE(c->bytes, c->bytes + size);
			c->sizes[vexfs_pool_size_bucket(size)]++;
		}
		barrier();
		WRITE_ONCE(c->busy, 0);
	}
	preempt_enable();

	if (unlikely(!p)) {
		p = alloc_slow(t, size, gfp);
		if (!p)
			return NULL;
	}
	if (unlikely(t->debug))
		vexfs_debug_alloc(t, p, size);
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_alloc);

/* The magazine is full, or an interrupt came while its owner was at work. */
static void free_slow(struct vexfs_tier *t, void *p)
{
	struct vexfs_idle *list = NULL;
	struct vexfs_tier_cpu *c;
	u32 n, back = 1;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (!READ_ONCE(c->busy)) {
		WRITE_ONCE(c->busy, 1);
		barrier();
		n = c->n;
		back += n - min(n, c->low);
		while (n > READ_ONCE(t->cap) / 2)
			push(&list, c->buf[--n]);
		WRITE_ONCE(c->n, n);
		WRITE_ONCE(c->low, n);
		barrier();
		WRITE_ONCE(c->busy, 0);
	}
	preempt_enable();
	note_high_water(t, back);
	push(&list, p);
	slab_put(t, take_home(t, list, 1));
}

void vexfs_tier_free(struct vexfs_tier *t, void *p, size_t size)
{
	struct vexfs_tier_cpu *c;
	bool done = false;
	u32 n;

	if (unlikely(t->debug) && !vexfs_debug_free(t, p, size))
		return;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	n = c->n;
	if (likely(!READ_ONCE(c->busy) && n < READ_ONCE(t->cap) &&
		   !READ_ONCE(t->reserve_short))) {
		WRITE_ONCE(c->busy, 1);
		barrier();
		n = c->n;
		c->buf[n] = p;
		WRITE_ONCE(c->n, n + 1);
		WRITE_ONCE(c->frees, c->frees + 1);
		barrier();
		WRITE_ONCE(c->busy, 0);
		done = true;
	}
	preempt_enable();
	if (unlikely(!done))
		free_slow(t, p);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_free);

bool vexfs_tier_gather_here(struct vexfs_tier *t)
{
	struct vexfs_idle *list = NULL;
	struct vexfs_tier_cpu *c;
	bool done = false;
	u32 n;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (!READ_ONCE(c->busy)) {
		WRITE_ONCE(c->busy, 1);
		barrier();
		for (n = c->n; n; )
			push(&list, c->buf[--n]);
		WRITE_ONCE(c->n, 0);
		WRITE_ONCE(c->low, 0);
		barrier();
		WRITE_ONCE(c->busy, 0);
		done = true;
	}
	preempt_enable();
	if (list) {
		unsigned long flags;
		void *p;

		/* May be a hard interrupt: nothing is given back from here. */
		raw_spin_lock_irqsave(&t->lock, flags);
		while ((p = pop(&list))) {
			push(&t->idle, p);
			t->idle_n++;
		}
		raw_spin_unlock_irqrestore(&t->lock, flags);
	}
	return done;
}

struct gather {
	struct vexfs_tier *t;
	bool done;
};

static void gather_ipi(void *info)
{
	struct gather *g = info;

	g->done = vexfs_tier_gather_here(g->t);
}

void vexfs_tier_gather(struct vexfs_tier *t)
{
	int cpu;

	/* CPUs that are down have emptied their magazine on the way. */
	for_each_online_cpu(cpu) {
		struct gather g = { .t = t };
		int tries;

		/* Whom the interrupt finds at work is done in a moment. */
		for (tries = 0; tries < 8 && !g.done; tries++) {
			if (!READ_ONCE(per_cpu_ptr(t->cpu, cpu)->n))
				break;
			if (smp_call_function_single(cpu, gather_ipi, &g, 1))
				break;
		}
		cond_resched();
	}
}

u32 vexfs_tier_shrink(struct vexfs_tier *t, u32 max)
{
	u32 done = vexfs_tier_trim(t, 0, max);
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->slow.shrunk += done;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return done;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_shrink);

u32 vexfs_tier_trim(struct vexfs_tier *t, u32 keep, u32 max)
{
	u32 done = 0;

	while (done < max) {
		struct vexfs_idle *list = NULL;
		unsigned long flags;
		u32 n = 0;
		void *p;

		raw_spin_lock_irqsave(&t->lock, flags);
		while (n < VEXFS_MAGAZINE_MAX && done + n < max && t->held > keep &&
		       (p = pop(&t->idle))) {
			t->idle_n--;
			slab_out(t, p);
			push(&list, p);
			n++;
		}
		raw_spin_unlock_irqrestore(&t->lock, flags);
		if (!n)
			break;
		slab_put(t, list);
		done += n;
		cond_resched();
	}
	return done;
}

/* One buffer more than there are; false when there is no need of it. */
static int fill_one(struct vexfs_tier *t, u32 size)
{
	unsigned long flags;
	bool taken = false;
	void *p;

	if (READ_ONCE(t->held) >= size)
		return 0;
	p = slab_get(t, GFP_KERNEL | __GFP_NORETRY);
	if (!p)
		return -ENOMEM;
	raw_spin_lock_irqsave(&t->lock, flags);
	if (t->held < size) {
		slab_in(t, p);
		push(&t->idle, p);
		t->idle_n++;
		taken = true;
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
	if (!taken) {
		((struct vexfs_idle *)p)->next = NULL;
		slab_put(t, p);
		return 0;
	}
	return 1;
}

static int fill_to(struct vexfs_tier *t, u32 size)
{
	int ret;

	do {
		ret = fill_one(t, size);
		cond_resched();
	} while (ret > 0);
	return ret;
}

int vexfs_tier_fill(struct vexfs_tier *t)
{
	return fill_to(t, READ_ONCE(t->size));
}

/* A quarter of the tier, all magazines together, may rest on other CPUs. */
static u32 cap_for(u32 size)
{
	u32 cap = size / (4 * num_online_cpus());

	return size ? clamp(cap, 1u, VEXFS_MAGAZINE_MAX) : 0;
}

void vexfs_tier_set_size(struct vexfs_tier *t, u32 size)
{
	unsigned long flags;
	u32 old;

	lockdep_assert_held(&t->manage);
	raw_spin_lock_irqsave(&t->lock, flags);
	old = t->size;
	WRITE_ONCE(t->size, size);
	WRITE_ONCE(t->cap, cap_for(size));
	if (size != old)
		t->slow.resizes++;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	if (size < old) {
		vexfs_tier_gather(t);
		vexfs_tier_trim(t, size, U32_MAX);
	}
	if (size != old)
		vexfs_mem_tell(VEXFS_NEWS_RESIZED, size, old, t->name);
}

int vexfs_tier_resize(struct vexfs_tier *t, u32 size)
{
	u32 old = t->size;
	int err;

	lockdep_assert_held(&t->manage);
	if (size > old) {
		/* Filled first: what comes home meanwhile still finds the old size. */
		err = fill_to(t, size);
		if (err) {
			vexfs_tier_trim(t, old, U32_MAX);
			return err;
		}
	}
	vexfs_tier_set_size(t, size);
	if (size > old)
		vexfs_tier_fill(t);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_resize);

int vexfs_tier_compact(struct vexfs_tier *t)
{
	unsigned long flags;
	int err;

	lockdep_assert_held(&t->manage);
	/*
	 * The allocator fills its fullest slabs first: what it gets back and
	 * gives out again lies closer than before.
	 */
	vexfs_tier_gather(t);
	vexfs_tier_trim(t, 0, U32_MAX);
	kmem_cache_shrink(t->cache);
	err = vexfs_tier_fill(t);
	raw_spin_lock_irqsave(&t->lock, flags);
	t->slow.compactions++;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_compact);

/* Since load. */
static void read_counters(struct vexfs_tier *t, struct vexfs_pool_stats *st)
{
	unsigned long flags;
	int cpu;

	raw_spin_lock_irqsave(&t->lock, flags);
	*st = t->slow;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	for_each_possible_cpu(cpu) {
		const struct vexfs_tier_cpu *c = per_cpu_ptr(t->cpu, cpu);

		st->allocs += READ_ONCE(c->allocs);
		st->frees += READ_ONCE(c->frees);
		st->bytes += READ_ONCE(c->bytes);
	}
	st->hits = st->allocs - st->misses;
}

static u64 ppm(u64 part, u64 whole)
{
	return whole ? div64_u64(part * 1000000, whole) : 0;
}

void vexfs_tier_read(struct vexfs_tier *t, bool since_reset, struct vexfs_pool_stats *st)
{
	unsigned long flags;
	u32 slabs, packed, peak, dip;

	read_counters(t, st);
	if (since_reset) {
		st->allocs -= t->base.allocs;
		st->hits -= t->base.hits;
		st->misses -= t->base.misses;
		st->failures -= t->base.failures;
		st->frees -= t->base.frees;
		st->bytes -= t->base.bytes;
		st->reserve_used -= t->base.reserve_used;
		st->waits -= t->base.waits;
		st->resizes -= t->base.resizes;
		st->shrunk -= t->base.shrunk;
		st->compactions -= t->base.compactions;
	}
	st->in_use = in_use(t, &dip);
	raw_spin_lock_irqsave(&t->lock, flags);
	peak = since_reset ? t->high_water_reset : t->high_water;
	st->held = t->held;
	st->reserve = t->spare_n;
	slabs = t->slabs;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	st->high_water = max_t(u64, peak, st->in_use + dip);
	st->size = READ_ONCE(t->size);
	st->held_bytes = (st->held + st->reserve) * t->bytes;
	st->hit_ppm = ppm(st->hits, st->allocs);
	st->use_ppm = ppm(st->in_use, st->size);
	packed = DIV_ROUND_UP(st->held, max(t->per_slab, 1u));
	st->frag_ppm = slabs > packed ? ppm(slabs - packed, slabs) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_read);

void vexfs_tier_read_round(struct vexfs_tier *t, struct vexfs_pool_stats *st, u32 *peak)
{
	unsigned long flags;
	u32 now, dip;

	vexfs_tier_read(t, false, st);
	now = in_use(t, &dip);
	raw_spin_lock_irqsave(&t->lock, flags);
	*peak = max(t->high_water_round, now + dip);
	t->high_water_round = now;
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

void vexfs_tier_read_sizes(struct vexfs_tier *t, u64 sizes[VEXFS_POOL_SIZES])
{
	unsigned int b;
	int cpu;

	for (b = 0; b < VEXFS_POOL_SIZES; b++) {
		sizes[b] += READ_ONCE(t->slow_sizes[b]);
		for_each_possible_cpu(cpu)
			sizes[b] += READ_ONCE(per_cpu_ptr(t->cpu, cpu)->sizes[b]);
	}
}

void vexfs_tier_reset(struct vexfs_tier *t)
{
	unsigned long flags;
	u32 dip, now;

	mutex_lock(&t->manage);
	read_counters(t, &t->base);
	now = in_use(t, &dip);
	raw_spin_lock_irqsave(&t->lock, flags);
	t->high_water_reset = now;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	mutex_unlock(&t->manage);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_reset);

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
	INIT_LIST_HEAD(&t->node);
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
	t->slow.resizes = 0;
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
