// SPDX-License-Identifier: GPL-2.0
/*
 * Walks: best-first search over the lists of one level. This file only reads
 * the graph, takes no lock, and writes nothing but its own scratch.
 *
 * A walk keeps the ef nearest nodes it has seen in one sorted array, which is
 * the list of candidates and the list of results in one. Taking a node means
 * marking it; what its neighbours add is merged in with one pass. Each step
 * has two halves: walk_collect() reads a node's list, drops what was visited and
 * prefetches the rows; walk_compute() computes the distances and merges. Between the two,
 * other walks continue.
 */
#include <linux/bitmap.h>
#include <linux/sched/signal.h>

#include "index/graph_walk.h"

/* Candidates with which a walk begins. */
#define FIRST_ONES	4u

static size_t bitmap_bytes(u32 bits)
{
	return BITS_TO_LONGS(bits) * sizeof(long);
}

static size_t list_bytes(u32 ef)
{
	return (ef + GRAPH_LIST_MAX) * sizeof(u64);
}

struct graph_walk *vexfs_graph_walk_alloc(struct vexfs_graph *g, u32 ef)
{
	struct graph_walk *w = vexfs_pool_alloc(sizeof(*w), VEXFS_GFP_USER);

	if (!w)
		return NULL;
	w->ef = ef;
	w->bits = max(vexfs_slots_end(g->c), 1u);
	w->distances = 0;
	w->nlog = 0;
	w->list = vexfs_pool_alloc(list_bytes(ef), VEXFS_GFP_USER);
	w->log = vexfs_pool_alloc(GRAPH_LOG * sizeof(u32), VEXFS_GFP_USER);
	w->visited = vexfs_pool_alloc(bitmap_bytes(w->bits), VEXFS_GFP_USER | __GFP_ZERO);
	if (w->list && w->log && w->visited)
		return w;
	vexfs_graph_walk_free(w);
	return NULL;
}

void vexfs_graph_walk_free(struct graph_walk *w)
{
	if (!w)
		return;
	vexfs_pool_free(w->visited, bitmap_bytes(w->bits));
	vexfs_pool_free(w->log, GRAPH_LOG * sizeof(u32));
	vexfs_pool_free(w->list, list_bytes(w->ef));
	vexfs_pool_free(w, sizeof(*w));
}

static void walk_forget(struct graph_walk *w)
{
	u32 i;

	if (w->nlog > GRAPH_LOG || w->nlog * 64 > w->bits) {
		memset(w->visited, 0, bitmap_bytes(w->bits));
	} else {
		for (i = 0; i < w->nlog; i++)
			w->visited[w->log[i] / BITS_PER_LONG] = 0;
	}
	w->nlog = 0;
}

static bool walk_visit(struct graph_walk *w, u32 slot)
{
	unsigned long bit, *word;

	if (unlikely(slot >= w->bits))
		return false;
	bit = 1UL << (slot % BITS_PER_LONG);
	word = &w->visited[slot / BITS_PER_LONG];
	if (*word & bit)
		return false;
	*word |= bit;
	if (w->nlog < GRAPH_LOG)
		w->log[w->nlog] = slot;
	w->nlog++;
	return true;
}

static const u32 *links_of(const struct vexfs_graph *g, u32 slot, u32 level, u32 *cap)
{
	struct graph_upper *up;
	u32 row;
	const struct graph_ext *ge = vexfs_graph_ext(g, slot, &row);

	if (likely(!level)) {
		*cap = g->cap;
		return ge->links + (size_t)row * g->cap;
	}
	*cap = g->m;
	up = READ_ONCE(ge->nodes[row].upper);
	return up->lists + (level - 1) * 3 * g->m;
}

/* Collects the neighbours of @slot that are new, and prefetches their rows. */
static void collect_from(struct vexfs_graph *g, struct graph_walk *w, u32 slot, u32 level,
			 bool only_new)
{
	u32 bytes = vexfs_math_prefetch_bytes(&g->sp);
	bool later = vexfs_math_prefetch_late(&g->sp);
	u32 cap, i, row, n = 0;
	const u32 *links = links_of(g, slot, level, &cap);

	for (i = 0; i < cap; i++) {
		u32 to = READ_ONCE(links[i]);
		const struct graph_ext *ge;
		const void *p;

		if (to == VEXFS_NO_SLOT)
			break;
		if (only_new && !walk_visit(w, to))
			continue;
		ge = vexfs_graph_ext(g, to, &row);
		p = ge->rows + (size_t)row * g->sp.stride;
		w->slots[n] = to;
		w->rows[n] = p;
		w->auxp[n] = &ge->aux[row];
		vexfs_graph_prefetch(w->auxp[n], 1);
		if (!later)
			vexfs_graph_prefetch(p, bytes);
		n++;
	}
	for (i = 0; later && i < n; i++)
		vexfs_graph_prefetch(w->rows[i], bytes);
	w->nbatch = n;
}

static int walk_distances(struct vexfs_graph *g, struct graph_walk *w)
{
	u32 i;

	for (i = 0; i < w->nbatch; i++)
		w->aux[i] = *w->auxp[i];
	w->distances += w->nbatch;
	return vexfs_math_gather(&g->sp, w->q, w->q_aux, w->rows, w->aux, w->nbatch, w->keys);
}

/* Finds the next node to expand; false at the end of the walk. */
static bool walk_advance(struct graph_walk *w)
{
	while (w->next < w->n && w->list[w->next] & GRAPH_EXPANDED)
		w->next++;
	return w->next < w->n;
}

static void walk_collect(struct vexfs_graph *g, struct graph_walk *w, u32 level)
{
	u32 slot = vexfs_graph_found_slot(w->list[w->next]);

	w->list[w->next++] |= GRAPH_EXPANDED;
	collect_from(g, w, slot, level, true);
}

/* Merges the sorted batch into the candidate list, starting at the far end of both. */
static void walk_merge(struct graph_walk *w, u64 *add, u32 m)
{
	u32 i = w->n, j = m, t = w->n + m;

	while (t > w->ef) {
		if (!i || vexfs_graph_found_key(add[j - 1]) >=
			  vexfs_graph_found_key(w->list[i - 1]))
			j--;
		else
			i--;
		t--;
		if (!j)
			return;
	}
	w->n = t;
	while (j) {
		if (i && vexfs_graph_found_key(w->list[i - 1]) > vexfs_graph_found_key(add[j - 1]))
			w->list[--t] = w->list[--i];
		else
			w->list[--t] = add[--j];
	}
	w->next = min(w->next, t);
}

static int walk_compute(struct vexfs_graph *g, struct graph_walk *w, u32 level)
{
	u64 *add = w->list + w->ef;
	u32 worst = U32_MAX, i, j, m = 0;
	int err;

	if (w->nbatch) {
		err = walk_distances(g, w);
		if (err)
			return err;
		if (w->n == w->ef)
			worst = vexfs_graph_found_key(w->list[w->n - 1]);
		for (i = 0; i < w->nbatch; i++) {
			u64 found = (u64)w->keys[i] << 32 | w->slots[i];

			if (w->keys[i] >= worst)
				continue;
			for (j = m++; j && add[j - 1] > found; j--)
				add[j] = add[j - 1];
			add[j] = found;
		}
		w->nbatch = 0;
		if (m)
			walk_merge(w, add, m);
	}
	if (walk_advance(w)) {
		u32 cap;
		const u32 *links = links_of(g, vexfs_graph_found_slot(w->list[w->next]), level,
					    &cap);

		vexfs_graph_prefetch(links, cap * sizeof(*links));
	}
	return 0;
}

/* From @at down to the best node of level @low that a greedy walk comes to. */
static int walk_descend(struct vexfs_graph *g, struct graph_walk *w, u64 entry, u32 low, u32 *at,
			u32 *key)
{
	u32 l, i, best, aux;
	bool moved;
	int err;

	w->slots[0] = *at;
	w->rows[0] = vexfs_graph_row(g, *at, &aux);
	w->auxp[0] = &aux;
	w->nbatch = 1;
	err = walk_distances(g, w);
	if (err)
		return err;
	*key = w->keys[0];
	for (l = vexfs_graph_entry_level(entry); l >= low; l--) {
		do {
			moved = false;
			collect_from(g, w, *at, l, false);
			if (!w->nbatch)
				break;
			err = walk_distances(g, w);
			if (err)
				return err;
			for (best = 0, i = 1; i < w->nbatch; i++)
				if (w->keys[i] < w->keys[best])
					best = i;
			if (w->keys[best] < *key) {
				*key = w->keys[best];
				*at = w->slots[best];
				moved = true;
			}
		} while (moved);
	}
	w->nbatch = 0;
	return 0;
}

/*
 * The last level above is walked with a few candidates instead of one, which are the
 * first ones below: among clusters, a single one ends in the wrong one too often.
 */
static int spread_out(struct vexfs_graph *g, struct graph_walk *w, u32 level)
{
	u32 ef = w->ef, i;
	int err = 0;

	w->ef = min(ef, FIRST_ONES);
	while (!err && walk_advance(w)) {
		walk_collect(g, w, level);
		err = walk_compute(g, w, level);
	}
	w->ef = ef;
	/* Nodes that it has visited and not kept may belong to the result. */
	walk_forget(w);
	for (i = 0; i < w->n; i++) {
		w->list[i] &= ~GRAPH_EXPANDED;
		walk_visit(w, vexfs_graph_found_slot(w->list[i]));
	}
	w->next = 0;
	return err;
}

bool vexfs_graph_walk_start(struct vexfs_graph *g, struct graph_walk *w, const void *q, u32 q_aux,
			    u32 level)
{
	u64 entry = READ_ONCE(g->entry);
	u32 at, key;

	walk_forget(w);
	w->n = 0;
	w->next = 0;
	w->nbatch = 0;
	if (entry == GRAPH_NO_ENTRY)
		return false;
	w->q = q;
	w->q_aux = q_aux;
	at = vexfs_graph_entry_slot(entry);
	if (walk_descend(g, w, entry, level + 2, &at, &key) || !walk_visit(w, at))
		return false;
	w->list[0] = (u64)key << 32 | at;
	w->n = 1;
	if (vexfs_graph_entry_level(entry) > level && spread_out(g, w, level + 1)) {
		w->n = 0;
		return false;
	}
	return true;
}

static int op_interrupted(struct vexfs_op *op)
{
	return vexfs_op_signalled(op) ? -EINTR : vexfs_op_expired(op);
}

int vexfs_graph_walk_run(struct vexfs_graph *g, struct graph_walk **walks, u32 n, u32 level,
			 struct vexfs_op *op)
{
	struct graph_walk *on[GRAPH_WALKS];
	struct graph_walk *before = NULL;
	u32 i, left = 0;
	int err;

	for (i = 0; i < n; i++)
		if (walks[i]->n)
			on[left++] = walks[i];
	while (left) {
		for (i = 0; i < left; ) {
			struct graph_walk *w = on[i];

			if (w == before) {
				/* The last active walk: nothing to interleave it with. */
				err = walk_compute(g, w, level);
				before = NULL;
				if (err)
					return err;
			}
			if (!walk_advance(w)) {
				on[i] = on[--left];
				continue;
			}
			walk_collect(g, w, level);
			if (before) {
				err = walk_compute(g, before, level);
				if (err)
					return err;
			}
			before = w;
			i++;
		}
		if (before && left <= 1) {
			err = walk_compute(g, before, level);
			before = NULL;
			if (err)
				return err;
		}
		err = op ? op_interrupted(op) : 0;
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}
