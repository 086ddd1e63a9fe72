// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: threads that submit, reap and cancel on descriptors of their own and on a common one;
 * each answer is checked.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tests/async/async.h"

#define THREADS	4u
#define ROUNDS	40u
#define DEPTH	32u
#define K	3u

struct op {
	union {
		uint32_t size;
		struct vexfs_nop nop;
		struct vexfs_get get;
		struct vexfs_search search;
	} r;
	float v[DIM];
	uint64_t id;
	uint64_t ids[K];
	float distances[K];
	uint32_t cmd;
	bool done;
};

struct thread {
	pthread_t thread;
	int fd;
	bool cancels;
	uint32_t seed;
	uint32_t wrong;
	uint32_t cancelled;
	struct op ops[DEPTH];
};

static uint32_t dice(struct thread *t, uint32_t n)
{
	t->seed = t->seed * 1664525 + 1013904223;
	return (t->seed >> 8) % n;
}

static struct vexfs_submission prepare(struct thread *t, struct op *op)
{
	memset(op, 0, sizeof(*op));
	op->id = dice(t, VECTORS);
	switch (dice(t, 3)) {
	case 0:
		op->cmd = VEXFS_IOC_NOP;
		op->r.nop = nop_of(op->id, dice(t, 4) ? 0 : 100000);
		op->r.nop.priority = dice(t, 3);
		break;
	case 1:
		op->cmd = VEXFS_IOC_GET;
		op->r.get = (struct vexfs_get) {
			.size = sizeof(op->r.get), .count = 1, .ids = (uintptr_t)&op->id,
			.vectors = (uintptr_t)op->v, .priority = dice(t, 3),
		};
		break;
	default:
		op->cmd = VEXFS_IOC_SEARCH;
		fill(op->v, op->id);
		op->r.search = raw_search(op->v, 1, K, op->ids, op->distances, NULL);
		op->r.search.size = sizeof(op->r.search);
		op->r.search.priority = dice(t, 3);
	}
	return entry(op->cmd, &op->r, (uintptr_t)op);
}

static bool right(const struct op *op)
{
	float v[DIM];

	fill(v, op->id);
	switch (op->cmd) {
	case VEXFS_IOC_NOP:
		return op->r.nop.echo == op->id;
	case VEXFS_IOC_GET:
		return op->r.get.done == 1 && !memcmp(op->v, v, sizeof(v));
	default:
		return op->r.search.found == K && op->ids[0] == op->id && op->distances[0] == 0 &&
		       op->distances[1] <= op->distances[2];
	}
}

static void check(struct thread *t, const struct vexfs_completion *c)
{
	struct op *op = (struct op *)(uintptr_t)c->user_data;

	t->wrong += op->done;
	op->done = true;
	if (c->res == -ECANCELED && t->cancels)
		t->cancelled++;
	else
		t->wrong += c->res || !right(op);
}

static void *storm(void *arg)
{
	struct thread *t = arg;
	struct vexfs_submission e[DEPTH];
	struct vexfs_completion c[DEPTH];
	int got;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t n = 1 + dice(t, DEPTH), seen = 0;

		for (uint32_t i = 0; i < n; i++)
			e[i] = prepare(t, &t->ops[i]);
		t->wrong += submit(t->fd, e, n) != (int)n;
		if (t->cancels)
			cancel(t->fd, e[dice(t, n)].user_data, 0);
		while (seen < n) {
			got = reap(t->fd, c, 1 + dice(t, n - seen));
			if (got <= 0) {
				t->wrong++;
				return NULL;
			}
			for (int i = 0; i < got; i++)
				check(t, &c[i]);
			seen += (uint32_t)got;
		}
	}
	return NULL;
}

static void own(void)
{
	struct thread *t = calloc(THREADS, sizeof(*t));
	uint32_t wrong = 0, cancelled = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		t[i].fd = attach();
		t[i].seed = i + 1;
		t[i].cancels = i & 1;
		if (pthread_create(&t[i].thread, NULL, storm, &t[i]))
			wrong++;
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(t[i].thread, NULL);
		wrong += t[i].wrong + (left(t[i].fd) != 0);
		cancelled += t[i].cancelled;
		close(t[i].fd);
	}
	is(wrong, 0, "a storm of ops, each answer right");
	printf("# %u were cancelled\n", cancelled);
	free(t);
}

/* One descriptor, and threads that reap what others have submitted. */
static struct {
	int fd;
	uint32_t reaped;
	uint32_t wrong;
} common;

static void *reaper(void *arg)
{
	struct vexfs_completion c[DEPTH];
	uint32_t all = THREADS * ROUNDS;
	int got;

	(void)arg;
	while (__atomic_load_n(&common.reaped, __ATOMIC_RELAXED) < all) {
		got = reap(common.fd, c, 1);
		for (int i = 0; i < got; i++) {
			struct vexfs_nop *nop = (struct vexfs_nop *)(uintptr_t)c[i].user_data;

			if (c[i].res || nop->echo != (uintptr_t)nop)
				__atomic_add_fetch(&common.wrong, 1, __ATOMIC_RELAXED);
			free(nop);
		}
		if (got > 0)
			__atomic_add_fetch(&common.reaped, (uint32_t)got, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *submitter(void *arg)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct vexfs_nop *nop = malloc(sizeof(*nop));

		*nop = nop_of((uintptr_t)nop, 0);
		if (SUBMIT(common.fd, VEXFS_IOC_NOP, nop, (uintptr_t)nop) != 1)
			__atomic_add_fetch(&common.wrong, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static void shared(void)
{
	pthread_t t[2 * THREADS];

	common.fd = attach();
	for (uint32_t i = 0; i < 2 * THREADS; i++)
		if (pthread_create(&t[i], NULL, i & 1 ? reaper : submitter, NULL))
			common.wrong++;
	for (uint32_t i = 0; i < 2 * THREADS; i++)
		pthread_join(t[i], NULL);
	ok(!common.wrong && common.reaped == THREADS * ROUNDS,
	   "many threads on one descriptor: %u completions", common.reaped);
	close(common.fd);
}

void storms(void)
{
	own();
	shared();
}
