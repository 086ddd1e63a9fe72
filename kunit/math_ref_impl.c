// SPDX-License-Identifier: GPL-2.0
/*
 * The reference in floating point: the only file of the suites with FPU flags.
 * Everything in it is called inside an FPU section and touches nothing but its
 * arguments. It shares no code with what it checks.
 */
#include <linux/types.h>
#include <linux/vexfs.h>

#include "math_ref.h"

/* A sum of doubles with the rounding errors kept: some 100 bits. */
struct real {
	double sum;
	double rest;
};

/**
 * struct reals - struct ref_sums for the float types
 * @sum: of the metric's terms: squares, absolute differences, products
 */
struct reals {
	struct real l2;
	struct real l1;
	struct real dot;
	double mass;	/* of the products without their signs */
	double spare;
};

_Static_assert(sizeof(struct reals) <= sizeof(((struct ref_sums *)0)->real), "fits");

static void add_product(struct real *r, double v)
{
	double sum = r->sum + v;
	double part = sum - r->sum;

	r->rest += (r->sum - (sum - part)) + (v - part);
	r->sum = sum;
}

static double bits_to_double(u64 bits)
{
	double d;

	__builtin_memcpy(&d, &bits, sizeof(d));
	return d;
}

static double power(int exp)
{
	return bits_to_double((u64)(exp + 1023) << 52);
}

/* @frac bits of fraction, @bias of the exponent, @exps exponents; never infinite here. */
static double decode(u32 bits, unsigned int frac, int bias, unsigned int exp_bits)
{
	u32 m = bits & ((1u << frac) - 1);
	int e = bits >> frac & ((1u << exp_bits) - 1);
	double d;

	if (e)
		m |= 1u << frac;
	else
		e = 1;
	d = m * power(e - bias - (int)frac);
	return bits >> (frac + exp_bits) & 1 ? -d : d;
}

static double component(u32 type, const void *p, u32 i)
{
	u32 w = 0;
	u16 h = 0;

	if (type == VEXFS_TYPE_F32) {
		__builtin_memcpy(&w, (const u8 *)p + 4 * (size_t)i, 4);
		return decode(w, 23, 127, 8);
	}
	__builtin_memcpy(&h, (const u8 *)p + 2 * (size_t)i, 2);
	return type == VEXFS_TYPE_F16 ? decode(h, 10, 15, 5) : decode(h, 7, 127, 8);
}

static double size_of(double d)
{
	return d < 0 ? -d : d;
}

static void add_reals(struct reals *s, u32 type, const void *a, const void *b, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++) {
		double x = component(type, a, i), y = component(type, b, i);

		add_product(&s->l2, (x - y) * (x - y));
		add_product(&s->l1, size_of(x - y));
		add_product(&s->dot, x * y);
		s->mass += size_of(x * y);
	}
}

/* whole[]: for bytes squared distance, distance, product; norms; for bits likewise. */
enum { L2, L1, DOT, NORMS };

static void add_bytes(struct ref_sums *s, u32 type, const u8 *a, const u8 *b, u32 from, u32 to)
{
	u32 na = 0, nb = 0, i;

	for (i = from; i < to; i++) {
		int x = type == VEXFS_TYPE_I8 ? (signed char)a[i] : a[i];
		int y = type == VEXFS_TYPE_I8 ? (signed char)b[i] : b[i];

		s->whole[L2] += (x - y) * (x - y);
		s->whole[L1] += x > y ? x - y : y - x;
		s->whole[DOT] += x * y;
		na += x * x;
		nb += y * y;
	}
	s->real[6] += na;
	s->real[7] += nb;
}

static void add_bits(struct ref_sums *s, const u8 *a, const u8 *b, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++) {
		int x = a[i / 8] >> i % 8 & 1;
		int y = b[i / 8] >> i % 8 & 1;

		s->whole[L2] += x ^ y;
		s->whole[DOT] += x & y;
		s->whole[NORMS] += x | y;
	}
}

void vexfs_ref_add(struct ref_sums *s, u32 type, const void *a, const void *b, u32 from, u32 to)
{
	u32 i;

	if (type == VEXFS_TYPE_B1) {
		add_bits(s, a, b, from, to);
		return;
	}
	if (type == VEXFS_TYPE_I8 || type == VEXFS_TYPE_U8) {
		add_bytes(s, type, a, b, from, to);
		return;
	}
	add_reals((struct reals *)s->real, type, a, b, from, to);
	/* The norms, for cosine; whole[] has room that float types do not use. */
	for (i = from; i < to; i++) {
		double x = component(type, a, i), y = component(type, b, i);
		double norms[2];

		__builtin_memcpy(norms, s->whole, sizeof(norms));
		norms[0] += x * x;
		norms[1] += y * y;
		__builtin_memcpy(s->whole, norms, sizeof(norms));
	}
}

static double root(double v)
{
	return __builtin_sqrt(v);
}

static u32 narrow(double d)
{
	float f = (float)d;
	u32 bits;

	__builtin_memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static void exactly(double d, u32 *lo, u32 *hi)
{
	*lo = narrow(d);
	*hi = *lo;
}

static void between(double d, double slack, u32 *lo, u32 *hi)
{
	*lo = narrow(d - slack);
	*hi = narrow(d + slack);
}

/* Additions one after another in a lane of 32, the tree, and what else is rounded. */
static double roundings(u32 dim, u32 more)
{
	return (dim / 32 + 1 + 5 + more) * power(-24) * 1.001;
}

static void bounds_cos(double dot, double mass, double nn, u32 dim, u32 *lo, u32 *hi)
{
	double d, slack;

	if (nn == 0.0) {
		exactly(1.0, lo, hi);
		return;
	}
	d = 1.0 - dot / nn;
	slack = mass / nn * roundings(dim, 6) + power(-23);
	*lo = narrow(d - slack < 0.0 ? 0.0 : d - slack);
	*hi = narrow(d + slack < 0.0 ? 0.0 : d + slack);
}

static void bounds_real(const struct ref_sums *s, u32 metric, u32 dim, u32 *lo, u32 *hi)
{
	const struct reals *r = (const struct reals *)s->real;
	/* What a component may lose below the smallest f32. */
	double lost = dim * power(-149);
	double d, norms[2];

	switch (metric) {
	case VEXFS_METRIC_L2:
		d = r->l2.sum + r->l2.rest;
		between(d, d * roundings(dim, 4) + lost, lo, hi);
		break;
	case VEXFS_METRIC_L1:
		d = r->l1.sum + r->l1.rest;
		between(d, d * roundings(dim, 2) + lost, lo, hi);
		break;
	case VEXFS_METRIC_IP:
		d = (1.0 - r->dot.sum) - r->dot.rest;
		between(d, r->mass * roundings(dim, 2) + size_of(d) * power(-23) + lost, lo, hi);
		break;
	default:
		__builtin_memcpy(norms, s->whole, sizeof(norms));
		bounds_cos(r->dot.sum + r->dot.rest, r->mass, root(norms[0]) * root(norms[1]),
			   dim, lo, hi);
		break;
	}
	/* A sum of what is not negative is not negative. */
	if (metric != VEXFS_METRIC_IP && *lo >> 31)
		*lo = 0;
}

void vexfs_ref_bounds(const struct ref_sums *s, u32 type, u32 metric, u32 dim, u32 *lo, u32 *hi)
{
	double dot = (double)s->whole[DOT];

	if (type == VEXFS_TYPE_F32 || type == VEXFS_TYPE_F16 || type == VEXFS_TYPE_BF16) {
		bounds_real(s, metric, dim, lo, hi);
		return;
	}
	switch (metric) {
	case VEXFS_METRIC_L2:
	case VEXFS_METRIC_HAMMING:
		exactly((double)s->whole[L2], lo, hi);
		break;
	case VEXFS_METRIC_L1:
		exactly((double)s->whole[L1], lo, hi);
		break;
	case VEXFS_METRIC_IP:
		exactly(1.0 - dot, lo, hi);
		break;
	case VEXFS_METRIC_JACCARD:
		exactly(s->whole[NORMS] ? (double)s->whole[L2] / (double)s->whole[NORMS] : 0.0,
			lo, hi);
		break;
	default:
		/* Cosine goes through f32 norms; the sum itself is exact. */
		bounds_cos(dot, size_of(dot),
			   root((double)(s64)s->real[6]) * root((double)(s64)s->real[7]),
			   1, lo, hi);
		break;
	}
}

/* To the nearest of the values @step apart, ties to the even multiple. */
static double nearest(double d, double step)
{
	double n = d / step;
	double whole = (double)(s64)n;
	double rest = n - whole;

	if (rest > 0.5 || (rest == 0.5 && ((s64)whole & 1)))
		whole += 1.0;
	if (rest < -0.5 || (rest == -0.5 && ((s64)whole & 1)))
		whole -= 1.0;
	return whole * step;
}

static double clamp_to(double d, double lo, double hi)
{
	return d < lo ? lo : d > hi ? hi : d;
}

/* Rounded to @frac bits of fraction, exponents from @low on. */
static double round_float(double d, int frac, int low)
{
	u64 bits;
	int exp;

	/* A double holds every f32 as a normal number, or zero. */
	__builtin_memcpy(&bits, &d, sizeof(bits));
	exp = (int)(bits >> 52 & 0x7ff) - 1023;
	return nearest(d, power((exp < low ? low : exp) - frac));
}

static u32 round_trip(u32 type, u32 f32_bits)
{
	double d = decode(f32_bits, 23, 127, 8);
	u32 sign = f32_bits & 0x80000000u;

	switch (type) {
	case VEXFS_TYPE_F16:
		return narrow(round_float(d, 10, -14)) | sign;
	case VEXFS_TYPE_BF16:
		return narrow(round_float(d, 7, -126)) | sign;
	case VEXFS_TYPE_I8:
		return narrow(nearest(clamp_to(d, -128.0, 127.0), 1.0));
	case VEXFS_TYPE_U8:
		return narrow(nearest(clamp_to(d, 0.0, 255.0), 1.0));
	case VEXFS_TYPE_B1:
		return narrow(d > 0.0 ? 1.0 : 0.0);
	default:
		return f32_bits;
	}
}

void vexfs_ref_round_trip(u32 type, const void *src, u32 from, u32 to, u32 *out)
{
	u32 i, bits;

	for (i = from; i < to; i++) {
		__builtin_memcpy(&bits, (const u8 *)src + 4 * (size_t)i, 4);
		out[i - from] = round_trip(type, bits);
	}
}
