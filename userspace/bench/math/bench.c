// SPDX-License-Identifier: GPL-2.0
/*
 * math-bench: how fast the arithmetic is, as ratios to peers that are measured
 * in the same run, in turns. Prints a table and writes the same rows as JSON. It
 * exits 1 when a goal is missed.
 */
#include "bench.h"
#include "json.h"
#include "outfile.h"
#include <errno.h>

#include <cpuid.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static struct json json;
static bool have_json;
static unsigned int missed, rows;

/* Of this thread alone: what others do on the machine in between does not count. */
u64 bench_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

double bench_unit(void)
{
	static u64 state = 42;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(state >> 11) * 0x1p-52 - 1.0;
}

void *bench_alloc(size_t bytes)
{
	size_t huge = 2u << 20, size = (bytes + huge - 1) / huge * huge;
	void *p;

	if (bytes < huge)
		size = (bytes + 4095) / 4096 * 4096;
	p = aligned_alloc(bytes < huge ? 4096 : huge, size);
	if (!p) {
		perror("math-bench");
		exit(2);
	}
	if (bytes >= huge)
		madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0, size);
	return p;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double time_calls(void (*fn)(void *arg), void *arg, unsigned int calls)
{
	u64 t = bench_ns();
	unsigned int i;

	for (i = 0; i < calls; i++)
		fn(arg);
	return (double)(bench_ns() - t);
}

static unsigned int calls_for(void (*fn)(void *arg), void *arg, double ms)
{
	unsigned int calls = 1;

	fn(arg);
	while (time_calls(fn, arg, calls) < ms * 1e6 && calls < 1u << 30)
		calls *= 2;
	return calls;
}

struct bench_result bench_run(const struct bench_pair *p, unsigned int rounds, double ms)
{
	unsigned int ours = calls_for(p->ours, p->arg, ms);
	unsigned int theirs = calls_for(p->theirs, p->arg, ms);
	double a[64], b[64], ratio[64];
	struct bench_result r;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		a[i] = time_calls(p->ours, p->arg, ours) / ours / p->items;
		b[i] = time_calls(p->theirs, p->arg, theirs) / theirs / p->items;
		ratio[i] = b[i] / a[i];
	}
	r.ours = median(a, rounds);
	r.theirs = median(b, rounds);
	r.ratio = median(ratio, rounds);
	return r;
}

void bench_row(const char *name, const char *peer, const char *unit, double ours, double theirs,
	       double ratio, double goal)
{
	bool pass = ratio >= goal;

	if (!rows++)
		printf("%-44s %-28s %9s %9s %-8s %6s %5s\n", "name", "peer", "ours", "theirs",
		       "unit", "ratio", "goal");
	printf("%-44s %-28s %9.2f %9.2f %-8s %6.2f ", name, peer, ours, theirs, unit, ratio);
	if (goal > 0)
		printf("%5.2f %s\n", goal, pass ? "ok" : "MISSED");
	else
		printf("    -\n");
	fflush(stdout);
	missed += goal > 0 && !pass;
	if (!have_json)
		return;
	json_object_begin(&json);
	json_kv_string(&json, "name", name);
	json_kv_string(&json, "peer", peer);
	json_kv_string(&json, "unit", unit);
	json_kv_double(&json, "ours", ours);
	json_kv_double(&json, "theirs", theirs);
	json_kv_double(&json, "ratio", ratio);
	json_key(&json, "goal");
	if (goal > 0)
		json_double(&json, goal);
	else
		json_null(&json);
	json_key(&json, "pass");
	if (goal > 0)
		json_bool(&json, pass);
	else
		json_null(&json);
	json_object_end(&json);
}

const struct vexfs_math_ops *bench_form(const char *variant, u32 type, u32 metric)
{
	u32 v, cpu = drive_cpu();

	for (v = 0; v < drive_nr_variants; v++)
		if (!strcmp(drive_variants[v]->name, variant))
			return drive_variants[v]->needs & ~cpu ? NULL :
			       vexfs_math_find_ops(drive_variants[v], cpu, type, metric);
	return NULL;
}

void bench_set_make(struct bench_set *s, u32 type, u32 metric, u32 dim, u32 n)
{
	const struct vexfs_math_conv *conv = vexfs_math_find_conv(&vexfs_math_scalar, 0, type);
	float *src = bench_alloc(dim * 4);
	u32 i, r;

	if (vexfs_space_init(&s->sp, type, metric, dim))
		abort();
	s->n = n;
	s->rows = bench_alloc((size_t)n * s->sp.stride);
	s->q = bench_alloc(s->sp.stride);
	s->aux = bench_alloc(4 * (size_t)n);
	s->keys = bench_alloc(4 * (size_t)n);
	s->ptr = bench_alloc(sizeof(void *) * n);
	for (r = 0; r <= n; r++) {
		float scale = type == VEXFS_TYPE_I8 || type == VEXFS_TYPE_U8 ? 120 : 1;
		u8 *row = r < n ? s->rows + (size_t)r * s->sp.stride : s->q;

		/* Random rows cost more to make than to read: one in 64, then copies. */
		if (r < n && r >= 4096 && r % 64) {
			memcpy(row, row - 64 * (size_t)s->sp.stride, s->sp.stride);
			s->aux[r] = s->aux[r - 64];
		} else {
			for (i = 0; i < dim; i++)
				src[i] = (float)bench_unit() * scale;
			if (drive_import(conv, &s->sp, row, r < n ? &s->aux[r] : &s->q_aux, src,
					 false))
				abort();
		}
		if (r < n)
			s->ptr[r] = row;
	}
	free(src);
}

void bench_set_free(struct bench_set *s)
{
	free(s->rows);
	free(s->q);
	free(s->aux);
	free(s->keys);
	free(s->ptr);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "pair", bench_simsimd },
	{ "scan", bench_scan },
	{ "block", bench_block },
	{ "import", bench_import },
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

static void usage(FILE *out)
{
	unsigned int i;

	fprintf(out, "usage: math-bench [-o FILE] [PART...]\n\n"
		"Compares the arithmetic of vexfs with peers on the same data, in turns.\n\n"
		"  -o, --output FILE  write the rows as JSON too\n"
		"  -h, --help         this text\n\n"
		"Parts:");
	for (i = 0; i < NR_PARTS; i++)
		fprintf(out, " %s", parts[i].name);
	fprintf(out, "; all of them when none is named.\n"
		"Exit status: 0 every goal reached, 1 one was missed, 2 trouble.\n");
}

/* As the module does when it is loaded. */
static void tune(void)
{
	unsigned int a, b, c, d, family;

	__builtin_cpu_init();
	if (!__get_cpuid(1, &a, &b, &c, &d))
		return;
	family = a >> 8 & 0xf;
	if (family == 0xf)
		family += a >> 20 & 0xff;
	vexfs_x86_tune(__builtin_cpu_is("amd"), family);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct outfile out = { 0 };
	unsigned int i;
	const char *path = NULL;
	int c, k;

	tune();
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			path = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	for (k = optind; k < argc; k++) {
		for (i = 0; i < NR_PARTS && strcmp(parts[i].name, argv[k]); i++)
			;
		if (i == NR_PARTS) {
			fprintf(stderr, "math-bench: no part is called %s\n", argv[k]);
			return 2;
		}
	}
	outfile_discard_on_signals();
	if (path && outfile_open(&out, path, false)) {
		fprintf(stderr, "math-bench: %s: %s\n", path, out.why);
		return 2;
	}
	if (path) {
		json_start(&json, out.f, true);
		json_array_begin(&json);
		have_json = true;
	}
	for (i = 0; i < NR_PARTS; i++) {
		bool wanted = optind == argc;

		for (k = optind; k < argc; k++)
			wanted |= !strcmp(parts[i].name, argv[k]);
		if (wanted)
			parts[i].run();
	}
	printf("%u of %u rows miss their goal\n", missed, rows);
	if (path) {
		json_array_end(&json);
		if (json_finish(&json) || outfile_commit(&out)) {
			fprintf(stderr, "math-bench: %s: %s\n", path,
				out.error ? out.why : strerror(errno));
			outfile_abandon(&out);
			return 2;
		}
	}
	return missed ? 1 : 0;
}
