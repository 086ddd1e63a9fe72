/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of jobs, and the threads that run them: one for each descriptor that submits ops
 * instead of waiting for them. It knows nothing of what a job means.
 *
 * Each queue has workers of its own, so that jobs which wait for long hold up nobody
 * else's. They come as they are needed and go with the queue. The order is that of
 * bridge/sched.h, among the jobs of this one client. A worker is a kernel thread that
 * accepts SIGKILL from the kernel while it runs a job: what a killed task would do, a job
 * that is cancelled does, wherever it waits.
 *
 * A job is queued, runs and is done, and then waits to be reaped. Jobs in all these states
 * count against the limits of the queue and of its user, who has one on workers as well.
 */
#ifndef _VEXFS_BRIDGE_QUEUE_H
#define _VEXFS_BRIDGE_QUEUE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "bridge/sched.h"

struct eventfd_ctx;
struct task_struct;
struct vexfs_queue;
struct vexfs_quota;

#define VEXFS_QUEUE_WORKERS	64u	/* of one queue, at most */

enum vexfs_job_state {
	VEXFS_JOB_QUEUED,
	VEXFS_JOB_RUNNING,
	VEXFS_JOB_DONE,
};

/**
 * struct vexfs_job - a job, embedded in what its owner knows of it
 * @ticket: while it is queued
 * @all: among all jobs of its queue
 * @node: among those that are done
 * @worker: who runs it
 * @key: by which it is cancelled; not unique
 * @submitted_ns: when it was queued, on the clock of ktime_get_ns()
 * @started_ns: when it began to run; 0 when it never did
 * @ended_ns: when it was done
 * @err: its result
 * @retries: attempts after the first one
 * @state: enum vexfs_job_state
 * @cancelled: it is to end early
 *
 * All but @key, @retries and @cancelled belongs to the queue; a job that was reaped belongs to
 * whoever reaped it.
 */
struct vexfs_job {
	struct vexfs_ticket ticket;
	struct list_head all;
	struct list_head node;
	struct task_struct *worker;
	u64 key;
	u64 submitted_ns;
	u64 started_ns;
	u64 ended_ns;
	int err;
	u32 retries;
	u8 state;
	bool cancelled;
};

/**
 * struct vexfs_queue_ops - what a queue does not know
 * @run: runs a job, in a worker. 0 or -errno; it ends soon after the worker got SIGKILL
 * @free: of a job that nobody reaped
 */
struct vexfs_queue_ops {
	int (*run)(struct vexfs_job *job);
	void (*free)(struct vexfs_job *job);
};

/**
 * struct vexfs_queue - jobs of one client
 * @node: among all queues
 * @ops: what the jobs are
 * @quota: of its user
 * @lock: protects all that follows, but for @spawn, @workers and @late. Taken in soft
 *	interrupts, too
 * @sched: jobs that are queued
 * @client: the only client there
 * @jobs: all jobs
 * @done: those that can be reaped, the oldest first
 * @held: how many jobs there are
 * @ready: how many can be reaped
 * @running: how many run
 * @idle: workers that wait for a job
 * @threads: workers there are
 * @ending: no more jobs
 * @event: who is told of jobs that are done, or NULL
 * @work: where workers wait
 * @news: where those wait that reap
 * @late: expires jobs that no worker has come to
 * @spawn: held while a worker is made
 * @workers: all of them
 */
struct vexfs_queue {
	struct list_head node;
	const struct vexfs_queue_ops *ops;
	struct vexfs_quota *quota;
	spinlock_t lock;
	struct vexfs_sched sched;
	struct vexfs_sched_client client;
	struct list_head jobs;
	struct list_head done;
	u32 held;
	u32 ready;
	u32 running;
	u32 idle;
	u32 threads;
	bool ending;
	struct eventfd_ctx *event;
	wait_queue_head_t work;
	wait_queue_head_t news;
	struct timer_list late;
	struct mutex spawn;
	struct task_struct *workers[VEXFS_QUEUE_WORKERS];
};

/* An empty queue of @uid's without workers, or an error pointer. */
struct vexfs_queue *vexfs_queue_new(const struct vexfs_queue_ops *ops, kuid_t uid);
/*
 * Ends it: what was queued is dropped, what runs gets SIGKILL and is waited for. Nobody may
 * use the queue any more.
 */
void vexfs_queue_free(struct vexfs_queue *q);

/* At least one worker. May sleep; -ENOMEM, -EINTR, -EBUSY when its user has too many. */
int vexfs_queue_begin(struct vexfs_queue *q);
/* Queues a job; -EBUSY when there are as many as may be. The deadline is a moment, 0 for none. */
int vexfs_queue_add(struct vexfs_queue *q, struct vexfs_job *job, u32 priority, u32 cost,
		    u64 deadline_ns);
/* More workers, where jobs wait for them. May sleep. */
void vexfs_queue_spread(struct vexfs_queue *q);

/*
 * Waits until @min jobs can be reaped, or as many as there are, or @deadline_ns has passed. 0,
 * also when there are fewer; -EINTR for any signal.
 */
int vexfs_queue_wait(struct vexfs_queue *q, u32 min, u64 deadline_ns);
/* Takes up to @max jobs that are done off the queue, in order, into @to; how many. */
u32 vexfs_queue_take(struct vexfs_queue *q, struct list_head *to, u32 max);
/* Puts jobs back that were taken last. */
void vexfs_queue_return(struct vexfs_queue *q, struct list_head *jobs);
/* How many jobs there are, and how many of them run. */
u32 vexfs_queue_held(struct vexfs_queue *q, u32 *running);

/* Cancels the jobs of @key, or all; how many were not done. */
u32 vexfs_queue_cancel(struct vexfs_queue *q, u64 key, bool all);

/* Who is told of each job that is done; takes over the reference. NULL: nobody. */
void vexfs_queue_notify(struct vexfs_queue *q, struct eventfd_ctx *event);

/* ---- all queues ---- */

/* While @stop, no job begins. What runs goes on, and jobs are queued as ever. */
void vexfs_queues_stop(bool stop);
/* How many jobs run. Once it is 0 after vexfs_queues_stop(true) it stays so. */
u32 vexfs_queues_running(void);
/* Cancels all jobs that are queued; how many. */
u32 vexfs_queues_drop(void);

/* Of the list. @vexfs_queues_stopped is read with the lock of a queue held. */
extern bool vexfs_queues_stopped;
void vexfs_queues_join(struct vexfs_queue *q);
void vexfs_queues_leave(struct vexfs_queue *q);
u32 vexfs_queues_sum(u32 (*of)(struct vexfs_queue *q));

/* ---- of the workers' file ---- */

/* The next job, which runs from now on, or NULL. Called with the lock held. */
struct vexfs_job *vexfs_queue_next(struct vexfs_queue *q);
/* A worker is through with a job. */
void vexfs_queue_finish(struct vexfs_queue *q, struct vexfs_job *job, int err);
int vexfs_queue_worker(void *queue);

#endif
