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

/**
 * struct code_group - a group of queries, and the rows it is compared with
 * @bounds: what decides, by the scales of the queries
 * @norm: norms of the queries, likewise
 * @g: components of the queries
 * @tail: what is behind them
 * @first: number of the first query
 * @valid: the queries that there are
 * @codes: the rows
 * @n: their number
 * @row_base: number of the first row
 * @hits: pairs that were found
 * @max: number of pairs that @hits holds
 */
struct code_group {
	struct bounds bounds;
	float norm[BLOCK_G] __aligned(64);
	const u8 *g;
	const struct code_tail *tail;
	u32 first;
	u32 valid;
	const u8 *codes;
	u32 n;
	u32 row_base;
	struct vexfs_block_hit *hits;
	u32 max;
};

static __always_inline void group_open(const struct vexfs_space *sp, struct code_group *cg,
				       const void *packed, u32 q, u32 nq, const u32 *limits)
{
	u32 left = nq - q < BLOCK_G ? nq - q : BLOCK_G, at;

	cg->first = q;
	cg->valid = ~0u >> (32 - left);
	cg->g = (const u8 *)packed + q / BLOCK_G * group_bytes(sp);
	cg->tail = (const struct code_tail *)(cg->g + (size_t)quads(sp) * 4 * BLOCK_G);
	make_bounds(&cg->bounds, sp->metric, sp->dim, CODE_ROUNDINGS, cg->tail->aux, limits + q,
		    left);
	UNROLL_8
	for (at = 0; at < BLOCK_G; at += FV_LANES) {
		fvec inverse = fv_load(cg->tail->inverse + at);
		float *b = cg->bounds.b + at, *c = cg->bounds.c + at;

		_mm512_store_ps(b, _mm512_mul_ps(fv_load(b), inverse));
		_mm512_store_ps(c, _mm512_mul_ps(fv_load(c), inverse));
		inverse = _mm512_mul_ps(inverse, fv_set1(CODE_UP));
		_mm512_store_ps(cg->norm + at, _mm512_mul_ps(fv_load(cg->tail->norm + at), inverse));
	}
}

static __always_inline __m512i quad_of(const u8 *p, u32 k)
{
	return _mm512_set1_epi32(((const s32 *)p)[k]);
}

/* Sums of products of a tile, from the biases up. */
static __always_inline void tile_bytes(__m512i acc[][BLOCK_R], const u8 *g, const u8 *const *p,
				       u32 steps)
{
	u32 k, r;

	for (k = 0; k < steps; k++, g += 4 * BLOCK_G) {
		__m512i x0 = _mm512_load_si512(g), x1 = _mm512_load_si512(g + 64);

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			__m512i y = quad_of(p[r], k);

			acc[0][r] = _mm512_dpbusd_epi32(acc[0][r], y, x0);
			acc[1][r] = _mm512_dpbusd_epi32(acc[1][r], y, x1);
		}
	}
}

/*
 * The same with one vector of queries. A product has to wait for the one before it in its sum, and
 * the multipliers would wait with it: each row has two sums.
 */
static __always_inline void tile_bytes_half(__m512i acc[BLOCK_R], const u8 *g, const u8 *const *p,
					    u32 steps)
{
	__m512i odd[BLOCK_R];
	u32 k = steps & 1, r;

	UNROLL_8
	for (r = 0; r < BLOCK_R; r++) {
		odd[r] = vec_zero();
		if (k)
			odd[r] = _mm512_dpbusd_epi32(odd[r], quad_of(p[r], 0),
						     _mm512_load_si512(g));
	}
	for (g += (size_t)k * 4 * BLOCK_G; k < steps; k += 2, g += 2 * 4 * BLOCK_G) {
		__m512i x0 = _mm512_load_si512(g), x1 = _mm512_load_si512(g + 4 * BLOCK_G);

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			acc[r] = _mm512_dpbusd_epi32(acc[r], quad_of(p[r], k), x0);
			odd[r] = _mm512_dpbusd_epi32(odd[r], quad_of(p[r], k + 1), x1);
		}
	}
	UNROLL_8
	for (r = 0; r < BLOCK_R; r++)
		acc[r] = _mm512_add_epi32(acc[r], odd[r]);
}

/* Which of the queries in lanes from @at on may be within their limits. */
static __always_inline __mmask16 lanes_near(const struct code_group *cg, const u32 at,
					    const struct code_row *row, __m512i sums)
{
	fvec lost = fv_set1(row->lost + cg->tail->lost * row->norm);
	/* half a unit of the sum of bytes: for what underflows */
	fvec least = _mm512_fnmadd_ps(lost, fv_load(cg->norm + at), fv_set1(-0.5f));

	least = fv_fma(fv_set1(row->inverse), fv_load(cg->bounds.c + at), least);
	least = fv_fma(fv_set1(row->factor), fv_load(cg->bounds.b + at), least);
	return fv_not_below(_mm512_cvtepi32_ps(sums), least);
}

static __always_inline u32 group_rows(const struct vexfs_space *sp, const struct code_group *cg,
				      const u32 vectors, __m512i acc[][BLOCK_R], u32 found)
{
	const u32 step = vexfs_code_step(sp), far = vexfs_scan_far ? CODE_FAR : CODE_NEAR;
	u32 i, r, v, off;

	for (i = 0; i < cg->n; i += BLOCK_R) {
		const u8 *p[BLOCK_R];

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			u32 at = i + r < cg->n ? i + r : cg->n - 1;

			p[r] = cg->codes + (size_t)at * step + sizeof(struct code_row);
			UNROLL_8
			for (v = 0; v < vectors; v++)
				acc[v][r] = _mm512_load_si512(cg->tail->bias + v * FV_LANES);
		}
		for (off = 0; off < BLOCK_R * step; off += 64)
			_mm_prefetch((const char *)cg->codes + (size_t)i * step + off + far,
				     _MM_HINT_T0);
		if (vectors > 1)
			tile_bytes(acc, cg->g, p, quads(sp));
		else
			tile_bytes_half(acc[0], cg->g, p, quads(sp));
		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			const struct code_row *row = (const struct code_row *)
				(p[r] - sizeof(struct code_row));
			u32 mask;

			if (i + r >= cg->n)
				break;
			mask = lanes_near(cg, 0, row, acc[0][r]);
			if (vectors > 1)
				mask = _mm512_kunpackw(lanes_near(cg, FV_LANES, row, acc[1][r]),
						       mask);
			mask &= cg->valid;
			if (__builtin_expect(mask != 0, 0)) {
				found = emit(cg->hits, found, cg->max, mask, cg->first,
					     cg->row_base + i + r);
				if (found > cg->max)
					return found;
			}
		}
	}
	return found;
}

/* A vector of queries costs the same however many of its lanes are in use. */
static __attribute__((__noinline__)) u32 group_rows_half(const struct vexfs_space *sp,
							 const struct code_group *cg, u32 found)
{
	__m512i acc[1][BLOCK_R];

	return group_rows(sp, cg, 1, acc, found);
}

static __attribute__((__noinline__)) u32 group_rows_full(const struct vexfs_space *sp,
							 const struct code_group *cg, u32 found)
{
	__m512i acc[BLOCK_V][BLOCK_R];

	return group_rows(sp, cg, BLOCK_V, acc, found);
}

u32 vexfs_avx512_code_block(const struct vexfs_space *sp, const void *packed, u32 nq,
			     u32 first, u32 count, const u32 *limits, const void *codes,
			     u32 n, u32 row_base, struct vexfs_block_hit *hits, u32 max)
{
	struct code_group cg = {
		.codes = codes, .n = n, .row_base = row_base, .hits = hits, .max = max,
	};
	u32 q, found = 0;

	for (q = first; q < first + count && found <= max; q += BLOCK_G) {
		group_open(sp, &cg, packed, q, nq, limits);
		found = nq - q <= FV_LANES ? group_rows_half(sp, &cg, found) :
					     group_rows_full(sp, &cg, found);
	}
	return found;
}
