// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes, one for each name that the kernel knows, in one table. A node that the kernel
 * has forgotten is freed unless a descriptor uses it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../libvexstat/rng.h"
#include "coll.h"

#define BUCKETS_FIRST	1024u

static struct node root = { .kind = NODE_ROOT, .nlookup = 1, .pins = 1, .listed = true };
static struct node **table;
static size_t nbuckets, nnodes;
static pthread_mutex_t node_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t hash_text(const char *s)
{
	uint64_t h = 1469598103934665603ull;

	while (s && *s)
		h = (h ^ (unsigned char)*s++) * 1099511628211ull;
	return h;
}

uint64_t node_ino(const struct coll *c, enum node_kind kind, uint64_t id, const char *name)
{
	uint64_t h = vs_mix(id ^ vs_mix((c ? c->serial : 0) * 31 + kind) ^
			    (name ? hash_text(name) : 0));

	/* 0 is no number, and 1 is the root's. */
	return h < 2 ? h + 2 : h;
}

struct node *node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}

static struct node **chain(const struct coll *c, enum node_kind kind, uint64_t id,
			   const char *name)
{
	return &table[node_ino(c, kind, id, name) & (nbuckets - 1)];
}

/* If this fails, chains get longer; nothing else happens. */
static void grow(void)
{
	size_t n = nbuckets ? 2 * nbuckets : BUCKETS_FIRST, old = nbuckets, i;
	struct node **was = table, **now = calloc(n, sizeof(*now));

	if (!now)
		return;
	table = now;
	nbuckets = n;
	for (i = 0; i < old; i++) {
		struct node *x, *next;

		for (x = was[i]; x; x = next) {
			struct node **to = chain(x->coll, x->kind, x->id, x->name);

			next = x->hash;
			x->hash = *to;
			*to = x;
		}
	}
	free(was);
}

static struct node *find(struct coll *c, enum node_kind kind, uint64_t id, const char *name)
{
	struct node *n;

	if (!table)
		return NULL;
	for (n = *chain(c, kind, id, name); n; n = n->hash)
		if (n->coll == c && n->kind == kind && n->id == id &&
		    !strcmp(n->name ? n->name : "", name ? name : ""))
			return n;
	return NULL;
}

static void node_end(struct leftover *l)
{
	struct node *n = (struct node *)l;

	hits_drop(n);
	pthread_mutex_destroy(&n->lock);
	if (n->draft)
		free(n->draft->data);
	free(n->draft);
	free(n->name);
	free(n);
}

static struct node *make(struct coll *c, enum node_kind kind, uint64_t id, const char *name)
{
	struct node *n, **to;

	if (!table || nnodes > 2 * nbuckets)
		grow();
	n = table ? calloc(1, sizeof(*n)) : NULL;
	if (!n)
		return NULL;
	if (name) {
		n->name = strdup(name);
		if (!n->name) {
			free(n);
			return NULL;
		}
	}
	n->kind = kind;
	n->coll = c;
	n->id = id;
	n->listed = true;
	pthread_mutex_init(&n->lock, NULL);
	if (c)
		coll_hold(c);
	to = chain(c, kind, id, name);
	n->hash = *to;
	*to = n;
	nnodes++;
	leftover_add(&n->left, node_end);
	return n;
}

static void unlist(struct node *n)
{
	struct node **p;

	if (!n->listed)
		return;
	n->listed = false;
	for (p = chain(n->coll, n->kind, n->id, n->name); *p && *p != n; p = &(*p)->hash)
		;
	if (*p)
		*p = n->hash;
	nnodes--;
}

static void free_if_unused(struct node *n)
{
	struct coll *c = n->coll;

	if (n->nlookup || n->pins)
		return;
	unlist(n);
	if (n->temp)
		c->temps--;
	leftover_remove(&n->left);
	node_end(&n->left);
	coll_put(c);
}

struct node *node_lookup(struct coll *c, enum node_kind kind, uint64_t id, const char *name)
{
	struct node *n;

	pthread_mutex_lock(&node_lock);
	n = find(c, kind, id, name);
	if (!n)
		n = make(c, kind, id, name);
	if (n)
		n->nlookup++;
	pthread_mutex_unlock(&node_lock);
	return n;
}

struct node *node_find(struct coll *c, enum node_kind kind, uint64_t id, const char *name)
{
	struct node *n;

	pthread_mutex_lock(&node_lock);
	n = find(c, kind, id, name);
	if (n)
		n->pins++;
	pthread_mutex_unlock(&node_lock);
	return n;
}

void node_pin(struct node *n)
{
	pthread_mutex_lock(&node_lock);
	n->pins++;
	pthread_mutex_unlock(&node_lock);
}

void node_unpin(struct node *n)
{
	pthread_mutex_lock(&node_lock);
	n->pins--;
	free_if_unused(n);
	pthread_mutex_unlock(&node_lock);
}

void node_forget(struct node *n, uint64_t times)
{
	if (n == &root)
		return;
	pthread_mutex_lock(&node_lock);
	n->nlookup = times < n->nlookup ? n->nlookup - times : 0;
	free_if_unused(n);
	pthread_mutex_unlock(&node_lock);
}

void node_unlist(struct node *n)
{
	pthread_mutex_lock(&node_lock);
	unlist(n);
	pthread_mutex_unlock(&node_lock);
}

bool node_rename(struct node *n, uint64_t id, const char *name)
{
	char *copy = name ? strdup(name) : NULL;
	struct node **to;

	if (name && !copy)
		return false;
	pthread_mutex_lock(&node_lock);
	unlist(n);
	free(n->name);
	n->name = copy;
	n->id = id;
	n->listed = true;
	to = chain(n->coll, n->kind, id, name);
	n->hash = *to;
	*to = n;
	nnodes++;
	pthread_mutex_unlock(&node_lock);
	return true;
}

void node_set_temp(struct node *n, bool temp)
{
	pthread_mutex_lock(&node_lock);
	if (n->temp != temp)
		n->coll->temps += temp ? 1 : -1;
	n->temp = temp;
	pthread_mutex_unlock(&node_lock);
}

int node_temps(struct coll *c, char ***names, size_t *n)
{
	size_t i, room;
	int err = 0;

	*n = 0;
	*names = NULL;
	pthread_mutex_lock(&node_lock);
	room = c->temps;
	if (room) {
		*names = calloc(room, sizeof(**names));
		err = *names ? 0 : ENOMEM;
	}
	for (i = 0; room && !err && i < nbuckets; i++) {
		struct node *x;

		for (x = table[i]; x && *n < room && !err; x = x->hash) {
			if (x->coll != c || !x->temp)
				continue;
			if ((x->name ? asprintf(&(*names)[*n], "%s", x->name) :
				       asprintf(&(*names)[*n], "%llu", (unsigned long long)x->id)) < 0)
				err = ENOMEM;
			else
				++*n;
		}
	}
	pthread_mutex_unlock(&node_lock);
	return err;
}

/* In a collection's mode read and write permission also allow entering: it has no x bits. */
static mode_t dir_mode(mode_t mode)
{
	return S_IFDIR | mode | (mode & 0444) >> 2 | (mode & 0222) >> 1;
}

void coll_fill_stat(const struct vexfs_stat *cs, struct coll *c, mode_t mode, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = mode;
	st->st_uid = cs->uid;
	st->st_gid = cs->gid;
	st->st_nlink = S_ISDIR(mode) ? 2 : 1;
	st->st_blksize = 4096;
	pthread_mutex_lock(&c->lock);
	st->st_mtim = c->changed;
	pthread_mutex_unlock(&c->lock);
	st->st_ctim = st->st_atim = st->st_mtim;
}

static void root_attr(struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = FUSE_ROOT_ID;
	/* Everybody may create collections, and only owners may drop theirs (sticky bit). */
	st->st_mode = S_IFDIR | 01777;
	st->st_nlink = 2;
	st->st_uid = geteuid();
	st->st_gid = getegid();
}

static int text_attr(struct node *n, struct stat *st)
{
	char *text;
	size_t len;
	int err = info_text(n, &text, &len);

	if (err)
		return err;
	st->st_size = (off_t)len;
	free(text);
	return 0;
}

int node_attr(struct node *n, struct stat *st)
{
	struct vexfs_stat cs;
	mode_t mode, bits;
	int err;

	if (n->kind == NODE_ROOT || n->kind == NODE_MOUNT_JSON) {
		root_attr(st);
		if (n->kind == NODE_ROOT)
			return 0;
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_ino = node_ino(NULL, n->kind, 0, NULL);
		return text_attr(n, st);
	}
	err = coll_stat(n->coll, false, &cs);
	if (err)
		return err;
	bits = cs.mode & 0777 & ~(opt->read_only ? 0222u : 0u);
	switch (n->kind) {
	case NODE_ROW:
		mode = S_IFREG | (bits & 0666);
		break;
	case NODE_INFO:
	case NODE_SCHEMA:
	case NODE_STATS:
		mode = S_IFREG | (bits & 0444);
		break;
	case NODE_QUERY:
		/* Read permission is enough for a query. */
		mode = S_IFREG | (bits & 0444) | (bits & 0444) >> 1;
		break;
	case NODE_LINK:
		mode = S_IFLNK | 0777;
		break;
	case NODE_NEAR:
	case NODE_WITHIN:
	case NODE_HITS:
		mode = dir_mode(bits & 0444);
		break;
	default:
		mode = dir_mode(bits & 0666);
		break;
	}
	coll_fill_stat(&cs, n->coll, mode, st);
	if (n->kind == NODE_ROW)
		return row_attr(n, st);
	st->st_ino = node_ino(n->coll, n->kind, n->id, n->name);
	if (n->kind == NODE_INFO || n->kind == NODE_SCHEMA || n->kind == NODE_STATS)
		return text_attr(n, st);
	if (n->kind == NODE_LINK)
		st->st_size = snprintf(NULL, 0, "../../by-id/%llu", (unsigned long long)n->id);
	return 0;
}
