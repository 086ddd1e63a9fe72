// SPDX-License-Identifier: GPL-2.0
/*
 * One tier of the pools: magazines, stock, reserve, and the slab cache below;
 * how it becomes larger and smaller, and what it has counted. The way of a
 * buffer through a tier is here and nowhere else; when to make one larger or
 * smaller is not decided here.
 */
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/tier.h"

/* Buckets of slab_uses: exact enough up to some 500 slabs. */
#define SLAB_HASH_BITS	11
#define SLAB_HASH_SIZE	(1u << SLAB_HASH_BITS)

/* Chains of idle buffers. */

static void push(struct llist_node **list, void *p)
{
	struct llist_node *b = p;

	b->next = *list;
	*list = b;
}

static void *pop(struct llist_node **list)
{
	struct llist_node *b = *list;

	if (b)
		*list = b->next;
	return b;
}

/* What we hold of the slab allocator's. */

static atomic_t *slab_use(struct vexfs_tier *t, const void *p)
{
	return &t->slab_uses[hash_ptr(virt_to_head_page(p), SLAB_HASH_BITS)];
}

static void slab_in(struct vexfs_tier *t, const void *p)
{
	if (atomic_inc_return(slab_use(t, p)) == 1)
		atomic_inc(&t->slabs);
	atomic_inc(&t->held);
}

static void slab_out(struct vexfs_tier *t, const void *p)
{
	if (atomic_dec_and_test(slab_use(t, p)))
		atomic_dec(&t->slabs);
	atomic_dec(&t->held);
}

static u32 held(const struct vexfs_tier *t)
{
	return atomic_read(&t->held);
}

/* The slab allocator. Neither call may be made under the lock. */

static void *slab_get(struct vexfs_tier *t, gfp_t gfp)
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

static void slab_put(struct vexfs_tier *t, struct llist_node *list)
{
	void *p;

	while ((p = pop(&list))) {
		if (unlikely(t->debug))
			vexfs_debug_forget(t, p);
		vexfs_buffer_take(t, p, t->bytes);
		kmem_cache_free(t->cache, p);
	}
}

/* What came home without the lock joins the stock. Holds the lock. */
static void stock_take_returned(struct vexfs_tier *t)
{
	struct llist_node *list, *next;

	if (likely(llist_empty(&t->returned)))
		return;
	for (list = llist_del_all(&t->returned); list; list = next) {
		next = list->next;
		push(&t->idle, list);
		WRITE_ONCE(t->idle_n, t->idle_n + 1);
	}
}

/* The lock, or false in an interrupt that may have interrupted its holder. */
static bool stock_lock(struct vexfs_tier *t)
{
	if (likely(in_task()))
		raw_spin_lock(&t->lock);
	else if (!raw_spin_trylock(&t->lock))
		return false;
	WRITE_ONCE(t->locks, t->locks + 1);
	stock_take_returned(t);
	return true;
}

/* The same for those who are never interrupts, and so always get it. */
static void stock_lock_task(struct vexfs_tier *t)
{
	raw_spin_lock(&t->lock);
	WRITE_ONCE(t->locks, t->locks + 1);
	stock_take_returned(t);
}

static void stock_unlock(struct vexfs_tier *t)
{
	raw_spin_unlock(&t->lock);
}

static void *stock_pop(struct vexfs_tier *t)
{
	void *p = pop(&t->idle);

	if (p)
		WRITE_ONCE(t->idle_n, t->idle_n - 1);
	return p;
}

static void stock_push(struct vexfs_tier *t, void *p)
{
	push(&t->idle, p);
	WRITE_ONCE(t->idle_n, t->idle_n + 1);
}

/* Under the lock: while the reserve is short, everything comes by here. */
static void spare_changed(struct vexfs_tier *t)
{
	WRITE_ONCE(t->cap, t->spare_n < t->spare_size || t->debug ? 0 : t->full_cap);
}

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

/*
 * Buffers in use now; @dip: how many more there were since a magazine was last filled or
 * emptied. What is read while buffers move may be out by those, and is never below 0.
 */
static u32 in_use(const struct vexfs_tier *t, u32 *dip)
{
	s64 resting = in_magazines(t, dip);
	s64 now = (s64)held(t) - READ_ONCE(t->idle_n) - resting;

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
static void note_high_water(struct vexfs_tier *t, int more)
{
	int now = (int)(held(t) - READ_ONCE(t->idle_n)) + more;
	u32 dip;

	if (likely(now <= (int)READ_ONCE(t->looked)))
		return;
	WRITE_ONCE(t->looked, now);
	atomic64_inc(&t->scans);
	now = (int)in_use(t, &dip) + more;
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
		} else if (unlikely(held(t) > t->keep)) {
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
	if (likely(vexfs_cpu_enter(&c->busy))) {
		n = c->n;
		while (list && n + !!c->hot < READ_ONCE(t->cap))
			c->buf[n++] = pop(&list);
		WRITE_ONCE(c->n, n);
		WRITE_ONCE(c->low, n + !!c->hot);
		vexfs_cpu_leave(&c->busy);
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
		vexfs_cpu_leave(&c->busy);
	} else {
		atomic64_inc(&t->nested_frees);
	}
	preempt_enable();
	note_high_water(t, dip);
	push(&list, p);
	slab_put(t, take_home(t, list));
}
VEXFS_EXPORT_KUNIT(vexfs_tier_free_slow);

/* How many buffers it holds. Requests go on meanwhile; none of them passes here. */

/* Nobody but the caller touches the magazine. */
static void empty_magazine(struct vexfs_tier *t, struct vexfs_tier_cpu *c)
{
	u32 n;

	for (n = c->n; n; )
		llist_add(c->buf[--n], &t->returned);
	if (c->hot)
		llist_add(c->hot, &t->returned);
	WRITE_ONCE(c->hot, NULL);
	WRITE_ONCE(c->n, 0);
	WRITE_ONCE(c->low, 0);
}

/* This CPU's magazine goes home; false when its owner is at work. */
static bool gather_here(struct vexfs_tier *t)
{
	struct vexfs_tier_cpu *c;
	bool done = false;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (vexfs_cpu_enter(&c->busy)) {
		empty_magazine(t, c);
		vexfs_cpu_leave(&c->busy);
		done = true;
	}
	preempt_enable();
	return done;
}

struct gather {
	struct vexfs_tier *t;
	bool done;
};

static void gather_ipi(void *info)
{
	struct gather *g = info;

	g->done = gather_here(g->t);
}

/* Isolated CPUs, by isolcpus=, nohz_full= or a cpuset, are not to be interrupted. */
static bool may_interrupt(int cpu)
{
	return housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) &&
	       housekeeping_test_cpu(cpu, HK_TYPE_MISC);
}

void vexfs_tier_gather(struct vexfs_tier *t)
{
	int cpu;

	/* What a CPU holds that goes down meanwhile is gathered when it is dead. */
	for_each_online_cpu(cpu) {
		struct gather g = { .t = t };
		int tries;

		if (!may_interrupt(cpu))
			continue;
		/* Whom the interrupt finds at work is done in a moment. */
		for (tries = 0; tries < 8 && !g.done; tries++) {
			if (!vexfs_magazine_count(per_cpu_ptr(t->cpu, cpu)))
				break;
			if (smp_call_function_single(cpu, gather_ipi, &g, 1))
				break;
		}
		cond_resched();
	}
}
VEXFS_EXPORT_KUNIT(vexfs_tier_gather);

void vexfs_tier_gather_dead(struct vexfs_tier *t, unsigned int cpu)
{
	empty_magazine(t, per_cpu_ptr(t->cpu, cpu));
	stock_lock_task(t);
	stock_unlock(t);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_gather_dead);

/* Up to @max idle buffers, and no more than a magazine's worth, leave for good. */
static u32 trim_some(struct vexfs_tier *t, u32 keep, u32 max)
{
	struct llist_node *list = NULL;
	u32 n = 0;
	void *p;

	if (!stock_lock(t))
		return 0;
	while (n < min(max, VEXFS_MAGAZINE_MAX) && held(t) > keep && (p = stock_pop(t))) {
		slab_out(t, p);
		push(&list, p);
		n++;
	}
	stock_unlock(t);
	slab_put(t, list);
	return n;
}

u32 vexfs_tier_trim(struct vexfs_tier *t, u32 keep, u32 max)
{
	u32 done = 0, n;

	/* What comes home meanwhile does not make this longer. */
	max = min(max, held(t));
	do {
		n = trim_some(t, keep, max - done);
		done += n;
		cond_resched();
	} while (n);
	return done;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_trim);

u32 vexfs_tier_shrink(struct vexfs_tier *t, u32 max)
{
	u32 done = vexfs_tier_trim(t, 0, max);

	atomic64_add(done, &t->shrunk);
	return done;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_shrink);

/*
 * As many buffers as @t lacks to hold @size. They are not held yet: what others
 * take and give back meanwhile makes this neither longer nor endless.
 */
static int fetch(struct vexfs_tier *t, u32 size, struct llist_node **list)
{
	u32 n;
	void *p;

	for (n = held(t); n < size; n++) {
		p = slab_get(t, GFP_KERNEL | __GFP_NORETRY);
		if (!p)
			return -ENOMEM;
		push(list, p);
		cond_resched();
	}
	return 0;
}

/* One too many, when somebody else added one as well, leaves with the next. */
static void stock_up(struct vexfs_tier *t, struct llist_node *list)
{
	while (list) {
		u32 n;

		stock_lock_task(t);
		for (n = 0; list && n < VEXFS_MAGAZINE_MAX; n++) {
			void *p = pop(&list);

			slab_in(t, p);
			stock_push(t, p);
		}
		stock_unlock(t);
		cond_resched();
	}
}

int vexfs_tier_fill(struct vexfs_tier *t)
{
	struct llist_node *list = NULL;
	int err = fetch(t, READ_ONCE(t->size), &list);

	stock_up(t, list);
	return err;
}

/*
 * A quarter of the tier, all magazines together, may rest on other CPUs, or what an
 * op needs on each of them when that is more.
 */
static u32 cap_for(u32 size, unsigned int cpus)
{
	u32 least = min(VEXFS_MAGAZINE_MIN, DIV_ROUND_UP(size, 4));

	return clamp(size / (4 * cpus), least, VEXFS_MAGAZINE_MAX);
}

static u32 keep_for(u32 size, unsigned int cpus)
{
	u64 resting = (u64)cap_for(size, cpus) * cpus;

	return min_t(u64, size + max_t(u64, resting, size / 4) - size / 4, U32_MAX);
}

u32 vexfs_tier_keep(u32 size)
{
	return keep_for(size, num_online_cpus());
}

/* Under the lock. */
static void share_out(struct vexfs_tier *t, unsigned int cpus)
{
	t->full_cap = cap_for(t->size, cpus);
	t->keep = keep_for(t->size, cpus);
	spare_changed(t);
}

void vexfs_tier_share(struct vexfs_tier *t, unsigned int cpus)
{
	stock_lock_task(t);
	share_out(t, cpus);
	stock_unlock(t);
}

void vexfs_tier_set_size(struct vexfs_tier *t, u32 size)
{
	u32 old = t->size;

	lockdep_assert_held(&t->manage);
	stock_lock_task(t);
	WRITE_ONCE(t->size, size);
	share_out(t, num_online_cpus());
	stock_unlock(t);
	if (size == old)
		return;
	atomic64_inc(&t->resizes);
	if (size < old) {
		vexfs_tier_gather(t);
		vexfs_tier_trim(t, size, U32_MAX);
	}
	vexfs_mem_tell(VEXFS_NEWS_RESIZED, size, old, t->name);
}

int vexfs_tier_resize(struct vexfs_tier *t, u32 size)
{
	struct llist_node *list = NULL;
	int err = 0;

	lockdep_assert_held(&t->manage);
	/* Memory first: a size that cannot be filled is not set. */
	if (size > t->size)
		err = fetch(t, size, &list);
	if (err) {
		slab_put(t, list);
		return err;
	}
	vexfs_tier_set_size(t, size);
	stock_up(t, list);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_resize);

int vexfs_tier_compact(struct vexfs_tier *t)
{
	lockdep_assert_held(&t->manage);
	/*
	 * The allocator fills its fullest slabs first: what it gets back and
	 * gives out again lies closer than before.
	 */
	vexfs_tier_gather(t);
	vexfs_tier_trim(t, 0, U32_MAX);
	kmem_cache_shrink(t->cache);
	atomic64_inc(&t->compactions);
	return vexfs_tier_fill(t);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_compact);

/* What it has counted, added up over CPUs and read without stopping anybody. */

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

static u64 ppm(u64 part, u64 whole)
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

	/* What interrupts left behind goes to the stock. */
	stock_lock_task(t);
	if (since_reset)
		base = t->base;
	stock_unlock(t);
	read_counters(t, st);
	take_base_off(&base, st);
	/* A miss is counted before its request. */
	st->hits = st->allocs > st->misses ? st->allocs - st->misses : 0;
	st->in_use = in_use(t, &dip);
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
	now = in_use(t, &dip);
	*peak = max(READ_ONCE(t->high_water_round), now + dip);
	WRITE_ONCE(t->high_water_round, now);
	WRITE_ONCE(t->looked, 0);
}

void vexfs_tier_reset(struct vexfs_tier *t)
{
	struct vexfs_pool_stats base;
	u32 dip;

	read_counters(t, &base);
	stock_lock_task(t);
	t->base = base;
	stock_unlock(t);
	WRITE_ONCE(t->high_water_reset, in_use(t, &dip));
	WRITE_ONCE(t->looked, 0);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_reset);

/* From its making to its end. */

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
	int cpu;

	if (t->cpu && t->slab_uses && t->cache) {
		/* Nobody is left who could be at work, on whichever CPU and be it down. */
		for_each_possible_cpu(cpu)
			vexfs_tier_gather_dead(t, cpu);
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
