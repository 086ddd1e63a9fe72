// SPDX-License-Identifier: GPL-2.0
/*
 * Ops that are submitted to the queue of their descriptor, and reaped. A worker runs them as
 * if it were the task that submitted them: in its memory, charged to its memory cgroup, with
 * the credentials of whoever opened the descriptor.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "bridge/queue.h"
#include "compat/compat.h"
#include "data/async.h"
#include "data/handlers.h"
#include "mem/payer.h"
#include "mem/tunable.h"
#include "mem/user.h"

static VEXFS_TUNABLE(bridge_retries, 3, 0, 16, "attempts",
		     "How often an asynchronous op that has changed nothing is tried again", 0644);

#define PART	8u	/* entries and completions that are copied together */

/**
 * struct async_op - an op that was submitted
 * @job: in the queue of its descriptor
 * @mm: the memory it works in; referenced, but not kept alive
 * @payer: memory cgroup to charge
 * @r: the request
 */
struct async_op {
	struct vexfs_job job;
	struct mm_struct *mm;
	struct mem_cgroup *payer;
	struct vexfs_request r;
};

static struct async_op *async_op(struct vexfs_job *job)
{
	return container_of(job, struct async_op, job);
}

/* ---- running ---- */

static bool async_changed(const struct vexfs_request *r)
{
	switch (r->handler->cmd) {
	case VEXFS_IOC_PUT:
		return r->h.put.tried || r->h.put.seq;
	case VEXFS_IOC_DELETE:
		return r->h.delete.tried || r->h.delete.seq;
	default:
		return false;
	}
}

/* True when the op is worth another attempt: it has changed nothing, and may succeed then. */
static bool async_again(const struct async_op *op, int err)
{
	const struct vexfs_request *r = &op->r;

	if (err != -ENOMEM && err != -EAGAIN && err != -EBUSY)
		return false;
	if (r->attempts >= READ_ONCE(vexfs_bridge_retries) || async_changed(r))
		return false;
	return !r->deadline_ns || ktime_get_ns() < r->deadline_ns;
}

/*
 * Rests before the next attempt: memory may become free, queues shorter. Longer each time, but
 * for a second at most, and not beyond the deadline. False when the worker is to end the op.
 */
static bool async_rest(const struct vexfs_request *r)
{
	u64 rest = min(1UL << r->attempts, (unsigned long)HZ), now = ktime_get_ns();

	if (r->deadline_ns)
		rest = min(rest, r->deadline_ns > now ?
				 nsecs_to_jiffies64(r->deadline_ns - now) + 1 : 1);
	schedule_timeout_killable(rest);
	return !fatal_signal_pending(current);
}

static int async_attempts(struct async_op *op)
{
	const union vexfs_header asked = op->r.h;
	int err;

	for (;;) {
		err = vexfs_request_serve(&op->r);
		if (!async_again(op, err) || !async_rest(&op->r))
			break;
		op->r.attempts++;
		op->r.h = asked;
	}
	op->job.retries = op->r.attempts;
	return err;
}

static int async_run(struct vexfs_job *job)
{
	struct async_op *op = async_op(job);
	struct mem_cgroup *payer;
	const struct cred *cred;
	int err;

	if (!mmget_not_zero(op->mm))
		return -ECANCELED;
	kthread_use_mm(op->mm);
	cred = override_creds(op->r.client->cred);
	payer = vexfs_payer_begin(op->payer);
	err = async_attempts(op);
	vexfs_payer_end(payer);
	revert_creds(cred);
	kthread_unuse_mm(op->mm);
	mmput(op->mm);
	return err;
}

static void async_free(struct vexfs_job *job)
{
	struct async_op *op = async_op(job);

	mmdrop(op->mm);
	vexfs_payer_put(op->payer);
	kfree(op);
}

static const struct vexfs_queue_ops async_ops = {
	.run = async_run,
	.free = async_free,
};

/* ---- the queue of a descriptor ---- */

/* The queue is created at its first use. */
static struct vexfs_queue *client_queue(struct vexfs_client *client)
{
	/* pairs with the release below */
	struct vexfs_queue *q = smp_load_acquire(&client->queue);

	if (q)
		return q;
	if (mutex_lock_interruptible(&client->lock))
		return ERR_PTR(-EINTR);
	q = client->queue;
	if (!q) {
		q = vexfs_queue_new(&async_ops, vexfs_bridge_user());
		if (!IS_ERR(q))
			/* who sees it sees what is in it */
			smp_store_release(&client->queue, q);
	}
	mutex_unlock(&client->lock);
	return q;
}

void vexfs_async_disown(struct vexfs_client *client, const void *files)
{
	/* pairs with client_queue() */
	struct vexfs_queue *q = smp_load_acquire(&client->queue);

	if (q)
		vexfs_queue_disown(q, files);
}

void vexfs_async_end(struct vexfs_client *client)
{
	if (client->queue)
		vexfs_queue_free(client->queue);
}

/* ---- submitting ---- */

static struct async_op *async_new(struct vexfs_client *client, const struct vexfs_submission *e)
{
	const struct vexfs_handler *h = vexfs_handler_find(e->cmd);
	struct async_op *op;
	int err;

	if (e->flags)
		return ERR_PTR(-EINVAL);
	if (!h || !(h->flags & VEXFS_HANDLER_ASYNC))
		return ERR_PTR(h || vexfs_async_find(e->cmd) ? -EOPNOTSUPP : -ENOTTY);
	op = kmalloc(sizeof(*op), VEXFS_GFP_USER);
	if (!op)
		return ERR_PTR(-ENOMEM);
	vexfs_request_init(&op->r, h, client, u64_to_user_ptr(e->arg), VEXFS_REQUEST_READ);
	err = vexfs_request_read(&op->r, h->size);
	if (!err && !vexfs_priority_valid(vexfs_header_u32(&op->r, h->priority_at)))
		err = -EINVAL;
	if (err) {
		kfree(op);
		return ERR_PTR(err);
	}
	op->job.key = e->user_data;
	op->job.owner = current->files;
	op->mm = current->mm;
	mmgrab(op->mm);
	op->payer = vexfs_payer_get();
	return op;
}

/*
 * The cost of an op is the number of its vectors or queries. A number beyond all limits is refused
 * when the op runs, and must not be charged to the ops after it.
 */
static u32 async_cost(const struct vexfs_request *r)
{
	u32 n = vexfs_header_u32(r, r->handler->count_at);

	return n <= VEXFS_BATCH_MAX ? n : 1;
}

static int submit_one(struct vexfs_queue *q, struct vexfs_client *client,
		      const struct vexfs_submission *e)
{
	struct async_op *op = async_new(client, e);
	const struct vexfs_handler *h;
	u64 timeout;
	int err;

	if (IS_ERR(op))
		return PTR_ERR(op);
	h = op->r.handler;
	timeout = vexfs_header_u64(&op->r, h->deadline_at);
	if (timeout)
		op->r.deadline_ns = vexfs_op_deadline(timeout);
	err = vexfs_queue_add(q, &op->job, vexfs_header_u32(&op->r, h->priority_at),
			      async_cost(&op->r), op->r.deadline_ns);
	if (err)
		async_free(&op->job);
	return err;
}

static int handle_submit(struct vexfs_request *r)
{
	struct vexfs_submit *req = &r->h.submit;
	struct vexfs_submission part[PART];
	struct vexfs_queue *q;
	u32 i, n;
	int err;

	req->done = 0;
	if (req->flags || !req->count)
		return -EINVAL;
	if (req->count > VEXFS_SUBMIT_MAX)
		return -E2BIG;
	q = client_queue(r->client);
	if (IS_ERR(q))
		return PTR_ERR(q);
	err = vexfs_queue_begin(q);
	while (!err && req->done < req->count) {
		n = min(PART, req->count - req->done);
		err = vexfs_copy_in(r, part, vexfs_at(req->entries, req->done, sizeof(part[0])),
				    n * sizeof(part[0])) ?: vexfs_op_expired(&r->op);
		for (i = 0; i < n && !err; i++) {
			err = submit_one(q, r->client, &part[i]);
			req->done += !err;
		}
	}
	vexfs_queue_spread(q);
	return err;
}

/* ---- reaping ---- */

/* Completions of up to PART jobs; how many, or -EFAULT, and then they stay. */
static int reap_part(struct vexfs_request *r, struct vexfs_queue *q)
{
	struct vexfs_reap *req = &r->h.reap;
	struct vexfs_completion out[PART];
	struct vexfs_job *job, *next;
	LIST_HEAD(jobs);
	u32 n, i = 0;

	n = vexfs_queue_take(q, &jobs, min(PART, req->max - req->got));
	list_for_each_entry(job, &jobs, node)
		out[i++] = (struct vexfs_completion){
			.user_data = job->key,
			.queued_ns = (job->started_ns ?: job->ended_ns) - job->submitted_ns,
			.run_ns = job->started_ns ? job->ended_ns - job->started_ns : 0,
			.res = job->err,
			.retries = job->retries,
		};
	if (n && vexfs_copy_out(r, vexfs_at(req->completions, req->got, sizeof(out[0])), out,
				n * sizeof(out[0]))) {
		vexfs_queue_return(q, &jobs);
		return -EFAULT;
	}
	list_for_each_entry_safe(job, next, &jobs, node)
		async_free(job);
	req->got += n;
	return n;
}

static int handle_reap(struct vexfs_request *r)
{
	struct vexfs_reap *req = &r->h.reap;
	/* pairs with client_queue() */
	struct vexfs_queue *q = smp_load_acquire(&r->client->queue);
	u64 deadline = req->timeout_ns ? vexfs_op_deadline(req->timeout_ns) : 0;
	int err = 0, n = 0;

	r->op.deadline_ns = deadline;
	req->got = 0;
	req->left = 0;
	req->running = 0;
	if (req->flags || req->pad || req->min > req->max)
		return -EINVAL;
	if (req->max > VEXFS_SUBMIT_MAX)
		return -E2BIG;
	if (!q)
		return 0;
	do {
		if (req->got < req->min)
			err = vexfs_queue_wait(q, req->min - req->got, deadline);
		do
			n = reap_part(r, q);
		while (n > 0 && req->got < req->max);
		req->left = vexfs_queue_held(q, &req->running);
		/* another task may have reaped the completions */
	} while (!err && n >= 0 && req->got < req->min && req->left &&
		 !(deadline && ktime_get_ns() >= deadline));
	if (n < 0)
		return n;
	if (req->got)
		return 0;
	return err ?: (req->min && req->left ? -ETIME : 0);
}

static int handle_cancel(struct vexfs_request *r)
{
	struct vexfs_cancel *req = &r->h.cancel;
	/* pairs with client_queue() */
	struct vexfs_queue *q = smp_load_acquire(&r->client->queue);
	bool all = req->flags & VEXFS_CANCEL_ALL;

	req->found = 0;
	if (req->flags & ~VEXFS_CANCEL_ALL || req->pad || (all && req->user_data))
		return -EINVAL;
	if (q)
		req->found = vexfs_queue_cancel(q, req->user_data, all);
	return req->found ? 0 : -ENOENT;
}

static int handle_eventfd(struct vexfs_request *r)
{
	const struct vexfs_eventfd *req = &r->h.eventfd;
	struct eventfd_ctx *event = NULL;
	struct vexfs_queue *q;

	if (req->flags || req->pad || req->fd < -1)
		return -EINVAL;
	q = client_queue(r->client);
	if (IS_ERR(q))
		return PTR_ERR(q);
	if (req->fd >= 0) {
		event = eventfd_ctx_fdget(req->fd);
		if (IS_ERR(event))
			return PTR_ERR(event);
	}
	vexfs_queue_notify(q, event);
	return 0;
}

/* ---- the requests of this file ---- */

#define OUT	VEXFS_HANDLER_OUT
#define ALWAYS	(VEXFS_HANDLER_OUT | VEXFS_HANDLER_OUT_ALWAYS)

static const struct vexfs_handler async_handlers[] = {
	{
		.cmd = VEXFS_IOC_SUBMIT,
		.size = sizeof(struct vexfs_submit),
		.kind = VEXFS_OP_INFO,
		.flags = ALWAYS | VEXFS_HANDLER_WAITS,
		.handle = handle_submit,
	},
	{
		.cmd = VEXFS_IOC_REAP,
		.size = sizeof(struct vexfs_reap),
		.kind = VEXFS_OP_INFO,
		.flags = ALWAYS | VEXFS_HANDLER_RESTART | VEXFS_HANDLER_WAITS,
		.handle = handle_reap,
	},
	{
		.cmd = VEXFS_IOC_CANCEL,
		.size = sizeof(struct vexfs_cancel),
		.kind = VEXFS_OP_INFO,
		.flags = OUT,
		.handle = handle_cancel,
	},
	{
		.cmd = VEXFS_IOC_EVENTFD,
		.size = sizeof(struct vexfs_eventfd),
		.kind = VEXFS_OP_INFO,
		.handle = handle_eventfd,
	},
};

const struct vexfs_handler *vexfs_async_find(u32 cmd)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(async_handlers); i++)
		if (async_handlers[i].cmd == cmd)
			return &async_handlers[i];
	return NULL;
}
