/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changing the graph: which links a node gets, how nodes join and leave. For the
 * files of the graph only.
 */
#ifndef _VEXFS_INDEX_GRAPH_EDIT_H
#define _VEXFS_INDEX_GRAPH_EDIT_H

#include "index/graph_walk.h"

/**
 * struct graph_pick - scratch for choosing links; one per task
 * @stack: of the op that changes the graph, or NULL
 * @n: how many are chosen
 * @chosen: key << 32 | slot, nearest first
 * @rows: rows of the chosen
 * @aux: auxiliaries of the chosen
 * @keys: distances of a candidate to the chosen
 * @cand: candidates, sorted
 * @list: a list being looked at
 * @list_keys: distances of @list
 * @around: what was around a node that leaves
 * @homes: parents that its children may have instead
 */
struct graph_pick {
	struct vexfs_stack_mark *stack;
	u32 n;
	u64 chosen[2 * GRAPH_LIST_MAX];
	const void *rows[2 * GRAPH_LIST_MAX];
	u32 aux[2 * GRAPH_LIST_MAX];
	u32 keys[2 * GRAPH_LIST_MAX];
	u64 cand[2 * GRAPH_LIST_MAX + 1];
	u32 list[GRAPH_LIST_MAX];
	u32 list_keys[GRAPH_LIST_MAX];
	u32 around[2 * GRAPH_LIST_MAX];
	u32 homes[GRAPH_LIST_MAX + 1];
};

/* graph_pick.c */
int vexfs_graph_pick(struct vexfs_graph *g, struct graph_pick *p, const u64 *cand, u32 n, u32 self,
		     u32 max);
int vexfs_graph_keys_to(struct vexfs_graph *g, struct graph_pick *p, u32 from, const u32 *to,
			u32 n);
int vexfs_graph_connect(struct vexfs_graph *g, struct graph_pick *p, u32 slot, const u64 *chosen,
			u32 n, u32 level);

/*
 * graph_build.c: @slot is the caller's to bring in: 1, or 0 when it is a node or no vector.
 * Inside vexfs_read_lock(); afterwards vexfs_graph_claimed(). -ENOMEM, -ENOSPC.
 */
int vexfs_graph_claim(struct vexfs_graph *g, u32 slot);
void vexfs_graph_claimed(struct vexfs_graph *g, u32 slot);

/* graph_tree.c */
bool vexfs_graph_tree_rooted(const struct vexfs_graph *g, u32 slot);
void vexfs_graph_entry_raise(struct vexfs_graph *g, u32 slot);
bool vexfs_graph_tree_join(struct vexfs_graph *g, u32 slot, u32 parent, u32 key, u32 limit,
			   bool push);
int vexfs_graph_tree_force(struct vexfs_graph *g, struct graph_pick *p, u32 slot);
void vexfs_graph_tree_leave(struct vexfs_graph *g, struct graph_pick *p, u32 slot);

/* graph_insert.c, graph_delete.c */
int vexfs_graph_insert(struct vexfs_graph *g, const u32 *slots, u32 n,
		       struct vexfs_stack_mark *stack);
void vexfs_graph_delete(struct vexfs_graph *g, u32 slot, struct graph_pick *p);

#endif
