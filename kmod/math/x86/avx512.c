// SPDX-License-Identifier: GPL-2.0
/*
 * The table of the AVX-512 variant. It holds no arithmetic.
 */
#include "x86.h"

/* A form needs all that its variant does. */
#define NEEDS (VEXFS_CPU_AVX2 | VEXFS_CPU_AVX512)

static const struct vexfs_math_ops list[] = {
	FORM_ROWS_FLOAT("avx512", NEEDS, vexfs_avx512, VEXFS_AVX512_BLOCK),
	FORM_ROWS_DOT("avx512", NEEDS, vexfs_avx512),
	FORM_ROWS_L1("avx512", NEEDS, vexfs_avx512),
	FORM_ROWS_BITS("avx512", NEEDS, vexfs_avx512),
	FORM_ROWS_DOT_BLOCK("avx512-vnni", NEEDS | VEXFS_CPU_VNNI, vexfs_avx512_vnni,
			    VEXFS_AVX512_BLOCK),
	FORM_ROWS_BITS("avx512-vpopcntdq", NEEDS | VEXFS_CPU_VPOPCNTDQ, vexfs_avx512_vpopcntdq),
};

static const struct vexfs_math_conv convs[] = {
	CONV_ROWS_AVX2(NEEDS),
};

static const struct vexfs_math_codes codes = {
	.name = "avx512-vnni",
	.needs = NEEDS | VEXFS_CPU_VNNI,
	.rows = vexfs_avx512_code_rows,
	.query = vexfs_avx512_code_query,
	.scan = vexfs_avx512_code_scan,
	.group = VEXFS_AVX512_BLOCK,
	.bytes = vexfs_avx512_code_bytes,
	.pack = vexfs_avx512_code_pack,
	.block = vexfs_avx512_code_block,
};

struct vexfs_math_variant vexfs_math_avx512 = {
	.name = "avx512",
	.needs = NEEDS,
	.list = list,
	.nr = sizeof(list) / sizeof(list[0]),
	.convs = convs,
	.nr_convs = sizeof(convs) / sizeof(convs[0]),
	.codes = &codes,
};
