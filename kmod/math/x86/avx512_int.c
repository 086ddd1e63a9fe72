// SPDX-License-Identifier: GPL-2.0
/*
 * i8, u8 and b1 with AVX-512 F, BW, VL and DQ alone. Exact: products are made in
 * 32 bits before anything is added.
 */
#include "avx512_vec.h"
#include "x86.h"
#include "avx_int.h"

/* Components at even and at odd places, in 16 bits each. */
struct split {
	__m512i even, odd;
};

static __always_inline struct split split_i8(__m512i v)
{
	return (struct split){ _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8),
			       _mm512_srai_epi16(v, 8) };
}

static __always_inline struct split split_u8(__m512i v)
{
	return (struct split){ _mm512_and_si512(v, _mm512_set1_epi16(0xff)),
			       _mm512_srli_epi16(v, 8) };
}

static __always_inline __m512i dot_split(__m512i acc, struct split x, struct split y)
{
	acc = _mm512_add_epi32(acc, _mm512_madd_epi16(x.even, y.even));
	return _mm512_add_epi32(acc, _mm512_madd_epi16(x.odd, y.odd));
}

static __always_inline __m512i op_dot_i8(__m512i acc, struct split x, __m512i y)
{
	return dot_split(acc, x, split_i8(y));
}

static __always_inline __m512i op_dot_u8(__m512i acc, struct split x, __m512i y)
{
	return dot_split(acc, x, split_u8(y));
}

/* Signed to unsigned by the same shift on both sides: differences stay. */
static __always_inline __m512i lift(__m512i v)
{
	return _mm512_xor_si512(v, _mm512_set1_epi8((char)0x80));
}

static __always_inline __m512i op_l1_u8(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, _mm512_sad_epu8(x, y));
}

static __always_inline __m512i op_l1_i8(__m512i acc, __m512i x, __m512i y)
{
	return op_l1_u8(acc, x, lift(y));
}

static __always_inline __m512i popcount(__m512i v)
{
	const __m512i count = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
								   1, 2, 2, 3, 2, 3, 3, 4));
	const __m512i low = _mm512_set1_epi8(0x0f);
	__m512i c = _mm512_add_epi8(
		_mm512_shuffle_epi8(count, _mm512_and_si512(v, low)),
		_mm512_shuffle_epi8(count, _mm512_and_si512(_mm512_srli_epi16(v, 4), low)));

	return _mm512_sad_epu8(c, _mm512_setzero_si512());
}

static __always_inline __m512i op_xor(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, popcount(_mm512_xor_si512(x, y)));
}

static __always_inline __m512i op_and(__m512i acc, __m512i x, __m512i y)
{
	return _mm512_add_epi32(acc, popcount(_mm512_and_si512(x, y)));
}

INT_ADD(dot_i8, struct split, split_i8, op_dot_i8, NO_BIAS)
INT_ADD(dot_u8, struct split, split_u8, op_dot_u8, NO_BIAS)
INT_ADD(l1_i8, __m512i, lift, op_l1_i8, NO_BIAS)
INT_ADD(l1_u8, __m512i, AS_IT_IS, op_l1_u8, NO_BIAS)
INT_ADD(b1_xor, __m512i, AS_IT_IS, op_xor, NO_BIAS)
INT_ADD(b1_and, __m512i, AS_IT_IS, op_and, NO_BIAS)

INT_METRICS_DOT(vexfs_avx512)
INT_METRICS_L1(vexfs_avx512)
INT_METRICS_BITS(vexfs_avx512)
