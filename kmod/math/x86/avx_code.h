/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Codes of f32, f16 and bf16: a vector as bytes, with a scale and a bound for what
 * it lost. Written once for AVX2 and AVX-512; rows are the same bytes whoever made
 * them, so that any variant reads what any other wrote. It must never lose a row
 * that is within its limit; docs/arithmetic.md says why it does not. The file that
 * includes it defines
 *
 *	quantise_any(sp, row, aux, lift, out, 4)	makes bytes of a vector
 *	code_acc, code_sum(q, row, bytes)	products of bytes of a query and a row
 *	code_tree8(acc)		the sums of eight rows
 */
#ifndef _VEXFS_MATH_X86_AVX_CODE_H
#define _VEXFS_MATH_X86_AVX_CODE_H

#include "math/bound.h"
#include "avx.h"

/* More than in a block of the numbers themselves: scales, bounds, sums of bytes. */
#define CODE_ROUNDINGS	64u
/* Makes up for roundings where a bound is computed. */
#define CODE_UP		1.001f
/* Scales outside do not take part: nothing below may overflow. */
#define SCALE_LEAST	0x1p-40f
#define SCALE_MOST	0x1p40f

/* What makes bytes that are signed unsigned, and back. */
#define CODE_LIFT	0x80

/**
 * struct code_row - a row as bytes
 * @factor: what the metric makes of its auxiliary, by @inverse
 * @inverse: 1 / scale; NaN when the row must always pass
 * @lost: how far the bytes are from the row, by @inverse
 * @norm: the norm of the bytes, by @inverse
 * @codes: components / scale, plus 128
 */
struct code_row {
	float factor;
	float inverse;
	float lost;
	float norm;
	u8 codes[];
};

_Static_assert(sizeof(struct code_row) == VEXFS_CODE_HEAD, "the step of rows says so");

/**
 * struct code_query - a query against codes of rows
 * @aux: auxiliary of the query
 * @inverse: 1 / scale; NaN when every row must pass
 * @norm: norm of the query
 * @lost: the part of its norm that it lost
 * @bias: -128 times the sum of its bytes, which undoes the 128 of the rows
 * @codes: what a row is multiplied by, its head by nothing; zero behind the last
 */
struct code_query {
	float aux;
	float inverse;
	float norm;
	float lost;
	s32 bias;
	u8 codes[] __aligned(64);
};

_Static_assert(sizeof(struct code_query) == VEXFS_CODE_QUERY_HEAD, "its size says so");

/**
 * struct quantised - what a vector is, but for its bytes
 * @inverse: 1 / scale, or NaN
 * @lost: distance from the vector to its bytes, or more
 * @norm: of the vector, or more
 * @sum: sum of the bytes
 */
struct quantised {
	float inverse;
	float lost;
	float norm;
	s32 sum;
};

static __always_inline float norm_of(u32 metric, u32 aux)
{
	float a = as_float(aux);

	if (metric == VEXFS_METRIC_L2)
		a = (float)root(a);
	else if (metric == VEXFS_METRIC_COS)
		a = 1.0f / a;
	return a * CODE_UP;
}

/* From the largest component: what to multiply by, and what a unit of a byte is. */
static __always_inline void quantise_scale(float top, float *by, float *scale)
{
	*by = top > 0.0f ? 127.0f / top : 1.0f;
	*scale = top > 0.0f ? top * (1.0f / 127.0f) : 1.0f;
}

static __always_inline struct quantised quantised_of(u32 metric, u32 aux, float scale,
						      float lost, s32 sum)
{
	struct quantised z = {
		.lost = (float)root(lost) * CODE_UP,
		.norm = norm_of(metric, aux),
		.sum = sum,
		.inverse = 1.0f / scale,
	};

	if (!(z.inverse >= 1.0f / SCALE_MOST && z.inverse <= 1.0f / SCALE_LEAST))
		z.inverse = as_float(F32_NAN);
	return z;
}

/* The part of its norm that a vector lost, if it is more than @most. */
static __always_inline float lost_part(struct quantised z, float most)
{
	return z.lost > most * z.norm ? z.lost / z.norm * CODE_UP : most;
}

/**
 * struct code_bound - what decides for a query
 * @b: see struct bounds
 * @c: both by the scale of the query
 * @norm: of the query, likewise
 * @lost: the part of it that the query lost
 * @bias: bias of the query
 */
struct code_bound {
	__m256 b, c, norm, lost;
	__m256i bias;
};

static __attribute__((__noinline__))
void code_bound(struct code_bound *l, const struct vexfs_space *sp, const struct code_query *q,
		u32 limit)
{
	float b, c;

	query_bound(sp->metric, sp->dim, CODE_ROUNDINGS, q->aux, limit_value(limit), &b, &c);
	l->b = _mm256_set1_ps(b * q->inverse);
	l->c = _mm256_set1_ps(c * q->inverse);
	l->norm = _mm256_set1_ps(q->norm * (q->inverse * CODE_UP));
	l->lost = _mm256_set1_ps(q->lost);
	l->bias = _mm256_set1_epi32(q->bias);
}

static __always_inline __m128 head(const u8 *row)
{
	return _mm_load_ps((const float *)row);
}

/* The heads of eight rows, field by field. */
static __always_inline void heads8(const u8 *const *p, __m256 out[4])
{
	__m256 t[4], lo, hi;
	u32 r;

	UNROLL_8
	for (r = 0; r < 4; r++)
		t[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(head(p[r])), head(p[r + 4]), 1);
	lo = _mm256_unpacklo_ps(t[0], t[1]);
	hi = _mm256_unpacklo_ps(t[2], t[3]);
	out[0] = _mm256_shuffle_ps(lo, hi, 0x44);
	out[1] = _mm256_shuffle_ps(lo, hi, 0xee);
	lo = _mm256_unpackhi_ps(t[0], t[1]);
	hi = _mm256_unpackhi_ps(t[2], t[3]);
	out[2] = _mm256_shuffle_ps(lo, hi, 0x44);
	out[3] = _mm256_shuffle_ps(lo, hi, 0xee);
}

/* Which of eight rows may be within the limit: as in a block of codes. */
static __always_inline u32 near8(const struct code_bound *l, __m256i sums, const u8 *const *p)
{
	__m256 h[4], lost, least;

	heads8(p, h);
	lost = _mm256_add_ps(h[2], _mm256_mul_ps(l->lost, h[3]));
	/* half a unit of the sum of bytes: for what underflows */
	least = _mm256_fnmadd_ps(lost, l->norm, _mm256_set1_ps(-0.5f));
	least = _mm256_fmadd_ps(h[1], l->c, least);
	least = _mm256_fmadd_ps(h[0], l->b, least);
	sums = _mm256_add_epi32(sums, l->bias);
	return (u32)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_cvtepi32_ps(sums), least,
						     _CMP_NLT_UQ));
}

/* How far ahead a scan of codes prefetches; see SCAN_NEAR. */
#define CODE_NEAR	512
#define CODE_FAR	4096

#define CODE_FORMS(isa)									\
void isa##_code_rows(const struct vexfs_space *sp, void *out, const void *rows,	\
		      const u32 *aux, u32 n)						\
{											\
	u32 i;										\
											\
	for (i = 0; i < n; i++) {							\
		struct code_row *r = (struct code_row *)				\
			((u8 *)out + (size_t)i * vexfs_code_step(sp));			\
		const u8 *row = (const u8 *)rows + (size_t)i * sp->stride;		\
		struct quantised z = quantise_any(sp, row, aux[i], CODE_LIFT, r->codes, 4);	\
											\
		r->inverse = z.inverse;							\
		r->factor = row_factor(sp->metric, sp->dim, CODE_ROUNDINGS, aux[i]) *	\
			    z.inverse;							\
		r->lost = z.lost * z.inverse * CODE_UP;				\
		r->norm = (z.norm + z.lost) * z.inverse * CODE_UP;			\
	}										\
}											\
											\
void isa##_code_query(const struct vexfs_space *sp, void *out, const void *q,		\
		       u32 q_aux)							\
{											\
	struct code_query *query = out;						\
	struct quantised z;									\
											\
	memset(query, 0, vexfs_code_query_bytes(sp));					\
	z = quantise_any(sp, q, q_aux, 0, query->codes + VEXFS_CODE_HEAD, 4);		\
	query->aux = as_float(q_aux);							\
	query->inverse = z.inverse;							\
	query->norm = z.norm;								\
	query->lost = lost_part(z, 0.0f);						\
	query->bias = -128 * z.sum;							\
}											\
											\
u32 isa##_code_scan(const struct vexfs_space *sp, const void *query, u32 limit,	\
		     const void *codes, u32 n, u32 row_base, u16 *near, u32 max)	\
{											\
	const u8 *q = ((const struct code_query *)query)->codes;			\
	const u32 step = vexfs_code_step(sp);						\
	const u32 far = vexfs_scan_far ? CODE_FAR : CODE_NEAR;				\
	const u8 *row = codes, *p[GROUP];						\
	u32 i, r, off, mask, found = 0;							\
	struct code_bound l;								\
											\
	code_bound(&l, sp, query, limit);						\
	for (i = 0; i < n; i += GROUP, row += (size_t)GROUP * step) {			\
		u32 left = n - i;							\
		code_acc acc[GROUP];							\
											\
		UNROLL_8								\
		for (r = 0; r < GROUP; r++)						\
			p[r] = row + (size_t)(left > r ? r : left - 1) * step;		\
		UNROLL_8								\
		for (r = 0; r < GROUP; r++)						\
			acc[r] = code_sum(q, p[r], step);				\
		for (off = 0; off < GROUP * step; off += 64)				\
			_mm_prefetch((const char *)row + off + far, _MM_HINT_T0);	\
		mask = near8(&l, code_tree8(acc), p);					\
		if (left < GROUP)							\
			mask &= (1u << left) - 1;					\
		for (; __builtin_expect(mask != 0, 0); mask &= mask - 1, found++) {	\
			if (found >= max)						\
				return max + 1;						\
			near[found] = (u16)(row_base + i + (u32)__builtin_ctz(mask));	\
		}									\
	}										\
	return found;									\
}

#endif
