/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Classification: the neighbours of a vector vote with a field of their attribute
 * records.
 */
#ifndef _VEXFS_INDEX_CLASSIFY_H
#define _VEXFS_INDEX_CLASSIFY_H

#include "index/search.h"

/**
 * struct vexfs_poll - one classification
 * @c: collection
 * @op: the op it is done for
 * @flags: VEXFS_QUERY_BY_ID, VEXFS_SEARCH_EXACT, VEXFS_SEARCH_SKIP_SELF
 * @k: neighbours asked
 * @ef: as in struct vexfs_search_job
 * @field_offset: where in the record the class stands
 * @field_size: its bytes, little-endian
 * @row: the query, a row like any other
 * @aux: and its auxiliary
 * @self: its own id; counts with VEXFS_SEARCH_SKIP_SELF
 * @filter: or NULL
 * @search: answers the job that is part of it, for instance vexfs_search()
 * @arg: argument of @search
 * @votes: out: room for @k; most votes first, ties to the smaller value
 * @classes: out: how many there are
 * @plan: out: enum vexfs_plan
 * @seq: out: as in struct vexfs_search_job
 */
struct vexfs_poll {
	struct vexfs_collection *c;
	struct vexfs_op *op;
	u32 flags;
	u32 k;
	u32 ef;
	u32 field_offset;
	u32 field_size;
	void *row;
	u32 aux;
	u64 self;
	const struct vexfs_attr_filter *filter;
	int (*search)(struct vexfs_search_job *job, void *arg);
	void *arg;
	struct vexfs_vote *votes;
	u32 classes;
	u32 plan;
	u64 seq;
};

/*
 * Checks the members that the caller has set, except @row, @filter and @votes: 0, -EINVAL or
 * -E2BIG.
 */
int vexfs_poll_valid(const struct vexfs_poll *p);
/* Returns the errors of @search, or -ENOMEM. */
int vexfs_classify(struct vexfs_poll *p);

#endif
