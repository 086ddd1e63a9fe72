/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks over the graph. Several queries walk side by side: while the rows of one
 * are being prefetched, another computes.
 */
#ifndef _VEXFS_INDEX_GRAPH_WALK_H
#define _VEXFS_INDEX_GRAPH_WALK_H

#include "index/graph_node.h"
#include "stat/op.h"

#define GRAPH_WALKS	8u	/* side by side */

/* An entry of a walk's candidate list: key << 32 | expanded | slot */
#define GRAPH_EXPANDED	(1ULL << 31)

static inline u32 vexfs_graph_found_slot(u64 found)
{
	return (u32)found & 0x7fffffffu;
}

static inline u32 vexfs_graph_found_key(u64 found)
{
	return found >> 32;
}

/**
 * struct graph_walk - one query in progress
 * @q: the query, a row like any other
 * @q_aux: and its auxiliary
 * @n: candidates in the list
 * @next: all candidates before this one were expanded
 * @ef: most candidates kept
 * @nbatch: rows prefetched and not computed yet
 * @list: candidate list: nearest nodes found, sorted by key
 * @visited: a bit for each slot below @bits
 * @bits: slots there were when the walk began; later ones are left out
 * @nlog: visited nodes noted in @log; above GRAPH_LOG the log is useless
 * @log: visited nodes, so that few bits need be cleared
 * @distances: computed so far
 * @slots: the batch ...
 * @rows: ... and what is computed for it
 * @auxp: where the auxiliary of each lies ...
 * @aux: ... read when it has come
 * @keys: ...
 */
struct graph_walk {
	const void *q;
	u32 q_aux;
	u32 n;
	u32 next;
	u32 ef;
	u32 nbatch;
	u32 bits;
	u32 nlog;
	u64 *list;
	unsigned long *visited;
	u32 *log;
	u64 distances;
	u32 slots[GRAPH_LIST_MAX];
	u32 aux[GRAPH_LIST_MAX];
	u32 keys[GRAPH_LIST_MAX];
	const void *rows[GRAPH_LIST_MAX];
	const u32 *auxp[GRAPH_LIST_MAX];
};

#define GRAPH_LOG	4096u

struct graph_walk *vexfs_graph_walk_alloc(struct vexfs_graph *g, u32 ef);
void vexfs_graph_walk_free(struct graph_walk *w);

/*
 * Inside vexfs_read_lock(), all of them. Start: from the entry down to @level
 * (the lowest level still descended to is @level + 1). False when the graph is
 * empty.
 */
bool vexfs_graph_walk_start(struct vexfs_graph *g, struct graph_walk *w, const void *q, u32 q_aux,
			    u32 level);
/*
 * All @n walks at @level to their end; the lists hold what they found. With @op, whose they
 * are, -EINTR after a signal and -ETIME.
 */
int vexfs_graph_walk_run(struct vexfs_graph *g, struct graph_walk **w, u32 n, u32 level,
			 struct vexfs_op *op);

#endif
