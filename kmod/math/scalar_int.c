// SPDX-License-Identifier: GPL-2.0
/*
 * Integer types without an FPU: exact, slow, and callable in any context. This
 * file must be compiled without floating point; what it computes is what every
 * other variant must give, bit for bit.
 */
#include "scalar.h"

/*
 * Sums wrap at 2^32 and are right all the same: 65536 components make at most
 * 65536 * 255^2 < 2^32 unsigned, and 65536 * 128^2 = 2^30 signed.
 */
struct sum {
	u32 v;
};

#define SUM_LOOP(name, type, term)						\
static __always_inline void name(struct sum *acc, const void *q, const void *row, \
				 u32 bytes)					\
{										\
	const type *a = q, *b = row;						\
	u32 i, v = acc->v;							\
										\
	for (i = 0; i < bytes; i++) {						\
		s32 x = a[i], y = b[i];						\
										\
		v += (u32)(term);						\
	}									\
	acc->v = v;								\
}

SUM_LOOP(i8_l2, s8, (x - y) * (x - y))
SUM_LOOP(u8_l2, u8, (x - y) * (x - y))
SUM_LOOP(i8_dot, s8, x * y)
SUM_LOOP(u8_dot, u8, x * y)
SUM_LOOP(i8_l1, s8, x < y ? y - x : x - y)
SUM_LOOP(u8_l1, u8, x < y ? y - x : x - y)

static __always_inline u32 popcount64(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (u32)(x * 0x0101010101010101ull >> 56);
}

static __always_inline void b1_xor(struct sum *acc, const void *q, const void *row, u32 bytes)
{
	const u64 *a = q, *b = row;
	u32 i;

	for (i = 0; i < bytes / 8; i++)
		acc->v += popcount64(a[i] ^ b[i]);
}

static __always_inline void b1_and(struct sum *acc, const void *q, const void *row, u32 bytes)
{
	const u64 *a = q, *b = row;
	u32 i;

	for (i = 0; i < bytes / 8; i++)
		acc->v += popcount64(a[i] & b[i]);
}

static inline u32 key_sum(const struct sum *s, u32 q_aux, u32 aux)
{
	return f32_to_key(f32_from_u64(s->v));
}

static inline u32 key_i8_ip(const struct sum *s, u32 q_aux, u32 aux)
{
	return f32_to_key(f32_from_s64(1 - (s64)(s32)s->v));
}

static inline u32 key_u8_ip(const struct sum *s, u32 q_aux, u32 aux)
{
	return f32_to_key(f32_from_s64(1 - (s64)s->v));
}

/* max(1 - dot * row's inverse norm * query's inverse norm, 0) */
static inline u32 key_cos(u32 dot, u32 q_inv, u32 inv)
{
	u32 d = f32_one_minus(f32_mul(f32_mul(dot, inv), q_inv));

	return f32_to_key(d & F32_SIGN ? 0 : d);
}

static inline u32 key_i8_cos(const struct sum *s, u32 q_aux, u32 aux)
{
	return key_cos(f32_from_s64((s32)s->v), q_aux, aux);
}

static inline u32 key_u8_cos(const struct sum *s, u32 q_aux, u32 aux)
{
	return key_cos(f32_from_u64(s->v), q_aux, aux);
}

/* The auxiliaries are the numbers of bits set. */
static inline u32 key_jaccard(const struct sum *both, u32 q_aux, u32 aux)
{
	u32 any = q_aux + aux - both->v;

	return f32_to_key(any ? f32_ratio(any - both->v, any) : 0);
}

SCALAR_FORM(vexfs_scalar_i8_l2, struct sum, i8_l2, key_sum)
SCALAR_FORM(vexfs_scalar_i8_ip, struct sum, i8_dot, key_i8_ip)
SCALAR_FORM(vexfs_scalar_i8_cos, struct sum, i8_dot, key_i8_cos)
SCALAR_FORM(vexfs_scalar_i8_l1, struct sum, i8_l1, key_sum)
SCALAR_FORM(vexfs_scalar_u8_l2, struct sum, u8_l2, key_sum)
SCALAR_FORM(vexfs_scalar_u8_ip, struct sum, u8_dot, key_u8_ip)
SCALAR_FORM(vexfs_scalar_u8_cos, struct sum, u8_dot, key_u8_cos)
SCALAR_FORM(vexfs_scalar_u8_l1, struct sum, u8_l1, key_sum)
SCALAR_FORM(vexfs_scalar_b1_hamming, struct sum, b1_xor, key_sum)
SCALAR_FORM(vexfs_scalar_b1_jaccard, struct sum, b1_and, key_jaccard)
