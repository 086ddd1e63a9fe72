/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface of the graph. Its data structures are in graph_node.h.
 */
#ifndef _VEXFS_INDEX_GRAPH_H
#define _VEXFS_INDEX_GRAPH_H

#include "index/search.h"
#include "store/store.h"

struct vexfs_graph;

#define VEXFS_GRAPH_M		16u	/* defaults */
#define VEXFS_GRAPH_EFC		200u
#define VEXFS_GRAPH_M_MIN	2u
#define VEXFS_GRAPH_M_MAX	64u
#define VEXFS_GRAPH_EF		64u	/* default of searches */

/*
 * Puts an empty graph on a collection; 0 for @m or @efc is the default. With
 * @build the vectors that are there already come in by vexfs_graph_build().
 * -EINVAL for what does not fit, -EBUSY when there is an index, -ENOMEM.
 */
int vexfs_graph_attach(struct vexfs_collection *c, u32 m, u32 efc, u32 code, bool build);

/*
 * One at a time for each collection. Build starts, or goes on where a stopped
 * build ended; -EBUSY when one is running, -EEXIST when the graph is complete.
 * Stop waits until nobody builds any more; -EINTR when a signal comes first.
 */
int vexfs_graph_build(struct vexfs_collection *c, struct vexfs_graph *g);
int vexfs_graph_stop(struct vexfs_graph *g);

/* The graph of a collection, or NULL; inside vexfs_read_lock(). */
struct vexfs_graph *vexfs_graph_of(const struct vexfs_collection *c);
/* The graph that an index is, or NULL. */
struct vexfs_graph *vexfs_graph_from(const struct vexfs_index_ref *ref);
bool vexfs_graph_ready(const struct vexfs_graph *g);
/* Nodes in it. */
u64 vexfs_graph_count(const struct vexfs_graph *g);
/* True when the graph is incomplete and no build runs. */
bool vexfs_graph_stopped(const struct vexfs_graph *g);
/* Where searches start, or VEXFS_NO_SLOT; for tests. */
u32 vexfs_graph_entry(const struct vexfs_graph *g);
/* True when the parameters of a request are those of the existing graph. */
bool vexfs_graph_like(const struct vexfs_graph *g, u32 m, u32 efc, u32 code);

/*
 * Answers a job over the graph. Returns for how many queries it did not find enough: their
 * results are empty and say so. When the graph is not the best plan it returns all of them,
 * and no result says anything. Inside vexfs_read_lock().
 */
int vexfs_graph_search(struct vexfs_graph *g, struct vexfs_search_job *s);
int vexfs_graph_answer(struct vexfs_graph *g, struct vexfs_search_job *s, u32 ef);
/* Notes in a job, and in the op it is done for, that a walk has answered it. */
void vexfs_graph_answered(struct vexfs_search_job *s);

/*
 * Proves the graph sound, if there is one, while writers go on. Not inside
 * vexfs_read_lock(): its own sections are short. -EINTR, -ENOMEM.
 */
int vexfs_graph_check(struct vexfs_collection *c, struct vexfs_check *check);

int vexfs_graph_init(void);
void vexfs_graph_exit(void);

#endif
