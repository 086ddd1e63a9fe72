/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vectors with their exact distances, and the comparison of keys with them, for
 * the arithmetic suites.
 */
#ifndef _VEXFS_MATH_CHECK_H
#define _VEXFS_MATH_CHECK_H

#include <kunit/test.h>

#include "math/fpu.h"
#include "math/variant.h"
#include "math_data.h"

/* Rows for every loop: groups of eight that are prefetched, a rest of them, a tile. */
#define CHECK_ROWS	40u
/* Enough for all but tiles, where rows are long. */
#define FEW_ROWS	21u

/* The dimensions that suites go through: all up to this one, then some. */
#define SMALL_DIMS	130u
#define LARGE_DIMS	11u
extern const u32 vexfs_test_large_dims[LARGE_DIMS];

/**
 * struct math_world - a query and rows, every buffer with a guard page
 * @src_area: what was imported
 * @rows_area: where @rows lie
 * @query_area: where @query lies
 * @aux_area: where @aux lies
 * @keys_area: where @keys lie
 * @sp: the space of the last vexfs_test_world_fill()
 * @n: its rows; those behind the first ones are copies of them, in turns
 * @rows: imported
 * @query: imported
 * @aux: of the rows
 * @q_aux: of the query
 * @keys: room for @n keys, the last before a guard page
 * @ptr: the rows by pointer
 * @lo: the smallest key that each row may have
 * @hi: the largest
 */
struct math_world {
	struct guarded src_area;
	struct guarded rows_area;
	struct guarded query_area;
	struct guarded aux_area;
	struct guarded keys_area;
	struct vexfs_space sp;
	u32 n;
	void *rows;
	void *query;
	u32 *aux;
	u32 q_aux;
	u32 *keys;
	const void *ptr[CHECK_ROWS];
	u32 lo[CHECK_ROWS];
	u32 hi[CHECK_ROWS];
};

int vexfs_test_world_alloc(struct math_world *w);
void vexfs_test_world_free(struct math_world *w);

/**
 * vexfs_test_world_fill - new vectors and their exact distances
 * @test: for what fails
 * @w: where to
 * @sp: their space
 * @kind: what they look like
 * @n: rows that differ, vexfs_test_rows_for() of the dimension or fewer
 * @all: rows, not fewer; FEW_ROWS at most above 4,096 components
 * @tail: everything ends at a guard page, or else begins after one
 */
void vexfs_test_world_fill(struct kunit *test, struct math_world *w, const struct vexfs_space *sp,
			   enum math_kind kind, u32 n, u32 all, bool tail);

/* Every key of @w is near enough to the exact distance. */
void vexfs_test_world_check(struct kunit *test, const struct math_world *w, const char *what);

/* Rows that differ at a dimension, so that long ones take no longer than short ones. */
u32 vexfs_test_rows_for(u32 dim);

#endif
