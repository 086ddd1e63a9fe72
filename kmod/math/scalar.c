// SPDX-License-Identifier: GPL-2.0
/*
 * The table of the scalar variant. It holds no arithmetic.
 */
#include "conv.h"
#include "scalar.h"

static const struct vexfs_math_ops list[] = {
	SCALAR_ROW(F32, L2, vexfs_scalar_f32_l2, true),
	SCALAR_ROW(F32, IP, vexfs_scalar_f32_ip, true),
	SCALAR_ROW(F32, COS, vexfs_scalar_f32_cos, true),
	SCALAR_ROW(F32, L1, vexfs_scalar_f32_l1, true),
	SCALAR_ROW(F16, L2, vexfs_scalar_f16_l2, true),
	SCALAR_ROW(F16, IP, vexfs_scalar_f16_ip, true),
	SCALAR_ROW(F16, COS, vexfs_scalar_f16_cos, true),
	SCALAR_ROW(BF16, L2, vexfs_scalar_bf16_l2, true),
	SCALAR_ROW(BF16, IP, vexfs_scalar_bf16_ip, true),
	SCALAR_ROW(BF16, COS, vexfs_scalar_bf16_cos, true),
	SCALAR_ROW(I8, L2, vexfs_scalar_i8_l2, false),
	SCALAR_ROW(I8, IP, vexfs_scalar_i8_ip, false),
	SCALAR_ROW(I8, COS, vexfs_scalar_i8_cos, false),
	SCALAR_ROW(I8, L1, vexfs_scalar_i8_l1, false),
	SCALAR_ROW(U8, L2, vexfs_scalar_u8_l2, false),
	SCALAR_ROW(U8, IP, vexfs_scalar_u8_ip, false),
	SCALAR_ROW(U8, COS, vexfs_scalar_u8_cos, false),
	SCALAR_ROW(U8, L1, vexfs_scalar_u8_l1, false),
	SCALAR_ROW(B1, HAMMING, vexfs_scalar_b1_hamming, false),
	SCALAR_ROW(B1, JACCARD, vexfs_scalar_b1_jaccard, false),
};

static const struct vexfs_math_conv convs[] = {
	CONV_ROW(F32, 0, vexfs_conv_f32, vexfs_conv_f32, vexfs_conv_f32, vexfs_conv_aux_float),
	CONV_ROW(F16, 0, vexfs_conv_f16, vexfs_conv_f16, vexfs_conv_f16, vexfs_conv_aux_float),
	CONV_ROW(BF16, 0, vexfs_conv_bf16, vexfs_conv_bf16, vexfs_conv_bf16, vexfs_conv_aux_float),
	CONV_ROW(I8, 0, vexfs_conv_i8, vexfs_conv_i8, vexfs_conv_i8, vexfs_conv_aux_int),
	CONV_ROW(U8, 0, vexfs_conv_u8, vexfs_conv_u8, vexfs_conv_u8, vexfs_conv_aux_int),
	CONV_ROW(B1, 0, vexfs_conv_b1, vexfs_conv_b1, vexfs_conv_b1, vexfs_conv_aux_int),
};

struct vexfs_math_variant vexfs_math_scalar = {
	.name = "scalar",
	.list = list,
	.nr = sizeof(list) / sizeof(list[0]),
	.convs = convs,
	.nr_convs = sizeof(convs) / sizeof(convs[0]),
};
