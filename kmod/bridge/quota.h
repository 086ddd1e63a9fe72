/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits per user: jobs and threads of all queues of a user, however many descriptors it opens.
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
 * struct vexfs_quota - jobs and threads of a user
 * @node: in the list of users
 * @uid: the user
 * @refs: number of queues
 * @used: amount in use, by enum vexfs_quota_of
 */
struct vexfs_quota {
	struct list_head node;
	kuid_t uid;
	u32 refs;
	atomic_t used[VEXFS_QUOTAS];
};

/* Takes a reference for a queue of @uid; NULL when out of memory. May sleep. */
struct vexfs_quota *vexfs_quota_get(kuid_t uid);
void vexfs_quota_put(struct vexfs_quota *quota);

/* Takes one; false when the limit is reached. Any context. */
bool vexfs_quota_take(struct vexfs_quota *quota, enum vexfs_quota_of what);
/* Takes back @n that were given before, whatever the limit. */
void vexfs_quota_keep(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n);
/* Gives @n back. */
void vexfs_quota_give(struct vexfs_quota *quota, enum vexfs_quota_of what, u32 n);

#endif
