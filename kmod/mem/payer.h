/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory cgroups of workers: a worker charges the task for which it works. That task takes a
 * reference to its memory cgroup once per job, and drops it at the end of the job, so that a
 * removed cgroup can be freed.
 */
#ifndef _VEXFS_MEM_PAYER_H
#define _VEXFS_MEM_PAYER_H

#include <linux/memcontrol.h>
#include <linux/sched/mm.h>

/* The memory cgroup of the current task, referenced. NULL without memory cgroups. */
static inline struct mem_cgroup *vexfs_payer_get(void)
{
	return get_mem_cgroup_from_mm(NULL);
}

static inline void vexfs_payer_put(struct mem_cgroup *payer)
{
	mem_cgroup_put(payer);
}

/* Allocations are charged to @payer from here on. Returns the previous one. */
static inline struct mem_cgroup *vexfs_payer_begin(struct mem_cgroup *payer)
{
	return set_active_memcg(payer);
}

static inline void vexfs_payer_end(struct mem_cgroup *before)
{
	set_active_memcg(before);
}

#endif
