// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search of many queries, which share each chunk of rows while it is in the cache. The
 * results are those of separate searches.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/exact.h"
#include "mem/pool.h"

#define BLOCK_HITS	16384u			/* candidate pairs of one block */
#define DENSE_CHUNKS	16u			/* see struct exact_work */
#define PLAIN_ROWS	64u			/* up to this number of rows, queries are compared one by one */

/*
 * What a worker needs for blocks, in one piece, for it is more than a pool has:
 * hits as they come and sorted, scratch, limits; each begins a cache line.
 */
static size_t block_buffer_bytes(const struct exact_run *run)
{
	return 2 * BLOCK_HITS * sizeof(struct vexfs_block_hit) + run->scratch +
	       (run->s->nq + 1) * sizeof(u32);
}

int vexfs_exact_block_begin(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	const struct vexfs_space *sp = &s->c->space;
	int err;

	run->packed_bytes = vexfs_math_block_bytes(sp, s->nq);
	run->packed = vexfs_op_alloc(s->op, run->packed_bytes, VEXFS_GFP_USER);
	if (!run->packed)
		return -ENOMEM;
	vexfs_exact_codes_judge(run);
	/* codes that nobody has made are made chunk by chunk, and kept only with run->make */
	if (!s->c->code && vexfs_codes_after())
		run->scratch = ALIGN(vexfs_math_block_scratch(sp, run->chunk), 64);
	if (!s->filter)
		s->plan = VEXFS_PLAN_BLOCK;
	err = vexfs_math_block_pack(sp, run->packed, s->queries, s->aux, s->nq);
	run->make = run->make && vexfs_math_block_coded(run->packed);
	return err;
}

void vexfs_exact_block_end(struct exact_run *run)
{
	vexfs_pool_free(run->packed, run->packed_bytes);
}

int vexfs_exact_block_room(struct exact_work *w)
{
	struct exact_run *run = w->run;

	w->room.hits = vexfs_op_alloc(run->s->op, block_buffer_bytes(run), VEXFS_GFP_USER);
	if (!w->room.hits)
		return -ENOMEM;
	w->room.max_hits = BLOCK_HITS;
	w->sorted = w->room.hits + BLOCK_HITS;
	if (run->scratch)
		w->room.scratch = w->sorted + BLOCK_HITS;
	w->limits = (void *)(w->sorted + BLOCK_HITS) + run->scratch;
	return 0;
}

void vexfs_exact_block_room_free(struct exact_work *w)
{
	vexfs_pool_free(w->room.hits, block_buffer_bytes(w->run));
}

/* Computes the keys of the pairs that a block has found, in the fixed order of the arithmetic. */
static int block_survivors(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 nhits)
{
	u32 nq = w->run->s->nq;
	u32 *start = w->limits;
	u32 i, q, n, at;
	int err;

	/* by query: count, add up, put each in its place */
	memset(start, 0, (nq + 1) * sizeof(*start));
	for (i = 0; i < nhits; i++)
		start[w->room.hits[i].query + 1]++;
	for (q = 0; q < nq; q++)
		start[q + 1] += start[q];
	for (i = 0; i < nhits; i++)
		w->sorted[start[w->room.hits[i].query]++] = w->room.hits[i];

	for (i = 0; i < nhits; i = at) {
		q = w->sorted[i].query;
		for (at = i, n = 0; at < nhits && n < VEXFS_FILTER_RUN && w->sorted[at].query == q;
		     at++) {
			u32 hit = w->sorted[at].row;

			if (w->state[hit] == VEXFS_SLOT_LIVE)
				vexfs_exact_gather_add(w, e, row, hit, n++);
		}
		err = n ? vexfs_exact_gather(w, q, e, row, n) : 0;
		if (err)
			return err;
	}
	return 0;
}

/*
 * The largest key that may still change an answer, of rows whose ids are @least or
 * more: one that is as far as the farthest of a full heap must have a smaller id.
 * Coarse distances are often equal, and each pair would be examined.
 */
static u32 block_limit(const struct vexfs_topk *t, u64 least)
{
	if (t->n == t->k && (t->more || !t->want_more) && t->limit &&
	    t->hits[0].key == t->limit && t->hits[0].id <= least)
		return t->limit - 1;
	return t->limit;
}

/* Number of pairs that may change a result; -EOVERFLOW when there are more than w->room holds. */
static int block_hits(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct exact_run *run = w->run;
	struct vexfs_search_job *s = run->s;
	const void *codes = vexfs_extent_coded(s->c, e, row, n);
	/* equal distances are rare: ids matter only when many pairs came up lately */
	u64 least = w->dense ? U64_MAX : 0;
	int hits;
	u32 q, i;

	for (i = 0; w->dense && i < n; i++)
		least = min(least, READ_ONCE(e->ids[row + i]));
	for (q = 0; q < s->nq; q++)
		w->limits[q] = block_limit(&w->results[q], least);
	vexfs_stack_check(&s->op->stack);
	hits = vexfs_math_block(&s->c->space, run->packed, s->nq, w->limits,
				e->rows + (size_t)row * s->c->space.stride, e->aux + row, n,
				codes, &w->room);
	if (hits == -EOVERFLOW || hits > (int)n)
		w->dense = DENSE_CHUNKS;
	else if (w->dense)
		w->dense--;
	return hits;
}

/* Compares the queries one by one, which lowers limits that are still high. */
static int one_by_one(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	u32 q;
	int err;

	for (q = 0; q < w->run->s->nq; q++) {
		err = vexfs_exact_compare(w, q, e, row, n);
		if (err)
			return err;
		/* helpers get no signals; they see the error in the next chunk */
		if (vexfs_op_signalled(w->run->s->op))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int vexfs_exact_block(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	int hits, err = 0;
	u32 m;

	if (!w->run->packed || !w->room.hits)
		return one_by_one(w, e, row, n);
	if (w->run->make && !vexfs_extent_coded(w->run->s->c, e, row, n))
		vexfs_exact_codes_make(w, e, row, n);
	for (; n && !err; row += m, n -= m) {
		m = n;
		hits = block_hits(w, e, row, m);
		/* fewer rows tighten the limits for those that follow */
		while (hits == -EOVERFLOW && m > PLAIN_ROWS) {
			m = max(m / 2, PLAIN_ROWS);
			hits = block_hits(w, e, row, m);
		}
		if (hits >= 0)
			err = block_survivors(w, e, row, hits);
		else if (hits == -EOVERFLOW)
			err = one_by_one(w, e, row, m);
		else
			err = hits;
		memmove(w->state, w->state + m, n - m);
	}
	return err;
}
