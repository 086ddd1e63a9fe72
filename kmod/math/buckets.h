/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Log-linear buckets: each octave is cut into 2^@sub of them, and what is below
 * 2^@sub has a bucket a value. How many there are, and what is done with a value
 * above the last, is its user's business.
 */
#ifndef _VEXFS_MATH_BUCKETS_H
#define _VEXFS_MATH_BUCKETS_H

#include <linux/bitops.h>
#include <linux/types.h>

static __always_inline unsigned int vexfs_bucket_of(u64 v, unsigned int sub)
{
	unsigned int top;

	if (v < 1u << sub)
		return v;
	top = fls64(v) - 1;
	/* The bits below the highest one count through the octave. */
	return ((top - sub) << sub) + (v >> (top - sub));
}

/* The smallest value in it, and the largest. */
static inline u64 vexfs_bucket_low(unsigned int bucket, unsigned int sub)
{
	unsigned int octave = bucket >> sub, rest = bucket & ((1u << sub) - 1);

	return octave ? (u64)((1u << sub) + rest) << (octave - 1) : rest;
}

static inline u64 vexfs_bucket_high(unsigned int bucket, unsigned int sub)
{
	return vexfs_bucket_low(bucket + 1, sub) - 1;
}

#endif
