/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of a request. A request of 65,536 vectors is served in parts that fit a buffer
 * of the pools, so that it costs no more memory than a small one, can be interrupted
 * between the parts, and holds nothing while it waits for user memory.
 */
#ifndef _VEXFS_DATA_PART_H
#define _VEXFS_DATA_PART_H

#include "data/request.h"

/**
 * struct vexfs_part - buffers for a part of a request
 * @buf: the memory
 * @bytes: size of @buf
 * @n: vectors that fit
 * @vectors: vectors of the part, or NULL
 * @ids: ids of the part
 * @attrs: records of the part, or NULL
 * @errors: an error per vector of the part
 * @slots: in the place of @errors, for a walk
 * @seqs: not of this memory: sequence numbers, where a put has some
 *
 * Of a caller in the kernel only @errors are buffered: the rest is used where it lies.
 */
struct vexfs_part {
	void *buf;
	size_t bytes;
	u32 n;
	void *vectors;
	u64 *ids;
	void *attrs;
	union {
		s32 *errors;
		u32 *slots;
	};
	u64 *seqs;
};

/* Checks format, number and priority of the vectors of a request: 0, -EINVAL or -E2BIG. */
int vexfs_batch_valid(u32 format, u32 count, u32 priority);

/*
 * Allocates buffers for as many of @count vectors as fit a part. @vector_bytes and @attr_bytes are
 * the sizes of one vector and record, or 0.
 */
int vexfs_part_alloc(struct vexfs_part *p, struct vexfs_request *r, struct vexfs_collection *c,
		     size_t vector_bytes, size_t attr_bytes, u32 count);
/* For exactly @n. */
int vexfs_part_alloc_n(struct vexfs_part *p, struct vexfs_request *r, size_t vector_bytes,
		       size_t attr_bytes, u32 n);
void vexfs_part_free(struct vexfs_part *p);

#endif
