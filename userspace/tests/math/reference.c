// SPDX-License-Identifier: GPL-2.0
/*
 * The dumb reference. It may be slow and must be obviously right.
 */
#include "reference.h"

#include <math.h>
#include <string.h>

/* Half a unit in the last place of 1.0. */
#define U	0x1p-24L

u32 ref_f32(long double v)
{
	float f = (float)v;
	u32 bits;

	if (f == 0.0f)
		f = 0.0f;
	memcpy(&bits, &f, sizeof(bits));
	return bits == 0x80000000u ? 0 : bits;
}

long double ref_value(u32 f32_bits)
{
	float f;

	memcpy(&f, &f32_bits, sizeof(f));
	return f;
}

static long double half(u32 h, int exp_bits, int frac_bits)
{
	int exp = (int)(h >> frac_bits) & ((1 << exp_bits) - 1);
	int bias = (1 << (exp_bits - 1)) - 1;
	long double frac = (long double)(h & ((1u << frac_bits) - 1)), v;

	if (exp)
		v = ldexpl(frac + (1 << frac_bits), exp - bias - frac_bits);
	else
		v = ldexpl(frac, 1 - bias - frac_bits);
	return h >> (exp_bits + frac_bits) & 1 ? -v : v;
}

long double ref_component(u32 type, const void *row, u32 i)
{
	const u8 *p = row;
	float f;
	u16 h;

	switch (type) {
	case VEXFS_TYPE_F32:
		memcpy(&f, p + 4 * (size_t)i, 4);
		return f;
	case VEXFS_TYPE_F16:
		memcpy(&h, p + 2 * (size_t)i, 2);
		return half(h, 5, 10);
	case VEXFS_TYPE_BF16:
		memcpy(&h, p + 2 * (size_t)i, 2);
		return half(h, 8, 7);
	case VEXFS_TYPE_I8:
		return (s8)p[i];
	case VEXFS_TYPE_U8:
		return p[i];
	default:
		return p[i / 8] >> i % 8 & 1;
	}
}

long double ref_distance(const struct vexfs_space *sp, const void *q, const void *row,
			 long double *bound)
{
	bool real = sp->type <= VEXFS_TYPE_BF16;
	long double steps = (sp->dim + 31) / 32, l2 = 0, l1 = 0, dot = 0, size = 0, qq = 0, rr = 0;
	long double both = 0, any = 0, c, scale;
	/* Products below the smallest f32 vanish. */
	long double tiny = (2.0L * sp->dim + 64) * 0x1p-149L;
	u32 i;

	for (i = 0; i < sp->dim; i++) {
		long double x = ref_component(sp->type, q, i);
		long double y = ref_component(sp->type, row, i);

		l2 += (x - y) * (x - y);
		l1 += fabsl(x - y);
		dot += x * y;
		size += fabsl(x * y);
		qq += x * x;
		rr += y * y;
		both += x != 0 && y != 0;
		any += x != 0 || y != 0;
	}

	*bound = 0;
	switch (sp->metric) {
	case VEXFS_METRIC_L2:
		if (real)
			*bound = l2 * (steps + 10) * U * 1.01L + tiny;
		return l2;
	case VEXFS_METRIC_L1:
		if (real)
			*bound = l1 * (steps + 8) * U * 1.01L + tiny;
		return l1;
	case VEXFS_METRIC_HAMMING:
		return l1;
	case VEXFS_METRIC_JACCARD:
		return any != 0 ? 1 - both / any : 0;
	case VEXFS_METRIC_IP:
		if (real)
			*bound = (size * (steps + 8) + fabsl(1 - dot)) * U * 1.01L + tiny;
		return 1 - dot;
	default:
		scale = sqrtl(qq) * sqrtl(rr);
		if (scale == 0)
			return 1;
		c = dot / scale;
		if (real)
			*bound = (size / scale * (steps + 8) + 8) * U * 1.01L;
		else
			*bound = 8 * U;
		return 1 - c;
	}
}
