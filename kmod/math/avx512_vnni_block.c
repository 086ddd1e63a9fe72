// SPDX-License-Identifier: GPL-2.0
/*
 * Block of i8 and u8 with AVX512_VNNI: 32 queries by 8 rows, four components in a
 * lane. Sums are exact, and what decides is the very distance whose bits are the
 * key, so it names the pairs within their limits and no others.
 */
#include "avx512_fvec.h"
#include "avx512_vec.h"
#include "forms.h"
#include "real.h"
#include "simd_block.h"

/* Queries are shifted by 128 to be what the rows are not. */
#define SHIFT	0x80808080u

static __always_inline u32 quads(const struct vexfs_space *sp)
{
	return (sp->dim + 3) / 4;
}

/* Components of all queries by four, then auxiliaries. */
static __always_inline size_t group_words(const struct vexfs_space *sp)
{
	return ((size_t)quads(sp) + 1) * BLOCK_G;
}

static __always_inline void bytes_pack(const struct vexfs_space *sp, void *packed,
				       const void *queries, const u32 *q_aux, u32 nq, u32 first,
				       u32 count)
{
	const u32 end = first + (count + BLOCK_G - 1) / BLOCK_G * BLOCK_G;
	u32 q, k;

	for (q = first; q < end; q++) {
		u32 *g = (u32 *)packed + q / BLOCK_G * group_words(sp) + q % BLOCK_G;
		const u32 *row = (const u32 *)((const u8 *)queries + (size_t)q * sp->stride);

		for (k = 0; k < quads(sp); k++)
			g[(size_t)k * BLOCK_G] = (q < nq ? row[k] : 0) ^ SHIFT;
		g[(size_t)k * BLOCK_G] = q < nq ? q_aux[q] : 0;
	}
}

/* A limit as the largest distance within it. Integer distances are finite. */
static __always_inline float limit_float(u32 key)
{
	if (key <= f32_to_key(F32_SIGN | F32_INF))
		return as_float(F32_SIGN | F32_INF);
	if (key >= f32_to_key(F32_INF))
		return as_float(F32_INF);
	return as_float(key_to_f32(key));
}

static __always_inline __m512i row_sum(const bool negative, u32 stride, const u8 *row)
{
	const __m512i one = _mm512_set1_epi8(1);
	__m512i acc = _mm512_setzero_si512();
	u32 off;

	for (off = 0; off < stride; off += 64)
		acc = negative ? _mm512_dpbusd_epi32(acc, one, vec_load(row + off)) :
				  _mm512_dpbusd_epi32(acc, vec_load(row + off), one);
	return acc;
}

/* What the shift of the queries adds to the sums of eight rows, negated. */
static __always_inline void biases(const struct vexfs_space *sp, const bool negative,
				   const u8 *const *p, u32 *out)
{
	__m512i acc[BLOCK_R];
	__m256i sums;
	u32 r;

	UNROLL_8
	for (r = 0; r < BLOCK_R; r++)
		acc[r] = row_sum(negative, sp->stride, p[r]);
	sums = _mm256_slli_epi32(ivec_tree8(acc), 7);
	if (negative)
		sums = _mm256_sub_epi32(_mm256_setzero_si256(), sums);
	_mm256_store_si256((__m256i *)out, sums);
}

static __always_inline void tile_bytes(__m512i acc[][BLOCK_V], const bool negative, const u32 *g,
				       const u8 *const *p, u32 steps)
{
	u32 k, r;

	for (k = 0; k < steps; k++, g += BLOCK_G) {
		__m512i x0 = _mm512_load_si512(g), x1 = _mm512_load_si512(g + 16);

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			__m512i y = _mm512_set1_epi32(((const s32 *)p[r])[k]);

			acc[r][0] = negative ? _mm512_dpbusd_epi32(acc[r][0], x0, y) :
						_mm512_dpbusd_epi32(acc[r][0], y, x0);
			acc[r][1] = negative ? _mm512_dpbusd_epi32(acc[r][1], x1, y) :
						_mm512_dpbusd_epi32(acc[r][1], y, x1);
		}
	}
}

/* The distances of 16 queries to a row: the steps of int_keys(), as floats. */
static __always_inline fvec distances(const int metric, __m512i dot, __m512i q_aux, u32 aux)
{
	fvec d;

	if (metric == VEXFS_METRIC_L2)
		return _mm512_cvtepu32_ps(_mm512_sub_epi32(
			_mm512_add_epi32(q_aux, _mm512_set1_epi32((int)aux)),
			_mm512_slli_epi32(dot, 1)));
	/* no sum of a dimension that has a block reaches 2^31 */
	if (metric == VEXFS_METRIC_IP)
		return _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_set1_epi32(1), dot));
	d = _mm512_mul_ps(_mm512_cvtepi32_ps(dot), fv_set1(as_float(aux)));
	d = _mm512_sub_ps(fv_set1(1.0f), _mm512_mul_ps(d, _mm512_castsi512_ps(q_aux)));
	return _mm512_max_ps(fv_zero(), d);
}

static __always_inline u32 bytes_block(const struct vexfs_space *sp, const bool negative,
				       const int metric, const void *packed, u32 nq, u32 first,
				       u32 count, const u32 *limits, const void *rows,
				       const u32 *aux, u32 n, u32 row_base,
				       struct vexfs_block_hit *hits, u32 max)
{
	const u32 steps = quads(sp);
	u32 q, i, r, v, found = 0;

	for (q = first; q < first + count; q += BLOCK_G) {
		const u32 *g = (const u32 *)packed + q / BLOCK_G * group_words(sp);
		u32 left = nq - q < BLOCK_G ? nq - q : BLOCK_G;
		const u64 valid = ~0ull >> (64 - left);
		float limit[BLOCK_G] __aligned(64) = {};

		for (i = 0; i < left; i++)
			limit[i] = limit_float(limits[q + i]);
		for (i = 0; i < n; i += BLOCK_R) {
			__m512i acc[BLOCK_R][BLOCK_V];
			u32 bias[BLOCK_R] __aligned(32);
			const u8 *p[BLOCK_R];

			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				u32 at = i + r < n ? i + r : n - 1;

				p[r] = (const u8 *)rows + (size_t)at * sp->stride;
			}
			biases(sp, negative, p, bias);
			UNROLL_8
			for (r = 0; r < BLOCK_R; r++)
				UNROLL_8
				for (v = 0; v < BLOCK_V; v++)
					acc[r][v] = _mm512_set1_epi32(bias[r]);
			tile_bytes(acc, negative, g, p, steps);
			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				u64 mask = 0;

				if (i + r >= n)
					break;
				UNROLL_8
				for (v = 0; v < BLOCK_V; v++) {
					__m512i q_aux = _mm512_load_si512(g + steps * BLOCK_G +
									  v * FV_LANES);
					fvec d = distances(metric, acc[r][v], q_aux, aux[i + r]);

					mask |= (u64)_mm512_cmp_ps_mask(d,
						fv_load(limit + v * FV_LANES), _CMP_LE_OQ)
						<< v * FV_LANES;
				}
				mask &= valid;
				if (__builtin_expect(mask != 0, 0))
					found = emit(hits, found, max, mask, q, row_base + i + r);
				if (found > max)
					return found;
			}
		}
	}
	return found;
}

#define BYTES_FORM(fn, negative, metric)						\
size_t fn##_block_bytes(const struct vexfs_space *sp, u32 nq)				\
{											\
	return (nq + BLOCK_G - 1) / BLOCK_G * group_words(sp) * sizeof(u32);		\
}											\
											\
void fn##_block_pack(const struct vexfs_space *sp, void *packed, const void *queries,	\
		     const u32 *q_aux, u32 nq, u32 first, u32 count)			\
{											\
	bytes_pack(sp, packed, queries, q_aux, nq, first, count);			\
}											\
											\
u32 fn##_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,	\
	       u32 count, const u32 *limits, const void *rows, const u32 *aux, u32 n,	\
	       u32 row_base, struct vexfs_block_hit *hits, u32 max)			\
{											\
	return bytes_block(sp, negative, metric, packed, nq, first, count, limits,	\
			   rows, aux, n, row_base, hits, max);				\
}

BYTES_FORM(vexfs_avx512_vnni_i8_l2, true, VEXFS_METRIC_L2)
BYTES_FORM(vexfs_avx512_vnni_i8_ip, true, VEXFS_METRIC_IP)
BYTES_FORM(vexfs_avx512_vnni_i8_cos, true, VEXFS_METRIC_COS)
BYTES_FORM(vexfs_avx512_vnni_u8_l2, false, VEXFS_METRIC_L2)
BYTES_FORM(vexfs_avx512_vnni_u8_ip, false, VEXFS_METRIC_IP)
BYTES_FORM(vexfs_avx512_vnni_u8_cos, false, VEXFS_METRIC_COS)
