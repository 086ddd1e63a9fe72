// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous ops of libvexfs against the module, in a lab: submitted and reaped, with
 * callbacks, in an event loop, by many threads, and their error messages.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vexfs.h"
#include "tap.h"

#define DIM	4u
#define VECTORS	200u
#define THREADS	4u
#define OPS	300u		/* per thread */
#define FLIGHT	16u		/* in flight per thread */

static struct vexfs_error err;
static struct vexfs *h;

static void vector(float *v, uint64_t id)
{
	for (uint32_t i = 0; i < DIM; i++)
		v[i] = (float)(id + i);
}

/* A search for the vector of an id, with its request and its buffers. */
struct query {
	struct vexfs_callback callback;
	struct vexfs_search req;
	float v[DIM];
	uint64_t id;
	uint64_t found;
	float distance;
	uint32_t *left;		/* of its thread: ops to submit */
	uint32_t *open;		/* of its thread: ops in flight */
};

static uint32_t wrong, answered;

static void prepare(struct query *q, uint64_t id)
{
	q->id = id;
	vector(q->v, id);
	q->found = ~0ull;
	memset(&q->req, 0, sizeof(q->req));
	q->req.count = 1;
	q->req.k = 1;
	q->req.queries = (uintptr_t)q->v;
	q->req.ids = (uintptr_t)&q->found;
	q->req.distances = (uintptr_t)&q->distance;
}

static bool right(const struct query *q, const struct vexfs_completion *done)
{
	return !done->res && q->req.found == 1 && q->found == q->id && q->distance == 0;
}

static void reaping(void)
{
	struct vexfs_completion done[3];
	struct vexfs_submission many[2];
	struct query q[2];
	struct vexfs_get g = { .count = 1 };
	uint64_t id = 100000;
	ssize_t n;

	prepare(&q[0], 5);
	ok(!vexfs_submit(h, VEXFS_IOC_SEARCH, &q[0].req, sizeof(q[0].req), 7, &err),
	   "a search is submitted");
	n = vexfs_reap(h, done, 1, 1, 0, &err);
	ok(n == 1 && done[0].user_data == 7 && right(&q[0], &done[0]), "the search completes");
	ok(!vexfs_result(h, VEXFS_IOC_SEARCH, &done[0], &err) && !err.text[0],
	   "the completion has no error");
	for (uint32_t i = 0; i < 2; i++) {
		prepare(&q[i], 10 + i);
		q[i].req.size = sizeof(q[i].req);
		many[i] = (struct vexfs_submission) {
			.cmd = VEXFS_IOC_SEARCH, .arg = (uintptr_t)&q[i].req, .user_data = i,
		};
	}
	ok(vexfs_submit_many(h, many, 2, &err) == 2, "two searches are submitted in one call");
	n = vexfs_reap(h, done, 3, 3, 0, &err);
	ok(n == 2 && right(&q[done[0].user_data], &done[0]) && right(&q[done[1].user_data], &done[1]),
	   "both searches complete");
	g.ids = (uintptr_t)&id;
	vexfs_submit(h, VEXFS_IOC_GET, &g, sizeof(g), 1, &err);
	vexfs_reap(h, done, 1, 1, 0, &err);
	ok(vexfs_result(h, VEXFS_IOC_GET, &done[0], &err) == -ENOENT && err.code == ENOENT &&
	   strstr(err.text, "not in 'e2e-async'"), "a search by an unknown id: %s", err.text);
}

static void sentences(void)
{
	struct vexfs_nop n = { .hold_ns = VEXFS_NOP_HOLD_MAX };
	struct vexfs_submission bad[2] = {
		{ .cmd = VEXFS_IOC_NOP, .arg = (uintptr_t)&n },
		{ .cmd = VEXFS_IOC_NOP, .arg = (uintptr_t)&n, .flags = 1 },
	};
	struct vexfs_completion done;

	ok(vexfs_submit(h, VEXFS_IOC_DROP, &n, sizeof(n), 1, &err) == -EOPNOTSUPP, "%s", err.text);
	ok(vexfs_submit(h, VEXFS_IOC_NOP, &n, 3, 1, &err) == -EINVAL, "%s", err.text);
	n.priority = 4;
	ok(vexfs_submit(h, VEXFS_IOC_NOP, &n, sizeof(n), 1, &err) == -EINVAL, "%s", err.text);
	n.priority = 0;
	ok(vexfs_submit_many(h, bad, 2, &err) == 1 && err.code == EINVAL && strstr(err.text,
										   "op 1"),
	   "of two submitted ops the valid one is queued, the invalid one is not: %s", err.text);
	ok(vexfs_reap(h, &done, 1, 1, 1000000, &err) == -ETIME, "%s", err.text);
	ok(vexfs_cancel(h, 99, &err) == 0, "cancel of an unknown op finds none");
	ok(vexfs_cancel_all(h, &err) == 1, "cancel of all ops cancels the queued one");
	ok(vexfs_reap(h, &done, 1, 1, 0, &err) == 1 &&
	   vexfs_result(h, VEXFS_IOC_NOP, &done, &err) == -ECANCELED, "%s", err.text);
	n.deadline_ns = 1;
	vexfs_submit(h, VEXFS_IOC_NOP, &n, sizeof(n), 1, &err);
	ok(vexfs_reap(h, &done, 1, 1, 0, &err) == 1 &&
	   vexfs_result(h, VEXFS_IOC_NOP, &done, &err) == -ETIME, "%s", err.text);
	ok(vexfs_reap(h, &done, 0, 0, 0, &err) == -EINVAL, "%s", err.text);
	ok(vexfs_reap(h, &done, 1, 0, 0, &err) == 0, "no completion is left");
}

/* Called in the event loop: submits the next search until OPS have been submitted. */
static void answered_loop(struct vexfs *handle, struct vexfs_callback *self,
			  const struct vexfs_completion *done)
{
	struct query *q = (struct query *)self;
	struct vexfs_error e;

	__atomic_add_fetch(&answered, 1, __ATOMIC_RELAXED);
	if (!right(q, done))
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	if (__atomic_fetch_sub(q->left, 1, __ATOMIC_RELAXED) <= FLIGHT) {
		__atomic_sub_fetch(q->open, 1, __ATOMIC_RELEASE);
		free(q);
		return;
	}
	prepare(q, (q->id + 7) % VECTORS);
	if (vexfs_submit_callback(handle, VEXFS_IOC_SEARCH, &q->req, sizeof(q->req), self, &e))
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void begin(uint32_t *left, uint32_t *open)
{
	for (uint32_t i = 0; i < FLIGHT; i++) {
		struct query *q = calloc(1, sizeof(*q));

		prepare(q, i);
		q->callback.done = answered_loop;
		q->left = left;
		q->open = open;
		if (vexfs_submit_callback(h, VEXFS_IOC_SEARCH, &q->req, sizeof(q->req),
					  &q->callback, &err))
			__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	}
}

static void looping(void)
{
	uint32_t left = OPS, open = FLIGHT;
	struct pollfd p = { .fd = vexfs_event_fd(h, &err), .events = POLLIN };

	ok(p.fd >= 0 && vexfs_event_fd(h, &err) == p.fd,
	   "vexfs_event_fd() returns the descriptor of the event loop");
	answered = 0;
	wrong = 0;
	begin(&left, &open);
	while (open && poll(&p, 1, 60000) == 1)
		if (vexfs_dispatch(h, 0, 0, &err) < 0)
			wrong++;
	ok(!wrong && answered == OPS,
	   "an event loop with poll(2): %u completions, all correct", answered);
}

static void *work(void *arg)
{
	uint32_t left = OPS, open = FLIGHT;
	struct vexfs_error e;

	begin(&left, &open);
	/* another thread may have called this thread's callbacks */
	while (__atomic_load_n(&open, __ATOMIC_ACQUIRE)) {
		ssize_t n = vexfs_dispatch(h, 1, 10000000, &e);

		if (n < 0 && n != -ETIME)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static void threads(void)
{
	pthread_t t[THREADS];

	answered = 0;
	wrong = 0;
	for (uint32_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, NULL))
			wrong++;
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ok(!wrong && answered == THREADS * OPS,
	   "%u threads with one handle: %u completions, all correct",
	   THREADS, answered);
}

int main(void)
{
	struct vexfs_create spec = {
		.dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2,
	};
	static float v[VECTORS][DIM];
	static uint64_t ids[VECTORS];
	struct vexfs_put put = {
		.flags = VEXFS_PUT_UPSERT, .count = VECTORS, .ids = (uintptr_t)ids,
		.vectors = (uintptr_t)v,
	};

	for (uint32_t i = 0; i < VECTORS; i++) {
		ids[i] = i;
		vector(v[i], i);
	}
	if (vexfs_do_create(NULL, &spec,
			    "e2e-async", NULL, &h, &err) || vexfs_do_put(h, &put, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	reaping();
	sentences();
	looping();
	threads();
	vexfs_close(h);
	ok(!vexfs_do_drop(NULL, "e2e-async", &err), "the collection is dropped");
	return done();
}
