// SPDX-License-Identifier: GPL-2.0
/*
 * Measures vexfs: the same data, queries and metrics as library.cc, through /dev/vexfs.
 * Prints one JSON object. --pair, --filtered and --turnover measure what the libraries
 * are not measured for. --keep leaves the collection, bench-peers, for inspection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ours.h"
#include "rows.h"

struct ours ours = { .collection = "bench-peers", .build_threads = 1 };

static struct {
	const char *type, *code;
	bool pair, filtered, keep;
	int rounds;
} opt = { .type = "f32", .code = "none" };

/* Builds of a pair, in turn: with one thread and with two. */
enum { PAIRS = 3 };

static uint64_t rng = 42;

uint32_t ours_random(uint32_t below)
{
	rng = rng * 6364136223846793005ull + 1442695040888963407ull;
	return (rng >> 33) % below;
}

void ours_die(const struct vexfs_error *err)
{
	fprintf(stderr, "bench-peers: %s\n", err->text);
	exit(1);
}

struct vexfs *ours_open(void)
{
	struct vexfs_error err;
	struct vexfs *h;

	if (vexfs_open(NULL, ours.collection, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		ours_die(&err);
	return h;
}

static void usage(void)
{
	fprintf(stderr, "usage: ours [--type f32|f16|bf16|i8] [--code none|i8|bf16|b1] [--threads BUILD]\n"
		"            [--pair] [--filtered] [--turnover ROUNDS] [--keep] PREFIX DIM EF...\n");
	exit(2);
}

/* The index of the first argument that is not an option. */
static int options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--type"))
			opt.type = value, i++;
		else if (!strcmp(argv[i], "--code"))
			opt.code = value, i++;
		else if (!strcmp(argv[i], "--threads"))
			ours.build_threads = ask_number(value, "number of threads", 1,
							OURS_THREADS_MAX), i++;
		else if (!strcmp(argv[i], "--turnover"))
			opt.rounds = ask_number(value, "number of rounds", 1, 1000), i++;
		else if (!strcmp(argv[i], "--pair"))
			opt.pair = true;
		else if (!strcmp(argv[i], "--filtered"))
			opt.filtered = true;
		else if (!strcmp(argv[i], "--keep"))
			opt.keep = true;
		else
			usage();
	}
	if (argc - i < 3 || vexfs_type_from_name(opt.type) < 0 || vexfs_code_from_name(opt.code) < 0)
		usage();
	return i;
}

/* i8 collections take components from -127 to 127; scaling does not change cosine. */
static void spread_over_bytes(float *v, size_t n, uint32_t dim)
{
	size_t i;
	uint32_t d;

	for (i = 0; i < n; i++, v += dim) {
		float most = 0;

		for (d = 0; d < dim; d++)
			most = v[d] > most ? v[d] : -v[d] > most ? -v[d] : most;
		for (d = 0; d < dim; d++)
			v[d] *= most > 0 ? 127 / most : 0;
	}
}

static void prepare(void)
{
	size_t v;

	ours.ids = ask_alloc(ours.set.n, sizeof(*ours.ids));
	ours.attrs = ask_alloc(ours.set.n, sizeof(*ours.attrs));
	for (v = 0; v < ours.set.n; v++) {
		ours.ids[v] = v;
		ours.attrs[v] = __builtin_bswap32(ours_random(1000));
	}
	if (!strcmp(opt.type, "i8")) {
		spread_over_bytes(ours.set.base, ours.set.n, ours.set.dim);
		spread_over_bytes(ours.set.queries, ours.set.nq, ours.set.dim);
	}
}

/* A new collection with all vectors; returns vectors per second. */
static double build(int threads, struct vexfs **h)
{
	struct vexfs_create req = { .metric = VEXFS_METRIC_COS, .index = VEXFS_INDEX_GRAPH,
				    .m = 16, .ef_construction = 200, .attr_size = 4 };
	struct vexfs_error err;

	req.dim = ours.set.dim;
	req.type = vexfs_type_from_name(opt.type);
	req.code = vexfs_code_from_name(opt.code);
	if (vexfs_do_create(NULL, &req, ours.collection, NULL, h, &err))
		ours_die(&err);
	return ours.set.n / ours_put(NULL, ours.set.n, threads);
}

static void drop(struct vexfs *h)
{
	struct vexfs_error err;

	vexfs_close(h);
	if (vexfs_do_drop(NULL, ours.collection, &err))
		ours_die(&err);
}

/* Builds; of a pair, the last build with two threads is searched. */
static struct vexfs *build_all(struct json *j)
{
	double rates[2][PAIRS];
	struct vexfs *h;
	int i;

	if (!opt.pair) {
		json_kv_double(j, "build_per_s", build(ours.build_threads, &h));
		return h;
	}
	for (i = 0; i < 2 * PAIRS; i++) {
		rates[i % 2][i / 2] = build(i % 2 + 1, &h);
		if (i < 2 * PAIRS - 1)
			drop(h);
	}
	json_kv_double(j, "build_one", rows_median(rates[0], PAIRS));
	json_kv_double(j, "build_two", rows_median(rates[1], PAIRS));
	return h;
}

static void memory_and_health(struct json *j, struct vexfs *h)
{
	struct vexfs_check check = { 0 };
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;

	if (vexfs_do_stat(h, &st, &err) || vexfs_do_check(h, &check, &err))
		ours_die(&err);
	json_kv_u64(j, "bytes", st.bytes);
	json_kv_u64(j, "index_bytes", st.index_bytes);
	json_kv_u64(j, "faults", check.faults);
	json_kv_u64(j, "reachable", check.reachable);
}

int main(int argc, char **argv)
{
	int at = options(argc, argv);
	struct vexfs *h;
	struct json j;

	ask_load(&ours.set, argv[at], argv[at + 1]);
	prepare();
	json_start(&j, stdout, false);
	json_object_begin(&j);
	json_kv_string(&j, "peer", "vexfs");
	json_kv_string(&j, "type", opt.type);
	json_kv_string(&j, "code", opt.code);
	json_kv_string(&j, "data", ours.set.name);
	json_kv_u64(&j, "dim", ours.set.dim);
	json_kv_u64(&j, "n", ours.set.n);
	json_kv_u64(&j, "build_threads", ours.build_threads);
	h = build_all(&j);
	memory_and_health(&j, h);
	ours_points(&j, argv + at + 2, argc - at - 2);
	if (opt.pair)
		ours_two_threads(&j);
	if (opt.filtered)
		ours_filtered(&j);
	if (opt.rounds)
		ours_turnover(&j, h, opt.rounds);
	json_object_end(&j);
	if (opt.keep)
		vexfs_close(h);
	else
		drop(h);
	return json_finish(&j) ? 1 : 0;
}
