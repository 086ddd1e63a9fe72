/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the AVX2 and AVX-512 files share: the intrinsics, and how the sums of
 * eight rows become eight keys. Included by variant files only.
 */
#ifndef _VEXFS_MATH_X86_AVX_H
#define _VEXFS_MATH_X86_AVX_H

#include "math/bits.h"
#include "math/ops.h"

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

/*
 * Prefetch the first lines of a row; the processor itself fetches what follows.
 * Prefetching beyond a short row does no harm, and a loop would cost more.
 */
static __always_inline void prefetch_near(const void *row)
{
	_mm_prefetch((const char *)row, _MM_HINT_T0);
	_mm_prefetch((const char *)row + 64, _MM_HINT_T0);
	_mm_prefetch((const char *)row + 128, _MM_HINT_T0);
	_mm_prefetch((const char *)row + 192, _MM_HINT_T0);
}

/*
 * A scan reads rows one after another, as memory likes it best, and prefetches what
 * lies so far ahead: near and into the second level, for the first is refilled from
 * there in time and has no room for more; or far and into the first, where that is
 * large and memory takes longer (docs/benchmarks.md has both on both). Gather takes
 * several rows at once. The order of addition within a row is the same.
 */
#define SCAN_NEAR	1024
#define SCAN_FAR	6144

static __always_inline void prefetch_far(const u8 *p, const size_t far, const u32 bytes)
{
	if (far == SCAN_FAR) {
		_mm_prefetch((const char *)p + far, _MM_HINT_T0);
		if (bytes > 64)
			_mm_prefetch((const char *)p + far + 64, _MM_HINT_T0);
	} else {
		_mm_prefetch((const char *)p + far, _MM_HINT_T1);
		if (bytes > 64)
			_mm_prefetch((const char *)p + far + 64, _MM_HINT_T1);
	}
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

/* Eight keys, or one; @n is a constant. */
static __always_inline void store_keys(u32 *keys, __m256i k, const u32 n)
{
	if (n == GROUP)
		_mm256_storeu_si256((__m256i_u *)keys, k);
	else
		keys[0] = (u32)_mm_cvtsi128_si32(_mm256_castsi256_si128(k));
}

static __always_inline __m256i load_aux(const u32 *aux, const u32 n)
{
	if (n == GROUP)
		return _mm256_loadu_si256((const __m256i_u *)aux);
	return _mm256_castsi128_si256(_mm_cvtsi32_si128((int)aux[0]));
}

/**
 * struct rest - rows left over that are worth a group, filled up with the last
 * @p: the rows
 * @aux: their auxiliaries
 * @keys: the results
 */
struct rest {
	const u8 *p[GROUP];
	u32 aux[GROUP];
	u32 keys[GROUP];
};

/* With fewer, one by one is faster. */
#define REST_LEAST	4

static __always_inline void rest_add(struct rest *rest, u32 at, const u8 *row, u32 aux)
{
	for (; at < GROUP; at++) {
		rest->p[at] = row;
		rest->aux[at] = aux;
	}
}

/* Hands out the first @n keys; returns how many of them are VEXFS_KEY_WIDE. */
static __always_inline u32 rest_out(const struct rest *rest, u32 n, u32 *keys)
{
	u32 i, wide = 0;

	for (i = 0; i < n; i++) {
		keys[i] = rest->keys[i];
		wide += keys[i] == VEXFS_KEY_WIDE;
	}
	return wide;
}

/*
 * Eight sums of floats to keys, or one (@n, a constant); returns how many of
 * them are VEXFS_KEY_WIDE. A sum of squares or of absolute values that
 * is infinite is right: nothing was subtracted.
 */
static __always_inline u32 float_keys(__m256 sum, int how, u32 q_aux, const u32 *aux, u32 n,
				      u32 *keys)
{
	__m256i k, bad;

	if (how == KEEP_SUM) {
		store_keys(keys, keys_from_f32(sum), n);
		return 0;
	}
	if (how == ONE_MINUS)
		sum = _mm256_sub_ps(_mm256_set1_ps(1.0f), sum);
	else
		sum = cosine(sum, _mm256_castsi256_ps(load_aux(aux, n)),
			     _mm256_castsi256_ps(_mm256_set1_epi32((int)q_aux)));
	bad = not_finite(sum);
	k = _mm256_or_si256(keys_from_f32(sum), bad);
	store_keys(keys, k, n);
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

/*
 * Scan and gather from fn_group(), eight rows, and fn_one(), a row. fn_bias() is
 * what must be known of the query beforehand.
 */
#define SCAN_GROUPS(fn, far)								\
	for (i = 0; i + GROUP <= n; i += GROUP, row += (size_t)GROUP * stride) {	\
		const u8 *p[GROUP];							\
		u32 r;									\
											\
		UNROLL_8								\
		for (r = 0; r < GROUP; r++)						\
			p[r] = row + (size_t)r * stride;				\
		wide += fn##_group(q, q_aux, p, aux + i, bytes, bias, far, keys + i);	\
	}

#define SIMD_SHAPES(fn)									\
u32 fn##_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,			\
	      const void *rows, const u32 *aux, u32 n, u32 *keys)			\
{											\
	const u32 stride = sp->stride, bytes = ROW_BYTES(sp);				\
	const u32 bias = fn##_bias(q, bytes);						\
	const u8 *row = rows;								\
	u32 i, wide = 0;								\
											\
	if (vexfs_scan_far)								\
		SCAN_GROUPS(fn, SCAN_FAR)						\
	else										\
		SCAN_GROUPS(fn, SCAN_NEAR)						\
	for (; i < n; i++, row += stride)						\
		wide += fn##_one(q, q_aux, row, aux + i, bytes, bias, keys + i);	\
	return wide;									\
}											\
											\
u32 fn##_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,			\
		const void *const *rows, const u32 *aux, u32 n, u32 *keys)		\
{											\
	const u32 bytes = ROW_BYTES(sp), bias = fn##_bias(q, bytes);			\
	const u8 *const *p = (const u8 *const *)rows;					\
	u32 i, r, wide = 0;								\
											\
	for (i = 0; i + GROUP <= n; i += GROUP) {					\
		if (i + 2 * GROUP <= n)							\
			UNROLL_8							\
			for (r = i + GROUP; r < i + 2 * GROUP; r++)			\
				prefetch_near(p[r]);					\
		wide += fn##_group(q, q_aux, p + i, aux + i, bytes, bias, 0, keys + i);	\
	}										\
	if (n - i >= REST_LEAST) {							\
		struct rest rest;							\
											\
		for (r = 0; i + r < n; r++)						\
			rest_add(&rest, r, p[i + r], aux[i + r]);			\
		fn##_group(q, q_aux, rest.p, rest.aux, bytes, bias, 0, rest.keys);	\
		return wide + rest_out(&rest, n - i, keys + i);				\
	}										\
	for (; i < n; i++)								\
		wide += fn##_one(q, q_aux, p[i], aux + i, bytes, bias, keys + i);	\
	return wide;									\
}

#endif
