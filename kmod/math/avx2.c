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
	CONV_ROWS_AVX2(NEEDS),
};

static const struct vexfs_math_rough rough = {
	.name = "avx2",
	.needs = NEEDS,
	.rows = vexfs_avx2_rough_rows,
	.query = vexfs_avx2_rough_query,
	.scan = vexfs_avx2_rough_scan,
};

const struct vexfs_math_variant vexfs_math_avx2 = {
	.name = "avx2",
	.needs = NEEDS,
	.forms = forms,
	.nr_forms = sizeof(forms) / sizeof(forms[0]),
	.convs = convs,
	.nr_convs = sizeof(convs) / sizeof(convs[0]),
	.rough = &rough,
};
