/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queries and filters of requests: copies them in and converts them for the index.
 */
#ifndef _VEXFS_DATA_QUERY_H
#define _VEXFS_DATA_QUERY_H

#include "data/request.h"

struct vexfs_attr_filter;

/* Reads @n vectors of @format at @from and converts them to @rows. */
int vexfs_queries_in(struct vexfs_request *r, struct vexfs_collection *c, u32 format, u64 from,
		     u32 n, void *rows, u32 *aux);
/* Copies the rows of @n stored vectors, whose ids are at @from, which go to @ids. -ENOENT. */
int vexfs_queries_by_id(struct vexfs_request *r, struct vexfs_collection *c, u64 from, u32 n,
			u64 *ids, void *rows, u32 *aux);

/* The filter of @len instructions at @from: NULL when @len is 0, or an error pointer. */
struct vexfs_attr_filter *vexfs_filter_in(struct vexfs_request *r, struct vexfs_collection *c,
					  u64 from, u32 len);

#endif
