/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The auxiliary of a row of floats, made of its sum of squares. Only for files
 * that are compiled with floating point and run inside an FPU section.
 */
#ifndef _VEXFS_MATH_NORM_H
#define _VEXFS_MATH_NORM_H

#include "conv.h"
#include "real.h"

/* Norms within which f32 neither overflows nor loses to underflow in a product. */
#define NORM2_MAX	0x1p100
#define NORM2_MIN	0x1p-100

/*
 * What L2 and the inner product keep serves the block shape alone, as a bound:
 * NaN there means that nothing can be ruled out.
 */
static __always_inline u32 aux_of_norm(const struct vexfs_space *sp, double n)
{
	switch (sp->metric) {
	case VEXFS_METRIC_L2:
		return n > NORM2_MAX ? F32_NAN : narrow(n);
	case VEXFS_METRIC_IP:
		return n > NORM2_MAX ? F32_NAN : narrow(root(n));
	case VEXFS_METRIC_COS:
		if (n == 0.0)
			return 0;
		return n > NORM2_MAX || n < NORM2_MIN ? F32_NAN : narrow(1.0 / root(n));
	default:
		return 0;
	}
}

#endif
