/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of a tier share: chains of idle buffers, the stock and its lock, and
 * what is held of the slab allocator's. For the files of a tier and nobody else.
 */
#ifndef _VEXFS_MEM_TIER_PRIV_H
#define _VEXFS_MEM_TIER_PRIV_H

#include <linux/hash.h>
#include <linux/mm.h>

#include "mem/tier.h"

/* Buckets of slab_uses: exact enough up to some 500 slabs. */
#define SLAB_HASH_BITS	11
#define SLAB_HASH_SIZE	(1u << SLAB_HASH_BITS)

/* Chains of idle buffers. */

static inline void vexfs_chain_push(struct llist_node **list, void *p)
{
	struct llist_node *b = p;

	b->next = *list;
	*list = b;
}

static inline void *vexfs_chain_pop(struct llist_node **list)
{
	struct llist_node *b = *list;

	if (b)
		*list = b->next;
	return b;
}

/* Slabs in use. */

static inline atomic_t *vexfs_slab_use(struct vexfs_tier *t, const void *p)
{
	return &t->slab_uses[hash_ptr(virt_to_head_page(p), SLAB_HASH_BITS)];
}

static inline void vexfs_slab_in(struct vexfs_tier *t, const void *p)
{
	if (atomic_inc_return(vexfs_slab_use(t, p)) == 1)
		atomic_inc(&t->slabs);
	atomic_inc(&t->held);
}

static inline void vexfs_slab_out(struct vexfs_tier *t, const void *p)
{
	if (atomic_dec_and_test(vexfs_slab_use(t, p)))
		atomic_dec(&t->slabs);
	atomic_dec(&t->held);
}

static inline u32 vexfs_tier_held(const struct vexfs_tier *t)
{
	return atomic_read(&t->held);
}

/* Buffers that were freed without the lock join the stock. Holds the lock. */
static inline void vexfs_stock_take_returned(struct vexfs_tier *t)
{
	struct llist_node *list, *next;

	if (likely(llist_empty(&t->returned)))
		return;
	for (list = llist_del_all(&t->returned); list; list = next) {
		next = list->next;
		vexfs_chain_push(&t->idle, list);
		WRITE_ONCE(t->idle_n, t->idle_n + 1);
	}
}

/* The lock, or false in an interrupt that may have interrupted its holder. */
static inline bool vexfs_stock_lock(struct vexfs_tier *t)
{
	if (likely(in_task()))
		raw_spin_lock(&t->lock);
	else if (!raw_spin_trylock(&t->lock))
		return false;
	WRITE_ONCE(t->locks, t->locks + 1);
	vexfs_stock_take_returned(t);
	return true;
}

/* The same for those who are never interrupts, and so always get it. */
static inline void vexfs_stock_lock_task(struct vexfs_tier *t)
{
	raw_spin_lock(&t->lock);
	WRITE_ONCE(t->locks, t->locks + 1);
	vexfs_stock_take_returned(t);
}

static inline void vexfs_stock_unlock(struct vexfs_tier *t)
{
	raw_spin_unlock(&t->lock);
}

static inline void *vexfs_stock_pop(struct vexfs_tier *t)
{
	void *p = vexfs_chain_pop(&t->idle);

	if (p)
		WRITE_ONCE(t->idle_n, t->idle_n - 1);
	return p;
}

static inline void vexfs_stock_push(struct vexfs_tier *t, void *p)
{
	vexfs_chain_push(&t->idle, p);
	WRITE_ONCE(t->idle_n, t->idle_n + 1);
}

/* Under the lock: while the reserve is short, everything comes by here. */
static inline void vexfs_spare_changed(struct vexfs_tier *t)
{
	WRITE_ONCE(t->cap, t->spare_n < t->spare_size || t->debug ? 0 : t->full_cap);
}

/* tier.c. The slab allocator: neither call may be made under the lock. */
void *vexfs_tier_slab_get(struct vexfs_tier *t, gfp_t gfp);
void vexfs_tier_slab_put(struct vexfs_tier *t, struct llist_node *list);

/* tier_stats.c */
u32 vexfs_tier_in_use(const struct vexfs_tier *t, u32 *dip);
void vexfs_tier_note_high_water(struct vexfs_tier *t, int more);

#endif
