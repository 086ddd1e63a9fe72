/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose memory it is that a worker allocates: that of the task it works for. The task
 * takes its memory cgroup along with the job, once for each job and never for longer, so
 * that a cgroup that was removed can go.
 */
#ifndef _VEXFS_MEM_PAYER_H
#define _VEXFS_MEM_PAYER_H

#include <linux/memcontrol.h>
#include <linux/sched/mm.h>

/* The one who pays for what the caller allocates now; pinned. NULL where nobody counts. */
static inline struct mem_cgroup *vexfs_payer_get(void)
{
	return get_mem_cgroup_from_mm(NULL);
}

static inline void vexfs_payer_put(struct mem_cgroup *payer)
{
	mem_cgroup_put(payer);
}

/* From here on @payer pays for what the caller allocates; returns who did before. */
static inline struct mem_cgroup *vexfs_payer_begin(struct mem_cgroup *payer)
{
	return set_active_memcg(payer);
}

static inline void vexfs_payer_end(struct mem_cgroup *before)
{
	set_active_memcg(before);
}

#endif
