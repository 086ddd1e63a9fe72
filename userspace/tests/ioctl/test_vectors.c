// SPDX-License-Identifier: GPL-2.0
/*
 * Vectors by id: put, get, delete, deadlines, distances, walks.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/ioctl/test.h"

void putting(int fd)
{
	uint64_t ids[4] = { 10, 11, 12, 13 };
	float v[4 * DIM];
	int32_t errors[4] = { 7, 7, 7, 7 };
	struct vexfs_put p, good;
	int err;

	for (int i = 0; i < 4; i++)
		fill(v + i * DIM, ids[i], DIM);
	good = raw_put(ids, v, NULL, 4);
	p = good;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "put");
	ok(p.done == 4 && p.kernel_ns, "put returns the count and the time");
	p = good, p.count = 0;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put of nothing");
	p = good, p.count = VEXFS_BATCH_MAX + 1;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -E2BIG, "put of 65537");
	p = good, p.count = ~0u;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -E2BIG, "put of 2^32 - 1");
	p = good, p.flags = 0;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put without saying which");
	p = good, p.flags |= 1u << 20;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put with unknown flags");
	p = good, p.format = 2;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put in format 2");
	p = good, p.priority = 3;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put with priority 3");
	p = good, p.ids = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with ids at an invalid address");
	p = good, p.vectors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with vectors at an invalid address");
	p = good, p.vectors = ~0ULL - 3;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with vectors that wrap around");
	p = good, p.errors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with errors at an invalid address");

	p = good, p.flags = VEXFS_PUT_INSERT;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EEXIST, "insert of an existing id");
	ok(p.done == 0, "insert of an existing id: nothing is stored");
	ids[2] = 99;
	p = good, p.flags = VEXFS_PUT_UPDATE;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -ENOENT, "update of an unknown id");
	ok(p.done == 2, "update of an unknown id: the vectors before it are stored");
	p = good, p.flags = VEXFS_PUT_UPDATE | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "update that continues after errors");
	ok(p.done == 3 && !errors[0] && !errors[1] && errors[2] == -ENOENT && !errors[3],
	   "update that continues: errors has the refused ones");

	v[DIM + 3] = NAN;
	p = good, p.flags = VEXFS_PUT_UPSERT;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EDOM, "put with NaN");
	ok(p.done == 1, "put with NaN: the vector before it is stored");
	v[DIM + 3] = -INFINITY;
	errors[0] = 7;
	p = good, p.flags = VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	is(err, 0, "put with infinity that continues after errors");
	ok(p.done == 3 && !errors[0] && errors[1] == -EDOM && !errors[2] && !errors[3],
	   "put that continues: errors has the refused ones");
	v[DIM + 3] = 0;

	ids[0] = 0, ids[1] = ~0ULL, ids[2] = 0, ids[3] = ~0ULL;
	p = good, p.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "ids 0 and 2^64 - 1, twice in one request");
	ok(p.done == 2 && errors[2] == -EEXIST && errors[3] == -EEXIST,
	   "the second of each is refused");
	ok(sound(fd), "the collection is consistent");
}

/* ---- requests that are read where they lie ---- */

#define LONG	6000u	/* vectors, 192,000 bytes */

static volatile bool flicker_end;

/* NaN comes and goes in a vector that is being stored. */
static void *flicker(void *at)
{
	volatile uint32_t *bits = at;

	while (!flicker_end)
		*bits = *bits == 0x7fc00000 ? 0x3f800000 : 0x7fc00000;
	return NULL;
}

static bool finite_everywhere(int fd, uint64_t *ids)
{
	static float back[LONG * DIM];
	static int32_t errors[LONG];
	struct vexfs_get g = { .ids = (uintptr_t)ids, .vectors = (uintptr_t)back, .count = LONG,
			       .errors = (uintptr_t)errors };
	bool finite = true;

	if (RAW(fd, VEXFS_IOC_GET, &g))
		return false;
	for (uint32_t i = 0; i < LONG * DIM; i++)
		finite &= !!isfinite(back[i]);
	return finite;
}

static void flickering(int fd, uint64_t *ids, float *v)
{
	struct vexfs_put p = raw_put(ids, v, NULL, LONG);
	static int32_t errors[LONG];
	bool finite = true, known = true;
	pthread_t thread;

	pthread_create(&thread, NULL, flicker, v + 3000 * DIM + 5);
	p.flags |= VEXFS_PUT_CONTINUE;
	p.errors = (uintptr_t)errors;
	for (int i = 0; i < 50; i++) {
		known &= !RAW(fd, VEXFS_IOC_PUT, &p) && p.done >= LONG - 1 &&
			 (!errors[3000] || errors[3000] == -EDOM);
		finite &= finite_everywhere(fd, ids);
	}
	flicker_end = true;
	pthread_join(thread, NULL);
	ok(known, "a vector that changes meanwhile is stored or refused");
	ok(finite, "what is stored is what was checked");
	v[3000 * DIM + 5] = 1;
}

void seeing(int fd)
{
	size_t bytes = LONG * DIM * sizeof(float), page = sysconf(_SC_PAGESIZE);
	char *area = mmap(NULL, bytes + 4 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *file;
	/* at an odd address, across every page */
	float *v = (float *)(area + page - 13), *back = malloc(bytes);
	uint64_t *ids = calloc(LONG, sizeof(*ids));
	struct vexfs_put p, good;
	struct vexfs_get g;
	int tmp;

	for (uint32_t i = 0; i < LONG; i++) {
		float one[DIM];

		ids[i] = 100000 + i;
		fill(one, ids[i], DIM);
		memcpy((char *)v + i * sizeof(one), one, sizeof(one));
	}
	good = raw_put(ids, v, NULL, LONG);
	p = good;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "many vectors at an odd address");
	g = (struct vexfs_get) { .ids = (uintptr_t)ids, .vectors = (uintptr_t)back, .count = LONG };
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "all of them are there");
	ok(!memcmp(v, back, bytes), "and are what was put");

	p = good, p.vectors = (uintptr_t)mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
					      -1, 0);
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "many from memory that was never written");
	munmap((void *)(uintptr_t)p.vectors, bytes);
	tmp = memfd_create("vectors", 0);
	ok(write(tmp, v, bytes) == (ssize_t)bytes, "a file of vectors");
	file = mmap(NULL, bytes, PROT_READ, MAP_SHARED, tmp, 0);
	p = good, p.vectors = (uintptr_t)file;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "many from a file that is mapped");
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "get them");
	ok(!memcmp(v, back, bytes), "vectors from a mapped file are those of the file");
	ok(!ftruncate(tmp, 2 * page), "the file becomes shorter");
	p = good, p.vectors = (uintptr_t)file;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "many from beyond the end of the mapped file");
	munmap(file, bytes);
	close(tmp);

	munmap(area + 20 * page, page);
	p = good;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "many with a page that is not mapped");
	ok(p.done < LONG, "many with a missing page: done has the stored ones");
	mmap(area + 20 * page, page, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	v = (float *)(area + page);
	for (uint32_t i = 0; i < LONG; i++)
		fill(v + i * DIM, ids[i], DIM);
	v[5000 * DIM] = NAN;
	good = raw_put(ids, v, NULL, LONG);
	p = good;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EDOM, "many with NaN");
	ok(p.done == 5000, "many with NaN: the vectors before it are stored");
	p = good, p.flags |= VEXFS_PUT_CONTINUE;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "many with NaN, continuing after errors");
	ok(p.done == LONG - 1, "many with NaN, continuing: all others are stored");
	v[5000 * DIM] = 0;
	flickering(fd, ids, v);
	ok(sound(fd), "the collection is consistent after many puts");
	for (uint32_t at = 0; at < LONG; at += 1000) {
		struct vexfs_delete d = { .ids = (uintptr_t)(ids + at), .count = 1000 };

		RAW(fd, VEXFS_IOC_DELETE, &d);
	}
	munmap(area, bytes + 4 * page);
	free(back);
	free(ids);
}

void getting(int fd)
{
	uint64_t ids[3] = { 10, 77777, ~0ULL };
	float v[3 * DIM], want[DIM];
	int32_t errors[3] = { 7, 7, 7 };
	struct vexfs_get g, good = {
		.count = 3, .ids = (uintptr_t)ids, .vectors = (uintptr_t)v,
		.errors = (uintptr_t)errors,
	};

	memset(v, 0xff, sizeof(v));
	put_some(fd, 10, 1, DIM, NULL);
	fill(want, 10, DIM);
	g = good;
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "get");
	ok(g.done == 2 && !errors[0] && errors[1] == -ENOENT && !errors[2], "get: errors has the unknown ids");
	ok(!memcmp(v, want, sizeof(want)), "get: vectors are those that were put");
	memset(want, 0, sizeof(want));
	ok(!memcmp(v + DIM, want, sizeof(want)), "get: zeroes for unknown ids");
	g = good, g.errors = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), -ENOENT, "get of an unknown id without errors");
	g = good, g.flags = 1;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EINVAL, "get with flags");
	g = good, g.count = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EINVAL, "get of nothing");
	g = good, g.count = 65537;
	is(RAW(fd, VEXFS_IOC_GET, &g), -E2BIG, "get of 65537");
	g = good, g.vectors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EFAULT, "get to an invalid address");
	g = good, g.vectors = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "get without vectors tells which ids exist");
}

void deleting(int fd)
{
	uint64_t ids[3] = { 500, 501, 502 };
	int32_t errors[3] = { 7, 7, 7 };
	struct vexfs_delete d, good = { .count = 3, .ids = (uintptr_t)ids };

	put_some(fd, 500, 3, DIM, NULL);
	ids[1] = 66666;
	d = good;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -ENOENT, "delete of an unknown id");
	ok(d.done == 1, "delete of an unknown id: the vector before it is deleted");
	d = good, d.flags = VEXFS_DELETE_CONTINUE, d.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), 0, "delete that continues after errors");
	ok(d.done == 1 && errors[0] == -ENOENT && errors[1] == -ENOENT && !errors[2],
	   "delete that continues: errors has the unknown ids");
	d = good, d.flags = 2;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete with unknown flags");
	d = good, d.flags = 1u << 31;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete with the last flag");
	d = good, d.count = 0;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete of nothing");
	d = good, d.count = 65537;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -E2BIG, "delete of 65537");
	d = good, d.ids = 0;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EFAULT, "delete without ids");
}

/* Requests large enough to see the clock move, whatever its grain. */
void deadlines(int fd)
{
	const uint32_t n = VEXFS_BATCH_MAX, nq = VEXFS_QUERIES_MAX;
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc((size_t)n * DIM, sizeof(*v));
	uint32_t *counts = calloc(n, sizeof(*counts));
	struct vexfs_put p = raw_put(ids, v, NULL, n);
	struct vexfs_get g = {
		.count = n, .ids = (uintptr_t)ids, .errors = (uintptr_t)counts, .deadline_ns = 1,
	};
	struct vexfs_delete d = {
		.flags = VEXFS_DELETE_CONTINUE, .count = n, .ids = (uintptr_t)ids, .deadline_ns = 1,
	};
	struct vexfs_search s = raw_search(v, nq, 1, ids, NULL, counts);

	for (uint32_t i = 0; i < n; i++)
		ids[i] = 1000000 + i;
	p.deadline_ns = 1;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -ETIME, "put with a deadline of 1 ns");
	is(RAW(fd, VEXFS_IOC_GET, &g), -ETIME, "get with a deadline of 1 ns");
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -ETIME, "delete with a deadline of 1 ns");
	s.deadline_ns = 1;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ETIME, "search with a deadline of 1 ns");
	ok(sound(fd), "the collection is consistent after deadlines");
	free(counts);
	free(v);
	free(ids);
}

void measuring(int fd)
{
	uint64_t ids[2] = { 10, 99999 }, self = 10;
	float q[DIM], d[2];
	int32_t errors[2];
	struct vexfs_distance r, good = {
		.count = 2, .query = (uintptr_t)q, .ids = (uintptr_t)ids,
		.distances = (uintptr_t)d, .errors = (uintptr_t)errors,
	};

	fill(q, 10, DIM);
	r = good;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), 0, "distance");
	ok(d[0] == 0 && isinf(d[1]) && errors[1] == -ENOENT && r.done == 1,
	   "distance: 0 to itself, infinity to an unknown id");
	r = good, r.errors = 0;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -ENOENT, "distance to an unknown id without errors");
	r = good, r.flags = VEXFS_QUERY_BY_ID, r.query = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), 0, "distance from a stored vector");
	self = 123456;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -ENOENT, "distance from an unknown stored vector");
	r = good, r.flags = 2;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EINVAL, "distance with unknown flags");
	r = good, r.query = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EFAULT, "distance from an invalid address");
	q[1] = NAN;
	r = good;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EDOM, "distance from NaN");
}

void walking(int fd)
{
	uint64_t ids[3], seen = 0;
	struct vexfs_walk w = { .count = 3, .ids = (uintptr_t)ids };
	int err = 0;

	do {
		w.count = 3;
		err = RAW(fd, VEXFS_IOC_WALK, &w);
		seen += w.count;
	} while (!err && w.cursor);
	is(err, 0, "walk");
	ok(seen == count_of(fd), "walk sees every vector once");
	w.cursor = ~0ULL, w.count = 3;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EINVAL, "walk from an invalid cursor");
	w.cursor = 2, w.position = ~0ULL, w.seq = ~0ULL;
	is(RAW(fd, VEXFS_IOC_WALK, &w), 0, "walk from beyond the end");
	ok(!w.count && !w.cursor, "walk from beyond the end: no id");
	w.cursor = 0, w.count = 0;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EINVAL, "walk without room");
	w.cursor = 0, w.count = 65537;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -E2BIG, "walk with room for 65537");
	w.count = 3, w.flags = 1;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EINVAL, "walk with flags");
	w.flags = 0, w.ids = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EFAULT, "walk to an invalid address");
}
