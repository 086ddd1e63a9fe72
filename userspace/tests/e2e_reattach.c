// SPDX-License-Identifier: GPL-2.0
/*
 * Handles that let go of the device and come back, in a lab: after being let go, after the
 * collection was dropped and made again, with another shape, and from many threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "vexfs.h"
#include "tap.h"

#define NAME	"again"
#define DIM	4
#define THREADS	4

static struct vexfs_error err;

static bool make(uint32_t dim)
{
	struct vexfs_create req = { .dim = dim, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2 };

	vexfs_do_drop(NULL, NAME, NULL);
	return !vexfs_do_create(NULL, &req, NAME, NULL, NULL, &err);
}

static int put(struct vexfs *h, uint64_t id)
{
	float v[DIM] = { (float)id, 1, 2, 3 };
	struct vexfs_put p = {
		.flags = VEXFS_PUT_UPSERT, .count = 1, .ids = (uintptr_t)&id,
		.vectors = (uintptr_t)v,
	};

	return vexfs_do_put(h, &p, &err);
}

static uint64_t count(struct vexfs *h)
{
	struct vexfs_stat st = { 0 };

	return vexfs_do_stat(h, &st, &err) ? UINT64_MAX : st.count;
}

static void ordinary(void)
{
	struct vexfs *h;

	make(DIM);
	ok(!vexfs_open(NULL, NAME, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err), "a handle without VEXFS_OPEN_REATTACH");
	vexfs_let_go(h);
	ok(vexfs_fd(h) >= 0 && !put(h, 1), "a handle without VEXFS_OPEN_REATTACH is not let go");
	make(DIM);
	ok(put(h, 2) == -ENOENT, "a handle without VEXFS_OPEN_REATTACH does not follow the name");
	vexfs_close(h);
}

static void comes_back(struct vexfs *h)
{
	uint64_t gone = 77;
	float v[DIM];
	struct vexfs_get get = { .count = 1, .ids = (uintptr_t)&gone, .vectors = (uintptr_t)v };

	ok(vexfs_fd(h) >= 0 && !put(h, 1) && count(h) == 1, "a handle with VEXFS_OPEN_REATTACH works");
	vexfs_let_go(h);
	ok(vexfs_fd(h) == -1, "vexfs_let_go() closes its descriptor");
	vexfs_let_go(h);
	ok(!put(h, 2) && vexfs_fd(h) >= 0 && count(h) == 2, "the next call attaches again");
	ok(vexfs_do_get(h, &get, &err) == -ENOENT && strstr(err.text, "id 77 is not in"),
	   "an unknown id does not count as a dropped collection");
	ok(make(DIM) && count(h) == 0 && !put(h, 3) && count(h) == 1,
	   "a collection that was created again is followed");
	ok(make(DIM) && !put(h, 4) && count(h) == 1, "a put follows it as well");
	vexfs_do_drop(NULL, NAME, NULL);
	ok(put(h, 5) == -ENOENT, "without a collection of that name the call fails");
	ok(make(DIM + 1) && put(h, 5) == -ESTALE && strstr(err.text, "another shape"),
	   "a collection of another dimension or type is refused");
	ok(make(DIM) && !put(h, 6) && count(h) == 1, "a collection like the first is attached again");
}

static struct vexfs *shared;
static atomic_int wrong, stop;

static void *searching(void *arg)
{
	float query[DIM] = { 6, 1, 2, 3 }, distance;
	uint64_t id;

	(void)arg;
	while (!stop)
		if (vexfs_nearest(shared, query, 1, &id, &distance, NULL) != 1 || id != 6)
			wrong++;
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, searching, NULL);
	for (int i = 0; i < 2000; i++)
		vexfs_let_go(shared);
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ok(!wrong, "let go 2,000 times during searches of %d threads", THREADS);
}

int main(void)
{
	ordinary();
	make(DIM);
	ok(vexfs_open(NULL, NAME, VEXFS_OPEN_REATTACH, &shared, &err) == -EINVAL,
	   "VEXFS_OPEN_REATTACH without access is refused");
	ok(!vexfs_open(NULL, NAME, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE | VEXFS_OPEN_REATTACH,
		       &shared, &err), "a handle with VEXFS_OPEN_REATTACH is opened");
	comes_back(shared);
	threads();
	vexfs_close(shared);
	vexfs_do_drop(NULL, NAME, NULL);
	return done();
}
