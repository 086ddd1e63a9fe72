// SPDX-License-Identifier: GPL-2.0
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parse.h"
#include "rows.h"

double ask_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

void *ask_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (!p) {
		fprintf(stderr, "bench-peers: no memory\n");
		exit(1);
	}
	return p;
}

uint64_t ask_number(const char *text, const char *what, uint64_t min, uint64_t max)
{
	uint64_t v;

	if (!parse_u64(text, &v) || v < min || v > max) {
		fprintf(stderr, "bench-peers: '%s' is no %s\n", text, what);
		exit(2);
	}
	return v;
}

static void *load(const char *prefix, const char *what, size_t unit, size_t *count)
{
	char name[4096];
	void *p = NULL;
	long bytes = -1;
	FILE *f;

	snprintf(name, sizeof(name), "%s.%s", prefix, what);
	f = fopen(name, "rb");
	if (f && !fseek(f, 0, SEEK_END))
		bytes = ftell(f);
	if (bytes > 0 && !(bytes % unit)) {
		*count = bytes / unit;
		p = ask_alloc(*count, unit);
		rewind(f);
	}
	if (!p || fread(p, unit, *count, f) != *count) {
		fprintf(stderr, "bench-peers: %s cannot be read or does not fit the dimension\n", name);
		exit(1);
	}
	fclose(f);
	return p;
}

void ask_load(struct ask_set *s, const char *prefix, const char *dim)
{
	const char *slash = strrchr(prefix, '/');
	size_t known;

	s->name = slash ? slash + 1 : prefix;
	s->dim = ask_number(dim, "dimension", 1, 65536);
	s->base = load(prefix, "base", s->dim * sizeof(*s->base), &s->n);
	s->queries = load(prefix, "query", s->dim * sizeof(*s->queries), &s->nq);
	s->truth = load(prefix, "truth", ASK_TRUTH_K * sizeof(*s->truth), &known);
	if (known != s->nq) {
		fprintf(stderr, "bench-peers: %s.truth is of other queries\n", prefix);
		exit(1);
	}
}

/* The sum over groups of the median of each group's runs. */
static double sum_of_medians(double *seconds, size_t groups)
{
	double sum = 0;
	size_t g;

	for (g = 0; g < groups; g++)
		sum += rows_median(seconds + g * ASK_RUNS, ASK_RUNS);
	return sum;
}

void ask_in_turns(size_t nq, struct asker *a, int n)
{
	size_t groups = (nq + ASK_GROUP - 1) / ASK_GROUP, g;
	double *wall = ask_alloc(n * groups * ASK_RUNS, sizeof(*wall));
	double *inside = ask_alloc(n * groups * ASK_RUNS, sizeof(*inside));
	int run, i;

	for (run = 0; run < ASK_RUNS; run++) {
		for (g = 0; g < groups; g++) {
			size_t first = g * ASK_GROUP;
			size_t count = nq - first < ASK_GROUP ? nq - first : ASK_GROUP;

			for (i = 0; i < n; i++) {
				size_t at = (i * groups + g) * ASK_RUNS + run;
				double start = ask_now();

				inside[at] = a[i].ask(a[i].arg, first, count);
				wall[at] = ask_now() - start;
			}
		}
	}
	for (i = 0; i < n; i++) {
		double in = sum_of_medians(inside + i * groups * ASK_RUNS, groups);

		a[i].qps = nq / sum_of_medians(wall + i * groups * ASK_RUNS, groups);
		a[i].inside_qps = in > 0 ? nq / in : 0;
	}
	free(wall);
	free(inside);
}

double ask_recall(const struct ask_set *s, const uint64_t *ids)
{
	size_t q, right = 0;
	int j, t;

	for (q = 0; q < s->nq; q++)
		for (j = 0; j < ASK_K; j++)
			for (t = 0; t < ASK_K; t++)
				right += ids[q * ASK_K + j] == s->truth[q * ASK_TRUTH_K + t];
	return (double)right / (s->nq * ASK_K);
}
