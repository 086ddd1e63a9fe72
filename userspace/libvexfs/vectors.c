// SPDX-License-Identifier: GPL-2.0
/*
 * Storing, reading, deleting and comparing vectors. A request with more vectors than the
 * kernel takes at once is sent in parts. A part that a signal cuts short is continued
 * behind the vectors that were processed (@tried). If a part fails, @done says how far
 * the request got and the message names the vector.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint64_t id_at(uint64_t ids, uint64_t n)
{
	uint64_t id;

	memcpy(&id, (const void *)(uintptr_t)(ids + n * sizeof(id)), sizeof(id));
	return id;
}

static bool bad_f32(uint32_t bits)
{
	return (bits & 0x7f800000u) == 0x7f800000u;
}

bool vexfs_find_bad_component(const struct vexfs *h, uint32_t format, const void *vectors,
			      uint64_t count, uint64_t *vector, uint32_t *component,
			      const char **what)
{
	uint32_t type = format == VEXFS_FORMAT_F32 ? VEXFS_TYPE_F32 : h->type;
	const unsigned char *p = vectors;

	*what = "NaN or infinity";
	if (type != VEXFS_TYPE_F32 && type != VEXFS_TYPE_F16 && type != VEXFS_TYPE_BF16)
		return false;
	for (*vector = 0; *vector < count; ++*vector) {
		for (*component = 0; *component < h->dim; ++*component) {
			uint16_t half;
			uint32_t bits;
			float f;

			if (type == VEXFS_TYPE_F32) {
				memcpy(&bits, p, 4);
				memcpy(&f, p, 4);
				p += 4;
				if (bad_f32(bits))
					return true;
				if (h->type == VEXFS_TYPE_F16 && fabsf(f) >= 65520.0f) {
					*what = "a number beyond the range of f16";
					return true;
				}
				if (h->type == VEXFS_TYPE_BF16 && fabsf(f) >= 0x1.ffp+127f) {
					*what = "a number beyond the range of bf16";
					return true;
				}
				continue;
			}
			memcpy(&half, p, 2);
			p += 2;
			if (type == VEXFS_TYPE_BF16 ? bad_f32((uint32_t)half << 16) :
			    (half & 0x7c00) == 0x7c00)
				return true;
		}
	}
	return false;
}

/* The message for a vector with an invalid component. */
static int explain_component(const struct vexfs *h, uint32_t format, uint64_t vectors,
			     uint64_t first, uint64_t count, const uint64_t *id,
			     struct vexfs_error *err)
{
	uint64_t from = advance(vectors, first, vexfs_vector_bytes(h, format));
	const char *what;
	uint32_t component;
	uint64_t n;

	if (!vexfs_find_bad_component(h, format, (const void *)(uintptr_t)from, count, &n,
				      &component, &what))
		return vexfs_fail(err, EDOM, "a vector holds a number that '%s' cannot store",
				  h->name);
	if (id)
		return vexfs_fail(err, EDOM, "vector %" PRIu64 " (id %" PRIu64 ") has %s at component %u",
				  first + n, *id, what, component);
	return vexfs_fail(err, EDOM, "vector %" PRIu64 " has %s at component %u", first + n, what,
			  component);
}

static int explain_put(const struct vexfs *h, const struct vexfs_put *req, uint64_t at, int code,
		       struct vexfs_error *err)
{
	uint64_t id = at < req->count && req->ids && code != EFAULT ? id_at(req->ids, at) : 0;
	struct vexfs_stat st = { .size = sizeof(st) };

	switch (code) {
	case EEXIST:
		return vexfs_fail(err, code, "id %" PRIu64 " is already in '%s' (vector %" PRIu64 ")",
				  id, h->name, at);
	case ENOENT:
		if (vexfs_is_dropped(h))
			break;
		return vexfs_fail(err, code, "id %" PRIu64 " is not in '%s' (vector %" PRIu64 ")", id,
				  h->name, at);
	case EDOM:
		return explain_component(h, req->format, req->vectors, at, 1, &id, err);
	case ENOSPC:
		if (!vexfs_handle_call(h, VEXFS_IOC_STAT, &st) && st.capacity &&
		    st.count >= st.capacity)
			return vexfs_fail(err, code, "'%s' is full: it holds %" PRIu64
					  " vectors, its capacity (vector %" PRIu64 ")", h->name,
					  (uint64_t)st.count, at);
		return vexfs_fail(err, code, "the memory quota is used up (vector %" PRIu64 ")", at);
	case EINVAL:
		if (!req->count)
			return vexfs_fail(err, code, "put: a batch of 0 vectors");
		if (!(req->flags & VEXFS_PUT_UPSERT))
			return vexfs_fail(err, code, "put: none of insert, update, upsert is set");
		if (req->format > VEXFS_FORMAT_RAW)
			return vexfs_fail(err, code, "put: format %u is unknown", req->format);
		if (req->attrs && !h->attr_size)
			return vexfs_fail(err, code, "put: '%s' has no attribute record", h->name);
		if (req->priority > VEXFS_PRIORITY_LOW)
			return vexfs_fail(err, code, "put: priority %u is unknown", req->priority);
		if (id == UINT64_MAX)
			return vexfs_fail(err, code, "put: the id 2^64-1 is reserved (vector %" PRIu64
					  ")", at);
		break;
	}
	return vexfs_explain(h, err, code, "put", req->deadline_ns);
}

/* A pointer of a request, and the bytes per vector of what it points to. */
struct column {
	size_t at;
	size_t bytes;
};

#define PER_VECTOR	SIZE_MAX	/* as many as a vector in the request's format has */
#define PER_RECORD	(SIZE_MAX - 1)	/* as many as a record of the collection has */

/**
 * struct kind - a request about vectors: where its members are
 * @ioctl: its number
 * @size: of the structure
 * @last_seq: @seq is that of the last part that has one; otherwise of the first part
 * @columns: pointers that advance from part to part; the first is the ids
 */
struct kind {
	unsigned long ioctl;
	size_t size;
	bool last_seq;
	size_t count, deadline_ns, done, tried, kernel_ns, seq;
	struct column columns[6];
};

#define MEMBERS(type)							\
	.size = sizeof(struct type),					\
	.count = offsetof(struct type, count),				\
	.deadline_ns = offsetof(struct type, deadline_ns),		\
	.done = offsetof(struct type, done),				\
	.tried = offsetof(struct type, tried),				\
	.kernel_ns = offsetof(struct type, kernel_ns),			\
	.seq = offsetof(struct type, seq)
#define COLUMN(type, member, n)	{ offsetof(struct type, member), n }

static const struct kind put_kind = {
	.ioctl = VEXFS_IOC_PUT,
	.last_seq = true,
	MEMBERS(vexfs_put),
	.columns = {
		COLUMN(vexfs_put, ids, sizeof(uint64_t)),
		COLUMN(vexfs_put, vectors, PER_VECTOR),
		COLUMN(vexfs_put, attrs, PER_RECORD),
		COLUMN(vexfs_put, errors, sizeof(int32_t)),
		COLUMN(vexfs_put, seqs, sizeof(uint64_t)),
	},
};

static const struct kind get_kind = {
	.ioctl = VEXFS_IOC_GET,
	MEMBERS(vexfs_get),
	.columns = {
		COLUMN(vexfs_get, ids, sizeof(uint64_t)),
		COLUMN(vexfs_get, vectors, PER_VECTOR),
		COLUMN(vexfs_get, attrs, PER_RECORD),
		COLUMN(vexfs_get, errors, sizeof(int32_t)),
	},
};

static const struct kind delete_kind = {
	.ioctl = VEXFS_IOC_DELETE,
	.last_seq = true,
	MEMBERS(vexfs_delete),
	.columns = {
		COLUMN(vexfs_delete, ids, sizeof(uint64_t)),
		COLUMN(vexfs_delete, errors, sizeof(int32_t)),
	},
};

static const struct kind distance_kind = {
	.ioctl = VEXFS_IOC_DISTANCE,
	MEMBERS(vexfs_distance),
	.columns = {
		COLUMN(vexfs_distance, ids, sizeof(uint64_t)),
		COLUMN(vexfs_distance, distances, sizeof(float)),
		COLUMN(vexfs_distance, errors, sizeof(int32_t)),
	},
};

static uint32_t *u32_at(void *req, size_t offset)
{
	return (uint32_t *)((char *)req + offset);
}

static __u64 *u64_at(void *req, size_t offset)
{
	return (__u64 *)((char *)req + offset);
}

/* Moves the pointers of @part from the first vector to vector @at. */
static void advance_columns(const struct vexfs *h, const struct kind *k, void *part, uint64_t at,
			    size_t bytes)
{
	for (const struct column *c = k->columns; c->bytes; c++) {
		size_t n = c->bytes == PER_VECTOR ? bytes : c->bytes == PER_RECORD ? h->attr_size :
			   c->bytes;

		*u64_at(part, c->at) = advance(*u64_at(part, c->at), at, n);
	}
}

/*
 * Sends @req in parts until all of it is done or a part fails. @bytes: of a vector in the
 * request's format. @req gets the sums; its @tried is where an error is. 0 or an errno.
 */
static int send_in_parts(struct vexfs *h, const struct kind *k, void *req, size_t bytes)
{
	uint32_t count = *u32_at(req, k->count);
	union {
		struct vexfs_put put;
		struct vexfs_get get;
		struct vexfs_delete del;
		struct vexfs_distance distance;
	} part;
	struct vexfs_deadline clock;
	uint64_t at = 0;
	int e;

	vexfs_deadline_start(&clock, *u64_at(req, k->deadline_ns));
	*u32_at(req, 0) = (uint32_t)k->size;
	*u32_at(req, k->done) = 0;
	*u32_at(req, k->tried) = 0;
	*u64_at(req, k->kernel_ns) = 0;
	if (k->last_seq)
		*u64_at(req, k->seq) = 0;
	do {
		uint64_t n = count - at;

		memcpy(&part, req, k->size);
		e = vexfs_deadline_left(&clock, u64_at(&part, k->deadline_ns));
		if (e)
			break;
		*u32_at(&part, k->count) = (uint32_t)(n < VEXFS_BATCH_MAX ? n : VEXFS_BATCH_MAX);
		advance_columns(h, k, &part, at, bytes);
		*u32_at(&part, k->done) = 0;
		*u32_at(&part, k->tried) = 0;
		e = vexfs_handle_call_on(h, k->ioctl, &part);
		*u32_at(req, k->done) += *u32_at(&part, k->done);
		*u64_at(req, k->kernel_ns) += *u64_at(&part, k->kernel_ns);
		if (k->last_seq ? *u64_at(&part, k->seq) != 0 : !at)
			*u64_at(req, k->seq) = *u64_at(&part, k->seq);
		at += *u32_at(&part, k->tried);
	} while (!e && at < count);
	*u32_at(req, k->tried) = (uint32_t)at;
	return e;
}

int vexfs_do_put(struct vexfs *h, struct vexfs_put *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	e = send_in_parts(h, &put_kind, req, vexfs_vector_bytes(h, req->format));
	/* the last vector that was processed caused the error */
	return e ? explain_put(h, req, req->flags & VEXFS_PUT_CONTINUE ? req->tried : req->done, e,
			       err) : 0;
}

static int explain_ids(const struct vexfs *h, const char *what, uint32_t count, uint32_t format,
		       uint64_t ids, uint64_t at, int code, uint64_t deadline_ns,
		       struct vexfs_error *err)
{
	if (code == ENOENT && !vexfs_is_dropped(h)) {
		if (at < count)
			return vexfs_fail(err, code, "id %" PRIu64 " is not in '%s'", id_at(ids, at),
					  h->name);
		return vexfs_fail(err, code, "%s: the query's id is not in '%s'", what, h->name);
	}
	if (code == EINVAL && !count)
		return vexfs_fail(err, code, "%s: a batch of 0 ids", what);
	if (code == EINVAL && format > VEXFS_FORMAT_RAW)
		return vexfs_fail(err, code, "%s: format %u is unknown", what, format);
	return vexfs_explain(h, err, code, what, deadline_ns);
}

/* Finds the missing id: the failed request does not say. */
static uint64_t find_missing(const struct vexfs *h, uint64_t ids, uint64_t count, uint64_t at)
{
	uint64_t n = count - at < VEXFS_BATCH_MAX ? count - at : VEXFS_BATCH_MAX;
	int32_t *errors = calloc(n, sizeof(*errors));
	struct vexfs_get get = {
		.size = sizeof(get),
		.count = (uint32_t)n,
		.ids = advance(ids, at, sizeof(uint64_t)),
		.errors = (uintptr_t)errors,
	};
	uint64_t i = n;

	if (errors && !vexfs_handle_call(h, VEXFS_IOC_GET, &get))
		for (i = 0; i < n && errors[i] != -ENOENT; i++)
			;
	free(errors);
	return i < n ? at + i : count;
}

int vexfs_do_get(struct vexfs *h, struct vexfs_get *req, struct vexfs_error *err)
{
	uint64_t at;
	int e;

	vexfs_error_clear(err);
	e = send_in_parts(h, &get_kind, req, vexfs_vector_bytes(h, req->format));
	at = e == ENOENT ? find_missing(h, req->ids, req->count, req->tried) : req->tried;
	return e ? explain_ids(h, "get", req->count, req->format, req->ids, at, e,
			       req->deadline_ns, err) : 0;
}

int vexfs_do_delete(struct vexfs *h, struct vexfs_delete *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	e = send_in_parts(h, &delete_kind, req, 0);
	/* without CONTINUE the request ends at the first missing id */
	return e ? explain_ids(h, "delete", req->count, 0, req->ids, req->done, e,
			       req->deadline_ns, err) : 0;
}

int vexfs_do_distance(struct vexfs *h, struct vexfs_distance *req, struct vexfs_error *err)
{
	uint64_t at;
	int e;

	vexfs_error_clear(err);
	e = send_in_parts(h, &distance_kind, req, 0);
	if (e == EDOM)
		return explain_component(h, req->format, req->query, 0, 1, NULL, err);
	at = e == ENOENT ? find_missing(h, req->ids, req->count, req->tried) : req->tried;
	return e ? explain_ids(h, "distance", req->count, req->format, req->ids, at, e,
			       req->deadline_ns, err) : 0;
}

int vexfs_do_walk(struct vexfs *h, struct vexfs_walk *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call_on(h, VEXFS_IOC_WALK, req);
	if (e == E2BIG)
		return vexfs_fail(err, e, "walk: %u vectors at once, at most %u", req->count,
				  VEXFS_BATCH_MAX);
	if (e == EINVAL && !req->count)
		return vexfs_fail(err, e, "walk: a batch of 0 vectors");
	return e ? vexfs_explain(h, err, e, "walk", 0) : 0;
}
