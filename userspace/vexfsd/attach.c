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

/* The collections that were served last, and those that the kernel has now. */
struct known {
	struct daemon *d;
	struct {
		uint64_t key;
		uint64_t serial;
	} *pairs;
	size_t n;
	uint64_t *serials;	/* the kernel has it */
	size_t nserials;
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

static int note_serial(void *arg, const struct vexfs_stat *st)
{
	struct known *w = arg;
	uint64_t *p = realloc(w->serials, (w->nserials + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->serials = p;
	p[w->nserials++] = st->serial;
	return 0;
}

static uint64_t serial_of(const struct known *w, uint64_t key)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->pairs[i].key == key)
			return w->pairs[i].serial;
	return 0;
}

static bool in_kernel(const struct known *w, uint64_t serial)
{
	for (size_t i = 0; i < w->nserials; i++)
		if (w->serials[i] == serial)
			return true;
	return false;
}

/*
 * The module instance that was served before does not have it: it was dropped, or it was
 * never acknowledged.
 */
static void drop_stored(struct daemon *d, uint64_t key, const char *why)
{
	struct store_error err = { 0 };
	struct store_coll *c;

	if (store_coll_open(d->s, key, &c, &err)) {
		say(LOG_ERR, "%s", err.text);
		return;
	}
	say(LOG_NOTICE, "'%s' %s: removing its files", store_coll_meta(c)->name, why);
	if (store_coll_drop(c, &err)) {
		say(LOG_ERR, "%s", err.text);
		store_coll_abandon(c);
	}
}

/* The collection belongs to another user namespace, so no process here can use its name. */
static bool is_kept(struct daemon *d, struct coll *k)
{
	struct store_error err = { 0 };
	struct store_coll *c;
	bool kept = false;

	if (store_coll_open(d->s, k->key, &c, &err)) {
		coll_state(k, COLL_CONFLICT, err.code, err.text);
		say(LOG_ERR, "%s", err.text);
		return true;
	}
	kept = store_coll_meta(c)->user_ns != d->user_ns;
	k->c = c;
	quota_note(k);
	if (kept) {
		coll_state(k, COLL_KEPT, 0, "its user namespace no longer exists");
		say(LOG_NOTICE, "'%s' is kept in the store: its user namespace no longer exists",
		    store_coll_meta(c)->name);
	}
	return kept;
}

static int take_up(struct daemon *d, const struct known *w, uint64_t key, bool same)
{
	uint64_t serial = same ? serial_of(w, key) : 0;
	struct coll *k;

	if (same && !serial) {
		drop_stored(d, key, "was never acknowledged");
		return 0;
	}
	if (same && !in_kernel(w, serial)) {
		drop_stored(d, key, "was dropped");
		return 0;
	}
	k = coll_new(d, key, serial);
	if (!k)
		return -ENOMEM;
	k->restore = !same;
	if (k->restore && is_kept(d, k))
		return 0;
	return coll_start(k);
}

static int take_up_all(struct daemon *d, const struct known *w, bool same)
{
	size_t n;
	const uint64_t *keys = store_keys(d->s, &n);
	uint64_t *copy = calloc(n + 1, sizeof(*copy));
	int ret = copy ? 0 : -ENOMEM;

	if (copy && n)
		memcpy(copy, keys, n * sizeof(*copy));
	for (size_t i = 0; !ret && i < n; i++)
		ret = take_up(d, w, copy[i], same);
	free(copy);
	return ret;
}

int daemon_attach(struct daemon *d)
{
	struct vexfs_storage st = { 0 };
	struct known w = { .d = d };
	uint64_t last;
	int ret, fd = kernel_open(d->opts.device);

	if (fd < 0)
		return fd;
	ret = KERNEL(fd, VEXFS_IOC_STORAGE, &st);
	if (ret) {
		close(fd);
		return ret;
	}
	d->storage = fd;
	d->instance = st.instance;
	ret = run_read(d, &last, note_pair, &w);
	if (ret && ret != -ENOENT)
		say(LOG_WARNING, "RUN: %s; everything is restored", strerror(-ret));
	ret = kernel_list(fd, VEXFS_LIST_ALL, note_serial, &w);
	if (!ret)
		ret = take_up_all(d, &w, last == st.instance);
	free(w.pairs);
	free(w.serials);
	if (!ret)
		ret = run_write(d);
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

static bool is_served(struct daemon *d, uint64_t serial)
{
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (struct coll *k = d->colls; k && !found; k = k->next)
		found = k->serial == serial;
	pthread_mutex_unlock(&d->lock);
	return found;
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
