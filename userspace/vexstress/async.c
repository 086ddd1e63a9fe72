// SPDX-License-Identifier: GPL-2.0
/*
 * A worker with many ops in flight. In a closed loop each completion makes room for the next
 * op. In an open loop ops are sent when they are due; an op without room is late. The worker
 * waits for completions in the kernel, as a program would, until the next op is due.
 */
#include "transport.h"
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS		50000000u	/* how often it checks for the end of the run */
#define FAR_NS		300000u		/* it sleeps for waits above this, and spins otherwise */
/* A timer that fires later than this shows that the machine was unavailable. */
#define LATE_NS		500000u
#define ANSWERS		64

/* One op under way. */
struct flight {
	void *call;
	unsigned int kind;
	uint64_t due, missing, started;
};

struct async {
	const struct vx_transport_ops *transport;
	struct flight *flight;		/* depth of them */
	unsigned int depth;
	unsigned int *free;		/* slots that are not in flight */
	unsigned int nfree;
	struct vx_send *ready;		/* prepared, and not sent yet */
	unsigned int nready;
	uint64_t next;			/* open loop: when the next op is due */
	uint64_t missing;		/* unavailable time since the last op was due */
	uint64_t sent, done;
};

static int fail(struct vx_worker *w, const char *what)
{
	snprintf(w->shared->message, sizeof(w->shared->message), "%s", what);
	return -1;
}

int vx_async_start(struct vx_worker *w)
{
	struct async *a = calloc(1, sizeof(*a));
	unsigned int i;

	if (!a)
		return fail(w, "no memory");
	w->async = a;
	a->transport = vx_transport_of(w->job->workload);
	a->depth = (unsigned int)w->job->depth;
	a->flight = calloc(a->depth, sizeof(*a->flight));
	a->free = calloc(a->depth, sizeof(*a->free));
	a->ready = calloc(a->depth, sizeof(*a->ready));
	if (!a->flight || !a->free || !a->ready)
		return fail(w, "no memory");
	for (i = 0; i < a->depth; i++) {
		a->flight[i].call = vx_call_new(w);
		if (!a->flight[i].call)
			return fail(w, "no memory");
		a->free[a->nfree++] = i;
	}
	return a->transport->open(w, a->depth);
}

void vx_async_stop(struct vx_worker *w)
{
	struct async *a = w->async;
	unsigned int i;

	if (!a)
		return;
	if (w->transport)
		a->transport->close(w);
	for (i = 0; a->flight && i < a->depth; i++)
		vx_call_free(a->flight[i].call);
	free(a->flight);
	free(a->free);
	free(a->ready);
	free(a);
	w->async = NULL;
}

static unsigned int under_way(const struct async *a)
{
	return a->depth - a->nfree - a->nready;
}

/* Draws an op and prepares it. */
static void make_ready(struct vx_worker *w, struct async *a)
{
	unsigned int at = a->free[--a->nfree];
	struct flight *f = &a->flight[at];
	struct vx_send *s = &a->ready[a->nready++];
	void *own = w->priv;

	f->kind = vx_worker_pick(w);
	f->due = w->job->rate > 0 ? a->next : 0;
	f->missing = a->missing;
	f->started = 0;
	w->priv = f->call;
	vx_worker_prepare(w, f->kind);
	s->user = at;
	s->cmd = vx_worker_request(w, f->kind, &s->arg);
	w->priv = own;
	a->sent++;
	if (w->job->rate > 0)
		a->next += vx_gap(w);
}

static void answered(struct vx_worker *w, struct async *a, unsigned int at, int err, uint64_t now)
{
	struct flight *f = &a->flight[at];
	void *own = w->priv;

	w->priv = f->call;
	w->started = f->started;
	w->ended = now;
	/* Ops of this worker do not wait for each other. */
	w->free_at = w->free_without = 0;
	vx_worker_answered(w, f->kind);
	vx_record(w, f->kind, f->due, f->missing, err);
	vx_worker_after(w, f->kind, err);
	w->priv = own;
	a->free[a->nfree++] = at;
	a->done++;
}

/* Sends the prepared ops. Those without room stay prepared until completions make some. */
static int send_ready(struct vx_worker *w, struct async *a)
{
	uint64_t now = vs_ticks();
	unsigned int i;
	int n;

	if (!a->nready)
		return 0;
	/* Set before the call, since an op may be completed when the call returns. */
	for (i = 0; i < a->nready; i++)
		a->flight[a->ready[i].user].started = now;
	n = a->transport->send(w, a->ready, a->nready);
	if (n == -EAGAIN)
		return 0;
	if (n < 0) {
		/* None of them will be completed. */
		now = vs_ticks();
		for (i = 0; i < a->nready; i++)
			answered(w, a, (unsigned int)a->ready[i].user, n, now);
		a->nready = 0;
		return n;
	}
	a->nready -= (unsigned int)n;
	memmove(a->ready, a->ready + n, a->nready * sizeof(*a->ready));
	return 0;
}

/*
 * In a closed loop it wakes up when a quarter of the ops in flight is completed, as a program
 * that needs throughput would; in an open loop for each completion.
 */
static int take_answers(struct vx_worker *w, struct async *a, uint64_t timeout_ns)
{
	unsigned int min = w->job->rate > 0 ? 1 : (under_way(a) + 3) / 4;
	struct vx_answer list[ANSWERS];
	uint64_t now;
	int n, i;

	n = a->transport->answers(w, list, ANSWERS, min < ANSWERS ? min : ANSWERS, timeout_ns);
	now = vs_ticks();
	for (i = 0; i < n; i++)
		answered(w, a, (unsigned int)list[i].user, list[i].err, now);
	return n;
}

/* Waits for completions if ops are in flight, and otherwise until an op is due. */
static int wait_for_more(struct vx_worker *w, struct async *a)
{
	uint64_t now = vs_ticks(), ns = LOOK_NS, until;
	bool due_counts = w->job->rate > 0 && a->nfree && !a->nready;
	int n = 0;

	if (due_counts)
		ns = a->next > now ? vs_to_ns(a->next - now) : 0;
	if (ns > LOOK_NS)
		ns = LOOK_NS;
	until = now + vs_to_ticks((double)ns);
	if (under_way(a))
		n = take_answers(w, a, ns);
	else if (a->nready)
		vx_nap(200000);
	else if (ns > FAR_NS)
		vx_nap((double)ns - FAR_NS / 2);
	now = vs_ticks();
	/* A completion or the timer ends the wait, so time beyond the timer was unavailable. */
	if (due_counts && ns && now > until && vs_to_ns(now - until) > LATE_NS) {
		a->missing += now - until;
		vs_hist_set(&w->shared->unavailable_ns,
			    w->shared->unavailable_ns + vs_to_ns(now - until));
	}
	return n < 0 ? n : 0;
}

/* Waits for all ops in flight. When that fails, the worker ends. */
static int drain(struct vx_worker *w, struct async *a)
{
	unsigned int idle = 0;
	int err = 0;

	while (!err && (under_way(a) || a->nready)) {
		err = send_ready(w, a);
		if (!err && under_way(a)) {
			int n = take_answers(w, a, LOOK_NS);

			err = n < 0 ? n : 0;
			idle = n ? 0 : idle + 1;
		} else if (!err && a->nready) {
			vx_nap(200000);
		}
		if (idle > 600)
			return fail(w, "ops that were sent are not answered for 30 s");
		if (vx_stopped() && idle == 1)
			a->transport->cancel(w);
	}
	return err;
}

/* Discards ops that were prepared and not sent; they are not counted. */
static void forget_ready(struct vx_worker *w, struct async *a)
{
	void *own = w->priv;

	while (a->nready) {
		struct flight *f = &a->flight[a->ready[--a->nready].user];

		w->priv = f->call;
		w->started = w->ended = vs_ticks();
		vx_worker_after(w, f->kind, -ECANCELED);
		a->free[a->nfree++] = (unsigned int)a->ready[a->nready].user;
	}
	w->priv = own;
}

static int begin_counting(struct vx_worker *w, struct async *a)
{
	int err = 0;

	/* With a number of ops, none of them may have begun before. */
	if (w->job->ops)
		err = drain(w, a);
	vx_begin_counting(w);
	a->sent = a->done = 0;
	a->missing = 0;
	if (w->job->rate > 0 && vs_ticks() > a->next)
		a->next = vs_ticks();
	return err;
}

static int run(struct vx_worker *w, struct async *a)
{
	uint64_t quota = vx_quota(w);
	int err = 0;

	if (w->job->rate > 0)
		a->next = vs_ticks() + vx_gap(w) * w->index / w->job->threads;
	w->warming = true;
	while (!err && !vx_over(w) && (w->warming || a->done < quota)) {
		if (vx_warmed_up(w)) {
			err = begin_counting(w, a);
			continue;
		}
		while (a->nfree && (w->warming || a->sent < quota) &&
		       (w->job->rate <= 0 || vs_ticks() >= a->next)) {
			make_ready(w, a);
			a->missing = 0;
		}
		err = send_ready(w, a);
		if (!err)
			err = wait_for_more(w, a);
	}
	if (a->done >= quota)
		vx_all_done(w, w->ended);
	return err;
}

void vx_async_loop(struct vx_worker *w)
{
	struct async *a = w->async;
	int err = run(w, a);

	if (err)
		snprintf(w->shared->message, sizeof(w->shared->message),
			 "ops cannot be sent any more: %s", strerror(-err));
	forget_ready(w, a);
	/* The kernel writes to requests in this program's memory until all ops have ended. */
	drain(w, a);
}
