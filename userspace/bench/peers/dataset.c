// SPDX-License-Identifier: GPL-2.0
/*
 * Data sets for the comparison with peers. It splits an .fbin file into base and queries
 * in a shuffled order, or generates clustered vectors; it normalises them and computes
 * the true neighbours by brute force. It knows no index.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "outfile.h"

#define TRUTH_K	ASK_TRUTH_K

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static double uniform(void)
{
	return (rnd() >> 11) * 0x1p-53;
}

static double gauss(void)
{
	double u = uniform(), v = uniform();

	return sqrt(-2 * log(u + 1e-300)) * cos(2 * M_PI * v);
}

static void *must(void *p)
{
	if (!p) {
		perror("dataset");
		exit(1);
	}
	return p;
}

static void normalise(float *v, int dim)
{
	double s = 0;
	int i;

	for (i = 0; i < dim; i++)
		s += (double)v[i] * v[i];
	s = s > 0 ? 1 / sqrt(s) : 0;
	for (i = 0; i < dim; i++)
		v[i] *= s;
}

/*
 * Clusters of different sizes. Members differ from the centre in a few dimensions, like
 * embeddings, plus a little noise in all dimensions.
 */
static void clustered(float *out, size_t n, int dim)
{
	enum { CLUSTERS = 500, INNER = 24 };
	float *centre = must(malloc(sizeof(*centre) * CLUSTERS * dim));
	float *basis = must(malloc(sizeof(*basis) * INNER * dim));
	size_t i;
	int c, d, j;

	for (i = 0; i < (size_t)CLUSTERS * dim; i++)
		centre[i] = gauss();
	for (i = 0; i < (size_t)INNER * dim; i++)
		basis[i] = gauss() / sqrt(INNER);
	for (i = 0; i < n; i++) {
		float w[INNER];
		double u = uniform();

		c = (int)(u * u * CLUSTERS);
		for (j = 0; j < INNER; j++)
			w[j] = gauss() * (c % 7 + 2) / 4;
		for (d = 0; d < dim; d++) {
			float v = centre[(size_t)c * dim + d] * 0.6f + gauss() * 0.15f;

			for (j = 0; j < INNER; j++)
				v += w[j] * basis[(size_t)j * dim + d];
			out[i * dim + d] = v;
		}
	}
	free(centre);
	free(basis);
}

/* The same @n vectors of the file in the same order, every time. */
static void shuffled(const char *name, float *v, size_t n, int dim)
{
	FILE *f = must(fopen(name, "rb"));
	uint32_t head[2], *order, i;
	float *all;

	if (fread(head, sizeof(head), 1, f) != 1 || head[1] != (uint32_t)dim || head[0] < n) {
		fprintf(stderr, "dataset: %s does not hold %zu vectors of dimension %d\n", name, n, dim);
		exit(1);
	}
	all = must(malloc(sizeof(*all) * head[0] * dim));
	order = must(malloc(sizeof(*order) * head[0]));
	if (fread(all, sizeof(*all) * dim, head[0], f) != head[0]) {
		fprintf(stderr, "dataset: %s is cut short\n", name);
		exit(1);
	}
	fclose(f);
	for (i = 0; i < head[0]; i++)
		order[i] = i;
	for (i = head[0] - 1; i; i--) {
		uint32_t j = rnd() % (i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < n; i++)
		memcpy(v + (size_t)i * dim, all + (size_t)order[i] * dim, dim * sizeof(*v));
	free(all);
	free(order);
}

struct truth_job {
	const float *base, *queries;
	uint32_t *truth;
	size_t n, from, to;
	int dim;
};

static void *truth_run(void *arg)
{
	struct truth_job *job = arg;
	struct { float key; uint32_t id; } top[TRUTH_K];
	size_t q, i;
	int d, j, k;

	for (q = job->from; q < job->to; q++) {
		const float *v = job->queries + q * job->dim;

		for (k = 0, i = 0; i < job->n; i++) {
			const float *b = job->base + i * job->dim;
			float dot = 0;

			for (d = 0; d < job->dim; d++)
				dot += v[d] * b[d];
			if (k == TRUTH_K && -dot >= top[k - 1].key)
				continue;
			for (j = k < TRUTH_K ? k++ : k - 1; j > 0 && top[j - 1].key > -dot; j--)
				top[j] = top[j - 1];
			top[j].key = -dot;
			top[j].id = i;
		}
		for (j = 0; j < TRUTH_K; j++)
			job->truth[q * TRUTH_K + j] = j < k ? top[j].id : UINT32_MAX;
	}
	return NULL;
}

static void save(const char *prefix, const char *what, const void *p, size_t bytes)
{
	struct outfile out;
	char name[4096];

	snprintf(name, sizeof(name), "%s.%s", prefix, what);
	if (outfile_write(&out, name, p, bytes)) {
		fprintf(stderr, "dataset: %s\n", out.why);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct truth_job jobs[64];
	pthread_t threads[64];
	int dim, cpus, i;
	size_t n, nq, j;
	uint32_t *truth;
	float *v;

	if (argc != 6) {
		fprintf(stderr, "usage: dataset SOURCE|- DIM BASE QUERIES PREFIX\n"
			"Writes PREFIX.base, PREFIX.query (f32, normalised) and PREFIX.truth\n"
			"(%d u32 a query) from vectors of SOURCE, an .fbin, in random order;\n"
			"'-' makes clustered synthetic vectors.\n", TRUTH_K);
		return 2;
	}
	dim = ask_number(argv[2], "dimension", 1, 65536);
	n = ask_number(argv[3], "number of vectors", 1, 100000000);
	nq = ask_number(argv[4], "number of queries", 1, 1000000);
	v = must(malloc((n + nq) * dim * sizeof(*v)));
	if (strcmp(argv[1], "-"))
		shuffled(argv[1], v, n + nq, dim);
	else
		clustered(v, n + nq, dim);
	for (j = 0; j < n + nq; j++)
		normalise(v + j * dim, dim);

	truth = must(malloc(nq * TRUTH_K * sizeof(*truth)));
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpus = cpus > 64 ? 64 : cpus < 1 ? 1 : cpus;
	for (i = 0; i < cpus; i++) {
		jobs[i] = (struct truth_job) {
			.base = v + nq * dim, .queries = v, .truth = truth, .n = n, .dim = dim,
			.from = nq * i / cpus, .to = nq * (i + 1) / cpus,
		};
		if (pthread_create(&threads[i], NULL, truth_run, &jobs[i]))
			exit(1);
	}
	for (i = 0; i < cpus; i++)
		pthread_join(threads[i], NULL);

	save(argv[5], "query", v, nq * dim * sizeof(*v));
	save(argv[5], "base", v + nq * dim, n * dim * sizeof(*v));
	save(argv[5], "truth", truth, nq * TRUTH_K * sizeof(*truth));
	return 0;
}
