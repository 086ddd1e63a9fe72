// SPDX-License-Identifier: GPL-2.0
/*
 * b1 with the population count of AVX512_VPOPCNTDQ. Exact.
 */
#include "avx512_vec.h"
#include "x86.h"
#include "avx_int.h"

static __always_inline __m512i op_xor(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, _mm512_popcnt_epi32(_mm512_xor_si512(x, y)));
}

static __always_inline __m512i op_and(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, _mm512_popcnt_epi32(_mm512_and_si512(x, y)));
}

INT_ADD(b1_xor, __m512i, AS_IT_IS, op_xor, NO_BIAS)
INT_ADD(b1_and, __m512i, AS_IT_IS, op_and, NO_BIAS)

INT_METRICS_BITS(vexfs_avx512_vpopcntdq)
