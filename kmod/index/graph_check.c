// SPDX-License-Identifier: GPL-2.0
/*
 * Proves a graph sound while others read and write. What two nodes say about
 * each other is compared with both of them locked, so that every difference is
 * a fault. Reachability is found by a walk from the entry over level 0; a node
 * that the walk missed because it joined, or its links moved, meanwhile must
 * have a way to the root in the tree. Read sections are short; what has been found in one
 * may be gone in the next. Must not change anything.
 */
#include <linux/bitmap.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_edit.h"

/**
 * struct graph_checking - a check under way
 * @c: of which collection
 * @ref: reference of the collection's index
 * @g: which is this graph
 * @idx: the read section under way
 * @check: counts of what was found
 * @end: slots there were when it began
 * @seen: nodes that the walk came to
 * @todo: nodes whose links were not followed yet
 * @ntodo: number of entries in @todo
 * @list: the list being checked
 * @in: the list of incoming links being checked
 */
struct graph_checking {
	struct vexfs_collection *c;
	struct vexfs_index_ref *ref;
	struct vexfs_graph *g;
	int idx;
	struct vexfs_check *check;
	u32 end;
	unsigned long *seen;
	u32 *todo;
	u32 ntodo;
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

	return e && vexfs_graph_ext_of(e);
}

/* Checks the lists of one node at one level against the other ends, with both nodes locked. */
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
	vexfs_graph_pair_lock(g, from, to);
	forth = vexfs_graph_linked(g, from, to, level);
	if (in)
		vexfs_graph_list(g, from, level, &l);
	if (in) {
		for (i = 0; i < *l.nr; i++)
			noted += l.in[i] == to;
		/* The entry may have been removed since the list was copied. */
		if (noted > 1 || (noted && (forth || !vexfs_graph_linked(g, to, from, level))))
			fault(k, "slot %u notes a one-way link from slot %u at level %u wrongly",
			      from, to, level);
	} else if (forth) {
		u8 state = vexfs_graph_node(g, to)->state;

		back = vexfs_graph_level(g, to) >= level && vexfs_graph_linked(g, to, from, level);
		if (vexfs_graph_level(g, to) >= level) {
			vexfs_graph_list(g, to, level, &l);
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
	vexfs_graph_pair_unlock(g, from, to);
}

static void check_list(struct graph_checking *k, u32 slot, u32 level)
{
	struct graph_list l;
	u32 i, j, n, nr;

	vexfs_graph_pair_lock(k->g, slot, slot);
	vexfs_graph_list(k->g, slot, level, &l);
	n = *l.n;
	nr = *l.nr;
	if (n > l.cap || nr > l.cap || (n < l.cap && l.links[n] != VEXFS_NO_SLOT)) {
		vexfs_graph_pair_unlock(k->g, slot, slot);
		fault(k, "slot %u has %u links and %u notes at level %u, in lists of %u", slot, n,
		      nr, level, l.cap);
		return;
	}
	memcpy(k->list, l.links, n * sizeof(u32));
	memcpy(k->in, l.in, nr * sizeof(u32));
	vexfs_graph_pair_unlock(k->g, slot, slot);

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
	while (vexfs_graph_present(g, slot) && at != g->root) {
		vexfs_graph_pair_lock(g, at, at);
		up = vexfs_graph_node(g, at)->parent;
		n = vexfs_graph_node(g, at)->n;
		vexfs_graph_pair_unlock(g, at, at);
		if (up == VEXFS_NO_SLOT) {
			/* It is being inserted and has no links yet. */
			if (at != slot || n)
				fault(k, "slot %u is not in the tree", at);
			break;
		}
		vexfs_graph_pair_lock(g, at, up);
		linked = vexfs_graph_linked(g, at, up, 0) && vexfs_graph_linked(g, up, at, 0);
		vexfs_graph_pair_unlock(g, at, up);
		if (!linked || ++steps > vexfs_slots_end(g->c)) {
			fault(k, "slot %u has no way to the root: stuck at slot %u", slot, at);
			break;
		}
		at = up;
	}
	mutex_unlock(&g->tree_lock);
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
		 (!vexfs_graph_present(g, vexfs_graph_entry_slot(entry)) ||
		  !vexfs_graph_tree_rooted(g, vexfs_graph_entry_slot(entry)) ||
		  vexfs_graph_level(g, vexfs_graph_entry_slot(entry)) <
		  vexfs_graph_entry_level(entry)))
		fault(k, "the entry, slot %u, is not a node of level %u",
		      vexfs_graph_entry_slot(entry), vexfs_graph_entry_level(entry));
	mutex_unlock(&g->tree_lock);
}

#define SECTION_NODES	128u	/* most nodes checked or followed in one read section */

/* -EINTR, or -ENOENT when the graph is the collection's no more; else a section begins. */
static int section_begin(struct graph_checking *k)
{
	cond_resched();
	if (signal_pending(current))
		return -EINTR;
	k->idx = vexfs_read_lock(k->c);
	if (vexfs_index(k->c) == k->ref)
		return 0;
	vexfs_read_unlock(k->c, k->idx);
	return -ENOENT;
}

static void section_end(struct graph_checking *k)
{
	vexfs_read_unlock(k->c, k->idx);
}

static void walk_to(struct graph_checking *k, u32 slot)
{
	if (slot < k->end && has_node(k->g, slot) && !__test_and_set_bit(slot, k->seen))
		k->todo[k->ntodo++] = slot;
}

static void walk_from(struct graph_checking *k, u32 slot)
{
	const struct graph_ext *ge;
	const u32 *links;
	u32 i, row;

	/* it may have been found in an earlier section */
	if (!has_node(k->g, slot))
		return;
	ge = vexfs_graph_ext(k->g, slot, &row);
	links = ge->links + (size_t)row * k->g->cap;
	k->check->reachable++;
	for (i = 0; i < k->g->cap; i++) {
		u32 to = READ_ONCE(links[i]);

		if (to == VEXFS_NO_SLOT)
			break;
		walk_to(k, to);
	}
}

static int check_walk(struct graph_checking *k)
{
	int err = section_begin(k);
	u64 entry;
	u32 i;

	if (err)
		return err;
	check_entry(k);
	entry = READ_ONCE(k->g->entry);
	if (entry != GRAPH_NO_ENTRY)
		walk_to(k, vexfs_graph_entry_slot(entry));
	section_end(k);
	while (k->ntodo) {
		err = section_begin(k);
		if (err)
			return err;
		for (i = 0; i < SECTION_NODES && k->ntodo; i++)
			walk_from(k, k->todo[--k->ntodo]);
		section_end(k);
	}
	return 0;
}

/* A node that was seen PRESENT in this read section, so that its extent stays. */
static void check_node(struct graph_checking *k, u32 slot)
{
	struct graph_node *node = vexfs_graph_node(k->g, slot);
	u32 level;

	for (level = 0; level <= READ_ONCE(node->level); level++)
		check_list(k, slot, level);
	if (node->kids > k->g->cap)
		fault(k, "slot %u has %u children", slot, node->kids);
	/*
	 * Nodes that the walk missed because of concurrent changes are reachable through the tree.
	 */
	if (slot >= k->end || !test_bit(slot, k->seen))
		check_tree(k, slot);
}

/* A LIVE vector must be a node, once the graph is complete. */
static void check_row(struct graph_checking *k, struct vexfs_extent *e, u32 row, bool complete)
{
	const struct graph_ext *ge = vexfs_graph_ext_of(e);
	u32 slot = e->first + row;

	/* pairs with join_group(): what is PRESENT has its levels */
	if (ge && smp_load_acquire(&ge->nodes[row].state) == GRAPH_PRESENT) {
		check_node(k, slot);
		return;
	}
	/* It may have been inserted or deleted since it was checked. */
	if (!complete || !vexfs_graph_row_live(e, row))
		return;
	ge = vexfs_graph_ext_of(e);
	if ((!ge || READ_ONCE(ge->nodes[row].state) != GRAPH_PRESENT) &&
	    vexfs_graph_row_live(e, row))
		fault(k, "slot %u is live and not in the graph", slot);
}

static int check_extent(struct graph_checking *k, u32 number)
{
	u32 row = 0, end;
	int err;

	do {
		bool complete = vexfs_graph_ready(k->g);
		struct vexfs_extent *e;

		err = section_begin(k);
		if (err)
			return err;
		e = READ_ONCE(vexfs_dir(k->c)->ext[number]);
		end = e ? min(e->nrows, row + SECTION_NODES) : 0;
		for (; row < end; row++)
			check_row(k, e, row, complete);
		section_end(k);
	} while (end && end < vexfs_extent_rows(k->c, number));
	return 0;
}

static int check_all(struct graph_checking *k)
{
	size_t seen, todo;
	u32 number;
	int err;

	k->end = vexfs_slots_end(k->c);
	seen = BITS_TO_LONGS(k->end + 1) * sizeof(long);
	todo = (k->end + 1ul) * sizeof(u32);
	k->seen = vexfs_pool_alloc(seen, VEXFS_GFP_USER | __GFP_ZERO);
	k->todo = vexfs_pool_alloc(todo, VEXFS_GFP_USER);
	err = k->seen && k->todo ? check_walk(k) : -ENOMEM;
	for (number = 0; number < READ_ONCE(k->c->nextents) && !err; number++)
		err = check_extent(k, number);
	vexfs_pool_free(k->todo, todo);
	vexfs_pool_free(k->seen, seen);
	return err;
}

int vexfs_graph_check(struct vexfs_collection *c, struct vexfs_check *check)
{
	struct graph_checking *k = vexfs_pool_alloc(sizeof(*k), VEXFS_GFP_USER | __GFP_ZERO);
	int err = 0;

	if (!k)
		return -ENOMEM;
	k->c = c;
	k->check = check;
	k->ref = vexfs_index_get(c);
	k->g = vexfs_graph_from(k->ref);
	if (k->g)
		err = check_all(k);
	vexfs_index_put(c, k->ref);
	vexfs_pool_free(k, sizeof(*k));
	/* the collection was dropped meanwhile: no result */
	return err == -ENOENT ? 0 : err;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_check);
