/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test vectors: generated in clusters of low intrinsic dimension, like real embeddings,
 * or read from a file. Row @i is the same on every machine and in every process. Rows are
 * generated on demand and not kept.
 */
#ifndef VEXSTRESS_DATA_H
#define VEXSTRESS_DATA_H

#include <stddef.h>
#include <stdint.h>

#define VX_DATA_LATENT	16

struct vx_data {
	uint32_t dim;
	uint64_t seed;
	uint32_t clusters;
	float *centres;		/* clusters x dim */
	float *basis;		/* VX_DATA_LATENT x dim */
	float scale, shift;	/* scales values to the range of narrow types */
	float *rows;		/* rows of a file, or NULL */
	uint64_t nrows;
};

/* 0, or -1 after printing why. @path may be NULL; a file sets *dim. */
int vx_data_open(struct vx_data *d, uint32_t *dim, unsigned int type, uint64_t seed,
		 uint64_t vectors, const char *path);
void vx_data_close(struct vx_data *d);

/* Rows from 0 on are vectors to store; with @query rows of another random sequence. */
void vx_data_row(const struct vx_data *d, uint64_t i, int query, float *out);

#endif
