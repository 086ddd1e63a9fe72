/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bit patterns as real numbers and back. Only for files that are compiled with
 * floating point and run inside an FPU section.
 */
#ifndef _VEXFS_MATH_REAL_H
#define _VEXFS_MATH_REAL_H

#include "bits.h"

#ifdef __CHECKER__
double __builtin_sqrt(double x);
#endif

static __always_inline float as_float(u32 bits)
{
	float f;

	__builtin_memcpy(&f, &bits, sizeof(f));
	return f;
}

static __always_inline u32 as_bits(float f)
{
	u32 bits;

	__builtin_memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static __always_inline double widen(u32 bits)
{
	return as_float(bits);
}

static __always_inline u32 narrow(double d)
{
	return as_bits((float)d);
}

static __always_inline double root(double d)
{
	return __builtin_sqrt(d);
}

#endif
