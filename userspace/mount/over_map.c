// SPDX-License-Identifier: GPL-2.0
/* The files that have a vector: from a path to its id and back. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "over.h"

/*
 * A file that has a vector. It is in two chains: by path and by id. A file with several names
 * (hard links) has one for each, with the same id.
 */
struct file {
	struct file *by_path, *by_id;
	uint64_t id, round;
	dev_t dev;
	ino_t ino;
	char path[];
};

#define BUCKETS	(1u << 18)

static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *paths[BUCKETS], *ids[BUCKETS];
static uint64_t nfiles, rounds;

uint64_t over_hash(const char *s)
{
	uint64_t h = 1469598103934665603ull;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 1099511628211ull;
	return h ^ h >> 29;
}

static struct file *file_by_path(const char *path)
{
	struct file *f;

	for (f = paths[over_hash(path) % BUCKETS]; f && strcmp(f->path, path); f = f->by_path)
		;
	return f;
}

static struct file *file_by_id(uint64_t id)
{
	struct file *f;

	for (f = ids[id % BUCKETS]; f && f->id != id; f = f->by_id)
		;
	return f;
}

static void file_remove(struct file *f)
{
	struct file **p;

	for (p = &paths[over_hash(f->path) % BUCKETS]; *p != f; p = &(*p)->by_path)
		;
	*p = f->by_path;
	for (p = &ids[f->id % BUCKETS]; *p != f; p = &(*p)->by_id)
		;
	*p = f->by_id;
	free(f);
	nfiles--;
}

/* The other names of the file stay, unless it has one name only: then it was renamed. */
static void remove_names(uint64_t id, const struct stat *st)
{
	struct file *f, *next;

	for (f = ids[id % BUCKETS]; f; f = next) {
		next = f->by_id;
		if (f->id == id &&
		    (st->st_nlink < 2 || f->dev != st->st_dev || f->ino != st->st_ino))
			file_remove(f);
	}
}

int map_set(const char *path, uint64_t id, const struct stat *st, uint64_t round, uint64_t *lost)
{
	struct file *f = malloc(sizeof(*f) + strlen(path) + 1), *old;
	uint64_t before;

	*lost = 0;
	if (!f)
		return ENOMEM;
	f->id = id;
	f->round = round;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	strcpy(f->path, path);
	pthread_mutex_lock(&map_lock);
	old = file_by_path(path);
	if (old) {
		before = old->id;
		file_remove(old);
		*lost = before != id && !file_by_id(before) ? before : 0;
	}
	remove_names(id, st);
	f->by_path = paths[over_hash(path) % BUCKETS];
	paths[over_hash(path) % BUCKETS] = f;
	f->by_id = ids[id % BUCKETS];
	ids[id % BUCKETS] = f;
	nfiles++;
	pthread_mutex_unlock(&map_lock);
	return 0;
}

uint64_t map_id(const char *path)
{
	const struct file *f;
	uint64_t id;

	pthread_mutex_lock(&map_lock);
	f = file_by_path(path);
	id = f ? f->id : 0;
	pthread_mutex_unlock(&map_lock);
	return id;
}

bool map_has(uint64_t id)
{
	bool has;

	pthread_mutex_lock(&map_lock);
	has = file_by_id(id);
	pthread_mutex_unlock(&map_lock);
	return has;
}

char *map_path(uint64_t id)
{
	const struct file *f;
	char *path;

	pthread_mutex_lock(&map_lock);
	f = file_by_id(id);
	path = f ? strdup(f->path) : NULL;
	pthread_mutex_unlock(&map_lock);
	return path;
}

uint64_t map_remove(const char *path)
{
	struct file *f;
	uint64_t id = 0;

	pthread_mutex_lock(&map_lock);
	f = file_by_path(path);
	if (f) {
		id = f->id;
		file_remove(f);
		if (file_by_id(id))
			id = 0;
	}
	pthread_mutex_unlock(&map_lock);
	return id;
}

bool map_other(uint64_t id, const char *path, const struct stat *st, struct map_file *other)
{
	const struct file *f;

	other->path = NULL;
	pthread_mutex_lock(&map_lock);
	for (f = ids[id % BUCKETS]; f; f = f->by_id)
		if (f->id == id && strcmp(f->path, path) &&
		    (f->dev != st->st_dev || f->ino != st->st_ino))
			break;
	if (f)
		*other = (struct map_file){ strdup(f->path), f->dev, f->ino };
	pthread_mutex_unlock(&map_lock);
	return f;
}

size_t map_below(const char *dir, char ***list)
{
	size_t len = strlen(dir), i, n = 0, room = 0;
	char **more;
	struct file *f;

	*list = NULL;
	pthread_mutex_lock(&map_lock);
	for (i = 0; i < BUCKETS; i++) {
		for (f = paths[i]; f; f = f->by_path) {
			if (strncmp(f->path, dir, len) || f->path[len] != '/')
				continue;
			if (n == room) {
				room = room ? 2 * room : 64;
				more = realloc(*list, room * sizeof(*more));
				if (!more)
					break;
				*list = more;
			}
			(*list)[n] = strdup(f->path);
			n += (*list)[n] != NULL;
		}
	}
	pthread_mutex_unlock(&map_lock);
	return n;
}

uint64_t map_count(void)
{
	uint64_t n;

	pthread_mutex_lock(&map_lock);
	n = nfiles;
	pthread_mutex_unlock(&map_lock);
	return n;
}

uint64_t map_round(void)
{
	return __atomic_load_n(&rounds, __ATOMIC_RELAXED);
}

uint64_t map_next_round(void)
{
	return __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
}

size_t map_stale(uint64_t round, size_t *place, char **list, size_t n)
{
	struct file *f;
	size_t got = 0;

	pthread_mutex_lock(&map_lock);
	for (; *place < BUCKETS; ++*place) {
		for (f = paths[*place]; f && got < n; f = f->by_path) {
			if (f->round >= round)
				continue;
			list[got] = strdup(f->path);
			/* Without memory it is stale in the next round, too. */
			if (!list[got])
				continue;
			f->round = round;
			got++;
		}
		if (got == n)
			break;
	}
	pthread_mutex_unlock(&map_lock);
	return got;
}
