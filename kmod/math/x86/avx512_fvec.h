/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Floats in AVX-512 registers as avx_block.h wants them, for the files of that
 * variant that have a block shape: 32 queries by 8 rows in sixteen registers.
 */
#include "avx.h"

typedef __m512 fvec;

#define FV_LANES	16
#define BLOCK_V		2
#define BLOCK_R		8

static __always_inline fvec fv_zero(void)
{
	return _mm512_setzero_ps();
}

static __always_inline fvec fv_load(const float *p)
{
	return _mm512_load_ps(p);
}

static __always_inline fvec fv_set1(float x)
{
	return _mm512_set1_ps(x);
}

static __always_inline fvec fv_fma(fvec a, fvec b, fvec c)
{
	return _mm512_fmadd_ps(a, b, c);
}

static __always_inline u32 fv_not_below(fvec a, fvec b)
{
	return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
}
