// SPDX-License-Identifier: GPL-2.0
/*
 * Building the graph of a collection that has vectors already. Builders take
 * slots in portions, on several CPUs, while others read and write; the graph is
 * sound at every moment, only not complete, so a build can be stopped and go on
 * at any time. A build holds a reference to its collection and ends early when
 * that is dropped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/printk.h>
#include <linux/wait_bit.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_code.h"
#include "index/graph_edit.h"

#define PORTION		32u	/* slots between two checks of the stop flag */

static struct workqueue_struct *build_wq;

/*
 * wake_up_var() has no barrier of its own: a task that has just read the old value would
 * sleep on.
 */
static void wake_waiters(void *var)
{
	/* the new value before the check; pairs with prepare_to_wait_event() */
	smp_mb();
	wake_up_var(var);
}

/*
 * The node was removed by a build that failed: nobody else removes nodes of LIVE slots. No reader
 * can still use it, see build_graph().
 */
static bool left_over(struct vexfs_graph *g, u32 slot)
{
	return vexfs_graph_node(g, slot)->state == GRAPH_LEAVING && vexfs_slot_live(g->c, slot);
}

/* Claims those of @n slots from @first on that are LIVE and not in the graph. */
static u32 claim_slots(struct vexfs_graph *g, u32 first, u32 n, u32 *slots, int *err)
{
	struct vexfs_collection *c = g->c;
	u32 i, claimed = 0;

	for (i = first; i < first + n; i++) {
		struct vexfs_extent *e = vexfs_extent(c, i);
		struct graph_node *node;
		bool mine = false;

		if (!e || !vexfs_graph_row_live(e, i - e->first))
			continue;
		*err = vexfs_graph_ext_ensure(g, i);
		if (*err)
			break;
		node = vexfs_graph_node(g, i);
		vexfs_graph_pair_lock(g, i, i);
		if (node->state == GRAPH_ABSENT || left_over(g, i)) {
			WRITE_ONCE(node->state, GRAPH_JOINING);
			mine = true;
		}
		vexfs_graph_pair_unlock(g, i, i);
		if (!mine)
			continue;
		/* Pairs with op_remove(): it sees the claim, or we see that it is dead. */
		smp_mb();
		if (vexfs_slot_live(c, i)) {
			slots[claimed++] = i;
		} else {
			WRITE_ONCE(node->state, GRAPH_ABSENT);
			wake_waiters(node);
		}
	}
	return claimed;
}

/* Ends the claim, whether the slot has become a node or not. */
static void claim_end(struct vexfs_graph *g, u32 slot)
{
	struct graph_node *node = vexfs_graph_node(g, slot);

	if (READ_ONCE(node->state) == GRAPH_JOINING)
		WRITE_ONCE(node->state, GRAPH_ABSENT);
	wake_waiters(node);
}

int vexfs_graph_claim(struct vexfs_graph *g, u32 slot)
{
	int err = 0;
	u32 claimed;

	claimed = claim_slots(g, slot, 1, &slot, &err);
	return err ?: claimed;
}

void vexfs_graph_claimed(struct vexfs_graph *g, u32 slot)
{
	claim_end(g, slot);
}

static int build_portion(struct vexfs_graph *g, u32 first, u32 n)
{
	int idx = vexfs_read_lock(g->c);
	u32 slots[PORTION];
	u32 i, claimed;
	int err = 0;

	claimed = claim_slots(g, first, n, slots, &err);
	if (!err)
		err = vexfs_graph_code_slots(g, slots, claimed);
	if (!err && claimed)
		err = vexfs_graph_insert(g, slots, claimed, NULL);
	for (i = 0; i < claimed; i++)
		claim_end(g, slots[i]);
	vexfs_read_unlock(g->c, idx);
	return err;
}

static void build_graph(struct vexfs_graph *g)
{
	struct graph_build *b = &g->build;
	struct vexfs_collection *c = g->c;
	int err = 0;

	if (b->again)
		synchronize_srcu(&c->srcu);
	while (!READ_ONCE(b->stop) && !READ_ONCE(b->err) && !vexfs_collection_dropped(c)) {
		u32 first = atomic_fetch_add(PORTION, &b->next);

		if (first >= b->end)
			break;
		err = build_portion(g, first, min(PORTION, b->end - first));
		if (err)
			WRITE_ONCE(b->err, err);
		cond_resched();
	}
	if (!atomic_dec_and_test(&b->running))
		return;
	if (b->err)
		pr_warn_ratelimited("a graph could not be completed: error %d\n", b->err);
	/* pairs with vexfs_graph_ready() and vexfs_graph_stop() */
	smp_store_release(&b->state, b->err || b->stop || vexfs_collection_dropped(c) ?
			  VEXFS_INDEX_STOPPED : VEXFS_INDEX_READY);
	wake_waiters(&b->state);
}

static void build_work(struct work_struct *work)
{
	struct graph_build_work *w = container_of(work, struct graph_build_work, work);
	struct vexfs_collection *c = w->g->c;
	struct mem_cgroup *payer = w->payer, *before;

	/* when the last builder ends, @w may be freed */
	before = vexfs_payer_begin(payer);
	build_graph(w->g);
	vexfs_payer_end(before);
	vexfs_payer_put(payer);
	vexfs_collection_put(c);
}

int vexfs_graph_build(struct vexfs_collection *c, struct vexfs_graph *g)
{
	u32 builders = clamp(num_online_cpus(), 1u, GRAPH_BUILDERS), i;
	struct graph_build *b = &g->build;

	/* pairs with the last builder */
	switch (smp_load_acquire(&b->state)) {
	case VEXFS_INDEX_BUILDING:
		return -EBUSY;
	case VEXFS_INDEX_READY:
		return -EEXIST;
	}
	b->stop = false;
	b->again = b->err;
	b->err = 0;
	b->end = vexfs_slots_end(c);
	atomic_set(&b->next, 0);
	atomic_set(&b->running, builders);
	WRITE_ONCE(b->state, VEXFS_INDEX_BUILDING);
	for (i = 0; i < builders; i++) {
		b->work[i].g = g;
		INIT_WORK(&b->work[i].work, build_work);
		b->work[i].payer = vexfs_payer_get();
		vexfs_collection_get(c);
		queue_work(build_wq, &b->work[i].work);
	}
	return 0;
}

int vexfs_graph_stop(struct vexfs_graph *g)
{
	struct graph_build *b = &g->build;

	WRITE_ONCE(b->stop, true);
	/* pairs with the last builder, which does not touch the graph afterwards */
	return wait_var_event_interruptible(&b->state, smp_load_acquire(&b->state) !=
					    VEXFS_INDEX_BUILDING) ? -EINTR : 0;
}

int vexfs_graph_init(void)
{
	build_wq = alloc_workqueue("vexfs_graph", WQ_UNBOUND | WQ_CPU_INTENSIVE, 0);
	return build_wq ? 0 : -ENOMEM;
}

void vexfs_graph_exit(void)
{
	destroy_workqueue(build_wq);
}
