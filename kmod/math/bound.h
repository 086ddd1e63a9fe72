/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rules a pair out by its dot product: a threshold made of a part of the
 * query and a part of the row. It must never rule out a pair whose key is within
 * the limit; docs/arithmetic.md has the proof. Included by variant files only.
 */
#ifndef _VEXFS_MATH_BOUND_H
#define _VEXFS_MATH_BOUND_H

#include "real.h"
#include "ops.h"

/* Half a unit in the last place of 1.0f. */
#define ULP		0x1p-24

/* Roundings that the bounds leave room for, beside those of the dot product. */
#define ROUNDINGS	16u

/* A limit as a number, infinite ones as one that doubles can work with. */
static __always_inline double limit_value(u32 key)
{
	if (key <= f32_to_key(F32_SIGN | F32_INF))
		return -1e300;
	if (key >= f32_to_key(F32_INF))
		return 1e300;
	return widen(key_to_f32(key));
}

/*
 * The query's part, for row_factor() * @b + @c. The error of a sum of n products is
 * below n * ULP * |q| * |r| (1 + ...); see the proof for what each of the small
 * numbers covers.
 */
static __always_inline void query_bound(u32 metric, u32 dim, const u32 more, float aux,
					double limit, float *b, float *c)
{
	const double block = (dim + more) * 1.01 * ULP, key = (dim / 32 + more) * 1.01 * ULP;
	double a = aux, l = limit;

	if (metric == VEXFS_METRIC_L2) {
		*b = 1.0f;
		*c = (float)(0.5 * ((1.0 - block) * a - l * (1.0 + 2.0 * key)) - 0x1p-126);
	} else if (metric == VEXFS_METRIC_IP) {
		double size = l < 0.0 ? -l : l;

		*b = (float)(-(block + key) * a);
		*c = (float)(1.0 - l - more / 4 * ULP * (1.0 + size));
	} else {
		*b = (float)((1.0 - l - block - key) / a);
		*c = 0.0f;
	}
}

static __always_inline float row_factor(const int metric, u32 dim, const u32 more, u32 aux)
{
	if (metric == VEXFS_METRIC_L2)
		return as_float(aux) * (float)(0.5 * (1.0 - (dim + more) * 1.01 * ULP));
	if (metric == VEXFS_METRIC_IP)
		return as_float(aux);
	return 1.0f / as_float(aux);
}

#endif
