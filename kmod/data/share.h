/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Searches at the gate of their collection: one that is next takes those along that can be
 * answered with it.
 */
#ifndef _VEXFS_DATA_SHARE_H
#define _VEXFS_DATA_SHARE_H

#include "data/request.h"

struct vexfs_search_job;

/*
 * Answers a job of @r when there is a slot for it, with or without others. Errors as
 * vexfs_search(), and those of the gate.
 */
int vexfs_request_search(struct vexfs_request *r, struct vexfs_search_job *job);

#endif
