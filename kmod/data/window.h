/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The program's vectors where they lie, for puts of many.
 */
#ifndef _VEXFS_DATA_WINDOW_H
#define _VEXFS_DATA_WINDOW_H

#include <linux/types.h>

#include "math/math.h"
#include "stat/op.h"

#define VEXFS_WINDOW_LEAST	(64u << 10)	/* bytes of vectors that are worth a window */

/**
 * struct vexfs_window - some of the user's vectors, seen where they lie
 * @pages: addresses of the pages held
 * @held: how many
 * @paged: the vectors
 * @vector_bytes: of one
 * @bytes: of the memory that begins at @pages
 */
struct vexfs_window {
	void **pages;
	u32 held;
	struct vexfs_paged paged;
	size_t vector_bytes;
	size_t bytes;
};

/* How many of @count vectors a window is to show at once; 0: copy them instead. */
u32 vexfs_window_vectors(size_t bytes, u32 count);
/* Room for a window on up to @n vectors of @bytes. */
int vexfs_window_alloc(struct vexfs_window *w, struct vexfs_op *op, size_t bytes, u32 n);
void vexfs_window_free(struct vexfs_window *w);
/*
 * Opens it on @n vectors, until it is closed. -EFAULT where the memory is not there, or
 * is none that can be seen this way, which copying may be able to read. May sleep.
 */
int vexfs_window_open(struct vexfs_window *w, struct vexfs_op *op, u64 user, u32 n);
void vexfs_window_close(struct vexfs_window *w);

#endif
