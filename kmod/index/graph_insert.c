// SPDX-License-Identifier: GPL-2.0
/*
 * Inserts nodes. New slots are inserted in groups: their walks are interleaved, then they are
 * linked one after another, each with those before it as candidates. Either all slots of a call are
 * inserted or none is.
 */
#include <linux/random.h>

#include "index/graph_edit.h"

/**
 * struct joining - a group on its way in
 * @g: the graph
 * @pick: scratch for choosing links
 * @walks: one for each of the group
 * @cand: candidates of one of them, then what was chosen
 */
struct joining {
	struct vexfs_graph *g;
	struct graph_pick *pick;
	struct graph_walk *walks[GRAPH_WALKS];
	u64 *cand;
};

/*
 * Each level has an m-th of the nodes of the one below, but level 1 twice as many: the
 * walks over level 0 begin there, and a cluster that has no node in it is hard to find.
 */
static u32 random_level(const struct vexfs_graph *g, u64 *rnd)
{
	u32 level = 0;

	if (vexfs_graph_random(rnd) % max(g->m, 4u) > 1)
		return 0;
	do {
		level++;
	} while (level < GRAPH_LEVELS - 1 && !(vexfs_graph_random(rnd) % g->m));
	return level;
}

/* Merges the candidates of the walk with the nodes of the group that are linked already, sorted. */
static int gather_candidates(struct joining *j, struct graph_walk *w, const u32 *slots, u32 mates,
			     u32 *n)
{
	struct graph_pick *p = j->pick;
	u32 i, m = 0, a = 0, b = 0;
	u64 mate[GRAPH_WALKS];
	int err;

	if (mates) {
		for (i = 0; i < mates; i++)
			p->rows[i] = vexfs_graph_row(j->g, slots[i], &p->aux[i]);
		err = vexfs_math_gather(&j->g->sp, w->q, w->q_aux, p->rows, p->aux, mates, p->keys);
		if (err)
			return err;
		for (i = 0; i < mates; i++) {
			u64 found = (u64)p->keys[i] << 32 | slots[i];

			for (m = i; m && mate[m - 1] > found; m--)
				mate[m] = mate[m - 1];
			mate[m] = found;
		}
	}
	m = 0;
	while (a < w->n || b < mates) {
		if (b == mates ||
		    (a < w->n &&
		     vexfs_graph_found_key(w->list[a]) <= vexfs_graph_found_key(mate[b])))
			j->cand[m++] = w->list[a++];
		else
			j->cand[m++] = mate[b++];
	}
	*n = m;
	return 0;
}

static bool join_nearest(struct vexfs_graph *g, u32 slot, const u64 *chosen, u32 n, bool push)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (vexfs_graph_tree_join(g, slot, vexfs_graph_found_slot(chosen[i]),
					  vexfs_graph_found_key(chosen[i]), g->m, push))
			return true;
	return false;
}

/*
 * The nearest of @chosen that has room for a child becomes the parent. Only when none has
 * does one of them give up its farthest link: those are the ways into other clusters.
 */
static int join_tree(struct vexfs_graph *g, struct graph_pick *p, u32 slot, const u64 *chosen,
		     u32 n)
{
	if (join_nearest(g, slot, chosen, n, false) || join_nearest(g, slot, chosen, n, true))
		return 0;
	return vexfs_graph_tree_force(g, p, slot);
}

static int join_level(struct joining *j, u32 slot, u32 level, const u64 *cand, u32 n)
{
	struct graph_pick *p = j->pick;
	u32 nchosen;
	int err;

	/* At level 0 as many as the list holds, since few candidates are chosen. */
	err = vexfs_graph_pick(j->g, p, cand, n, slot, level ? j->g->m : j->g->cap);
	if (err)
		return err;
	nchosen = p->n;
	/* The candidates are not needed any more; the chosen ones are copied over them. */
	memcpy(j->cand, p->chosen, nchosen * sizeof(u64));
	if (!level) {
		err = join_tree(j->g, p, slot, j->cand, nchosen);
		if (err)
			return err;
	}
	return vexfs_graph_connect(j->g, p, slot, j->cand, nchosen, level);
}

/* Levels above 0, highest first, once the node can be reached at level 0. */
static int join_upper(struct joining *j, struct graph_walk *w, u32 slot)
{
	struct vexfs_graph *g = j->g;
	u32 level = vexfs_graph_level(g, slot);
	u64 entry = READ_ONCE(g->entry);
	u32 l;
	int err;

	if (entry == GRAPH_NO_ENTRY)
		return 0;
	for (l = min(level, vexfs_graph_entry_level(entry)); l; l--) {
		if (!vexfs_graph_walk_start(g, w, w->q, w->q_aux, l))
			break;
		err = vexfs_graph_walk_run(g, &w, 1, l, NULL);
		if (!err)
			err = join_level(j, slot, l, w->list, w->n);
		if (err)
			return err;
	}
	if (level > vexfs_graph_entry_level(entry))
		vexfs_graph_entry_raise(g, slot);
	return 0;
}

/*
 * Joins a group. On an error the first @*joined nodes (the last of them perhaps in
 * part) have links.
 */
static int join_group(struct joining *j, const u32 *slots, u32 n, u32 *joined)
{
	struct vexfs_graph *g = j->g;
	u32 i, ncand, aux;
	const void *row;
	int err;

	for (i = 0; i < n; i++) {
		row = vexfs_graph_row(g, slots[i], &aux);
		/*
		 * In an empty graph the list stays empty, and only the rest of the group are
		 * candidates.
		 */
		j->walks[i]->q = row;
		j->walks[i]->q_aux = aux;
		vexfs_graph_walk_start(g, j->walks[i], row, aux, 0);
	}
	err = vexfs_graph_walk_run(g, j->walks, n, 0, NULL);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		struct graph_node *node = vexfs_graph_node(g, slots[i]);

		err = gather_candidates(j, j->walks[i], slots, i, &ncand);
		if (err)
			return err;
		++*joined;
		/* who sees it PRESENT sees what vexfs_graph_node_init() wrote */
		smp_store_release(&node->state, GRAPH_PRESENT);
		atomic64_inc(&g->count);
		err = join_level(j, slots[i], 0, j->cand, ncand);
		if (!err && node->level)
			err = join_upper(j, j->walks[i], slots[i]);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static int prepare_nodes(struct vexfs_graph *g, const u32 *slots, u32 n)
{
	u64 rnd = get_random_u64();
	u32 i;
	int err;

	for (i = 0; i < n; i++) {
		err = vexfs_graph_ext_ensure(g, slots[i]);
		if (!err)
			err = vexfs_graph_node_init(g, slots[i], random_level(g, &rnd));
		if (err)
			break;
	}
	if (i == n)
		return 0;
	while (i--)
		vexfs_graph_node_free(g, slots[i]);
	return err;
}

/**
 * vexfs_graph_insert() - slots become nodes
 * @g: the graph
 * @slots: their rows are written; nobody else inserts or deletes them
 * @n: number of slots
 * @stack: of the op that brought them, or NULL
 *
 * Inside vexfs_read_lock(); may sleep.
 *
 * Return: 0, or an errno and none of them has joined.
 */
int vexfs_graph_insert(struct vexfs_graph *g, const u32 *slots, u32 n,
		       struct vexfs_stack_mark *stack)
{
	size_t cand_bytes = (g->efc + GRAPH_WALKS + GRAPH_M_MAX) * sizeof(u64);
	u32 width = min(n, GRAPH_WALKS), joined = 0, done = 0, i;
	struct joining j = { .g = g };
	int err = prepare_nodes(g, slots, n);

	if (err)
		return err;
	err = -ENOMEM;
	j.pick = vexfs_pool_alloc(sizeof(*j.pick), VEXFS_GFP_USER);
	j.cand = vexfs_pool_alloc(cand_bytes, VEXFS_GFP_USER);
	if (!j.pick || !j.cand)
		goto out;
	j.pick->stack = stack;
	for (i = 0; i < width; i++) {
		j.walks[i] = vexfs_graph_walk_alloc(g, g->efc);
		if (!j.walks[i])
			goto out;
	}
	for (err = 0; done < n && !err; done += i) {
		i = min(n - done, width);
		err = join_group(&j, slots + done, i, &joined);
	}
out:
	for (i = 0; err && i < joined; i++)
		vexfs_graph_delete(g, slots[i], j.pick);
	for (i = 0; i < width; i++)
		vexfs_graph_walk_free(j.walks[i]);
	vexfs_pool_free(j.cand, cand_bytes);
	vexfs_pool_free(j.pick, sizeof(*j.pick));
	/* Nodes without links may go at once, the others in ops->reuse. */
	for (i = joined; err && i < n; i++)
		vexfs_graph_node_free(g, slots[i]);
	return err;
}
