// SPDX-License-Identifier: GPL-2.0
/*
 * The table of the AVX2 variant. It holds no arithmetic.
 */
#include "conv.h"
#include "forms.h"

#define NEEDS VEXFS_CPU_AVX2

static const struct vexfs_math_form forms[] = {
	FORM_ROWS_FLOAT("avx2", NEEDS, vexfs_avx2, VEXFS_AVX2_BLOCK),
	FORM_ROWS_DOT("avx2", NEEDS, vexfs_avx2),
	FORM_ROWS_L1("avx2", NEEDS, vexfs_avx2),
	FORM_ROWS_BITS("avx2", NEEDS, vexfs_avx2),
};

static const struct vexfs_math_conv convs[] = {
	CONV_ROW(F32, NEEDS, vexfs_conv_f32, vexfs_conv_aux_float),
	CONV_ROW(F16, NEEDS, vexfs_conv_f16, vexfs_conv_aux_float),
	CONV_ROW(BF16, NEEDS, vexfs_conv_bf16, vexfs_conv_aux_float),
	CONV_ROW(I8, NEEDS, vexfs_conv_i8, vexfs_conv_aux_int),
	CONV_ROW(U8, NEEDS, vexfs_conv_u8, vexfs_conv_aux_int),
	CONV_ROW(B1, NEEDS, vexfs_conv_b1, vexfs_conv_aux_int),
};

const struct vexfs_math_variant vexfs_math_avx2 = {
	.name = "avx2",
	.needs = NEEDS,
	.forms = forms,
	.nr_forms = sizeof(forms) / sizeof(forms[0]),
	.convs = convs,
	.nr_convs = sizeof(convs) / sizeof(convs[0]),
};
