// SPDX-License-Identifier: GPL-2.0
/*
 * Searches over the graph: decides whether the graph is the best plan, walks for several
 * queries at a time, ranks what was found by the rows themselves, and leaves queries with
 * too few results to the exact search. An answer holds min(k, matches) results.
 */
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_code.h"
#include "index/graph_walk.h"

/*
 * What a plan costs. Without a filter in distances to rows one after another: a
 * candidate that a walk keeps, with all the rows that it reads; queries among which
 * a scan shares its rows. With a filter in records that it reads: a candidate, and
 * the distance to one that matches, whose row lies apart from the last one's. Measured
 * in the uml lab on GloVe-100, see docs/graph.md.
 */
#define COST_CANDIDATE	70u
#define COST_FILTERED	147u
#define COST_MATCH	3u
#define SHARED		2u
#define SHARED_QUERIES	8u

/* Records read to estimate how many pass a filter: runs of so many. */
#define SAMPLE_RUNS	24u
#define SAMPLE_RUN	16u

/* Records whose result is remembered while several queries are answered under one filter. */
#define RECORDS		2048u

/* Number of matches that a walk with a filter should find. */
#define SPARE(k)	(2 * (k) + 32)

/* Candidates of a walk over codes that are ranked by their rows; by bits, all of them. */
#define RERANK(k)	(2 * (k) + 16)

/**
 * struct answering - a job in progress
 * @g: the graph
 * @s: the job
 * @walks: the walks that run side by side
 * @codes: the codes of their queries
 * @code_aux: auxiliaries of the coded queries
 * @raw: scratch for making them
 * @scratch: for dropping ids seen twice
 * @most_k: ids that it has room for
 * @rows: rows to rank by
 * @aux: auxiliaries of @rows
 * @slots: slots of @rows
 * @keys: distances of @rows
 * @records: slot << 1 | passes the filter, at the slot's remainder, for records that a query has
 *	looked at; NULL where nobody else does
 */
struct answering {
	struct vexfs_graph *g;
	struct vexfs_search_job *s;
	struct graph_walk *walks[GRAPH_WALKS];
	void *codes;
	u32 code_aux[GRAPH_WALKS];
	void *raw;
	struct vexfs_hit *scratch;
	u32 most_k;
	const void *rows[GRAPH_LIST_MAX];
	u32 aux[GRAPH_LIST_MAX];
	u32 slots[GRAPH_LIST_MAX];
	u32 keys[GRAPH_LIST_MAX];
	u64 *records;
};

/*
 * How many in a million vectors pass the filter; never none. The sample is random, but the same
 * for one filter at one sequence number: searches that ask the same get the same plan, and the
 * same answer.
 */
static u32 estimate_matches(struct vexfs_search_job *s)
{
	struct vexfs_collection *c = s->c;
	u32 end = vexfs_slots_end(c), live = 0, passed = 0, i, j, n;
	u16 pass[SAMPLE_RUN];
	u64 rnd = vexfs_attr_filter_hash(s->filter) ^ c->serial ^ s->seq;

	for (i = 0; i < SAMPLE_RUNS && end; i++) {
		u32 slot = (u64)vexfs_graph_random(&rnd) * end >> 32, row;
		struct vexfs_extent *e = vexfs_extent(c, slot);

		if (!e)
			continue;
		row = slot - e->first;
		n = min(SAMPLE_RUN, e->nrows - row);
		for (j = 0; j < n; j++)
			live += vexfs_graph_row_live(e, row + j);
		/* of records whose vectors are dead, or will be, no more is asked than this */
		n = vexfs_attr_filter_run(s->filter, e->attrs + (size_t)row * c->attr_size,
					  c->attr_size, n, pass);
		for (j = 0; j < n; j++)
			passed += vexfs_graph_row_live(e, row + pass[j]);
	}
	return live ? div_u64(1000000ull * max(min(passed, live), 1u), live) : 1000000;
}

/* True when a walk is cheaper than comparing rows. Sets @ef to the size of its candidate list. */
static bool worth_it(struct vexfs_graph *g, struct vexfs_search_job *s, u32 *ef)
{
	u64 count = atomic64_read(&s->c->count), scan, wide;
	u32 k = vexfs_job_most_k(s), nq = s->alone ?: s->nq, candidate = COST_CANDIDATE, ppm;

	*ef = max(s->ef ?: VEXFS_GRAPH_EF, k);
	if (s->filter) {
		ppm = estimate_matches(s);
		wide = div_u64(1000000ull * SPARE(k), ppm);
		*ef = max_t(u64, *ef, min_t(u64, wide, U32_MAX));
		count = div_u64(count * ppm * COST_MATCH, 1000000);
		candidate = COST_FILTERED;
	}
	scan = nq >= SHARED_QUERIES ? count / SHARED : count;
	if (s->filter)
		scan += div_u64(vexfs_slots_end(s->c), nq);
	return *ef <= GRAPH_EF_MAX && (u64)*ef * candidate < scan;
}

static bool hit_live(void *arg, u32 slot)
{
	return vexfs_slot_live(arg, slot);
}

/* Does its record pass the filter? */
static bool slot_passes(struct answering *a, u32 slot)
{
	struct vexfs_search_job *s = a->s;
	u64 *known = a->records ? &a->records[slot % RECORDS] : NULL;
	bool passes;

	if (known && *known >> 1 == slot)
		return *known & 1;
	passes = vexfs_attr_filter_match(s->filter, vexfs_slot_attrs(s->c, slot));
	if (known)
		*known = (u64)slot << 1 | passes;
	return passes;
}

/* Offers a node to the results of query @q. */
static bool slot_counts(struct answering *a, u32 q, u32 slot, u64 *id)
{
	struct vexfs_search_job *s = a->s;

	if (!vexfs_slot_live(s->c, slot))
		return false;
	*id = vexfs_slot_id(s->c, slot);
	if (s->self && s->self[q] == *id)
		return false;
	return !s->filter || slot_passes(a, slot);
}

/* Takes the first candidates, which are sorted by the metric of the collection. */
static void take_answers(struct answering *a, u32 q, const struct graph_walk *w)
{
	struct vexfs_topk *t = &a->s->results[q];
	u64 id;
	u32 i;

	for (i = 0; i < w->n; i++) {
		u32 slot = vexfs_graph_found_slot(w->list[i]);
		u32 key = vexfs_graph_found_key(w->list[i]);

		if (t->n == t->k && key > t->limit)
			break;
		if (slot_counts(a, q, slot, &id))
			vexfs_topk_offer(t, key, id, slot);
	}
}

/* The candidates are sorted by codes: the first are ranked by their rows. */
static int take_coded(struct answering *a, u32 q, const struct graph_walk *w)
{
	struct vexfs_search_job *s = a->s;
	struct vexfs_topk *t = &s->results[q];
	u32 left = a->g->code == VEXFS_CODE_B1 ? w->n : RERANK(t->k), i = 0, j, n;
	u64 id;
	int err;

	while (i < w->n && left) {
		for (n = 0; i < w->n && left && n < GRAPH_LIST_MAX; i++) {
			u32 slot = vexfs_graph_found_slot(w->list[i]);

			if (!slot_counts(a, q, slot, &id))
				continue;
			a->slots[n] = slot;
			a->rows[n] = vexfs_slot_row(s->c, slot);
			a->aux[n] = vexfs_slot_aux(s->c, slot);
			vexfs_graph_prefetch(a->rows[n], vexfs_math_prefetch_bytes(&s->c->space));
			n++;
			left--;
		}
		err = vexfs_math_gather(&s->c->space, vexfs_job_query(s, q), s->aux[q], a->rows,
					a->aux, n, a->keys);
		if (err)
			return err;
		atomic64_add(n, &s->distances);
		for (j = 0; j < n; j++)
			if (a->keys[j] <= t->limit)
				vexfs_topk_offer(t, a->keys[j], vexfs_slot_id(s->c, a->slots[j]),
						 a->slots[j]);
	}
	return 0;
}

static int answer_some(struct answering *a, u32 q, u32 n)
{
	struct vexfs_search_job *s = a->s;
	struct vexfs_graph *g = a->g;
	u32 i;
	int err;

	for (i = 0; i < n; i++) {
		const void *row = vexfs_job_query(s, q + i);
		u32 aux = s->aux[q + i];

		if (g->code) {
			err = vexfs_graph_code_row(g, row, a->raw,
						   a->codes + (size_t)i * g->sp.stride,
						   &a->code_aux[i]);
			if (err)
				return err;
			row = a->codes + (size_t)i * g->sp.stride;
			aux = a->code_aux[i];
		}
		vexfs_graph_walk_start(g, a->walks[i], row, aux, 0);
	}
	err = vexfs_graph_walk_run(g, a->walks, n, 0, s->op);
	for (i = 0; i < n && !err; i++) {
		if (g->code)
			err = take_coded(a, q + i, a->walks[i]);
		else
			take_answers(a, q + i, a->walks[i]);
	}
	return err;
}

/* Sorted, no id twice. Answers that are shorter than they may be are left: how many? */
static u32 leave_short(struct answering *a)
{
	struct vexfs_search_job *s = a->s;
	u32 left = 0, q;

	for (q = 0; q < s->nq; q++) {
		struct vexfs_topk *t = &s->results[q];

		vexfs_topk_sort(t);
		if (t->n > 1)
			vexfs_topk_unique(t, hit_live, s->c, a->scratch);
		if (t->n < t->k &&
		    (s->filter || t->n + !!s->self < atomic64_read(&s->c->count)))
			t->left = true;
		if (t->left) {
			vexfs_topk_reset(t);
			left++;
		}
	}
	return left;
}

static void answering_free(struct answering *a, u32 width)
{
	u32 i;

	for (i = 0; i < width; i++) {
		if (a->walks[i])
			atomic64_add(a->walks[i]->distances, &a->s->distances);
		vexfs_graph_walk_free(a->walks[i]);
	}
	vexfs_pool_free(a->codes, (size_t)width * a->g->sp.stride);
	vexfs_pool_free(a->raw, a->s->c->space.stride);
	vexfs_pool_free(a->scratch, a->most_k * sizeof(*a->scratch));
	vexfs_pool_free(a->records, RECORDS * sizeof(*a->records));
	vexfs_pool_free(a, sizeof(*a));
}

static struct answering *answering_new(struct vexfs_graph *g, struct vexfs_search_job *s, u32 ef,
				       u32 width)
{
	struct answering *a = vexfs_op_alloc(s->op, sizeof(*a), VEXFS_GFP_USER | __GFP_ZERO);
	u32 i;

	if (!a)
		return NULL;
	a->g = g;
	a->s = s;
	a->most_k = vexfs_job_most_k(s);
	a->scratch = vexfs_op_alloc(s->op, a->most_k * sizeof(*a->scratch), VEXFS_GFP_USER);
	if (!a->scratch)
		goto free;
	if (s->filter && s->nq > 1) {
		a->records = vexfs_op_alloc(s->op, RECORDS * sizeof(*a->records), VEXFS_GFP_USER);
		if (!a->records)
			goto free;
		/* no slot */
		memset(a->records, 0xff, RECORDS * sizeof(*a->records));
	}
	if (g->code) {
		a->codes = vexfs_op_alloc(s->op, (size_t)width * g->sp.stride, VEXFS_GFP_USER);
		a->raw = vexfs_op_alloc(s->op, s->c->space.stride, VEXFS_GFP_USER);
		if (!a->codes || !a->raw)
			goto free;
	}
	for (i = 0; i < width; i++) {
		a->walks[i] = vexfs_graph_walk_alloc(g, ef);
		if (!a->walks[i])
			goto free;
	}
	return a;
free:
	answering_free(a, width);
	return NULL;
}

void vexfs_graph_answered(struct vexfs_search_job *s)
{
	s->plan = s->filter ? VEXFS_PLAN_GRAPH_FILTER : VEXFS_PLAN_GRAPH;
	if (s->op->kind == VEXFS_OP_EXACT && s->flags & VEXFS_QUERY_BY_ID)
		s->op->kind = VEXFS_OP_BY_ID;
	else if (s->op->kind == VEXFS_OP_EXACT)
		s->op->kind = VEXFS_OP_GRAPH;
	else if (s->op->kind == VEXFS_OP_EXACT_FILTERED)
		s->op->kind = VEXFS_OP_FILTERED;
}

/* Walks without weighing the cost, and keeps @ef candidates. See vexfs_graph_search(). */
int vexfs_graph_answer(struct vexfs_graph *g, struct vexfs_search_job *s, u32 ef)
{
	u32 width = min(s->nq, GRAPH_WALKS), left = 0, q, n;
	struct answering *a = answering_new(g, s, ef, width);
	int err = 0;

	if (!a)
		return -ENOMEM;
	for (q = 0; q < s->nq && !err; q += n) {
		n = min(width, s->nq - q);
		do {
			err = vexfs_op_signalled(s->op) ? -EINTR : vexfs_op_expired(s->op);
		} while (!err && vexfs_job_give_way(s));
		if (!err)
			err = answer_some(a, q, n);
		vexfs_stack_check(&s->op->stack);
		cond_resched();
	}
	if (!err)
		left = leave_short(a);
	answering_free(a, width);
	if (left < s->nq) {
		vexfs_graph_answered(s);
		s->op->distances += atomic64_read(&s->distances);
	}
	return err ?: left;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_answer);

int vexfs_graph_search(struct vexfs_graph *g, struct vexfs_search_job *s)
{
	u32 ef;

	if (s->flags & VEXFS_SEARCH_NO_WALK || !vexfs_graph_ready(g) || !worth_it(g, s, &ef))
		return s->nq;
	return vexfs_graph_answer(g, s, ef);
}
