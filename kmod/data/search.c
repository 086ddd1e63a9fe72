// SPDX-License-Identifier: GPL-2.0
/*
 * Searches. Queries come in, are answered and go out in groups of bounded memory; the
 * index answers a group as one block. Answers are copied out when a group is complete, so
 * that an interrupted search can be started again.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/vexfs_kernel.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "data/query.h"
#include "data/share.h"
#include "index/search.h"
#include "index/vector.h"
#include "mem/pool.h"

#define GROUP_BYTES	(4u << 20)	/* memory of a group, about */
#define GROUP_QUERIES	1024u

/**
 * struct query_group - memory for queries that are answered together
 * @buf: one buffer for all arrays below
 * @bytes: size of @buf
 * @n: queries that fit
 * @rows: the queries
 * @results: a heap of results per query
 * @hits: what the heaps hold
 * @ids: queries: their own ids. Then the ids of the results, @k each
 * @out_ids: ids of the results, or NULL when they go to the request's hits
 * @distances: of the results, or NULL
 * @aux: auxiliaries of the queries
 * @counts: number of results of each query
 * @seqs: the sequence number of each query's answer
 * @attrs: records of the results, or NULL
 * @job: the search of these queries
 */
struct query_group {
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
	struct group_job *job;
};

/**
 * struct group_job - a group that is searched
 * @job: the search
 * @pass: the search at the gate
 * @g: its memory, which this is part of: the search needs the stack
 * @k: results for each query
 * @hits: where they go for a caller in the kernel, or NULL
 */
struct group_job {
	struct vexfs_search_job job;
	struct vexfs_search_pass pass;
	struct query_group *g;
	u32 k;
	struct vexfs_client_hit *hits;
};

static int group_alloc(struct query_group *g, struct vexfs_request *r,
		       struct vexfs_collection *c)
{
	const struct vexfs_search *req = &r->h.search;
	size_t attr_bytes = req->attrs ? (size_t)req->k * c->attr_size : 0;
	size_t out_bytes = r->hits ? 0 : req->k * (sizeof(*g->out_ids) + sizeof(*g->distances));
	size_t each = c->space.stride + sizeof(*g->results) + req->k * sizeof(*g->hits) +
		      sizeof(*g->ids) + sizeof(*g->aux) + sizeof(*g->counts) +
		      sizeof(*g->seqs) + out_bytes + attr_bytes;
	void *p;

	g->n = clamp_t(size_t, GROUP_BYTES / each, 1, min(req->count, GROUP_QUERIES));
	g->bytes = g->n * each + sizeof(*g->job);
	g->buf = vexfs_op_alloc(&r->op, g->bytes, VEXFS_GFP_USER);
	if (!g->buf)
		return -ENOMEM;
	/* in the order of alignment, the strictest first */
	p = g->buf;
	g->rows = p;
	p += (size_t)g->n * c->space.stride;
	g->results = p;
	p += g->n * sizeof(*g->results);
	g->job = p;
	p += sizeof(*g->job);
	g->hits = p;
	p += (size_t)g->n * req->k * sizeof(*g->hits);
	g->ids = p;
	p += g->n * sizeof(*g->ids);
	g->seqs = p;
	p += g->n * sizeof(*g->seqs);
	g->out_ids = NULL;
	g->distances = NULL;
	if (!r->hits) {
		g->out_ids = p;
		p += (size_t)g->n * req->k * sizeof(*g->out_ids);
		g->distances = p;
		p += (size_t)g->n * req->k * sizeof(*g->distances);
	}
	g->aux = p;
	p += g->n * sizeof(*g->aux);
	g->counts = p;
	p += g->n * sizeof(*g->counts);
	g->attrs = attr_bytes ? p : NULL;
	return 0;
}

static void group_results(struct query_group *g, const struct vexfs_search *req, u32 n)
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

/* One result, or an unused place: @hit is NULL. @at counts from the group's first result. */
static void group_place(struct query_group *g, struct vexfs_client_hit *hits, size_t at,
			const struct vexfs_hit *hit)
{
	u64 id = hit ? hit->id : ~0ULL;
	u32 distance = hit ? vexfs_key_to_f32(hit->key) : VEXFS_F32_INFINITY;

	if (hits) {
		hits[at].id = id;
		hits[at].distance = distance;
	} else {
		g->out_ids[at] = id;
		g->distances[at] = distance;
	}
}

/*
 * Results into the form in which they go out; the read section keeps the records. @hits
 * are those of a caller in the kernel, from the group's first one on, or NULL.
 */
static void group_stage(struct query_group *g, struct vexfs_collection *c, u64 seq, u32 k, u32 n,
			struct vexfs_client_hit *hits)
{
	u32 q, i;

	for (q = 0; q < n; q++) {
		const struct vexfs_topk *t = &g->results[q];
		size_t at = (size_t)q * k;

		g->counts[q] = t->n;
		g->seqs[q] = seq;
		for (i = 0; i < k; i++, at++) {
			const struct vexfs_hit *hit = i < t->n ? &t->hits[i] : NULL;
			void *record = g->attrs ? g->attrs + at * c->attr_size : NULL;

			group_place(g, hits, at, hit);
			if (record && hit)
				memcpy(record, vexfs_slot_attrs(c, hit->slot), c->attr_size);
			else if (record)
				memset(record, 0, c->attr_size);
		}
	}
}

static int group_out(struct query_group *g, struct vexfs_request *r, struct vexfs_collection *c,
		     u32 at, u32 n)
{
	const struct vexfs_search *req = &r->h.search;
	size_t first = (size_t)at * req->k, results = (size_t)n * req->k;

	if (g->out_ids && vexfs_copy_out(r, vexfs_at(req->ids, first, sizeof(u64)), g->out_ids,
					 results * sizeof(u64)))
		return -EFAULT;
	if (g->distances && req->distances &&
	    vexfs_copy_out(r, vexfs_at(req->distances, first, sizeof(u32)), g->distances,
			   results * sizeof(u32)))
		return -EFAULT;
	if (g->attrs && vexfs_copy_out(r, vexfs_at(req->attrs, first, c->attr_size),
				       g->attrs, results * c->attr_size))
		return -EFAULT;
	if (req->counts && vexfs_copy_out(r, vexfs_at(req->counts, at, sizeof(u32)),
					  g->counts, n * sizeof(u32)))
		return -EFAULT;
	if (req->seqs && vexfs_copy_out(r, vexfs_at(req->seqs, at, sizeof(u64)), g->seqs,
					n * sizeof(u64)))
		return -EFAULT;
	return 0;
}

static void group_answered(struct vexfs_search_job *s)
{
	struct group_job *gj = container_of(s, struct group_job, job);

	group_stage(gj->g, s->c, s->seq, gj->k, s->nq, gj->hits);
}

/* The search of queries @at to @at + @n. */
static struct vexfs_search_job *group_job_set(struct query_group *g, struct vexfs_request *r,
					      struct vexfs_collection *c,
					      const struct vexfs_attr_filter *filter, u32 at, u32 n)
{
	const struct vexfs_search *req = &r->h.search;
	struct vexfs_search_job *job = &g->job->job;

	memset(job, 0, sizeof(*job));
	job->c = c;
	job->op = &r->op;
	job->nq = n;
	job->flags = req->flags;
	job->ef = req->ef;
	job->queries = g->rows;
	job->aux = g->aux;
	job->self = req->flags & VEXFS_SEARCH_SKIP_SELF ? g->ids : NULL;
	job->filter = filter;
	job->results = g->results;
	job->stage = group_answered;
	g->job->g = g;
	g->job->k = req->k;
	g->job->hits = r->hits ? r->hits + (size_t)at * req->k : NULL;
	return job;
}

static int search_group(struct vexfs_request *r, struct vexfs_collection *c,
			struct query_group *g, const struct vexfs_attr_filter *filter, u32 at,
			u32 n)
{
	struct vexfs_search *req = &r->h.search;
	bool by_id = req->flags & VEXFS_QUERY_BY_ID;
	struct vexfs_search_job *job = group_job_set(g, r, c, filter, at, n);
	u64 from = req->queries + (u64)at * (by_id ? sizeof(u64) :
					     vexfs_format_bytes(c, req->format));
	int err;

	if (by_id)
		err = vexfs_queries_by_id(r, c, from, n, g->ids, g->rows, g->aux);
	else
		err = vexfs_queries_in(r, c, req->format, from, n, g->rows, g->aux);
	if (err)
		return err;
	group_results(g, req, n);
	err = vexfs_request_search(r, &g->job->pass, job);
	if (err)
		return err;
	if (!at) {
		req->found = g->results[0].n;
		req->plan = job->plan;
		req->seq = job->seq;
		req->more = (req->flags & VEXFS_SEARCH_RANGE) && g->results[0].more;
	}
	req->distances_done += atomic64_read(&job->distances);
	return group_out(g, r, c, at, n);
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

int vexfs_handle_search(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_search *req = &r->h.search;
	struct vexfs_attr_filter *filter;
	struct query_group g;
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
	vexfs_request_op(r, req->priority, req->deadline_ns, req->count);
	if (req->flags & VEXFS_SEARCH_RANGE)
		r->op.kind = VEXFS_OP_RANGE;
	else if (req->filter_len)
		r->op.kind = VEXFS_OP_EXACT_FILTERED;
	filter = vexfs_filter_in(r, c, req->filter, req->filter_len);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	err = group_alloc(&g, r, c);
	if (err)
		goto free_filter;
	for (at = 0; at < req->count && !err; at += n) {
		n = min3(g.n, req->count - at, vexfs_search_width(c, req->flags, req->ef, req->k));
		err = vexfs_request_interrupted(r);
		if (!err)
			err = search_group(r, c, &g, filter, at, n);
	}
	vexfs_pool_free(g.buf, g.bytes);
free_filter:
	vexfs_attr_filter_free(filter);
	return err;
}
