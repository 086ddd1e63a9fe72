// SPDX-License-Identifier: GPL-2.0
/*
 * i8, u8 and b1 with AVX2. Exact: products are made in 32 bits before anything
 * is added.
 */
#include "avx.h"
#include "x86.h"

typedef __m256i vec_t;

static __always_inline vec_t vec_zero(void)
{
	return _mm256_setzero_si256();
}

static __always_inline vec_t vec_load(const u8 *p)
{
	return _mm256_load_si256((const __m256i *)p);
}

static __always_inline void vec_store(u8 *p, vec_t v)
{
	_mm256_store_si256((__m256i *)p, v);
}

static __always_inline __m256i pairs32(__m256i x, __m256i y)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi32(x, y), _mm256_unpackhi_epi32(x, y));
}

static __always_inline __m256i pairs64(__m256i x, __m256i y)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi64(x, y), _mm256_unpackhi_epi64(x, y));
}

/* Rows 0 to 3, and 4 to 7, in each half of a register; then the halves. */
static __always_inline __m256i ivec_tree8(const vec_t *a)
{
	__m256i lo = pairs64(pairs32(a[0], a[1]), pairs32(a[2], a[3]));
	__m256i hi = pairs64(pairs32(a[4], a[5]), pairs32(a[6], a[7]));

	return _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20),
				_mm256_permute2x128_si256(lo, hi, 0x31));
}

static __always_inline __m256i ivec_tree1(vec_t v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm256_castsi128_si256(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

#include "avx_int.h"

/* Components at even and at odd places, in 16 bits each. */
struct split {
	__m256i even, odd;
};

static __always_inline struct split split_i8(__m256i v)
{
	return (struct split){ _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8),
			       _mm256_srai_epi16(v, 8) };
}

static __always_inline struct split split_u8(__m256i v)
{
	return (struct split){ _mm256_and_si256(v, _mm256_set1_epi16(0xff)),
			       _mm256_srli_epi16(v, 8) };
}

static __always_inline __m256i dot_split(__m256i acc, struct split x, struct split y)
{
	acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x.even, y.even));
	return _mm256_add_epi32(acc, _mm256_madd_epi16(x.odd, y.odd));
}

static __always_inline __m256i op_dot_i8(__m256i acc, struct split x, __m256i y)
{
	return dot_split(acc, x, split_i8(y));
}

static __always_inline __m256i op_dot_u8(__m256i acc, struct split x, __m256i y)
{
	return dot_split(acc, x, split_u8(y));
}

/* Signed to unsigned by the same shift on both sides: differences stay. */
static __always_inline __m256i lift(__m256i v)
{
	return _mm256_xor_si256(v, _mm256_set1_epi8((char)0x80));
}

static __always_inline __m256i op_l1_u8(__m256i acc, __m256i x, __m256i y)
{
	return _mm256_add_epi32(acc, _mm256_sad_epu8(x, y));
}

static __always_inline __m256i op_l1_i8(__m256i acc, __m256i x, __m256i y)
{
	return op_l1_u8(acc, x, lift(y));
}

static __always_inline __m256i popcount(__m256i v)
{
	const __m256i count = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
									1, 2, 2, 3, 2, 3, 3, 4));
	const __m256i low = _mm256_set1_epi8(0x0f);
	__m256i c = _mm256_add_epi8(
		_mm256_shuffle_epi8(count, _mm256_and_si256(v, low)),
		_mm256_shuffle_epi8(count, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));

	return _mm256_sad_epu8(c, _mm256_setzero_si256());
}

static __always_inline __m256i op_xor(__m256i acc, __m256i x, __m256i y)
{
	return _mm256_add_epi32(acc, popcount(_mm256_xor_si256(x, y)));
}

static __always_inline __m256i op_and(__m256i acc, __m256i x, __m256i y)
{
	return _mm256_add_epi32(acc, popcount(_mm256_and_si256(x, y)));
}

INT_ADD(dot_i8, struct split, split_i8, op_dot_i8, NO_BIAS)
INT_ADD(dot_u8, struct split, split_u8, op_dot_u8, NO_BIAS)
INT_ADD(l1_i8, __m256i, lift, op_l1_i8, NO_BIAS)
INT_ADD(l1_u8, __m256i, AS_IT_IS, op_l1_u8, NO_BIAS)
INT_ADD(b1_xor, __m256i, AS_IT_IS, op_xor, NO_BIAS)
INT_ADD(b1_and, __m256i, AS_IT_IS, op_and, NO_BIAS)

INT_METRICS_DOT(vexfs_avx2)
INT_METRICS_L1(vexfs_avx2)
INT_METRICS_BITS(vexfs_avx2)
