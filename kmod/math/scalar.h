/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the scalar variant share, and how the result of a row
 * becomes a key. Included by scalar files only.
 */
#ifndef _VEXFS_MATH_SCALAR_H
#define _VEXFS_MATH_SCALAR_H

#include "bits.h"
#include "variant.h"

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

/* The functions behind the rows of the table, one set per family of types. */
#define SCALAR_DECLARE(fn)								\
	u32 fn##_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
		      const void *rows, const u32 *aux, u32 n, u32 *keys);		\
	u32 fn##_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
			const void *const *rows, const u32 *aux, u32 n, u32 *keys);	\
	void fn##_part(const struct vexfs_space *sp, const void *q, const void *row,	\
		       u32 from, u32 to, struct vexfs_math_state *st);			\
	u32 fn##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st, \
			u32 q_aux, u32 aux);


SCALAR_DECLARE(vexfs_scalar_f32_l2)
SCALAR_DECLARE(vexfs_scalar_f32_ip)
SCALAR_DECLARE(vexfs_scalar_f32_cos)
SCALAR_DECLARE(vexfs_scalar_f32_l1)
SCALAR_DECLARE(vexfs_scalar_f16_l2)
SCALAR_DECLARE(vexfs_scalar_f16_ip)
SCALAR_DECLARE(vexfs_scalar_f16_cos)
SCALAR_DECLARE(vexfs_scalar_bf16_l2)
SCALAR_DECLARE(vexfs_scalar_bf16_ip)
SCALAR_DECLARE(vexfs_scalar_bf16_cos)
SCALAR_DECLARE(vexfs_scalar_i8_l2)
SCALAR_DECLARE(vexfs_scalar_i8_ip)
SCALAR_DECLARE(vexfs_scalar_i8_cos)
SCALAR_DECLARE(vexfs_scalar_i8_l1)
SCALAR_DECLARE(vexfs_scalar_u8_l2)
SCALAR_DECLARE(vexfs_scalar_u8_ip)
SCALAR_DECLARE(vexfs_scalar_u8_cos)
SCALAR_DECLARE(vexfs_scalar_u8_l1)
SCALAR_DECLARE(vexfs_scalar_b1_hamming)
SCALAR_DECLARE(vexfs_scalar_b1_jaccard)

#endif
