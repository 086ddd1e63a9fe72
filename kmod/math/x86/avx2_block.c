// SPDX-License-Identifier: GPL-2.0
/*
 * Block of floats with AVX2: 24 queries by 4 rows in twelve registers. It decides
 * which pairs to look at, never what their keys are.
 */
#include "x86.h"
#include "avx.h"

typedef __m256 fvec;

#define FV_LANES	8
#define BLOCK_V		3
#define BLOCK_R		4

static __always_inline fvec fv_zero(void)
{
	return _mm256_setzero_ps();
}

static __always_inline fvec fv_load(const float *p)
{
	return _mm256_load_ps(p);
}

static __always_inline fvec fv_set1(float x)
{
	return _mm256_set1_ps(x);
}

static __always_inline fvec fv_fma(fvec a, fvec b, fvec c)
{
	return _mm256_fmadd_ps(a, b, c);
}

static __always_inline u32 fv_not_below(fvec a, fvec b)
{
	return (u32)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ));
}

#include "avx_block.h"

_Static_assert(BLOCK_G == VEXFS_AVX2_BLOCK, "the table says so");

BLOCK_FORMS(vexfs_avx2)
