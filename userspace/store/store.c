// SPDX-License-Identifier: GPL-2.0
/* The store as a whole: its identity, and the collections in it. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crc32c.h"
#include "private.h"

#ifdef __x86_64__
#define MACHINE	EM_X86_64
#elif defined(__aarch64__)
#define MACHINE	EM_AARCH64
#else
#define MACHINE	EM_NONE
#endif

#define KEYS_MAX	1000000u
/* A stray file that is an incomplete list. */
#define HEAD_NEW	UINT64_MAX

int key_add(struct store *s, uint64_t key)
{
	uint64_t *keys;

	pthread_mutex_lock(&s->lock);
	keys = realloc(s->keys, (s->nkeys + 1) * sizeof(*keys));
	if (keys) {
		s->keys = keys;
		s->keys[s->nkeys++] = key;
	}
	pthread_mutex_unlock(&s->lock);
	return keys ? 0 : -ENOMEM;
}

void key_remove(struct store *s, uint64_t key)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->nkeys; i++)
		if (s->keys[i] == key) {
			s->keys[i] = s->keys[--s->nkeys];
			break;
		}
	pthread_mutex_unlock(&s->lock);
}

static uint32_t super_crc(const struct disk_super *d)
{
	struct disk_super copy = *d;

	copy.begin.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

static int super_make(struct store *s, struct store_error *err)
{
	struct disk_super d = { .created = time(NULL), .machine = MACHINE };
	int ret = s->io->ops->random(s->io, d.id, sizeof(d.id));

	begin_make(&d.begin, MAGIC_SUPER);
	snprintf(d.program, sizeof(d.program), "%s", VEXFS_VERSION);
	d.begin.crc = super_crc(&d);
	if (!ret)
		ret = store_replace(s->io, "STORE", &d, sizeof(d));
	if (ret)
		return store_fail(err, ret, "STORE cannot be written: %s", strerror(-ret));
	memcpy(s->id, d.id, sizeof(s->id));
	return 0;
}

static int super_read(struct store *s, struct store_error *err)
{
	struct disk_super d;
	void *data;
	size_t len;
	int ret = store_slurp(s->io, "STORE", 65536, &data, &len);

	if (ret == -ENOENT)
		return ret;
	if (ret)
		return store_fail(err, ret, "STORE: %s", strerror(-ret));
	if (len < sizeof(d)) {
		free(data);
		return store_fail(err, EUCLEAN, "STORE is cut short: %zu bytes", len);
	}
	memcpy(&d, data, sizeof(d));
	free(data);
	memcpy(s->id, d.id, sizeof(s->id));
	return begin_check(&d.begin, MAGIC_SUPER, super_crc(&d), !s->opts.read_only, "STORE", err);
}

/* The contents of the directory. */
struct names {
	struct store *of;
	size_t others;
	bool super;
};

static int hex(const char *s, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef", *at = s[i] ? strchr(digits, s[i]) : NULL;

		if (!at)
			return 0;
		*v = *v << 4 | (uint64_t)(at - digits);
	}
	return 1;
}

static int sort_name(void *arg, const char *name)
{
	struct names *n = arg;
	struct stray stray = { 0 }, *strays;
	size_t len = strlen(name);

	if (!strcmp(name, "STORE")) {
		n->super = true;
	} else if (len == 21 && hex(name, 16, &stray.key) && !strcmp(name + 16, ".head")) {
		if (n->of->nkeys >= KEYS_MAX)
			return -E2BIG;
		return key_add(n->of, stray.key);
	} else if ((len == 29 && hex(name, 16, &stray.key) && name[16] == '-' &&
		    hex(name + 17, 8, &stray.number) && !strcmp(name + 25, ".seg")) ||
		   (len == 25 && hex(name, 16, &stray.key) && !strcmp(name + 16, ".head.new"))) {
		if (len == 25)
			stray.number = HEAD_NEW;
		strays = realloc(n->of->stray, (n->of->strays + 1) * sizeof(*strays));
		if (!strays)
			return -ENOMEM;
		n->of->stray = strays;
		strays[n->of->strays++] = stray;
	} else if (strcmp(name, "LOCK") && strcmp(name, "STORE.new")) {
		n->others++;
	}
	return 0;
}

static bool is_listed(const struct head *h, uint64_t number)
{
	if (number == h->graph.number)
		return true;
	for (uint32_t k = 0; k < h->segments; k++)
		if (number == h->segs[k].number)
			return true;
	return false;
}

/* Removes the segments that @h lists from the strays; all of @key if the list cannot be read. */
static void forget(struct store *s, uint64_t key, const struct head *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->strays; i++)
		if (s->stray[i].key != key || (h && !is_listed(h, s->stray[i].number)))
			s->stray[kept++] = s->stray[i];
	s->strays = kept;
}

static bool is_known(const struct store *s, uint64_t key)
{
	for (size_t i = 0; i < s->nkeys; i++)
		if (s->keys[i] == key)
			return true;
	return false;
}

/* A segment without a frame holds no data. */
static bool is_empty(struct store *s, const char *name)
{
	struct store_file *f;
	int64_t size;

	if (s->io->ops->open(s->io, name, STORE_READ, &f))
		return false;
	size = s->io->ops->size(s->io, f);
	s->io->ops->close(s->io, f);
	return size >= 0 && size <= SEGMENT_DATA;
}

static void stray_name(char name[80], const struct stray *x)
{
	if (x->number != HEAD_NEW) {
		segment_name(name, x->key, x->number);
		return;
	}
	head_name(name, x->key);
	strcat(name, ".new");
}

/* A collection whose list is marked as dropped or incomplete. */
static void finish_drop(struct store *s, uint64_t key)
{
	char name[80];
	int failed = 0;

	key_remove(s, key);
	if (s->opts.read_only)
		return;
	for (size_t i = 0; i < s->strays; i++) {
		stray_name(name, &s->stray[i]);
		if (s->stray[i].key == key)
			failed |= s->io->ops->unlink(s->io, name);
	}
	/* The marked list is removed last. */
	if (failed || s->io->ops->syncdir(s->io))
		return;
	head_name(name, key);
	s->io->ops->unlink(s->io, name);
}

/*
 * Segments in no list: left by an interrupted compaction, switch of segments, creation or
 * drop. If the list itself is missing, only segments without a single frame are removed:
 * the rest may be all that is left of a collection.
 */
static void sweep(struct store *s)
{
	size_t kept = 0;
	struct head h;
	char name[80];

	for (size_t i = 0; i < s->nkeys; i++) {
		uint64_t key = s->keys[i];
		bool good = !head_read(s->io, key, false, &h, NULL);

		if (good && h.flags) {
			finish_drop(s, key);
			i--;
		}
		forget(s, key, good && !h.flags ? &h : NULL);
		if (good)
			head_free(&h);
	}
	for (size_t i = 0; i < s->strays; i++) {
		stray_name(name, &s->stray[i]);
		if (s->stray[i].number != HEAD_NEW && !is_known(s, s->stray[i].key) &&
		    !is_empty(s, name))
			s->stray[kept++] = s->stray[i];
		else if (!s->opts.read_only)
			s->io->ops->unlink(s->io, name);
	}
	s->strays = kept;
}

static int start(struct store *s, struct store_error *err)
{
	struct names n = { .of = s };
	int ret = s->io->ops->list(s->io, sort_name, &n);

	if (ret) {
		store_fail(err, ret, "the folder cannot be read: %s", strerror(-ret));
	} else if (n.super) {
		ret = super_read(s, err);
		if (!ret)
			sweep(s);
	} else if (s->nkeys || s->strays) {
		ret = store_fail(err, EUCLEAN, "STORE is missing, but there are collections");
	} else if (s->opts.read_only) {
		ret = store_fail(err, ENOENT, "there is no store here");
	} else if (n.others) {
		ret = store_fail(err, ENOTEMPTY,
				 "the directory has other files and is not a store; use an empty one");
	} else {
		ret = super_make(s, err);
	}
	return ret;
}

int store_open(struct store_io *io, const struct store_opts *opts, struct store **out,
	       struct store_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return store_fail(err, ENOMEM, "no memory");
	if (err)
		err->code = 0;
	s->io = io;
	if (opts)
		s->opts = *opts;
	if (!s->opts.segment_max)
		s->opts.segment_max = STORE_SEGMENT_DEFAULT;
	if (!s->opts.memory)
		s->opts.memory = STORE_MEMORY_DEFAULT;
	pthread_mutex_init(&s->lock, NULL);
	ret = start(s, err);
	if (ret) {
		store_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->keys);
	free(s->stray);
	free(s);
}

const uint8_t *store_id(const struct store *s)
{
	return s->id;
}

const uint64_t *store_keys(const struct store *s, size_t *n)
{
	*n = s->nkeys;
	return s->keys;
}
