// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers for the parts of a request.
 */
#include <linux/kernel.h>

#include "compat/compat.h"
#include "data/part.h"
#include "mem/pool.h"

#define INDEXED_PART_BYTES	(256u << 10)	/* an index gains from larger parts */
#define LARGE_PART_BYTES	(112u << 10)	/* so do large requests, which share the fixed cost of a part */

int vexfs_batch_valid(u32 format, u32 count, u32 priority)
{
	if (!count || format > VEXFS_FORMAT_RAW || !vexfs_priority_valid(priority))
		return -EINVAL;
	return count > VEXFS_BATCH_MAX ? -E2BIG : 0;
}

/* Rounding up adds 128 bytes at most. */
int vexfs_part_alloc_n(struct vexfs_part *p, struct vexfs_request *r, size_t vector_bytes,
		       size_t attr_bytes, u32 n)
{
	size_t vectors = round_up(n * vector_bytes, 64);
	size_t attrs = round_up(n * attr_bytes, 8);

	p->seqs = NULL;
	p->n = n;
	p->bytes = vectors + attrs + n * (sizeof(u64) + sizeof(s32));
	p->buf = vexfs_op_alloc(&r->op, p->bytes, VEXFS_GFP_USER);
	if (!p->buf)
		return -ENOMEM;
	p->vectors = vector_bytes ? p->buf : NULL;
	p->ids = p->buf + vectors;
	p->attrs = attr_bytes ? (void *)(p->ids + n) : NULL;
	p->errors = (void *)(p->ids + n) + attrs;
	return 0;
}

static int part_alloc_errors(struct vexfs_part *p, struct vexfs_request *r, u32 n)
{
	*p = (struct vexfs_part){
		.n = n,
		.bytes = n * sizeof(*p->errors),
	};
	p->buf = vexfs_op_alloc(&r->op, p->bytes, VEXFS_GFP_USER);
	p->errors = p->buf;
	return p->buf ? 0 : -ENOMEM;
}

int vexfs_part_alloc(struct vexfs_part *p, struct vexfs_request *r, struct vexfs_collection *c,
		     size_t vector_bytes, size_t attr_bytes, u32 count)
{
	size_t each = vector_bytes + attr_bytes + sizeof(u64) + sizeof(s32);
	size_t bytes;

	if (vexfs_request_kernel(r))
		return part_alloc_errors(p, r, min(count, VEXFS_RUN_MAX));
	if (rcu_access_pointer(c->index))
		bytes = INDEXED_PART_BYTES;
	else if (each * count >= 4 * LARGE_PART_BYTES)
		bytes = LARGE_PART_BYTES;
	else
		bytes = VEXFS_POOL_MAX;
	return vexfs_part_alloc_n(p, r, vector_bytes, attr_bytes,
				  clamp_t(size_t, (bytes - 128) / each, 1,
					  min(count, VEXFS_RUN_MAX)));
}

void vexfs_part_free(struct vexfs_part *p)
{
	vexfs_pool_free(p->buf, p->bytes);
}
