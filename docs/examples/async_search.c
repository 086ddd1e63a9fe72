// SPDX-License-Identifier: GPL-2.0
/*
 * Many searches under way at once, in one thread: an event loop around poll(2), and a
 * function that is called when a search is done. Searches of one collection that wait
 * together are answered together.
 *
 *	cc async_search.c $(pkg-config --cflags --libs vexfs) -o async_search
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <vexfs.h>

#define VECTORS	1000
#define QUERIES	8

/* The callback comes first, and what belongs to the op lies behind it. */
struct query {
	struct vexfs_callback callback;
	struct vexfs_search req;
	float vector[2];
	uint64_t nearest;
};

static int under_way;

static void check(int failed, const struct vexfs_error *err)
{
	if (!failed)
		return;
	fprintf(stderr, "%s\n", err->text);
	vexfs_do_drop(NULL, "example-async", NULL);
	exit(1);
}

static void answered(struct vexfs *h, struct vexfs_callback *self,
		     const struct vexfs_completion *done)
{
	struct vexfs_error err;

	check(vexfs_result(h, VEXFS_IOC_SEARCH, done, &err), &err);
	(void)self;
	under_way--;
}

int main(void)
{
	static float vectors[VECTORS][2];
	static uint64_t ids[VECTORS];
	static struct query queries[QUERIES];
	struct vexfs_create spec = { .dim = 2, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2 };
	struct vexfs_put put = {
		.flags = VEXFS_PUT_INSERT,
		.count = VECTORS,
		.ids = (uintptr_t)ids,
		.vectors = (uintptr_t)vectors,
	};
	struct pollfd ready = { .events = POLLIN };
	struct vexfs_error err;
	struct vexfs *h;

	for (int i = 0; i < VECTORS; i++) {
		ids[i] = (uint64_t)i;
		vectors[i][0] = (float)i;
	}
	check(vexfs_do_create(NULL, &spec, "example-async", NULL, &h, &err), &err);
	check(vexfs_do_put(h, &put, &err), &err);

	ready.fd = vexfs_event_fd(h, &err);
	check(ready.fd < 0, &err);
	for (int i = 0; i < QUERIES; i++) {
		struct query *q = &queries[i];

		q->callback.done = answered;
		q->vector[0] = 100.0f * (float)i + 0.25f;
		q->req = (struct vexfs_search) {
			.count = 1,
			.k = 1,
			.queries = (uintptr_t)q->vector,
			.ids = (uintptr_t)&q->nearest,
			.deadline_ns = 10000000000,
		};
		check(vexfs_submit_callback(h, VEXFS_IOC_SEARCH, &q->req, sizeof(q->req),
					    &q->callback, &err), &err);
		under_way++;
	}
	while (under_way && poll(&ready, 1, -1) > 0)
		check(vexfs_dispatch(h, 0, 0, &err) < 0, &err);
	for (int i = 0; i < QUERIES; i++)
		printf("nearest to %g: %llu\n", (double)queries[i].vector[0],
		       (unsigned long long)queries[i].nearest);

	vexfs_close(h);
	return vexfs_do_drop(NULL, "example-async", &err) ? 1 : 0;
}
