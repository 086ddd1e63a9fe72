// SPDX-License-Identifier: GPL-2.0
/*
 * The table of the AVX2 variant. It holds no arithmetic.
 */
#include "x86.h"

#define NEEDS VEXFS_CPU_AVX2

static const struct vexfs_math_ops list[] = {
	FORM_ROWS_FLOAT("avx2", NEEDS, vexfs_avx2, VEXFS_AVX2_BLOCK),
	FORM_ROWS_DOT("avx2", NEEDS, vexfs_avx2),
	FORM_ROWS_L1("avx2", NEEDS, vexfs_avx2),
	FORM_ROWS_BITS("avx2", NEEDS, vexfs_avx2),
};

static const struct vexfs_math_conv convs[] = {
	CONV_ROWS_AVX2(NEEDS),
};

static const struct vexfs_math_codes codes = {
	.name = "avx2",
	.needs = NEEDS,
	.rows = vexfs_avx2_code_rows,
	.query = vexfs_avx2_code_query,
	.scan = vexfs_avx2_code_scan,
};

struct vexfs_math_variant vexfs_math_avx2 = {
	.name = "avx2",
	.needs = NEEDS,
	.list = list,
	.nr = sizeof(list) / sizeof(list[0]),
	.convs = convs,
	.nr_convs = sizeof(convs) / sizeof(convs[0]),
	.codes = &codes,
};
