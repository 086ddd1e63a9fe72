// SPDX-License-Identifier: GPL-2.0
/*
 * Background work: compaction of collections whose files hold mostly replaced rows, and
 * saving of graphs. One task runs at a time.
 */
#include <errno.h>
#include <syslog.h>
#include <time.h>

#include "vexfsd.h"

#define EVERY_S	5

static int go_on(void *arg, uint64_t done, uint64_t total)
{
	struct daemon *d = arg;

	(void)done;
	(void)total;
	return d->upkeep_ends || d->stopping ? -EINTR : 0;
}

/* Superseded rows count for the limit of their user, who cannot write before they go. */
static bool is_over_limit(struct coll *k)
{
	struct store_info info;

	if (k->state != COLL_FAILED || k->error != EDQUOT)
		return false;
	store_coll_info(k->c, &info);
	return info.rows > info.live;
}

static void look_after(struct daemon *d, struct coll *k)
{
	struct store_error err = { 0 };

	pthread_mutex_lock(&k->lock);
	if (k->c && ((k->state == COLL_STORING && store_coll_wants_compaction(k->c)) ||
		     is_over_limit(k))) {
		if (store_coll_compact(k->c, go_on, d, &err) && err.code != EINTR)
			say(LOG_WARNING, "'%s' cannot be compacted: %s",
			    store_coll_meta(k->c)->name, err.text);
		quota_note(k);
	}
	if (k->c && k->state == COLL_STORING && graph_is_due(k) && graph_save(k, &err) &&
	    err.code != EINTR)
		say(LOG_WARNING, "the graph of '%s' cannot be saved: %s",
		    store_coll_meta(k->c)->name, err.text);
	pthread_mutex_unlock(&k->lock);
}

void upkeep_last(struct daemon *d)
{
	struct store_error err = { 0 };
	uint64_t at = 0;
	struct coll *k;

	d->releasing = true;
	while ((k = coll_hold(d, &at))) {
		notify_alive();
		pthread_mutex_lock(&k->lock);
		if (k->c && k->state == COLL_STORING &&
		    store_coll_meta(k->c)->index != VEXFS_INDEX_NONE &&
		    store_durable_seq(k->c) != k->graph_seq && graph_save(k, &err))
			say(LOG_WARNING, "the graph of '%s' cannot be saved: %s",
			    store_coll_meta(k->c)->name, err.text);
		pthread_mutex_unlock(&k->lock);
		coll_release(k);
	}
	d->releasing = false;
}

static void *upkeep(void *arg)
{
	struct daemon *d = arg;
	struct timespec until;
	struct coll *k;

	while (!d->upkeep_ends) {
		uint64_t at = 0;

		while (!d->upkeep_ends && (k = coll_hold(d, &at))) {
			look_after(d, k);
			coll_release(k);
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += EVERY_S;
		pthread_mutex_lock(&d->lock);
		while (!d->upkeep_ends &&
		       pthread_cond_timedwait(&d->upkeep_wake, &d->lock, &until) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&d->lock);
	}
	return NULL;
}

int upkeep_start(struct daemon *d)
{
	d->upkeep_ends = false;
	d->upkeep_runs = !pthread_create(&d->upkeep, NULL, upkeep, d);
	return d->upkeep_runs ? 0 : -EAGAIN;
}

void upkeep_stop(struct daemon *d)
{
	pthread_mutex_lock(&d->lock);
	d->upkeep_ends = true;
	pthread_cond_broadcast(&d->upkeep_wake);
	pthread_mutex_unlock(&d->lock);
	if (d->upkeep_runs)
		pthread_join(d->upkeep, NULL);
	d->upkeep_runs = false;
}
