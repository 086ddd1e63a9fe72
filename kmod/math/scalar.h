/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the scalar variant share, and how the result of a row
 * becomes a key. Included by scalar files only.
 */
#ifndef _VEXFS_MATH_SCALAR_H
#define _VEXFS_MATH_SCALAR_H

#include "bits.h"
#include "forms.h"

/* Scan, gather, part and finish from one function that adds a row's bytes up. */
#define SCALAR_FORM(name, acc_t, add, key)						\
u32 name##_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,			\
		const void *rows, const u32 *aux, u32 n, u32 *keys)		\
{											\
	const u8 *row = rows;								\
	u32 i, wide = 0;								\
											\
	for (i = 0; i < n; i++, row += sp->stride) {					\
		acc_t acc = {};								\
											\
		add(&acc, q, row, sp->stride);						\
		keys[i] = key(&acc, q_aux, aux[i]);					\
		wide += keys[i] == VEXFS_KEY_WIDE;					\
	}										\
	return wide;									\
}											\
											\
u32 name##_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
		  const void *const *rows, const u32 *aux, u32 n, u32 *keys)	\
{											\
	u32 i, wide = 0;								\
											\
	for (i = 0; i < n; i++) {							\
		acc_t acc = {};								\
											\
		add(&acc, q, rows[i], sp->stride);					\
		keys[i] = key(&acc, q_aux, aux[i]);					\
		wide += keys[i] == VEXFS_KEY_WIDE;					\
	}										\
	return wide;									\
}											\
											\
void name##_part(const struct vexfs_space *sp, const void *q, const void *row,		\
		 u32 from, u32 to, struct vexfs_math_state *st)			\
{											\
	add((acc_t *)st, (const u8 *)q + from, (const u8 *)row + from, to - from);	\
}											\
											\
u32 name##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st,	\
		  u32 q_aux, u32 aux)						\
{											\
	return key((const acc_t *)st, q_aux, aux);					\
}

#define SCALAR_ROW(tp, mt, fn, needs_fpu)						\
	{ .name = "scalar", .type = VEXFS_TYPE_##tp, .metric = VEXFS_METRIC_##mt,	\
	  .fpu = needs_fpu, .scan = fn##_scan, .gather = fn##_gather,			\
	  .part = fn##_part, .finish = fn##_finish }

#endif
