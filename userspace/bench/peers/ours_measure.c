// SPDX-License-Identifier: GPL-2.0
/*
 * Measurements of vexfs: searches like those of the libraries, and also two threads,
 * filtered searches against a scan of all matches, and a graph after all vectors were
 * replaced many times.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ours.h"
#include "rows.h"

double ours_ask(void *arg, size_t first, size_t count)
{
	struct ours_search *s = arg;
	uint32_t counts[VEXFS_QUERIES_MAX];
	struct vexfs_error err;
	double inside = 0;
	size_t n, i, end = first + count;

	for (i = first; i < end; i += n) {
		struct vexfs_search req = { .flags = s->flags, .k = ASK_K, .ef = s->ef };

		n = end - i < s->block ? end - i : s->block;
		req.count = n;
		req.queries = (uintptr_t)(ours.set.queries + i * ours.set.dim);
		req.ids = (uintptr_t)(s->found + i * ASK_K);
		req.counts = (uintptr_t)counts;
		req.filter = (uintptr_t)s->filter;
		req.filter_len = s->filter_len;
		if (vexfs_do_search(s->h, &req, &err))
			ours_die(&err);
		s->plan = req.plan;
		inside += req.kernel_ns * 1e-9;
	}
	return inside;
}

static uint64_t *room(void)
{
	return ask_alloc(ours.set.nq * ASK_K, sizeof(uint64_t));
}

/* Requests of ASK_GROUP queries and of one, in turn. */
void ours_points(struct json *j, char **efs, int n)
{
	struct vexfs *h = ours_open();
	struct ours_search many = { .h = h, .block = ASK_GROUP, .found = room() };
	struct ours_search one = { .h = h, .block = 1, .found = room() };
	int i;

	json_key(j, "points");
	json_array_begin(j);
	for (i = 0; i < n; i++) {
		struct asker a[] = { { ours_ask, &many }, { ours_ask, &one } };

		many.ef = one.ef = ask_number(efs[i], "ef", 1, 100000);
		ask_in_turns(ours.set.nq, a, 2);
		json_object_begin(j);
		json_kv_u64(j, "ef", many.ef);
		json_kv_double(j, "recall", ask_recall(&ours.set, one.found));
		json_kv_double(j, "qps", a[1].qps);
		json_kv_double(j, "kernel_qps", a[1].inside_qps);
		json_kv_double(j, "recall_batch", ask_recall(&ours.set, many.found));
		json_kv_double(j, "qps_batch", a[0].qps);
		json_kv_string(j, "plan", vexfs_plan_name(one.plan));
		json_object_end(j);
	}
	json_array_end(j);
	free(many.found);
	free(one.found);
	vexfs_close(h);
}

/* ---- two threads ---- */

struct pass {
	size_t first, count;
	uint64_t *found;
};

/* All passes of a thread; enough that starting it does not matter. */
static void *passes(void *arg)
{
	const struct pass *p = arg;
	struct ours_search s = { .h = ours_open(), .block = VEXFS_QUERIES_MAX, .ef = 64,
				 .found = p->found };
	int i;

	for (i = 0; i < 8; i++)
		ours_ask(&s, p->first, p->count);
	vexfs_close(s.h);
	return NULL;
}

static double searched_by(int threads, uint64_t *found)
{
	size_t nq = ours.set.nq;
	struct pass a = { 0, threads == 2 ? nq / 2 : nq, found }, b = { nq / 2, nq - nq / 2, found };
	double start = ask_now();
	pthread_t tid;

	if (threads == 2 && pthread_create(&tid, NULL, passes, &b)) {
		fprintf(stderr, "bench-peers: no thread can be started\n");
		exit(1);
	}
	passes(&a);
	if (threads == 2)
		pthread_join(tid, NULL);
	return 8 * nq / (ask_now() - start);
}

/* One thread and two, in turn; the median counts. */
void ours_two_threads(struct json *j)
{
	double rates[2][ASK_RUNS];
	uint64_t *found = room();
	int run, i;

	for (run = 0; run < ASK_RUNS; run++)
		for (i = 0; i < 2; i++)
			rates[i][run] = searched_by(i + 1, found);
	json_kv_double(j, "search_one", rows_median(rates[0], ASK_RUNS));
	json_kv_double(j, "search_two", rows_median(rates[1], ASK_RUNS));
	free(found);
}

/* ---- filtered ---- */

/* A query that scans all matches of 300,000 takes 7 ms, so the number of queries is limited. */
enum { FILTER_QUERIES = 200 };

/* @block queries per request: many share one pass over the records, one does not. */
static void filtered_to(struct json *j, struct vexfs *h, unsigned int permille, size_t block)
{
	/* The record holds a number below 1000, in network order. */
	const struct vexfs_filter_insn prog[] = {
		{ 0x20, 0, 0, 0 },		/* ld [0] */
		{ 0x35, 1, 0, permille },	/* jge #n, reject */
		{ 0x06, 0, 0, 1 },
		{ 0x06, 0, 0, 0 },
	};
	struct ours_search p = { .h = h, .filter = prog, .filter_len = 4, .block = block,
				 .found = room() };
	struct ours_search all = p;
	struct asker a[] = { { ours_ask, &p }, { ours_ask, &all } };
	size_t right = 0, wanted = 0, missing = 0, matches = 0, q, i;
	size_t nq = ours.set.nq < FILTER_QUERIES ? ours.set.nq : FILTER_QUERIES;
	int k, t;

	all.flags = VEXFS_SEARCH_EXACT;
	all.found = room();
	for (i = 0; i < ours.set.n; i++)
		matches += __builtin_bswap32(ours.attrs[i]) < permille;
	matches = matches < ASK_K ? matches : ASK_K;
	ask_in_turns(nq, a, 2);
	for (q = 0; q < nq; q++) {
		const uint64_t *found = p.found + q * ASK_K, *exact = all.found + q * ASK_K;
		size_t have = 0;

		for (k = 0; k < ASK_K; k++) {
			have += found[k] != UINT64_MAX;
			for (t = 0; t < ASK_K; t++)
				right += found[k] == exact[t] && found[k] != UINT64_MAX;
		}
		wanted += matches;
		missing += have != matches;
	}
	json_object_begin(j);
	json_kv_double(j, "percent", permille / 10.0);
	json_kv_u64(j, "block", block);
	json_kv_double(j, "recall", (double)right / wanted);
	json_kv_double(j, "qps", a[0].qps);
	json_kv_double(j, "scan_qps", a[1].qps);
	json_kv_string(j, "plan", vexfs_plan_name(p.plan));
	json_kv_u64(j, "queries_short", missing);
	json_object_end(j);
	free(p.found);
	free(all.found);
}

void ours_filtered(struct json *j)
{
	static const unsigned int permille[] = { 100, 10, 1 };
	struct vexfs *h = ours_open();
	int f;

	json_key(j, "filtered");
	json_array_begin(j);
	for (f = 0; f < 6; f++)
		filtered_to(j, h, permille[f / 2], f % 2 ? ASK_GROUP : 1);
	json_array_end(j);
	vexfs_close(h);
}

/* ---- turnovers ---- */

static double recall_at(struct vexfs *h, uint32_t ef)
{
	struct ours_search s = { .h = h, .block = ASK_GROUP, .ef = ef, .found = room() };
	double r;

	ours_ask(&s, 0, ours.set.nq);
	r = ask_recall(&ours.set, s.found);
	free(s.found);
	return r;
}

/* Replaces all vectors in random order, a twentieth at a time; adds to the seconds. */
static void replace_all(uint32_t *order, double *del, double *put)
{
	size_t n = ours.set.n, step = n / 20 + 1, i, count;

	for (i = n - 1; i; i--) {
		uint32_t j = ours_random(i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < n; i += count) {
		count = n - i < step ? n - i : step;
		*del += ours_delete(order + i, count, ours.build_threads);
		*put += ours_put(order + i, count, ours.build_threads);
	}
}

void ours_turnover(struct json *j, struct vexfs *h, int rounds)
{
	uint32_t *order = ask_alloc(ours.set.n, sizeof(*order));
	struct vexfs_stat before = { 0 }, after = { 0 };
	double fresh = recall_at(h, 64), churned, del = 0, put = 0;
	struct vexfs_check check = { 0 };
	struct vexfs_error err;
	size_t i;
	int r;

	if (vexfs_do_stat(h, &before, &err))
		ours_die(&err);
	for (i = 0; i < ours.set.n; i++)
		order[i] = i;
	for (r = 0; r < rounds; r++)
		replace_all(order, &del, &put);
	churned = recall_at(h, 64);
	sleep(1);	/* wait until the freed slots are available */
	if (vexfs_do_stat(h, &after, &err) || vexfs_do_check(h, &check, &err))
		ours_die(&err);
	json_key(j, "turnover");
	json_object_begin(j);
	json_kv_u64(j, "rounds", rounds);
	json_kv_double(j, "recall_fresh", fresh);
	json_kv_double(j, "recall", churned);
	json_kv_u64(j, "bytes_fresh", before.bytes);
	json_kv_u64(j, "bytes", after.bytes);
	json_kv_double(j, "deletes_per_s", rounds * ours.set.n / del);
	json_kv_double(j, "inserts_per_s", rounds * ours.set.n / put);
	json_kv_u64(j, "faults", check.faults);
	json_kv_u64(j, "reachable", check.reachable);
	json_kv_string(j, "report", check.report);
	json_object_end(j);
	free(order);
}
