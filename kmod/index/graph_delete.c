// SPDX-License-Identifier: GPL-2.0
/*
 * Deletes a node: removes it from the tree, then all links to and from it, then links the nodes
 * that pointed at it with each other. This must not fail, and no link may remain.
 */
#include "compat/compat.h"
#include "index/graph_edit.h"

/* Candidates examined for each lost link, and most links made to replace it. */
#define REPAIR_TRIES	8u
#define REPAIR_LINKS	2u

/* Collects all nodes that @slot is linked with in either direction, into @p->list and @around. */
static u32 collect_neighbours(struct vexfs_graph *g, struct graph_pick *p, u32 slot, u32 level,
			      u32 *around)
{
	u32 i, j, n, nin;

	nin = vexfs_graph_snapshot_in(g, slot, level, around);
	vexfs_graph_pair_lock(g, slot, slot);
	n = vexfs_graph_snapshot(g, slot, level, p->list, NULL);
	vexfs_graph_pair_unlock(g, slot, slot);
	for (i = 0; i < n; i++) {
		for (j = 0; j < nin && around[j] != p->list[i]; j++)
			;
		if (j == nin)
			around[nin++] = p->list[i];
	}
	return nin;
}

static void cut_link(struct vexfs_graph *g, u32 slot, u32 other, u32 level)
{
	vexfs_graph_pair_lock(g, slot, other);
	vexfs_graph_unlink(g, other, slot, level);
	vexfs_graph_unlink(g, slot, other, level);
	vexfs_graph_pair_unlock(g, slot, other);
}

/* @u lost a neighbour: links it with the best nodes of @around that it is not linked with. */
static void reconnect_node(struct vexfs_graph *g, struct graph_pick *p, u32 u, const u32 *around,
			   u32 n, u32 level)
{
	u32 i, k, have, tried, made = 0, ncand = 0;
	bool few;

	if (!vexfs_graph_present(g, u) || vexfs_graph_keys_to(g, p, u, around, n))
		return;
	vexfs_graph_pair_lock(g, u, u);
	have = vexfs_graph_snapshot(g, u, level, p->list, p->list_keys);
	vexfs_graph_pair_unlock(g, u, u);
	if (have >= (level ? g->m : g->cap))
		return;
	few = have < g->m / 2;
	for (i = 0; i < n; i++) {
		u64 found = (u64)p->keys[i] << 32 | around[i];

		for (k = 0; k < have && p->list[k] != around[i]; k++)
			;
		if (around[i] == u || k < have)
			continue;
		for (k = ncand++; k && p->cand[k - 1] > found; k--)
			p->cand[k] = p->cand[k - 1];
		p->cand[k] = found;
	}
	for (tried = 0; tried < min(ncand, REPAIR_TRIES); tried++) {
		u32 to = vexfs_graph_found_slot(p->cand[tried]);
		u32 key = vexfs_graph_found_key(p->cand[tried]);
		bool hidden = false, done;

		if (vexfs_graph_keys_to(g, p, to, p->list, have))
			return;
		for (k = 0; k < have && !hidden; k++)
			hidden = p->keys[k] < key && p->list_keys[k] < key;
		if (hidden && !few)
			continue;
		vexfs_graph_pair_lock(g, u, to);
		done = vexfs_graph_link_both(g, u, to, key, level) ||
		       vexfs_graph_link_one(g, u, to, key, level);
		vexfs_graph_pair_unlock(g, u, to);
		if (done && ++made == REPAIR_LINKS)
			return;
	}
}

static void leave_level(struct vexfs_graph *g, struct graph_pick *p, u32 slot, u32 level,
			u32 *around)
{
	u32 n = collect_neighbours(g, p, slot, level, around);
	u32 i;

	for (i = 0; i < n; i++)
		cut_link(g, slot, around[i], level);
	for (i = 0; i < n; i++) {
		reconnect_node(g, p, around[i], around, n, level);
		cond_resched();
	}
}

/* @slot is a node. Inside vexfs_read_lock(). @p->around is used, too. */
void vexfs_graph_delete(struct vexfs_graph *g, u32 slot, struct graph_pick *p)
{
	u32 level = vexfs_graph_level(g, slot);

	vexfs_graph_tree_leave(g, p, slot);
	do {
		leave_level(g, p, slot, level, p->around);
	} while (level--);
	atomic64_dec(&g->count);
}
VEXFS_EXPORT_KUNIT(vexfs_graph_delete);
