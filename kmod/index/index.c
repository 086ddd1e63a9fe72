// SPDX-License-Identifier: GPL-2.0
/*
 * Which indexes are built in. Refuses, in one place, what asks for another.
 */
#include <linux/errno.h>

#include "index/index.h"

u64 vexfs_index_features(void)
{
	return 0;
}

int vexfs_index_create(struct vexfs_collection *c, const struct vexfs_create *req)
{
	if (req->index == VEXFS_INDEX_NONE)
		return req->m || req->ef_construction || req->code ? -EINVAL : 0;
	return req->index == VEXFS_INDEX_GRAPH ? -EOPNOTSUPP : -EINVAL;
}

int vexfs_index_request(struct vexfs_collection *c, const struct vexfs_index_req *req)
{
	return -EOPNOTSUPP;
}

int vexfs_index_check(struct vexfs_collection *c, struct vexfs_check *check)
{
	return 0;
}
