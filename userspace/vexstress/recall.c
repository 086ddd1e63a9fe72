// SPDX-License-Identifier: GPL-2.0
/*
 * Recall without concurrent changes: what a search finds against the answers computed
 * here in double precision, from the vectors as stored.
 */
#include "coll.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Answers to the first @nq queries. */
struct answers {
	uint64_t nq, k;
	uint64_t *ids;		/* nq x k; NULL in the truth */
	float *distances;	/* the same */
	double *exact;		/* nq x k, ascending; NULL in what was searched */
	uint32_t *count;
};

static void answers_free(struct answers *a)
{
	free(a->ids);
	free(a->distances);
	free(a->exact);
	free(a->count);
	memset(a, 0, sizeof(*a));
}

bool vx_has_action(const struct vx_workload *wl, unsigned int action)
{
	const struct vx_kind *k;

	for (k = wl->kinds; k->name; k++)
		if (k->action == action)
			return true;
	return false;
}

static int search(struct vx_coll *c, struct answers *a, uint64_t nq, uint64_t ef, uint32_t flags,
		  int tag)
{
	struct vexfs_search s = { 0 };
	struct vexfs_error err;

	memset(a, 0, sizeof(*a));
	a->nq = nq;
	a->k = c->job->k;
	a->ids = malloc(nq * a->k * sizeof(*a->ids));
	a->distances = malloc(nq * a->k * sizeof(*a->distances));
	a->count = malloc(nq * sizeof(*a->count));
	if (!a->ids || !a->distances || !a->count)
		goto fail;
	s.flags = flags;
	s.count = (uint32_t)nq;
	s.queries = (uintptr_t)c->queries;
	s.k = (uint32_t)a->k;
	s.ef = (uint32_t)ef;
	s.ids = (uintptr_t)a->ids;
	s.distances = (uintptr_t)a->distances;
	s.counts = (uintptr_t)a->count;
	if (tag >= 0) {
		s.filter = (uintptr_t)c->filter.insns;
		s.filter_len = c->filter.count;
	}
	if (!vexfs_do_search(c->handle, &s, &err))
		return 0;
	vx_say("recall of %s: %s", c->job->name, err.text);
fail:
	answers_free(a);
	return -1;
}

static void offer(struct answers *t, uint64_t q, double d)
{
	double *best = t->exact + q * t->k;
	uint32_t n = t->count[q];

	if (n == t->k && d >= best[n - 1])
		return;
	if (n < t->k)
		t->count[q] = ++n;
	for (n--; n > 0 && best[n - 1] > d; n--)
		best[n] = best[n - 1];
	best[n] = d;
}

/* The distances of the k nearest of every query. */
static int truth(struct vx_coll *c, struct answers *t, uint64_t nq, int tag)
{
	uint64_t id, q, k = c->job->k;
	float *tmp;

	memset(t, 0, sizeof(*t));
	t->nq = nq;
	t->k = k;
	t->count = calloc(nq, sizeof(*t->count));
	t->exact = malloc(nq * k * sizeof(*t->exact));
	tmp = malloc(c->dim * sizeof(*tmp));
	if (!t->exact || !t->count || !tmp) {
		free(tmp);
		answers_free(t);
		return -1;
	}
	for (id = 0; id < c->total && !vx_signal; id++) {
		const float *row;

		if (!c->ids[id].version || (tag >= 0 && vx_tag(id) != (uint32_t)tag))
			continue;
		row = vx_coll_row(c, id, c->ids[id].version, tmp);
		for (q = 0; q < nq; q++)
			offer(t, q, vx_exact_distance(c, c->queries_held + q * c->dim, row));
	}
	free(tmp);
	return 0;
}

/* Counts hits, and results that cannot be right. */
static int judge(struct vx_coll *c, const struct answers *t, const struct answers *a,
		 uint64_t *wrong, double *recall)
{
	uint64_t q, i, hits = 0, due = 0;
	float *tmp = malloc(c->dim * sizeof(*tmp));

	if (!tmp)
		return -1;
	for (q = 0; q < t->nq; q++) {
		const float *query = c->queries_held + q * c->dim;
		double last = t->count[q] ? t->exact[q * t->k + t->count[q] - 1] : 0;
		uint32_t n = a->count[q] < t->count[q] ? a->count[q] : t->count[q];

		due += t->count[q];
		for (i = 0; i < n; i++) {
			uint64_t id = a->ids[q * t->k + i];
			double said = (double)a->distances[q * t->k + i], d, tol;
			const float *row;

			if (id >= c->total || !c->ids[id].version) {
				(*wrong)++;
				continue;
			}
			row = vx_coll_row(c, id, c->ids[id].version, tmp);
			d = vx_exact_distance(c, query, row);
			tol = vx_tolerance(c, query, row, d);
			/* As near as the k-th true one, within a rounding error. */
			hits += d <= last + tol;
			*wrong += fabs(d - said) > tol;
		}
	}
	free(tmp);
	*recall = due ? (double)hits / (double)due : 1;
	return 0;
}

static double recall(struct vx_coll *c, const struct answers *t, uint64_t ef, uint32_t flags,
		     int tag, uint64_t *wrong)
{
	struct answers a;
	double r = -1;

	if (search(c, &a, t->nq, ef, flags, tag))
		return -1;
	if (judge(c, t, &a, wrong, &r))
		r = -1;
	answers_free(&a);
	return r;
}

static uint64_t queries_judged(const struct vx_coll *c)
{
	/* Some 2e9 multiplications take about a second. */
	uint64_t n = 2000000000u / (c->base * c->dim + 1);

	n = n < 50 ? 50 : n > 200 ? 200 : n;
	if (vx_set.profile == VX_PROFILE_QUICK && n > 100)
		n = 100;
	return n < c->nqueries ? n : c->nqueries;
}

int vx_find_ef(struct vx_coll *c)
{
	static const uint64_t tries[] = { 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024 };
	uint64_t wrong = 0;
	struct answers t;
	size_t i;

	if (c->job->ef) {
		c->ef = c->job->ef;
		return 0;
	}
	if (truth(c, &t, queries_judged(c), -1))
		return -1;
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		double r;

		c->ef = tries[i] > c->job->k ? tries[i] : c->job->k;
		r = recall(c, &t, c->ef, 0, -1, &wrong);
		if (r < 0 || r >= 0.965)
			break;
	}
	answers_free(&t);
	return 0;
}

void vx_coll_finish(struct vx_job *job)
{
	struct vx_coll *c = job->coll;
	bool graph, exact;
	uint64_t nq, wrong = 0;
	struct answers t;

	if (!c || vx_signal)
		return;
	graph = vx_has_action(job->workload, VX_GRAPH);
	exact = vx_has_action(job->workload, VX_EXACT);
	nq = queries_judged(c);
	if ((!graph && !exact) || truth(c, &t, nq, -1))
		return;
	job->recall_queries = nq;
	job->recall = recall(c, &t, c->ef, graph ? 0 : VEXFS_SEARCH_EXACT, -1, &wrong);
	answers_free(&t);
	if (wrong && !job->message[0])
		snprintf(job->message, sizeof(job->message),
			 "%llu results of quiet searches have a wrong distance or id",
			 (unsigned long long)wrong);
	if (!graph && job->recall >= 0 && job->recall < 1) {
		wrong++;
		if (!job->message[0])
			snprintf(job->message, sizeof(job->message),
				 "exact search has recall %.6f against an exact computation",
				 job->recall);
	}
	if (graph)
		snprintf(job->note, sizeof(job->note), "ef %llu", (unsigned long long)c->ef);
	if (vx_has_action(job->workload, VX_FILTERED) && !truth(c, &t, nq, VX_FILTER_TAG)) {
		job->recall_filtered = recall(c, &t, c->ef, 0, VX_FILTER_TAG, &wrong);
		answers_free(&t);
	}
	job->checked += nq;
	job->wrong += wrong;
}
