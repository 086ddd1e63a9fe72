/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A search job: query rows in kernel memory, results as heaps of (key, id, slot). It is
 * answered by comparing every row or by walking the graph.
 */
#ifndef _VEXFS_INDEX_SEARCH_H
#define _VEXFS_INDEX_SEARCH_H

#include "index/filter.h"
#include "index/topk.h"
#include "stat/op.h"
#include "store/store.h"

/**
 * struct vexfs_search_job - queries that are answered together
 * @c: collection
 * @op: the op it is done for
 * @nq: number of queries
 * @flags: VEXFS_SEARCH_*
 * @ef: graph: candidates kept while walking; 0 for the default
 * @queries: @nq rows, imported, one stride apart, 64-byte aligned
 * @aux: auxiliaries of the queries
 * @self: ids to leave out, one a query, or NULL
 * @filter: or NULL
 * @results: @nq heaps, set up by the caller (k, radius, after); sorted, nearest
 *	first, and free of double ids afterwards
 * @alone: queries by whose number the plan is chosen, or 0 for @nq: those that are
 *	answered together are answered as each would be by itself
 * @cpus: most processors that an exact search may use; 0 for what is worth it
 * @give_way: NULL, or called between pieces of the work, also in threads that help. True: it
 *	has slept because more urgent ops run, and is to be called again
 * @leader: what @give_way is called with
 * @stage: NULL, or called when all is answered: slots of the results are good until it
 *	returns
 * @next: answered together with it, see joint.h
 * @plan: out: enum vexfs_plan; that of the first query
 * @left_plan: out: how queries were answered that a walk has left
 * @walked: out: the graph has answered a query
 * @seq: out: the sequence number that counts. An exact answer is that for this one; what
 *	a graph answers with was there at this one or came later
 * @distances: out: distances computed
 */
struct vexfs_search_job {
	struct vexfs_collection *c;
	struct vexfs_op *op;
	u32 nq;
	u32 flags;
	u32 ef;
	const void *queries;
	const u32 *aux;
	const u64 *self;
	const struct vexfs_attr_filter *filter;
	struct vexfs_topk *results;
	u32 alone;
	u32 cpus;
	bool (*give_way)(void *leader);
	void *leader;
	void (*stage)(struct vexfs_search_job *s);
	struct vexfs_search_job *next;
	u32 plan;
	u32 left_plan;
	bool walked;
	u64 seq;
	atomic64_t distances;
};

static inline bool vexfs_job_give_way(const struct vexfs_search_job *s)
{
	return s->give_way && s->give_way(s->leader);
}

static inline const void *vexfs_job_query(const struct vexfs_search_job *s, u32 i)
{
	return s->queries + (size_t)i * s->c->space.stride;
}

/* The largest number of results that a query of the job asks for. */
static inline u32 vexfs_job_most_k(const struct vexfs_search_job *s)
{
	u32 most = 0, q;

	for (q = 0; q < s->nq; q++)
		most = max(most, s->results[q].k);
	return most;
}

/*
 * Answers a job by the best plan for it. -ETIME, -EINTR when a signal is pending,
 * -ENOMEM, or what the arithmetic says. May sleep. Slots of the results are good
 * for as long as the caller is inside a vexfs_read_lock() of its own.
 */
int vexfs_search(struct vexfs_search_job *s);

/*
 * Number of processors that a job would use if they are free; an estimate, since the plan is not
 * chosen yet.
 */
u32 vexfs_search_cpus(const struct vexfs_search_job *s);

#define VEXFS_SEARCH_NO_WALK	\
	(VEXFS_SEARCH_EXACT | VEXFS_SEARCH_RANGE | VEXFS_SEARCH_AFTER)

/*
 * Number of queries that should be answered in one read section, during which no deleted slot is
 * freed: as many as take about a second, at least WIDTH_LEAST.
 */
u32 vexfs_search_width(struct vexfs_collection *c, u32 flags, u32 ef, u32 k);

/*
 * The same, by comparing every row (or every row that passes the filter), for @s->seq, which
 * was read inside the vexfs_read_lock() that the caller is still in.
 */
int vexfs_search_exact(struct vexfs_search_job *s);
/* Number of processors of an exact search that reads @bytes per query. */
u32 vexfs_exact_cpus(u64 bytes);

/* Features that an exact search leaves out, whatever the settings are. */
enum {
	VEXFS_PLAIN_ONE_BY_ONE = 1,	/* comparing queries together */
	VEXFS_PLAIN_ALONE = 2,		/* help of other CPUs */
	VEXFS_PLAIN_CODES = 4,		/* making codes */
};

void vexfs_exact_restrict(u32 plain);

int vexfs_exact_init(void);
void vexfs_exact_exit(void);

#endif
