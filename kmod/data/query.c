// SPDX-License-Identifier: GPL-2.0
/*
 * Queries and filters of requests.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "data/part.h"
#include "data/query.h"
#include "index/filter.h"
#include "index/vector.h"

int vexfs_queries_in(struct vexfs_request *r, struct vexfs_collection *c, u32 format, u64 from,
		     u32 n, void *rows, u32 *aux)
{
	size_t bytes = vexfs_format_bytes(c, format);
	struct vexfs_part p;
	u32 at, m;
	int err;

	if (vexfs_request_kernel(r))
		return vexfs_vector_import(c, format, rows, aux, vexfs_kernel_ptr(from), n, NULL);
	err = vexfs_part_alloc(&p, r, c, bytes, 0, n);
	if (err)
		return err;
	for (at = 0; at < n && !err; at += m) {
		m = min(p.n, n - at);
		err = vexfs_copy_in(r, p.vectors, vexfs_at(from, at, bytes), m * bytes);
		if (!err)
			err = vexfs_vector_import(c, format, rows + (size_t)at * c->space.stride,
						  aux + at, p.vectors, m, NULL);
		cond_resched();
	}
	vexfs_part_free(&p);
	return err;
}

int vexfs_queries_by_id(struct vexfs_request *r, struct vexfs_collection *c, u64 from, u32 n,
			u64 *ids, void *rows, u32 *aux)
{
	u32 i;
	int err;

	err = vexfs_copy_in(r, ids, from, n * sizeof(u64));
	for (i = 0; i < n && !err; i++)
		err = vexfs_row_by_id(c, ids[i], rows + (size_t)i * c->space.stride, aux + i);
	return err;
}

/* noinline: its local array must not be on the stack during the search. */
noinline_for_stack
struct vexfs_attr_filter *vexfs_filter_in(struct vexfs_request *r, struct vexfs_collection *c,
					  u64 from, u32 len)
{
	size_t bytes = len * sizeof(struct vexfs_filter_insn);
	struct vexfs_attr_filter *f = NULL;
	u64 local[VEXFS_SCRATCH_LOCAL / sizeof(u64)];
	struct vexfs_scratch insns;
	int err;

	if (!len)
		return NULL;
	if (!vexfs_scratch_get(&insns, &r->op.stack, local, sizeof(local), bytes, VEXFS_GFP_USER))
		return ERR_PTR(-ENOMEM);
	err = vexfs_copy_in(r, insns.p, from, bytes);
	if (!err)
		err = vexfs_attr_filter_create(insns.p, len, c->attr_size, &f, NULL, NULL);
	vexfs_scratch_put(&insns);
	return err ? ERR_PTR(err) : f;
}
