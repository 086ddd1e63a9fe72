/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Conversions of rows and the auxiliaries that belong to them, as far as the
 * variants share them. The auxiliary of a row is the same whoever imported it.
 */
#ifndef _VEXFS_MATH_CONV_H
#define _VEXFS_MATH_CONV_H

#include "bits.h"
#include "variant.h"

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

/* Those of the vector variants; what is missing here they take from above. */
CONV_DECLARE(vexfs_avx2_conv_f32)
CONV_DECLARE(vexfs_avx2_conv_f16)
CONV_DECLARE(vexfs_avx2_conv_bf16)
CONV_DECLARE(vexfs_avx2_conv_i8)
CONV_DECLARE(vexfs_avx2_conv_u8)
CONV_DECLARE(vexfs_avx2_conv_b1)

u32 vexfs_avx2_conv_f32_rows(const struct vexfs_space *sp, void *rows, u32 *aux,
			     const void *src, size_t src_step, u32 n, bool away);
u32 vexfs_avx2_conv_f32_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
			      const struct vexfs_paged *src, u32 first, u32 n, bool away);

/* @in makes rows, @raw makes them from their own type, @out reads them. */
#define CONV_ROW(tp, bits, in, raw, out, aux_fn)					\
	{ .type = VEXFS_TYPE_##tp, .needs = bits, .from_f32 = in##_from_f32,		\
	  .from_raw = raw##_from_raw, .aux = aux_fn, .to_f32 = out##_to_f32 }

#define CONV_ROWS_AVX2(bits)								\
	{ .type = VEXFS_TYPE_F32, .needs = bits, .from_f32 = vexfs_avx2_conv_f32_from_f32, \
	  .from_raw = vexfs_avx2_conv_f32_from_raw, .aux = vexfs_conv_aux_float,	\
	  .rows = vexfs_avx2_conv_f32_rows, .paged = vexfs_avx2_conv_f32_paged,	\
	  .to_f32 = vexfs_conv_f32_to_f32 },						\
	CONV_ROW(F16, bits, vexfs_avx2_conv_f16, vexfs_avx2_conv_f16,			\
		 vexfs_avx2_conv_f16, vexfs_conv_aux_float),				\
	CONV_ROW(BF16, bits, vexfs_avx2_conv_bf16, vexfs_avx2_conv_bf16,		\
		 vexfs_conv_bf16, vexfs_conv_aux_float),				\
	CONV_ROW(I8, bits, vexfs_avx2_conv_i8, vexfs_avx2_conv_i8, vexfs_conv_i8,	\
		 vexfs_conv_aux_int),							\
	CONV_ROW(U8, bits, vexfs_avx2_conv_u8, vexfs_avx2_conv_u8, vexfs_conv_u8,	\
		 vexfs_conv_aux_int),							\
	CONV_ROW(B1, bits, vexfs_avx2_conv_b1, vexfs_conv_b1, vexfs_conv_b1,		\
		 vexfs_conv_aux_int)

#endif
