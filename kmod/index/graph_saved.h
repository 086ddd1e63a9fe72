/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A graph as bytes: its nodes with the ids of those they are linked with. For requests;
 * nothing in what comes back is believed.
 */
#ifndef _VEXFS_INDEX_GRAPH_SAVED_H
#define _VEXFS_INDEX_GRAPH_SAVED_H

#include "index/graph.h"

#define VEXFS_GRAPH_SAVED_BYTES	(64u << 10)	/* of a buffer; a node takes less than a third */

/*
 * Nodes from slot @req->cursor on into @buf of VEXFS_GRAPH_SAVED_BYTES; the cursor moves on,
 * and is 0 when there are no more; their number is added to @req->count, and what the graph
 * is like filled in. The bytes that were written; -ENOENT, -ENOMEM.
 */
int vexfs_graph_save(struct vexfs_collection *c, struct vexfs_graph_save *req, void *buf);

/* An empty graph, for nodes to come. As vexfs_graph_attach(). */
int vexfs_graph_load_begin(struct vexfs_collection *c, const struct vexfs_graph_load *req);

/*
 * Takes the nodes of @len bytes in: those whose vector is still there, and that are linked
 * with one that is in already. *@n nodes. The graph is sound before and afterwards. -EINVAL
 * for bytes that are no nodes, -ENOENT, -EBUSY during a build, -ENOMEM, -ENOSPC, -EINTR.
 */
int vexfs_graph_load(struct vexfs_collection *c, const void *buf, u32 len, u32 *n);

#endif
