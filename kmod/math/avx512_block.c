// SPDX-License-Identifier: GPL-2.0
/*
 * Block of floats with AVX-512: 32 queries by 8 rows in sixteen registers, each
 * loaded component used 16 times. It decides which pairs to look at, never what
 * their keys are.
 */
#include "forms.h"
#include "simd.h"

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

#include "simd_block.h"

_Static_assert(BLOCK_G == VEXFS_AVX512_BLOCK, "the table says so");

BLOCK_FORMS(vexfs_avx512)
