// SPDX-License-Identifier: GPL-2.0
/*
 * Block of i8 and u8 with AVX512_VNNI: 32 queries by 8 rows, four components in a
 * lane. Sums are exact, and what decides is the very distance whose bits are the
 * key, so it names the pairs within their limits and no others.
 */
#include "avx512_fvec.h"
#include "avx512_vec.h"
#include "x86.h"
#include "math/real.h"
#include "avx_block.h"

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

/* Distances of dimensions that have a block are smaller by far, and so are sums. */
#define FAR		(1 << 30)

/* key_to_f32(), held at the two infinities. */
static __always_inline fvec key_floats(__m512i key)
{
	__m512i sign;

	key = _mm512_max_epu32(key, _mm512_set1_epi32((int)f32_to_key(F32_SIGN | F32_INF)));
	key = _mm512_min_epu32(key, _mm512_set1_epi32((int)f32_to_key(F32_INF)));
	sign = _mm512_sub_epi32(_mm512_srli_epi32(key, 31), _mm512_set1_epi32(1));
	return _mm512_castsi512_ps(_mm512_xor_si512(key, _mm512_or_si512(sign,
		_mm512_set1_epi32((int)F32_SIGN))));
}

/* To the integer below. */
static __always_inline __m512i floors(fvec x)
{
	x = _mm512_min_ps(x, fv_set1(FAR));
	x = _mm512_max_ps(x, fv_set1(-FAR));
	return _mm512_cvt_roundps_epi32(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

/*
 * Limits as the largest integers whose floats are within them: where floats are
 * further apart than integers, half of those up to the next float round down.
 */
static __always_inline __m512i limit_ints(__m512i key)
{
	const __m512i one = _mm512_set1_epi32(1);
	const __m512i all = _mm512_set1_epi32(-1);
	fvec limit = key_floats(key);
	__m512i next = _mm512_add_epi32(_mm512_min_epu32(key, _mm512_sub_epi32(all, one)), one);
	__m512i low = floors(limit), high = floors(key_floats(next));
	__m512i mid = _mm512_add_epi32(low, _mm512_srai_epi32(_mm512_sub_epi32(high, low), 1));
	__mmask16 above = _mm512_cmp_ps_mask(_mm512_cvtepi32_ps(mid), limit, _CMP_GT_OQ);

	return _mm512_mask_sub_epi32(mid, above, mid, one);
}

/**
 * union limits - of a group of queries
 * @f: as floats, for cosine
 * @least: what the sum of a row that was begun by begin_rows() must reach, by whether
 *	the row's auxiliary is odd
 */
union limits {
	float f[BLOCK_G] __aligned(64);
	s32 least[2][BLOCK_G] __aligned(64);
};

/* A function of its own, like make_bounds(): its constants would take others' stack. */
static __attribute__((__noinline__)) void make_limits(union limits *l, u32 metric,
						      const u32 *keys, u32 n, const u32 *q_aux)
{
	const __m512i one = _mm512_set1_epi32(1);
	u32 v;

	UNROLL_8
	for (v = 0; v < BLOCK_G; v += FV_LANES) {
		__mmask16 there = v < n ? (__mmask16)(0xffff >> (n - v < 16 ? 16 - (n - v) : 0)) : 0;
		__m512i key = _mm512_maskz_loadu_epi32(there, keys + v), most;

		if (metric == VEXFS_METRIC_COS) {
			_mm512_store_ps(l->f + v, key_floats(key));
			continue;
		}
		most = limit_ints(key);
		if (metric == VEXFS_METRIC_IP) {
			/* 1 - dot <= most */
			_mm512_store_si512(l->least[0] + v, _mm512_sub_epi32(one, most));
			continue;
		}
		/* q_aux + aux - 2 * dot <= most, and sums begin with -(aux / 2) */
		most = _mm512_sub_epi32(_mm512_load_si512(q_aux + v), most);
		_mm512_store_si512(l->least[0] + v,
				   _mm512_srai_epi32(_mm512_add_epi32(most, one), 1));
		_mm512_store_si512(l->least[1] + v,
				   _mm512_add_epi32(_mm512_srai_epi32(most, 1), one));
	}
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
				   const u8 *const *p, s32 *out)
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

/* 16 cosine distances to a row: the steps of int_keys(), as floats. */
static __always_inline fvec cosines(__m512i dot, fvec q_aux, u32 aux)
{
	fvec d = _mm512_mul_ps(_mm512_cvtepi32_ps(dot), fv_set1(as_float(aux)));

	d = _mm512_sub_ps(fv_set1(1.0f), _mm512_mul_ps(d, q_aux));
	return _mm512_max_ps(fv_zero(), d);
}

/* Rows that all queries meet before the next: what sums begin with is kept for so many. */
#define TILE_ROWS	32u

static __attribute__((__noinline__)) void begin_rows(const struct vexfs_space *sp, bool negative,
						     u32 metric, const u8 *rows, const u32 *aux,
						     u32 n, s32 *start)
{
	const u8 *p[BLOCK_R];
	u32 i, r;

	for (i = 0; i < n; i += BLOCK_R) {
		UNROLL_8
		for (r = 0; r < BLOCK_R; r++)
			p[r] = rows + (size_t)(i + r < n ? i + r : n - 1) * sp->stride;
		biases(sp, negative, p, start + i);
		for (r = i; metric == VEXFS_METRIC_L2 && r < i + BLOCK_R && r < n; r++)
			start[r] -= (s32)(aux[r] / 2);
	}
}

/* Which of the queries of a group are within their limits, of a row's sums. */
static __always_inline u32 within(const int metric, const union limits *l, const u32 *q_aux,
				  __m512i low, __m512i high, u32 aux)
{
	const s32 *least = l->least[metric == VEXFS_METRIC_L2 ? aux & 1 : 0];

	if (metric == VEXFS_METRIC_COS) {
		fvec d0 = cosines(low, fv_load((const float *)q_aux), aux);
		fvec d1 = cosines(high, fv_load((const float *)q_aux + FV_LANES), aux);

		return _mm512_kunpackw(_mm512_cmp_ps_mask(d1, fv_load(l->f + FV_LANES), _CMP_LE_OQ),
				       _mm512_cmp_ps_mask(d0, fv_load(l->f), _CMP_LE_OQ));
	}
	return _mm512_kunpackw(
		_mm512_cmpge_epi32_mask(high, _mm512_load_si512(least + FV_LANES)),
		_mm512_cmpge_epi32_mask(low, _mm512_load_si512(least)));
}

static __always_inline u32 bytes_tile(const struct vexfs_space *sp, const bool negative,
				      const int metric, const void *packed, u32 nq, u32 first,
				      u32 count, const u32 *keys, const u8 *rows, const u32 *aux,
				      u32 n, u32 row_base, struct vexfs_block_hit *hits, u32 found,
				      u32 max)
{
	const u32 steps = quads(sp);
	s32 room[TILE_ROWS] __aligned(32);
	s32 *start = room;
	union limits l;
	u32 q, i, r, v;

	/* gcc 14 must not count on its size: it would unroll the rows, and spill all sums */
	__asm__("" : "+r" (start));
	begin_rows(sp, negative, metric, rows, aux, n, start);
	for (q = first; q < first + count; q += BLOCK_G) {
		const u32 *g = (const u32 *)packed + q / BLOCK_G * group_words(sp);
		const u32 *q_aux = g + steps * BLOCK_G;
		u32 left = nq - q < BLOCK_G ? nq - q : BLOCK_G;
		const u32 valid = ~0u >> (32 - left);

		make_limits(&l, metric, keys + q, left, q_aux);
		for (i = 0; i < n; i += BLOCK_R) {
			__m512i acc[BLOCK_R][BLOCK_V];
			const u8 *p[BLOCK_R];

			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				p[r] = rows + (size_t)(i + r < n ? i + r : n - 1) * sp->stride;
				UNROLL_8
				for (v = 0; v < BLOCK_V; v++)
					acc[r][v] = _mm512_set1_epi32(start[i + r]);
			}
			tile_bytes(acc, negative, g, p, steps);
			UNROLL_8
			for (r = 0; r < BLOCK_R; r++) {
				u32 mask;

				if (i + r >= n)
					break;
				mask = within(metric, &l, q_aux, acc[r][0], acc[r][1],
					      aux[i + r]) & valid;
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

static __always_inline u32 bytes_block(const struct vexfs_space *sp, const bool negative,
				       const int metric, const void *packed, u32 nq, u32 first,
				       u32 count, const u32 *limits, const void *rows,
				       const u32 *aux, u32 n, u32 row_base,
				       struct vexfs_block_hit *hits, u32 max)
{
	u32 i, found = 0;

	for (i = 0; i < n && found <= max; i += TILE_ROWS)
		found = bytes_tile(sp, negative, metric, packed, nq, first, count, limits,
				   (const u8 *)rows + (size_t)i * sp->stride, aux + i,
				   n - i < TILE_ROWS ? n - i : TILE_ROWS, row_base + i, hits,
				   found, max);
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
