// SPDX-License-Identifier: GPL-2.0
/*
 * Classification as an ioctl: brings the query in and the votes out.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "data/data.h"
#include "index/classify.h"
#include "mem/pool.h"

/* The query and the votes, once there is memory for both. */
static int poll_user(struct vexfs_poll *p, const struct vexfs_classify *req, u32 room)
{
	int err;

	if (req->flags & VEXFS_QUERY_BY_ID)
		err = vexfs_queries_by_id(p->c, p->op, req->query, 1, &p->self, p->row, &p->aux);
	else
		err = vexfs_queries_in(p->c, p->op, req->format, req->query, 1, p->row, &p->aux);
	if (!err)
		err = vexfs_classify(p);
	if (!err)
		err = vexfs_copy_out(p->op, vexfs_user(req->votes), p->votes,
				     min(p->classes, room) * sizeof(*p->votes));
	return err;
}

static int classify(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_classify *req)
{
	struct vexfs_poll p = {
		.c = vexfs_session_collection(s, VEXFS_MAY_READ),
		.op = op,
		.flags = req->flags,
		.k = req->k,
		.ef = req->ef,
		.field_offset = req->field_offset,
		.field_size = req->field_size,
	};
	size_t bytes;
	int err;

	req->plan = 0;
	req->seq = 0;
	if (IS_ERR(p.c))
		return PTR_ERR(p.c);
	err = req->format > VEXFS_FORMAT_RAW ? -EINVAL : vexfs_poll_valid(&p);
	if (!err && req->filter_len > VEXFS_FILTER_MAX)
		err = -E2BIG;
	if (err)
		return err;
	vexfs_op_asked(op, VEXFS_PRIORITY_MEDIUM, req->deadline_ns, 1);
	p.filter = vexfs_filter_in(p.c, op, req->filter, req->filter_len);
	if (IS_ERR(p.filter))
		return PTR_ERR(p.filter);
	bytes = p.c->space.stride + p.k * sizeof(*p.votes);
	p.row = vexfs_op_alloc(op, bytes, VEXFS_GFP_USER);
	if (p.row) {
		p.votes = p.row + p.c->space.stride;
		err = poll_user(&p, req, req->count);
	} else {
		err = -ENOMEM;
	}
	if (!err) {
		req->count = p.classes;
		req->plan = p.plan;
		req->seq = p.seq;
	}
	vexfs_pool_free(p.row, bytes);
	vexfs_filter_free((struct vexfs_filter *)p.filter);
	return err;
}

long vexfs_do_classify(struct file *file, void __user *arg)
{
	struct vexfs_classify req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_CLASSIFY, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = classify(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
		err = vexfs_restart(err, 0);
	}
	vexfs_op_end(&op, err);
	return err;
}
