// SPDX-License-Identifier: GPL-2.0
/*
 * f32, f16 and bf16 with AVX2, FMA and F16C: 32 lanes are four registers. It
 * must add in the order of avx_float.h and nothing else.
 */
#include "avx.h"
#include "x86.h"

/* a: lanes 0 to 15, b: lanes 16 to 31 */
typedef struct {
	__m256 a0, a1, b0, b1;
} lanes_t;

typedef struct {
	__m256 v[GROUP];
} lanes8_t;

#define ROWS 2

static __always_inline lanes_t lanes_zero(void)
{
	__m256 z = _mm256_setzero_ps();

	return (lanes_t){ z, z, z, z };
}

static __always_inline __m256 load8(const u8 *p)
{
	return _mm256_load_ps((const float *)p);
}

static __always_inline lanes_t load_f32(const u8 *p)
{
	return (lanes_t){ load8(p), load8(p + 32), load8(p + 64), load8(p + 96) };
}

static __always_inline lanes_t load_half_f32(const u8 *p)
{
	__m256 z = _mm256_setzero_ps();

	return (lanes_t){ load8(p), load8(p + 32), z, z };
}

static __always_inline __m256 half8(const u8 *p)
{
	return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)p));
}

static __always_inline lanes_t load_f16(const u8 *p)
{
	return (lanes_t){ half8(p), half8(p + 16), half8(p + 32), half8(p + 48) };
}

static __always_inline __m256 even8(__m256i w)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
}

static __always_inline __m256 odd8(__m256i w)
{
	return _mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32((int)0xffff0000)));
}

/* A word is two components: evens to the first 16 lanes, odds to the others. */
static __always_inline lanes_t load_bf16(const u8 *p)
{
	__m256i lo = _mm256_load_si256((const __m256i *)p);
	__m256i hi = _mm256_load_si256((const __m256i *)(p + 32));

	return (lanes_t){ even8(lo), even8(hi), odd8(lo), odd8(hi) };
}

static __always_inline __m256 l2(__m256 acc, __m256 x, __m256 y)
{
	__m256 d = _mm256_sub_ps(x, y);

	return _mm256_fmadd_ps(d, d, acc);
}

static __always_inline __m256 l1(__m256 acc, __m256 x, __m256 y)
{
	__m256 d = _mm256_sub_ps(x, y);

	return _mm256_add_ps(acc, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), d));
}

static __always_inline __m256 dot(__m256 acc, __m256 x, __m256 y)
{
	return _mm256_fmadd_ps(x, y, acc);
}

#define LANES_OP(op)								\
static __always_inline lanes_t lanes_##op(lanes_t acc, lanes_t x, lanes_t y)	\
{										\
	return (lanes_t){ op(acc.a0, x.a0, y.a0), op(acc.a1, x.a1, y.a1),	\
			  op(acc.b0, x.b0, y.b0), op(acc.b1, x.b1, y.b1) };	\
}										\
										\
static __always_inline lanes_t lanes_##op##_half(lanes_t acc, lanes_t x, lanes_t y) \
{										\
	return (lanes_t){ op(acc.a0, x.a0, y.a0), op(acc.a1, x.a1, y.a1),	\
			  acc.b0, acc.b1 };					\
}


LANES_OP(l2)
LANES_OP(l1)
LANES_OP(dot)

static __always_inline lanes_t lanes_load(const u8 *p)
{
	return load_f32(p);
}

static __always_inline void lanes_store(u8 *p, lanes_t v)
{
	_mm256_store_ps((float *)p, v.a0);
	_mm256_store_ps((float *)(p + 32), v.a1);
	_mm256_store_ps((float *)(p + 64), v.b0);
	_mm256_store_ps((float *)(p + 96), v.b1);
}

/* Lanes i and i + 16, then i and i + 8. */
static __always_inline __m256 lanes_fold(lanes_t v)
{
	return _mm256_add_ps(_mm256_add_ps(v.a0, v.b0), _mm256_add_ps(v.a1, v.b1));
}

static __always_inline __m256 lanes_tree8(const lanes8_t *s)
{
	return tree8(s->v[0], s->v[1], s->v[2], s->v[3], s->v[4], s->v[5], s->v[6], s->v[7]);
}

static __always_inline __m256 lanes_tree1(__m256 v)
{
	return tree1(v);
}

#include "avx_float.h"

FLOAT_METRICS(vexfs_avx2)
