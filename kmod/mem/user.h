/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that users make the module hold, or use for the length of an op: the one
 * place that says how it is asked for. It is charged to the memory cgroup of the task
 * that asks (a worker asks in the name of the task it works for, see
 * mem/payer.h), and at the limit of the cgroup it is refused; nobody is killed for it.
 */
#ifndef _VEXFS_MEM_USER_H
#define _VEXFS_MEM_USER_H

#include <linux/gfp.h>
#include <linux/types.h>

/*
 * Plain GFP_KERNEL_ACCOUNT calls the OOM killer of the cgroup. With __GFP_RETRY_MAYFAIL
 * what can be reclaimed is, and then the answer is no.
 */
#define VEXFS_GFP_USER	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* For what one can do without. */
#define VEXFS_GFP_SPARE	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

/**
 * vexfs_user_alloc() - memory of any size, as kvmalloc()
 * @bytes: number of bytes
 * @gfp: VEXFS_GFP_USER or VEXFS_GFP_SPARE, with __GFP_ZERO where wanted
 *
 * Where it would leave the cgroup no room for its programs it is refused, see
 * vexfs_user_room().
 *
 * Return: the memory, for kvfree(), or NULL.
 */
void *vexfs_user_alloc(size_t bytes, gfp_t gfp);
/* The same in pages of their own, without the check for room. */
void *vexfs_user_vmalloc(size_t bytes, gfp_t gfp);

/*
 * Rows and links cannot be reclaimed. A cgroup that is full of them to the last page
 * has its programs killed when they touch a new page of their own, so whoever allocates
 * asks first whether a little room will be left.
 */
bool vexfs_user_room(size_t bytes);

#endif
