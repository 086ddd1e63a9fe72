// SPDX-License-Identifier: GPL-2.0
/*
 * Conversions with AVX2 and F16C, for both vector variants: they stand on the way
 * of every insert and should cost little more than the copy. They give the same
 * bytes, auxiliaries and refusals as conv.c, and touch no byte beyond the source.
 */
#include "math/conv.h"
#include "math/norm.h"
#include "x86.h"
#include "avx.h"

/* Components of a step; a row has room for whole steps. */
#define STEP 16

/**
 * struct sum - what is learned on the way
 * @norm: squares in double precision, lane i mod 16
 * @squares: the same for integers
 * @top: largest magnitude seen, as bits of f32
 */
struct sum {
	__m256d norm[4];
	__m256i squares;
	__m256i top;
};

static __always_inline __m256i magnitude(__m256 v)
{
	return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
}

static __always_inline void see(struct sum *s, __m256 a, __m256 b)
{
	s->top = _mm256_max_epu32(s->top, _mm256_max_epu32(magnitude(a), magnitude(b)));
}

static __always_inline bool all_finite(const struct sum *s)
{
	__m256i limit = _mm256_set1_epi32((int)F32_INF - 1);

	return !_mm256_movemask_epi8(_mm256_cmpgt_epi32(s->top, limit));
}

static __always_inline __m256d square(__m256d acc, __m128 v)
{
	__m256d d = _mm256_cvtps_pd(v);

	return _mm256_fmadd_pd(d, d, acc);
}

static __always_inline void add_norm(struct sum *s, __m256 a, __m256 b)
{
	s->norm[0] = square(s->norm[0], _mm256_castps256_ps128(a));
	s->norm[1] = square(s->norm[1], _mm256_extractf128_ps(a, 1));
	s->norm[2] = square(s->norm[2], _mm256_castps256_ps128(b));
	s->norm[3] = square(s->norm[3], _mm256_extractf128_ps(b, 1));
}

/* One step each: 16 components to their place in the row. */

static __always_inline void put_f32(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	float *r = (float *)row + i;

	see(s, a, b);
	add_norm(s, a, b);
	_mm256_store_ps(r, a);
	_mm256_store_ps(r + 8, b);
}

static __always_inline void put_f16(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	__m128i ha = _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT);
	__m128i hb = _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT);
	__m128i *r = (__m128i *)((u16 *)row + i);

	a = _mm256_cvtph_ps(ha);
	b = _mm256_cvtph_ps(hb);
	see(s, a, b);
	add_norm(s, a, b);
	_mm_store_si128(r, ha);
	_mm_store_si128(r + 1, hb);
}

/* Half a step in the last place, and a bit more for odd ones: ties to even. */
static __always_inline __m256 round_bf16(__m256 v)
{
	__m256i b = _mm256_castps_si256(v);
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(b, 16), _mm256_set1_epi32(1));

	b = _mm256_add_epi32(_mm256_add_epi32(b, odd), _mm256_set1_epi32(0x7fff));
	return _mm256_castsi256_ps(_mm256_and_si256(b, _mm256_set1_epi32((int)0xffff0000)));
}

static __always_inline void put_bf16(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	__m256i h;

	/* Rounding could carry a NaN into something finite: look first. */
	see(s, a, b);
	a = round_bf16(a);
	b = round_bf16(b);
	see(s, a, b);
	add_norm(s, a, b);
	h = _mm256_packus_epi32(_mm256_srli_epi32(_mm256_castps_si256(a), 16),
				_mm256_srli_epi32(_mm256_castps_si256(b), 16));
	_mm256_store_si256((__m256i *)((u16 *)row + i), _mm256_permute4x64_epi64(h, 0xd8));
}

static __always_inline __m256i clamp(__m256 v, float lo, float hi)
{
	return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(lo)),
						_mm256_set1_ps(hi)));
}

/* 16 components as 16-bit integers, their squares added up. */
static __always_inline __m256i integers(__m256 a, __m256 b, float lo, float hi, struct sum *s)
{
	__m256i v = _mm256_packs_epi32(clamp(a, lo, hi), clamp(b, lo, hi));

	see(s, a, b);
	s->squares = _mm256_add_epi32(s->squares, _mm256_madd_epi16(v, v));
	return _mm256_permute4x64_epi64(v, 0xd8);
}

static __always_inline void put_i8(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	__m256i v = integers(a, b, -128.0f, 127.0f, s);

	_mm_store_si128((__m128i *)((u8 *)row + i),
			_mm_packs_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

static __always_inline void put_u8(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	__m256i v = integers(a, b, 0.0f, 255.0f, s);

	_mm_store_si128((__m128i *)((u8 *)row + i),
			_mm_packus_epi16(_mm256_castsi256_si128(v),
					 _mm256_extracti128_si256(v, 1)));
}

static __always_inline u32 positive(__m256 v)
{
	return (u32)_mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ));
}

static __always_inline void put_b1(void *row, u32 i, __m256 a, __m256 b, struct sum *s)
{
	u32 bits = positive(a) | positive(b) << 8;

	see(s, a, b);
	s->squares = _mm256_add_epi32(s->squares, _mm256_setr_epi32(__builtin_popcount(bits),
								    0, 0, 0, 0, 0, 0, 0));
	((u16 *)row)[i / STEP] = (u16)bits;
}

static __always_inline void sum_start(struct sum *s, const struct vexfs_math_state *st, bool real)
{
	const struct vexfs_norm *nm = (const struct vexfs_norm *)st;
	u32 l;

	s->top = _mm256_setzero_si256();
	s->squares = _mm256_setzero_si256();
	for (l = 0; real && l < 4; l++)
		s->norm[l] = _mm256_load_pd(nm->lane + 4 * l);
}

static __always_inline void sum_end(const struct sum *s, struct vexfs_math_state *st, bool real)
{
	struct vexfs_norm *nm = (struct vexfs_norm *)st;
	u32 v[8] __aligned(32), l;

	if (real) {
		for (l = 0; l < 4; l++)
			_mm256_store_pd(nm->lane + 4 * l, s->norm[l]);
		return;
	}
	_mm256_store_si256((__m256i *)v, s->squares);
	for (l = 0; l < 8; l++)
		((struct vexfs_norm_int *)st)->v += v[l];
}

/* Zeroes behind the last step of the last part. */
static __always_inline void pad(const struct vexfs_space *sp, void *row, u32 end, u32 bits)
{
	u32 used = (sp->dim + STEP - 1) / STEP * STEP * bits / 8;

	if (end == sp->dim)
		memset((u8 *)row + used, 0, sp->stride - used);
}

#define FROM_F32(fn, put, real, bits)							\
int fn##_from_f32(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	const float *f = src;								\
	u32 i, end = from + count;							\
	struct sum s;									\
											\
	sum_start(&s, st, real);							\
	for (i = from; i + STEP <= end; i += STEP)					\
		put(row, i, _mm256_loadu_ps(f + i), _mm256_loadu_ps(f + i + 8), &s);	\
	if (i < end) {									\
		float tail[STEP] __aligned(32) = {};					\
											\
		__builtin_memcpy(tail, f + i, (end - i) * sizeof(*f));			\
		put(row, i, _mm256_load_ps(tail), _mm256_load_ps(tail + 8), &s);	\
	}										\
	sum_end(&s, st, real);								\
	pad(sp, row, end, bits);							\
	return all_finite(&s) ? 0 : -EDOM;						\
}

/*
 * Rows of halves from halves: spread out, looked at, put back unchanged; halves
 * survive the way there and back.
 */
#define FROM_HALF(fn, put, spread)							\
int fn##_from_raw(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	const u16 *h = src;								\
	u32 i, end = from + count;							\
	struct sum s;									\
											\
	sum_start(&s, st, true);							\
	for (i = from; i + STEP <= end; i += STEP)					\
		put(row, i, spread(_mm_loadu_si128((const __m128i_u *)(h + i))),	\
		    spread(_mm_loadu_si128((const __m128i_u *)(h + i + 8))), &s);	\
	if (i < end) {									\
		u16 tail[STEP] __aligned(32) = {};					\
											\
		__builtin_memcpy(tail, h + i, (end - i) * sizeof(*h));			\
		put(row, i, spread(_mm_load_si128((const __m128i *)tail)),		\
		    spread(_mm_load_si128((const __m128i *)(tail + 8))), &s);		\
	}										\
	sum_end(&s, st, true);								\
	pad(sp, row, end, 16);								\
	return all_finite(&s) ? 0 : -EDOM;						\
}

#define FROM_BYTE(fn, spread)								\
int fn##_from_raw(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	const u8 *b = src;								\
	u8 *r = row;									\
	u32 i, end = from + count;							\
	struct sum s;									\
											\
	sum_start(&s, st, false);							\
	for (i = from; i < end; i += STEP) {						\
		u8 tail[STEP] __aligned(16) = {};					\
		__m256i v;								\
		__m128i x;								\
											\
		if (i + STEP <= end) {							\
			x = _mm_loadu_si128((const __m128i_u *)(b + i));		\
		} else {								\
			__builtin_memcpy(tail, b + i, end - i);				\
			x = _mm_load_si128((const __m128i *)tail);			\
		}									\
		v = spread(x);								\
		s.squares = _mm256_add_epi32(s.squares, _mm256_madd_epi16(v, v));	\
		_mm_store_si128((__m128i *)(r + i), x);					\
	}										\
	sum_end(&s, st, false);								\
	pad(sp, row, end, 8);								\
	return 0;									\
}

static __always_inline __m256 spread_bf16(__m128i h)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

FROM_F32(vexfs_avx2_conv_f32, put_f32, true, 32)
FROM_F32(vexfs_avx2_conv_f16, put_f16, true, 16)
FROM_F32(vexfs_avx2_conv_bf16, put_bf16, true, 16)
FROM_F32(vexfs_avx2_conv_i8, put_i8, false, 8)
FROM_F32(vexfs_avx2_conv_u8, put_u8, false, 8)
FROM_F32(vexfs_avx2_conv_b1, put_b1, false, 1)

FROM_HALF(vexfs_avx2_conv_f16, put_f16, _mm256_cvtph_ps)
FROM_HALF(vexfs_avx2_conv_bf16, put_bf16, spread_bf16)
FROM_BYTE(vexfs_avx2_conv_i8, _mm256_cvtepi8_epi16)
FROM_BYTE(vexfs_avx2_conv_u8, _mm256_cvtepu8_epi16)

int vexfs_avx2_conv_f32_from_raw(const struct vexfs_space *sp, void *row, const void *src,
				 u32 from, u32 count, struct vexfs_math_state *st)
{
	return vexfs_avx2_conv_f32_from_f32(sp, row, src, from, count, st);
}

/* The norm as norm_tree() adds it up. */
static __always_inline double norm_of(const struct sum *s)
{
	__m256d v = _mm256_add_pd(_mm256_add_pd(s->norm[0], s->norm[2]),
				  _mm256_add_pd(s->norm[1], s->norm[3]));
	__m128d w = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));

	return _mm_cvtsd_f64(_mm_add_sd(w, _mm_unpackhi_pd(w, w)));
}

/* The first @n of 8 numbers, all bits set. */
static __always_inline __m256i first_of_8(u32 n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
				  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static __always_inline __m256 only(__m256i mask, __m256 v)
{
	return _mm256_and_ps(_mm256_castsi256_ps(mask), v);
}

/*
 * The last STEP of a row, zeroes behind its end. What follows a row may be read where
 * it belongs to the next ones; masked loads would do everywhere but on processors that
 * may fault for what they leave out.
 */
static __always_inline void load_rest(const float *f, u32 rest, bool more, __m256i low,
				      __m256i high, __m256 *a, __m256 *b)
{
	float tail[STEP] __aligned(32);

	if (!more) {
		__builtin_memset(tail, 0, sizeof(tail));
		__builtin_memcpy(tail, f, rest * sizeof(*f));
		f = tail;
	}
	*a = only(low, _mm256_loadu_ps(f));
	*b = only(high, _mm256_loadu_ps(f + 8));
}

/**
 * struct f32_shape - what rows of f32 have in common
 * @whole: components up to the last whole STEP
 * @rest: those behind them
 * @low: which of the first 8 of these there are
 * @high: which of the other 8
 */
struct f32_shape {
	u32 whole;
	u32 rest;
	__m256i low;
	__m256i high;
};

static __always_inline struct f32_shape f32_shape(const struct vexfs_space *sp)
{
	u32 whole = sp->dim / STEP * STEP, rest = sp->dim - whole;

	return (struct f32_shape) {
		.whole = whole,
		.rest = rest,
		.low = first_of_8(rest),
		.high = first_of_8(rest > 8 ? rest - 8 : 0),
	};
}

/**
 * struct f32_vector - where a vector of floats lies
 * @at: its beginning
 * @more: the STEP that holds its end may be read as a whole
 * @here: bytes that lie at @at
 * @rest: where those behind them are, if it lies in two places
 */
struct f32_vector {
	const float *at;
	bool more;
	u32 here;
	const u8 *rest;
};

/* STEP components from @i on: where they lie, or put together in @seam. */
static __always_inline const float *f32_step(const struct f32_vector *v, u32 i, float *seam)
{
	u32 from = i * sizeof(float), here = v->here - from;

	if (!v->rest || v->here >= from + STEP * sizeof(float))
		return v->at + i;
	if (v->here <= from)
		return (const float *)(v->rest + from - v->here);
	__builtin_memcpy(seam, v->at + i, here);
	__builtin_memcpy((u8 *)seam + here, v->rest, STEP * sizeof(float) - here);
	return seam;
}

/*
 * What batches of f32 go through: nothing but the numbers themselves, each loaded
 * once. The square of an f32 cannot overflow in double precision, so a norm that is
 * finite says that all components are.
 */
static __always_inline bool f32_row(const struct vexfs_space *sp, const struct f32_shape *sh,
				    float *to, u32 *aux, const struct f32_vector *v, bool away)
{
	float seam[STEP] __aligned(32);
	struct sum s = {};
	double norm;
	u32 i;

	for (i = 0; i < sp->dim; i += STEP) {
		const float *f = f32_step(v, i, seam);
		__m256 a, b;

		if (i < sh->whole) {
			a = _mm256_loadu_ps(f);
			b = _mm256_loadu_ps(f + 8);
		} else {
			load_rest(f, sh->rest, v->more, sh->low, sh->high, &a, &b);
		}
		/* from here on it is what is in the registers, whoever writes to @v */
		asm volatile("" : "+x" (a), "+x" (b));
		add_norm(&s, a, b);
		if (away) {
			_mm256_stream_ps(to + i, a);
			_mm256_stream_ps(to + i + 8, b);
		} else {
			_mm256_store_ps(to + i, a);
			_mm256_store_ps(to + i + 8, b);
		}
	}
	norm = norm_of(&s);
	if (!(norm <= __DBL_MAX__))
		return false;
	*aux = aux_of_norm(sp, norm);
	return true;
}

static __always_inline u32 f32_rows(const struct vexfs_space *sp, void *rows, u32 *aux,
				    const void *src, size_t src_step, u32 n, bool away)
{
	struct f32_shape sh = f32_shape(sp);
	const u8 *end = (const u8 *)src + (n - 1) * src_step + sp->dim * sizeof(float);
	u32 r;

	for (r = 0; r < n; r++) {
		const float *f = (const float *)((const u8 *)src + r * src_step);
		struct f32_vector v = {
			.at = f,
			.more = (const u8 *)(f + sh.whole + STEP) <= end,
		};

		if (!f32_row(sp, &sh, (float *)((u8 *)rows + (size_t)r * sp->stride), aux + r, &v,
			     away))
			break;
	}
	if (away)
		_mm_sfence();
	return r;
}

u32 vexfs_avx2_conv_f32_rows(const struct vexfs_space *sp, void *rows, u32 *aux,
			     const void *src, size_t src_step, u32 n, bool away)
{
	return away ? f32_rows(sp, rows, aux, src, src_step, n, true) :
		f32_rows(sp, rows, aux, src, src_step, n, false);
}

#define PAGED_AHEAD	4096u	/* bytes that vectors in pages are prefetched */

/*
 * Reads a byte of each page that is about to be read or written. What is not yet in the
 * processor's table of pages is looked up for many of them at a time, and then vectors
 * can be prefetched: for an unknown page that has no effect.
 */
static void meet_pages(const struct vexfs_space *sp, const u8 *rows, const struct vexfs_paged *src,
		       size_t from, size_t to, u32 n)
{
	size_t page;
	u8 seen;

	for (page = from >> src->shift; page <= (to - 1) >> src->shift; page++)
		asm volatile("movb %1, %0" : "=q" (seen) : "m" (*(const u8 *)src->page[page]));
	for (page = 0; page < (size_t)n * sp->stride; page += (size_t)1 << src->shift)
		asm volatile("movb %1, %0" : "=q" (seen) : "m" (rows[page]));
}

static __always_inline void prefetch_paged(const struct vexfs_paged *src, size_t off, u32 bytes)
{
	size_t in_page = off & (((size_t)1 << src->shift) - 1);
	const char *at = (const char *)src->page[off >> src->shift] + in_page;
	u32 i;

	for (i = 0; i < bytes; i += 64)
		_mm_prefetch(at + i, _MM_HINT_NTA);
}

static __always_inline u32 f32_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
				     const struct vexfs_paged *src, u32 first, u32 n, bool away)
{
	size_t page_bytes = (size_t)1 << src->shift;
	size_t off = src->off + (size_t)first * sp->row_bytes;
	size_t end = off + (size_t)n * sp->row_bytes;
	struct f32_shape sh = f32_shape(sp);
	u32 r;

	meet_pages(sp, rows, src, off, end, n);
	for (r = 0; r < n; r++, off += sp->row_bytes) {
		size_t in_page = off & (page_bytes - 1);
		const void *const *page = &src->page[off >> src->shift];
		struct f32_vector v = {
			.at = (const float *)((const u8 *)*page + in_page),
			.more = in_page + (sh.whole + STEP) * sizeof(float) <= page_bytes,
		};
		float *row = (float *)((u8 *)rows + (size_t)r * sp->stride);
		bool good;

		if (off + PAGED_AHEAD < end)
			prefetch_paged(src, off + PAGED_AHEAD, sp->row_bytes);
		if (in_page + sp->row_bytes > page_bytes) {
			v.here = page_bytes - in_page;
			v.rest = page[1];
			v.more = true;
			good = f32_row(sp, &sh, row, aux + r, &v, away);
		} else {
			good = f32_row(sp, &sh, row, aux + r, &v, away);
		}
		if (!good)
			break;
	}
	if (away)
		_mm_sfence();
	return r;
}

u32 vexfs_avx2_conv_f32_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
			      const struct vexfs_paged *src, u32 first, u32 n, bool away)
{
	return away ? f32_paged(sp, rows, aux, src, first, n, true) :
		f32_paged(sp, rows, aux, src, first, n, false);
}

void vexfs_avx2_conv_f16_to_f32(const struct vexfs_space *sp, void *dst, const void *row,
				u32 from, u32 count)
{
	const u16 *r = row;
	float *f = dst, tail[8] __aligned(32);
	u32 i, end = from + count;

	for (i = from; i + 8 <= end; i += 8)
		_mm256_storeu_ps(f + i, _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(r + i))));
	if (i < end) {
		_mm256_store_ps(tail, _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(r + i))));
		__builtin_memcpy(f + i, tail, (end - i) * sizeof(*f));
	}
}
