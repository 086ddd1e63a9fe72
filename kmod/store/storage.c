// SPDX-License-Identifier: GPL-2.0
/*
 * The storage daemon: whether one is attached, and which process it is. Collections are not known
 * here.
 */
#include <linux/atomic.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "compat/compat.h"
#include "store/internal.h"
#include "store/stream.h"

static DEFINE_SPINLOCK(daemon_lock);
static struct pid *daemon_process;	/* or NULL; daemon_lock */
static bool daemon_there;		/* written under daemon_lock */
static u64 instance;			/* constant from load on */
static atomic64_t changes = ATOMIC64_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(news);

int vexfs_storage_open(void)
{
	struct pid *me = get_pid(task_tgid(current));
	bool first;

	spin_lock(&daemon_lock);
	first = !daemon_there;
	if (first) {
		swap(daemon_process, me);
		WRITE_ONCE(daemon_there, true);
	}
	spin_unlock(&daemon_lock);
	put_pid(me);
	return first ? 0 : -EBUSY;
}
VEXFS_EXPORT_KUNIT(vexfs_storage_open);

void vexfs_storage_close(void)
{
	struct pid *it = NULL;

	spin_lock(&daemon_lock);
	swap(daemon_process, it);
	WRITE_ONCE(daemon_there, false);
	spin_unlock(&daemon_lock);
	put_pid(it);
}
VEXFS_EXPORT_KUNIT(vexfs_storage_close);

bool vexfs_storage_present(void)
{
	return READ_ONCE(daemon_there);
}

bool vexfs_storage_is_current(void)
{
	bool is;

	spin_lock(&daemon_lock);
	is = daemon_there && daemon_process == task_tgid(current);
	spin_unlock(&daemon_lock);
	return is;
}

u64 vexfs_storage_instance(void)
{
	return instance;
}

u64 vexfs_storage_changes(void)
{
	return atomic64_read(&changes);
}

void vexfs_storage_changed(void)
{
	atomic64_inc(&changes);
	/* the number before the look for sleepers: pairs with prepare_to_wait() */
	if (wq_has_sleeper(&news))
		wake_up_interruptible_poll(&news, EPOLLIN | EPOLLRDNORM);
}

wait_queue_head_t *vexfs_storage_news(void)
{
	return &news;
}

void vexfs_storage_init(void)
{
	instance = get_random_u64();
}
