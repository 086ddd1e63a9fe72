// SPDX-License-Identifier: GPL-2.0
/*
 * Inner product and cosine in double precision, for the rare rows whose products
 * leave the range of f32. One implementation serves all variants, so that they
 * agree on these rows too. It needs no norm from outside and cannot overflow:
 * 65536 products of two f32 stay below 2^273.
 */
#include "real.h"
#include "ops.h"

#define WIDE_LANES 8

struct wide {
	double dot[WIDE_LANES] __aligned(64);
	double qq[WIDE_LANES];
	double rr[WIDE_LANES];
};

_Static_assert(sizeof(struct wide) <= sizeof(struct vexfs_math_state), "a state holds it");

#define WIDE_LOOP(type, get)							\
	do {									\
		const type *a = q, *b = row;					\
		u32 i, l;							\
										\
		for (i = from / sizeof(type); i < to / sizeof(type); i += WIDE_LANES) { \
			for (l = 0; l < WIDE_LANES; l++) {			\
				double x = widen(get(a[i + l]));		\
				double y = widen(get(b[i + l]));		\
										\
				w->dot[l] += x * y;				\
				w->qq[l] += x * x;				\
				w->rr[l] += y * y;				\
			}							\
		}								\
	} while (0)

#define AS_IT_IS(bits)	(bits)

void vexfs_wide_part(const struct vexfs_space *sp, const void *q, const void *row,
		     u32 from, u32 to, struct vexfs_math_state *st)
{
	struct wide *w = (struct wide *)st;

	if (sp->type == VEXFS_TYPE_F32)
		WIDE_LOOP(u32, AS_IT_IS);
	else if (sp->type == VEXFS_TYPE_BF16)
		WIDE_LOOP(u16, bf16_to_f32);
	else
		WIDE_LOOP(u16, f16_to_f32);
}

static double tree(const double *lane)
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
	       ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

u32 vexfs_wide_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st)
{
	const struct wide *w = (const struct wide *)st;
	double d = tree(w->dot), qq, rr;

	if (sp->metric == VEXFS_METRIC_COS) {
		qq = tree(w->qq);
		rr = tree(w->rr);
		if (qq == 0.0 || rr == 0.0)
			d = 0.0;
		else
			d /= root(qq) * root(rr);
		if (d > 1.0)
			d = 1.0;
	}
	return f32_to_key(narrow(1.0 - d));
}
