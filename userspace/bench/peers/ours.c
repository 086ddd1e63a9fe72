// SPDX-License-Identifier: GPL-2.0
/*
 * Our side of the comparison: the same data, queries and figures as peers.cc,
 * through /dev/vexfs. Prints one JSON object. With --pair, --filtered and --turnover
 * it also measures what the peers are not asked: searches under a filter against
 * comparing all matches, and a graph after every vector was replaced many times. With
 * --keep the collection, bench-peers, is left for others to look at.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vexfs.h"

enum { K = 10, TRUTH_K = 100, BATCH = 4096, BLOCK = 50, THREADS_MAX = 16 };

static struct {
	const char *name;
	size_t n, nq;
	uint32_t dim;
	int build_threads;
	float *base, *queries;
	uint32_t *truth;
	uint64_t *ids;
	uint32_t *attrs;
} data;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const struct vexfs_error *err)
{
	fprintf(stderr, "ours: %s\n", err->text);
	exit(1);
}

static void *load(const char *prefix, const char *what, size_t *bytes)
{
	char name[4096];
	void *p = NULL;
	FILE *f;

	snprintf(name, sizeof(name), "%s.%s", prefix, what);
	f = fopen(name, "rb");
	if (f && !fseek(f, 0, SEEK_END)) {
		*bytes = ftell(f);
		rewind(f);
		p = malloc(*bytes);
	}
	if (!p || fread(p, 1, *bytes, f) != *bytes) {
		fprintf(stderr, "ours: cannot read %s\n", name);
		exit(1);
	}
	fclose(f);
	return p;
}

static struct vexfs *handle(void)
{
	struct vexfs_error err;
	struct vexfs *h;

	if (vexfs_open(NULL, data.name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		die(&err);
	return h;
}

/* ---- work spread over threads ---- */

struct part {
	int thread;
	const uint32_t *order;		/* vectors to store or delete */
	size_t from, to;
	uint32_t ef, flags;
	int passes;			/* over the queries; 0 is 1 */
	size_t block;			/* queries in a request of rates(); 0 is BLOCK */
	const struct vexfs_filter_insn *filter;
	uint32_t filter_len;
	uint64_t *found;
	uint32_t plan;
	void (*run)(struct part *p, struct vexfs *h);
};

static void *part_main(void *arg)
{
	struct part *p = arg;
	struct vexfs *h = handle();

	p->run(p, h);
	vexfs_close(h);
	return NULL;
}

/* Returns seconds. */
static double spread(struct part *like, size_t n, int threads)
{
	pthread_t tid[THREADS_MAX];
	struct part parts[THREADS_MAX];
	double start = now();
	int i;

	for (i = 0; i < threads; i++) {
		parts[i] = *like;
		parts[i].thread = i;
		parts[i].from = n * i / threads;
		parts[i].to = n * (i + 1) / threads;
	}
	if (threads == 1) {
		part_main(parts);
	} else {
		for (i = 0; i < threads; i++)
			if (pthread_create(&tid[i], NULL, part_main, &parts[i]))
				exit(1);
		for (i = 0; i < threads; i++)
			pthread_join(tid[i], NULL);
	}
	like->plan = parts[0].plan;
	return now() - start;
}

static void put_part(struct part *p, struct vexfs *h)
{
	float *v = malloc(sizeof(*v) * BATCH * data.dim);
	uint64_t ids[BATCH];
	uint32_t attrs[BATCH];
	struct vexfs_error err;
	size_t i, j, n;

	for (i = p->from; i < p->to; i += n) {
		struct vexfs_put req = { .flags = VEXFS_PUT_INSERT, .ids = (uintptr_t)ids,
					 .vectors = (uintptr_t)v, .attrs = (uintptr_t)attrs };

		n = p->to - i < BATCH ? p->to - i : BATCH;
		for (j = 0; j < n; j++) {
			size_t which = p->order ? p->order[i + j] : i + j;

			ids[j] = data.ids[which];
			attrs[j] = data.attrs[which];
			memcpy(v + j * data.dim, data.base + which * data.dim,
			       data.dim * sizeof(*v));
		}
		req.count = n;
		if (vexfs_do_put(h, &req, &err))
			die(&err);
	}
	free(v);
}

static void delete_part(struct part *p, struct vexfs *h)
{
	uint64_t ids[BATCH];
	struct vexfs_error err;
	size_t i, j, n;

	for (i = p->from; i < p->to; i += n) {
		struct vexfs_delete req = { .ids = (uintptr_t)ids };

		n = p->to - i < BATCH ? p->to - i : BATCH;
		for (j = 0; j < n; j++)
			ids[j] = data.ids[p->order[i + j]];
		req.count = n;
		if (vexfs_do_delete(h, &req, &err))
			die(&err);
	}
}

static void search_once(struct part *p, struct vexfs *h)
{
	struct vexfs_error err;
	uint32_t counts[VEXFS_QUERIES_MAX];
	size_t n, i;

	for (i = p->from; i < p->to; i += n) {
		struct vexfs_search req = { .flags = p->flags, .k = K, .ef = p->ef };

		n = p->to - i < VEXFS_QUERIES_MAX ? p->to - i : VEXFS_QUERIES_MAX;
		req.count = n;
		req.queries = (uintptr_t)(data.queries + i * data.dim);
		req.ids = (uintptr_t)(p->found + i * K);
		req.counts = (uintptr_t)counts;
		req.filter = (uintptr_t)p->filter;
		req.filter_len = p->filter_len;
		if (vexfs_do_search(h, &req, &err))
			die(&err);
		p->plan = req.plan;
	}
}

static void search_part(struct part *p, struct vexfs *h)
{
	int pass = 0;

	do {
		search_once(p, h);
	} while (++pass < p->passes);
}

/*
 * Queries a second of @n parts, with one thread. They take turns block by block, and
 * each block counts with the best of its runs, as in peers.cc: other programs that run
 * now and then do no harm.
 */
static void rates(struct part **p, int n, double *qps)
{
	size_t block = p[0]->block ? p[0]->block : BLOCK;
	size_t blocks = (data.nq + block - 1) / block, b;
	double *best = malloc(n * blocks * sizeof(*best)), spent = 0, t;
	struct vexfs *h = handle();
	int runs, i;

	for (b = 0; b < n * blocks; b++)
		best[b] = 1e30;
	for (runs = 0; runs < 3 || (spent < 0.8 * n && runs < 12); runs++) {
		for (b = 0; b < n * blocks; b++) {
			double start = now();

			i = b % n;
			p[i]->from = b / n * block;
			p[i]->to = p[i]->from + block < data.nq ? p[i]->from + block : data.nq;
			search_part(p[i], h);
			t = now() - start;
			best[b] = t < best[b] ? t : best[b];
			spent += t;
		}
	}
	for (i = 0; i < n; i++) {
		double sum = 0;

		for (b = i; b < n * blocks; b += n)
			sum += best[b];
		qps[i] = data.nq / sum;
	}
	vexfs_close(h);
	free(best);
}

static double recall(const uint64_t *found)
{
	size_t q, right = 0;
	int j, t;

	for (q = 0; q < data.nq; q++)
		for (j = 0; j < K; j++)
			for (t = 0; t < K; t++)
				right += found[q * K + j] == data.truth[q * TRUTH_K + t];
	return (double)right / (data.nq * K);
}

static void points(const int *ef, int nef)
{
	struct part p = { .run = search_part, .found = malloc(data.nq * K * sizeof(uint64_t)) };
	struct part *list[] = { &p };
	int i;

	printf("\"points\": [");
	for (i = 0; i < nef; i++) {
		double qps;

		p.ef = ef[i];
		rates(list, 1, &qps);
		printf("%s{\"ef\": %d, \"recall\": %.4f, \"qps\": %.1f, \"plan\": \"%s\"}",
		       i ? ", " : "", ef[i], recall(p.found), qps, vexfs_plan_name(p.plan));
	}
	printf("]");
	free(p.found);
}

/*
 * One thread and two, in turns: the best of some runs each. A run asks all queries
 * several times, so that starting threads and opening the device do not count.
 */
static void searched_by_two(void)
{
	struct part p = { .run = search_part, .ef = 64, .passes = 8,
			  .found = malloc(data.nq * K * sizeof(uint64_t)) };
	double best[2] = { 1e30, 1e30 }, t;
	int run, i;

	for (run = 0; run < 6; run++) {
		for (i = 0; i < 2; i++) {
			t = spread(&p, data.nq, i + 1);
			best[i] = t < best[i] ? t : best[i];
		}
	}
	printf(", \"two\": {\"search_one\": %.1f, \"search_two\": %.1f",
	       p.passes * data.nq / best[0], p.passes * data.nq / best[1]);
	free(p.found);
}

/* ---- filtered ---- */

/* @block queries a request: many share a look at the records, one does not. */
static void filtered_to(unsigned int permille, size_t block)
{
	/* The record holds a number below 1000, in network order. */
	const struct vexfs_filter_insn prog[] = {
		{ 0x20, 0, 0, 0 },		/* ld [0] */
		{ 0x35, 1, 0, permille },	/* jge #n, reject */
		{ 0x06, 0, 0, 1 },
		{ 0x06, 0, 0, 0 },
	};
	struct part p = { .run = search_part, .filter = prog, .filter_len = 4, .block = block };
	struct part all = p, *list[] = { &p, &all };
	size_t right = 0, wanted = 0, missing = 0, matches = 0, q, i;
	size_t bytes = data.nq * K * sizeof(uint64_t);
	double qps[2];
	int j, t;

	for (i = 0; i < data.n; i++)
		matches += __builtin_bswap32(data.attrs[i]) < permille;
	matches = matches < K ? matches : K;
	p.found = malloc(bytes);
	all.found = malloc(bytes);
	all.flags = VEXFS_SEARCH_EXACT;
	rates(list, 2, qps);
	for (q = 0; q < data.nq; q++) {
		const uint64_t *found = p.found + q * K, *exact = all.found + q * K;
		size_t have = 0;

		for (j = 0; j < K; j++) {
			have += found[j] != UINT64_MAX;
			for (t = 0; t < K; t++)
				right += found[j] == exact[t] && found[j] != UINT64_MAX;
		}
		wanted += matches;
		missing += have != matches;
	}
	printf("{\"percent\": %.1f, \"block\": %zu, \"recall\": %.4f, \"qps\": %.1f, "
	       "\"scan_qps\": %.1f, \"plan\": \"%s\", \"queries_short\": %zu}", permille / 10.0,
	       block, (double)right / wanted, qps[0], qps[1], vexfs_plan_name(p.plan), missing);
	free(p.found);
	free(all.found);
}

static void filtered(void)
{
	static const unsigned int permille[] = { 100, 10, 1 };
	int f;

	printf(", \"filtered\": [");
	for (f = 0; f < 6; f++) {
		printf(f ? ", " : "");
		filtered_to(permille[f / 2], f % 2 ? BLOCK : 1);
	}
	printf("]");
}

/* ---- turnovers ---- */

static uint64_t rng = 42;

static uint32_t rnd(uint32_t below)
{
	rng = rng * 6364136223846793005ull + 1442695040888963407ull;
	return (rng >> 33) % below;
}

static double recall_at(uint32_t ef)
{
	struct part p = { .run = search_part, .ef = ef,
			  .found = malloc(data.nq * K * sizeof(uint64_t)) };
	double r;

	spread(&p, data.nq, 1);
	r = recall(p.found);
	free(p.found);
	return r;
}

static void turnover(struct vexfs *h, int rounds)
{
	uint32_t *order = malloc(data.n * sizeof(*order));
	struct vexfs_stat before = { 0 }, after = { 0 };
	double fresh = recall_at(64), churned, del = 0, put = 0;
	struct vexfs_check check = { 0 };
	struct vexfs_error err;
	size_t i, n;
	int r;

	if (vexfs_do_stat(h, &before, &err))
		die(&err);
	for (i = 0; i < data.n; i++)
		order[i] = i;
	for (r = 0; r < rounds; r++) {
		for (i = data.n - 1; i; i--) {
			uint32_t j = rnd(i + 1), t = order[i];

			order[i] = order[j];
			order[j] = t;
		}
		for (i = 0; i < data.n; i += n) {
			struct part p = { .run = delete_part };

			n = data.n - i < data.n / 20 + 1 ? data.n - i : data.n / 20 + 1;
			p.order = order + i;
			del += spread(&p, n, data.build_threads);
			p.run = put_part;
			put += spread(&p, n, data.build_threads);
		}
	}
	churned = recall_at(64);
	sleep(1);	/* the last freed slots come back */
	if (vexfs_do_stat(h, &after, &err) || vexfs_do_check(h, &check, &err))
		die(&err);
	printf(", \"turnover\": {\"rounds\": %d, \"recall_fresh\": %.4f, \"recall\": %.4f, "
	       "\"bytes_fresh\": %llu, \"bytes\": %llu, \"deletes_per_s\": %.1f, "
	       "\"inserts_per_s\": %.1f, \"faults\": %llu, \"reachable\": %llu, \"report\": \"%s\"}",
	       rounds, fresh, churned, (unsigned long long)before.bytes,
	       (unsigned long long)after.bytes, rounds * data.n / del, rounds * data.n / put,
	       (unsigned long long)check.faults, (unsigned long long)check.reachable, check.report);
	free(order);
}

int main(int argc, char **argv)
{
	struct vexfs_create req = { .metric = VEXFS_METRIC_COS, .index = VEXFS_INDEX_GRAPH,
				    .m = 16, .ef_construction = 200, .attr_size = 4 };
	int rounds = 0, filters = 0, pair = 0, keep = 0, nef = 0, ef[64], i;
	const char *type = "f32", *code = "none", *prefix = NULL;
	struct part p = { .run = put_part };
	struct vexfs_check check = { 0 };
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	size_t bytes, limit = SIZE_MAX;
	struct vexfs *h;
	double built[THREADS_MAX];

	data.build_threads = 1;
	for (i = 0; i < THREADS_MAX; i++)
		built[i] = 1e30;
	data.name = "bench-peers";
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--type") && i + 1 < argc)
			type = argv[++i];
		else if (!strcmp(argv[i], "--code") && i + 1 < argc)
			code = argv[++i];
		else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
			data.build_threads = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--pair"))
			pair = 1;
		else if (!strcmp(argv[i], "--limit") && i + 1 < argc)
			limit = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--turnover") && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--filtered"))
			filters = 1;
		else if (!strcmp(argv[i], "--keep"))
			keep = 1;
		else if (argv[i][0] != '-' && !prefix)
			prefix = argv[i];
		else if (argv[i][0] != '-' && !data.dim)
			data.dim = atoi(argv[i]);
		else if (argv[i][0] != '-' && nef < 64)
			ef[nef++] = atoi(argv[i]);
		else
			prefix = "", data.dim = 0, i = argc;
	}
	if (!data.dim ||
	    data.build_threads < 1 || data.build_threads > THREADS_MAX ||
	    vexfs_type_from_name(type) < 0 || vexfs_code_from_name(code) < 0) {
		fprintf(stderr, "usage: ours [--type f32|bf16|i8] [--code none|i8|bf16|b1] [--threads BUILD]\n"
			"            [--limit N] [--pair] [--filtered] [--turnover ROUNDS] [--keep]\n"
			"            PREFIX DIM EF...\n");
		return 2;
	}
	data.base = load(prefix, "base", &bytes);
	data.n = bytes / sizeof(float) / data.dim;
	data.n = data.n < limit ? data.n : limit;
	data.queries = load(prefix, "query", &bytes);
	data.nq = bytes / sizeof(float) / data.dim;
	data.truth = load(prefix, "truth", &bytes);
	data.ids = malloc(data.n * sizeof(*data.ids));
	data.attrs = malloc(data.n * sizeof(*data.attrs));
	for (size_t v = 0; v < data.n; v++) {
		data.ids[v] = v;
		data.attrs[v] = __builtin_bswap32(rnd(1000));
	}
	/* i8 collections take components from -127 to 127; cosine does not mind. */
	if (!strcmp(type, "i8")) {
		for (size_t v = 0; v < data.n + data.nq; v++) {
			float *f = v < data.n ? data.base + v * data.dim :
				   data.queries + (v - data.n) * data.dim, most = 0;

			for (uint32_t d = 0; d < data.dim; d++)
				most = f[d] > most ? f[d] : -f[d] > most ? -f[d] : most;
			for (uint32_t d = 0; d < data.dim; d++)
				f[d] *= most > 0 ? 127 / most : 0;
		}
	}

	req.dim = data.dim;
	req.type = vexfs_type_from_name(type);
	req.code = vexfs_code_from_name(code);
	for (i = pair ? 4 : 1; i; i--) {
		/* A pair: one thread and two in turns. What is there last is searched. */
		int threads = pair ? 2 - i % 2 : data.build_threads;
		double t;

		if (vexfs_do_create(NULL, &req, data.name, NULL, &h, &err))
			die(&err);
		t = spread(&p, data.n, threads);
		built[threads - 1] = t < built[threads - 1] ? t : built[threads - 1];
		if (i == 1)
			break;
		vexfs_close(h);
		if (vexfs_do_drop(NULL, data.name, &err))
			die(&err);
	}
	if (vexfs_do_stat(h, &st, &err) || vexfs_do_check(h, &check, &err))
		die(&err);
	printf("{\"peer\": \"vexfs\", \"type\": \"%s\", \"code\": \"%s\", \"data\": \"%s\", \"dim\": %u, "
	       "\"n\": %zu, \"build_threads\": %d, \"threads\": 1, \"build_per_s\": %.1f, \"bytes\": %llu, "
	       "\"index_bytes\": %llu, \"faults\": %llu, \"reachable\": %llu, ", type, code,
	       strrchr(prefix, '/') ? strrchr(prefix, '/') + 1 : prefix, data.dim, data.n,
	       data.build_threads, data.n / built[data.build_threads - 1], (unsigned long long)st.bytes,
	       (unsigned long long)st.index_bytes, (unsigned long long)check.faults,
	       (unsigned long long)check.reachable);
	points(ef, nef);
	if (pair) {
		searched_by_two();
		printf(", \"build_one\": %.1f, \"build_two\": %.1f}", data.n / built[0],
		       data.n / built[1]);
	}
	if (filters)
		filtered();
	if (rounds)
		turnover(h, rounds);
	printf("}\n");
	vexfs_close(h);
	if (!keep && vexfs_do_drop(NULL, data.name, &err))
		die(&err);
	return 0;
}
