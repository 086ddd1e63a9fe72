/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Conversions of rows and the auxiliaries that belong to them, as far as the
 * variants share them. The auxiliary of a row is the same whoever imported it.
 */
#ifndef _VEXFS_MATH_CONV_H
#define _VEXFS_MATH_CONV_H

#include "bits.h"
#include "ops.h"

/*
 * The sum of squares of a row of floats: component i in lane i mod 16. The
 * square of an f32 is exact in double precision, so adding it in one rounding
 * (FMA) or after a multiplication is the same.
 */
#define NORM_LANES 16

struct vexfs_norm {
	double lane[NORM_LANES] __aligned(64);
};

/* Integer rows: the sum of squares; bits: how many are set. */
struct vexfs_norm_int {
	u64 v;
};

u32 vexfs_conv_aux_float(const struct vexfs_space *sp, const struct vexfs_math_state *st);
u32 vexfs_conv_aux_int(const struct vexfs_space *sp, const struct vexfs_math_state *st);

#define CONV_DECLARE(fn)								\
	int fn##_from_f32(const struct vexfs_space *sp, void *row, const void *src,	\
			  u32 from, u32 count, struct vexfs_math_state *st);		\
	int fn##_from_raw(const struct vexfs_space *sp, void *row, const void *src,	\
			  u32 from, u32 count, struct vexfs_math_state *st);		\
	void fn##_to_f32(const struct vexfs_space *sp, void *dst, const void *row,	\
			 u32 from, u32 count);

CONV_DECLARE(vexfs_conv_f32)
CONV_DECLARE(vexfs_conv_f16)
CONV_DECLARE(vexfs_conv_bf16)
CONV_DECLARE(vexfs_conv_i8)
CONV_DECLARE(vexfs_conv_u8)
CONV_DECLARE(vexfs_conv_b1)

/* @in makes rows, @raw makes them from their own type, @out reads them. */
#define CONV_ROW(tp, bits, in, raw, out, aux_fn)					\
	{ .type = VEXFS_TYPE_##tp, .needs = bits, .from_f32 = in##_from_f32,		\
	  .from_raw = raw##_from_raw, .aux = aux_fn, .to_f32 = out##_to_f32 }

#endif
