// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of jobs and threads per user.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "bridge/quota.h"
#include "compat/compat.h"
#include "mem/tunable.h"
#include "mem/user.h"

static VEXFS_TUNABLE(bridge_user_depth, 16384, 1, 1048576, "ops",
		     "Most asynchronous ops of one user, queued, running or not reaped yet", 0644);
static VEXFS_TUNABLE(bridge_user_workers, 256, 1, 65536, "threads",
		     "Most threads that run the asynchronous ops of one user", 0644);

/* Protects the list and the references. */
static DEFINE_MUTEX(quotas_lock);
static LIST_HEAD(quotas);

struct vexfs_quota *vexfs_quota_get(kuid_t uid)
{
	struct vexfs_quota *quota, *fresh = kzalloc(sizeof(*fresh), VEXFS_GFP_USER);

	mutex_lock(&quotas_lock);
	list_for_each_entry(quota, &quotas, node)
		if (uid_eq(quota->uid, uid))
			goto found;
	quota = fresh;
	fresh = NULL;
	if (quota) {
		quota->uid = uid;
		list_add(&quota->node, &quotas);
	}
found:
	if (quota)
		quota->refs++;
	mutex_unlock(&quotas_lock);
	kfree(fresh);
	return quota;
}

void vexfs_quota_put(struct vexfs_quota *quota)
{
	mutex_lock(&quotas_lock);
	if (--quota->refs)
		quota = NULL;
	else
		list_del(&quota->node);
	mutex_unlock(&quotas_lock);
	if (!quota)
		return;
	WARN_ON_ONCE(atomic_read(&quota->used[VEXFS_QUOTA_JOBS]) ||
		     atomic_read(&quota->used[VEXFS_QUOTA_THREADS]));
	kfree(quota);
}

bool vexfs_quota_take(struct vexfs_quota *quota, enum vexfs_quota_of what)
{
	u32 limit = what == VEXFS_QUOTA_JOBS ? READ_ONCE(vexfs_bridge_user_depth) :
		    READ_ONCE(vexfs_bridge_user_workers);

	if (atomic_inc_return(&quota->used[what]) <= limit)
		return true;
	atomic_dec(&quota->used[what]);
	return false;
}

void vexfs_quota_keep(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n)
{
	atomic_add(n, &quota->used[what]);
}

void vexfs_quota_give(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n)
{
	atomic_sub(n, &quota->used[what]);
}
