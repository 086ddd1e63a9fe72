/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the graph lies in memory, and who may change it when. For the files of the
 * graph only; others use index/graph.h.
 *
 * A node is a slot of the collection. Level 0 of all nodes lies in arrays beside
 * the extents of the store, the upper levels of the few nodes that have some in
 * blocks of their own.
 *
 * Links. A node has at each of its levels an outgoing list: what a search follows.
 * A link u->v without v->u is written down at v as well (the "in" list), so that
 * the nodes that point at a node can always be found without a search: that is
 * what makes deletion exact. When the in list is full, no one-way link comes in.
 *
 * The tree. Each node but the root has a parent at level 0, and the links between
 * a node and its parent are in both outgoing lists and are never pruned. They
 * make a tree that spans all nodes, so every node is reachable from every other,
 * whatever pruning does to the rest. An insert adds a leaf. A delete gives the
 * children of the node new parents before it takes the node away.
 *
 * Locks. Links change only with both ends locked (vexfs_graph_pair_lock(), in order of
 * the lock's address), one pair at a time, for well below a microsecond each.
 * tree_lock is taken by deletes, while they move children, and by whoever
 * changes the root or the entry; it comes before node locks. Readers take none
 * of them: they read links one u32 at a time, inside vexfs_read_lock(), and what
 * they find there was a node when they entered and stays readable until they
 * leave.
 */
#ifndef _VEXFS_INDEX_GRAPH_NODE_H
#define _VEXFS_INDEX_GRAPH_NODE_H

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "math/math.h"
#include "mem/payer.h"
#include "mem/pool.h"
#include "store/store.h"

#define GRAPH_LEVELS	16u	/* most levels of a node */
#define GRAPH_LOCKS	512u	/* a power of two */
#define GRAPH_M_MAX	64u
#define GRAPH_LIST_MAX	(2 * GRAPH_M_MAX)
#define GRAPH_EF_MAX	4096u

/* struct graph_node.state */
enum graph_state {
	GRAPH_ABSENT	= 0,
	GRAPH_JOINING	= 1,	/* belongs to the insert that brings it in */
	GRAPH_PRESENT	= 2,
	GRAPH_LEAVING	= 3,	/* no new links; a delete takes it away */
};

/**
 * struct graph_upper - the levels of a node above 0
 * @n: links at each level, from level 1 on
 * @nr: one-way links that come in
 * @lists: for each level links, keys and in, capacity m each
 */
struct graph_upper {
	u8 n[GRAPH_LEVELS];
	u8 nr[GRAPH_LEVELS];
	u32 lists[];
};

/**
 * struct graph_node - what there is about a node besides its links
 * @parent: in the tree; VEXFS_NO_SLOT for the root
 * @kids: nodes whose parent this is
 * @n: links at level 0
 * @nr: one-way links that come in at level 0
 * @level: highest level
 * @state: enum graph_state; changes with the node locked, but to PRESENT, which its
 *	insert stores with release. A slot that comes from a link or the entry was PRESENT,
 *	and dependency orders the rest; who comes to it by counting puts a read barrier
 *	between this and the rest
 * @upper: levels above 0, or NULL
 */
struct graph_node {
	u32 parent;
	u8 kids;
	u8 n;
	u8 nr;
	u8 level;
	u8 state;
	struct graph_upper *upper;
};

/**
 * struct graph_ext - the graph's part of an extent; the extent's ->index
 * @part: what the store knows of it; first
 * @rows: what distances are computed from: the extent's rows, or the codes
 * @aux: and what the arithmetic wants beside each
 * @links: level 0: outgoing lists, VEXFS_NO_SLOT behind the last link
 * @keys: distance of each link
 * @in: level 0: one-way links that come in
 * @nodes: the rest
 * @codes: compact codes, when the graph has some; then @rows points here
 * @code_aux: auxiliaries of the codes
 * @bytes: memory of all of it
 * @nrows: rows of the extent
 */
struct graph_ext {
	struct vexfs_index_part part;
	const void *rows;
	const u32 *aux;
	u32 *links;
	u32 *keys;
	u32 *in;
	struct graph_node *nodes;
	void *codes;
	u32 *code_aux;
	size_t bytes;
	u32 nrows;
};

#define GRAPH_BUILDERS	8u	/* most CPUs that build a graph */

struct graph_pick;
struct vexfs_graph;

/**
 * struct graph_build_work - one builder
 * @work: how it is started
 * @g: graph that is built
 * @payer: memory cgroup to charge
 */
struct graph_build_work {
	struct work_struct work;
	struct vexfs_graph *g;
	struct mem_cgroup *payer;
};

/**
 * struct graph_build - a build in the background
 * @state: enum vexfs_index_state
 * @stop: somebody wants it to end
 * @again: the one before failed, and may have left nodes to be taken in again
 * @running: builders that have not ended
 * @next: slot that no builder has taken yet
 * @end: slots there were when the build began; later ones came in by themselves
 * @err: why it stopped, if nobody asked for it
 * @work: the builders
 */
struct graph_build {
	u32 state;
	bool stop;
	bool again;
	atomic_t running;
	atomic_t next;
	u32 end;
	int err;
	struct graph_build_work work[GRAPH_BUILDERS];
};

/**
 * struct vexfs_graph - the graph of a collection
 * @ref: what the store knows of it
 * @c: collection of the graph
 * @sp: of the rows that distances are computed from
 * @m: links at each level above 0
 * @cap: links a list at level 0 holds
 * @efc: candidates looked at on insert
 * @code: enum vexfs_code
 * @scale: i8 codes, but for cosine: bits of the float that becomes 127; 0 until
 *	the first vectors come
 * @entry: where searches start: level << 32 | slot, or GRAPH_NO_ENTRY; changed under
 *	tree_lock by graph_tree.c alone, always a node that hangs on @root. Stored with
 *	release; followed by the dependency of the node on the slot
 * @tree_lock: see above
 * @root: of the tree; tree_lock, by graph_tree.c alone
 * @count: number of nodes
 * @bytes: memory, this included
 * @spare: scratch for a delete that gets none
 * @spare_lock: who uses @spare; before tree_lock, and never taken by who has nodes JOINING
 * @ext_lock: one extent's part at a time is allocated
 * @locks: node locks, by slot
 * @build: the build under way, or the last one
 */
struct vexfs_graph {
	struct vexfs_index_ref ref;
	struct vexfs_collection *c;
	struct vexfs_space sp;
	u32 m;
	u32 cap;
	u32 efc;
	u32 code;
	u32 scale;
	u64 entry;

	struct mutex tree_lock ____cacheline_aligned_in_smp;
	u32 root;
	struct mutex ext_lock;
	struct graph_pick *spare;
	struct mutex spare_lock;
	atomic64_t count;
	atomic64_t bytes;

	spinlock_t locks[GRAPH_LOCKS] ____cacheline_aligned_in_smp;
	struct graph_build build;
};

#define GRAPH_NO_ENTRY		(~0ULL)
#define GRAPH_ENTRY(level, slot)	((u64)(level) << 32 | (slot))

static inline u32 vexfs_graph_entry_slot(u64 entry)
{
	return (u32)entry;
}

static inline u32 vexfs_graph_entry_level(u64 entry)
{
	return entry >> 32;
}

/*
 * The next number of a sequence that began with get_random_u64(). The kernel's own
 * numbers are for secrets and cost interrupts switched off and on for each.
 */
static inline u32 vexfs_graph_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 32;
}

/**
 * struct graph_list - one node's lists at one level
 * @links: outgoing, VEXFS_NO_SLOT behind the last
 * @keys: their distances
 * @in: one-way links that come in
 * @n: outgoing links
 * @nr: one-way links that come in
 * @cap: room of each list
 */
struct graph_list {
	u32 *links;
	u32 *keys;
	u32 *in;
	u8 *n;
	u8 *nr;
	u32 cap;
};

/* The graph's part of an extent, or NULL; whole once it can be seen. */
static inline struct graph_ext *vexfs_graph_ext_of(const struct vexfs_extent *e)
{
	static_assert(!offsetof(struct graph_ext, part));
	/* pairs with vexfs_index_part_add() */
	return container_of(smp_load_acquire(&e->index), struct graph_ext, part);
}

/*
 * For slots that come from counting and not from a list: their extent may go at any
 * time, but not that of a slot that was seen LIVE in this read section.
 */
static inline bool vexfs_graph_row_live(const struct vexfs_extent *e, u32 row)
{
	/* as vexfs_slot_state() */
	return smp_load_acquire(&e->state[row]) == VEXFS_SLOT_LIVE;
}

/* The graph's part of the extent of @slot, which the caller knows to have one. */
static inline struct graph_ext *vexfs_graph_ext(const struct vexfs_graph *g, u32 slot, u32 *row)
{
	const struct vexfs_extent *e = vexfs_extent(g->c, slot);

	*row = slot - e->first;
	return container_of(READ_ONCE(e->index), struct graph_ext, part);
}

static inline struct graph_node *vexfs_graph_node(const struct vexfs_graph *g, u32 slot)
{
	u32 row;

	return &vexfs_graph_ext(g, slot, &row)->nodes[row];
}

static inline const void *vexfs_graph_row(const struct vexfs_graph *g, u32 slot, u32 *aux)
{
	u32 row;
	const struct graph_ext *ge = vexfs_graph_ext(g, slot, &row);

	*aux = ge->aux[row];
	return ge->rows + (size_t)row * g->sp.stride;
}

/* The row alone, without reading its auxiliary. */
static inline const void *vexfs_graph_row_at(const struct vexfs_graph *g, u32 slot)
{
	u32 row;
	const struct graph_ext *ge = vexfs_graph_ext(g, slot, &row);

	return ge->rows + (size_t)row * g->sp.stride;
}

#define GRAPH_LINE	64u

/*
 * Asks for @bytes from @p on, into the second cache: many rows are on their way at a
 * time, and the first has too few places for what is missing; the processor waits for
 * one. The kernel's prefetch() goes there, or past both.
 */
static inline void vexfs_graph_prefetch(const void *p, u32 bytes)
{
	u32 at;

	for (at = 0; at < bytes; at += GRAPH_LINE)
		__builtin_prefetch(p + at, 0, 2);
}

static inline void vexfs_graph_list(const struct vexfs_graph *g, u32 slot, u32 level,
				    struct graph_list *l)
{
	u32 row;
	struct graph_ext *ge = vexfs_graph_ext(g, slot, &row);
	struct graph_node *node = &ge->nodes[row];

	if (!level) {
		size_t at = (size_t)row * g->cap;

		*l = (struct graph_list) {
			.links = ge->links + at, .keys = ge->keys + at, .in = ge->in + at,
			.n = &node->n, .nr = &node->nr, .cap = g->cap,
		};
	} else {
		struct graph_upper *up = READ_ONCE(node->upper);
		u32 *lists = up->lists + (level - 1) * 3 * g->m;

		*l = (struct graph_list) {
			.links = lists, .keys = lists + g->m, .in = lists + 2 * g->m,
			.n = &up->n[level - 1], .nr = &up->nr[level - 1], .cap = g->m,
		};
	}
}

/* Levels of a node that a reader may use; the node may be in the course of deletion. */
static inline u32 vexfs_graph_level(const struct vexfs_graph *g, u32 slot)
{
	return READ_ONCE(vexfs_graph_node(g, slot)->level);
}

static inline bool vexfs_graph_present(const struct vexfs_graph *g, u32 slot)
{
	return READ_ONCE(vexfs_graph_node(g, slot)->state) == GRAPH_PRESENT;
}

/* graph_node.c */
void vexfs_graph_pair_lock(struct vexfs_graph *g, u32 a, u32 b);
void vexfs_graph_pair_unlock(struct vexfs_graph *g, u32 a, u32 b);
bool vexfs_graph_linked(const struct vexfs_graph *g, u32 from, u32 to, u32 level);
bool vexfs_graph_tree_edge(const struct vexfs_graph *g, u32 a, u32 b);
bool vexfs_graph_link_both(struct vexfs_graph *g, u32 a, u32 b, u32 key, u32 level);
bool vexfs_graph_link_one(struct vexfs_graph *g, u32 from, u32 to, u32 key, u32 level);
void vexfs_graph_unlink(struct vexfs_graph *g, u32 from, u32 to, u32 level);
u32 vexfs_graph_snapshot(const struct vexfs_graph *g, u32 slot, u32 level, u32 *links, u32 *keys);
u32 vexfs_graph_snapshot_in(struct vexfs_graph *g, u32 slot, u32 level, u32 *in);
int vexfs_graph_ext_ensure(struct vexfs_graph *g, u32 slot);
void vexfs_graph_ext_free(struct vexfs_graph *g, struct graph_ext *ge);
int vexfs_graph_node_init(struct vexfs_graph *g, u32 slot, u32 level);
void vexfs_graph_node_free(struct vexfs_graph *g, u32 slot);

#endif
