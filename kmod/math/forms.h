/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of a variant, declared once for the files that define them and for the
 * tables that list them.
 */
#ifndef _VEXFS_MATH_FORMS_H
#define _VEXFS_MATH_FORMS_H

#include "ops.h"

#define FORM_DECLARE(fn)								\
	u32 fn##_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
		      const void *rows, const u32 *aux, u32 n, u32 *keys);		\
	u32 fn##_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
			const void *const *rows, const u32 *aux, u32 n, u32 *keys);	\
	void fn##_part(const struct vexfs_space *sp, const void *q, const void *row,	\
		       u32 from, u32 to, struct vexfs_math_state *st);			\
	u32 fn##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st, \
			u32 q_aux, u32 aux);

#define FORMS_DECLARE_FLOAT(isa)							\
	FORM_DECLARE(isa##_f32_l2)							\
	FORM_DECLARE(isa##_f32_ip)							\
	FORM_DECLARE(isa##_f32_cos)							\
	FORM_DECLARE(isa##_f32_l1)							\
	FORM_DECLARE(isa##_f16_l2)							\
	FORM_DECLARE(isa##_f16_ip)							\
	FORM_DECLARE(isa##_f16_cos)							\
	FORM_DECLARE(isa##_bf16_l2)							\
	FORM_DECLARE(isa##_bf16_ip)							\
	FORM_DECLARE(isa##_bf16_cos)

#define FORMS_DECLARE_DOT(isa)								\
	FORM_DECLARE(isa##_i8_l2)							\
	FORM_DECLARE(isa##_i8_ip)							\
	FORM_DECLARE(isa##_i8_cos)							\
	FORM_DECLARE(isa##_u8_l2)							\
	FORM_DECLARE(isa##_u8_ip)							\
	FORM_DECLARE(isa##_u8_cos)

#define FORMS_DECLARE_L1(isa)								\
	FORM_DECLARE(isa##_i8_l1)							\
	FORM_DECLARE(isa##_u8_l1)

#define FORMS_DECLARE_BITS(isa)								\
	FORM_DECLARE(isa##_b1_hamming)							\
	FORM_DECLARE(isa##_b1_jaccard)

FORMS_DECLARE_FLOAT(vexfs_scalar)
FORMS_DECLARE_DOT(vexfs_scalar)
FORMS_DECLARE_L1(vexfs_scalar)
FORMS_DECLARE_BITS(vexfs_scalar)

#endif
