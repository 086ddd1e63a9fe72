// SPDX-License-Identifier: GPL-2.0
/*
 * How many buffers a tier holds: making it larger and smaller, giving idle
 * ones up, packing them. Requests go on meanwhile; none of them passes here.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/tier_priv.h"

bool vexfs_tier_gather_here(struct vexfs_tier *t)
{
	struct vexfs_tier_cpu *c;
	bool done = false;
	u32 n;

	preempt_disable();
	c = this_cpu_ptr(t->cpu);
	if (vexfs_magazine_open(c)) {
		for (n = c->n; n; )
			llist_add(c->buf[--n], &t->returned);
		if (c->hot)
			llist_add(c->hot, &t->returned);
		WRITE_ONCE(c->hot, NULL);
		WRITE_ONCE(c->n, 0);
		WRITE_ONCE(c->low, 0);
		vexfs_magazine_close(c);
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
			if (!vexfs_magazine_count(per_cpu_ptr(t->cpu, cpu)))
				break;
			if (smp_call_function_single(cpu, gather_ipi, &g, 1))
				break;
		}
		cond_resched();
	}
}
VEXFS_EXPORT_KUNIT(vexfs_tier_gather);

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
	void *p;

	while ((p = pop(&list))) {
		stock_lock_task(t);
		slab_in(t, p);
		stock_push(t, p);
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

/* A quarter of the tier, all magazines together, may rest on other CPUs. */
static u32 cap_for(u32 size)
{
	u32 cap = size / (4 * num_online_cpus());

	return size ? clamp(cap, 1u, VEXFS_MAGAZINE_MAX) : 0;
}

void vexfs_tier_set_size(struct vexfs_tier *t, u32 size)
{
	u32 old = t->size;

	lockdep_assert_held(&t->manage);
	stock_lock_task(t);
	WRITE_ONCE(t->size, size);
	t->full_cap = cap_for(size);
	spare_changed(t);
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
