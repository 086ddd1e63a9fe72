/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collection of a job, its expected contents, and the expected answers. Whatever
 * workers store is recorded here beforehand, in memory that worker processes share, so
 * that every answer can be computed without the module.
 */
#ifndef VEXSTRESS_COLL_H
#define VEXSTRESS_COLL_H

#include "data.h"
#include "vexstress.h"

#define VX_POOL_ROWS	4096	/* rows for updates */
#define VX_TAGS		100	/* values of the attribute: each has 1 % of the vectors */
#define VX_FILTER_TAG	7

/*
 * What an id holds. One worker owns an id and is the only one to change it; others read
 * it under the sequence count (odd: a change is in progress). Versions: 0 absent, 1 the
 * row of its own number, 2 + p row p of the pool.
 */
struct vx_id {
	uint32_t seq;
	uint32_t version;
	uint32_t before;	/* the previous version */
	uint32_t pad;
	uint64_t changed;	/* ticks at the end of the last change */
	uint64_t changed_before;
};

struct vx_coll {
	char name[VEXFS_NAME_SIZE];
	char simd[32];		/* variant that comes back afterwards; empty when it stays */
	char mount[128];	/* where it is mounted; empty when it is not */
	struct vexfs *handle;
	struct vx_job *job;
	struct vx_data data;
	uint32_t dim;
	uint64_t base;		/* ids 0 to base - 1 are stored at the start */
	uint64_t total;		/* upper bound of ids */
	uint64_t ef;
	struct vx_id *ids;	/* total, shared */
	uint64_t nqueries;
	uint64_t npool;		/* VX_POOL_ROWS, or 0 if nothing is updated */
	float *queries;		/* nqueries rows, followed in the same mapping by */
	float *pool;		/* npool rows */
	float *queries_held;	/* both converted to the type of the collection; */
	float *pool_held;	/* the same memory if that is f32 */
	struct vexfs_filter filter;
};

/*
 * Creates and fills the collection of a job; an enum vx_exit. The reason was printed, or
 * is in job->note for VX_SKIPPED.
 */
int vx_coll_setup(struct vx_job *job);
/* Recall and exactness when no worker runs. */
void vx_coll_finish(struct vx_job *job);
void vx_coll_drop(struct vx_job *job);

/* The smallest ef that reaches recall 0.95 with a margin. */
int vx_find_ef(struct vx_coll *c);
bool vx_has_action(const struct vx_workload *wl, unsigned int action);

/* Drops collections whose vexstress no longer runs. */
void vx_coll_sweep(void);

/* All components of queries and pool. */
static inline size_t vx_coll_room(const struct vx_coll *c)
{
	return (c->nqueries + c->npool) * c->dim;
}

static inline uint32_t vx_tag(uint64_t id)
{
	return (uint32_t)(vs_mix(id ^ 0x746167) % VX_TAGS);
}

/* The record of an id: one u32, big-endian like all fields. */
void vx_attr(uint64_t id, void *record);

/* The vector of a version of an id, as stored; @tmp is a buffer for one. */
const float *vx_coll_row(const struct vx_coll *c, uint64_t id, uint32_t version, float *tmp);

/* A query that was sent, converted to the type of the collection. */
static inline const float *vx_coll_query(const struct vx_coll *c, const float *sent)
{
	return c->queries_held + (sent - c->queries);
}

/* Rounds @n components to what @type can hold, as the ABI defines it. */
void vx_hold(unsigned int type, const float *from, float *to, size_t n);

/* Distance in double precision, as the ABI defines it. */
double vx_exact_distance(const struct vx_coll *c, const float *a, const float *b);
/* Upper bound of the error of a single-precision answer. */
double vx_tolerance(const struct vx_coll *c, const float *a, const float *b, double d);

/*
 * Checks one answer to a search; with @exact nothing may be missing. Queries are
 * converted to the type of the collection.
 */
void vx_check_search(struct vx_worker *w, const float *query, const uint64_t *ids,
		     const float *distances, uint32_t count, uint64_t k, bool exact, int tag);
void vx_check_row(struct vx_worker *w, uint64_t id, const float *row);
void vx_check_distance(struct vx_worker *w, uint64_t id, const float *query, float distance);

#endif
