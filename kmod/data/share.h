/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Searches at the gate of their collection, where several of them may share a run.
 */
#ifndef _VEXFS_DATA_SHARE_H
#define _VEXFS_DATA_SHARE_H

#include "data/request.h"

struct vexfs_search_job;

/**
 * struct vexfs_search_pass - a search at the gate
 * @pass: the op at the gate
 * @job: the search
 */
struct vexfs_search_pass {
	struct vexfs_pass pass;
	struct vexfs_search_job *job;
};

/*
 * Waits for a slot and answers a job of @r, alone or in a shared run. @s is memory for that time:
 * the caller has a buffer, and the search needs the stack. Returns the errors of vexfs_search()
 * and of vexfs_gate_run().
 */
int vexfs_request_search(struct vexfs_request *r, struct vexfs_search_pass *s,
			 struct vexfs_search_job *job);

#endif
