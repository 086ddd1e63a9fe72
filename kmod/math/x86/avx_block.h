/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block of f32, f16 and bf16, written once for AVX2 and AVX-512: a matrix product
 * with queries in the lanes. It rules pairs out by a bound and never by the key
 * itself; docs/arithmetic.md proves that no pair within its limit is lost. The
 * file that includes it has defined
 *
 *	fvec			FV_LANES floats
 *	fv_zero(), fv_load(p), fv_set1(x), fv_fma(a, b, c)	a * b + c
 *	fv_not_below(a, b)	bit i: not (a[i] < b[i]); NaN counts as not below
 *	BLOCK_V, BLOCK_R	vectors of queries and rows in a tile of registers
 */
#include "math/bound.h"
#include "avx.h"

#define BLOCK_G		(BLOCK_V * FV_LANES)

/**
 * struct bounds - what decides for a group of queries
 * @b: a pair is worth a look unless its dot product is below
 * @c: a * b + c, where a belongs to the row
 */
struct bounds {
	float b[BLOCK_G] __aligned(64);
	float c[BLOCK_G] __aligned(64);
};

/* Floats of a packed group: components of all queries in turn, then auxiliaries. */
static __always_inline u32 packed_dim(const struct vexfs_space *sp)
{
	return sp->type == VEXFS_TYPE_F32 ? sp->dim : (sp->dim + 7) & ~7u;
}

static __always_inline size_t group_floats(const struct vexfs_space *sp)
{
	return ((size_t)packed_dim(sp) + 1) * BLOCK_G;
}

static __always_inline size_t block_bytes(const struct vexfs_space *sp, u32 nq)
{
	return (nq + BLOCK_G - 1) / BLOCK_G * group_floats(sp) * sizeof(float);
}

/*
 * A function of its own: its constants are not to take stack of those who multiply.
 */
static __attribute__((__noinline__, __unused__))
void make_bounds(struct bounds *bd, u32 metric, u32 dim, const u32 more, const float *aux,
		 const u32 *limits, u32 n)
{
	u32 i;

	for (i = 0; i < BLOCK_G; i++)
		query_bound(metric, dim, more, aux[i], i < n ? limit_value(limits[i]) : -1.0,
			    &bd->b[i], &bd->c[i]);
}

/* Dot products of a tile, straight from rows of f32. */
static __always_inline void tile_f32(fvec acc[][BLOCK_V], const float *g, const u8 *const *p,
				     u32 dim)
{
	u32 k, r;

	for (k = 0; k < dim; k++, g += BLOCK_G) {
		fvec x0 = fv_load(g), x1 = fv_load(g + FV_LANES);
#if BLOCK_V > 2
		fvec x2 = fv_load(g + 2 * FV_LANES);
#endif

		UNROLL_8
		for (r = 0; r < BLOCK_R; r++) {
			fvec y = fv_set1(((const float *)p[r])[k]);

			acc[r][0] = fv_fma(y, x0, acc[r][0]);
			acc[r][1] = fv_fma(y, x1, acc[r][1]);
#if BLOCK_V > 2
			acc[r][2] = fv_fma(y, x2, acc[r][2]);
#endif
		}
	}
}

/* The same from rows of halves, made f32 eight components at a time. */
#define TILE_HALVES(name, halves8)							\
static __always_inline void name(fvec acc[][BLOCK_V], const float *g, const u8 *const *p, \
				 u32 dim)						\
{											\
	float f[BLOCK_R][8] __aligned(32);						\
	const float *at[BLOCK_R];							\
	u32 k, r;									\
											\
	UNROLL_8									\
	for (r = 0; r < BLOCK_R; r++)							\
		at[r] = f[r];								\
	for (k = 0; k < dim; k += 8) {							\
		UNROLL_8								\
		for (r = 0; r < BLOCK_R; r++)						\
			halves8(p[r] + 2 * (size_t)k, f[r]);				\
		/* clang would keep them in registers, and spill all others */		\
		__asm__("" : "+m" (f));							\
		tile_f32(acc, g + (size_t)k * BLOCK_G, (const u8 *const *)at, 8);	\
	}										\
}

/* Adds the hits of one row to @hits as far as there is room. */
static __always_inline u32 emit(struct vexfs_block_hit *hits, u32 found, u32 max, u64 mask,
				u32 first, u32 row)
{
	for (; mask; mask &= mask - 1, found++) {
		if (found >= max)
			return found + 1;
		hits[found].query = first + (u32)__builtin_ctzll(mask);
		hits[found].row = row;
	}
	return found;
}

/* @n queries at @queries, of one group, component by component. */
#define BLOCK_PACK(fn, size, floats8)							\
void fn##_block_pack(const struct vexfs_space *sp, void *packed, const void *queries,	\
		     const u32 *q_aux, u32 nq, u32 first, u32 count)			\
{											\
	const u32 dim = packed_dim(sp);							\
	float f[8] __aligned(32);							\
	u32 q, i, k;									\
											\
	for (q = first; q < first + ((count + BLOCK_G - 1) / BLOCK_G) * BLOCK_G; q++) {	\
		float *g = (float *)packed + q / BLOCK_G * group_floats(sp) + q % BLOCK_G; \
		const u8 *row = (const u8 *)queries + (size_t)q * sp->stride;		\
											\
		g[(size_t)dim * BLOCK_G] = q < nq ? as_float(q_aux[q]) : 0.0f;		\
		for (k = 0; k < dim; k += 8) {						\
			if (q < nq)							\
				floats8(row + (size_t)k * (size), f);		\
			else								\
				memset(f, 0, sizeof(f));				\
			for (i = 0; i < 8 && k + i < dim; i++)				\
				g[(size_t)(k + i) * BLOCK_G] = f[i];			\
		}									\
	}										\
}

#define BLOCK_METRIC(fn, metric, tile)							\
u32 fn##_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,	\
	       u32 count, const u32 *limits, const void *rows, const u32 *aux, u32 n,	\
	       u32 row_base, struct vexfs_block_hit *hits, u32 max)			\
{											\
	const u32 dim = packed_dim(sp);							\
	u32 q, i, r, v, found = 0;							\
											\
	for (q = first; q < first + count; q += BLOCK_G) {				\
		const float *g = (const float *)packed + q / BLOCK_G * group_floats(sp); \
		u32 left = nq - q < BLOCK_G ? nq - q : BLOCK_G;				\
		const u64 valid = ~0ull >> (64 - left);					\
		struct bounds bd;							\
											\
		make_bounds(&bd, metric, sp->dim, ROUNDINGS, g + (size_t)dim * BLOCK_G,	\
			    limits + q, left);						\
		for (i = 0; i < n; i += BLOCK_R) {					\
			fvec acc[BLOCK_R][BLOCK_V];					\
			const u8 *p[BLOCK_R];						\
											\
			UNROLL_8							\
			for (r = 0; r < BLOCK_R; r++) {					\
				u32 at = i + r < n ? i + r : n - 1;			\
											\
				p[r] = (const u8 *)rows + (size_t)at * sp->stride;	\
				UNROLL_8						\
				for (v = 0; v < BLOCK_V; v++)				\
					acc[r][v] = fv_zero();				\
			}								\
			tile(acc, g, p, dim);						\
			UNROLL_8							\
			for (r = 0; r < BLOCK_R; r++) {					\
				fvec a;							\
				u64 mask = 0;						\
											\
				if (i + r >= n)						\
					break;						\
				a = fv_set1(row_factor(metric, sp->dim, ROUNDINGS, aux[i + r]));	\
				UNROLL_8						\
				for (v = 0; v < BLOCK_V; v++)				\
					mask |= (u64)fv_not_below(acc[r][v],		\
						fv_fma(a, fv_load(bd.b + v * FV_LANES),	\
						       fv_load(bd.c + v * FV_LANES)))	\
						<< v * FV_LANES;			\
				mask &= valid;						\
				if (__builtin_expect(mask != 0, 0))			\
					found = emit(hits, found, max, mask, q,		\
						     row_base + i + r);			\
				if (found > max)					\
					return found;					\
			}								\
		}									\
	}										\
	return found;									\
}

#define BLOCK_FORM(fn, metric, size, tile, floats8)					\
size_t fn##_block_bytes(const struct vexfs_space *sp, u32 nq)				\
{											\
	return block_bytes(sp, nq);							\
}											\
											\
BLOCK_PACK(fn, size, floats8)								\
BLOCK_METRIC(fn, metric, tile)

static __always_inline void singles_8(const u8 *p, float *out)
{
	_mm256_store_ps(out, _mm256_load_ps((const float *)p));
}

static __always_inline void f16_8(const u8 *p, float *out)
{
	_mm256_store_ps(out, _mm256_cvtph_ps(_mm_load_si128((const __m128i *)p)));
}

static __always_inline void bf16_8(const u8 *p, float *out)
{
	__m256i w = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)p));

	_mm256_store_ps(out, _mm256_castsi256_ps(_mm256_slli_epi32(w, 16)));
}

TILE_HALVES(tile_f16, f16_8)
TILE_HALVES(tile_bf16, bf16_8)

#define BLOCK_FORMS(isa)								\
	BLOCK_FORM(isa##_f32_l2, VEXFS_METRIC_L2, 4, tile_f32, singles_8)		\
	BLOCK_FORM(isa##_f32_ip, VEXFS_METRIC_IP, 4, tile_f32, singles_8)		\
	BLOCK_FORM(isa##_f32_cos, VEXFS_METRIC_COS, 4, tile_f32, singles_8)		\
	BLOCK_FORM(isa##_f16_l2, VEXFS_METRIC_L2, 2, tile_f16, f16_8)			\
	BLOCK_FORM(isa##_f16_ip, VEXFS_METRIC_IP, 2, tile_f16, f16_8)			\
	BLOCK_FORM(isa##_f16_cos, VEXFS_METRIC_COS, 2, tile_f16, f16_8)		\
	BLOCK_FORM(isa##_bf16_l2, VEXFS_METRIC_L2, 2, tile_bf16, bf16_8)		\
	BLOCK_FORM(isa##_bf16_ip, VEXFS_METRIC_IP, 2, tile_bf16, bf16_8)		\
	BLOCK_FORM(isa##_bf16_cos, VEXFS_METRIC_COS, 2, tile_bf16, bf16_8)
