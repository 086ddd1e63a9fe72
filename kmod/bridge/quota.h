/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the queues of one user take together, however many descriptors there are: jobs and
 * threads.
 */
#ifndef _VEXFS_BRIDGE_QUOTA_H
#define _VEXFS_BRIDGE_QUOTA_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/uidgid.h>

enum vexfs_quota_of {
	VEXFS_QUOTA_JOBS,
	VEXFS_QUOTA_THREADS,
	VEXFS_QUOTAS
};

/**
 * struct vexfs_quota - what a user has
 * @node: among all users
 * @uid: who
 * @refs: queues
 * @used: of each
 */
struct vexfs_quota {
	struct list_head node;
	kuid_t uid;
	u32 refs;
	atomic_t used[VEXFS_QUOTAS];
};

/* That of @uid, for a queue; NULL when memory is short. May sleep. */
struct vexfs_quota *vexfs_quota_get(kuid_t uid);
void vexfs_quota_put(struct vexfs_quota *quota);

/* One more, if that is not too many. Any context. */
bool vexfs_quota_take(struct vexfs_quota *quota, enum vexfs_quota_of what);
/* Some that come back, whatever the limit. */
void vexfs_quota_keep(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n);
/* Some less. */
void vexfs_quota_give(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n);

#endif
