// SPDX-License-Identifier: GPL-2.0
/*
 * Codes of f32, f16 and bf16 with AVX512_VNNI, and blocks of them: rows and
 * queries as bytes, each with a scale and a bound for what it lost, multiplied four
 * components to a lane. It rules pairs out four times as fast as the real numbers
 * could and must never lose one that is within its limit; docs/arithmetic.md says
 * why it does not.
 */
#include "avx512_fvec.h"
#include "avx512_vec.h"
#include "x86.h"
#include "avx_block.h"
#include "avx_code.h"

/**
 * struct code_tail - of a group of queries, behind their components
 * @aux: their auxiliaries
 * @inverse: 1 / scale; NaN for a query with which every row must pass
 * @norm: norms of the queries
 * @bias: -128 times the sum of their components, which undoes the 128 of the rows
 * @lost: the largest part of its norm that a query of the group lost
 */
struct code_tail {
	float aux[BLOCK_G] __aligned(64);
	float inverse[BLOCK_G] __aligned(64);
	float norm[BLOCK_G] __aligned(64);
	s32 bias[BLOCK_G] __aligned(64);
	float lost;
};

static __always_inline u32 quads(const struct vexfs_space *sp)
{
	return (sp->dim + 3) / 4;
}

static __always_inline size_t group_bytes(const struct vexfs_space *sp)
{
	return (size_t)quads(sp) * 4 * BLOCK_G + sizeof(struct code_tail);
}

/* Sixteen components; what is behind the last is zero. */
static __always_inline fvec load_16(const u32 type, const u8 *row, u32 k)
{
	__m256i h;

	if (type == VEXFS_TYPE_F32)
		return _mm512_load_ps((const float *)row + k);
	h = _mm256_load_si256((const __m256i *)(row + 2 * (size_t)k));
	if (type == VEXFS_TYPE_F16)
		return _mm512_cvtph_ps(h);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

/*
 * Makes bytes of a vector, @lift added to each by exclusive or: one after another
 * at @out, or, when @step is not 4, four together @step bytes apart.
 */
static __always_inline struct quantised quantise(const struct vexfs_space *sp, const u32 type,
					    const u8 *row, u32 aux, const u8 lift, u8 *out,
					    const size_t step)
{
	fvec most = fv_zero(), lost = fv_zero();
	__m512i sum = _mm512_setzero_si512();
	float by, scale;
	u32 k, j;

	for (k = 0; k < sp->dim; k += 16)
		most = _mm512_max_ps(most, _mm512_abs_ps(load_16(type, row, k)));
	quantise_scale(_mm512_reduce_max_ps(most), &by, &scale);
	for (k = 0; k < sp->dim; k += 16) {
		fvec x = load_16(type, row, k), c;
		__m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(x, fv_set1(by)));
		__m128i b = _mm_xor_si128(_mm512_cvtepi32_epi8(v), _mm_set1_epi8((char)lift));

		sum = _mm512_add_epi32(sum, v);
		c = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(v), fv_set1(scale), x);
		lost = fv_fma(c, c, lost);
		if (step == 4) {
			_mm_storeu_si128((__m128i_u *)(out + k), b);
			continue;
		}
		for (j = 0; j < 4 && k / 4 + j < quads(sp); j++) {
			*(u32 *)(out + (k / 4 + j) * step) = (u32)_mm_cvtsi128_si32(b);
			b = _mm_srli_si128(b, 4);
		}
	}
	return quantised_of(sp->metric, aux, scale, _mm512_reduce_add_ps(lost),
			_mm512_reduce_add_epi32(sum));
}

static __always_inline struct quantised quantise_any(const struct vexfs_space *sp, const u8 *row,
						u32 aux, const u8 lift, u8 *out,
						const size_t step)
{
	if (sp->type == VEXFS_TYPE_F32)
		return quantise(sp, VEXFS_TYPE_F32, row, aux, lift, out, step);
	if (sp->type == VEXFS_TYPE_F16)
		return quantise(sp, VEXFS_TYPE_F16, row, aux, lift, out, step);
	return quantise(sp, VEXFS_TYPE_BF16, row, aux, lift, out, step);
}

typedef vec_t code_acc;

/* Lines first, then what is left of one. */
static __always_inline code_acc code_sum(const u8 *q, const u8 *row, u32 bytes)
{
	const __mmask64 rest = (1ull << bytes % 64) - 1;
	__m512i acc = vec_zero();
	u32 off;

	for (off = 0; off + 64 <= bytes; off += 64)
		acc = _mm512_dpbusd_epi32(acc, _mm512_loadu_si512(row + off), vec_load(q + off));
	if (rest)
		acc = _mm512_dpbusd_epi32(acc, _mm512_maskz_loadu_epi8(rest, row + off),
					  vec_load(q + off));
	return acc;
}

static __always_inline __m256i code_tree8(const code_acc *acc)
{
	return ivec_tree8(acc);
}

CODE_FORMS(vexfs_avx512)

size_t vexfs_avx512_code_bytes(const struct vexfs_space *sp, u32 nq)
{
	return (nq + BLOCK_G - 1) / BLOCK_G * group_bytes(sp);
}

void vexfs_avx512_code_pack(const struct vexfs_space *sp, void *packed, const void *queries,
			     const u32 *q_aux, u32 nq, u32 first, u32 count)
{
	u32 q, i, k;

	for (q = first; q < first + count; q += BLOCK_G) {
		u8 *g = (u8 *)packed + q / BLOCK_G * group_bytes(sp);
		struct code_tail *t = (struct code_tail *)(g + (size_t)quads(sp) * 4 * BLOCK_G);

		t->lost = 0.0f;
		for (i = 0; i < BLOCK_G; i++) {
			const u8 *row = (const u8 *)queries + (size_t)(q + i) * sp->stride;
			struct quantised z = { .inverse = 1.0f };

			if (q + i < nq)
				z = quantise_any(sp, row, q_aux[q + i], 0, g + 4 * i, 4 * BLOCK_G);
			else
				for (k = 0; k < quads(sp); k++)
					*(u32 *)(g + 4 * i + (size_t)k * 4 * BLOCK_G) = 0;
			t->aux[i] = q + i < nq ? as_float(q_aux[q + i]) : 0.0f;
			t->inverse[i] = z.inverse;
			t->norm[i] = z.norm;
			t->bias[i] = -128 * z.sum;
			t->lost = lost_part(z, t->lost);
		}
	}
}

/* Sums of products of a tile, from the biases up. */
static __always_inline void tile_bytes(__m512i acc[][BLOCK_V], const u8 *g, const u8 *const *p,
				       u32 steps)
{
	u32 k, r;

	for (k = 0; k < steps; k++, g += 4 * BLOCK_G) {
		__m512i x0 = _mm512_load_si512(g), x1 = _mm512_load_si512(g + 64);

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			__m512i y = _mm512_set1_epi32(((const s32 *)p[r])[k]);

			acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], y, x0);
			acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], y, x1);
		}
	}
}

u32 vexfs_avx512_code_block(const struct vexfs_space *sp, const void *packed, u32 nq,
			     u32 first, u32 count, const u32 *limits, const void *codes,
			     u32 n, u32 row_base, struct vexfs_block_hit *hits, u32 max)
{
	const u32 steps = quads(sp);
	u32 q, i, r, v, found = 0;

	for (q = first; q < first + count; q += BLOCK_G) {
		const u8 *g = (const u8 *)packed + q / BLOCK_G * group_bytes(sp);
		const struct code_tail *t = (const struct code_tail *)
			(g + (size_t)steps * 4 * BLOCK_G);
		u32 left = nq - q < BLOCK_G ? nq - q : BLOCK_G;
		const u32 valid = ~0u >> (32 - left);
		float norm[BLOCK_G] __aligned(64);
		struct bounds bd;

		make_bounds(&bd, sp->metric, sp->dim, CODE_ROUNDINGS, t->aux, limits + q, left);
		UNROLL_8
		for (v = 0; v < BLOCK_V; v++) {
			const u32 at = v * FV_LANES;
			fvec inverse = fv_load(t->inverse + at);

			_mm512_store_ps(bd.b + at, _mm512_mul_ps(fv_load(bd.b + at), inverse));
			_mm512_store_ps(bd.c + at, _mm512_mul_ps(fv_load(bd.c + at), inverse));
			inverse = _mm512_mul_ps(inverse, fv_set1(CODE_UP));
			_mm512_store_ps(norm + at, _mm512_mul_ps(fv_load(t->norm + at), inverse));
		}
		for (i = 0; i < n; i += BLOCK_R) {
			__m512i acc[BLOCK_R][BLOCK_V];
			const u8 *p[BLOCK_R];

			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				u32 at = i + r < n ? i + r : n - 1;

				p[r] = (const u8 *)codes + (size_t)at * vexfs_code_step(sp) +
				       sizeof(struct code_row);
				UNROLL_8
				for (v = 0; v < BLOCK_V; v++)
					acc[r][v] = _mm512_load_si512(t->bias + v * FV_LANES);
			}
			tile_bytes(acc, g, p, steps);
			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				const struct code_row *row = (const struct code_row *)
					(p[r] - sizeof(struct code_row));
				fvec lost = fv_set1(row->lost + t->lost * row->norm);
				fvec factor = fv_set1(row->factor);
				fvec inverse = fv_set1(row->inverse);
				__mmask16 part[BLOCK_V];
				u32 mask;

				if (i + r >= n)
					break;
				UNROLL_8
				for (v = 0; v < BLOCK_V; v++) {
					/* half a unit of the sum of bytes: for what underflows */
					const u32 at = v * FV_LANES;
					fvec least = _mm512_fnmadd_ps(lost, fv_load(norm + at),
								      fv_set1(-0.5f));

					least = fv_fma(inverse, fv_load(bd.c + at), least);
					least = fv_fma(factor, fv_load(bd.b + at), least);
					part[v] = fv_not_below(_mm512_cvtepi32_ps(acc[r][v]), least);
				}
				mask = _mm512_kunpackw(part[1], part[0]) & valid;
				if (__builtin_expect(mask != 0, 0)) {
					found = emit(hits, found, max, mask, q, row_base + i + r);
					if (found > max)
						return found;
				}
			}
		}
	}
	return found;
}
