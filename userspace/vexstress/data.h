/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vectors to work with: generated in clusters of low inner dimension, as real
 * embeddings are, or read from a file. Row @i is the same on every machine and
 * in every process, and is made when it is asked for: nothing is kept.
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
	float scale, shift;	/* to fit the range of narrow types */
	float *rows;		/* of a file, or NULL */
	uint64_t nrows;
};

/* 0, or -1 with a sentence said. @path may be NULL; sets *dim from a file. */
int vx_data_open(struct vx_data *d, uint32_t *dim, unsigned int type, uint64_t seed,
		 uint64_t vectors, const char *path);
void vx_data_close(struct vx_data *d);

/* Rows 0 and up are vectors to store; with @query a row of another stream. */
void vx_data_row(const struct vx_data *d, uint64_t i, int query, float *out);

#endif
