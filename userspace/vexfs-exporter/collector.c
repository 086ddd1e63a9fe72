// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "busy.h"
#include "collector.h"

/* Requests within this time share a snapshot. */
#define SHARE_NS	50000000u

/**
 * struct collector - the thread and its newest snapshot
 * @lock: guards what follows
 * @wake: a snapshot is wanted, or the thread is to stop
 * @ended: the thread has ended
 * @asked: number of the snapshot that is wanted
 * @begun: number of the snapshot that is being taken or was taken last
 * @done: number of the snapshot in @last
 * @last: the newest snapshot
 * @stop: the thread is to end
 * @over: it has ended
 */
struct collector {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t ended;
	uint64_t asked;
	uint64_t begun;
	uint64_t done;
	struct snapshot *last;
	bool stop;
	bool over;
	bool names;
	size_t most;
	collector_fn fn;
	void *arg;
	struct source source;
	struct busy busy;
};

static void put_locked(struct snapshot *a)
{
	if (a && !--a->users)
		snapshot_free(a);
}

static void publish(struct collector *c, struct snapshot *a, uint64_t number)
{
	pthread_mutex_lock(&c->lock);
	/* Without memory the previous snapshot stays. */
	if (a) {
		put_locked(c->last);
		c->last = a;
	}
	c->done = number;
	pthread_mutex_unlock(&c->lock);
	c->fn(c->arg);
}

static void *run(void *arg)
{
	struct collector *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		struct snapshot *a;
		uint64_t number;

		if (c->begun >= c->asked) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		number = ++c->begun;
		pthread_mutex_unlock(&c->lock);
		a = snapshot_read(&c->source, c->names);
		if (a && busy_pick(&c->busy, a, c->most)) {
			snapshot_free(a);
			a = NULL;
		}
		publish(c, a, number);
		pthread_mutex_lock(&c->lock);
	}
	c->over = true;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct collector *collector_start(bool names, size_t most, collector_fn fn, void *arg)
{
	struct collector *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int err;

	if (!c)
		return NULL;
	c->names = names;
	c->most = most;
	c->fn = fn;
	c->arg = arg;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->ended, &attr);
	pthread_condattr_destroy(&attr);
	err = pthread_create(&c->thread, NULL, run, c);
	if (err) {
		free(c);
		errno = err;
		return NULL;
	}
	return c;
}

bool collector_stop(struct collector *c)
{
	struct timespec until;
	bool over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 2;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	while (!c->over && !pthread_cond_timedwait(&c->ended, &c->lock, &until))
		;
	over = c->over;
	pthread_mutex_unlock(&c->lock);
	if (!over)
		return false;
	pthread_join(c->thread, NULL);
	put_locked(c->last);
	source_close(&c->source);
	busy_free(&c->busy);
	free(c);
	return true;
}

uint64_t collector_ask(struct collector *c)
{
	uint64_t number;

	pthread_mutex_lock(&c->lock);
	if (c->begun > c->done)
		number = c->begun;
	else if (c->last && clock_ns() - c->last->began_ns < SHARE_NS)
		number = c->done;
	else
		number = c->begun + 1;
	if (number > c->asked) {
		c->asked = number;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return number;
}

uint64_t collector_done(struct collector *c)
{
	uint64_t done;

	pthread_mutex_lock(&c->lock);
	done = c->done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

struct snapshot *collector_get(struct collector *c)
{
	struct snapshot *a;

	pthread_mutex_lock(&c->lock);
	a = c->last;
	if (a)
		a->users++;
	pthread_mutex_unlock(&c->lock);
	return a;
}

void collector_put(struct collector *c, struct snapshot *a)
{
	pthread_mutex_lock(&c->lock);
	put_locked(a);
	pthread_mutex_unlock(&c->lock);
}
