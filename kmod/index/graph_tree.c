// SPDX-License-Identifier: GPL-2.0
/*
 * The tree that keeps every node reachable. Nodes join it as leaves; before a node leaves,
 * its children move to other parents. Whether a link is good for searching does not matter
 * here.
 */
#include "compat/compat.h"
#include "index/graph_edit.h"

/* Removes the farthest link of @slot that does not belong to the tree. */
static bool make_room(struct vexfs_graph *g, u32 slot)
{
	struct graph_list l;
	u32 victim = VEXFS_NO_SLOT, far = 0, i;

	vexfs_graph_pair_lock(g, slot, slot);
	vexfs_graph_list(g, slot, 0, &l);
	if (*l.n < l.cap) {
		vexfs_graph_pair_unlock(g, slot, slot);
		return true;
	}
	for (i = 0; i < *l.n; i++) {
		if (vexfs_graph_tree_edge(g, slot, l.links[i]))
			continue;
		if (victim == VEXFS_NO_SLOT || l.keys[i] > far) {
			victim = l.links[i];
			far = l.keys[i];
		}
	}
	vexfs_graph_pair_unlock(g, slot, slot);
	if (victim == VEXFS_NO_SLOT)
		return false;
	vexfs_graph_pair_lock(g, slot, victim);
	if (!vexfs_graph_tree_edge(g, slot, victim))
		vexfs_graph_unlink(g, slot, victim, 0);
	vexfs_graph_pair_unlock(g, slot, victim);
	return true;
}

/*
 * @slot becomes a child of @parent, unless that has @limit children already, is
 * leaving, or has no room, which is made only with @push.
 */
bool vexfs_graph_tree_join(struct vexfs_graph *g, u32 slot, u32 parent, u32 key, u32 limit,
			   bool push)
{
	struct graph_node *node = vexfs_graph_node(g, slot), *up = vexfs_graph_node(g, parent);
	bool may, done = false;
	int tries;

	/* Other tasks may use the freed place first, but not for ever. */
	for (tries = 0; tries < 16 && !done; tries++) {
		vexfs_graph_pair_lock(g, slot, parent);
		may = up->state == GRAPH_PRESENT && up->kids < limit;
		done = may && vexfs_graph_link_both(g, slot, parent, key, 0);
		if (done) {
			WRITE_ONCE(node->parent, parent);
			up->kids++;
		}
		vexfs_graph_pair_unlock(g, slot, parent);
		if (!may || (!done && (!push || !make_room(g, parent) || !make_room(g, slot))))
			break;
	}
	return done;
}

static u32 key_between(struct vexfs_graph *g, struct graph_pick *p, u32 a, u32 b)
{
	return vexfs_graph_keys_to(g, p, a, &b, 1) ? 0 : p->keys[0];
}

/* Returns a child of @slot; one exists, since the caller found @slot full of children. */
static u32 any_kid(struct vexfs_graph *g, u32 slot)
{
	struct graph_list l;
	u32 i, kid = VEXFS_NO_SLOT;

	vexfs_graph_pair_lock(g, slot, slot);
	vexfs_graph_list(g, slot, 0, &l);
	for (i = 0; i < *l.n && kid == VEXFS_NO_SLOT; i++)
		if (READ_ONCE(vexfs_graph_node(g, l.links[i])->parent) == slot)
			kid = l.links[i];
	vexfs_graph_pair_unlock(g, slot, slot);
	return kid;
}

/*
 * @slot, which is PRESENT, joins below @at, wherever there is room: down to a leaf if
 * need be. tree_lock is held, so nobody leaves meanwhile.
 */
static void join_below(struct vexfs_graph *g, struct graph_pick *p, u32 slot, u32 at)
{
	while (!vexfs_graph_tree_join(g, slot, at, key_between(g, p, slot, at), g->cap - 1, true)) {
		u32 kid = any_kid(g, at);

		if (kid != VEXFS_NO_SLOT)
			at = kid;
		cond_resched();
	}
}

/* ---- root and entry ---- */

/*
 * True when @slot is connected to the root; a node that is being inserted is not yet. tree_lock is
 * held, so that no node leaves meanwhile.
 */
bool vexfs_graph_tree_rooted(const struct vexfs_graph *g, u32 slot)
{
	while (slot != g->root) {
		slot = READ_ONCE(vexfs_graph_node(g, slot)->parent);
		if (slot == VEXFS_NO_SLOT)
			return false;
	}
	return true;
}

/* The only place where the entry changes; tree_lock is held. */
static void entry_set(struct vexfs_graph *g, u64 entry)
{
	/* who comes to the node by this finds its levels */
	smp_store_release(&g->entry, entry);
}

/*
 * Is @slot a better entry than *@best? Only what is in the graph, and not on its way out,
 * can be one: the levels of others are freed. tree_lock is held, so that it stays so.
 */
static void entry_offer(const struct vexfs_graph *g, u64 *best, u32 slot)
{
	u32 level;

	if (!vexfs_graph_present(g, slot))
		return;
	/* pairs with join_group(): a node that is PRESENT has its levels */
	smp_rmb();
	level = vexfs_graph_level(g, slot);
	if ((*best == GRAPH_NO_ENTRY || level > vexfs_graph_entry_level(*best)) &&
	    vexfs_graph_tree_rooted(g, slot))
		*best = GRAPH_ENTRY(level, slot);
}

/* @slot has all its levels: it becomes the entry if it is higher, and still there. */
void vexfs_graph_entry_raise(struct vexfs_graph *g, u32 slot)
{
	u64 best;

	mutex_lock(&g->tree_lock);
	best = g->entry;
	entry_offer(g, &best, slot);
	if (best != g->entry)
		entry_set(g, best);
	mutex_unlock(&g->tree_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_graph_entry_raise);

/* The entry is being deleted: the highest other node becomes the entry. */
static void entry_move(struct vexfs_graph *g)
{
	struct vexfs_dir *d = vexfs_dir(g->c);
	u64 best = GRAPH_NO_ENTRY;
	struct vexfs_extent *e;
	u32 number, i;

	vexfs_for_each_extent(d, number, e) {
		const struct graph_ext *ge = vexfs_graph_ext_of(e);

		for (i = 0; ge && i < ge->nrows; i++)
			if (READ_ONCE(ge->nodes[i].state) == GRAPH_PRESENT)
				entry_offer(g, &best, e->first + i);
		cond_resched();
	}
	entry_set(g, best);
}

/* No neighbour had room for @slot as a child: finds another parent, or makes @slot the root. */
int vexfs_graph_tree_force(struct vexfs_graph *g, struct graph_pick *p, u32 slot)
{
	mutex_lock(&g->tree_lock);
	if (!vexfs_graph_present(g, slot)) {
		/* a vector that a build inserts may be deleted before it is in the tree */
	} else if (g->root == VEXFS_NO_SLOT) {
		g->root = slot;
		entry_set(g, GRAPH_ENTRY(vexfs_graph_level(g, slot), slot));
	} else {
		join_below(g, p, slot, g->root);
	}
	mutex_unlock(&g->tree_lock);
	return 0;
}

/* Removes @slot from the tree; from here on no node links to it. */
void vexfs_graph_tree_leave(struct vexfs_graph *g, struct graph_pick *p, u32 slot)
{
	struct graph_node *node = vexfs_graph_node(g, slot);
	u32 *kids = p->around, *homes = p->homes;
	u32 i, j, n, nkids = 0, nhomes = 0, up;

	mutex_lock(&g->tree_lock);
	vexfs_graph_pair_lock(g, slot, slot);
	WRITE_ONCE(node->state, GRAPH_LEAVING);
	n = vexfs_graph_snapshot(g, slot, 0, p->list, NULL);
	vexfs_graph_pair_unlock(g, slot, slot);

	if (vexfs_graph_entry_slot(g->entry) == slot)
		entry_move(g);
	for (i = 0; i < n; i++)
		if (READ_ONCE(vexfs_graph_node(g, p->list[i])->parent) == slot)
			kids[nkids++] = p->list[i];
	up = node->parent;
	if (up != VEXFS_NO_SLOT) {
		vexfs_graph_pair_lock(g, slot, up);
		vexfs_graph_node(g, up)->kids--;
		WRITE_ONCE(node->parent, VEXFS_NO_SLOT);
		vexfs_graph_pair_unlock(g, slot, up);
		homes[nhomes++] = up;
	} else if (g->root != slot && g->root != VEXFS_NO_SLOT) {
		/* A build has not put it into the tree yet, but it may have children. */
		up = g->root;
		homes[nhomes++] = up;
	} else if (nkids) {
		/* @slot is the root: one of its children becomes the root. */
		up = kids[--nkids];
		vexfs_graph_pair_lock(g, slot, up);
		WRITE_ONCE(vexfs_graph_node(g, up)->parent, VEXFS_NO_SLOT);
		vexfs_graph_pair_unlock(g, slot, up);
		g->root = up;
		homes[nhomes++] = up;
	} else if (g->root == slot) {
		g->root = VEXFS_NO_SLOT;
	}

	for (i = 0; i < nkids; i++) {
		u32 best = 0;
		bool joined;

		/* The way back to @slot makes room; the way here stays for now. */
		vexfs_graph_pair_lock(g, slot, kids[i]);
		vexfs_graph_unlink(g, kids[i], slot, 0);
		WRITE_ONCE(vexfs_graph_node(g, kids[i])->parent, VEXFS_NO_SLOT);
		vexfs_graph_pair_unlock(g, slot, kids[i]);
		if (vexfs_graph_keys_to(g, p, kids[i], homes, nhomes))
			memset(p->keys, 0, nhomes * sizeof(*p->keys));
		for (j = 1; j < nhomes; j++)
			if (p->keys[j] < p->keys[best])
				best = j;
		joined = vexfs_graph_tree_join(g, kids[i], homes[best], p->keys[best], g->cap - 2,
					       true);
		if (!joined)
			join_below(g, p, kids[i], up);
		homes[nhomes++] = kids[i];
	}
	node->kids = 0;
	mutex_unlock(&g->tree_lock);
}
