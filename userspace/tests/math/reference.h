/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dumb reference: components one after another in long double, nothing
 * shared with the code that is tested.
 */
#ifndef VEXFS_REFERENCE_H
#define VEXFS_REFERENCE_H

#include "math/math.h"

/* Component @i of a row (or of raw components). */
long double ref_component(u32 type, const void *row, u32 i);

/**
 * ref_distance - the distance of two rows
 * @bound: out: how far a key may be from it in a variant that keeps its promise
 *	(docs/arithmetic.md); 0 when it must be the f32 nearest to the result
 */
long double ref_distance(const struct vexfs_space *sp, const void *q, const void *row,
			 long double *bound);

/* The f32 nearest to @v as bits. */
u32 ref_f32(long double v);

long double ref_value(u32 f32_bits);

#endif
