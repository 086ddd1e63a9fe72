// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine.h"

/* A waiting put, on the stack of its writer. */
struct waiting {
	struct waiting *next;
	uint64_t id;
	const uint8_t *rows;
	uint32_t n;
	int sync;
	bool done;
};

struct group {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int (*write)(void *arg, uint64_t id, const uint8_t *rows, uint32_t n);
	int (*sync)(void *arg);
	void *arg;
	struct waiting *first;
	struct waiting **end;
	bool busy;
	int error;
};

struct group *group_new(int (*write)(void *arg, uint64_t id, const uint8_t *rows, uint32_t n),
			int (*sync)(void *arg), void *arg)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->write = write;
	g->sync = sync;
	g->arg = arg;
	g->end = &g->first;
	return g;
}

/* Writes all waiting puts one after another and flushes once. */
static int serve(struct group *g, struct waiting *list)
{
	int err = 0, sync = 0;

	for (struct waiting *w = list; w && !err; w = w->next) {
		err = g->write(g->arg, w->id, w->rows, w->n);
		sync |= w->sync;
	}
	return err || !sync ? err : g->sync(g->arg);
}

int group_put(struct group *g, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	struct waiting w = { .id = id, .rows = rows, .n = n, .sync = sync }, *list;
	int err;

	pthread_mutex_lock(&g->lock);
	*g->end = &w;
	g->end = &w.next;
	while (!w.done) {
		if (g->busy) {
			pthread_cond_wait(&g->changed, &g->lock);
			continue;
		}
		g->busy = true;
		list = g->first;
		g->first = NULL;
		g->end = &g->first;
		pthread_mutex_unlock(&g->lock);
		err = serve(g, list);
		pthread_mutex_lock(&g->lock);
		g->busy = false;
		g->error |= err;
		for (struct waiting *next; list; list = next) {
			next = list->next;
			list->done = true;
		}
		pthread_cond_broadcast(&g->changed);
	}
	err = g->error;
	pthread_mutex_unlock(&g->lock);
	return err;
}

void group_free(struct group *g)
{
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->changed);
	free(g);
}
