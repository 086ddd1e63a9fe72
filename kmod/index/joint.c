// SPDX-License-Identifier: GPL-2.0
/*
 * Joint searches: the queries of several jobs are copied into one job, its results back.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/joint.h"
#include "mem/pool.h"

/* True when the planner may choose a walk of the graph. */
static bool job_walks(const struct vexfs_search_job *s)
{
	return rcu_access_pointer(s->c->index) && !(s->flags & VEXFS_SEARCH_NO_WALK);
}

/* Size of the candidate list of its walks. */
static u32 job_ef(const struct vexfs_search_job *s)
{
	return max(s->ef ?: VEXFS_GRAPH_EF, vexfs_job_most_k(s));
}

/*
 * The planner's choice depends on the number of queries and on the size of the candidate list;
 * with a filter also on the number of results, and on a sample of records that is the same for
 * all. The result of a walk depends on the size of its candidate list. So jobs that may walk must
 * agree in these. Exact searches have no such condition.
 */
bool vexfs_jobs_fit(const struct vexfs_search_job *a, const struct vexfs_search_job *b)
{
	if (a->c != b->c || !a->self != !b->self || !vexfs_attr_filter_same(a->filter, b->filter))
		return false;
	if (!job_walks(a) || !job_walks(b))
		return job_walks(a) == job_walks(b);
	if (a->filter && vexfs_job_most_k(a) != vexfs_job_most_k(b))
		return false;
	return a->nq == b->nq && job_ef(a) == job_ef(b) &&
	       (a->flags & VEXFS_QUERY_BY_ID) == (b->flags & VEXFS_QUERY_BY_ID);
}
VEXFS_EXPORT_KUNIT(vexfs_jobs_fit);

/**
 * struct joint - several jobs that run as one; not on the stack, which the search needs
 * @job: the job that runs
 * @buf: its queries, its heaps, this structure, its ids and auxiliaries, in this order
 * @bytes: size of @buf
 * @deadline_ns: deadline of the first op, restored afterwards
 * @distances: distances that the first op had counted before
 */
struct joint {
	struct vexfs_search_job job;
	void *buf;
	size_t bytes;
	u64 deadline_ns;
	u64 distances;
};

static struct joint *joint_new(const struct vexfs_search_job *first, u32 nq)
{
	size_t before = nq * (first->c->space.stride + sizeof(struct vexfs_topk));
	size_t bytes = before + sizeof(struct joint) + nq * (sizeof(u64) + sizeof(u32));
	void *buf = vexfs_op_alloc(first->op, bytes, VEXFS_GFP_USER);
	struct joint *j = buf + before;

	if (!buf)
		return NULL;
	memset(j, 0, sizeof(*j));
	j->buf = buf;
	j->bytes = bytes;
	j->job.queries = buf;
	j->job.results = buf + nq * first->c->space.stride;
	j->job.nq = nq;
	return j;
}

/* The latest deadline, or 0 when an op has none. */
static u64 joint_deadline(const struct vexfs_search_job *s)
{
	u64 latest = 0;

	for (; s; s = s->next) {
		if (!s->op->deadline_ns)
			return 0;
		latest = max(latest, s->op->deadline_ns);
	}
	return latest;
}

static void joint_gather(struct joint *j, struct vexfs_search_job *first)
{
	size_t stride = first->c->space.stride;
	u64 *self = (u64 *)(j + 1);
	u32 *aux = (u32 *)(self + j->job.nq), at = 0;
	struct vexfs_search_job *s;

	j->job.self = first->self ? self : NULL;
	j->job.aux = aux;
	for (s = first; s; s = s->next) {
		memcpy(j->buf + at * stride, s->queries, s->nq * stride);
		memcpy(j->job.results + at, s->results, s->nq * sizeof(*s->results));
		memcpy(aux + at, s->aux, s->nq * sizeof(*aux));
		if (s->self)
			memcpy(self + at, s->self, s->nq * sizeof(*self));
		at += s->nq;
	}
}

/* What has answered one of the jobs: a walk, unless that has left all of its queries. */
static void joint_plan(const struct vexfs_search_job *all, struct vexfs_search_job *s)
{
	u32 left = 0, q;

	s->plan = all->plan;
	if (!all->walked)
		return;
	for (q = 0; q < s->nq; q++)
		left += s->results[q].left;
	if (left < s->nq)
		vexfs_graph_answered(s);
	if (s->results[0].left)
		s->plan = all->left_plan;
}

/* Hands each job its results and its share of the distances. Runs in the read section. */
static void joint_stage(struct vexfs_search_job *all)
{
	struct joint *j = container_of(all, struct joint, job);
	u64 distances = atomic64_read(&all->distances);
	struct vexfs_search_job *s;
	u32 at = 0;

	all->op->distances = j->distances;
	for (s = all->next; s; s = s->next) {
		u64 share = mul_u64_u32_div(distances, s->nq, all->nq);

		memcpy(s->results, all->results + at, s->nq * sizeof(*s->results));
		at += s->nq;
		joint_plan(all, s);
		s->seq = all->seq;
		atomic64_set(&s->distances, share);
		s->op->distances += share;
		if (s->stage)
			s->stage(s);
	}
}

static void joint_settings(struct joint *j, struct vexfs_search_job *first)
{
	struct vexfs_search_job *job = &j->job;
	const struct vexfs_search_job *s;

	job->c = first->c;
	job->op = first->op;
	job->flags = first->flags;
	job->filter = first->filter;
	job->alone = first->nq;
	job->cpus = first->cpus;
	job->give_way = first->give_way;
	job->leader = first->leader;
	job->stage = joint_stage;
	job->next = first;
	for (s = first; s; s = s->next)
		job->ef = max(job->ef, job_ef(s));
	j->deadline_ns = first->op->deadline_ns;
	j->distances = first->op->distances;
}

int vexfs_search_joint(struct vexfs_search_job *first)
{
	const struct vexfs_search_job *s;
	struct joint *j;
	u32 nq = 0;
	int err;

	for (s = first; s; s = s->next)
		nq += s->nq;
	j = joint_new(first, nq);
	if (!j)
		return -ENOMEM;
	joint_settings(j, first);
	joint_gather(j, first);
	first->op->deadline_ns = joint_deadline(first);
	first->op->shared = true;
	err = vexfs_search(&j->job);
	first->op->shared = false;
	first->op->deadline_ns = j->deadline_ns;
	if (err)
		first->op->distances = j->distances;
	vexfs_pool_free(j->buf, j->bytes);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_search_joint);
