/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of jobs and the threads that run them. Each descriptor that submits ops
 * asynchronously has one. The queue does not know what a job does.
 *
 * Each queue has workers of its own, so that jobs which wait for a long time do not delay the
 * jobs of other queues. Workers are created as needed and end with the queue. bridge/sched.h
 * orders the jobs; the queue is the only client there. A worker is a kernel thread that accepts
 * SIGKILL from the kernel while it runs a job. That is how a job is cancelled: wherever it
 * waits, it behaves like a task that was killed.
 *
 * A job is queued, runs, is done, and is then reaped. Until it is reaped it counts against the
 * limits of the queue and of its user. A user also has a limit of workers.
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

#define VEXFS_QUEUE_WORKERS	64u	/* maximum of one queue */

enum vexfs_job_state {
	VEXFS_JOB_QUEUED,
	VEXFS_JOB_RUNNING,
	VEXFS_JOB_DONE,
};

/**
 * struct vexfs_job - a job, embedded in the owner's structure
 * @ticket: its place in the scheduler while it is queued
 * @all: in the queue's list of all jobs
 * @node: in the queue's list of jobs that are done
 * @worker: the thread that runs it
 * @key: selects the jobs to cancel; not unique
 * @owner: likewise, of all jobs of a program; not NULL
 * @submitted_ns: when it was queued, on the clock of ktime_get_ns()
 * @started_ns: when it began to run; 0 when it never did
 * @ended_ns: time at which the op ended
 * @err: result of the op
 * @retries: number of attempts after the first one
 * @state: enum vexfs_job_state
 * @cancelled: set when it was cancelled
 *
 * The queue owns all members but @key, @owner, @retries and @cancelled. A job that was reaped
 * belongs to the caller that reaped it.
 */
struct vexfs_job {
	struct vexfs_ticket ticket;
	struct list_head all;
	struct list_head node;
	struct task_struct *worker;
	u64 key;
	const void *owner;
	u64 submitted_ns;
	u64 started_ns;
	u64 ended_ns;
	int err;
	u32 retries;
	u8 state;
	bool cancelled;
};

/**
 * struct vexfs_queue_ops - methods of the owner of the jobs
 * @run: runs a job in a worker. 0 or -errno; must end soon after the worker received SIGKILL
 * @free: frees a job that was not reaped when the queue ended
 */
struct vexfs_queue_ops {
	int (*run)(struct vexfs_job *job);
	void (*free)(struct vexfs_job *job);
};

/**
 * struct vexfs_queue - jobs of one client
 * @node: in the list of all queues
 * @ops: methods of the owner
 * @quota: jobs and threads of its user
 * @pid: of the process that created it, for the names of the workers
 * @lock: protects the members below but @spawn, @workers and @late. Also taken in soft
 *	interrupts
 * @sched: jobs that are queued
 * @client: the only client of @sched
 * @jobs: all jobs
 * @done: jobs that can be reaped, the oldest first
 * @held: number of jobs
 * @ready: number of jobs in @done
 * @running: number of jobs that run
 * @idle: number of workers that wait for a job
 * @threads: number of workers
 * @ending: the queue is being freed; the timer is not armed again
 * @event: signalled for each job that is done, or NULL
 * @work: workers wait here
 * @news: callers that reap wait here
 * @late: expires jobs that are still queued at their deadline
 * @spawn: held while workers are created or replaced
 * @workers: all workers
 */
struct vexfs_queue {
	struct list_head node;
	const struct vexfs_queue_ops *ops;
	struct vexfs_quota *quota;
	pid_t pid;
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

/* Creates an empty queue for @uid, without workers. Returns an error pointer on failure. */
struct vexfs_queue *vexfs_queue_new(const struct vexfs_queue_ops *ops, kuid_t uid);
/*
 * Ends and frees a queue. Queued jobs are dropped; running jobs receive SIGKILL and are waited
 * for. The caller must be the last user of the queue.
 */
void vexfs_queue_free(struct vexfs_queue *q);

/*
 * Makes sure that there is a worker. May sleep. -ENOMEM, -EINTR, or -EBUSY when its user has
 * reached the limit.
 */
int vexfs_queue_begin(struct vexfs_queue *q);
/*
 * Queues a job. The deadline is a time on the clock of ktime_get_ns(), 0 for none. -EBUSY when
 * a limit is reached.
 */
int vexfs_queue_add(struct vexfs_queue *q, struct vexfs_job *job, u32 priority, u32 cost,
		    u64 deadline_ns);
/* Creates more workers while jobs wait for one. May sleep. */
void vexfs_queue_spread(struct vexfs_queue *q);

/*
 * Waits until @min jobs (or all, if there are fewer) can be reaped, or @deadline_ns has passed.
 * Returns 0 in both cases, and -EINTR for any signal.
 */
int vexfs_queue_wait(struct vexfs_queue *q, u32 min, u64 deadline_ns);
/* Moves up to @max jobs that are done to @to, the oldest first; returns their number. */
u32 vexfs_queue_take(struct vexfs_queue *q, struct list_head *to, u32 max);
/* Puts back jobs that the last vexfs_queue_take() returned. */
void vexfs_queue_return(struct vexfs_queue *q, struct list_head *jobs);
/* Returns the number of jobs, and in @running how many of them run. */
u32 vexfs_queue_held(struct vexfs_queue *q, u32 *running);

/* Cancels the jobs with @key, or all; returns how many of them were not done yet. */
u32 vexfs_queue_cancel(struct vexfs_queue *q, u64 key, bool all);
/* The same for all jobs of @owner. */
u32 vexfs_queue_disown(struct vexfs_queue *q, const void *owner);

/* Sets the eventfd that is signalled for each job that is done, or NULL. Takes the reference. */
void vexfs_queue_notify(struct vexfs_queue *q, struct eventfd_ctx *event);

/* ---- all queues ---- */

/* With @stop no further job starts. Running jobs continue, and jobs can still be queued. */
void vexfs_queues_stop(bool stop);
/* Number of running jobs. After vexfs_queues_stop(true), 0 is final. */
u32 vexfs_queues_running(void);
/* Cancels all queued jobs; returns their number. */
u32 vexfs_queues_drop(void);
/*
 * Replaces each worker by a new thread, after vexfs_queues_stop(true) and when no job runs. Returns
 * the number of those that were not replaced, because there was no memory, and remain.
 */
u32 vexfs_queues_renew(void);

/* The list of queues. @vexfs_queues_stopped is read with the lock of a queue held. */
extern bool vexfs_queues_stopped;
void vexfs_queues_join(struct vexfs_queue *q);
void vexfs_queues_leave(struct vexfs_queue *q);
u32 vexfs_queues_sum(u32 (*of)(struct vexfs_queue *q));

/* ---- for queue_worker.c ---- */

/* Starts the next job and returns it, or NULL. The caller holds the lock. */
struct vexfs_job *vexfs_queue_next(struct vexfs_queue *q);
/* Marks a job as done. Called by its worker. */
void vexfs_queue_finish(struct vexfs_queue *q, struct vexfs_job *job, int err);

#endif
