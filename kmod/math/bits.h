/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Floating point formats as bit patterns, worked on with integers alone: keys,
 * half precision, and the few operations that let integer types do without an
 * FPU. Every result is rounded to nearest even, as the processor would.
 */
#ifndef _VEXFS_MATH_BITS_H
#define _VEXFS_MATH_BITS_H

#include "types.h"

#define F32_SIGN	0x80000000u
#define F32_INF		0x7f800000u
#define F32_NAN		0x7fc00000u
#define F32_ONE		0x3f800000u

/* Flip all bits of a negative, the sign of a positive: u32 order is f32 order. */
static inline u32 f32_to_key(u32 f)
{
	if (f == F32_SIGN)
		f = 0;
	return f ^ (F32_SIGN | (0u - (f >> 31)));
}

static inline u32 key_to_f32(u32 key)
{
	return key ^ (F32_SIGN | ((key >> 31) - 1));
}

static inline bool f32_is_finite(u32 f)
{
	return (f & F32_INF) != F32_INF;
}

/* @m * 2^@exp, @m any integer, to f32; what lies below @m is in @sticky. */
static inline u32 f32_round(u64 m, int exp, bool sticky)
{
	int top, drop;
	u64 rest, half;

	if (!m)
		return 0;
	top = 63 - __builtin_clzll(m);
	drop = top - 23;
	if (exp + drop < -149)
		drop = -149 - exp;
	if (drop > 63)
		return 0;
	if (drop > 0) {
		rest = m & ((1ull << drop) - 1);
		half = 1ull << (drop - 1);
		m >>= drop;
		if (rest > half || (rest == half && (sticky || (m & 1))))
			m++;
		exp += drop;
	} else if (drop < 0) {
		m <<= -drop;
		exp += drop;
	}
	/* Rounding up may have carried into bit 24; the sum below takes care. */
	if (m < (1u << 23))
		return (u32)m;
	if (exp + 150 >= 255)
		return F32_INF;
	return (u32)(m + ((u64)(exp + 149) << 23));
}

static inline u32 f32_from_u64(u64 v)
{
	return f32_round(v, 0, false);
}

static inline u32 f32_from_s64(s64 v)
{
	return v < 0 ? F32_SIGN | f32_round(0 - (u64)v, 0, false) : f32_round((u64)v, 0, false);
}

/* The significand of a finite f32 as an integer, its exponent in @exp. */
static inline u32 f32_split(u32 f, int *exp)
{
	u32 e = f >> 23 & 0xff;

	*exp = (int)(e ? e : 1) - 150;
	return (f & 0x7fffff) | (e ? 1u << 23 : 0);
}

/* The product of two finite numbers. */
static inline u32 f32_mul(u32 a, u32 b)
{
	int ea, eb;
	u64 m = (u64)f32_split(a, &ea) * f32_split(b, &eb);

	return ((a ^ b) & F32_SIGN) | f32_round(m, ea + eb, false);
}

/* 1 - @x, for |@x| < 2^30. */
static inline u32 f32_one_minus(u32 x)
{
	int exp;
	u64 m = f32_split(x, &exp), one;
	bool sticky = false;

	/* Both in units of 2^-32, and a bit for what is below that. */
	if (exp < -32) {
		int down = -32 - exp;

		if (down > 31) {
			sticky = m;
			m = 0;
		} else {
			sticky = m & ((1ull << down) - 1);
			m >>= down;
		}
	} else {
		m <<= exp + 32;
	}
	one = 1ull << 32;
	if (x & F32_SIGN)
		return f32_round(one + m, -32, sticky);
	/* A bit below: one unit less, and the bit stays as what is left of it. */
	if (sticky)
		m++;
	if (m <= one)
		return f32_round(one - m, -32, sticky);
	return F32_SIGN | f32_round(m - one, -32, false);
}

/* @num / @den, 0 < @den and both at most 2^17. */
static inline u32 f32_ratio(u32 num, u32 den)
{
	u64 n = (u64)num << 45;

	return f32_round(n / den, -45, n % den != 0);
}

static inline u32 f16_to_f32(u16 h)
{
	u32 sign = (u32)(h & 0x8000) << 16, e = h >> 10 & 0x1f, m = h & 0x3ff;

	if (e == 31)
		return sign | F32_INF | m << 13;
	if (e)
		return sign | ((e + 112) << 23 | m << 13);
	return sign | f32_round(m, -24, false);
}

/* Infinity when it does not fit. Not for NaN. */
static inline u16 f32_to_f16(u32 f)
{
	u16 sign = (u16)(f >> 16 & 0x8000);
	u32 m, e = f >> 23 & 0xff, rest, half;
	int exp, drop;

	if (e == 255)
		return sign | 0x7c00;
	m = f32_split(f, &exp);
	/* The last bit of f16 is worth 2^-24 at least, or 2^-10 of the number. */
	drop = exp + 13 < -24 ? -24 - exp : 13;
	if (drop > 25)
		return sign;
	rest = m & ((1u << drop) - 1);
	half = 1u << (drop - 1);
	m >>= drop;
	if (rest > half || (rest == half && (m & 1)))
		m++;
	if (m < 0x400)
		return sign | (u16)m;
	exp += drop;
	m += (u32)(exp + 24) << 10;
	return m >= 0x7c00 ? sign | 0x7c00 : sign | (u16)m;
}

static inline u32 bf16_to_f32(u16 b)
{
	return (u32)b << 16;
}

/* Infinity when it does not fit. Not for NaN. */
static inline u16 f32_to_bf16(u32 f)
{
	return (u16)((f + 0x7fff + (f >> 16 & 1)) >> 16);
}

#endif
