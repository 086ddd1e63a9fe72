/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scan and gather of f32, f16 and bf16, written once for AVX2 and AVX-512: that
 * both run this same text is what makes their keys equal bit for bit. The file
 * that includes it has defined
 *
 *	lanes_t			32 lanes of f32, some vectors together
 *	lanes_zero()
 *	load_f32(p), load_half_f32(p)	128 bytes; 64 bytes in lanes 0 to 15
 *	load_f16(p), load_bf16(p)	64 bytes, each made f32
 *	lanes_l2(acc, x, y), lanes_dot(), lanes_l1()	and a _half of each
 *	lanes_fold(v), lanes8_t, lanes_tree8(), lanes_tree1()
 *				lanes i and i + 16, + 8, + 4, + 2, + 1
 *	lanes_load(p), lanes_store(p, v)	of a state
 *	ROWS			rows in flight of a gather, divides GROUP
 */
#include "avx.h"

/* Bytes of a row that are looked at. */
#define ROW_BYTES(sp)	((sp)->stride)

/*
 * Add @bytes of @rows rows to their lanes. Only f32 rows can end in half a step.
 */
#define FLOAT_ADD(name, load, step, op, half)						\
static __always_inline void name##_add(lanes_t *acc, const u32 rows, const u8 *q,	\
				       const u8 *const *p, u32 bytes, const size_t far)	\
{											\
	u32 off, r;									\
											\
	for (off = 0; off + (step) <= bytes; off += (step)) {				\
		lanes_t x = load(q + off);						\
											\
		UNROLL_8								\
		for (r = 0; r < rows; r++)						\
			acc[r] = op(acc[r], x, load(p[r] + off));			\
		if (far) {								\
			UNROLL_8							\
			for (r = 0; r < rows; r++)					\
				prefetch_far(p[r] + off, far, step);			\
		}									\
	}										\
	half										\
}

#define FLOAT_HALF(op)									\
	if (off < bytes) {								\
		lanes_t x = load_half_f32(q + off);					\
											\
		UNROLL_8								\
		for (r = 0; r < rows; r++)						\
			acc[r] = op##_half(acc[r], x, load_half_f32(p[r] + off));	\
	}

/* The sums of eight rows, or of one in lane 0. */
#define FLOAT_SUMS(name)								\
static __always_inline __m256 name##_sum8(const u8 *q, const u8 *const *p, u32 bytes,	\
					    const size_t far, const u32 rows)			\
{											\
	lanes8_t sums;									\
	u32 g, r;									\
											\
	UNROLL_8									\
	for (g = 0; g < GROUP; g += rows) {						\
		lanes_t acc[ROWS];							\
											\
		UNROLL_8								\
		for (r = 0; r < rows; r++)						\
			acc[r] = lanes_zero();						\
		name##_add(acc, rows, q, p + g, bytes, far);				\
		UNROLL_8								\
		for (r = 0; r < rows; r++)						\
			sums.v[g + r] = lanes_fold(acc[r]);				\
	}										\
	return lanes_tree8(&sums);							\
}											\
											\
static __always_inline __m256 name##_sum1(const u8 *q, const u8 *p, u32 bytes)		\
{											\
	lanes_t acc = lanes_zero();							\
											\
	name##_add(&acc, 1, q, &p, bytes, 0);						\
	return lanes_tree1(lanes_fold(acc));						\
}

#define FLOAT_METRIC(fn, name, how)							\
static __always_inline u32 fn##_group(const u8 *q, u32 q_aux, const u8 *const *p,	\
				      const u32 *aux, u32 stride, u32 bias, const size_t far,	\
				      u32 *keys)					\
{											\
	__m256 sum = name##_sum8(q, p, stride, far, far ? 1 : ROWS);			\
											\
	return float_keys(sum, how, q_aux, aux, GROUP, keys);				\
}											\
											\
static __always_inline u32 fn##_one(const u8 *q, u32 q_aux, const u8 *row,		\
				    const u32 *aux, u32 stride, u32 bias, u32 *keys)	\
{											\
	return float_keys(name##_sum1(q, row, stride), how, q_aux, aux, 1, keys);	\
}											\
											\
static __always_inline u32 fn##_bias(const u8 *q, u32 bytes)				\
{											\
	return 0;									\
}											\
											\
SIMD_SHAPES(fn)										\
											\
void fn##_part(const struct vexfs_space *sp, const void *q, const void *row,		\
	       u32 from, u32 to, struct vexfs_math_state *st)				\
{											\
	lanes_t acc = lanes_load(st->bytes);						\
	const u8 *p = (const u8 *)row + from;						\
											\
	name##_add(&acc, 1, (const u8 *)q + from, &p, to - from, 0);			\
	lanes_store(st->bytes, acc);							\
}											\
											\
u32 fn##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st,	\
		u32 q_aux, u32 aux)							\
{											\
	u32 key;									\
											\
	float_keys(lanes_tree1(lanes_fold(lanes_load(st->bytes))), how, q_aux, &aux, 1,	\
		   &key);								\
	return key;									\
}

FLOAT_ADD(f32_l2, load_f32, 128, lanes_l2, FLOAT_HALF(lanes_l2))
FLOAT_ADD(f32_dot, load_f32, 128, lanes_dot, FLOAT_HALF(lanes_dot))
FLOAT_ADD(f32_l1, load_f32, 128, lanes_l1, FLOAT_HALF(lanes_l1))
FLOAT_ADD(f16_l2, load_f16, 64, lanes_l2, )
FLOAT_ADD(f16_dot, load_f16, 64, lanes_dot, )
FLOAT_ADD(bf16_l2, load_bf16, 64, lanes_l2, )
FLOAT_ADD(bf16_dot, load_bf16, 64, lanes_dot, )

FLOAT_SUMS(f32_l2)
FLOAT_SUMS(f32_dot)
FLOAT_SUMS(f32_l1)
FLOAT_SUMS(f16_l2)
FLOAT_SUMS(f16_dot)
FLOAT_SUMS(bf16_l2)
FLOAT_SUMS(bf16_dot)

#define FLOAT_METRICS(isa)						\
	FLOAT_METRIC(isa##_f32_l2, f32_l2, KEEP_SUM)			\
	FLOAT_METRIC(isa##_f32_ip, f32_dot, ONE_MINUS)			\
	FLOAT_METRIC(isa##_f32_cos, f32_dot, COSINE)			\
	FLOAT_METRIC(isa##_f32_l1, f32_l1, KEEP_SUM)			\
	FLOAT_METRIC(isa##_f16_l2, f16_l2, KEEP_SUM)			\
	FLOAT_METRIC(isa##_f16_ip, f16_dot, ONE_MINUS)			\
	FLOAT_METRIC(isa##_f16_cos, f16_dot, COSINE)			\
	FLOAT_METRIC(isa##_bf16_l2, bf16_l2, KEEP_SUM)			\
	FLOAT_METRIC(isa##_bf16_ip, bf16_dot, ONE_MINUS)		\
	FLOAT_METRIC(isa##_bf16_cos, bf16_dot, COSINE)
