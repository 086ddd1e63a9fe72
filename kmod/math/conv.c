// SPDX-License-Identifier: GPL-2.0
/*
 * Conversions without vector instructions: import from f32 and from a row's own
 * type, export to f32, norms. It uses the FPU, and reads and writes no byte
 * outside what it was given.
 */
#include "conv.h"
#include "norm.h"

static __always_inline u32 load_u32(const void *p)
{
	u32 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static __always_inline u16 load_u16(const void *p)
{
	u16 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static __always_inline void norm_add(struct vexfs_norm *nm, u32 i, u32 bits)
{
	double d = widen(bits);

	nm->lane[i % NORM_LANES] += d * d;
}

static double norm_tree(const struct vexfs_norm *nm)
{
	double v[NORM_LANES];
	u32 l, half;

	for (l = 0; l < NORM_LANES; l++)
		v[l] = nm->lane[l];
	for (half = NORM_LANES / 2; half; half /= 2)
		for (l = 0; l < half; l++)
			v[l] += v[l + half];
	return v[0];
}

u32 vexfs_conv_aux_float(const struct vexfs_space *sp, const struct vexfs_math_state *st)
{
	return aux_of_norm(sp, norm_tree((const struct vexfs_norm *)st));
}

u32 vexfs_conv_aux_int(const struct vexfs_space *sp, const struct vexfs_math_state *st)
{
	u64 n = ((const struct vexfs_norm_int *)st)->v;

	switch (sp->metric) {
	case VEXFS_METRIC_L2:
	case VEXFS_METRIC_HAMMING:
	case VEXFS_METRIC_JACCARD:
		return (u32)n;
	case VEXFS_METRIC_COS:
		return n ? narrow(1.0 / root((double)(s64)n)) : 0;
	default:
		return 0;
	}
}

/* Zeroes from component @dim of a row to its end. */
static void pad(const struct vexfs_space *sp, void *row, u32 end)
{
	if (end == sp->dim)
		memset((u8 *)row + sp->row_bytes, 0, sp->stride - sp->row_bytes);
}

int vexfs_conv_f32_from_f32(const struct vexfs_space *sp, void *row, const void *src,
			    u32 from, u32 count, struct vexfs_math_state *st)
{
	struct vexfs_norm *nm = (struct vexfs_norm *)st;
	u32 *r = row, i, end = from + count;

	for (i = from; i < end; i++) {
		u32 bits = load_u32((const u8 *)src + 4 * (size_t)i);

		if (!f32_is_finite(bits))
			return -EDOM;
		norm_add(nm, i, bits);
		r[i] = bits;
	}
	pad(sp, row, end);
	return 0;
}

int vexfs_conv_f32_from_raw(const struct vexfs_space *sp, void *row, const void *src,
			    u32 from, u32 count, struct vexfs_math_state *st)
{
	return vexfs_conv_f32_from_f32(sp, row, src, from, count, st);
}

void vexfs_conv_f32_to_f32(const struct vexfs_space *sp, void *dst, const void *row,
			   u32 from, u32 count)
{
	memcpy((u8 *)dst + 4 * (size_t)from, (const u8 *)row + 4 * (size_t)from,
	       4 * (size_t)count);
}

#define CONV_HALF(fn, to_half, to_single, infinite)					\
int fn##_from_f32(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	struct vexfs_norm *nm = (struct vexfs_norm *)st;				\
	u32 i, end = from + count;							\
	u16 *r = row;									\
											\
	for (i = from; i < end; i++) {							\
		u32 bits = load_u32((const u8 *)src + 4 * (size_t)i);			\
		u16 h;									\
											\
		if (!f32_is_finite(bits))						\
			return -EDOM;							\
		h = to_half(bits);							\
		if ((h & (infinite)) == (infinite))					\
			return -EDOM;							\
		norm_add(nm, i, to_single(h));						\
		r[i] = h;								\
	}										\
	pad(sp, row, end);								\
	return 0;									\
}											\
											\
int fn##_from_raw(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	struct vexfs_norm *nm = (struct vexfs_norm *)st;				\
	u32 i, end = from + count;							\
	u16 *r = row;									\
											\
	for (i = from; i < end; i++) {							\
		u16 h = load_u16((const u8 *)src + 2 * (size_t)i);			\
											\
		if ((h & (infinite)) == (infinite))					\
			return -EDOM;							\
		norm_add(nm, i, to_single(h));						\
		r[i] = h;								\
	}										\
	pad(sp, row, end);								\
	return 0;									\
}											\
											\
void fn##_to_f32(const struct vexfs_space *sp, void *dst, const void *row,		\
		 u32 from, u32 count)							\
{											\
	const u16 *r = row;								\
	u32 i;										\
											\
	for (i = from; i < from + count; i++) {						\
		u32 bits = to_single(r[i]);						\
											\
		__builtin_memcpy((u8 *)dst + 4 * (size_t)i, &bits, 4);			\
	}										\
}

CONV_HALF(vexfs_conv_f16, f32_to_f16, f16_to_f32, 0x7c00)
CONV_HALF(vexfs_conv_bf16, f32_to_bf16, bf16_to_f32, 0x7f80)

/*
 * To the nearest integer, ties to the even one, ends held at @lo and @hi. Adding
 * 1.5 * 2^52 leaves the integer in the low bits of a double.
 */
static __always_inline s32 to_int(u32 bits, s32 lo, s32 hi)
{
	double d = widen(bits);

	if (d <= lo)
		return lo;
	if (d >= hi)
		return hi;
	return (s32)((d + 0x1.8p52) - 0x1.8p52);
}

#define CONV_BYTE(fn, type, lo, hi)							\
int fn##_from_f32(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	struct vexfs_norm_int *nm = (struct vexfs_norm_int *)st;			\
	u32 i, end = from + count;							\
	type *r = row;									\
											\
	for (i = from; i < end; i++) {							\
		u32 bits = load_u32((const u8 *)src + 4 * (size_t)i);			\
		s32 v;									\
											\
		if (!f32_is_finite(bits))						\
			return -EDOM;							\
		v = to_int(bits, lo, hi);						\
		nm->v += (u32)(v * v);							\
		r[i] = (type)v;								\
	}										\
	pad(sp, row, end);								\
	return 0;									\
}											\
											\
int fn##_from_raw(const struct vexfs_space *sp, void *row, const void *src,		\
		  u32 from, u32 count, struct vexfs_math_state *st)			\
{											\
	struct vexfs_norm_int *nm = (struct vexfs_norm_int *)st;			\
	u32 i, end = from + count;							\
	const type *s = src;								\
	type *r = row;									\
											\
	for (i = from; i < end; i++) {							\
		s32 v = s[i];								\
											\
		nm->v += (u32)(v * v);							\
		r[i] = s[i];								\
	}										\
	pad(sp, row, end);								\
	return 0;									\
}											\
											\
void fn##_to_f32(const struct vexfs_space *sp, void *dst, const void *row,		\
		 u32 from, u32 count)							\
{											\
	const type *r = row;								\
	u32 i;										\
											\
	for (i = from; i < from + count; i++) {						\
		float f = r[i];								\
											\
		__builtin_memcpy((u8 *)dst + 4 * (size_t)i, &f, 4);			\
	}										\
}

CONV_BYTE(vexfs_conv_i8, s8, -128, 127)
CONV_BYTE(vexfs_conv_u8, u8, 0, 255)

/* A bit is set where the component is greater than zero. */
int vexfs_conv_b1_from_f32(const struct vexfs_space *sp, void *row, const void *src,
			   u32 from, u32 count, struct vexfs_math_state *st)
{
	struct vexfs_norm_int *nm = (struct vexfs_norm_int *)st;
	u32 i, end = from + count;
	u8 *r = row, byte = 0;

	for (i = from; i < end; i++) {
		u32 bits = load_u32((const u8 *)src + 4 * (size_t)i);
		u32 set = bits && !(bits & F32_SIGN);

		if (!f32_is_finite(bits))
			return -EDOM;
		nm->v += set;
		byte |= (u8)(set << i % 8);
		if (i % 8 == 7 || i + 1 == end) {
			r[i / 8] = byte;
			byte = 0;
		}
	}
	pad(sp, row, end);
	return 0;
}

/* Bits beyond the dimension in the last byte are dropped. */
int vexfs_conv_b1_from_raw(const struct vexfs_space *sp, void *row, const void *src,
			   u32 from, u32 count, struct vexfs_math_state *st)
{
	struct vexfs_norm_int *nm = (struct vexfs_norm_int *)st;
	u32 i, end = from + count;
	const u8 *s = src;
	u8 *r = row;

	for (i = from / 8; i < (end + 7) / 8; i++) {
		u8 byte = s[i];
		u8 b;

		if (i == end / 8)
			byte &= (u8)((1u << end % 8) - 1);
		r[i] = byte;
		for (b = byte; b; b &= (u8)(b - 1))
			nm->v++;
	}
	pad(sp, row, end);
	return 0;
}

void vexfs_conv_b1_to_f32(const struct vexfs_space *sp, void *dst, const void *row,
			  u32 from, u32 count)
{
	const u8 *r = row;
	u32 i;

	for (i = from; i < from + count; i++) {
		u32 bits = r[i / 8] >> i % 8 & 1 ? F32_ONE : 0;

		__builtin_memcpy((u8 *)dst + 4 * (size_t)i, &bits, 4);
	}
}
