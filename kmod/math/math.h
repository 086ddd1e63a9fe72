/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Distances. Rows, queries and counts go in, keys come out; no float crosses
 * this header. Nothing in this directory knows of collections, users or allocation.
 *
 * A key is a u32 that sorts like the distance it stands for. Equal inputs give
 * equal keys whichever variant computes them (docs/arithmetic.md says for
 * which types, and why).
 */
#ifndef _VEXFS_MATH_H
#define _VEXFS_MATH_H

#include "types.h"

#define VEXFS_ROW_ALIGN		64u

/**
 * struct vexfs_space - what the bytes of a row mean; constant once set up
 * @type: enum vexfs_type
 * @metric: enum vexfs_metric
 * @dim: components in a vector (bits, for b1)
 * @row_bytes: bytes that carry components
 * @stride: bytes from row to row: @row_bytes rounded up to VEXFS_ROW_ALIGN;
 *	the bytes between the two are zero in every row and in every query
 */
struct vexfs_space {
	u8 type;
	u8 metric;
	u32 dim;
	u32 row_bytes;
	u32 stride;
};

/* -EINVAL when type, metric and dimension do not go together. */
int vexfs_space_init(struct vexfs_space *sp, u32 type, u32 metric, u32 dim);

/* Names for messages; NULL for an invalid number. */
const char *vexfs_type_name(u32 type);
const char *vexfs_metric_name(u32 metric);

/*
 * Every row has an auxiliary u32 beside it, made when the row is imported and
 * handed back with the row: a norm in a form that only this directory knows.
 *
 * Import writes @stride bytes to @row (64-byte aligned). Both return -EDOM when
 * a component is NaN or infinite or does not fit the type's range (f32 into
 * f16, say; integer types round to nearest even and saturate). @n rows lie
 * @stride bytes apart in @rows and @src_step bytes apart in @src. On -EDOM
 * @bad, if not NULL, is the index of the first row refused; rows before it are
 * complete.
 */
int vexfs_math_import_f32(const struct vexfs_space *sp, void *rows, u32 *aux,
			  const void *src, size_t src_step, u32 n, u32 *bad);
int vexfs_math_import_raw(const struct vexfs_space *sp, void *rows, u32 *aux,
			  const void *src, size_t src_step, u32 n, u32 *bad);
/*
 * The same, f32 or @raw, for rows that are not read soon: stores may bypass
 * the cache, without reading first what they overwrite. Other processors see them
 * in the order of everything else that was written.
 */
int vexfs_math_import_away(const struct vexfs_space *sp, bool raw, void *rows, u32 *aux,
			   const void *src, size_t src_step, u32 n, u32 *bad);

/**
 * struct vexfs_paged - vectors in the row's own type, one right behind the other, in
 *	memory that is there page by page and may change meanwhile
 * @page: the pages
 * @shift: log2 of their size
 * @off: where in the first one the first vector begins
 */
struct vexfs_paged {
	const void *const *page;
	u32 shift;
	size_t off;
};

/*
 * The same for such vectors, of PAGE_SIZE at most: each component is read once, so that
 * what was checked is what is stored. Around the cache where @away. What lies beside
 * the vectors in their pages may be read.
 */
int vexfs_math_import_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
			    const struct vexfs_paged *src, u32 n, u32 *bad, bool away);
int vexfs_math_export_f32(const struct vexfs_space *sp, void *dst, const void *row, u32 aux);

/*
 * Scan: one query against @n rows that lie @sp->stride bytes apart.
 * Gather: one query against @n rows by pointer. Both write @n keys. @q is a
 * row like any other (imported, padded, aligned), @q_aux its auxiliary.
 * Any @n is legal: the work is cut into FPU sections inside.
 */
int vexfs_math_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,
		    const void *rows, const u32 *aux, u32 n, u32 *keys);
int vexfs_math_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,
		      const void *const *rows, const u32 *aux, u32 n, u32 *keys);

/*
 * How to prefetch rows in memory before they are gathered on this processor: how many
 * bytes of each, and whether all of them after they were found instead of meanwhile.
 */
u32 vexfs_math_prefetch_bytes(const struct vexfs_space *sp);
bool vexfs_math_prefetch_late(const struct vexfs_space *sp);

/* Keys and the user's distances: f32 bit patterns, converted exactly. */
u32 vexfs_key_from_f32(u32 f32_bits);
u32 vexfs_key_to_f32(u32 key);

/**
 * struct vexfs_block_hit - a pair that may be near enough
 * @query: index of the query in the block
 * @row: index of the row in the call
 */
struct vexfs_block_hit {
	u32 query;
	u32 row;
};

/*
 * Block: many queries against many rows. Finds every pair whose key is not
 * above the limit of its query, and perhaps a few that are just above it: the
 * caller gets the exact keys of the survivors from vexfs_math_gather(). The
 * packed form of the queries is made once, in memory that the caller provides
 * (64-byte aligned, vexfs_math_block_bytes()).
 *
 * With the rows' @codes, if somebody has kept them, or the scratch of @room it may work on
 * bytes made of the rows, which is faster and names some more pairs; NULL is always right, and
 * the only choice where vexfs_math_block_scratch() says 0.
 *
 * @n rows at most VEXFS_BLOCK_ROWS a call. Returns the number of hits, or -EOVERFLOW when more
 * pairs qualify than there is room for, in which case the caller lowers the limits or uses scan
 * for these rows.
 */
#define VEXFS_BLOCK_ROWS	1024u
#define VEXFS_BLOCK_KEYS	64u

/**
 * struct vexfs_block_room - memory for a block, not shared by two calls at a time
 * @hits: out: the pairs
 * @max_hits: how many it holds
 * @keys: one for each row of a call, VEXFS_BLOCK_KEYS at most; for types that have no block
 * @scratch: 64-byte aligned, vexfs_math_block_scratch() bytes for the rows of a call; or NULL
 */
struct vexfs_block_room {
	struct vexfs_block_hit *hits;
	u32 max_hits;
	u32 *keys;
	void *scratch;
};

size_t vexfs_math_block_bytes(const struct vexfs_space *sp, u32 nq);
int vexfs_math_block_pack(const struct vexfs_space *sp, void *packed,
			  const void *queries, const u32 *q_aux, u32 nq);
/* True when the queries were packed to be compared with codes, too. */
bool vexfs_math_block_coded(const void *packed);
size_t vexfs_math_block_scratch(const struct vexfs_space *sp, u32 n);
int vexfs_math_block(const struct vexfs_space *sp, void *packed, u32 nq,
		     const u32 *limits, const void *rows, const u32 *aux, u32 n,
		     const void *codes, const struct vexfs_block_room *room);

/*
 * Codes: bytes made of a row, with a bound for what was lost, for callers who keep
 * them beside the rows so that a search reads a quarter of the memory. A scan of
 * codes names every row whose key is not above @limit, and a few whose key is just
 * above it: the caller gets the keys of those from vexfs_math_gather(), and its
 * answer is that of a scan of the rows.
 *
 * vexfs_math_code_bytes() is what the code of a row takes, 0 where there are none
 * (only f32, f16 and bf16 under L2, IP and COS, up to 4,096 components). Codes lie
 * that far apart, 64-byte aligned at first, and are good whichever variant made
 * them; where none can, they are blank: a scan names the row always.
 *
 * A query is made once, in 64-byte aligned memory of vexfs_math_code_query_bytes().
 * -EOPNOTSUPP when the variant in use cannot compare codes: scan the rows.
 *
 * vexfs_math_code_scan() takes up to VEXFS_BLOCK_ROWS rows and puts their indices, in
 * order, at @near. Returns how many, or -EOVERFLOW for more than @max.
 */
size_t vexfs_math_code_bytes(const struct vexfs_space *sp);
void vexfs_math_code_rows(const struct vexfs_space *sp, void *codes, const void *rows,
			  const u32 *aux, u32 n);
void vexfs_math_code_blank(const struct vexfs_space *sp, void *codes, u32 n);
size_t vexfs_math_code_query_bytes(const struct vexfs_space *sp);
int vexfs_math_code_query(const struct vexfs_space *sp, void *query, const void *q, u32 q_aux);
int vexfs_math_code_scan(const struct vexfs_space *sp, const void *query, u32 limit,
			 const void *codes, u32 n, u16 *near, u32 max);

/* Tests every variant anew and puts the best, or what was asked for, in use. */
int vexfs_math_restart(void);

int vexfs_math_init(void);
void vexfs_math_exit(void);

#endif
