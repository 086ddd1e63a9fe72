// SPDX-License-Identifier: GPL-2.0
/*
 * Attaching to the kernel as the machine's storage daemon, and detaching. After
 * attaching, the stored collections are compared with those of the kernel: some must be
 * restored, some were dropped in the meantime. Detaching lets the module be unloaded.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "vexfsd.h"

/**
 * struct known - the collections that were served last, and those that the kernel has now
 * @d: the daemon
 * @same: the module instance that was served last
 * @pairs: collections that were served last; serial 0: it was in the store only
 * @n: number of @pairs
 * @there: collections of the kernel
 * @nthere: number of them
 */
struct known {
	struct daemon *d;
	bool same;
	struct {
		uint64_t key;
		uint64_t serial;
	} *pairs;
	size_t n;
	struct vexfs_stat *there;
	size_t nthere;
};

static int note_pair(void *arg, uint64_t key, uint64_t serial)
{
	struct known *w = arg;
	void *p = realloc(w->pairs, (w->n + 1) * sizeof(*w->pairs));

	if (!p)
		return -ENOMEM;
	w->pairs = p;
	w->pairs[w->n].key = key;
	w->pairs[w->n++].serial = serial;
	return 0;
}

static int note_there(void *arg, const struct vexfs_stat *st)
{
	struct known *w = arg;
	struct vexfs_stat *p = realloc(w->there, (w->nthere + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->there = p;
	p[w->nthere++] = *st;
	return 0;
}

/* False when the collection is in no pair. */
static bool was_served(const struct known *w, uint64_t key, uint64_t *serial)
{
	*serial = 0;
	for (size_t i = 0; i < w->n; i++)
		if (w->pairs[i].key == key) {
			*serial = w->pairs[i].serial;
			return true;
		}
	return false;
}

static bool in_kernel(const struct known *w, uint64_t serial)
{
	for (size_t i = 0; i < w->nthere; i++)
		if (w->there[i].serial == serial)
			return true;
	return false;
}

static bool is_paired(const struct known *w, uint64_t serial)
{
	for (size_t i = 0; w->same && i < w->n; i++)
		if (w->pairs[i].serial == serial)
			return true;
	return false;
}

static bool is_served(struct daemon *d, uint64_t serial)
{
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (struct coll *k = d->colls; k && !found; k = k->next)
		found = k->serial == serial;
	pthread_mutex_unlock(&d->lock);
	return found;
}

/*
 * A daemon may end right after it has restored a collection, before RUN says so, and RUN may
 * be damaged. The kernel then has the collection as of a change that is in the store.
 */
static uint64_t restored_as(const struct known *w, const struct store_coll *c)
{
	const struct store_meta *m = store_coll_meta(c);
	uint64_t seq = store_durable_seq(c);

	for (size_t i = 0; i < w->nthere; i++) {
		const struct vexfs_stat *st = &w->there[i];

		if (st->durability != VEXFS_DURABILITY_NONE && (st->flags & VEXFS_STAT_STORED) &&
		    !strcmp(st->name, m->name) && st->created == m->created &&
		    st->user_ns == m->user_ns && st->durable <= seq && seq <= st->seq &&
		    !is_paired(w, st->serial) && !is_served(w->d, st->serial))
			return st->serial;
	}
	return 0;
}

/* Removes an open collection of the store. */
static void drop_stored(struct store_coll *c, const char *why)
{
	struct store_error err = { 0 };

	say(LOG_NOTICE, "'%s' %s: removing its files", store_coll_meta(c)->name, why);
	if (store_coll_drop(c, &err)) {
		say(LOG_ERR, "%s", err.text);
		store_coll_abandon(c);
	}
}

/* The module instance that was served before does not have it any more. */
static void was_dropped(struct daemon *d, uint64_t key)
{
	struct store_error err = { 0 };
	struct store_coll *c;

	if (store_coll_open(d->s, key, &c, &err))
		say(LOG_ERR, "%s", err.text);
	else
		drop_stored(c, "was dropped");
}

/* A collection that the kernel does not have under a known number: @c, or NULL and @ret. */
static void find_place(const struct known *w, struct coll *k, struct store_coll *c, int ret,
		       const struct store_error *err)
{
	k->restore = true;
	/* One that cannot be opened is left to its thread, which tries again. */
	if (ret == -EUCLEAN || ret == -ENOTSUP) {
		coll_state(k, COLL_CONFLICT, err->code, err->text);
		say(LOG_ERR, "%s", err->text);
	}
	if (ret)
		return;
	k->c = c;
	quota_note(k);
	k->serial = restored_as(w, c);
	k->unfinished = k->serial != 0;
	k->restore = !k->serial;
	if (k->restore)
		coll_is_kept(k);
}

static int take_up(const struct known *w, uint64_t key)
{
	struct store_error err = { 0 };
	struct store_coll *c = NULL;
	uint64_t serial = 0;
	bool served = w->same && was_served(w, key, &serial);
	struct coll *k;
	int ret = 0;

	if (serial && !in_kernel(w, serial)) {
		was_dropped(w->d, key);
		return 0;
	}
	if (!serial)
		ret = store_coll_open(w->d->s, key, &c, &err);
	/* RUN is written after a creation and before the first change. */
	if (c && w->same && !served && !store_durable_seq(c)) {
		drop_stored(c, "was never acknowledged");
		return 0;
	}
	k = coll_new(w->d, key, serial);
	if (!k) {
		store_coll_abandon(c);
		return -ENOMEM;
	}
	if (!serial)
		find_place(w, k, c, ret, &err);
	return 0;
}

static int take_up_all(const struct known *w)
{
	size_t n;
	const uint64_t *keys = store_keys(w->d->s, &n);
	uint64_t *copy = calloc(n + 1, sizeof(*copy));
	int ret = copy ? 0 : -ENOMEM;

	if (copy && n)
		memcpy(copy, keys, n * sizeof(*copy));
	for (size_t i = 0; !ret && i < n; i++) {
		notify_alive();
		ret = take_up(w, copy[i]);
	}
	free(copy);
	return ret;
}

static int start_all(struct daemon *d)
{
	uint64_t at = 0;
	struct coll *k;
	int ret = 0;

	while (!ret && (k = coll_hold(d, &at))) {
		if (k->state == COLL_WAITING)
			ret = coll_start(k);
		coll_release(k);
	}
	return ret;
}

static int take_over(struct known *w, int fd, uint64_t instance)
{
	uint64_t last;
	int ret = run_read(w->d, &last, note_pair, w);

	if (ret == -ENOMEM)
		return ret;
	if (ret && ret != -ENOENT)
		say(LOG_WARNING, "RUN: %s; collections are found by their names", strerror(-ret));
	w->same = last == instance;
	ret = kernel_list(fd, VEXFS_LIST_ALL, note_there, w);
	if (!ret)
		ret = take_up_all(w);
	/* Before anything is restored: the next daemon is to know what is still missing. */
	if (!ret)
		ret = run_write(w->d);
	return ret ? ret : start_all(w->d);
}

int daemon_attach(struct daemon *d)
{
	struct vexfs_storage st = { 0 };
	struct known w = { .d = d };
	int ret, fd = kernel_open(d->opts.device);

	if (fd < 0)
		return fd;
	ret = KERNEL(fd, VEXFS_IOC_STORAGE, &st);
	if (ret) {
		close(fd);
		return ret;
	}
	d->instance = st.instance;
	ret = take_over(&w, fd, st.instance);
	free(w.pairs);
	free(w.there);
	/* From here on the control socket may add collections. */
	d->storage = fd;
	if (!ret)
		ret = upkeep_start(d);
	if (!ret)
		ret = daemon_discover(d);
	if (ret)
		daemon_release(d);
	return ret;
}

void daemon_release(struct daemon *d)
{
	upkeep_stop(d);
	upkeep_last(d);
	colls_stop(d);
	if (d->storage >= 0)
		close(d->storage);
	d->storage = -1;
}

static int discovered(void *arg, const struct vexfs_stat *st)
{
	struct daemon *d = arg;
	struct coll *k;

	if (is_served(d, st->serial))
		return 0;
	k = coll_new(d, 0, st->serial);
	return k ? coll_start(k) : -ENOMEM;
}

/* Durable collections that no daemon stores yet. */
int daemon_discover(struct daemon *d)
{
	uint64_t changes;
	int ret;

	if (read(d->storage, &changes, sizeof(changes)) < 0 && errno != EAGAIN)
		return -errno;
	pthread_mutex_lock(&d->adopt_lock);
	ret = kernel_list(d->storage, VEXFS_LIST_UNSTORED, discovered, d);
	pthread_mutex_unlock(&d->adopt_lock);
	return ret;
}
