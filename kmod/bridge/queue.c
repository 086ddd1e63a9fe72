// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of jobs: submit, expire, cancel and reap.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/ktime.h>

#include "bridge/config.h"
#include "bridge/queue.h"
#include "bridge/quota.h"
#include "bridge/stats.h"
#include "compat/compat.h"
#include "compat/timer.h"
#include "mem/tunable.h"
#include "mem/user.h"

static VEXFS_TUNABLE(bridge_depth, 1024, 1, 65536, "ops",
		     "Most asynchronous ops of one descriptor, queued, running or not reaped yet",
		     0644);

/* A job without a deadline is due so long after it was queued, see bridge/sched.h. */
#define PATIENCE_NS	(100 * NSEC_PER_MSEC)
#define LATE_JIFFIES	(60 * HZ)	/* the timer fires at least this often while deadlines exist */

/* The instance of the statistics that it counts for. */
static u32 job_place(const struct vexfs_job *job)
{
	return VEXFS_BRIDGE_QUEUE + job->ticket.priority;
}

static void job_unqueued(const struct vexfs_job *job, enum vexfs_bridge_count why)
{
	vexfs_bridge_inc(job_place(job), VEXFS_BRIDGE_UNWAITED);
	vexfs_bridge_inc(job_place(job), why);
}

/* ---- jobs that end, with the lock held ---- */

static void job_done(struct vexfs_queue *q, struct vexfs_job *job, int err)
{
	job->err = err;
	job->ended_ns = ktime_get_ns();
	job->state = VEXFS_JOB_DONE;
	list_add_tail(&job->node, &q->done);
	q->ready++;
}

static struct vexfs_job *ticket_job(struct vexfs_ticket *t)
{
	return container_of(t, struct vexfs_job, ticket);
}

/* Ends jobs whose deadline has passed and arms the timer for the next one. Returns their number. */
static u32 expire_late(struct vexfs_queue *q)
{
	u64 now = ktime_get_ns(), next;
	struct vexfs_ticket *t;
	u32 n = 0;

	while ((t = vexfs_sched_late(&q->sched, now))) {
		job_unqueued(ticket_job(t), VEXFS_BRIDGE_LATE);
		job_done(q, ticket_job(t), -ETIME);
		n++;
	}
	next = vexfs_sched_next_deadline(&q->sched);
	if (next && !q->ending)
		mod_timer(&q->late, jiffies + 1 +
			  min_t(u64, nsecs_to_jiffies64(next - now), LATE_JIFFIES));
	return n;
}

/* Signals that @n more jobs are done. */
static void tell_done(struct vexfs_queue *q, u32 n)
{
	if (!n)
		return;
	while (q->event && n--)
		vexfs_eventfd_signal(q->event);
	wake_up(&q->news);
}

static void queue_late(struct timer_list *timer)
{
	struct vexfs_queue *q = container_of(timer, struct vexfs_queue, late);

	spin_lock_bh(&q->lock);
	tell_done(q, expire_late(q));
	spin_unlock_bh(&q->lock);
}

/* ---- for workers ---- */

struct vexfs_job *vexfs_queue_next(struct vexfs_queue *q)
{
	struct vexfs_ticket *t;
	struct vexfs_job *job;

	lockdep_assert_held(&q->lock);
	tell_done(q, expire_late(q));
	t = READ_ONCE(vexfs_queues_stopped) ? NULL : vexfs_sched_pick(&q->sched);
	if (!t)
		return NULL;
	job = ticket_job(t);
	job->state = VEXFS_JOB_RUNNING;
	job->started_ns = ktime_get_ns();
	job->worker = current;
	q->running++;
	job_unqueued(job, VEXFS_BRIDGE_STARTED);
	vexfs_bridge_time(job_place(job), VEXFS_BRIDGE_STAGE_QUEUE,
			  job->started_ns - job->submitted_ns);
	vexfs_bridge_beat(job_place(job));
	return job;
}

void vexfs_queue_finish(struct vexfs_queue *q, struct vexfs_job *job, int err)
{
	spin_lock_bh(&q->lock);
	/* no signal is sent from here on: senders hold the lock and check the state */
	job->worker = NULL;
	if (signal_pending(current))
		flush_signals(current);
	q->running--;
	job_done(q, job, err && job->cancelled ? -ECANCELED : err);
	vexfs_bridge_inc(job_place(job), VEXFS_BRIDGE_ENDED);
	vexfs_bridge_inc(job_place(job), VEXFS_BRIDGE_COMPLETED);
	vexfs_bridge_add(job_place(job), VEXFS_BRIDGE_AGAIN, job->retries);
	vexfs_bridge_time(job_place(job), VEXFS_BRIDGE_STAGE_RUN, job->ended_ns - job->started_ns);
	tell_done(q, 1);
	spin_unlock_bh(&q->lock);
}

/* ---- submitting ---- */

int vexfs_queue_add(struct vexfs_queue *q, struct vexfs_job *job, u32 priority, u32 cost,
		    u64 deadline_ns)
{
	int err = -EBUSY;
	bool room;

	priority = vexfs_bridge_priority_of(priority);
	job->retries = 0;
	job->cancelled = false;
	job->worker = NULL;
	job->state = VEXFS_JOB_QUEUED;
	job->started_ns = 0;
	job->submitted_ns = ktime_get_ns();
	vexfs_ticket_init(&job->ticket);
	spin_lock_bh(&q->lock);
	room = q->held < READ_ONCE(vexfs_bridge_depth) &&
	       vexfs_quota_take(q->quota, VEXFS_QUOTA_JOBS);
	vexfs_bridge_sched_weights(&q->sched);
	if (room)
		err = vexfs_sched_add(&q->sched, &job->ticket, &q->client, priority, cost,
				      deadline_ns);
	if (room && err)
		vexfs_quota_give(q->quota, VEXFS_QUOTA_JOBS, 1);
	vexfs_bridge_inc(VEXFS_BRIDGE_QUEUE + priority, VEXFS_BRIDGE_SUBMITTED);
	if (!err) {
		list_add_tail(&job->all, &q->jobs);
		q->held++;
		vexfs_bridge_inc(job_place(job), VEXFS_BRIDGE_WAITED);
		if (vexfs_sched_queued(&q->sched) == 1)
			vexfs_bridge_beat(job_place(job));
		if (deadline_ns)
			tell_done(q, expire_late(q));
		if (q->idle)
			wake_up(&q->work);
	} else {
		vexfs_bridge_inc(VEXFS_BRIDGE_QUEUE + priority, VEXFS_BRIDGE_DROPPED);
	}
	spin_unlock_bh(&q->lock);
	return err;
}

/* Cancels a queued job. The caller holds the lock. */
static void cancel_queued(struct vexfs_queue *q, struct vexfs_job *job)
{
	job->cancelled = true;
	vexfs_sched_remove(&q->sched, &job->ticket);
	job_unqueued(job, VEXFS_BRIDGE_CANCELLED);
	job_done(q, job, -ECANCELED);
}

static u32 queue_drop(struct vexfs_queue *q)
{
	struct vexfs_ticket *t;
	u32 n = 0;

	spin_lock_bh(&q->lock);
	while ((t = vexfs_sched_any(&q->sched, NULL))) {
		cancel_queued(q, ticket_job(t));
		n++;
	}
	tell_done(q, n);
	spin_unlock_bh(&q->lock);
	return n;
}

u32 vexfs_queues_drop(void)
{
	return vexfs_queues_sum(queue_drop);
}

static u32 queue_running(struct vexfs_queue *q)
{
	u32 n;

	/* a worker that held the lock before has started its job; later ones start none */
	spin_lock_bh(&q->lock);
	n = q->running;
	spin_unlock_bh(&q->lock);
	return n;
}

u32 vexfs_queues_running(void)
{
	return vexfs_queues_sum(queue_running);
}

/* Cancels a job; 1 when it is done now. The caller holds the lock. */
static u32 cancel_job(struct vexfs_queue *q, struct vexfs_job *job)
{
	if (job->state == VEXFS_JOB_RUNNING) {
		job->cancelled = true;
		send_sig(SIGKILL, job->worker, 1);
		return 0;
	}
	cancel_queued(q, job);
	return 1;
}

/* Cancels jobs with that key and of that owner; NULL is any. Returns how many were not done yet. */
static u32 cancel_jobs(struct vexfs_queue *q, const u64 *key, const void *owner)
{
	u32 found = 0, queued = 0;
	struct vexfs_job *job;

	spin_lock_bh(&q->lock);
	list_for_each_entry(job, &q->jobs, all) {
		if (job->state == VEXFS_JOB_DONE || (key && job->key != *key) ||
		    (owner && job->owner != owner))
			continue;
		found++;
		queued += cancel_job(q, job);
	}
	tell_done(q, queued);
	spin_unlock_bh(&q->lock);
	return found;
}

u32 vexfs_queue_cancel(struct vexfs_queue *q, u64 key, bool all)
{
	return cancel_jobs(q, all ? NULL : &key, NULL);
}

u32 vexfs_queue_disown(struct vexfs_queue *q, const void *owner)
{
	return cancel_jobs(q, NULL, owner);
}

/* ---- reaping ---- */

static bool can_reap(struct vexfs_queue *q, u32 min)
{
	bool can;

	spin_lock_bh(&q->lock);
	can = q->ready >= min(min, q->held);
	spin_unlock_bh(&q->lock);
	return can;
}

int vexfs_queue_wait(struct vexfs_queue *q, u32 min, u64 deadline_ns)
{
	u64 now = ktime_get_ns(), rest = min_t(u64, deadline_ns - now, KTIME_MAX);
	int err;

	if (!deadline_ns)
		return wait_event_interruptible(q->news, can_reap(q, min)) ? -EINTR : 0;
	if (now >= deadline_ns)
		return 0;
	err = wait_event_interruptible_hrtimeout(q->news, can_reap(q, min), ns_to_ktime(rest));
	return err == -ERESTARTSYS ? -EINTR : 0;
}

u32 vexfs_queue_take(struct vexfs_queue *q, struct list_head *to, u32 max)
{
	struct vexfs_job *job;
	u64 now = ktime_get_ns();
	u32 n = 0;

	spin_lock_bh(&q->lock);
	while (n < max && !list_empty(&q->done)) {
		job = list_first_entry(&q->done, struct vexfs_job, node);
		if (now > job->ended_ns)
			vexfs_bridge_time(job_place(job), VEXFS_BRIDGE_STAGE_REAP,
					  now - job->ended_ns);
		list_move_tail(&job->node, to);
		list_del(&job->all);
		n++;
	}
	q->ready -= n;
	q->held -= n;
	vexfs_quota_give(q->quota, VEXFS_QUOTA_JOBS, n);
	/* a caller that waits for more jobs than are left must check again */
	if (n)
		wake_up(&q->news);
	spin_unlock_bh(&q->lock);
	return n;
}

void vexfs_queue_return(struct vexfs_queue *q, struct list_head *jobs)
{
	struct vexfs_job *job;
	u32 n = 0;

	spin_lock_bh(&q->lock);
	list_for_each_entry(job, jobs, node) {
		list_add_tail(&job->all, &q->jobs);
		n++;
	}
	list_splice_init(jobs, &q->done);
	q->ready += n;
	q->held += n;
	vexfs_quota_keep(q->quota, VEXFS_QUOTA_JOBS, n);
	if (n)
		wake_up(&q->news);
	spin_unlock_bh(&q->lock);
}

u32 vexfs_queue_held(struct vexfs_queue *q, u32 *running)
{
	u32 held;

	spin_lock_bh(&q->lock);
	held = q->held;
	*running = q->running;
	spin_unlock_bh(&q->lock);
	return held;
}

void vexfs_queue_notify(struct vexfs_queue *q, struct eventfd_ctx *event)
{
	spin_lock_bh(&q->lock);
	swap(q->event, event);
	spin_unlock_bh(&q->lock);
	if (event)
		eventfd_ctx_put(event);
}

/* ---- life ---- */

struct vexfs_queue *vexfs_queue_new(const struct vexfs_queue_ops *ops, kuid_t uid)
{
	static const struct vexfs_sched_limits unlimited;
	struct vexfs_sched_user *user = kzalloc(sizeof(*user), VEXFS_GFP_USER);
	struct vexfs_queue *q = kzalloc(sizeof(*q), VEXFS_GFP_USER);

	if (q)
		q->quota = vexfs_quota_get(uid);
	if (!user || !q || !q->quota) {
		if (q && q->quota)
			vexfs_quota_put(q->quota);
		kfree(user);
		kfree(q);
		return ERR_PTR(-ENOMEM);
	}
	q->ops = ops;
	q->pid = task_tgid_nr(current);
	spin_lock_init(&q->lock);
	vexfs_sched_init(&q->sched, &unlimited, PATIENCE_NS);
	vexfs_sched_join(&q->sched, &q->client, uid, user);
	INIT_LIST_HEAD(&q->jobs);
	INIT_LIST_HEAD(&q->done);
	init_waitqueue_head(&q->work);
	init_waitqueue_head(&q->news);
	timer_setup(&q->late, queue_late, 0);
	mutex_init(&q->spawn);
	vexfs_queues_join(q);
	return q;
}

static void workers_stop(struct vexfs_queue *q)
{
	u32 i;

	for (i = 0; i < q->threads; i++)
		kthread_stop(q->workers[i]);
	vexfs_quota_give(q->quota, VEXFS_QUOTA_THREADS, q->threads);
}

void vexfs_queue_free(struct vexfs_queue *q)
{
	struct vexfs_job *job, *next;

	vexfs_queues_leave(q);
	spin_lock_bh(&q->lock);
	q->ending = true;
	spin_unlock_bh(&q->lock);
	vexfs_queue_cancel(q, 0, true);
	workers_stop(q);
	timer_delete_sync(&q->late);
	list_for_each_entry_safe(job, next, &q->jobs, all)
		q->ops->free(job);
	vexfs_quota_give(q->quota, VEXFS_QUOTA_JOBS, q->held);
	vexfs_quota_put(q->quota);
	kfree(vexfs_sched_leave(&q->sched, &q->client));
	vexfs_queue_notify(q, NULL);
	kfree(q);
}
