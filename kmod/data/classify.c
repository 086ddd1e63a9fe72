// SPDX-License-Identifier: GPL-2.0
/*
 * Classification as a request: copies the query in and the votes out.
 */
#include <linux/err.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "data/query.h"
#include "data/share.h"
#include "index/classify.h"
#include "mem/pool.h"

/* The query and the votes, once there is memory for both. */
static int classify_query(struct vexfs_request *r, struct vexfs_poll *p)
{
	struct vexfs_classify *req = &r->h.classify;
	int err;

	if (req->flags & VEXFS_QUERY_BY_ID)
		err = vexfs_queries_by_id(r, p->c, req->query, 1, &p->self, p->row, &p->aux);
	else
		err = vexfs_queries_in(r, p->c, req->format, req->query, 1, p->row, &p->aux);
	if (!err)
		err = vexfs_classify(p);
	if (!err)
		err = vexfs_copy_out(r, req->votes, p->votes,
				     min(p->classes, req->count) * sizeof(*p->votes));
	if (err)
		return err;
	req->count = p->classes;
	req->plan = p->plan;
	req->seq = p->seq;
	return 0;
}

/**
 * struct classify_call - what the search of a classification is called with
 * @r: the request
 * @pass: its search at the gate
 */
struct classify_call {
	struct vexfs_request *r;
	struct vexfs_search_pass pass;
};

static int classify_search(struct vexfs_search_job *job, void *arg)
{
	struct classify_call *call = arg;

	return vexfs_request_search(call->r, &call->pass, job);
}

int vexfs_handle_classify(struct vexfs_request *r)
{
	struct vexfs_classify *req = &r->h.classify;
	struct vexfs_poll p = {
		.c = vexfs_client_collection(r->client, VEXFS_MAY_READ),
		.op = &r->op,
		.flags = req->flags,
		.k = req->k,
		.ef = req->ef,
		.field_offset = req->field_offset,
		.field_size = req->field_size,
		.search = classify_search,
	};
	struct vexfs_attr_filter *filter;
	struct classify_call *call;
	size_t bytes;
	int err;

	req->plan = 0;
	req->seq = 0;
	if (IS_ERR(p.c))
		return PTR_ERR(p.c);
	err = req->format > VEXFS_FORMAT_RAW || req->pad || !vexfs_priority_valid(req->priority) ?
	      -EINVAL : vexfs_poll_valid(&p);
	if (!err && req->filter_len > VEXFS_FILTER_MAX)
		err = -E2BIG;
	if (err)
		return err;
	vexfs_request_op(r, req->priority, req->deadline_ns, 1);
	filter = vexfs_filter_in(r, p.c, req->filter, req->filter_len);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	p.filter = filter;
	bytes = p.c->space.stride + sizeof(*call) + p.k * sizeof(*p.votes);
	p.row = vexfs_op_alloc(&r->op, bytes, VEXFS_GFP_USER);
	err = -ENOMEM;
	if (p.row) {
		call = p.row + p.c->space.stride;
		call->r = r;
		p.arg = call;
		p.votes = (struct vexfs_vote *)(call + 1);
		err = classify_query(r, &p);
	}
	vexfs_pool_free(p.row, bytes);
	vexfs_attr_filter_free(filter);
	return err;
}
