// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of dead slots and of memory that wait for a grace period. What happens afterwards is in
 * reaper.c.
 */
#include <linux/kernel.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "mem/payer.h"
#include "store/internal.h"

#define REAP_DELAY	1		/* jiffies for which dead slots are collected */
#define REAP_NOW	65536u		/* number of dead slots that start a pass at once */

void vexfs_reap_soon(struct vexfs_collection *c)
{
	queue_delayed_work(vexfs_store_wq, &c->reaper, REAP_DELAY);
}

static void reap_soon(struct vexfs_collection *c, bool now)
{
	if (now)
		mod_delayed_work(vexfs_store_wq, &c->reaper, 0);
	else
		vexfs_reap_soon(c);
}

/*
 * The reaper allocates, too: smaller tables. One of those who leave it work pays for a
 * pass. Called without locks, since it takes a reference that may have to be put.
 */
static struct mem_cgroup *payer_offer(const struct vexfs_collection *c)
{
	return READ_ONCE(c->reap_payer) ? NULL : vexfs_payer_get();
}

/* slots_lock held */
static struct mem_cgroup *payer_take(struct vexfs_collection *c, struct mem_cgroup *offer)
{
	if (!c->reap_payer)
		swap(c->reap_payer, offer);
	return offer;
}

void vexfs_slots_dead(struct vexfs_collection *c, const u32 *slots, u32 n)
{
	struct mem_cgroup *payer;
	bool now;
	u32 i;

	if (!n)
		return;
	payer = payer_offer(c);
	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	for (i = 0; i < n; i++) {
		struct vexfs_extent *e = vexfs_extent(c, slots[i]);

		e->next[slots[i] - e->first] = c->dead_head;
		c->dead_head = slots[i];
	}
	c->dead_count += n;
	now = c->dead_count >= REAP_NOW;
	payer = payer_take(c, payer);
	spin_unlock(&c->slots_lock);
	vexfs_payer_put(payer);
	reap_soon(c, now);
}

void vexfs_retire(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct mem_cgroup *payer = payer_offer(c);

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	g->next = c->garbage;
	c->garbage = g;
	payer = payer_take(c, payer);
	spin_unlock(&c->slots_lock);
	vexfs_payer_put(payer);
	reap_soon(c, false);
}
