// SPDX-License-Identifier: GPL-2.0
/* Nodes of an overlay: one for each file that the kernel knows, with an open descriptor. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "over.h"

#define BUCKETS_FIRST	4096u

struct over_node over_root = { .nlookup = 2, .fd = -1 };

static struct over_node **table;
static size_t nbuckets, nnodes, hand;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t root_len;

struct over_node *over_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &over_root : (struct over_node *)(uintptr_t)ino;
}

static size_t hash(dev_t dev, ino_t ino)
{
	uint64_t h = (ino ^ (uint64_t)dev << 32) * 0x9e3779b97f4a7c15ull;

	return h >> 20;
}

static void grow(void)
{
	size_t n = nbuckets ? 2 * nbuckets : BUCKETS_FIRST, i;
	struct over_node **now = calloc(n, sizeof(*now)), *x, *next;

	if (!now)
		return;
	for (i = 0; i < nbuckets; i++) {
		for (x = table[i]; x; x = next) {
			struct over_node **to = &now[hash(x->dev, x->ino) & (n - 1)];

			next = x->hash;
			x->hash = *to;
			*to = x;
		}
	}
	free(table);
	table = now;
	nbuckets = n;
}

static void node_end(struct leftover *l)
{
	struct over_node *n = (struct over_node *)l;

	if (n->fd >= 0)
		close(n->fd);
	free(n->text);
	free(n);
}

static struct over_node *find(const struct stat *st)
{
	struct over_node *n = NULL;

	if (table)
		for (n = table[hash(st->st_dev, st->st_ino) & (nbuckets - 1)]; n; n = n->hash)
			if (n->dev == st->st_dev && n->ino == st->st_ino)
				break;
	return n;
}

struct over_node *over_known(const struct stat *st)
{
	struct over_node *n;

	if (st->st_dev == over_root.dev && st->st_ino == over_root.ino)
		return &over_root;
	pthread_mutex_lock(&lock);
	n = find(st);
	if (n)
		n->nlookup++;
	pthread_mutex_unlock(&lock);
	return n;
}

struct over_node *over_real(int fd, const struct stat *st)
{
	struct over_node *n = NULL;
	size_t count;

	if (st->st_dev == over_root.dev && st->st_ino == over_root.ino) {
		close(fd);
		return &over_root;
	}
	pthread_mutex_lock(&lock);
	if (nnodes >= nbuckets)
		grow();
	n = find(st);
	if (n) {
		n->nlookup++;
		pthread_mutex_unlock(&lock);
		close(fd);
		return n;
	}
	n = table ? calloc(1, sizeof(*n)) : NULL;
	if (n) {
		struct over_node **to = &table[hash(st->st_dev, st->st_ino) & (nbuckets - 1)];

		n->fd = fd;
		n->dev = st->st_dev;
		n->ino = st->st_ino;
		n->nlookup = 1;
		n->hash = *to;
		*to = n;
		nnodes++;
		leftover_add(&n->left, node_end);
	}
	count = nnodes;
	pthread_mutex_unlock(&lock);
	if (!n)
		close(fd);
	trim_want(count);
	return n;
}

struct over_node *over_virtual(enum over_kind kind, const char *text, const struct stat *st)
{
	struct over_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind;
	n->fd = -1;
	n->nlookup = 1;
	n->st = *st;
	n->text = text ? strdup(text) : NULL;
	if (text && !n->text) {
		free(n);
		return NULL;
	}
	n->st.st_ino = (ino_t)(uintptr_t)n;
	leftover_add(&n->left, node_end);
	return n;
}

void over_forget(struct over_node *n, uint64_t times)
{
	struct over_node **p;

	if (n == &over_root)
		return;
	pthread_mutex_lock(&lock);
	n->nlookup = times < n->nlookup ? n->nlookup - times : 0;
	if (n->nlookup) {
		pthread_mutex_unlock(&lock);
		return;
	}
	if (n->kind == OVER_REAL) {
		for (p = &table[hash(n->dev, n->ino) & (nbuckets - 1)]; *p && *p != n; p = &(*p)->hash)
			;
		if (*p)
			*p = n->hash;
		nnodes--;
	}
	pthread_mutex_unlock(&lock);
	leftover_remove(&n->left);
	node_end(&n->left);
}

fuse_ino_t over_number(const struct stat *st)
{
	struct over_node *n;

	if (st->st_dev == over_root.dev && st->st_ino == over_root.ino)
		return FUSE_ROOT_ID;
	pthread_mutex_lock(&lock);
	n = find(st);
	pthread_mutex_unlock(&lock);
	return (uintptr_t)n;
}

size_t over_count(void)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = nnodes;
	pthread_mutex_unlock(&lock);
	return n;
}

size_t over_some(char **paths, size_t n)
{
	char path[PATH_MAX];
	struct over_node *x;
	size_t got = 0, i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < nbuckets && got < n; i++, hand++)
		for (x = table[hand & (nbuckets - 1)]; x && got < n; x = x->hash)
			if (!over_path(x, path, sizeof(path)) && *path) {
				paths[got] = strdup(path);
				got += paths[got] != NULL;
			}
	pthread_mutex_unlock(&lock);
	return got;
}

int over_path(const struct over_node *n, char *buf, size_t size)
{
	char link[64], whole[PATH_MAX + 1];
	ssize_t len;

	if (!root_len) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", over_root.fd);
		len = readlink(link, whole, sizeof(whole) - 1);
		if (len < 0)
			return errno;
		root_len = len == 1 ? 0 : (size_t)len;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", n->fd);
	len = readlink(link, whole, sizeof(whole) - 1);
	if (len < 0)
		return errno;
	whole[len] = 0;
	if ((size_t)len <= root_len) {
		*buf = 0;
		return 0;
	}
	if ((size_t)len - root_len > size)
		return ENAMETOOLONG;
	memcpy(buf, whole + root_len + 1, (size_t)len - root_len);
	return 0;
}
