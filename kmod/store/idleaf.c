// SPDX-License-Identifier: GPL-2.0
/*
 * Leaves of the id map: arrays, indexed by the low bits of the id, for ids that came in
 * runs of neighbours. A bulk load with ids that count up then writes an array in order
 * instead of random places of a hash table, and takes 4 bytes per id. A table of pointers
 * finds the leaf, once per run. It is not an rhashtable, since the buckets of that are
 * charged to nobody.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "mem/user.h"
#include "store/idmap.h"

#define TABLE_BITS	6u		/* of the smallest table */
#define LEAF_GONE	((struct vexfs_idleaf *)1)

static struct kmem_cache *leaf_cache;

/* ---- the table of leaves ---- */

static u32 first_place(struct vexfs_collection *c, u64 group)
{
	/* with the seed of the map: nobody can choose groups that collide */
	return vexfs_idmap_tag(c, group);
}

static struct vexfs_leaftab *table_of(struct vexfs_collection *c)
{
	return srcu_dereference_check(c->ids.leaftab, &c->srcu, 1);
}

/* The index of the leaf of @group, or of the first empty entry. */
static u32 find_place(struct vexfs_collection *c, const struct vexfs_leaftab *t, u64 group,
		      struct vexfs_idleaf **leaf)
{
	u32 mask = (1u << t->bits) - 1, i;

	for (i = first_place(c, group) & mask;; i = (i + 1) & mask) {
		/* pairs with the release in leaf_add(): what follows depends on the pointer */
		*leaf = READ_ONCE(t->leaf[i]);
		if (!*leaf || (*leaf != LEAF_GONE && (*leaf)->group == group))
			return i;
	}
}

static struct vexfs_idleaf *find_group(struct vexfs_collection *c, u64 group)
{
	struct vexfs_leaftab *t = table_of(c);
	struct vexfs_idleaf *leaf;

	if (!t)
		return NULL;
	find_place(c, t, group, &leaf);
	return leaf;
}

struct vexfs_idleaf *vexfs_idleaf_find(struct vexfs_collection *c, u64 id)
{
	return find_group(c, id >> IDLEAF_SHIFT);
}

static void table_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_leaftab *t = container_of(g, struct vexfs_leaftab, garbage);

	vexfs_collection_uncharge(c, struct_size(t, leaf, 1u << t->bits));
	kvfree(t);
}

static struct vexfs_leaftab *table_new(struct vexfs_collection *c, u32 bits)
{
	struct vexfs_leaftab *t;
	size_t bytes = struct_size(t, leaf, 1ul << bits);

	if (vexfs_collection_charge(c, bytes))
		return NULL;
	t = vexfs_user_alloc(bytes, VEXFS_GFP_USER | __GFP_ZERO);
	if (!t) {
		vexfs_collection_uncharge(c, bytes);
		return NULL;
	}
	t->bits = bits;
	t->garbage.free = table_free;
	return t;
}

/* Replaces the table by one for about twice @n leaves. resize_lock held. */
static bool table_replace(struct vexfs_collection *c, u32 n)
{
	struct vexfs_leaftab *old = table_of(c), *t;
	struct vexfs_idleaf *leaf, *none;
	u32 i;

	t = table_new(c, max_t(u32, TABLE_BITS, order_base_2(3ull * n)));
	if (!t)
		return false;
	for (i = 0; old && i < 1u << old->bits; i++) {
		leaf = old->leaf[i];
		if (leaf && leaf != LEAF_GONE) {
			t->leaf[find_place(c, t, leaf->group, &none)] = leaf;
			t->used++;
		}
		cond_resched();
	}
	rcu_assign_pointer(c->ids.leaftab, t);
	if (old)
		vexfs_retire(c, &old->garbage);
	return true;
}

/* Ensures room for one more leaf; at most half of a table is used. resize_lock is held. */
static bool table_room(struct vexfs_collection *c)
{
	struct vexfs_leaftab *t = table_of(c);

	return (t && t->used < 1u << (t->bits - 1)) || table_replace(c, c->ids.leaves + 1);
}

/* ---- leaves ---- */

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
	leaf = vexfs_user_room(sizeof(*leaf)) ? kmem_cache_zalloc(leaf_cache, VEXFS_GFP_USER) : NULL;
	if (!leaf) {
		vexfs_collection_uncharge(c, sizeof(*leaf));
		return NULL;
	}
	leaf->group = group;
	leaf->garbage.free = leaf_free;
	return leaf;
}

/*
 * Copies the entries of @leaf's ids from the hash table, or with @tombs deletes them there.
 * ids_lock is held for some microseconds.
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
			__set_bit(i, leaf->taken);
			continue;
		}
		WRITE_ONCE(*e, IDMAP_TOMB);
		s->live--;
		c->ids.hashed--;
	}
}

/* ids_lock held */
static void sort_in(struct vexfs_collection *c, struct vexfs_idleaf *leaf)
{
	struct rb_node **at = &c->ids.sorted.rb_node, *parent = NULL;

	while (*at) {
		parent = *at;
		at = leaf->group < rb_entry(parent, struct vexfs_idleaf, sorted)->group ?
		     &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&leaf->sorted, parent, at);
	rb_insert_color(&leaf->sorted, &c->ids.sorted);
}

/* resize_lock held */
static void leaf_add(struct vexfs_collection *c, u64 group)
{
	struct vexfs_idleaf *leaf, *none;
	struct vexfs_leaftab *t;

	if (!table_room(c))
		return;
	leaf = leaf_new(c, group);
	if (!leaf)
		return;
	t = table_of(c);
	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	leaf->made = c->decided;
	INIT_LIST_HEAD(&leaf->taker);
	if (c->ids.hashed)
		take_over(c, leaf, false);
	/* pairs with find_place(): the contents before the pointer */
	smp_store_release(&t->leaf[find_place(c, t, group, &none)], leaf);
	t->used++;
	sort_in(c, leaf);
	if (leaf->live)
		list_add_rcu(&leaf->taker, &c->ids.takers);
	WRITE_ONCE(c->ids.leaves, c->ids.leaves + 1);
	/* who misses an id in the hash table sees the leaf: find_tag() and idwalk.c */
	smp_wmb();
	if (leaf->live)
		take_over(c, leaf, true);
	spin_unlock(&c->ids_lock);
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

struct vexfs_idleaf *vexfs_idleaf_next(struct vexfs_collection *c, u64 group)
{
	struct vexfs_idleaf *found = NULL;
	struct rb_node *at;

	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	for (at = c->ids.sorted.rb_node; at;) {
		struct vexfs_idleaf *leaf = rb_entry(at, struct vexfs_idleaf, sorted);

		if (leaf->group >= group) {
			found = leaf;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	spin_unlock(&c->ids_lock);
	return found;
}

/* resize_lock held */
static bool leaf_take_off(struct vexfs_collection *c, struct vexfs_leaftab *t, u32 i)
{
	bool gone;

	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	gone = !t->leaf[i]->live;
	if (gone) {
		rb_erase(&t->leaf[i]->sorted, &c->ids.sorted);
		list_del_rcu(&t->leaf[i]->taker);
		WRITE_ONCE(t->leaf[i], LEAF_GONE);
		WRITE_ONCE(c->ids.leaves, c->ids.leaves - 1);
	}
	spin_unlock(&c->ids_lock);
	return gone;
}

void vexfs_idleaf_shrink(struct vexfs_collection *c)
{
	struct vexfs_idleaf *leaf;
	struct vexfs_leaftab *t;
	u32 i;

	mutex_lock(&c->ids.resize_lock);
	t = table_of(c);
	for (i = 0; t && i < 1u << t->bits; i++) {
		leaf = t->leaf[i];
		if (leaf && leaf != LEAF_GONE && !READ_ONCE(leaf->live) && leaf_take_off(c, t, i))
			vexfs_retire(c, &leaf->garbage);
		cond_resched();
	}
	if (t && !c->ids.leaves) {
		RCU_INIT_POINTER(c->ids.leaftab, NULL);
		vexfs_retire(c, &t->garbage);
	} else if (t && t->bits > TABLE_BITS && c->ids.leaves < 1u << (t->bits - 4)) {
		table_replace(c, c->ids.leaves);
	}
	mutex_unlock(&c->ids.resize_lock);
}

u64 vexfs_idleaf_count(struct vexfs_collection *c)
{
	struct vexfs_leaftab *t = table_of(c);
	struct vexfs_idleaf *leaf;
	u64 n = 0;
	u32 i;

	for (i = 0; t && i < 1u << t->bits; i++) {
		leaf = READ_ONCE(t->leaf[i]);
		if (leaf && leaf != LEAF_GONE)
			n += READ_ONCE(leaf->live);
		cond_resched();
	}
	return n;
}

void vexfs_idleaf_destroy(struct vexfs_collection *c)
{
	struct vexfs_leaftab *t = table_of(c);
	u32 i;

	if (!t)
		return;
	for (i = 0; i < 1u << t->bits; i++) {
		if (t->leaf[i] && t->leaf[i] != LEAF_GONE)
			leaf_free(c, &t->leaf[i]->garbage);
		cond_resched();
	}
	table_free(c, &t->garbage);
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
