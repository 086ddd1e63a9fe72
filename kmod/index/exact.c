// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search compares every row. One query reads the rows once, at the speed of memory;
 * where there are codes, it reads those and only the rows that may be near. Many queries
 * share each block of rows while it is in the cache. The plan and the number of CPUs do not
 * change the result: candidates are ordered by key and id, and keys come from the fixed
 * order of the arithmetic. It takes no lock that a writer waits for.
 *
 * It answers for one sequence number, the last one when it begins: rows that were stored
 * with a later one do not count, rows that were deleted with a later one do. So a concurrent
 * store, update or delete can neither hide a vector nor show one twice.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "index/exact.h"
#include "mem/pool.h"

#define CHUNK_BYTES	(256u << 10)		/* bytes of a chunk, so that it stays cached */
#define SPARSE		4u			/* gather when fewer than one row in SPARSE passes */
#define HELPERS_MAX	64u

static VEXFS_TUNABLE(search_threads, 0, 0, HELPERS_MAX, "CPUs",
		     "Most CPUs that one exact search may use (0: all)", 0644);
static VEXFS_TUNABLE(search_parallel_bytes, 16777216, 1, 4294967295, "bytes",
		     "Bytes of rows that an exact search must have to compare for each CPU it uses",
		     0644);

static VEXFS_TUNABLE(search_batching, 1, 0, 1, "flag",
		     "Compare the queries of one call with each block of rows together", 0644);

static VEXFS_TUNABLE(simd_batch, 8, 2, 1024, "queries",
		     "Queries of one call from which on they are compared together", 0644);
static VEXFS_TUNABLE(simd_adaptive, 0, 0, 1, "flag",
		     "Compare even two together where the rows are more than the caches hold", 0644);

u32 vexfs_exact_plain;

void vexfs_exact_restrict(u32 plain)
{
	WRITE_ONCE(vexfs_exact_plain, plain);
}

static struct workqueue_struct *search_wq;

/*
 * Marks rows that do not pass the filter as dead. Returns the number of rows that remain; if they
 * are few enough to gather, they are in w->rows.
 */
static u32 filter_rows(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 attr_size = s->c->attr_size;
	u32 i, j, m, from, passed, left = 0;

	for (i = 0; i < n; i += m) {
		m = min(VEXFS_FILTER_RUN, n - i);
		passed = vexfs_attr_filter_run(s->filter, e->attrs + (size_t)(row + i) * attr_size,
					       attr_size, m, w->pass);
		for (from = i, j = 0; j < passed; j++) {
			u32 at = i + w->pass[j];

			memset(w->state + from, VEXFS_SLOT_DEAD, at - from);
			from = at + 1;
			if (w->state[at] != VEXFS_SLOT_LIVE)
				continue;
			if (left < VEXFS_FILTER_RUN)
				vexfs_exact_gather_add(w, e, row, at, left);
			left++;
		}
		memset(w->state + from, VEXFS_SLOT_DEAD, i + m - from);
	}
	return left;
}

#define STATES(s)	((s) * 0x0101010101010101ULL)

/*
 * Copies the states of rows. A row that was deleted after the sequence number of the search counts
 * as LIVE. Returns true when a row is LIVE.
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
			if (w->state[j] == VEXFS_SLOT_DEAD &&
			    vexfs_dead_had(e, row + j, w->run->s->seq))
				w->state[j] = VEXFS_SLOT_LIVE;
			any |= w->state[j] == VEXFS_SLOT_LIVE;
		}
	}
	return any;
}

static int search_chunk(struct exact_work *w, struct vexfs_extent *e, u32 row, u32 n)
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
		return vexfs_exact_compare(w, 0, e, row, n);
	}
	if (!s->filter || left > VEXFS_FILTER_RUN || left >= n / SPARSE) {
		atomic64_add((u64)n * s->nq, &s->distances);
		return vexfs_exact_block(w, e, row, n);
	}
	atomic64_add((u64)left * s->nq, &s->distances);
	for (q = 0; q < s->nq; q++) {
		err = vexfs_exact_gather(w, q, e, row, left);
		if (err)
			return err;
	}
	return 0;
}

/* Checks the deadline, and signals only in the caller, not in helpers. */
static int search_expired(struct exact_work *w, bool helper)
{
	struct exact_run *run = w->run;
	struct vexfs_op *op = run->s->op;

	vexfs_stack_check(&op->stack);
	do {
		if (READ_ONCE(run->err))
			return run->err;
		if (!helper && vexfs_op_signalled(op))
			return -EINTR;
		if (op->deadline_ns && ktime_get_ns() >= op->deadline_ns)
			return -ETIME;
	} while (vexfs_job_give_way(run->s));
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
			err = search_expired(w, helper) ?: search_chunk(w, e, row, n);
			cond_resched();
		}
	}
	WRITE_ONCE(run->err, err);
}

static void help_search(struct work_struct *work)
{
	struct exact_work *w = container_of(work, struct exact_work, work);
	struct exact_run *run = w->run;
	struct mem_cgroup *before = vexfs_payer_begin(run->payer);

	run_extents(w, true);
	vexfs_payer_end(before);
	if (atomic_dec_and_test(&run->helping))
		complete(&run->helped);
}

static void work_free(struct exact_work *w)
{
	vexfs_exact_block_room_free(w);
	vexfs_pool_free(w, sizeof(*w));
}

static struct exact_work *work_new(struct exact_run *run)
{
	struct vexfs_op *op = run->s->op;
	struct exact_work *w = vexfs_op_alloc(op, sizeof(*w), VEXFS_GFP_USER);

	if (!w)
		return NULL;
	w->run = run;
	w->results = run->s->results;
	w->room = (struct vexfs_block_room){ .keys = w->keys };
	w->limits = NULL;
	w->pause = 0;
	w->paused = 0;
	w->dense = 0;
	if (run->packed && vexfs_exact_block_room(w)) {
		work_free(w);
		return NULL;
	}
	return w;
}

/* Size of a helper's heaps, which have the settings of the caller's and start empty. */
static size_t results_bytes(const struct vexfs_search_job *s)
{
	size_t hits = 0;
	u32 q;

	for (q = 0; q < s->nq; q++)
		hits += s->results[q].k;
	return s->nq * sizeof(struct vexfs_topk) + hits * sizeof(struct vexfs_hit);
}

static struct exact_work *helper_new(struct exact_run *run)
{
	struct vexfs_search_job *s = run->s;
	struct exact_work *w = work_new(run);
	struct vexfs_hit *hits;
	u32 q;

	if (!w)
		return NULL;
	w->results = vexfs_op_alloc(s->op, results_bytes(s), VEXFS_GFP_SPARE);
	if (!w->results) {
		work_free(w);
		return NULL;
	}
	hits = (struct vexfs_hit *)(w->results + s->nq);
	for (q = 0; q < s->nq; q++) {
		w->results[q] = s->results[q];
		w->results[q].hits = hits;
		hits += s->results[q].k;
	}
	INIT_WORK(&w->work, help_search);
	return w;
}

u32 vexfs_exact_cpus(u64 bytes)
{
	u32 most = READ_ONCE(vexfs_search_threads) ?: num_online_cpus();
	u64 fit = bytes / READ_ONCE(vexfs_search_parallel_bytes);

	if (READ_ONCE(vexfs_exact_plain) & VEXFS_PLAIN_ALONE)
		return 1;
	most = min3(most, num_online_cpus(), HELPERS_MAX + 1);
	return most > 1 && fit > 1 ? min_t(u64, fit, most) : 1;
}

static u32 helpers_wanted(const struct exact_run *run)
{
	u64 rows = vexfs_slots_end(run->s->c);
	u64 bytes = rows * (run->coded ? run->s->c->code_bytes : run->s->c->space.stride) *
		    run->s->nq;

	return min(vexfs_exact_cpus(bytes), run->s->cpus ?: HELPERS_MAX) - 1;
}

/*
 * The caller has nothing left to do, and neither has a helper that has not begun. One that pauses
 * may take long: whoever is killed meanwhile does not wait until it goes on.
 */
static void helpers_end(struct exact_run *run, struct exact_work **helper, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (cancel_work(&helper[i]->work))
			atomic_dec(&run->helping);
	if (!atomic_dec_and_test(&run->helping) && wait_for_completion_killable(&run->helped))
		WRITE_ONCE(run->err, -EINTR);
	for (i = 0; i < n; i++)
		cancel_work_sync(&helper[i]->work);
}

/* Searches all extents, with as many helpers as pay off and can be allocated. */
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
		helper = vexfs_op_alloc(s->op, wanted * sizeof(*helper), VEXFS_GFP_USER);
	if (helper) {
		run->payer = vexfs_payer_get();
		atomic_set(&run->helping, 1);
		init_completion(&run->helped);
		while (n < wanted && (helper[n] = helper_new(run))) {
			atomic_inc(&run->helping);
			queue_work(search_wq, &helper[n++]->work);
		}
	}
	run_extents(own, false);
	if (n)
		helpers_end(run, helper, n);
	for (i = 0; i < n; i++) {
		for (q = 0; q < s->nq; q++)
			vexfs_topk_merge(&s->results[q], &helper[i]->results[q]);
		vexfs_pool_free(helper[i]->results, results_bytes(s));
		work_free(helper[i]);
	}
	if (helper)
		vexfs_payer_put(run->payer);
	vexfs_pool_free(helper, wanted * sizeof(*helper));
	work_free(own);
	return run->err;
}

/* Above this size rows do not stay in the caches between queries, so that even two queries gain. */
#define CACHED_BYTES	(16u << 20)

static bool together(const struct vexfs_search_job *s)
{
	u32 least = READ_ONCE(vexfs_simd_batch);

	if (!READ_ONCE(vexfs_search_batching) ||
	    READ_ONCE(vexfs_exact_plain) & VEXFS_PLAIN_ONE_BY_ONE)
		return false;
	if (READ_ONCE(vexfs_simd_adaptive) &&
	    (u64)vexfs_slots_end(s->c) * s->c->space.stride > CACHED_BYTES)
		least = 2;
	return s->nq >= least;
}

static int search_all_rows(struct vexfs_search_job *s)
{
	struct exact_run run = {
		.s = s,
		/* a single query reads each row once: no need to stay cached */
		.chunk = s->nq == 1 ? CHUNK_ROWS :
			 clamp(CHUNK_BYTES / s->c->space.stride, 16u, CHUNK_ROWS),
	};
	int err = 0;

	/* read after the sequence number, so that it has the extents of all rows that count */
	run.d = vexfs_dir(s->c);
	s->plan = s->filter ? VEXFS_PLAN_SCAN_MATCHES : VEXFS_PLAN_SCAN;
	if (together(s))
		err = vexfs_exact_block_begin(&run);
	else
		err = vexfs_exact_codes_begin(&run);
	if (!err)
		err = run_all(&run);
	vexfs_exact_block_end(&run);
	vexfs_exact_codes_end(&run);
	return err;
}

int vexfs_search_exact(struct vexfs_search_job *s)
{
	int err = search_all_rows(s);
	u32 q;

	for (q = 0; q < s->nq; q++)
		vexfs_topk_sort(&s->results[q]);
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
