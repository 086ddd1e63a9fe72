// SPDX-License-Identifier: GPL-2.0
/*
 * A collection whose user namespace has gone is kept in the store, and nobody can reach it
 * by its name. Root may claim it: it then belongs to root, in the namespace of the daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vexfsd.h"

/* The kernel checks names, too; one that it refuses must not get into the store. */
static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n && n < STORE_NAME_SIZE && *name != '-' && *name != '.' &&
	       n == strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-");
}

static bool is_meant(const struct coll *k, const char *which)
{
	char key[20];

	if (k->state != COLL_KEPT || !k->c)
		return false;
	snprintf(key, sizeof(key), "%016" PRIx64, k->key);
	return !strcmp(which, key) || !strcmp(which, store_coll_meta(k->c)->name);
}

/* Returns the one kept collection of that name or key, held. */
static struct coll *find_kept(struct daemon *d, const char *which, struct store_error *err)
{
	struct coll *k, *found = NULL;
	unsigned int met = 0;
	uint64_t at = 0;

	while ((k = coll_hold(d, &at))) {
		bool meant;

		pthread_mutex_lock(&k->lock);
		meant = is_meant(k, which);
		pthread_mutex_unlock(&k->lock);
		met += meant;
		if (meant && met == 1)
			found = k;
		else
			coll_release(k);
	}
	if (met == 1)
		return found;
	if (found)
		coll_release(found);
	if (met)
		store_fail(err, EEXIST, "%u kept collections are called '%s': name one by its KEY", met,
			   which);
	else
		store_fail(err, ENOENT, "no kept collection is called '%s'", which);
	return NULL;
}

/* The new owner is a change of settings, with the next sequence number. */
static int hand_over(struct coll *k, const char *name, struct store_error *err)
{
	struct store_meta meta = *store_coll_meta(k->c);
	int ret;

	meta.uid = 0;
	meta.gid = 0;
	meta.mode &= 0600;
	meta.user_ns = k->d->user_ns;
	memset(meta.name, 0, sizeof(meta.name));
	memcpy(meta.name, name, strlen(name));
	ret = store_append_meta(k->c, store_durable_seq(k->c) + 1, &meta, err);
	if (!ret)
		ret = store_commit(k->c, err);
	if (ret)
		store_coll_recover(k->c, NULL);
	return ret;
}

int claim(struct daemon *d, const char *which, const char *as, struct store_error *err)
{
	struct coll *k = find_kept(d, which, err);
	char name[STORE_NAME_SIZE];
	int ret = 0;

	if (!k)
		return -err->code;
	if (!as)
		as = store_coll_meta(k->c)->name;
	if (!name_ok(as))
		ret = store_fail(err, EINVAL, "'%s' is no name of a collection", as);
	else if (coll_name_taken(d, as))
		ret = store_fail(err, EEXIST, "'%s' exists: claim it under another name", as);
	if (!ret) {
		snprintf(name, sizeof(name), "%s", as);
		pthread_mutex_lock(&k->lock);
		/* another client may have been quicker */
		ret = k->state == COLL_KEPT ? hand_over(k, name, err) :
			store_fail(err, ENOENT, "'%s' was claimed already", which);
		if (!ret) {
			quota_note(k);
			k->restore = true;
			coll_state(k, COLL_WAITING, 0, NULL);
		}
		pthread_mutex_unlock(&k->lock);
	}
	if (!ret) {
		ret = coll_start(k);
		if (ret)
			store_fail(err, ret, "no thread: %s", strerror(-ret));
	}
	coll_release(k);
	return ret;
}
