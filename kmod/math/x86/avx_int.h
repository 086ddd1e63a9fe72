/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scan and gather of i8, u8 and b1, written once for AVX2 and AVX-512. All sums
 * are exact modulo 2^32, and every result is below 2^32: the order of addition
 * does not matter. The file that includes it has defined
 *
 *	vec_t			a register; vec_zero(), vec_load(p), vec_store(p, v)
 *	ivec_tree8(acc), ivec_tree1(acc)	sums of 32-bit lanes
 *
 * and then says INT_ADD() for each way of adding and INT_METRIC() for each form.
 */
#include "avx.h"

enum {
	INT_L2,		/* from the dot product; auxiliaries are squared norms */
	INT_SUM,	/* below 2^24 */
	INT_IP_I8,
	INT_IP_U8,
	INT_COS_I8,
	INT_COS_U8,
	INT_JACCARD,	/* auxiliaries are numbers of bits */
};

static __always_inline u32 int_keys(__m256i sum, int how, u32 q_aux, const u32 *aux_p, u32 n,
				    u32 *keys)
{
	const __m256i one = _mm256_set1_epi32(1), qa = _mm256_set1_epi32((int)q_aux);
	__m256i aux = load_aux(aux_p, n), any;
	__m256 d;

	switch (how) {
	case INT_L2:
		d = f32_from_u32(_mm256_sub_epi32(_mm256_add_epi32(qa, aux),
						  _mm256_add_epi32(sum, sum)));
		break;
	case INT_IP_I8:
		d = _mm256_cvtepi32_ps(_mm256_sub_epi32(one, sum));
		break;
	case INT_IP_U8:
		/* -(dot - 1), and 1 for no dot at all */
		d = _mm256_sub_ps(_mm256_setzero_ps(), f32_from_u32(_mm256_sub_epi32(sum, one)));
		d = _mm256_blendv_ps(d, _mm256_set1_ps(1.0f), _mm256_castsi256_ps(
				     _mm256_cmpeq_epi32(sum, _mm256_setzero_si256())));
		break;
	case INT_COS_I8:
		d = cosine(_mm256_cvtepi32_ps(sum), _mm256_castsi256_ps(aux),
			   _mm256_castsi256_ps(qa));
		break;
	case INT_COS_U8:
		d = cosine(f32_from_u32(sum), _mm256_castsi256_ps(aux), _mm256_castsi256_ps(qa));
		break;
	case INT_JACCARD:
		any = _mm256_sub_epi32(_mm256_add_epi32(qa, aux), sum);
		d = _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(any, sum)),
				  _mm256_cvtepi32_ps(any));
		d = _mm256_andnot_ps(_mm256_castsi256_ps(
				     _mm256_cmpeq_epi32(any, _mm256_setzero_si256())), d);
		break;
	default:
		d = _mm256_cvtepi32_ps(sum);
	}
	store_keys(keys, keys_from_f32(d), n);
	return 0;
}

/* Bytes of a row that are looked at: what is behind them is zero. */
#define ROW_BYTES(sp)	(((sp)->row_bytes + (u32)sizeof(vec_t) - 1) & ~((u32)sizeof(vec_t) - 1))

/*
 * prep() makes of a register of the query what op() wants of it; bias() is what
 * must be taken from the sum of any row, a property of the query.
 */
#define INT_ADD(name, prep_t, prep, op, bias)						\
static __always_inline void name##_add(vec_t *acc, const u32 rows, const u8 *q,		\
				       const u8 *const *p, u32 bytes, const size_t far)	\
{											\
	u32 off, r;									\
											\
	for (off = 0; off < bytes; off += sizeof(vec_t)) {				\
		prep_t x = prep(vec_load(q + off));					\
											\
		UNROLL_8								\
		for (r = 0; r < rows; r++)						\
			acc[r] = op(acc[r], x, vec_load(p[r] + off));			\
		if (far && off % 64 == 0) {						\
			UNROLL_8							\
			for (r = 0; r < rows; r++)					\
				prefetch_far(p[r] + off, far, 64);			\
		}									\
	}										\
}											\
											\
static __always_inline __m256i name##_sum8(const u8 *q, const u8 *const *p, u32 bytes,	\
					     const size_t far, const u32 rows)		\
{											\
	vec_t acc[GROUP];								\
	u32 g, r;									\
											\
	UNROLL_8									\
	for (r = 0; r < GROUP; r++)							\
		acc[r] = vec_zero();							\
	UNROLL_8									\
	for (g = 0; g < GROUP; g += rows)						\
		name##_add(acc + g, rows, q, p + g, bytes, far);			\
	return ivec_tree8(acc);								\
}											\
											\
static __always_inline __m256i name##_sum1(const u8 *q, const u8 *p, u32 bytes)		\
{											\
	vec_t acc = vec_zero();								\
											\
	name##_add(&acc, 1, q, &p, bytes, 0);						\
	return ivec_tree1(acc);								\
}											\
											\
static __always_inline u32 name##_bias(const u8 *q, u32 bytes)				\
{											\
	return bias(q, bytes);								\
}

#define INT_UNBIAS(sum, bias)	_mm256_sub_epi32(sum, _mm256_set1_epi32((int)(bias)))

/* Where the bias of a row lies in a state, behind its sums. */
#define STATE_BIAS(st)	(*(u32 *)((st)->bytes + 128))

#define INT_METRIC(fn, name, how)							\
static __always_inline u32 fn##_group(const u8 *q, u32 q_aux, const u8 *const *p,	\
				      const u32 *aux, u32 stride, u32 bias, const size_t far,	\
				      u32 *keys)					\
{											\
	__m256i sum = name##_sum8(q, p, stride, far, far ? 1 : GROUP);			\
											\
	return int_keys(INT_UNBIAS(sum, bias), how, q_aux, aux, GROUP, keys);		\
}											\
											\
static __always_inline u32 fn##_one(const u8 *q, u32 q_aux, const u8 *row,		\
				    const u32 *aux, u32 stride, u32 bias, u32 *keys)	\
{											\
	return int_keys(INT_UNBIAS(name##_sum1(q, row, stride), bias), how, q_aux, aux,	\
			1, keys);							\
}											\
											\
static __always_inline u32 fn##_bias(const u8 *q, u32 bytes)				\
{											\
	return name##_bias(q, bytes);							\
}											\
											\
SIMD_SHAPES(fn)										\
											\
void fn##_part(const struct vexfs_space *sp, const void *q, const void *row,		\
	       u32 from, u32 to, struct vexfs_math_state *st)				\
{											\
	vec_t acc = vec_load(st->bytes);						\
	const u8 *p = (const u8 *)row + from;						\
											\
	name##_add(&acc, 1, (const u8 *)q + from, &p, to - from, 0);			\
	vec_store(st->bytes, acc);							\
	STATE_BIAS(st) += name##_bias((const u8 *)q + from, to - from);			\
}											\
											\
u32 fn##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st,	\
		u32 q_aux, u32 aux)							\
{											\
	__m256i sum = ivec_tree1(vec_load(st->bytes));					\
	u32 key;									\
											\
	int_keys(INT_UNBIAS(sum, *(const u32 *)(st->bytes + 128)), how, q_aux, &aux, 1,	\
		 &key);									\
	return key;									\
}

#define INT_METRICS_DOT(isa)						\
	INT_METRIC(isa##_i8_l2, dot_i8, INT_L2)				\
	INT_METRIC(isa##_i8_ip, dot_i8, INT_IP_I8)			\
	INT_METRIC(isa##_i8_cos, dot_i8, INT_COS_I8)			\
	INT_METRIC(isa##_u8_l2, dot_u8, INT_L2)				\
	INT_METRIC(isa##_u8_ip, dot_u8, INT_IP_U8)			\
	INT_METRIC(isa##_u8_cos, dot_u8, INT_COS_U8)

#define INT_METRICS_L1(isa)						\
	INT_METRIC(isa##_i8_l1, l1_i8, INT_SUM)				\
	INT_METRIC(isa##_u8_l1, l1_u8, INT_SUM)

#define INT_METRICS_BITS(isa)						\
	INT_METRIC(isa##_b1_hamming, b1_xor, INT_SUM)			\
	INT_METRIC(isa##_b1_jaccard, b1_and, INT_JACCARD)

/* For ways of adding that need neither. */
#define AS_IT_IS(x)		(x)
#define NO_BIAS(q, bytes)	0
