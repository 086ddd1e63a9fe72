/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of operations. A variant is a set of instructions (scalar, avx2, avx512)
 * with an entry for each type and metric; whoever calls takes the entry of the variant
 * in use, cuts the work into FPU sections and never looks inside. No function of the
 * table may sleep, fault, allocate or call the kernel. The variants' files compile in
 * programs too, so this header includes nothing but types.
 */
#ifndef _VEXFS_MATH_OPS_H
#define _VEXFS_MATH_OPS_H

#include "math.h"

/* Work can be cut inside a row at multiples of this many bytes. */
#define VEXFS_PART_BYTES	1024u
/* The same for imports and exports, in components of the vector. */
#define VEXFS_PART_DIMS		8192u

#define VEXFS_TYPES	(VEXFS_TYPE_B1 + 1)
#define VEXFS_METRICS	(VEXFS_METRIC_JACCARD + 1)

/**
 * struct vexfs_pace - what one kind of work costs, learned from its sections
 * @ps: picoseconds a unit takes; a unit is what the caller says it is
 * @doubt: what it took in the last section that was slower than that, 0 when a
 *	section since then was not
 * @doubt_at: when that was, in sections of its processor
 *
 * Read and written without a lock by everyone who runs that kind of work: a
 * lost update costs a little precision and nothing else.
 */
struct vexfs_pace {
	u32 ps;
	u32 doubt;
	u32 doubt_at;
};

enum vexfs_shape {
	VEXFS_SHAPE_SCAN,
	VEXFS_SHAPE_GATHER,
	VEXFS_SHAPE_BLOCK,
	VEXFS_SHAPES
};

/* Conversions, as they are paced. */
enum vexfs_move {
	VEXFS_MOVE_FROM_F32,
	VEXFS_MOVE_FROM_RAW,
	VEXFS_MOVE_TO_F32,
	VEXFS_MOVES
};

/**
 * struct vexfs_math_paces - what the operations of an entry cost
 * @shape: by enum vexfs_shape; a unit is 64 bytes of a row (of one query and one row
 *	in a block), and one more for each row
 * @part: the same for work inside a row
 * @pack: for packing queries for the block shape
 * @code_block: the block of codes
 * @code_pack: packing queries for it
 * @code_rows: making codes
 * @code_scan: comparing codes with one query; a unit is 64 bytes of a code
 *
 * On cache lines of its own: what is learned does not disturb who reads the table.
 */
struct vexfs_math_paces {
	struct vexfs_pace shape[VEXFS_SHAPES];
	struct vexfs_pace part;
	struct vexfs_pace pack;
	struct vexfs_pace code_block;
	struct vexfs_pace code_pack;
	struct vexfs_pace code_rows;
	struct vexfs_pace code_scan;
} __aligned(64);

/*
 * A key that scan and gather could not find in f32 (a product overflowed, or a
 * norm is out of the range in which f32 is sound). Not the key of any distance.
 * The caller finds the real one with vexfs_wide_part() and vexfs_wide_finish().
 */
#define VEXFS_KEY_WIDE		0xffffffffu

/**
 * struct vexfs_math_state - what a row leaves between two parts of it
 * @bytes: private to the function that works on the row; all zero before the
 *	first part
 */
struct vexfs_math_state {
	u8 bytes[256] __aligned(64);
};

/*
 * Codes: rows as bytes, one after another, each with a header before them. They are
 * the same whoever made them: one variant reads what another wrote.
 */
#define VEXFS_CODE_HEAD		16u
#define VEXFS_CODE_QUERY_HEAD	64u
#define VEXFS_CODE_MAX_DIM	4096u

/* True when a scan prefetches far ahead. Set when the module is loaded. */
extern bool vexfs_scan_far;

/* Bytes from row to row. */
static inline u32 vexfs_code_step(const struct vexfs_space *sp)
{
	return VEXFS_CODE_HEAD + ((sp->dim + 15) & ~15u);
}

/* Bytes of a query against codes. */
static inline size_t vexfs_code_query_bytes(const struct vexfs_space *sp)
{
	return VEXFS_CODE_QUERY_HEAD + ((vexfs_code_step(sp) + 63) & ~63u);
}

static inline bool vexfs_code_fits(const struct vexfs_space *sp)
{
	return (sp->type == VEXFS_TYPE_F32 || sp->type == VEXFS_TYPE_F16 ||
		sp->type == VEXFS_TYPE_BF16) && sp->dim <= VEXFS_CODE_MAX_DIM &&
	       (sp->metric == VEXFS_METRIC_L2 || sp->metric == VEXFS_METRIC_IP ||
		sp->metric == VEXFS_METRIC_COS);
}

/**
 * struct vexfs_math_codes - how to work on codes of f32, f16 or bf16
 * @name: of the instructions it uses, for people
 * @needs: bits of enum vexfs_cpu
 * @rows: make the codes of @n rows, one after another at @out
 * @query: make a query against codes, 64-byte aligned
 * @scan: the query against the codes of @n rows: names every row within @limit, and
 *	a few more, as its index plus @row_base. Returns how many; no more than @max
 *	are written, so more than @max means that they did not fit
 * @group: queries in a packed group; 0 when there is no block of codes
 * @bytes: bytes of @nq packed queries
 * @pack: as block_pack() of struct vexfs_math_ops
 * @block: as its block(), against codes
 *
 * For what vexfs_code_fits(). Like that block it names every pair within
 * its limit, and a few more besides: how many depends on how well bytes fit the data.
 */
struct vexfs_math_codes {
	const char *name;
	u32 needs;
	void (*rows)(const struct vexfs_space *sp, void *out, const void *rows, const u32 *aux,
		     u32 n);
	void (*query)(const struct vexfs_space *sp, void *out, const void *q, u32 q_aux);
	u32 (*scan)(const struct vexfs_space *sp, const void *query, u32 limit,
		    const void *codes, u32 n, u32 row_base, u16 *near, u32 max);
	u32 group;
	size_t (*bytes)(const struct vexfs_space *sp, u32 nq);
	void (*pack)(const struct vexfs_space *sp, void *packed, const void *queries,
		     const u32 *q_aux, u32 nq, u32 first, u32 count);
	u32 (*block)(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
		     u32 count, const u32 *limits, const void *codes, u32 n, u32 row_base,
		     struct vexfs_block_hit *hits, u32 max);
};

/**
 * struct vexfs_math_ops - one type and metric in one variant
 * @name: of the instructions it uses ("avx512-vnni"), for people
 * @type: enum vexfs_type
 * @metric: enum vexfs_metric
 * @needs: bits of the architecture's features without which it must not be called
 * @fpu: it touches vector registers: call it inside an FPU section only
 * @scan: one query, @n rows @sp->stride apart; returns how many keys are
 *	VEXFS_KEY_WIDE
 * @gather: the same with rows by pointer
 * @part: the bytes @from to @to of one row, both multiples of VEXFS_PART_BYTES
 *	(or @to the stride); parts go in order from 0
 * @finish: the key of the row whose parts are all in @st, bit for bit what
 *	@scan gives; may be VEXFS_KEY_WIDE
 * @block_group: queries in a packed group; 0 when there is no block shape
 *	(each query is scanned then)
 * @block_max_dim: largest dimension for which the block shape may be used
 * @block_bytes: bytes of @nq packed queries
 * @block_pack: pack the groups that hold the queries @first to @first + @count
 *	(@first a multiple of @block_group). The packed form belongs to the entry
 *	that packed it
 * @block: the queries @first to @first + @count (@first a multiple of
 *	@block_group, @count too or up to the end) against @n rows. @limits is
 *	indexed by query, hits carry @row_base plus the row's index. Returns the
 *	number of hits; no more than @max are written, so more than @max means
 *	that it did not fit
 * @codes: work on codes of rows of this type, or NULL
 * @pace: what all of that costs here
 *
 * In the table of a variant an entry whose @scan is NULL stands for a type and metric
 * that do not go together. Rows and queries are VEXFS_ROW_ALIGN aligned and zero padded.
 * Scan, gather and block take any @n, but the caller holds the FPU for as long as they run.
 */
struct vexfs_math_ops {
	const char *name;
	u8 type;
	u8 metric;
	bool fpu;
	u32 needs;

	u32 (*scan)(const struct vexfs_space *sp, const void *q, u32 q_aux,
		    const void *rows, const u32 *aux, u32 n, u32 *keys);
	u32 (*gather)(const struct vexfs_space *sp, const void *q, u32 q_aux,
		      const void *const *rows, const u32 *aux, u32 n, u32 *keys);
	void (*part)(const struct vexfs_space *sp, const void *q, const void *row,
		     u32 from, u32 to, struct vexfs_math_state *st);
	u32 (*finish)(const struct vexfs_space *sp, const struct vexfs_math_state *st,
		      u32 q_aux, u32 aux);

	u32 block_group;
	u32 block_max_dim;
	size_t (*block_bytes)(const struct vexfs_space *sp, u32 nq);
	void (*block_pack)(const struct vexfs_space *sp, void *packed, const void *queries,
			   const u32 *q_aux, u32 nq, u32 first, u32 count);
	u32 (*block)(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
		     u32 count, const u32 *limits, const void *rows, const u32 *aux, u32 n,
		     u32 row_base, struct vexfs_block_hit *hits, u32 max);

	const struct vexfs_math_codes *codes;
	struct vexfs_math_paces pace;
};

/**
 * struct vexfs_math_conv - conversions of one type in one variant
 * @type: enum vexfs_type
 * @needs: bits of the architecture's features
 * @from_f32: components @from to @from + @count of the vector of floats at @src
 *	(any alignment) into @row; both numbers multiples of VEXFS_PART_DIMS, or
 *	up to @sp->dim, and then the padding of @row is written too. 0 or -EDOM
 * @from_raw: the same from components of the row's own type
 * @aux: the auxiliary of the row whose parts are all in @st
 * @rows: f32 from f32, @n whole rows with their auxiliaries, or NULL; vectors lie
 *	@src_step bytes apart. With @away stores bypass the cache, and are ordered
 *	before what follows. Returns how many are complete: less is -EDOM
 * @paged: the same for vectors in pages that may change meanwhile, from @first on
 * @to_f32: components of a row as floats, @dst at any alignment
 * @pace: by enum vexfs_move; a unit is VEXFS_CONVERT_UNIT components
 *
 * All of them use the FPU.
 */
struct vexfs_math_conv {
	u8 type;
	u32 needs;
	int (*from_f32)(const struct vexfs_space *sp, void *row, const void *src,
			u32 from, u32 count, struct vexfs_math_state *st);
	int (*from_raw)(const struct vexfs_space *sp, void *row, const void *src,
			u32 from, u32 count, struct vexfs_math_state *st);
	u32 (*aux)(const struct vexfs_space *sp, const struct vexfs_math_state *st);
	u32 (*rows)(const struct vexfs_space *sp, void *rows, u32 *aux, const void *src,
		    size_t src_step, u32 n, bool away);
	u32 (*paged)(const struct vexfs_space *sp, void *rows, u32 *aux,
		     const struct vexfs_paged *src, u32 first, u32 n, bool away);
	void (*to_f32)(const struct vexfs_space *sp, void *dst, const void *row,
		       u32 from, u32 count);

	struct vexfs_pace pace[VEXFS_MOVES];
};

#define VEXFS_CONVERT_UNIT	16u

/**
 * struct vexfs_math_variant - a set of instructions
 * @name: what the parameter calls it
 * @needs: bits of the architecture's features without which none of it may run
 * @list: entries for the table. For a type and metric there may be several: the last
 *	whose @needs are met is the best
 * @nr: length of @list
 * @convs: entries for the table of conversions
 * @nr_convs: length of @convs
 * @codes: work on codes, or NULL
 * @lacks: why the machine cannot run it, or NULL
 * @avoided: it can, but the kernel advises against it: only for whoever asks by name
 * @failed: what the self-test found wrong, or NULL; see vexfs_variant_fail()
 * @ops: the table: what this machine can do best, by type and metric
 * @convert: by type
 *
 * Every variant has an entry for each type and metric with its own @needs alone. What
 * comes before @lacks is constant, the rest is filled in when the module is loaded.
 * Variants are static, so a pointer to one, or to an entry of its table, is good for
 * ever: whoever read it before a switch finishes with what it started with.
 */
struct vexfs_math_variant {
	const char *name;
	u32 needs;
	const struct vexfs_math_ops *list;
	u32 nr;
	const struct vexfs_math_conv *convs;
	u32 nr_convs;
	const struct vexfs_math_codes *codes;

	const char *lacks;
	bool avoided;
	const char *failed;
	struct vexfs_math_ops ops[VEXFS_TYPES][VEXFS_METRICS];
	struct vexfs_math_conv convert[VEXFS_TYPES];
};

/* The entries of integer types in the scalar variant have @fpu false. */
extern struct vexfs_math_variant vexfs_math_scalar;

/* In all these the best one is the last. */
const struct vexfs_math_ops *vexfs_math_find_ops(const struct vexfs_math_variant *v, u32 cpu,
						   u32 type, u32 metric);
const struct vexfs_math_conv *vexfs_math_find_conv(const struct vexfs_math_variant *v, u32 cpu,
						   u32 type);
/* NULL where there is none for the type and metric. */
const struct vexfs_math_codes *vexfs_math_find_codes(const struct vexfs_math_variant *v, u32 cpu,
						     u32 type, u32 metric);

/*
 * f32, f16 and bf16 with inner product or cosine, in doubles, for the rows that
 * came out as VEXFS_KEY_WIDE; one implementation for all variants. Uses the FPU.
 */
void vexfs_wide_part(const struct vexfs_space *sp, const void *q, const void *row,
		     u32 from, u32 to, struct vexfs_math_state *st);
u32 vexfs_wide_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st);

#endif
