/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The variants of x86: what they need of the processor, their functions, and the rows of
 * their tables.
 */
#ifndef _VEXFS_MATH_X86_X86_H
#define _VEXFS_MATH_X86_X86_H

#include "math/conv.h"
#include "math/forms.h"
#include "math/ops.h"

/* What the processor has and the system saves; see cpu.c. */
enum vexfs_cpu {
	VEXFS_CPU_AVX2		= 1u << 0,	/* AVX2, FMA, F16C; ymm state enabled */
	VEXFS_CPU_AVX512	= 1u << 1,	/* F, BW, VL, DQ; zmm state; AVX2 too */
	VEXFS_CPU_VNNI		= 1u << 2,	/* AVX512_VNNI */
	VEXFS_CPU_VPOPCNTDQ	= 1u << 3,	/* AVX512_VPOPCNTDQ */
};

#define VEXFS_ARCH_VARIANTS	2
#define VEXFS_ARCH_LIST		&vexfs_math_avx2, &vexfs_math_avx512,

extern struct vexfs_math_variant vexfs_math_avx2;
extern struct vexfs_math_variant vexfs_math_avx512;

/* Bits of enum vexfs_cpu that may be used. Boot parameters that take one away count. */
u32 vexfs_cpu_features(void);

/**
 * vexfs_cpu_lacks - say why an instruction set cannot be used
 * @needs: bits of enum vexfs_cpu
 *
 * Returns NULL when it can, else a phrase for the log: what is missing, and
 * whether it is the processor's or the system's doing.
 */
const char *vexfs_cpu_lacks(u32 needs);

/*
 * Does the kernel advise against an instruction set, though it works? Registers of 512
 * bits make some processors slower in all that they do.
 */
bool vexfs_cpu_avoids(u32 needs);

/* Tells the variants which processor this is: how far ahead a scan prefetches. */
void vexfs_cpu_tune(void);
void vexfs_x86_tune(bool amd, u32 family);

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
	void isa##_code_rows(const struct vexfs_space *sp, void *out, const void *rows, \
			      const u32 *aux, u32 n);					\
	void isa##_code_query(const struct vexfs_space *sp, void *out, const void *q,	\
			       u32 q_aux);						\
	u32 isa##_code_scan(const struct vexfs_space *sp, const void *query, u32 limit, \
			     const void *codes, u32 n, u32 row_base, u16 *near, u32 max);

CODE_DECLARE(vexfs_avx2)
CODE_DECLARE(vexfs_avx512)

size_t vexfs_avx512_code_bytes(const struct vexfs_space *sp, u32 nq);
void vexfs_avx512_code_pack(const struct vexfs_space *sp, void *packed, const void *queries,
			     const u32 *q_aux, u32 nq, u32 first, u32 count);
u32 vexfs_avx512_code_block(const struct vexfs_space *sp, const void *packed, u32 nq,
			     u32 first, u32 count, const u32 *limits, const void *codes,
			     u32 n, u32 row_base, struct vexfs_block_hit *hits, u32 max);

/* Those of the vector variants; what is missing here they take from above. */
CONV_DECLARE(vexfs_avx2_conv_f32)
CONV_DECLARE(vexfs_avx2_conv_f16)
CONV_DECLARE(vexfs_avx2_conv_bf16)
CONV_DECLARE(vexfs_avx2_conv_i8)
CONV_DECLARE(vexfs_avx2_conv_u8)
CONV_DECLARE(vexfs_avx2_conv_b1)

u32 vexfs_avx2_conv_f32_rows(const struct vexfs_space *sp, void *rows, u32 *aux,
			     const void *src, size_t src_step, u32 n, bool away);
u32 vexfs_avx2_conv_f32_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
			      const struct vexfs_paged *src, u32 first, u32 n, bool away);

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

#define CONV_ROWS_AVX2(bits)								\
	{ .type = VEXFS_TYPE_F32, .needs = bits, .from_f32 = vexfs_avx2_conv_f32_from_f32, \
	  .from_raw = vexfs_avx2_conv_f32_from_raw, .aux = vexfs_conv_aux_float,	\
	  .rows = vexfs_avx2_conv_f32_rows, .paged = vexfs_avx2_conv_f32_paged,	\
	  .to_f32 = vexfs_conv_f32_to_f32 },						\
	CONV_ROW(F16, bits, vexfs_avx2_conv_f16, vexfs_avx2_conv_f16,			\
		 vexfs_avx2_conv_f16, vexfs_conv_aux_float),				\
	CONV_ROW(BF16, bits, vexfs_avx2_conv_bf16, vexfs_avx2_conv_bf16,		\
		 vexfs_conv_bf16, vexfs_conv_aux_float),				\
	CONV_ROW(I8, bits, vexfs_avx2_conv_i8, vexfs_avx2_conv_i8, vexfs_conv_i8,	\
		 vexfs_conv_aux_int),							\
	CONV_ROW(U8, bits, vexfs_avx2_conv_u8, vexfs_avx2_conv_u8, vexfs_conv_u8,	\
		 vexfs_conv_aux_int),							\
	CONV_ROW(B1, bits, vexfs_avx2_conv_b1, vexfs_conv_b1, vexfs_conv_b1,		\
		 vexfs_conv_aux_int)

#endif
