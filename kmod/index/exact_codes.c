// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search of one query by codes: the codes are compared first, and only rows that may be near
 * enough are read. Writers make the codes of collections that were created with codes; for others,
 * searches make them after the first few. The results are those of a scan of the rows.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/exact.h"
#include "mem/pool.h"

#define CODES_MOST	VEXFS_FILTER_RUN	/* most rows of a chunk that may remain after its codes */
#define CODES_PAUSE	64u			/* most chunks that are scanned without codes after these failed */
#define MAKE_LEAST	(2u * CHUNK_ROWS)	/* slots: smaller collections are scanned in one step */

VEXFS_TUNABLE(search_codes, 8, 0, 1000000, "searches",
	      "Exact searches of few queries after which they make codes of the rows (0: never)", 0644);
VEXFS_EXPORT_KUNIT(vexfs_search_codes);

/*
 * True when codes should be made for a collection that has none. Making them costs as much as a few
 * searches. The count of searches need not be exact.
 */
static bool make_worth(struct vexfs_search_job *s)
{
	struct vexfs_collection *c = s->c;
	u32 after = vexfs_codes_after();
	u32 scans = READ_ONCE(c->private);

	/* a filter skips rows, which would have no codes afterwards */
	if (s->filter || !c->code_bytes || c->code || !after || rcu_access_pointer(c->index) ||
	    vexfs_owner_limited() || vexfs_slots_end(c) <= MAKE_LEAST)
		return false;
	if (scans >= after)
		return true;
	WRITE_ONCE(c->private, scans + 1);
	return false;
}

/* Codes are claimed a chunk at a time. */
static_assert(CHUNK_ROWS == VEXFS_CODED_ROWS);

void vexfs_exact_codes_judge(struct exact_run *run)
{
	run->make = make_worth(run->s);
	if (run->make)
		run->chunk = CHUNK_ROWS;
}

int vexfs_exact_codes_begin(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	const struct vexfs_space *sp = &s->c->space;
	int err = 0;
	u32 q;

	vexfs_exact_codes_judge(run);
	if (!READ_ONCE(s->c->has_codes) && !run->make)
		return 0;
	run->coded_step = vexfs_math_code_query_bytes(sp);
	run->coded = vexfs_op_alloc(s->op, s->nq * run->coded_step, VEXFS_GFP_USER);
	if (!run->coded)
		return -ENOMEM;
	for (q = 0; q < s->nq && !err; q++)
		err = vexfs_math_code_query(sp, run->coded + q * run->coded_step,
					    vexfs_job_query(s, q), s->aux[q]);
	if (err) {
		/* the variant in use has no codes: rows are scanned */
		vexfs_exact_codes_end(run);
		return 0;
	}
	run->chunk = CHUNK_ROWS;
	if (!s->filter)
		s->plan = VEXFS_PLAN_SCAN_CODES;
	return 0;
}

void vexfs_exact_codes_end(struct exact_run *run)
{
	vexfs_pool_free(run->coded, run->s->nq * run->coded_step);
	run->coded = NULL;
}

/*
 * Compares one query with codes, and the rows that may be near enough themselves. -EOVERFLOW when
 * these are too many; the caller then scans all rows.
 */
static int code_rows(struct exact_work *w, u32 q, struct vexfs_extent *e, const void *codes,
		     u32 row, u32 n)
{
	struct exact_run *run = w->run;
	int left, i;
	u32 at = 0;

	/* codes of slots that were never used are not initialised */
	while (n && w->state[n - 1] != VEXFS_SLOT_LIVE)
		n--;
	left = vexfs_math_code_scan(&run->s->c->space, run->coded + q * run->coded_step,
				    w->results[q].limit, codes, n, w->pass, CODES_MOST);
	if (left < 0)
		return left;
	for (i = 0; i < left; i++)
		if (w->state[w->pass[i]] == VEXFS_SLOT_LIVE)
			vexfs_exact_gather_add(w, e, row, w->pass[i], at++);
	return at ? vexfs_exact_gather(w, q, e, row, at) : 0;
}

void vexfs_exact_codes_make(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_collection *c = w->run->s->c;
	u32 i, m;

	if (!READ_ONCE(e->codes)) {
		void *codes = vexfs_codes_get(c, e);

		if (!codes)
			return;
		vexfs_math_code_blank(&c->space, codes, e->nrows);
		vexfs_codes_give(c, e, codes);
	}
	if (!vexfs_codes_claim(e, row))
		return;
	for (i = 0; i < n; i += m) {
		const bool live = w->state[i] == VEXFS_SLOT_LIVE;

		for (m = 1; i + m < n && (w->state[i + m] == VEXFS_SLOT_LIVE) == live; m++)
			;
		if (live)
			vexfs_math_code_rows(&c->space,
					     e->codes + (size_t)(row + i) * c->code_bytes,
					     e->rows + (size_t)(row + i) * c->space.stride,
					     e->aux + row + i, m);
	}
	vexfs_codes_made(e, row);
}

/*
 * Codes exclude nothing before the heap is full. Where they exclude too little, they are skipped
 * for a growing number of chunks.
 */
int vexfs_exact_compare(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	const void *codes;
	int err;

	if (!w->run->coded)
		return vexfs_exact_scan(w, q, e, row, n);
	codes = vexfs_extent_coded(w->run->s->c, e, row, n);
	if (!codes) {
		err = vexfs_exact_scan(w, q, e, row, n);
		if (!err && w->run->make)
			vexfs_exact_codes_make(w, e, row, n);
		return err;
	}
	if (w->results[q].limit == ~0u)
		return vexfs_exact_scan(w, q, e, row, n);
	if (w->pause) {
		w->pause--;
		return vexfs_exact_scan(w, q, e, row, n);
	}
	err = code_rows(w, q, e, codes, row, n);
	if (err != -EOVERFLOW) {
		w->paused = 0;
		return err;
	}
	w->paused = min(2 * w->paused + 1, CODES_PAUSE);
	w->pause = w->paused;
	return vexfs_exact_scan(w, q, e, row, n);
}
