// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing links. Of the candidates near a node it keeps those that lead
 * somewhere new: one that is nearer to a neighbour already chosen than to the
 * node itself is left out. Where more of them pass than there is room for, some
 * of the farthest stay, for they are the ways into other clusters. This file
 * decides; graph_node.c does.
 */
#include <linux/sort.h>

#include "index/graph_edit.h"
#include "mem/tunable.h"

/* Number of neighbours that a candidate is compared with first; these refuse most candidates. */
#define PICK_FIRST	4u

static VEXFS_TUNABLE(graph_heuristics, 1, 0, 1, "flag",
		     "Links lead to different places (0: simply to the nearest), for comparisons", 0644);

/* Candidates whose rows are fetched before their turn comes. */
#define PICK_AHEAD	4u

static bool key_covered(const u32 *keys, u32 n, u32 key)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (keys[i] < key)
			return true;
	return false;
}

/* 1 when the candidate is nearer to a chosen one than @key, 0 when not, or an error. */
static int is_covered(struct vexfs_graph *g, struct graph_pick *p, const void *row, u32 aux,
		      u32 key)
{
	u32 from = 0, n = min(p->n, PICK_FIRST);
	int err;

	while (from < p->n) {
		err = vexfs_math_gather(&g->sp, row, aux, p->rows + from, p->aux + from, n, p->keys);
		if (err)
			return err;
		if (key_covered(p->keys, n, key))
			return 1;
		from += n;
		n = p->n - from;
	}
	return 0;
}

static void choose_candidate(struct graph_pick *p, u64 found, const void *row, u32 aux)
{
	p->rows[p->n] = row;
	p->aux[p->n] = aux;
	p->chosen[p->n++] = found & ~GRAPH_EXPANDED;
}

/* Too many are chosen: the nearest stay, and as many of the farthest as half an @m. */
static void crop_chosen(struct graph_pick *p, u32 max, u32 m)
{
	u32 far = m / 2;

	if (p->n <= max)
		return;
	memmove(p->chosen + max - far, p->chosen + p->n - far, far * sizeof(*p->chosen));
	p->n = max;
}

static bool chosen_has(const struct graph_pick *p, u32 slot)
{
	u32 i;

	for (i = 0; i < p->n; i++)
		if (vexfs_graph_found_slot(p->chosen[i]) == slot)
			return true;
	return false;
}

/*
 * With inner product a long vector is nearer to everything than everything is to itself.
 * It would be all that is chosen, and nothing would lead from one long vector to the
 * next: up to @want, the nearest of those that were refused are chosen after all.
 */
static void fill_chosen(struct graph_pick *p, const u64 *cand, u32 n, u32 self, u32 want)
{
	u32 i, j;

	for (i = 0; i < n && p->n < want; i++) {
		u64 found = cand[i] & ~GRAPH_EXPANDED;
		u32 slot = vexfs_graph_found_slot(found);

		if (slot == self || chosen_has(p, slot))
			continue;
		for (j = p->n++; j && p->chosen[j - 1] > found; j--)
			p->chosen[j] = p->chosen[j - 1];
		p->chosen[j] = found;
	}
}

static void prefetch_row(struct vexfs_graph *g, u64 found, u32 bytes)
{
	vexfs_graph_prefetch(vexfs_graph_row_at(g, vexfs_graph_found_slot(found)), bytes);
}

/* Chooses at most @max of the sorted candidates for @self into @p->chosen. */
int vexfs_graph_pick(struct vexfs_graph *g, struct graph_pick *p, const u64 *cand, u32 n, u32 self,
		     u32 max)
{
	u32 bytes = vexfs_math_prefetch_bytes(&g->sp), ahead = 0, i;
	bool diverse = READ_ONCE(vexfs_graph_heuristics);

	vexfs_stack_check(p->stack);
	p->n = 0;
	for (i = 0; i < n && p->n < (diverse ? 2 * max : max); i++) {
		u32 slot = vexfs_graph_found_slot(cand[i]), aux;
		const void *row;
		int hidden;

		for (; ahead < min(n, i + PICK_AHEAD); ahead++)
			prefetch_row(g, cand[ahead], bytes);
		if (slot == self)
			continue;
		row = vexfs_graph_row(g, slot, &aux);
		hidden = diverse ? is_covered(g, p, row, aux, vexfs_graph_found_key(cand[i])) : 0;
		if (hidden < 0)
			return hidden;
		if (!hidden)
			choose_candidate(p, cand[i], row, aux);
	}
	crop_chosen(p, max, g->m);
	if (g->sp.metric == VEXFS_METRIC_IP)
		fill_chosen(p, cand, n, self, max * 3 / 4);
	return 0;
}

/* Distances from @from to each of @to, into @p->keys. */
int vexfs_graph_keys_to(struct vexfs_graph *g, struct graph_pick *p, u32 from, const u32 *to, u32 n)
{
	const void *row;
	u32 i, aux;

	vexfs_stack_check(p->stack);
	for (i = 0; i < n; i++) {
		p->rows[i] = vexfs_graph_row(g, to[i], &p->aux[i]);
		vexfs_graph_prefetch(p->rows[i], vexfs_math_prefetch_bytes(&g->sp));
	}
	row = vexfs_graph_row(g, from, &aux);
	return vexfs_math_gather(&g->sp, row, aux, p->rows, p->aux, n, p->keys);
}

static void sort_in(u64 *a, u32 n)
{
	u32 i, j;

	for (i = 1; i < n; i++) {
		u64 v = a[i];

		for (j = i; j && a[j - 1] > v; j--)
			a[j] = a[j - 1];
		a[j] = v;
	}
}

/*
 * @slot would like a link from @to, whose list is full: choose anew among all.
 * Links that lose are taken away, unless they belong to the tree. Returns 1 when
 * @slot is among the chosen.
 */
static int prune_links(struct vexfs_graph *g, struct graph_pick *p, u32 to, u32 slot, u32 key,
		       u32 level)
{
	u32 cap = level ? g->m : g->cap;
	u32 i, n;
	int err;

	vexfs_graph_pair_lock(g, to, to);
	n = vexfs_graph_snapshot(g, to, level, p->list, p->list_keys);
	vexfs_graph_pair_unlock(g, to, to);
	for (i = 0; i < n; i++)
		p->cand[i] = (u64)p->list_keys[i] << 32 | p->list[i];
	p->cand[n] = (u64)key << 32 | slot;
	sort_in(p->cand, n + 1);
	err = vexfs_graph_pick(g, p, p->cand, n + 1, to, cap);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		if (chosen_has(p, p->list[i]))
			continue;
		vexfs_graph_pair_lock(g, to, p->list[i]);
		if (level || !vexfs_graph_tree_edge(g, to, p->list[i]))
			vexfs_graph_unlink(g, to, p->list[i], level);
		vexfs_graph_pair_unlock(g, to, p->list[i]);
	}
	return chosen_has(p, slot);
}

/* Links @slot with the @n @chosen at @level, where these have room or make some. */
int vexfs_graph_connect(struct vexfs_graph *g, struct graph_pick *p, u32 slot, const u64 *chosen,
			u32 n, u32 level)
{
	u32 i;

	for (i = 0; i < n; i++) {
		u32 to = vexfs_graph_found_slot(chosen[i]), key = vexfs_graph_found_key(chosen[i]);
		bool done;
		int keep;

		vexfs_graph_pair_lock(g, slot, to);
		done = vexfs_graph_link_both(g, slot, to, key, level);
		vexfs_graph_pair_unlock(g, slot, to);
		if (done)
			continue;
		keep = prune_links(g, p, to, slot, key, level);
		if (keep < 0)
			return keep;
		vexfs_graph_pair_lock(g, slot, to);
		if (!keep || !vexfs_graph_link_both(g, slot, to, key, level))
			vexfs_graph_link_one(g, slot, to, key, level);
		vexfs_graph_pair_unlock(g, slot, to);
	}
	return 0;
}
