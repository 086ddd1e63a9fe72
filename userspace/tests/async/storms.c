// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: threads that submit, reap and cancel on descriptors of their own and on a common one;
 * each answer is checked.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/async/async.h"

#define THREADS	4u
#define ROUNDS	40u
#define DEPTH	32u

struct thread {
	pthread_t thread;
	int fd;
	bool cancels;
	uint32_t seed;
	uint32_t wrong;
	uint32_t cancelled;
	struct mixed_op ops[DEPTH];
	bool done[DEPTH];
};

static void check(struct thread *t, const struct vexfs_completion *c)
{
	struct mixed_op *op = (struct mixed_op *)(uintptr_t)c->user_data;
	bool *done = &t->done[op - t->ops];

	t->wrong += *done;
	*done = true;
	if (c->res == -ECANCELED && t->cancels)
		t->cancelled++;
	else
		t->wrong += c->res || !mixed_right(op);
}

static void *storm(void *arg)
{
	struct thread *t = arg;
	struct vexfs_submission e[DEPTH];
	struct vexfs_completion c[DEPTH];
	int got;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t n = 1 + dice(&t->seed, DEPTH), seen = 0;

		memset(t->done, 0, sizeof(t->done));
		for (uint32_t i = 0; i < n; i++) {
			mixed_op(&t->ops[i], &t->seed, 100000);
			e[i] = entry(t->ops[i].cmd, &t->ops[i].r, (uintptr_t)&t->ops[i]);
		}
		t->wrong += submit(t->fd, e, n) != (int)n;
		if (t->cancels)
			cancel(t->fd, e[dice(&t->seed, n)].user_data, 0);
		while (seen < n) {
			got = reap(t->fd, c, 1 + dice(&t->seed, n - seen));
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
	is(wrong, 0, "random ops of several threads: every result is right");
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
	   "one descriptor, threads that submit and threads that reap: %u completions", common.reaped);
	close(common.fd);
}

void storms(void)
{
	own();
	shared();
}
