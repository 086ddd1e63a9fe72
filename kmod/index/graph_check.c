// SPDX-License-Identifier: GPL-2.0
/*
 * Proves a graph sound while others read and write. What two nodes say about
 * each other is compared with both of them locked, so that every difference is
 * a fault. Reachability is found by a walk from the entry over level 0; a node
 * that the walk missed because it joined, or its links moved, meanwhile must
 * have a way to the root in the tree. Must not change anything.
 */
#include <linux/bitmap.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_edit.h"

/**
 * struct graph_checking - a check under way
 * @g: of what
 * @check: what it found
 * @end: slots there were when it began
 * @seen: nodes that the walk came to
 * @todo: nodes whose links were not followed yet
 * @list: a list being looked at
 * @in: likewise
 */
struct graph_checking {
	struct vexfs_graph *g;
	struct vexfs_check *check;
	u32 end;
	unsigned long *seen;
	u32 *todo;
	u32 list[GRAPH_LIST_MAX];
	u32 in[GRAPH_LIST_MAX];
};

static __printf(2, 3) void fault(struct graph_checking *k, const char *fmt, ...)
{
	va_list args;

	if (!k->check->faults++ && !k->check->report[0]) {
		va_start(args, fmt);
		vsnprintf(k->check->report, sizeof(k->check->report), fmt, args);
		va_end(args);
	}
}

static bool has_node(const struct vexfs_graph *g, u32 slot)
{
	const struct vexfs_extent *e = vexfs_extent(g->c, slot);

	return e && graph_ext_of(e);
}

/* Everything the lists of one node at one level promise, with both ends locked. */
static void check_link(struct graph_checking *k, u32 from, u32 to, u32 level, bool in)
{
	struct vexfs_graph *g = k->g;
	bool forth, back;
	struct graph_list l;
	u32 i, noted = 0;

	if (to == from) {
		fault(k, "slot %u is linked with itself at level %u", from, level);
		return;
	}
	if (to >= VEXFS_SLOTS_MAX || !has_node(g, to)) {
		fault(k, "slot %u at level %u is linked with slot %u, which does not exist", from,
		      level, to);
		return;
	}
	graph_pair_lock(g, from, to);
	forth = graph_linked(g, from, to, level);
	if (in)
		graph_list(g, from, level, &l);
	if (in) {
		for (i = 0; i < *l.nr; i++)
			noted += l.in[i] == to;
		/* The note may have gone since the list was copied. */
		if (noted > 1 || (noted && (forth || !graph_linked(g, to, from, level))))
			fault(k, "slot %u notes a one-way link from slot %u at level %u wrongly",
			      from, to, level);
	} else if (forth) {
		u8 state = graph_node(g, to)->state;

		back = graph_level(g, to) >= level && graph_linked(g, to, from, level);
		if (graph_level(g, to) >= level) {
			graph_list(g, to, level, &l);
			for (i = 0; i < *l.nr; i++)
				noted += l.in[i] == from;
		}
		if (noted + back != 1)
			fault(k, "slot %u does not know of its link from slot %u at level %u", to,
			      from, level);
		if (state != GRAPH_PRESENT && state != GRAPH_LEAVING)
			fault(k, "slot %u is linked at level %u with slot %u, which is no node",
			      from, level, to);
	}
	graph_pair_unlock(g, from, to);
}

static void check_list(struct graph_checking *k, u32 slot, u32 level)
{
	struct graph_list l;
	u32 i, j, n, nr;

	graph_pair_lock(k->g, slot, slot);
	graph_list(k->g, slot, level, &l);
	n = *l.n;
	nr = *l.nr;
	if (n > l.cap || nr > l.cap || (n < l.cap && l.links[n] != VEXFS_NO_SLOT)) {
		graph_pair_unlock(k->g, slot, slot);
		fault(k, "slot %u has %u links and %u notes at level %u, in lists of %u", slot, n,
		      nr, level, l.cap);
		return;
	}
	memcpy(k->list, l.links, n * sizeof(u32));
	memcpy(k->in, l.in, nr * sizeof(u32));
	graph_pair_unlock(k->g, slot, slot);

	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			if (k->list[i] == k->list[j])
				fault(k, "slot %u is linked twice with slot %u at level %u", slot,
				      k->list[i], level);
		check_link(k, slot, k->list[i], level, false);
	}
	for (i = 0; i < nr; i++)
		check_link(k, slot, k->in[i], level, true);
	if (!level)
		k->check->links += n;
}

/*
 * The way from @slot to the root, one parent after another, each of them linked
 * both ways. Nobody leaves the tree meanwhile.
 */
static void check_tree(struct graph_checking *k, u32 slot)
{
	struct vexfs_graph *g = k->g;
	u32 at = slot, steps = 0, up, n;
	bool linked;

	mutex_lock(&g->tree_lock);
	while (graph_present(g, slot) && at != g->root) {
		graph_pair_lock(g, at, at);
		up = graph_node(g, at)->parent;
		n = graph_node(g, at)->n;
		graph_pair_unlock(g, at, at);
		if (up == VEXFS_NO_SLOT) {
			/* On its way in, between two steps: it has no links either. */
			if (at != slot || n)
				fault(k, "slot %u is not in the tree", at);
			break;
		}
		graph_pair_lock(g, at, up);
		linked = graph_linked(g, at, up, 0) && graph_linked(g, up, at, 0);
		graph_pair_unlock(g, at, up);
		if (!linked || ++steps > vexfs_slots_end(g->c)) {
			fault(k, "slot %u has no way to the root: stuck at slot %u", slot, at);
			break;
		}
		at = up;
	}
	mutex_unlock(&g->tree_lock);
}

static void walk(struct graph_checking *k)
{
	u64 entry = READ_ONCE(k->g->entry);
	u32 n = 0, i;

	if (entry == GRAPH_NO_ENTRY || graph_entry_slot(entry) >= k->end)
		return;
	__set_bit(graph_entry_slot(entry), k->seen);
	k->todo[n++] = graph_entry_slot(entry);
	while (n) {
		u32 slot = k->todo[--n], row;
		const struct graph_ext *ge = graph_ext(k->g, slot, &row);
		const u32 *links = ge->links + (size_t)row * k->g->cap;

		k->check->reachable++;
		for (i = 0; i < k->g->cap; i++) {
			u32 to = READ_ONCE(links[i]);

			if (to == VEXFS_NO_SLOT)
				break;
			if (to < k->end && has_node(k->g, to) && !__test_and_set_bit(to, k->seen))
				k->todo[n++] = to;
		}
		if (!(k->check->reachable % 64))
			cond_resched();
	}
}

/* A node that was seen PRESENT in this read section, so that its extent stays. */
static void check_node(struct graph_checking *k, u32 slot)
{
	struct graph_node *node = graph_node(k->g, slot);
	u32 level;

	for (level = 0; level <= READ_ONCE(node->level); level++)
		check_list(k, slot, level);
	if (node->kids > k->g->cap)
		fault(k, "slot %u has %u children", slot, node->kids);
	/* The way in the tree proves it for those that the walk could not know. */
	if (slot >= k->end || !test_bit(slot, k->seen))
		check_tree(k, slot);
}

/* A LIVE vector must be a node, once the graph is complete. */
static void check_extent(struct graph_checking *k, struct vexfs_extent *e, bool complete)
{
	u32 i;

	for (i = 0; i < e->nrows; i++) {
		const struct graph_ext *ge = graph_ext_of(e);
		u32 slot = e->first + i;
		bool node = ge && READ_ONCE(ge->nodes[i].state) == GRAPH_PRESENT;

		if (node)
			check_node(k, slot);
		/* It may have joined, or died, since it was looked at. */
		if (complete && !node && graph_row_live(e, i)) {
			ge = graph_ext_of(e);
			if ((!ge || READ_ONCE(ge->nodes[i].state) != GRAPH_PRESENT) &&
			    graph_row_live(e, i))
				fault(k, "slot %u is live and not in the graph", slot);
		}
		cond_resched();
	}
}

static void check_entry(struct graph_checking *k)
{
	struct vexfs_graph *g = k->g;
	u64 entry;

	mutex_lock(&g->tree_lock);
	entry = g->entry;
	if ((entry == GRAPH_NO_ENTRY) != (g->root == VEXFS_NO_SLOT))
		fault(k, "there is an entry without a root, or the other way round");
	else if (entry != GRAPH_NO_ENTRY &&
		 (!graph_present(g, graph_entry_slot(entry)) ||
		  graph_level(g, graph_entry_slot(entry)) < graph_entry_level(entry)))
		fault(k, "the entry, slot %u, is not a node of level %u", graph_entry_slot(entry),
		      graph_entry_level(entry));
	mutex_unlock(&g->tree_lock);
}

int vexfs_graph_check(struct vexfs_collection *c, struct vexfs_graph *g, struct vexfs_check *check)
{
	struct vexfs_dir *d = vexfs_dir(c);
	struct graph_checking *k;
	struct vexfs_extent *e;
	size_t seen, todo;
	u32 number;
	int err = -ENOMEM;

	k = vexfs_pool_alloc(sizeof(*k), VEXFS_GFP_USER | __GFP_ZERO);
	if (!k)
		return -ENOMEM;
	k->g = g;
	k->check = check;
	k->end = vexfs_slots_end(c);
	seen = BITS_TO_LONGS(k->end + 1) * sizeof(long);
	todo = (k->end + 1ul) * sizeof(u32);
	k->seen = vexfs_pool_alloc(seen, VEXFS_GFP_USER | __GFP_ZERO);
	k->todo = vexfs_pool_alloc(todo, VEXFS_GFP_USER);
	if (!k->seen || !k->todo)
		goto out;
	check_entry(k);
	walk(k);
	err = 0;
	vexfs_for_each_extent(d, number, e) {
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		check_extent(k, e, vexfs_graph_ready(g));
	}
out:
	vexfs_pool_free(k->todo, todo);
	vexfs_pool_free(k->seen, seen);
	vexfs_pool_free(k, sizeof(*k));
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_check);
