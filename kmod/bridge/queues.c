// SPDX-License-Identifier: GPL-2.0
/*
 * The list of all queues, for drain, restart and reset.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>

#include "bridge/queue.h"
#include "compat/compat.h"

bool vexfs_queues_stopped;

/* Protects the list. Taken before the lock of a queue. */
static DEFINE_MUTEX(queues_lock);
static LIST_HEAD(queues);

void vexfs_queues_join(struct vexfs_queue *q)
{
	mutex_lock(&queues_lock);
	list_add(&q->node, &queues);
	mutex_unlock(&queues_lock);
}

void vexfs_queues_leave(struct vexfs_queue *q)
{
	mutex_lock(&queues_lock);
	list_del(&q->node);
	mutex_unlock(&queues_lock);
}

void vexfs_queues_stop(bool stop)
{
	struct vexfs_queue *q;

	/* a worker that read the old value either has a job or takes the queue's lock again */
	WRITE_ONCE(vexfs_queues_stopped, stop);
	if (stop)
		return;
	mutex_lock(&queues_lock);
	list_for_each_entry(q, &queues, node)
		wake_up_all(&q->work);
	mutex_unlock(&queues_lock);
}

u32 vexfs_queues_sum(u32 (*of)(struct vexfs_queue *q))
{
	struct vexfs_queue *q;
	u32 n = 0;

	mutex_lock(&queues_lock);
	list_for_each_entry(q, &queues, node)
		n += of(q);
	mutex_unlock(&queues_lock);
	return n;
}
