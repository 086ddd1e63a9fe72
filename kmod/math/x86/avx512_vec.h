/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Integer lanes in AVX-512 registers, for the files of that variant.
 */
#include "avx.h"

typedef __m512i vec_t;

static __always_inline vec_t vec_zero(void)
{
	return _mm512_setzero_si512();
}

static __always_inline vec_t vec_load(const u8 *p)
{
	return _mm512_load_si512(p);
}

static __always_inline void vec_store(u8 *p, vec_t v)
{
	_mm512_store_si512(p, v);
}

static __always_inline __m512i pairs32(__m512i x, __m512i y)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y));
}

static __always_inline __m512i pairs64(__m512i x, __m512i y)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
}

/* Rows 0 to 3, and 4 to 7, in each quarter of a register; then the quarters. */
static __always_inline __m256i ivec_tree8(const vec_t *a)
{
	__m512i lo = pairs64(pairs32(a[0], a[1]), pairs32(a[2], a[3]));
	__m512i hi = pairs64(pairs32(a[4], a[5]), pairs32(a[6], a[7]));
	__m512i s = _mm512_add_epi32(_mm512_shuffle_i32x4(lo, hi, 0x44),
				     _mm512_shuffle_i32x4(lo, hi, 0xee));

	s = _mm512_add_epi32(_mm512_shuffle_i32x4(s, s, 0x08), _mm512_shuffle_i32x4(s, s, 0x0d));
	return _mm512_castsi512_si256(s);
}

static __always_inline __m256i ivec_tree1(vec_t v)
{
	__m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm256_castsi128_si256(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static __always_inline u32 ivec_sum(vec_t v)
{
	return (u32)_mm_cvtsi128_si32(_mm256_castsi256_si128(ivec_tree1(v)));
}
