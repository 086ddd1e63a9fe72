/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface of the indexes for the data plane: which exist, and how a collection gets one.
 */
#ifndef _VEXFS_INDEX_INDEX_H
#define _VEXFS_INDEX_INDEX_H

#include "store/store.h"

/* Bits of VEXFS_FEATURE_* for the indexes that are built in. */
u64 vexfs_index_features(void);

/*
 * What the store must know of the index and the code that @req asks for; the space
 * of @spec is set up. -EINVAL when they do not go together.
 */
int vexfs_index_spec(const struct vexfs_create *req, struct vexfs_spec *spec);

/*
 * Puts the index that @req asks for on a collection that nobody else knows yet.
 * Nothing to do for VEXFS_INDEX_NONE. -EOPNOTSUPP for one that is not built in,
 * -EINVAL for parameters that do not fit, -ENOMEM, -ENOSPC.
 */
int vexfs_index_create(struct vexfs_collection *c, const struct vexfs_create *req);

/*
 * A new collection as @req describes it, with its index, published and referenced; with
 * VEXFS_CREATE_RESTORE neither, until vexfs_collection_restored(). Other flags, the paddings
 * and layout of @req do not count: @layout is the description in kernel
 * memory, or NULL. @owner: NULL for the caller. Errors of both and of
 * vexfs_collection_create().
 */
int vexfs_index_collection(const struct vexfs_create *req, const void *layout,
			   const struct vexfs_owner *owner, struct vexfs_collection **out);

/* VEXFS_IOC_INDEX, between index operations one at a time. */
int vexfs_index_request(struct vexfs_collection *c, struct vexfs_index_req *req);

/*
 * VEXFS_IOC_GRAPH_LOAD; @buf: its nodes, in kernel memory. Between index operations one at a
 * time.
 */
int vexfs_index_load(struct vexfs_collection *c, struct vexfs_graph_load *req, const void *buf);

/*
 * Proves the collection sound, its index included, while others read and write. All of
 * @check is written but ->size. Faults that are found are no error: -EINTR, -ENOMEM.
 */
int vexfs_check(struct vexfs_collection *c, struct vexfs_check *check);

#endif
