/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compact codes: a smaller form of f32 rows for walking the graph. Made with
 * integers only; their distances come from the arithmetic like any other.
 */
#ifndef _VEXFS_INDEX_GRAPH_CODE_H
#define _VEXFS_INDEX_GRAPH_CODE_H

#include "index/graph_node.h"

/* The space of the codes of @of. -EINVAL when they do not go together. */
int vexfs_graph_code_space(const struct vexfs_space *of, u32 code, struct vexfs_space *sp);
/* The code of a row; @raw is scratch of the collection's stride. */
int vexfs_graph_code_row(struct vexfs_graph *g, const void *row, void *raw, void *code, u32 *aux);
/* The codes of slots whose extents have their part of the graph. */
int vexfs_graph_code_slots(struct vexfs_graph *g, const u32 *slots, u32 n);

#endif
