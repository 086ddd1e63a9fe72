// SPDX-License-Identifier: GPL-2.0
/*
 * i8 and u8 with the dot product instruction of AVX512_VNNI, which multiplies
 * unsigned by signed bytes. The row is shifted by 128 to be what the query is
 * not; 128 times the sum of the query makes up for it. Exact modulo 2^32.
 */
#include "avx512_vec.h"
#include "x86.h"
#include "avx_int.h"

static __always_inline __m512i lift(__m512i v)
{
	return _mm512_xor_si512(v, _mm512_set1_epi8((char)0x80));
}

static __always_inline __m512i op_dot_i8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_dpbusd_epi32(acc, lift(y), x);
}

static __always_inline __m512i op_dot_u8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_dpbusd_epi32(acc, x, lift(y));
}

static __always_inline u32 bias_i8(const u8 *q, u32 bytes)
{
	__m512i acc = _mm512_setzero_si512();
	u32 off;

	for (off = 0; off < bytes; off += 64)
		acc = _mm512_dpbusd_epi32(acc, _mm512_set1_epi8(1), vec_load(q + off));
	return 128 * ivec_sum(acc);
}

static __always_inline u32 bias_u8(const u8 *q, u32 bytes)
{
	__m512i acc = _mm512_setzero_si512();
	u32 off;

	for (off = 0; off < bytes; off += 64)
		acc = _mm512_dpbusd_epi32(acc, vec_load(q + off), _mm512_set1_epi8(1));
	return 0u - 128 * ivec_sum(acc);
}

INT_ADD(dot_i8, __m512i, AS_IT_IS, op_dot_i8, bias_i8)
INT_ADD(dot_u8, __m512i, AS_IT_IS, op_dot_u8, bias_u8)

INT_METRICS_DOT(vexfs_avx512_vnni)
