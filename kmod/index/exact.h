/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of exact search and its tests: exact.c goes through the extents,
 * exact_rows.c compares one query with rows, exact_codes.c with codes, exact_block.c
 * compares many queries at once.
 */
#ifndef _VEXFS_INDEX_EXACT_H
#define _VEXFS_INDEX_EXACT_H

#include <linux/completion.h>
#include <linux/workqueue.h>

#include "index/search.h"
#include "mem/payer.h"
#include "mem/tunable.h"

#define CHUNK_ROWS	VEXFS_BLOCK_ROWS	/* most rows of a chunk */

extern u32 vexfs_search_codes;
extern u32 vexfs_exact_plain;

/* Number of searches after which codes are made; 0 for never. */
static inline u32 vexfs_codes_after(void)
{
	return READ_ONCE(vexfs_exact_plain) & VEXFS_PLAIN_CODES ? 0 : READ_ONCE(vexfs_search_codes);
}

/**
 * struct exact_run - an exact search under way
 * @s: the search
 * @d: the directory as it was when it began
 * @chunk: rows compared in one step
 * @scratch: bytes of scratch for a block, for each CPU, or 0
 * @packed: the packed queries of a block, or NULL
 * @packed_bytes: size of @packed
 * @coded: the queries as codes, or NULL
 * @coded_step: bytes of each coded query
 * @make: missing codes are made
 * @payer: memory cgroup that helpers charge
 * @next: next extent to take
 * @helping: helpers that have begun or may begin, and the caller
 * @helped: the last of them has ended
 * @err: why it ends early
 */
struct exact_run {
	struct vexfs_search_job *s;
	struct vexfs_dir *d;
	u32 chunk;
	size_t scratch;
	void *packed;
	size_t packed_bytes;
	void *coded;
	size_t coded_step;
	bool make;
	struct mem_cgroup *payer;
	atomic_t next;
	atomic_t helping;
	struct completion helped;
	int err;
};

/**
 * struct exact_work - state of one CPU
 * @run: the search
 * @results: heaps of this worker
 * @work: how a helper is started
 * @room: of a block: its candidate pairs, or NULL; scratch; @keys
 * @sorted: the same pairs by query
 * @limits: of each query, and then where its hits begin
 * @keys: distances of a chunk
 * @rows: rows to gather
 * @aux: auxiliaries of @rows
 * @where: their numbers in the chunk
 * @pass: rows of a chunk that pass the filter, or that codes have left
 * @state: of the rows of a chunk, seen before the rows: LIVE for those that may count
 * @pause: chunks that are still to be compared without codes
 * @paused: chunks of the last such pause
 * @dense: chunks of a block whose smallest id is looked for, after one with more pairs than rows
 */
struct exact_work {
	struct exact_run *run;
	struct vexfs_topk *results;
	struct work_struct work;
	struct vexfs_block_room room;
	struct vexfs_block_hit *sorted;
	u32 *limits;
	u32 keys[CHUNK_ROWS];
	const void *rows[VEXFS_FILTER_RUN];
	u32 aux[VEXFS_FILTER_RUN];
	u16 where[VEXFS_FILTER_RUN];
	u16 pass[VEXFS_FILTER_RUN];
	u8 state[CHUNK_ROWS] __aligned(8);
	u32 pause;
	u32 paused;
	u32 dense;
};

static inline void vexfs_exact_offer(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row,
				     u32 key)
{
	const u64 *self = w->run->s->self;
	u64 id = e->ids[row];

	if (vexfs_topk_wants(&w->results[q], key, id) && (!self || self[q] != id) &&
	    vexfs_span_has(e, row, w->run->s->seq))
		vexfs_topk_offer(&w->results[q], key, id, e->first + row);
}

/* Row @row + @i of @e becomes number @at of those to gather. */
static inline void vexfs_exact_gather_add(struct exact_work *w, struct vexfs_extent *e, u32 row,
					  u32 i, u32 at)
{
	w->rows[at] = e->rows + (size_t)(row + i) * w->run->s->c->space.stride;
	w->aux[at] = e->aux[row + i];
	w->where[at] = i;
}

/* One query, the @n rows of w->rows. */
int vexfs_exact_gather(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n);
/* One query, rows one after another; only rows whose state is LIVE may count. */
int vexfs_exact_scan(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n);

/* Decides whether this search makes codes, and in which chunks. */
void vexfs_exact_codes_judge(struct exact_run *run);
/* Makes the codes of the LIVE rows of a chunk of such a search, unless somebody else does. */
void vexfs_exact_codes_make(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n);
/* Converts the queries for scans of codes, if the collection has codes or gets them now. */
int vexfs_exact_codes_begin(struct exact_run *run);
void vexfs_exact_codes_end(struct exact_run *run);
/*
 * Compares one query with codes where they exist, otherwise with rows; makes missing codes if
 * @run->make.
 */
int vexfs_exact_compare(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n);

/* Many queries: memory that they share, and memory of each worker. */
int vexfs_exact_block_begin(struct exact_run *run);
void vexfs_exact_block_end(struct exact_run *run);
int vexfs_exact_block_room(struct exact_work *w);
void vexfs_exact_block_room_free(struct exact_work *w);
int vexfs_exact_block(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n);

#endif
