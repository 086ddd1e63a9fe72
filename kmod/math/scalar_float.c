// SPDX-License-Identifier: GPL-2.0
/*
 * f32, f16 and bf16 without vector instructions beyond what the compiler finds:
 * the reference of the other variants. The same 32 lanes and the same tree as
 * theirs, but every product is rounded before it is added.
 */
#include "real.h"
#include "scalar.h"

#define LANES 32

struct lanes {
	float v[LANES] __aligned(64);
};

static __always_inline float get_f32(const void *p, u32 i)
{
	return ((const float *)p)[i];
}

/*
 * Halves are spread to single width by a multiplication, which is exact and
 * takes denormals in its stride. Rows hold no NaN and no infinity.
 */
static __always_inline float get_f16(const void *p, u32 i)
{
	u32 h = ((const u16 *)p)[i];
	float f = as_float((h & 0x7fff) << 13) * 0x1p112f;

	return as_float(as_bits(f) | (h & 0x8000) << 16);
}

static __always_inline float get_bf16(const void *p, u32 i)
{
	return as_float(bf16_to_f32(((const u16 *)p)[i]));
}

/* Which component of a group of 32 a lane holds; bf16 comes apart into evens and odds. */
#define PLAIN(l)	(l)
#define HALVES(l)	((l) < 16 ? 2 * (l) : 2 * (l) - 31)

#define LANE_LOOP(name, size, get, order, term)						\
static __always_inline void name(struct lanes *acc, const void *q, const void *row,	\
				 u32 bytes)						\
{											\
	u32 i, l, n = bytes / (size);							\
											\
	for (i = 0; i + LANES <= n; i += LANES) {					\
		for (l = 0; l < LANES; l++) {						\
			float x = get(q, i + order(l)), y = get(row, i + order(l));	\
											\
			acc->v[l] += (term);						\
		}									\
	}										\
	/* Only f32 rows can end in half a group. */					\
	for (l = 0; i + l < n; l++) {							\
		float x = get(q, i + l), y = get(row, i + l);				\
											\
		acc->v[l] += (term);							\
	}										\
}

LANE_LOOP(f32_l2, 4, get_f32, PLAIN, (x - y) * (x - y))
LANE_LOOP(f32_dot, 4, get_f32, PLAIN, x * y)
LANE_LOOP(f32_l1, 4, get_f32, PLAIN, x < y ? y - x : x - y)
LANE_LOOP(f16_l2, 2, get_f16, PLAIN, (x - y) * (x - y))
LANE_LOOP(f16_dot, 2, get_f16, PLAIN, x * y)
LANE_LOOP(bf16_l2, 2, get_bf16, HALVES, (x - y) * (x - y))
LANE_LOOP(bf16_dot, 2, get_bf16, HALVES, x * y)

static inline float tree(const struct lanes *acc)
{
	float v[LANES];
	u32 l, half;

	for (l = 0; l < LANES; l++)
		v[l] = acc->v[l];
	for (half = LANES / 2; half; half /= 2)
		for (l = 0; l < half; l++)
			v[l] += v[l + half];
	return v[0];
}

static inline u32 key_sum(const struct lanes *acc, u32 q_aux, u32 aux)
{
	return f32_to_key(as_bits(tree(acc)));
}

static inline u32 key_ip(const struct lanes *acc, u32 q_aux, u32 aux)
{
	u32 d = as_bits(1.0f - tree(acc));

	return f32_is_finite(d) ? f32_to_key(d) : VEXFS_KEY_WIDE;
}

static inline u32 key_cos(const struct lanes *acc, u32 q_aux, u32 aux)
{
	float d = 1.0f - tree(acc) * as_float(aux) * as_float(q_aux);

	if (!f32_is_finite(as_bits(d)))
		return VEXFS_KEY_WIDE;
	return f32_to_key(d < 0.0f ? 0 : as_bits(d));
}

SCALAR_FORM(vexfs_scalar_f32_l2, struct lanes, f32_l2, key_sum)
SCALAR_FORM(vexfs_scalar_f32_ip, struct lanes, f32_dot, key_ip)
SCALAR_FORM(vexfs_scalar_f32_cos, struct lanes, f32_dot, key_cos)
SCALAR_FORM(vexfs_scalar_f32_l1, struct lanes, f32_l1, key_sum)
SCALAR_FORM(vexfs_scalar_f16_l2, struct lanes, f16_l2, key_sum)
SCALAR_FORM(vexfs_scalar_f16_ip, struct lanes, f16_dot, key_ip)
SCALAR_FORM(vexfs_scalar_f16_cos, struct lanes, f16_dot, key_cos)
SCALAR_FORM(vexfs_scalar_bf16_l2, struct lanes, bf16_l2, key_sum)
SCALAR_FORM(vexfs_scalar_bf16_ip, struct lanes, bf16_dot, key_ip)
SCALAR_FORM(vexfs_scalar_bf16_cos, struct lanes, bf16_dot, key_cos)
