/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of the vector variants, declared once for the files that define
 * them and for the tables that list them.
 */
#ifndef _VEXFS_MATH_FORMS_H
#define _VEXFS_MATH_FORMS_H

#include "variant.h"

#define FORM_DECLARE(fn)								\
	u32 fn##_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
		      const void *rows, const u32 *aux, u32 n, u32 *keys);		\
	u32 fn##_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,		\
			const void *const *rows, const u32 *aux, u32 n, u32 *keys);	\
	void fn##_part(const struct vexfs_space *sp, const void *q, const void *row,	\
		       u32 from, u32 to, struct vexfs_math_state *st);			\
	u32 fn##_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st, \
			u32 q_aux, u32 aux);

#define BLOCK_DECLARE(fn)								\
	size_t fn##_block_bytes(const struct vexfs_space *sp, u32 nq);			\
	void fn##_block_pack(const struct vexfs_space *sp, void *packed,		\
			     const void *queries, const u32 *q_aux, u32 nq, u32 first,	\
			     u32 count);						\
	u32 fn##_block(const struct vexfs_space *sp, const void *packed, u32 nq,	\
		       u32 first, u32 count, const u32 *limits, const void *rows,	\
		       const u32 *aux, u32 n, u32 row_base,				\
		       struct vexfs_block_hit *hits, u32 max);

#define BLOCKS_DECLARE_FLOAT(isa)							\
	BLOCK_DECLARE(isa##_f32_l2)							\
	BLOCK_DECLARE(isa##_f32_ip)							\
	BLOCK_DECLARE(isa##_f32_cos)							\
	BLOCK_DECLARE(isa##_f16_l2)							\
	BLOCK_DECLARE(isa##_f16_ip)							\
	BLOCK_DECLARE(isa##_f16_cos)							\
	BLOCK_DECLARE(isa##_bf16_l2)							\
	BLOCK_DECLARE(isa##_bf16_ip)							\
	BLOCK_DECLARE(isa##_bf16_cos)

#define BLOCKS_DECLARE_DOT(isa)								\
	BLOCK_DECLARE(isa##_i8_l2)							\
	BLOCK_DECLARE(isa##_i8_ip)							\
	BLOCK_DECLARE(isa##_i8_cos)							\
	BLOCK_DECLARE(isa##_u8_l2)							\
	BLOCK_DECLARE(isa##_u8_ip)							\
	BLOCK_DECLARE(isa##_u8_cos)

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

FORMS_DECLARE_FLOAT(vexfs_avx2)
FORMS_DECLARE_DOT(vexfs_avx2)
FORMS_DECLARE_L1(vexfs_avx2)
FORMS_DECLARE_BITS(vexfs_avx2)

FORMS_DECLARE_FLOAT(vexfs_avx512)
FORMS_DECLARE_DOT(vexfs_avx512)
FORMS_DECLARE_L1(vexfs_avx512)
FORMS_DECLARE_BITS(vexfs_avx512)
FORMS_DECLARE_DOT(vexfs_avx512_vnni)
FORMS_DECLARE_BITS(vexfs_avx512_vpopcntdq)

BLOCKS_DECLARE_FLOAT(vexfs_avx2)
BLOCKS_DECLARE_FLOAT(vexfs_avx512)
BLOCKS_DECLARE_DOT(vexfs_avx512_vnni)

/* Work on codes, and the block of it. */
#define CODE_DECLARE(isa)								\
	void isa##_rough_rows(const struct vexfs_space *sp, void *out, const void *rows, \
			      const u32 *aux, u32 n);					\
	void isa##_rough_query(const struct vexfs_space *sp, void *out, const void *q,	\
			       u32 q_aux);						\
	u32 isa##_rough_scan(const struct vexfs_space *sp, const void *query, u32 limit, \
			     const void *codes, u32 n, u32 row_base, u16 *near, u32 max);

CODE_DECLARE(vexfs_avx2)
CODE_DECLARE(vexfs_avx512)

size_t vexfs_avx512_rough_bytes(const struct vexfs_space *sp, u32 nq);
void vexfs_avx512_rough_pack(const struct vexfs_space *sp, void *packed, const void *queries,
			     const u32 *q_aux, u32 nq, u32 first, u32 count);
u32 vexfs_avx512_rough_block(const struct vexfs_space *sp, const void *packed, u32 nq,
			     u32 first, u32 count, const u32 *limits, const void *rough,
			     u32 n, u32 row_base, struct vexfs_block_hit *hits, u32 max);

/*
 * Queries in a packed group. A tile of the largest dimension stays well below
 * the budget of a section.
 */
#define VEXFS_AVX2_BLOCK	24u
#define VEXFS_AVX512_BLOCK	32u
#define VEXFS_BLOCK_MAX_DIM	4096u

/* A row of a table: @has is the variant's own bits and those of the form. */
#define FORM_ROW(label, has, tp, mt, fn)						\
	{ .name = label, .type = VEXFS_TYPE_##tp, .metric = VEXFS_METRIC_##mt,		\
	  .fpu = true, .needs = has, .scan = fn##_scan, .gather = fn##_gather,		\
	  .part = fn##_part, .finish = fn##_finish }

/* The same with a block shape of @group queries. */
#define FORM_ROW_BLOCK(label, has, tp, mt, fn, group)					\
	{ .name = label, .type = VEXFS_TYPE_##tp, .metric = VEXFS_METRIC_##mt,		\
	  .fpu = true, .needs = has, .scan = fn##_scan, .gather = fn##_gather,		\
	  .part = fn##_part, .finish = fn##_finish, .block_group = group,		\
	  .block_max_dim = VEXFS_BLOCK_MAX_DIM, .block_bytes = fn##_block_bytes,	\
	  .block_pack = fn##_block_pack, .block = fn##_block }

#define FORM_ROWS_FLOAT(label, has, isa, group)						\
	FORM_ROW_BLOCK(label, has, F32, L2, isa##_f32_l2, group),			\
	FORM_ROW_BLOCK(label, has, F32, IP, isa##_f32_ip, group),			\
	FORM_ROW_BLOCK(label, has, F32, COS, isa##_f32_cos, group),			\
	FORM_ROW(label, has, F32, L1, isa##_f32_l1),					\
	FORM_ROW_BLOCK(label, has, F16, L2, isa##_f16_l2, group),			\
	FORM_ROW_BLOCK(label, has, F16, IP, isa##_f16_ip, group),			\
	FORM_ROW_BLOCK(label, has, F16, COS, isa##_f16_cos, group),			\
	FORM_ROW_BLOCK(label, has, BF16, L2, isa##_bf16_l2, group),			\
	FORM_ROW_BLOCK(label, has, BF16, IP, isa##_bf16_ip, group),			\
	FORM_ROW_BLOCK(label, has, BF16, COS, isa##_bf16_cos, group)

#define FORM_ROWS_DOT(label, has, isa)							\
	FORM_ROW(label, has, I8, L2, isa##_i8_l2),					\
	FORM_ROW(label, has, I8, IP, isa##_i8_ip),					\
	FORM_ROW(label, has, I8, COS, isa##_i8_cos),					\
	FORM_ROW(label, has, U8, L2, isa##_u8_l2),					\
	FORM_ROW(label, has, U8, IP, isa##_u8_ip),					\
	FORM_ROW(label, has, U8, COS, isa##_u8_cos)

#define FORM_ROWS_DOT_BLOCK(label, has, isa, group)					\
	FORM_ROW_BLOCK(label, has, I8, L2, isa##_i8_l2, group),				\
	FORM_ROW_BLOCK(label, has, I8, IP, isa##_i8_ip, group),				\
	FORM_ROW_BLOCK(label, has, I8, COS, isa##_i8_cos, group),			\
	FORM_ROW_BLOCK(label, has, U8, L2, isa##_u8_l2, group),				\
	FORM_ROW_BLOCK(label, has, U8, IP, isa##_u8_ip, group),				\
	FORM_ROW_BLOCK(label, has, U8, COS, isa##_u8_cos, group)

#define FORM_ROWS_L1(label, has, isa)							\
	FORM_ROW(label, has, I8, L1, isa##_i8_l1),					\
	FORM_ROW(label, has, U8, L1, isa##_u8_l1)

#define FORM_ROWS_BITS(label, has, isa)							\
	FORM_ROW(label, has, B1, HAMMING, isa##_b1_hamming),				\
	FORM_ROW(label, has, B1, JACCARD, isa##_b1_jaccard)

#endif
