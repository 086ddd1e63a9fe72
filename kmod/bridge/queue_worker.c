// SPDX-License-Identifier: GPL-2.0
/*
 * The workers of a queue.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "bridge/queue.h"
#include "bridge/quota.h"
#include "compat/compat.h"
#include "mem/tunable.h"

static VEXFS_TUNABLE(bridge_workers, 8, 1, 64, "threads",
		     "Most threads that run the asynchronous ops of one descriptor", 0644);

static_assert(VEXFS_QUEUE_WORKERS == 64);

/* Condition of the workers' wait: a job was taken, or the worker must stop. */
static bool worker_called(struct vexfs_queue *q, struct vexfs_job **job)
{
	spin_lock_bh(&q->lock);
	*job = vexfs_queue_next(q);
	spin_unlock_bh(&q->lock);
	return *job || kthread_should_stop();
}

static struct vexfs_job *worker_wait(struct vexfs_queue *q)
{
	struct vexfs_job *job;

	if (worker_called(q, &job))
		return job;
	spin_lock_bh(&q->lock);
	q->idle++;
	spin_unlock_bh(&q->lock);
	wait_event_idle_exclusive(q->work, worker_called(q, &job));
	spin_lock_bh(&q->lock);
	q->idle--;
	spin_unlock_bh(&q->lock);
	return job;
}

static int worker_run(void *queue)
{
	struct vexfs_queue *q = queue;
	struct vexfs_job *job;

	/* sent by vexfs_queue_cancel(); signals from user space are ignored */
	allow_kernel_signal(SIGKILL);
	while ((job = worker_wait(q))) {
		vexfs_queue_finish(q, job, q->ops->run(job));
		cond_resched();
	}
	return 0;
}

/* As nice as the task that it works for, or the worker that it replaces. */
static struct task_struct *worker_start(struct vexfs_queue *q, int nice)
{
	struct task_struct *task = kthread_run(worker_run, q, "vexfs/%d", q->pid);

	if (!IS_ERR(task))
		set_user_nice(task, nice);
	return task;
}

/* Creates one more worker. */
static int worker_add(struct vexfs_queue *q)
{
	struct task_struct *task;
	int err = 0;

	if (mutex_lock_killable(&q->spawn))
		return -EINTR;
	if (q->threads >= READ_ONCE(vexfs_bridge_workers) ||
	    !vexfs_quota_take(q->quota, VEXFS_QUOTA_THREADS)) {
		err = -EBUSY;
	} else {
		task = worker_start(q, task_nice(current));
		err = PTR_ERR_OR_ZERO(task);
		if (err)
			vexfs_quota_give(q->quota, VEXFS_QUOTA_THREADS, 1);
	}
	if (!err) {
		spin_lock_bh(&q->lock);
		q->workers[q->threads++] = task;
		spin_unlock_bh(&q->lock);
	}
	mutex_unlock(&q->spawn);
	return err;
}

int vexfs_queue_begin(struct vexfs_queue *q)
{
	int err;

	if (READ_ONCE(q->threads))
		return 0;
	err = worker_add(q);
	return READ_ONCE(q->threads) ? 0 : err;
}

static bool wants_worker(struct vexfs_queue *q)
{
	bool wants;

	spin_lock_bh(&q->lock);
	wants = vexfs_sched_queued(&q->sched) > q->idle &&
		q->threads < READ_ONCE(vexfs_bridge_workers);
	spin_unlock_bh(&q->lock);
	return wants;
}

void vexfs_queue_spread(struct vexfs_queue *q)
{
	while (wants_worker(q) && !worker_add(q))
		;
}

static u32 queue_renew(struct vexfs_queue *q)
{
	struct task_struct *task, *before;
	u32 failed = 0, i;

	mutex_lock(&q->spawn);
	for (i = 0; i < q->threads; i++) {
		before = q->workers[i];
		task = worker_start(q, task_nice(before));
		if (IS_ERR(task)) {
			failed++;
			continue;
		}
		q->workers[i] = task;
		/* it waits for a job, and none starts now */
		kthread_stop(before);
	}
	mutex_unlock(&q->spawn);
	return failed;
}

u32 vexfs_queues_renew(void)
{
	return vexfs_queues_sum(queue_renew);
}
