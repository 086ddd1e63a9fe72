/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dumb reference of the arithmetic suites: one component after another, in
 * 64-bit integers or in doubles with a second one for the rest. Only
 * math_ref_impl.c has floating point; nothing in here is a float.
 */
#ifndef _VEXFS_MATH_REF_H
#define _VEXFS_MATH_REF_H

#include <linux/types.h>

/* Components that one FPU section of the reference looks at. */
#define REF_PART	512u

/**
 * struct ref_sums - what is known of two vectors so far; all zero at first
 * @real: private
 * @whole: private
 */
struct ref_sums {
	u64 real[8];
	s64 whole[4];
};

/* Components @from to @to, in the type's own representation and any alignment. */
void vexfs_ref_add(struct ref_sums *s, u32 type, const void *a, const void *b, u32 from, u32 to);

/*
 * The distance as f32: every value from @lo to @hi is near enough to the exact
 * one, by the bound that docs/arithmetic.md gives. The two are the same where
 * the result must be exact.
 */
void vexfs_ref_bounds(const struct ref_sums *s, u32 type, u32 metric, u32 dim, u32 *lo, u32 *hi);

/*
 * The floats @from to @to at @src, of any alignment, rounded to another type, to
 * nearest even, and read as f32 again.
 */
void vexfs_ref_round_trip(u32 type, const void *src, u32 from, u32 to, u32 *out);

#endif
