// SPDX-License-Identifier: GPL-2.0
/*
 * Neighbours as links: parsing a name such as "17@k=5,filter=lang==3", running the
 * search, and naming its results.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coll.h"

#define K_DEFAULT	10
#define WITHIN_DEFAULT	1000
/* Results that are kept so that links can be looked up, in all directories together. */
#define HELD_MAX	(4u << 20)

static size_t held;

static bool number(const char *text, size_t len, double *v)
{
	char buf[40], *end;

	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = 0;
	errno = 0;
	*v = strtod(buf, &end);
	return !*end && !errno && isfinite(*v);
}

static bool count(const char *text, size_t len, uint32_t most, uint32_t *v)
{
	double d;

	if (!number(text, len, &d) || d < 1 || d > most || d != floor(d))
		return false;
	*v = (uint32_t)d;
	return true;
}

static int option(const char *key, size_t klen, const char *value, size_t vlen, struct asked *a)
{
	double d;

	if (klen == 1 && *key == 'k')
		return count(value, vlen, VEXFS_K_MAX, &a->k) ? 0 : EINVAL;
	if (klen == 2 && !strncmp(key, "ef", 2))
		return count(value, vlen, VEXFS_EF_MAX, &a->ef) ? 0 : EINVAL;
	if (klen == 1 && *key == 'r') {
		if (!number(value, vlen, &d))
			return EINVAL;
		a->radius = (float)d;
		a->range = true;
		return 0;
	}
	return EINVAL;
}

int asked_options(const char *text, struct asked *a)
{
	while (*text) {
		size_t len = strcspn(text, ","), klen;

		/* A filter may contain commas, so it comes last. */
		if (!strncmp(text, "filter=", 7)) {
			a->filter = text + 7;
			return *a->filter ? 0 : EINVAL;
		}
		klen = strcspn(text, "=,");
		if (klen == 5 && !strncmp(text, "exact", 5) && klen == len)
			a->exact = true;
		else if (klen >= len || option(text, klen, text + klen + 1, len - klen - 1, a))
			return EINVAL;
		text += len;
		if (*text && !*++text)
			return EINVAL;
	}
	return 0;
}

int asked_parse(const char *name, bool within, struct asked *a)
{
	char digits[24];
	size_t len = strcspn(name, "@");
	int err = 0;

	memset(a, 0, sizeof(*a));
	a->k = within ? WITHIN_DEFAULT : K_DEFAULT;
	a->by_id = true;
	if (len >= sizeof(digits))
		return ENOENT;
	memcpy(digits, name, len);
	digits[len] = 0;
	if (!id_from_name(digits, &a->id))
		return ENOENT;
	if (name[len]) {
		if (!name[len + 1])
			return EINVAL;
		err = asked_options(name + len + 1, a);
	}
	/* A range search needs a radius. */
	return err ?: a->range != within ? EINVAL : 0;
}

int asked_run(struct coll *c, const struct asked *a, const float *vector, struct hit **hits,
	      uint32_t *n, char *why, size_t size)
{
	struct vexfs_filter filter = { 0 };
	struct vexfs_search s = { 0 };
	struct vexfs_error e = { 0 };
	uint64_t *ids = NULL;
	float *distances;
	struct vexfs *h;
	uint32_t i;
	int err = 0;

	*hits = NULL;
	*n = 0;
	if (a->filter)
		err = -vexfs_filter_compile(&c->layout, a->filter, &filter, &e);
	if (err)
		goto say;
	ids = malloc(a->k * (sizeof(*ids) + sizeof(*distances)));
	distances = (float *)(ids + a->k);
	*hits = ids ? malloc(a->k * sizeof(**hits)) : NULL;
	err = ENOMEM;
	if (!*hits)
		goto out;
	h = coll_use(c, &err);
	if (!h)
		goto out;
	s.flags = (vector ? 0 : VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF) |
		  (a->exact ? VEXFS_SEARCH_EXACT : 0) | (a->range ? VEXFS_SEARCH_RANGE : 0);
	s.count = 1;
	s.queries = vector ? (uintptr_t)vector : (uintptr_t)&a->id;
	s.k = a->k;
	s.ef = a->ef;
	s.radius = vexfs_f32_bits(a->radius);
	s.filter = (uintptr_t)filter.insns;
	s.filter_len = filter.count;
	s.ids = (uintptr_t)ids;
	s.distances = (uintptr_t)distances;
	s.priority = VEXFS_PRIORITY_HIGH;
	err = coll_errno(vexfs_do_search(h, &s, &e));
	coll_unuse(c);
	for (i = 0; !err && i < s.found; i++)
		(*hits)[i] = (struct hit){ ids[i], distances[i] };
	*n = err ? 0 : s.found;
say:
	if (err && why)
		snprintf(why, size, "%s", e.text);
out:
	if (err) {
		free(*hits);
		*hits = NULL;
	}
	free(ids);
	vexfs_filter_free(&filter);
	return err;
}

void hit_name(char *buf, size_t size, uint32_t rank, const struct hit *h)
{
	snprintf(buf, size, "%04u-%.4f-%llu", rank, (double)h->distance,
		 (unsigned long long)h->id);
}

/* Call it with the lock of @dir held. */
static void drop_hits(struct node *dir)
{
	if (dir->hits)
		__atomic_sub_fetch(&held, dir->nhits, __ATOMIC_RELAXED);
	free(dir->hits);
	dir->hits = NULL;
	dir->nhits = 0;
}

void hits_drop(struct node *dir)
{
	drop_hits(dir);
}

/* Keeps the result, so that looking up its links needs no second search. */
static int search(struct node *dir, struct hit **hits, uint32_t *n)
{
	struct vexfs_stat st;
	struct hit *copy;
	struct asked a;
	int err;

	err = coll_stat(dir->coll, true, &st) ?: asked_parse(dir->name, dir->id, &a) ?:
	      asked_run(dir->coll, &a, NULL, hits, n, NULL, 0);
	if (err)
		return err;
	pthread_mutex_lock(&dir->lock);
	drop_hits(dir);
	copy = *n && __atomic_load_n(&held, __ATOMIC_RELAXED) + *n <= HELD_MAX ?
	       malloc(*n * sizeof(*copy)) : NULL;
	if (copy) {
		memcpy(copy, *hits, *n * sizeof(*copy));
		dir->hits = copy;
		dir->nhits = *n;
		dir->hits_seq = st.seq;
		__atomic_add_fetch(&held, *n, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&dir->lock);
	return 0;
}

int hits_get(struct node *dir, struct hit **hits, uint32_t *n)
{
	return search(dir, hits, n);
}

/* Is it the name of one of the results? */
static bool among(const char *name, const struct hit *hits, uint32_t n, uint64_t *id)
{
	uint32_t rank = (uint32_t)strtoul(name, NULL, 10);
	char want[80];

	if (!rank || rank > n)
		return false;
	hit_name(want, sizeof(want), rank, &hits[rank - 1]);
	*id = hits[rank - 1].id;
	return !strcmp(name, want);
}

int hit_check(struct node *dir, const char *name, uint64_t *id)
{
	struct vexfs_stat st;
	struct hit *hits;
	bool found;
	uint32_t n;
	int err;

	err = coll_stat(dir->coll, false, &st);
	if (err)
		return err;
	pthread_mutex_lock(&dir->lock);
	found = dir->hits && dir->hits_seq == st.seq && among(name, dir->hits, dir->nhits, id);
	pthread_mutex_unlock(&dir->lock);
	if (found)
		return 0;
	err = search(dir, &hits, &n);
	if (err)
		return err;
	found = among(name, hits, n, id);
	free(hits);
	return found ? 0 : ENOENT;
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct node *n = node_of(ino);
	char target[64];

	if (n->kind != NODE_LINK) {
		reply_err(req, EINVAL);
		return;
	}
	snprintf(target, sizeof(target), "../../by-id/%llu", (unsigned long long)n->id);
	fuse_reply_readlink(req, target);
}
