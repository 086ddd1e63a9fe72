/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows: a put of many vectors reads them in the pages of the program, without a copy.
 */
#ifndef _VEXFS_DATA_WINDOW_H
#define _VEXFS_DATA_WINDOW_H

#include <linux/types.h>

#include "math/math.h"
#include "stat/op.h"

#define VEXFS_WINDOW_LEAST	(64u << 10)	/* bytes of vectors that pay for a window */

/**
 * struct vexfs_window - some of the user's vectors in their own pages
 * @pages: addresses of the pages held
 * @held: number of pinned pages
 * @paged: the vectors
 * @vector_bytes: bytes of one vector
 * @bytes: of the memory that begins at @pages
 */
struct vexfs_window {
	void **pages;
	u32 held;
	struct vexfs_paged paged;
	size_t vector_bytes;
	size_t bytes;
};

/* Number of vectors, of @count, that one window covers; 0 when copying is faster. */
u32 vexfs_window_vectors(size_t bytes, u32 count);
/* Prepares a window on up to @n vectors of @bytes. */
int vexfs_window_alloc(struct vexfs_window *w, struct vexfs_op *op, size_t bytes, u32 n);
void vexfs_window_free(struct vexfs_window *w);
/*
 * Opens the window on @n vectors, until vexfs_window_close(). -EFAULT when the memory is not
 * there, or is of a kind that only copying can read. May sleep.
 */
int vexfs_window_open(struct vexfs_window *w, struct vexfs_op *op, u64 user, u32 n);
void vexfs_window_close(struct vexfs_window *w);

#endif
