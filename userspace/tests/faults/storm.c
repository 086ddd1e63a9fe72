// SPDX-License-Identifier: GPL-2.0
/*
 * Some allocations of all fail, wherever they are made: in requests, in the
 * module's workers, in many tasks at once. What is left afterwards is sound.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "tests/faults/inject.h"
#include "tests/ioctl/raw.h"

#define DIM	16u
#define BATCH	32u
#define IDS	600u
#define THREADS	4u
#define PERCENT	3u

static const char *const names[] = { "faults-1", "faults-2" };
static atomic_bool stop;
static atomic_uint done_ops, refused;

static void vector(float *v, uint64_t *s)
{
	for (unsigned int i = 0; i < DIM; i++) {
		*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
		v[i] = (float)(*s >> 58);
	}
}

static int some_op(int fd, uint64_t *s)
{
	uint64_t ids[BATCH], found[BATCH * 8];
	float v[BATCH * DIM], d[BATCH * 8];
	uint32_t n[BATCH];
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		vector(v + i * DIM, s);
		ids[i] = (*s >> 33) % IDS;
	}
	switch ((*s >> 40) % 8) {
	case 0: case 1: case 2: {
		struct vexfs_put p = raw_put(ids, v, NULL, BATCH);

		return RAW(fd, VEXFS_IOC_PUT, &p);
	}
	case 3: {
		struct vexfs_delete r = {
			.flags = VEXFS_DELETE_CONTINUE, .count = BATCH / 2,
			.ids = (uintptr_t)ids, .errors = (uintptr_t)n,
		};

		return RAW(fd, VEXFS_IOC_DELETE, &r);
	}
	case 4: {
		struct vexfs_index_req r = { .op = VEXFS_INDEX_OP_BUILD, .m = 6,
					     .ef_construction = 24 };

		return RAW(fd, VEXFS_IOC_INDEX, &r);
	}
	case 5: {
		struct vexfs_index_req r = { .op = VEXFS_INDEX_OP_DROP };

		return RAW(fd, VEXFS_IOC_INDEX, &r);
	}
	default: {
		struct vexfs_search r = raw_search(v, BATCH, 8, found, d, n);

		r.flags = (*s >> 50) % 2 ? VEXFS_SEARCH_EXACT : 0;
		return RAW(fd, VEXFS_IOC_SEARCH, &r);
	}
	}
}

static void *stormer(void *arg)
{
	uint64_t s = 77 + (uintptr_t)arg;
	int fd[2], i, err;

	for (i = 0; i < 2; i++) {
		fd[i] = raw_open();
		while (raw_attach(fd[i], names[i], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE) &&
		       !stop)
			;
	}
	while (!stop) {
		err = some_op(fd[(s >> 45) % 2], &s);
		atomic_fetch_add(&done_ops, 1);
		if (err == -ENOMEM)
			atomic_fetch_add(&refused, 1);
		else if (err && err != -EBUSY && err != -EEXIST && err != -ENOENT)
			wrong("an op gave '%s'", strerror(-err));
	}
	for (i = 0; i < 2; i++)
		close(fd[i]);
	return NULL;
}

static void wait_for_index(int fd)
{
	struct timespec ms = { .tv_nsec = 5000000 };
	struct vexfs_stat s = { };

	while (!RAW(fd, VEXFS_IOC_STAT, &s) && s.index_state == VEXFS_INDEX_BUILDING)
		nanosleep(&ms, NULL);
}

void try_storm(unsigned int seconds)
{
	pthread_t threads[THREADS];
	struct timespec t = { .tv_sec = seconds };
	int fd[2];
	unsigned int i;

	forget_wrong();
	for (i = 0; i < 2; i++) {
		struct vexfs_create c = raw_spec(names[i], DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);

		c.index = i;
		c.m = i ? 6 : 0;
		c.ef_construction = i ? 24 : 0;
		fd[i] = raw_open();
		if (!result(fd[i] >= 0 && !RAW(fd[i], VEXFS_IOC_CREATE, &c), "%s is made", names[i]))
			return;
	}
	write_file("/sys/module/vexfs/parameters/pool_enabled", "0");
	inject_randomly(PERCENT);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, stormer, (void *)(uintptr_t)i))
			exit(1);
	nanosleep(&t, NULL);
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	inject_randomly(0);
	write_file("/sys/module/vexfs/parameters/pool_enabled", "1");
	result(!is_wrong(), "a storm with one allocation in %u failing: %u ops, %u refused",
	   100 / PERCENT, done_ops, refused);
	for (i = 0; i < 2; i++) {
		struct vexfs_check c = { };
		int err;

		wait_for_index(fd[i]);
		err = RAW(fd[i], VEXFS_IOC_CHECK, &c);
		if (!result(!err && !c.faults, "%s is sound", names[i]))
			printf("# %s %s\n", strerror(-err), c.report);
		result(!raw_drop(fd[i], names[i]), "and is dropped");
		close(fd[i]);
	}
}
