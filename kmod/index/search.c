// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses between graph and exact search, limits the queries of one read section, and passes
 * queries that the graph could not answer to the exact search.
 */
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/search.h"
#include "mem/pool.h"
#include "mem/tunable.h"

/* Number of rows, shared by many queries, that cost as much as one candidate of a walk. */
#define WALK_ROWS	512u
/* Least number of queries of a read section; fewer would share too little. */
#define WIDTH_LEAST	32u

static VEXFS_TUNABLE(search_section_mb, 131072, 1, 4294967295, "MiB",
		     "Bytes of rows, times queries, that a search compares at most in one read section",
		     0644);

u32 vexfs_search_width(struct vexfs_collection *c, u32 flags, u32 ef, u32 k)
{
	u64 most = (u64)READ_ONCE(vexfs_search_section_mb) << 20;
	u64 rows = vexfs_slots_end(c), walk = (u64)max3(ef, k, VEXFS_GRAPH_EF) * WALK_ROWS;

	if (rcu_access_pointer(c->index) && !(flags & VEXFS_SEARCH_NO_WALK))
		rows = min(rows, walk);
	return clamp_t(u64, div64_u64(most, max(rows, 1ull) * c->space.stride), WIDTH_LEAST,
		       VEXFS_QUERIES_MAX);
}

u32 vexfs_search_cpus(const struct vexfs_search_job *s)
{
	const struct vexfs_collection *c = s->c;

	if (rcu_access_pointer(c->index) && !(s->flags & VEXFS_SEARCH_NO_WALK))
		return 1;
	return vexfs_exact_cpus((u64)vexfs_slots_end(c) *
				(READ_ONCE(c->has_codes) ? c->code_bytes : c->space.stride));
}

/* Makes a job of the @n queries that the graph could not answer, in @buf. */
static struct vexfs_search_job *left_job(const struct vexfs_search_job *s, u32 n, void *buf)
{
	size_t stride = s->c->space.stride;
	/* from the strictest alignment to the loosest */
	struct vexfs_topk *results = buf + n * stride;
	struct vexfs_search_job *job = (void *)(results + n);
	u64 *self = (u64 *)(job + 1);
	u32 *aux = (u32 *)(self + n), q, i;

	memset(job, 0, sizeof(*job));
	job->c = s->c;
	job->op = s->op;
	job->nq = n;
	job->flags = s->flags;
	job->queries = buf;
	job->aux = aux;
	job->self = s->self ? self : NULL;
	job->filter = s->filter;
	job->results = results;
	job->cpus = s->cpus;
	job->give_way = s->give_way;
	job->leader = s->leader;
	job->seq = s->seq;
	for (q = 0, i = 0; q < s->nq; q++) {
		if (!s->results[q].left)
			continue;
		memcpy(buf + i * stride, vexfs_job_query(s, q), stride);
		results[i] = s->results[q];
		self[i] = s->self ? s->self[q] : 0;
		aux[i++] = s->aux[q];
	}
	return job;
}

/*
 * Answers the @n queries that the graph could not answer in one exact search. Their job is not on
 * the stack, which the exact search needs.
 */
static int search_left(struct vexfs_search_job *s, u32 n)
{
	size_t bytes = n * (s->c->space.stride + sizeof(struct vexfs_topk) + sizeof(u64) +
			    sizeof(u32)) + sizeof(struct vexfs_search_job);
	void *buf = vexfs_op_alloc(s->op, bytes, VEXFS_GFP_USER);
	struct vexfs_search_job *job;
	u32 q, i;
	int err;

	if (!buf)
		return -ENOMEM;
	job = left_job(s, n, buf);
	err = vexfs_search_exact(job);
	for (q = 0, i = 0; q < s->nq; q++) {
		if (!s->results[q].left)
			continue;
		s->results[q] = job->results[i++];
		if (!q)
			s->plan = job->plan;
	}
	s->left_plan = job->plan;
	atomic64_add(atomic64_read(&job->distances), &s->distances);
	vexfs_pool_free(buf, bytes);
	return err;
}

int vexfs_search(struct vexfs_search_job *s)
{
	int idx = vexfs_read_lock(s->c);
	struct vexfs_graph *g = vexfs_graph_of(s->c);
	int left;

	s->seq = vexfs_seq(s->c);
	left = g ? vexfs_graph_search(g, s) : s->nq;
	s->walked = left >= 0 && left < s->nq;
	if (left == s->nq)
		left = vexfs_search_exact(s);
	else if (left > 0)
		left = search_left(s, left);
	if (!left && s->stage)
		s->stage(s);
	vexfs_read_unlock(s->c, idx);
	return left;
}
VEXFS_EXPORT_KUNIT(vexfs_search);
