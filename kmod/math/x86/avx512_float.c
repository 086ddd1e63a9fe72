// SPDX-License-Identifier: GPL-2.0
/*
 * f32, f16 and bf16 with AVX-512: 32 lanes are two registers. It must add in the
 * order of avx_float.h and nothing else. Half types are made f32 first: the
 * BF16 and FP16 instructions flush denormals or round between steps, and the
 * keys would not be those of AVX2.
 */
#include "avx.h"
#include "x86.h"

typedef struct {
	__m512 a, b;
} lanes_t;

typedef struct {
	__m512 v[GROUP];
} lanes8_t;

#define ROWS 8

static __always_inline lanes_t lanes_zero(void)
{
	return (lanes_t){ _mm512_setzero_ps(), _mm512_setzero_ps() };
}

static __always_inline lanes_t load_f32(const u8 *p)
{
	return (lanes_t){ _mm512_load_ps(p), _mm512_load_ps(p + 64) };
}

static __always_inline lanes_t load_half_f32(const u8 *p)
{
	return (lanes_t){ _mm512_load_ps(p), _mm512_setzero_ps() };
}

static __always_inline lanes_t load_f16(const u8 *p)
{
	return (lanes_t){ _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)p)),
			  _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(p + 32))) };
}

/* A word is two components: evens to the first 16 lanes, odds to the others. */
static __always_inline lanes_t load_bf16(const u8 *p)
{
	__m512i w = _mm512_load_si512(p);

	return (lanes_t){ _mm512_castsi512_ps(_mm512_slli_epi32(w, 16)),
			  _mm512_castsi512_ps(_mm512_and_si512(w,
					_mm512_set1_epi32((int)0xffff0000))) };
}

static __always_inline __m512 l2(__m512 acc, __m512 x, __m512 y)
{
	__m512 d = _mm512_sub_ps(x, y);

	return _mm512_fmadd_ps(d, d, acc);
}

static __always_inline __m512 l1(__m512 acc, __m512 x, __m512 y)
{
	return _mm512_add_ps(acc, _mm512_abs_ps(_mm512_sub_ps(x, y)));
}

static __always_inline lanes_t lanes_l2(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ l2(acc.a, x.a, y.a), l2(acc.b, x.b, y.b) };
}

static __always_inline lanes_t lanes_l2_half(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ l2(acc.a, x.a, y.a), acc.b };
}

static __always_inline lanes_t lanes_dot(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ _mm512_fmadd_ps(x.a, y.a, acc.a), _mm512_fmadd_ps(x.b, y.b, acc.b) };
}

static __always_inline lanes_t lanes_dot_half(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ _mm512_fmadd_ps(x.a, y.a, acc.a), acc.b };
}

static __always_inline lanes_t lanes_l1(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ l1(acc.a, x.a, y.a), l1(acc.b, x.b, y.b) };
}

static __always_inline lanes_t lanes_l1_half(lanes_t acc, lanes_t x, lanes_t y)
{
	return (lanes_t){ l1(acc.a, x.a, y.a), acc.b };
}

static __always_inline lanes_t lanes_load(const u8 *p)
{
	return load_f32(p);
}

static __always_inline void lanes_store(u8 *p, lanes_t v)
{
	_mm512_store_ps(p, v.a);
	_mm512_store_ps(p + 64, v.b);
}

/* Lanes i and i + 16. */
static __always_inline __m512 lanes_fold(lanes_t v)
{
	return _mm512_add_ps(v.a, v.b);
}

/* Lanes i and i + 8 of two rows: the first row below, the second above. */
static __always_inline __m512 fold8(__m512 x, __m512 y)
{
	return _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x44), _mm512_shuffle_f32x4(x, y, 0xee));
}

/* Then i and i + 4 of four rows, a quarter each. */
static __always_inline __m512 fold4(__m512 x, __m512 y)
{
	return _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xdd));
}

static __always_inline __m256 lanes_tree8(const lanes8_t *s)
{
	const __m512i pick = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
	__m512 lo = fold4(fold8(s->v[0], s->v[1]), fold8(s->v[2], s->v[3]));
	__m512 hi = fold4(fold8(s->v[4], s->v[5]), fold8(s->v[6], s->v[7]));
	__m512 t = _mm512_add_ps(_mm512_shuffle_ps(lo, hi, 0x44), _mm512_shuffle_ps(lo, hi, 0xee));

	t = _mm512_add_ps(t, _mm512_movehdup_ps(t));
	return _mm512_castps512_ps256(_mm512_permutexvar_ps(pick, t));
}

static __always_inline __m256 lanes_tree1(__m512 v)
{
	return tree1(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

#include "avx_float.h"

FLOAT_METRICS(vexfs_avx512)
