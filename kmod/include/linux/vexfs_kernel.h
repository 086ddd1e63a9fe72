/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vexfs for other modules: the operations of /dev/vexfs as functions on kernel
 * memory. The one public header; say MODULE_IMPORT_NS("VEXFS") to use it.
 *
 * Distances are the bits of an f32, as the user ABI has them, because code in the
 * kernel may not use floating point. vexfs_distance_before() compares two, and
 * vexfs_distance_milli() gives thousandths as a whole number. Vectors are f32
 * bits, too, or the collection's own type.
 *
 * All functions may sleep, unless they say otherwise, and must not be called with
 * a lock held that sleeping forbids. Names and permissions are those of the
 * current task. Errors are those of the user ABI (linux/vexfs.h), as -errno.
 */
#ifndef _LINUX_VEXFS_KERNEL_H
#define _LINUX_VEXFS_KERNEL_H

#include <linux/types.h>
#include <linux/vexfs.h>

struct vexfs_client;

/**
 * vexfs_client_create() - make a collection and open it for reading and writing
 * @req: as for VEXFS_IOC_CREATE; @req->layout is not used, flags are 0
 * @layout: description of the attribute record, @req->layout_len bytes, or NULL
 *
 * Return: the open collection, or an error pointer.
 */
struct vexfs_client *vexfs_client_create(const struct vexfs_create *req, const void *layout);

/**
 * vexfs_client_open() - open a collection
 * @name: name of the collection
 * @flags: VEXFS_ATTACH_READ, VEXFS_ATTACH_WRITE
 *
 * Return: the open collection, or an error pointer.
 */
struct vexfs_client *vexfs_client_open(const char *name, u32 flags);

/**
 * vexfs_client_close() - close a collection
 * @client: open collection; NULL and error pointers are ignored
 */
void vexfs_client_close(struct vexfs_client *client);

/**
 * vexfs_client_drop() - drop a collection by name
 * @name: name of the collection
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_drop(const char *name);

/**
 * vexfs_client_stat() - properties of a collection
 * @client: open collection
 * @st: out: as for VEXFS_IOC_STAT; the layout is left out
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_stat(struct vexfs_client *client, struct vexfs_stat *st);

/**
 * struct vexfs_client_vectors - vectors to store or to read
 * @flags: put: VEXFS_PUT_*
 * @format: enum vexfs_format
 * @count: number of vectors, 1 to VEXFS_BATCH_MAX
 * @ids: ids of the vectors
 * @vectors: one after another without gaps; get: may be NULL
 * @attrs: attribute records, or NULL
 * @errors: 0 or -errno of each, or NULL
 * @done: out: number of vectors stored, or found
 * @tried: out: put: number of vectors decided. If it is less than @count without an error, a
 *	signal is pending: submit the rest again
 * @seq: out: put: sequence number of the last one stored, 0 when none was; get: of the
 *	last change when it began
 */
struct vexfs_client_vectors {
	u32 flags;
	u32 format;
	u32 count;
	const u64 *ids;
	void *vectors;
	void *attrs;
	s32 *errors;
	u32 done;
	u32 tried;
	u64 seq;
};

/**
 * vexfs_client_put() - insert, update or upsert vectors
 * @client: collection open for writing
 * @v: the vectors; neither @v->vectors nor @v->attrs is written
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_put(struct vexfs_client *client, struct vexfs_client_vectors *v);

/**
 * vexfs_client_get() - read vectors by id
 * @client: collection open for reading
 * @v: ids, and room for the vectors. Without @v->errors an unknown id is -ENOENT
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_get(struct vexfs_client *client, struct vexfs_client_vectors *v);

/**
 * vexfs_client_delete() - delete vectors
 * @client: collection open for writing
 * @ids: ids to delete
 * @count: number of vectors, 1 to VEXFS_BATCH_MAX
 * @flags: VEXFS_DELETE_CONTINUE to continue after an unknown id
 * @done: out: number of deleted vectors; may be NULL
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_delete(struct vexfs_client *client, const u64 *ids, u32 count, u32 flags,
			u32 *done);

/**
 * vexfs_client_distance() - distances from a vector to stored vectors
 * @client: collection open for reading
 * @format: enum vexfs_format of @query
 * @query: vector to compare with
 * @ids: stored vectors to compare
 * @count: number of vectors, 1 to VEXFS_BATCH_MAX
 * @distances: out: f32 bits of each, infinity for an unknown id
 * @errors: out: 0 or -ENOENT of each
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_distance(struct vexfs_client *client, u32 format, const void *query,
			  const u64 *ids, u32 count, u32 *distances, s32 *errors);

/**
 * struct vexfs_client_hit - a neighbour
 * @id: id of the result
 * @distance: bits of an f32
 */
struct vexfs_client_hit {
	u64 id;
	u32 distance;
};

/**
 * struct vexfs_client_search - nearest neighbours, or all within a radius
 * @flags: VEXFS_SEARCH_EXACT, VEXFS_SEARCH_RANGE
 * @format: enum vexfs_format of the queries
 * @count: queries, 1 to VEXFS_QUERIES_MAX
 * @k: results for each, 1 to VEXFS_K_MAX
 * @ef: graph: candidates kept while walking; 0 for the default
 * @radius: VEXFS_SEARCH_RANGE: bits of an f32
 * @queries: @count vectors without gaps
 * @filter: instructions of a filter, or NULL
 * @filter_len: number of instructions of @filter
 * @deadline_ns: time limit; 0 for none
 * @hits: out: @count times @k; unused places hold id ~0
 * @counts: out: results of each query
 * @plan: out: enum vexfs_plan
 * @seq: out: sequence number for which the first query was answered
 */
struct vexfs_client_search {
	u32 flags;
	u32 format;
	u32 count;
	u32 k;
	u32 ef;
	u32 radius;
	const void *queries;
	const struct vexfs_filter_insn *filter;
	u32 filter_len;
	u64 deadline_ns;
	struct vexfs_client_hit *hits;
	u32 *counts;
	u32 plan;
	u64 seq;
};

/**
 * vexfs_client_search() - search
 * @client: collection open for reading
 * @s: queries, and room for the results
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_search(struct vexfs_client *client, struct vexfs_client_search *s);

/**
 * struct vexfs_client_classify - majority among the neighbours of a vector
 * @flags: VEXFS_SEARCH_EXACT
 * @format: enum vexfs_format of the query
 * @k: neighbours asked, 1 to VEXFS_K_MAX
 * @ef: graph: candidates kept while walking; 0 for the default
 * @field_offset: where in the attribute record the class stands
 * @field_size: its bytes, 1, 2, 4 or 8, big-endian, as a filter loads them
 * @query: vector to classify
 * @filter: instructions of a filter, or NULL
 * @filter_len: number of instructions of @filter
 * @deadline_ns: time limit; 0 for none
 * @votes: out: most votes first, ties to the smaller value
 * @count: in: room at @votes; out: number of classes
 * @plan: out: enum vexfs_plan
 * @seq: out: sequence number for which the answer holds
 */
struct vexfs_client_classify {
	u32 flags;
	u32 format;
	u32 k;
	u32 ef;
	u32 field_offset;
	u32 field_size;
	const void *query;
	const struct vexfs_filter_insn *filter;
	u32 filter_len;
	u64 deadline_ns;
	struct vexfs_vote *votes;
	u32 count;
	u32 plan;
	u64 seq;
};

/**
 * vexfs_client_classify() - let the neighbours vote
 * @client: collection open for reading
 * @q: the query, and room for the votes
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_classify(struct vexfs_client *client, struct vexfs_client_classify *q);

/**
 * vexfs_client_index() - build, stop or drop the graph
 * @client: collection open for writing
 * @req: as for VEXFS_IOC_INDEX; @req->size does not count
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_index(struct vexfs_client *client, const struct vexfs_index_req *req);

/**
 * vexfs_client_check() - verify a collection and its graph
 * @client: collection open for reading
 * @check: out: as for VEXFS_IOC_CHECK, @check->size does not count; faults that are
 *	found are no error
 *
 * Others may read and write meanwhile.
 *
 * Return: 0, or a negative errno.
 */
int vexfs_client_check(struct vexfs_client *client, struct vexfs_check *check);

/**
 * vexfs_distance_before() - is one distance smaller?
 * @a: bits of an f32, not NaN
 * @b: bits of the other f32
 *
 * Any context.
 *
 * Return: whether @a is the smaller distance.
 */
static inline bool vexfs_distance_before(u32 a, u32 b)
{
	/* sign and magnitude: turn both into numbers that sort */
	s64 x = a & 0x7fffffff, y = b & 0x7fffffff;

	return (a >> 31 ? -x : x) < (b >> 31 ? -y : y);
}

/**
 * vexfs_distance_milli() - thousandths of a distance
 * @bits: bits of an f32
 *
 * Any context.
 *
 * Return: thousandths, rounded towards zero; S64_MAX and S64_MIN for values that are too large,
 * infinity and NaN included.
 */
s64 vexfs_distance_milli(u32 bits);

#endif
