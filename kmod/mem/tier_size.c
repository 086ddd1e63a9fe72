// SPDX-License-Identifier: GPL-2.0
/*
 * How many buffers a tier holds, and how they are spread over CPUs. Requests go on
 * meanwhile; none of them passes here. When to make a tier larger or smaller is not
 * decided here.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/tier_priv.h"

/* Only the caller uses the magazine. */
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

/* Empties this CPU's magazine; false when its owner is at work. */
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
		/* An owner that the interrupt has interrupted ends very soon. */
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
	vexfs_stock_lock_task(t);
	vexfs_stock_unlock(t);
}
VEXFS_EXPORT_KUNIT(vexfs_tier_gather_dead);

/* Up to @max idle buffers, and no more than a magazine's worth, leave for good. */
static u32 trim_some(struct vexfs_tier *t, u32 keep, u32 max)
{
	struct llist_node *list = NULL;
	u32 n = 0;
	void *p;

	if (!vexfs_stock_lock(t))
		return 0;
	while (n < min(max, VEXFS_MAGAZINE_MAX) && vexfs_tier_held(t) > keep &&
	       (p = vexfs_stock_pop(t))) {
		vexfs_slab_out(t, p);
		vexfs_chain_push(&list, p);
		n++;
	}
	vexfs_stock_unlock(t);
	vexfs_tier_slab_put(t, list);
	return n;
}

u32 vexfs_tier_trim(struct vexfs_tier *t, u32 keep, u32 max)
{
	u32 done = 0, n;

	/* Buffers freed meanwhile do not make this longer. */
	max = min(max, vexfs_tier_held(t));
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
static int fetch_buffers(struct vexfs_tier *t, u32 size, struct llist_node **list)
{
	u32 n;
	void *p;

	for (n = vexfs_tier_held(t); n < size; n++) {
		p = vexfs_tier_slab_get(t, GFP_KERNEL | __GFP_NORETRY);
		if (!p)
			return -ENOMEM;
		vexfs_chain_push(list, p);
		cond_resched();
	}
	return 0;
}

/* One too many, when somebody else added one as well, leaves with the next. */
static void stock_up(struct vexfs_tier *t, struct llist_node *list)
{
	while (list) {
		u32 n;

		vexfs_stock_lock_task(t);
		for (n = 0; list && n < VEXFS_MAGAZINE_MAX; n++) {
			void *p = vexfs_chain_pop(&list);

			vexfs_slab_in(t, p);
			vexfs_stock_push(t, p);
		}
		vexfs_stock_unlock(t);
		cond_resched();
	}
}

int vexfs_tier_fill(struct vexfs_tier *t)
{
	struct llist_node *list = NULL;
	int err = fetch_buffers(t, READ_ONCE(t->size), &list);

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
	vexfs_spare_changed(t);
}

void vexfs_tier_share(struct vexfs_tier *t, unsigned int cpus)
{
	vexfs_stock_lock_task(t);
	share_out(t, cpus);
	vexfs_stock_unlock(t);
}

void vexfs_tier_set_size(struct vexfs_tier *t, u32 size)
{
	u32 old = t->size;

	lockdep_assert_held(&t->manage);
	vexfs_stock_lock_task(t);
	WRITE_ONCE(t->size, size);
	share_out(t, num_online_cpus());
	vexfs_stock_unlock(t);
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
	/* Allocates first: a size that cannot be filled is not set. */
	if (size > t->size)
		err = fetch_buffers(t, size, &list);
	if (err) {
		vexfs_tier_slab_put(t, list);
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
