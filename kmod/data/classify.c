// SPDX-License-Identifier: GPL-2.0
/*
 * Classification as an ioctl: the neighbours of one query vote with a field of
 * their attribute records. The search is one like any other; this file counts.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "data/data.h"
#include "index/search.h"
#include "mem/pool.h"

/**
 * struct poll - memory for one classification
 * @row: the query
 * @aux: and its auxiliary
 * @self: its id
 * @topk: its neighbours
 * @values: what they vote for
 * @votes: the outcome
 * @hits: what the heap holds
 */
struct poll {
	void *row;
	u32 aux;
	u64 self;
	struct vexfs_topk topk;
	u64 *values;
	struct vexfs_vote *votes;
	struct vexfs_hit *hits;
};

static size_t poll_bytes(const struct vexfs_collection *c, u32 k)
{
	struct poll *p;

	return c->space.stride +
	       k * (sizeof(*p->hits) + sizeof(*p->values) + sizeof(*p->votes));
}

static void poll_init(struct poll *p, void *mem, const struct vexfs_collection *c, u32 k)
{
	p->row = mem;
	p->hits = mem + c->space.stride;
	p->values = (u64 *)(p->hits + k);
	p->votes = (struct vexfs_vote *)(p->values + k);
	vexfs_topk_init(&p->topk, p->hits, k, ~0u);
}

static u64 field_value(const u8 *record, u32 size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | record[size];
	return value;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Most votes first, ties to the smaller value. */
static int by_votes(const void *a, const void *b)
{
	const struct vexfs_vote *x = a, *y = b;

	if (x->votes != y->votes)
		return x->votes > y->votes ? -1 : 1;
	return by_value(&x->value, &y->value);
}

/* Turns @n values into votes; returns how many classes there are. */
static u32 count_votes(struct poll *p, u32 n)
{
	u32 i, classes = 0;

	sort(p->values, n, sizeof(*p->values), by_value, NULL);
	for (i = 0; i < n; i++) {
		if (!i || p->values[i] != p->values[i - 1])
			p->votes[classes++] = (struct vexfs_vote){ .value = p->values[i] };
		p->votes[classes - 1].votes++;
	}
	sort(p->votes, classes, sizeof(*p->votes), by_votes, NULL);
	return classes;
}

static int ask(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_classify *req,
	       const struct vexfs_filter *filter, struct poll *p)
{
	struct vexfs_search_job job = {
		.c = c,
		.op = op,
		.nq = 1,
		.flags = req->flags,
		.ef = req->ef,
		.queries = p->row,
		.aux = &p->aux,
		.self = req->flags & VEXFS_SEARCH_SKIP_SELF ? &p->self : NULL,
		.filter = filter,
		.results = &p->topk,
	};
	int idx = vexfs_read_lock(c);
	int err = vexfs_search(&job);
	u32 i;

	for (i = 0; !err && i < p->topk.n; i++)
		p->values[i] = field_value(vexfs_slot_attrs(c, p->hits[i].slot) + req->field_offset,
					   req->field_size);
	vexfs_read_unlock(c, idx);
	req->plan = job.plan;
	return err;
}

static int classify_valid(const struct vexfs_collection *c, const struct vexfs_classify *req)
{
	const u32 known = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_EXACT | VEXFS_SEARCH_SKIP_SELF;
	u32 size = req->field_size;

	if (req->flags & ~known || req->format > VEXFS_FORMAT_RAW || !req->k)
		return -EINVAL;
	if ((req->flags & VEXFS_SEARCH_SKIP_SELF) && !(req->flags & VEXFS_QUERY_BY_ID))
		return -EINVAL;
	if (req->k > VEXFS_K_MAX || req->ef > VEXFS_EF_MAX || req->filter_len > VEXFS_FILTER_MAX)
		return -E2BIG;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	if (req->field_offset > c->attr_size || size > c->attr_size - req->field_offset)
		return -EINVAL;
	return 0;
}

static int classify(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_classify *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);
	struct vexfs_filter *filter;
	u32 room = req->count, classes;
	struct poll p;
	size_t bytes;
	void *mem;
	int err;

	req->plan = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	err = classify_valid(c, req);
	if (err)
		return err;
	vexfs_op_asked(op, VEXFS_PRIORITY_MEDIUM, req->deadline_ns, 1);
	filter = vexfs_filter_in(c, op, req->filter, req->filter_len);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	bytes = poll_bytes(c, req->k);
	mem = vexfs_op_alloc(op, bytes, GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!mem)
		goto free_filter;
	poll_init(&p, mem, c, req->k);
	if (req->flags & VEXFS_QUERY_BY_ID)
		err = vexfs_queries_by_id(c, op, req->query, 1, &p.self, p.row, &p.aux);
	else
		err = vexfs_queries_in(c, op, req->format, req->query, 1, p.row, &p.aux);
	if (!err)
		err = ask(c, op, req, filter, &p);
	if (!err) {
		classes = count_votes(&p, p.topk.n);
		req->count = classes;
		err = vexfs_copy_out(op, vexfs_user(req->votes), p.votes,
				     min(classes, room) * sizeof(*p.votes));
	}
	vexfs_pool_free(mem, bytes);
free_filter:
	vexfs_filter_free(filter);
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
		err = vexfs_restart(err, false);
	}
	vexfs_op_end(&op, err);
	return err;
}
