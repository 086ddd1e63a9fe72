// SPDX-License-Identifier: GPL-2.0
/* The daemon's list of collections, and one thread for each of them. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

#include "vexfsd.h"

#define THREAD_STACK	(256u << 10)

struct coll *coll_new(struct daemon *d, uint64_t key, uint64_t serial)
{
	struct coll *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->d = d;
	k->key = key;
	k->serial = serial;
	k->fd = -1;
	k->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->stop < 0) {
		free(k);
		return NULL;
	}
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_lock(&d->lock);
	k->number = ++d->numbers;
	k->next = d->colls;
	d->colls = k;
	pthread_mutex_unlock(&d->lock);
	return k;
}

static void coll_free(struct coll *k)
{
	if (k->fd >= 0)
		close(k->fd);
	close(k->stop);
	store_coll_abandon(k->c);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static void *run(void *arg)
{
	struct coll *k = arg;
	uint64_t one = 1;

	stream_run(k);
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	k->ended = true;
	/* The main thread joins this one. */
	if (write(k->d->wake, &one, sizeof(one)) < 0)
		say(LOG_ERR, "cannot report that a collection's thread has ended: %s", strerror(errno));
	return NULL;
}

int coll_start(struct coll *k)
{
	pthread_attr_t attr;
	uint64_t drained;
	int ret;

	if (read(k->stop, &drained, sizeof(drained)) < 0 && errno != EAGAIN)
		return -errno;
	k->ended = false;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	ret = pthread_create(&k->thread, &attr, run, k);
	pthread_attr_destroy(&attr);
	k->running = !ret;
	return -ret;
}

void coll_state(struct coll *k, enum coll_state state, int error, const char *why)
{
	pthread_mutex_lock(&k->d->lock);
	k->state = state;
	k->error = error;
	snprintf(k->why, sizeof(k->why), "%s", why ? why : "");
	pthread_mutex_unlock(&k->d->lock);
}

bool coll_stopping(struct coll *k)
{
	struct pollfd p = { .fd = k->stop, .events = POLLIN };

	return k->d->stopping || poll(&p, 1, 0) == 1;
}

bool coll_sleep(struct coll *k, unsigned int ms)
{
	struct pollfd p = { .fd = k->stop, .events = POLLIN };

	return poll(&p, 1, (int)ms) == 0 && !k->d->stopping;
}

static bool is_gone(const struct coll *k)
{
	return !k->c && !k->key;
}

struct coll *coll_hold(struct daemon *d, uint64_t *at)
{
	struct coll *k = NULL;

	pthread_mutex_lock(&d->lock);
	/* The latest comes first. */
	for (struct coll *o = d->colls; o && o->number > *at; o = o->next)
		k = o;
	if (k) {
		k->holders++;
		*at = k->number;
	}
	pthread_mutex_unlock(&d->lock);
	return k;
}

void coll_release(struct coll *k)
{
	pthread_mutex_lock(&k->d->lock);
	k->holders--;
	pthread_cond_broadcast(&k->d->batch_free);
	pthread_mutex_unlock(&k->d->lock);
}

bool coll_is_kept(struct coll *k)
{
	const struct store_meta *m = store_coll_meta(k->c);

	if (m->user_ns == k->d->user_ns)
		return false;
	coll_state(k, COLL_KEPT, 0, "its user namespace no longer exists");
	say(LOG_NOTICE, "'%s' is kept in the store: its user namespace no longer exists", m->name);
	return true;
}

bool coll_name_taken(struct daemon *d, const char *name)
{
	uint64_t at = 0;
	bool taken = false;
	struct coll *k;

	while (!taken && (k = coll_hold(d, &at))) {
		pthread_mutex_lock(&k->lock);
		taken = k->c && k->state != COLL_KEPT && !strcmp(store_coll_meta(k->c)->name, name);
		pthread_mutex_unlock(&k->lock);
		coll_release(k);
	}
	return taken;
}

void colls_reap(struct daemon *d)
{
	struct coll *gone = NULL, **at, *k;

	for (k = d->colls; k; k = k->next)
		if (k->running && k->ended) {
			pthread_join(k->thread, NULL);
			k->running = false;
		}
	pthread_mutex_lock(&d->lock);
	for (at = &d->colls; (k = *at);) {
		if (k->running || k->holders || !is_gone(k)) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		k->next = gone;
		gone = k;
	}
	pthread_mutex_unlock(&d->lock);
	while ((k = gone)) {
		gone = k->next;
		coll_free(k);
	}
}

void colls_stop(struct daemon *d)
{
	uint64_t one = 1;
	struct coll *k;

	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->batch_free);
	pthread_mutex_unlock(&d->lock);
	for (k = d->colls; k; k = k->next)
		if (k->running && write(k->stop, &one, sizeof(one)) < 0)
			say(LOG_ERR, "cannot stop a collection's thread: %s", strerror(errno));
	for (k = d->colls; k; k = k->next)
		if (k->running) {
			pthread_join(k->thread, NULL);
			k->running = false;
		}
	/* Other threads may still use it: they see that the daemon stops and release it. */
	while ((k = d->colls)) {
		pthread_mutex_lock(&d->lock);
		d->colls = k->next;
		while (k->holders)
			pthread_cond_wait(&d->batch_free, &d->lock);
		pthread_mutex_unlock(&d->lock);
		if (k->c && store_coll_close(k->c))
			say(LOG_WARNING, "a collection was not closed cleanly; no acknowledged change is lost");
		k->c = NULL;
		coll_free(k);
	}
	d->stopping = false;
}
