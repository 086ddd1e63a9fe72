// SPDX-License-Identifier: GPL-2.0
/*
 * Searches as an ioctl. Queries come in, are answered and go out in groups of
 * bounded memory; a group is one block of queries for the index room. Answers
 * are copied out when a group is complete, so that an interrupted search can
 * simply be started again.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "data/data.h"
#include "index/search.h"
#include "mem/pool.h"

#define GROUP_BYTES	(4u << 20)	/* memory of a group, about */
#define GROUP_QUERIES	1024u

/**
 * struct group - memory for queries that are answered together
 * @buf: all of it
 * @bytes: its size
 * @n: queries that fit
 * @rows: the queries
 * @results: their heaps
 * @hits: what the heaps hold
 * @ids: queries: their own ids. Then the ids of the results, @k each
 * @out_ids: ids of the results
 * @distances: of the results
 * @aux: of the queries
 * @counts: of the results
 * @seqs: the sequence number of each query's answer
 * @attrs: records of the results, or NULL
 */
struct group {
	void *buf;
	size_t bytes;
	u32 n;
	void *rows;
	struct vexfs_topk *results;
	struct vexfs_hit *hits;
	u64 *ids;
	u64 *out_ids;
	u32 *distances;
	u32 *aux;
	u32 *counts;
	u64 *seqs;
	void *attrs;
};

static int group_alloc(struct group *g, struct vexfs_op *op, struct vexfs_collection *c,
		       const struct vexfs_search *req)
{
	size_t attr_bytes = req->attrs ? (size_t)req->k * c->attr_size : 0;
	size_t each = c->space.stride + sizeof(*g->results) + req->k * sizeof(*g->hits) +
		      sizeof(*g->ids) + req->k * (sizeof(*g->out_ids) + sizeof(*g->distances)) +
		      sizeof(*g->aux) + sizeof(*g->counts) + sizeof(*g->seqs) + attr_bytes;
	void *p;

	g->n = clamp_t(size_t, GROUP_BYTES / each, 1, min(req->count, GROUP_QUERIES));
	g->bytes = g->n * each;
	g->buf = vexfs_op_alloc(op, g->bytes, VEXFS_GFP_USER);
	if (!g->buf)
		return -ENOMEM;
	/* from the strictest alignment to the loosest */
	p = g->buf;
	g->rows = p;
	p += (size_t)g->n * c->space.stride;
	g->results = p;
	p += g->n * sizeof(*g->results);
	g->hits = p;
	p += (size_t)g->n * req->k * sizeof(*g->hits);
	g->ids = p;
	p += g->n * sizeof(*g->ids);
	g->seqs = p;
	p += g->n * sizeof(*g->seqs);
	g->out_ids = p;
	p += (size_t)g->n * req->k * sizeof(*g->out_ids);
	g->distances = p;
	p += (size_t)g->n * req->k * sizeof(*g->distances);
	g->aux = p;
	p += g->n * sizeof(*g->aux);
	g->counts = p;
	p += g->n * sizeof(*g->counts);
	g->attrs = attr_bytes ? p : NULL;
	return 0;
}

static void group_results(struct group *g, const struct vexfs_search *req, u32 n)
{
	u32 radius = req->flags & VEXFS_SEARCH_RANGE ? vexfs_key_from_f32(req->radius) : ~0u;
	u32 i;

	for (i = 0; i < n; i++) {
		struct vexfs_topk *t = &g->results[i];

		vexfs_topk_init(t, g->hits + (size_t)i * req->k, req->k, radius);
		t->want_more = req->flags & VEXFS_SEARCH_RANGE;
		if (req->flags & VEXFS_SEARCH_AFTER) {
			t->after = true;
			t->after_key = vexfs_key_from_f32(req->after_distance);
			t->after_id = req->after_id;
		}
	}
}

/* Results into the form in which they go out; the read section keeps the records. */
static void group_stage(struct group *g, struct vexfs_collection *c, u64 seq, u32 k, u32 n)
{
	u32 q, i;

	for (q = 0; q < n; q++) {
		const struct vexfs_topk *t = &g->results[q];
		size_t at = (size_t)q * k;

		g->counts[q] = t->n;
		g->seqs[q] = seq;
		for (i = 0; i < k; i++, at++) {
			void *record = g->attrs ? g->attrs + at * c->attr_size : NULL;

			if (i >= t->n) {
				g->out_ids[at] = ~0ULL;
				g->distances[at] = VEXFS_F32_INFINITY;
				if (record)
					memset(record, 0, c->attr_size);
				continue;
			}
			g->out_ids[at] = t->hits[i].id;
			g->distances[at] = vexfs_key_to_f32(t->hits[i].key);
			if (record)
				memcpy(record, vexfs_slot_attrs(c, t->hits[i].slot), c->attr_size);
		}
	}
}

static int group_out(struct group *g, struct vexfs_op *op, struct vexfs_collection *c,
		     const struct vexfs_search *req, u32 at, u32 n)
{
	size_t first = (size_t)at * req->k, results = (size_t)n * req->k;

	if (vexfs_copy_out(op, vexfs_user_at(req->ids, first, sizeof(u64)), g->out_ids,
			   results * sizeof(u64)))
		return -EFAULT;
	if (req->distances &&
	    vexfs_copy_out(op, vexfs_user_at(req->distances, first, sizeof(u32)), g->distances,
			   results * sizeof(u32)))
		return -EFAULT;
	if (g->attrs && vexfs_copy_out(op, vexfs_user_at(req->attrs, first, c->attr_size),
				       g->attrs, results * c->attr_size))
		return -EFAULT;
	if (req->counts && vexfs_copy_out(op, vexfs_user_at(req->counts, at, sizeof(u32)),
					  g->counts, n * sizeof(u32)))
		return -EFAULT;
	if (req->seqs && vexfs_copy_out(op, vexfs_user_at(req->seqs, at, sizeof(u64)), g->seqs,
					n * sizeof(u64)))
		return -EFAULT;
	return 0;
}

static int search_group(struct vexfs_collection *c, struct vexfs_op *op,
			struct vexfs_search *req, struct group *g,
			const struct vexfs_filter *filter, u32 at, u32 n)
{
	bool by_id = req->flags & VEXFS_QUERY_BY_ID;
	struct vexfs_search_job job = {
		.c = c,
		.op = op,
		.nq = n,
		.flags = req->flags,
		.ef = req->ef,
		.queries = g->rows,
		.aux = g->aux,
		.self = req->flags & VEXFS_SEARCH_SKIP_SELF ? g->ids : NULL,
		.filter = filter,
		.results = g->results,
	};
	u64 from = req->queries + (u64)at * (by_id ? sizeof(u64) :
					     vexfs_vector_bytes(c, req->format));
	int idx, err;

	if (by_id)
		err = vexfs_queries_by_id(c, op, from, n, g->ids, g->rows, g->aux);
	else
		err = vexfs_queries_in(c, op, req->format, from, n, g->rows, g->aux);
	if (err)
		return err;
	group_results(g, req, n);
	idx = vexfs_read_lock(c);
	err = vexfs_search(&job);
	if (!err)
		group_stage(g, c, job.seq, req->k, n);
	vexfs_read_unlock(c, idx);
	if (err)
		return err;
	if (!at) {
		req->found = g->results[0].n;
		req->plan = job.plan;
		req->seq = job.seq;
		req->more = (req->flags & VEXFS_SEARCH_RANGE) && g->results[0].more;
	}
	req->distances_done += atomic64_read(&job.distances);
	return group_out(g, op, c, req, at, n);
}

static bool f32_nan(u32 bits)
{
	return (bits & 0x7fffffff) > VEXFS_F32_INFINITY;
}

static int search_valid(const struct vexfs_search *req)
{
	const u32 known = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_EXACT | VEXFS_SEARCH_RANGE |
			  VEXFS_SEARCH_AFTER | VEXFS_SEARCH_SKIP_SELF;

	if (req->flags & ~known || req->pad || req->format > VEXFS_FORMAT_RAW ||
	    !vexfs_priority_valid(req->priority) || !req->count || !req->k)
		return -EINVAL;
	if (req->count > VEXFS_QUERIES_MAX || req->k > VEXFS_K_MAX || req->ef > VEXFS_EF_MAX ||
	    req->filter_len > VEXFS_FILTER_MAX)
		return -E2BIG;
	if (req->count > 1 && !req->counts)
		return -EINVAL;
	if ((req->flags & VEXFS_SEARCH_SKIP_SELF) && !(req->flags & VEXFS_QUERY_BY_ID))
		return -EINVAL;
	if ((req->flags & VEXFS_SEARCH_AFTER) &&
	    (!(req->flags & VEXFS_SEARCH_RANGE) || req->count != 1))
		return -EINVAL;
	if (((req->flags & VEXFS_SEARCH_RANGE) && f32_nan(req->radius)) ||
	    ((req->flags & VEXFS_SEARCH_AFTER) && f32_nan(req->after_distance)))
		return -EDOM;
	return 0;
}

/* What it has on the stack is not for the search that follows to carry. */
noinline_for_stack
struct vexfs_filter *vexfs_filter_in(struct vexfs_collection *c, struct vexfs_op *op, u64 user,
				     u32 len)
{
	size_t bytes = len * sizeof(struct vexfs_filter_insn);
	struct vexfs_filter *f = NULL;
	u64 local[VEXFS_SCRATCH_LOCAL / sizeof(u64)];
	struct vexfs_scratch insns;
	int err;

	if (!len)
		return NULL;
	if (!vexfs_scratch_get(&insns, &op->stack, local, sizeof(local), bytes,
			       VEXFS_GFP_USER))
		return ERR_PTR(-ENOMEM);
	err = vexfs_copy_in(op, insns.p, vexfs_user(user), bytes);
	if (!err)
		err = vexfs_filter_create(insns.p, len, c->attr_size, &f, NULL, NULL);
	vexfs_scratch_put(&insns);
	return err ? ERR_PTR(err) : f;
}

static int search(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_search *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);
	struct vexfs_filter *filter;
	struct group g;
	u32 at, n;
	int err;

	req->found = 0;
	req->plan = 0;
	req->seq = 0;
	req->more = 0;
	req->distances_done = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	err = search_valid(req);
	if (err)
		return err;
	vexfs_op_asked(op, req->priority, req->deadline_ns, req->count);
	if (req->flags & VEXFS_SEARCH_RANGE)
		op->kind = VEXFS_OP_RANGE;
	else if (req->filter_len)
		op->kind = VEXFS_OP_EXACT_FILTERED;
	filter = vexfs_filter_in(c, op, req->filter, req->filter_len);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	err = group_alloc(&g, op, c, req);
	if (err)
		goto free_filter;
	for (at = 0; at < req->count && !err; at += n) {
		n = min3(g.n, req->count - at, vexfs_search_width(c, req->flags, req->ef, req->k));
		err = vexfs_op_interrupted(op);
		if (!err)
			err = search_group(c, op, req, &g, filter, at, n);
	}
	vexfs_pool_free(g.buf, g.bytes);
free_filter:
	vexfs_filter_free(filter);
	return err;
}

long vexfs_do_search(struct file *file, void __user *arg)
{
	struct vexfs_search req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = search(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
		err = vexfs_restart(err, 0);
	}
	vexfs_op_end(&op, err);
	return err;
}
