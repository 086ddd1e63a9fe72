// SPDX-License-Identifier: GPL-2.0
/*
 * Leaves of the id map: the places of ids that came in runs of neighbours, by the
 * low bits of the id. A bulk load with ids that count up then writes an array from
 * front to back instead of a hash table all over, and keeps 4 bytes for an id. Which
 * leaf is found by the kernel's resizable hash table, once for a run.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "store/idmap.h"

static const struct rhashtable_params params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct vexfs_idleaf, group),
	.head_offset = offsetof(struct vexfs_idleaf, node),
	.nelem_hint = 380,	/* in 4 KiB; growing goes bucket by bucket */
	.automatic_shrinking = true,
};

static struct kmem_cache *leaf_cache;

static struct vexfs_idleaf *find_group(struct vexfs_collection *c, u64 group)
{
	/* it goes after a grace period of ours, in which we are */
	return rhashtable_lookup_fast(&c->ids.by_group, &group, params);
}

struct vexfs_idleaf *vexfs_idleaf_find(struct vexfs_collection *c, u64 id)
{
	return find_group(c, id >> IDLEAF_SHIFT);
}

static void leaf_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_idleaf *leaf = container_of(g, struct vexfs_idleaf, garbage);

	kmem_cache_free(leaf_cache, leaf);
	vexfs_collection_uncharge(c, sizeof(*leaf));
}

static struct vexfs_idleaf *leaf_new(struct vexfs_collection *c, u64 group)
{
	struct vexfs_idleaf *leaf;

	if (vexfs_collection_charge(c, sizeof(*leaf)))
		return NULL;
	leaf = kmem_cache_zalloc(leaf_cache, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!leaf) {
		vexfs_collection_uncharge(c, sizeof(*leaf));
		return NULL;
	}
	leaf->group = group;
	leaf->garbage.free = leaf_free;
	return leaf;
}

/*
 * The ids of @leaf that stand in the hash table: their entries, in the order of the
 * ids. ids_lock held, some microseconds.
 */
static void take_over(struct vexfs_collection *c, struct vexfs_idleaf *leaf, bool tombs)
{
	u32 i;

	for (i = 0; i < IDLEAF_IDS; i++) {
		u64 id = leaf->group << IDLEAF_SHIFT | i;
		u32 tag = vexfs_idmap_tag(c, id);
		struct vexfs_idshard *s = vexfs_idshard_of(c, tag);
		u64 *room, *e = vexfs_idshard_find(c, s, id, tag, &room);

		if (!e)
			continue;
		if (!tombs) {
			leaf->place[i] = *e;
			leaf->live++;
			continue;
		}
		WRITE_ONCE(*e, IDMAP_TOMB);
		s->live--;
		c->ids.hashed--;
	}
}

/* resize_lock held */
static void leaf_add(struct vexfs_collection *c, u64 group)
{
	struct vexfs_idleaf *leaf = leaf_new(c, group);
	int err;

	if (!leaf)
		return;
	spin_lock(&c->ids_lock);
	if (c->ids.hashed)
		take_over(c, leaf, false);
	err = rhashtable_insert_fast(&c->ids.by_group, &leaf->node, params);
	if (!err) {
		WRITE_ONCE(c->ids.leaves, c->ids.leaves + 1);
		/* who misses an id in the hash table finds the leaf: see find_tag() */
		smp_wmb();
		if (leaf->live)
			take_over(c, leaf, true);
	}
	spin_unlock(&c->ids_lock);
	if (err)
		leaf_free(c, &leaf->garbage);
}

void vexfs_idleaf_make(struct vexfs_collection *c, u64 first, u32 n)
{
	u64 group = first >> IDLEAF_SHIFT, last = (first + n - 1) >> IDLEAF_SHIFT;

	for (; group <= last; group++) {
		if (find_group(c, group))
			continue;
		mutex_lock(&c->ids.resize_lock);
		if (!find_group(c, group))
			leaf_add(c, group);
		mutex_unlock(&c->ids.resize_lock);
	}
}

/*
 * In no order that matters; one that comes or goes meanwhile may be missed. An error
 * pointer says that the walk has begun anew.
 */
static struct vexfs_idleaf *leaf_next(struct rhashtable_iter *iter)
{
	if (need_resched()) {
		rhashtable_walk_stop(iter);
		cond_resched();
		rhashtable_walk_start(iter);
	}
	return rhashtable_walk_next(iter);
}

static bool leaf_take_off(struct vexfs_collection *c, struct vexfs_idleaf *leaf)
{
	bool gone;

	spin_lock(&c->ids_lock);
	gone = !leaf->live && !rhashtable_remove_fast(&c->ids.by_group, &leaf->node, params);
	if (gone)
		WRITE_ONCE(c->ids.leaves, c->ids.leaves - 1);
	spin_unlock(&c->ids_lock);
	return gone;
}

void vexfs_idleaf_shrink(struct vexfs_collection *c)
{
	struct vexfs_idleaf *leaf;
	struct rhashtable_iter iter;

	if (!READ_ONCE(c->ids.leaves))
		return;
	mutex_lock(&c->ids.resize_lock);
	rhashtable_walk_enter(&c->ids.by_group, &iter);
	rhashtable_walk_start(&iter);
	while ((leaf = leaf_next(&iter)))
		if (!IS_ERR(leaf) && !READ_ONCE(leaf->live) && leaf_take_off(c, leaf))
			vexfs_retire(c, &leaf->garbage);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	mutex_unlock(&c->ids.resize_lock);
}

u64 vexfs_idleaf_count(struct vexfs_collection *c)
{
	struct vexfs_idleaf *leaf;
	struct rhashtable_iter iter;
	u64 n = 0;

	rhashtable_walk_enter(&c->ids.by_group, &iter);
	rhashtable_walk_start(&iter);
	while ((leaf = leaf_next(&iter)))
		n = IS_ERR(leaf) ? 0 : n + READ_ONCE(leaf->live);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return n;
}

int vexfs_idleaf_init(struct vexfs_collection *c)
{
	return rhashtable_init(&c->ids.by_group, &params);
}

static void leaf_end(void *leaf, void *c)
{
	leaf_free(c, &((struct vexfs_idleaf *)leaf)->garbage);
}

void vexfs_idleaf_destroy(struct vexfs_collection *c)
{
	rhashtable_free_and_destroy(&c->ids.by_group, leaf_end, c);
}

int vexfs_idleaf_module_init(void)
{
	leaf_cache = KMEM_CACHE(vexfs_idleaf, SLAB_HWCACHE_ALIGN);
	return leaf_cache ? 0 : -ENOMEM;
}

void vexfs_idleaf_module_exit(void)
{
	kmem_cache_destroy(leaf_cache);
}
