/* SPDX-License-Identifier: GPL-2.0 */
/* The vectors of changes: what the change stream says, and where its rows are. */
#ifndef _VEXFS_INDEX_ROWS_H
#define _VEXFS_INDEX_ROWS_H

#include "index/vector.h"

/**
 * struct vexfs_rows_part - changes whose vectors are read
 * @format: enum vexfs_format
 * @n: changes
 * @changes: they, from wherever: nothing in them is believed
 * @vectors: where the vectors go, or NULL
 * @attrs: where the attribute records go, or NULL
 * @errors: 0, -ESTALE or -EINVAL of each
 * @done: out: vectors read
 */
struct vexfs_rows_part {
	u32 format;
	u32 n;
	const struct vexfs_change *changes;
	void *vectors;
	void *attrs;
	s32 *errors;
	u32 done;
};

void vexfs_get_rows(struct vexfs_collection *c, struct vexfs_rows_part *p);

#endif
