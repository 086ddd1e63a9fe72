/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the AVX2 and AVX-512 files share: the intrinsics, and how the sums of
 * eight rows become eight keys. Included by variant files only.
 */
#ifndef _VEXFS_MATH_SIMD_H
#define _VEXFS_MATH_SIMD_H

#include "bits.h"
#include "variant.h"

/* Keep out the one compiler header that wants malloc(). */
#ifdef __KERNEL__
#define _MM_MALLOC_H_INCLUDED
#define __MM_MALLOC_H
#endif
#include <immintrin.h>

#ifdef __clang__
#define UNROLL_8 _Pragma("clang loop unroll_count(8)")
#else
#define UNROLL_8 _Pragma("GCC unroll 8")
#endif

/* Rows whose sums are turned into keys together. */
#define GROUP 8

/* Ask for the first lines of a row; the processor itself fetches what follows. */
#define AHEAD_LINES	4

static __always_inline void ahead(const u8 *row, u32 stride)
{
	u32 l;

	for (l = 0; l < AHEAD_LINES * 64 && l < stride; l += 64)
		_mm_prefetch((const char *)row + l, _MM_HINT_T0);
}

enum {
	KEEP_SUM,	/* the sum is the distance */
	ONE_MINUS,	/* inner product */
	COSINE,		/* both auxiliaries are inverse norms */
};

static __always_inline __m256i keys_from_f32(__m256 d)
{
	const __m256i sign = _mm256_set1_epi32((int)F32_SIGN);
	__m256i b = _mm256_castps_si256(d);

	/* -0 first becomes 0; nothing else is equal to the lone sign bit. */
	b = _mm256_andnot_si256(_mm256_cmpeq_epi32(b, sign), b);
	return _mm256_xor_si256(b, _mm256_or_si256(_mm256_srai_epi32(b, 31), sign));
}

/* Which of eight floats are infinite or NaN: all bits set in their place. */
static __always_inline __m256i not_finite(__m256 d)
{
	const __m256i inf = _mm256_set1_epi32((int)F32_INF);

	return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(d), inf), inf);
}

/* 1 - dot * inverse norm * inverse norm, not below 0; NaN goes through. */
static __always_inline __m256 cosine(__m256 dot, __m256 inv, __m256 q_inv)
{
	__m256 c = _mm256_mul_ps(_mm256_mul_ps(dot, inv), q_inv);

	return _mm256_max_ps(_mm256_setzero_ps(), _mm256_sub_ps(_mm256_set1_ps(1.0f), c));
}

/* Unsigned integers to f32, rounded once: the upper half is exact. */
static __always_inline __m256 f32_from_u32(__m256i v)
{
	__m256 hi = _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 16));
	__m256 lo = _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)));

	return _mm256_add_ps(_mm256_mul_ps(hi, _mm256_set1_ps(65536.0f)), lo);
}

static __always_inline void store_some(u32 *keys, __m256i k, u32 n)
{
	if (n == GROUP) {
		_mm256_storeu_si256((__m256i_u *)keys, k);
	} else {
		u32 tmp[GROUP] __aligned(32), i;

		_mm256_store_si256((__m256i *)tmp, k);
		for (i = 0; i < n; i++)
			keys[i] = tmp[i];
	}
}

static __always_inline __m256i load_some(const u32 *aux, u32 n)
{
	u32 tmp[GROUP] __aligned(32) = {}, i;

	if (n == GROUP)
		return _mm256_loadu_si256((const __m256i_u *)aux);
	for (i = 0; i < n; i++)
		tmp[i] = aux[i];
	return _mm256_load_si256((const __m256i *)tmp);
}

/*
 * Eight sums of floats to keys, of which the first @n are wanted; returns how
 * many of those are VEXFS_KEY_WIDE. A sum of squares or of absolute values that
 * is infinite is right: nothing was subtracted.
 */
static __always_inline u32 float_keys(__m256 sum, int how, u32 q_aux, const u32 *aux, u32 n,
				      u32 *keys)
{
	__m256i k, bad;

	if (how == KEEP_SUM) {
		store_some(keys, keys_from_f32(sum), n);
		return 0;
	}
	if (how == ONE_MINUS)
		sum = _mm256_sub_ps(_mm256_set1_ps(1.0f), sum);
	else
		sum = cosine(sum, _mm256_castsi256_ps(load_some(aux, n)),
			     _mm256_castsi256_ps(_mm256_set1_epi32((int)q_aux)));
	bad = not_finite(sum);
	k = _mm256_or_si256(keys_from_f32(sum), bad);
	store_some(keys, k, n);
	return (u32)__builtin_popcount((u32)_mm256_movemask_ps(_mm256_castsi256_ps(bad)) &
				       ((1u << n) - 1));
}

/* Lanes i and i + 4, then + 2, then + 1 of each of eight: the end of the tree. */
static __always_inline __m256 tree8(__m256 r0, __m256 r1, __m256 r2, __m256 r3,
				    __m256 r4, __m256 r5, __m256 r6, __m256 r7)
{
	__m256 a = _mm256_add_ps(_mm256_permute2f128_ps(r0, r4, 0x20),
				 _mm256_permute2f128_ps(r0, r4, 0x31));
	__m256 b = _mm256_add_ps(_mm256_permute2f128_ps(r1, r5, 0x20),
				 _mm256_permute2f128_ps(r1, r5, 0x31));
	__m256 c = _mm256_add_ps(_mm256_permute2f128_ps(r2, r6, 0x20),
				 _mm256_permute2f128_ps(r2, r6, 0x31));
	__m256 d = _mm256_add_ps(_mm256_permute2f128_ps(r3, r7, 0x20),
				 _mm256_permute2f128_ps(r3, r7, 0x31));
	__m256 ab = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
	__m256 cd = _mm256_add_ps(_mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xee));

	return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xdd));
}

/* The same tree for one row, its sum in lane 0. */
static __always_inline __m256 tree1(__m256 r)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(r), _mm256_extractf128_ps(r, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm256_castps128_ps256(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#endif
