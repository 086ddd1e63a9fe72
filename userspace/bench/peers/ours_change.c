// SPDX-License-Identifier: GPL-2.0
/* Stores and deletes vectors of the benchmark's collection with several threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ours.h"

struct part {
	const uint32_t *order;
	size_t from, to;
	void (*run)(struct part *p, struct vexfs *h);
};

static void *part_main(void *arg)
{
	struct part *p = arg;
	struct vexfs *h = ours_open();

	p->run(p, h);
	vexfs_close(h);
	return NULL;
}

static double spread(const uint32_t *order, size_t n, int threads,
		     void (*run)(struct part *p, struct vexfs *h))
{
	struct part parts[OURS_THREADS_MAX];
	pthread_t tid[OURS_THREADS_MAX];
	double start = ask_now();
	int i;

	for (i = 0; i < threads; i++)
		parts[i] = (struct part) { order, n * i / threads, n * (i + 1) / threads, run };
	for (i = 1; i < threads; i++) {
		if (pthread_create(&tid[i], NULL, part_main, &parts[i])) {
			fprintf(stderr, "bench-peers: no thread can be started\n");
			exit(1);
		}
	}
	part_main(parts);
	for (i = 1; i < threads; i++)
		pthread_join(tid[i], NULL);
	return ask_now() - start;
}

static size_t which(const struct part *p, size_t i)
{
	return p->order ? p->order[i] : i;
}

static void put_part(struct part *p, struct vexfs *h)
{
	uint32_t dim = ours.set.dim;
	float *v = ask_alloc((size_t)OURS_BATCH * dim, sizeof(*v));
	uint64_t ids[OURS_BATCH];
	uint32_t attrs[OURS_BATCH];
	struct vexfs_error err;
	size_t i, j, n;

	for (i = p->from; i < p->to; i += n) {
		struct vexfs_put req = { .flags = VEXFS_PUT_INSERT, .ids = (uintptr_t)ids,
					 .vectors = (uintptr_t)v, .attrs = (uintptr_t)attrs };

		n = p->to - i < OURS_BATCH ? p->to - i : OURS_BATCH;
		for (j = 0; j < n; j++) {
			size_t w = which(p, i + j);

			ids[j] = ours.ids[w];
			attrs[j] = ours.attrs[w];
			memcpy(v + j * dim, ours.set.base + w * dim, dim * sizeof(*v));
		}
		req.count = n;
		if (vexfs_do_put(h, &req, &err))
			ours_die(&err);
	}
	free(v);
}

static void delete_part(struct part *p, struct vexfs *h)
{
	uint64_t ids[OURS_BATCH];
	struct vexfs_error err;
	size_t i, j, n;

	for (i = p->from; i < p->to; i += n) {
		struct vexfs_delete req = { .ids = (uintptr_t)ids };

		n = p->to - i < OURS_BATCH ? p->to - i : OURS_BATCH;
		for (j = 0; j < n; j++)
			ids[j] = ours.ids[which(p, i + j)];
		req.count = n;
		if (vexfs_do_delete(h, &req, &err))
			ours_die(&err);
	}
}

double ours_put(const uint32_t *order, size_t n, int threads)
{
	return spread(order, n, threads, put_part);
}

double ours_delete(const uint32_t *order, size_t n, int threads)
{
	return spread(order, n, threads, delete_part);
}
