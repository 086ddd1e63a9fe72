// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search: every row is compared. One query reads the rows once, at the
 * speed of memory, or their codes, where there are some, and the rows that may be
 * near; many queries share each block of rows while it is in the cache. Results
 * are the same whatever the way and however many CPUs help: candidates are ordered
 * by key and id, and keys come from the arithmetic's fixed order. Must not take a
 * lock that a writer waits for.
 *
 * It answers for one moment, that at which it begins: rows that came later do not
 * count, rows that went later do. So what others store, update and delete while it
 * runs can neither hide a vector from it nor show one twice.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "index/search.h"
#include "mem/pool.h"
#include "mem/tunable.h"

#define CHUNK_ROWS	VEXFS_BLOCK_ROWS	/* rows looked at in one go, at most */
#define CHUNK_BYTES	(256u << 10)		/* ... and their bytes, while they stay cached */
#define SPARSE		4u			/* one in so many passes: gather, not scan */
#define BLOCK_QUERIES	8u			/* fewer are scanned one by one */
#define BLOCK_HITS	16384u			/* candidate pairs of one block */
#define CODES_MOST	VEXFS_FILTER_RUN	/* rows that codes may leave of a chunk */
#define CODES_PAUSE	64u			/* chunks without codes, at most, when they fail */
#define HELPERS_MAX	64u

static VEXFS_TUNABLE(search_threads, 0, 0, HELPERS_MAX, "CPUs",
		     "Most CPUs that one exact search may use (0: all)", 0644);
static VEXFS_TUNABLE(search_parallel_bytes, 16777216, 1, 4294967295, "bytes",
		     "Bytes of rows that an exact search must have to compare for each CPU it uses",
		     0644);

static VEXFS_TUNABLE(search_batching, 1, 0, 1, "flag",
		     "Compare the queries of one call with each block of rows together", 0644);

static struct workqueue_struct *search_wq;

/**
 * struct exact_run - an exact search under way
 * @s: what is searched
 * @d: the directory as it was when it began
 * @moment: which it answers for
 * @chunk: rows looked at in one go
 * @scratch: bytes that the block form wants for each CPU, or 0
 * @packed: the queries as the block form wants them, or NULL
 * @packed_bytes: its size
 * @coded: the queries as a scan of codes wants them, or NULL
 * @coded_step: bytes of each
 * @next: extent that nobody has taken yet
 * @err: why it ends early
 */
struct exact_run {
	struct vexfs_search_job *s;
	struct vexfs_dir *d;
	u64 moment;
	u32 chunk;
	size_t scratch;
	void *packed;
	size_t packed_bytes;
	void *coded;
	size_t coded_step;
	atomic_t next;
	int err;
};

/**
 * struct exact_work - what one CPU needs meanwhile
 * @run: the search
 * @results: its own heaps
 * @work: how a helper is started
 * @hits: candidate pairs of a block
 * @sorted: the same by query
 * @limits: of each query, and then where its hits begin
 * @scratch: for the block form
 * @keys: distances of a chunk
 * @rows: rows to gather
 * @aux: theirs
 * @where: their numbers in the chunk
 * @pass: rows of a chunk that pass the filter, or that codes have left
 * @state: of the rows of a chunk, seen before the rows: LIVE for those that may count
 * @pause: chunks that are still to be compared without codes
 * @paused: chunks of the last such pause
 */
struct exact_work {
	struct exact_run *run;
	struct vexfs_topk *results;
	struct work_struct work;
	struct vexfs_block_hit *hits;
	struct vexfs_block_hit *sorted;
	u32 *limits;
	void *scratch;
	u32 keys[CHUNK_ROWS];
	const void *rows[VEXFS_FILTER_RUN];
	u32 aux[VEXFS_FILTER_RUN];
	u16 where[VEXFS_FILTER_RUN];
	u16 pass[VEXFS_FILTER_RUN];
	u8 state[CHUNK_ROWS] __aligned(8);
	u32 pause;
	u32 paused;
};

static void offer(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 key)
{
	const u64 *self = w->run->s->self;
	u64 id = e->ids[row];

	if ((!self || self[q] != id) && vexfs_span_has(e, row, w->run->moment))
		vexfs_topk_offer(&w->results[q], key, id, e->first + row);
}

/* One query, rows one after another; only rows whose state is LIVE may count. */
static int scan_rows(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	const struct vexfs_topk *t = &w->results[q];
	u32 limit, i;
	int err;

	err = vexfs_math_scan(&s->c->space, vexfs_job_query(s, q), s->aux[q],
			      e->rows + (size_t)row * s->c->space.stride, e->aux + row, n, w->keys);
	if (err)
		return err;
	limit = t->limit;
	for (i = 0; i < n; i++) {
		if (likely(w->keys[i] > limit))
			continue;
		if (w->state[i] == VEXFS_SLOT_LIVE) {
			offer(w, q, e, row + i, w->keys[i]);
			limit = t->limit;
		}
	}
	return 0;
}

/* One query, the @n rows of w->rows. */
static int gather_rows(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 i;
	int err;

	err = vexfs_math_gather(&s->c->space, vexfs_job_query(s, q), s->aux[q], w->rows, w->aux,
				n, w->keys);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		if (w->keys[i] <= w->results[q].limit)
			offer(w, q, e, row + w->where[i], w->keys[i]);
	return 0;
}

static void gather_add(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 i, u32 at)
{
	w->rows[at] = e->rows + (size_t)(row + i) * w->run->s->c->space.stride;
	w->aux[at] = e->aux[row + i];
	w->where[at] = i;
}

/*
 * One query by codes: what they leave gets its key from the rows. -EOVERFLOW when
 * they leave too much; then the rows themselves are to be scanned.
 */
static int code_rows(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	struct exact_run *run = w->run;
	struct vexfs_collection *c = run->s->c;
	int left, i;
	u32 at = 0;

	/* codes of slots that were never used could be anything */
	while (n && w->state[n - 1] != VEXFS_SLOT_LIVE)
		n--;
	left = vexfs_math_code_scan(&c->space, run->coded + q * run->coded_step,
				    w->results[q].limit,
				    e->codes + (size_t)row * c->code_bytes, n, w->pass, CODES_MOST);
	if (left < 0)
		return left;
	for (i = 0; i < left; i++)
		if (w->state[w->pass[i]] == VEXFS_SLOT_LIVE)
			gather_add(w, e, row, w->pass[i], at++);
	return at ? gather_rows(w, q, e, row, at) : 0;
}

/*
 * One query, rows one after another. Codes are of no use before there is a limit,
 * nor where they leave much: then they are tried again later and later.
 */
static int compare_rows(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	int err;

	if (!w->run->coded || w->results[q].limit == ~0u)
		return scan_rows(w, q, e, row, n);
	if (w->pause) {
		w->pause--;
		return scan_rows(w, q, e, row, n);
	}
	err = code_rows(w, q, e, row, n);
	if (err != -EOVERFLOW) {
		w->paused = 0;
		return err;
	}
	w->paused = min(2 * w->paused + 1, CODES_PAUSE);
	w->pause = w->paused;
	return scan_rows(w, q, e, row, n);
}

/*
 * Rows that do not pass the filter are as good as dead. Returns how many are
 * left, which are in w->rows when they are few enough to gather.
 */
static u32 filter_rows(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 attr_size = s->c->attr_size;
	u32 i, j, m, from, passed, left = 0;

	for (i = 0; i < n; i += m) {
		m = min(VEXFS_FILTER_RUN, n - i);
		passed = vexfs_filter_run(s->filter, e->attrs + (size_t)(row + i) * attr_size,
					  attr_size, m, w->pass);
		for (from = i, j = 0; j < passed; j++) {
			u32 at = i + w->pass[j];

			memset(w->state + from, VEXFS_SLOT_DEAD, at - from);
			from = at + 1;
			if (w->state[at] != VEXFS_SLOT_LIVE)
				continue;
			if (left < VEXFS_FILTER_RUN)
				gather_add(w, e, row, at, left);
			left++;
		}
		memset(w->state + from, VEXFS_SLOT_DEAD, i + m - from);
	}
	return left;
}

/* ---- many queries ---- */

/* The survivors of a block get their key in the fixed order. */
static int block_survivors(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 nhits)
{
	u32 nq = w->run->s->nq;
	u32 *start = w->limits;
	u32 i, q, n, at;
	int err;

	/* by query: count, add up, put each in its place */
	memset(start, 0, (nq + 1) * sizeof(*start));
	for (i = 0; i < nhits; i++)
		start[w->hits[i].query + 1]++;
	for (q = 0; q < nq; q++)
		start[q + 1] += start[q];
	for (i = 0; i < nhits; i++)
		w->sorted[start[w->hits[i].query]++] = w->hits[i];

	for (i = 0; i < nhits; i = at) {
		q = w->sorted[i].query;
		for (at = i, n = 0; at < nhits && n < VEXFS_FILTER_RUN && w->sorted[at].query == q;
		     at++) {
			u32 hit = w->sorted[at].row;

			if (w->state[hit] == VEXFS_SLOT_LIVE)
				gather_add(w, e, row, hit, n++);
		}
		err = n ? gather_rows(w, q, e, row, n) : 0;
		if (err)
			return err;
	}
	return 0;
}

/*
 * The largest key that may still change an answer, of rows whose ids are @least or
 * more: one that is as far as the farthest of a full heap must have a smaller id.
 * Coarse distances are often equal, and each pair would be looked at.
 */
static u32 block_limit(const struct vexfs_topk *t, u64 least)
{
	if (t->n == t->k && (t->more || !t->want_more) && t->limit &&
	    t->hits[0].key == t->limit && t->hits[0].id <= least)
		return t->limit - 1;
	return t->limit;
}

static int block_rows(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct exact_run *run = w->run;
	struct vexfs_search_job *s = run->s;
	const void *codes = e->codes ? e->codes + (size_t)row * s->c->code_bytes : NULL;
	u64 least = U64_MAX;
	int hits, err;
	u32 q, i;

	hits = -EOVERFLOW;
	if (run->packed && w->hits) {
		for (i = 0; i < n; i++)
			least = min(least, READ_ONCE(e->ids[row + i]));
		for (q = 0; q < s->nq; q++)
			w->limits[q] = block_limit(&w->results[q], least);
		vexfs_stack_check(&s->op->stack);
		hits = vexfs_math_block(&s->c->space, run->packed, s->nq, w->limits,
					e->rows + (size_t)row * s->c->space.stride, e->aux + row, n,
					codes, w->scratch, w->hits, BLOCK_HITS);
	}
	if (hits >= 0)
		return block_survivors(w, e, row, hits);
	if (hits != -EOVERFLOW)
		return hits;
	/* the limits are not tight yet: the plain way tightens them */
	for (q = 0; q < s->nq; q++) {
		err = compare_rows(w, q, e, row, n);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* ---- chunks and extents ---- */

#define STATES(s)	((s) * 0x0101010101010101ULL)

/*
 * Takes the states of rows. A row that has died since the moment that counts is
 * as good as LIVE. Returns whether there is any such row.
 */
static bool take_states(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	u32 i, j;
	bool any = false;

	memcpy(w->state, e->state + row, n);
	memset(w->state + n, VEXFS_SLOT_FREE, round_up(n, 8) - n);
	/* states before rows: see vexfs_slot_state() */
	smp_rmb();
	for (i = 0; i < n; i += 8) {
		u64 eight = *(u64 *)(w->state + i);

		if (likely(eight == STATES(VEXFS_SLOT_LIVE)) || !eight) {
			any |= eight;
			continue;
		}
		for (j = i; j < i + 8; j++) {
			if (w->state[j] == VEXFS_SLOT_DEAD && vexfs_dead_had(e, row + j, w->run->moment))
				w->state[j] = VEXFS_SLOT_LIVE;
			any |= w->state[j] == VEXFS_SLOT_LIVE;
		}
	}
	return any;
}

static int chunk(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 left = n, q;
	int err;

	if (!take_states(w, e, row, n))
		return 0;
	if (s->filter) {
		left = filter_rows(w, e, row, n);
		if (!left)
			return 0;
	}
	if (s->nq == 1 && (!s->filter || left > VEXFS_FILTER_RUN || left >= n / SPARSE)) {
		atomic64_add(n, &s->distances);
		return compare_rows(w, 0, e, row, n);
	}
	if (!s->filter || left > VEXFS_FILTER_RUN || left >= n / SPARSE) {
		atomic64_add((u64)n * s->nq, &s->distances);
		return block_rows(w, e, row, n);
	}
	atomic64_add((u64)left * s->nq, &s->distances);
	for (q = 0; q < s->nq; q++) {
		err = gather_rows(w, q, e, row, left);
		if (err)
			return err;
	}
	return 0;
}

/* Deadline for everyone, signals for the one who asked. */
static int expired(struct exact_work *w, bool helper)
{
	struct exact_run *run = w->run;
	struct vexfs_op *op = run->s->op;

	vexfs_stack_check(&op->stack);
	if (READ_ONCE(run->err))
		return run->err;
	if (!helper && signal_pending(current))
		return -EINTR;
	if (op->deadline_ns && ktime_get_ns() >= op->deadline_ns)
		return -ETIME;
	return 0;
}

static void run_extents(struct exact_work *w, bool helper)
{
	struct exact_run *run = w->run;
	int err = 0;

	while (!err) {
		u32 number = atomic_fetch_inc(&run->next);
		struct vexfs_extent *e;
		u32 row, n;

		if (number >= run->d->room)
			return;
		e = READ_ONCE(run->d->ext[number]);
		for (row = 0; e && row < e->nrows && !err; row += n) {
			n = min(run->chunk, e->nrows - row);
			err = expired(w, helper) ?: chunk(w, e, row, n);
			cond_resched();
		}
	}
	WRITE_ONCE(run->err, err);
}

static void help(struct work_struct *work)
{
	run_extents(container_of(work, struct exact_work, work), true);
}

/* ---- setting up ---- */

/*
 * What a worker needs for blocks, in one piece, for it is more than a pool has:
 * hits as they come and sorted, scratch, limits; each begins a cache line.
 */
static size_t block_buffer_bytes(const struct exact_run *run)
{
	return 2 * BLOCK_HITS * sizeof(struct vexfs_block_hit) + run->scratch +
	       (run->s->nq + 1) * sizeof(u32);
}

static void work_free(struct exact_work *w)
{
	vexfs_pool_free(w->hits, block_buffer_bytes(w->run));
	vexfs_pool_free(w, sizeof(*w));
}

static struct exact_work *work_new(struct exact_run *run)
{
	struct vexfs_op *op = run->s->op;
	struct exact_work *w = vexfs_op_alloc(op, sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	w->run = run;
	w->results = run->s->results;
	w->hits = NULL;
	w->limits = NULL;
	w->scratch = NULL;
	w->pause = 0;
	w->paused = 0;
	if (run->packed) {
		w->hits = vexfs_op_alloc(op, block_buffer_bytes(run), GFP_KERNEL);
		if (!w->hits) {
			work_free(w);
			return NULL;
		}
		w->sorted = w->hits + BLOCK_HITS;
		if (run->scratch)
			w->scratch = w->sorted + BLOCK_HITS;
		w->limits = (void *)(w->sorted + BLOCK_HITS) + run->scratch;
	}
	return w;
}

/* A helper's own heaps: copies of the settings, nothing in them. */
static size_t results_bytes(const struct vexfs_search_job *s)
{
	return s->nq * (sizeof(struct vexfs_topk) +
			(size_t)s->results[0].k * sizeof(struct vexfs_hit));
}

static struct exact_work *helper_new(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	struct exact_work *w = work_new(run);
	struct vexfs_hit *hits;
	u32 q;

	if (!w)
		return NULL;
	w->results = vexfs_op_alloc(s->op, results_bytes(s), GFP_KERNEL | __GFP_NORETRY);
	if (!w->results) {
		work_free(w);
		return NULL;
	}
	hits = (struct vexfs_hit *)(w->results + s->nq);
	for (q = 0; q < s->nq; q++) {
		w->results[q] = s->results[q];
		w->results[q].hits = hits + (size_t)q * s->results[0].k;
	}
	INIT_WORK(&w->work, help);
	return w;
}

static u32 helpers_wanted(const struct exact_run *run)
{
	u64 rows = vexfs_slots_end(run->s->c);
	u64 bytes = rows * (run->coded ? run->s->c->code_bytes : run->s->c->space.stride) *
		    run->s->nq;
	u32 most = READ_ONCE(vexfs_search_threads) ?: num_online_cpus();
	u64 fit = bytes / READ_ONCE(vexfs_search_parallel_bytes);

	most = min3(most, num_online_cpus(), HELPERS_MAX + 1);
	return most > 1 && fit > 1 ? min_t(u64, fit, most) - 1 : 0;
}

/* All extents, with as many helpers as are worth it and can be had. */
static int run_all(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	struct exact_work *own, **helper = NULL;
	u32 wanted, n = 0, i, q;

	own = work_new(run);
	if (!own)
		return -ENOMEM;
	wanted = helpers_wanted(run);
	if (wanted)
		helper = vexfs_op_alloc(s->op, wanted * sizeof(*helper), GFP_KERNEL);
	if (helper) {
		while (n < wanted && (helper[n] = helper_new(run)))
			queue_work(search_wq, &helper[n++]->work);
	}
	run_extents(own, false);
	for (i = 0; i < n; i++) {
		/* one that has not begun has nothing left to do */
		cancel_work_sync(&helper[i]->work);
		for (q = 0; q < s->nq; q++)
			vexfs_topk_merge(&s->results[q], &helper[i]->results[q]);
		vexfs_pool_free(helper[i]->results, results_bytes(s));
		work_free(helper[i]);
	}
	vexfs_pool_free(helper, wanted * sizeof(*helper));
	work_free(own);
	return run->err;
}

/* The queries for scans of codes. Where there can be none, rows are scanned. */
static int make_coded(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	const struct vexfs_space *sp = &s->c->space;
	int err = 0;
	u32 q;

	run->coded_step = vexfs_math_code_query_bytes(sp);
	run->coded = vexfs_op_alloc(s->op, s->nq * run->coded_step, GFP_KERNEL);
	if (!run->coded)
		return -ENOMEM;
	for (q = 0; q < s->nq && !err; q++)
		err = vexfs_math_code_query(sp, run->coded + q * run->coded_step,
					    vexfs_job_query(s, q), s->aux[q]);
	if (err) {
		vexfs_pool_free(run->coded, s->nq * run->coded_step);
		run->coded = NULL;
		return 0;
	}
	run->chunk = CHUNK_ROWS;
	if (!s->filter)
		s->plan = VEXFS_PLAN_SCAN_CODES;
	return 0;
}

static int search(struct vexfs_search_job *s)
{
	const struct vexfs_space *sp = &s->c->space;
	struct exact_run run = {
		.s = s,
		.moment = vexfs_moment(s->c),
		.chunk = clamp(CHUNK_BYTES / sp->stride, 16u, CHUNK_ROWS),
	};
	int err = 0;

	/* after the moment: it has the extents of all that was there */
	run.d = vexfs_dir(s->c);
	s->plan = s->filter ? VEXFS_PLAN_SCAN_MATCHES : VEXFS_PLAN_SCAN;
	if (s->nq >= BLOCK_QUERIES && READ_ONCE(vexfs_search_batching)) {
		run.packed_bytes = vexfs_math_block_bytes(sp, s->nq);
		run.packed = vexfs_op_alloc(s->op, run.packed_bytes, GFP_KERNEL);
		if (!run.packed)
			return -ENOMEM;
		if (!s->c->code_bytes)
			run.scratch = ALIGN(vexfs_math_block_scratch(sp, run.chunk), 64);
		err = vexfs_math_block_pack(sp, run.packed, s->queries, s->aux, s->nq);
		if (!s->filter)
			s->plan = VEXFS_PLAN_BLOCK;
	} else if (s->c->code_bytes) {
		err = make_coded(&run);
	}
	if (!err)
		err = run_all(&run);
	vexfs_pool_free(run.packed, run.packed_bytes);
	vexfs_pool_free(run.coded, s->nq * run.coded_step);
	return err;
}

int vexfs_search_exact(struct vexfs_search_job *s)
{
	int idx = vexfs_read_lock(s->c);
	int err = search(s);
	u32 q;

	for (q = 0; q < s->nq; q++)
		vexfs_topk_sort(&s->results[q]);
	vexfs_read_unlock(s->c, idx);
	s->op->distances += atomic64_read(&s->distances);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_search_exact);

int vexfs_exact_init(void)
{
	search_wq = alloc_workqueue("vexfs_search", WQ_UNBOUND, 0);
	return search_wq ? 0 : -ENOMEM;
}

void vexfs_exact_exit(void)
{
	destroy_workqueue(search_wq);
}
