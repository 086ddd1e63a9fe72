// SPDX-License-Identifier: GPL-2.0
/* Searching, classifying and building the graph. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "internal.h"

static int explain_query(const struct vexfs *h, const char *what, uint32_t flags, uint32_t format,
			 uint64_t queries, uint64_t first, uint64_t count, int code,
			 uint64_t deadline_ns, struct vexfs_error *err)
{
	const char *why;
	uint32_t component;
	uint64_t n;

	if (code == ENOENT && (flags & VEXFS_QUERY_BY_ID) && !vexfs_is_dropped(h)) {
		uint64_t id;

		memcpy(&id, (const void *)(uintptr_t)(queries + first * sizeof(id)), sizeof(id));
		if (count == 1)
			return vexfs_fail(err, code, "id %" PRIu64 " is not in '%s'", id, h->name);
		return vexfs_fail(err, code, "one of the ids asked for is not in '%s'", h->name);
	}
	if (code == EDOM && !(flags & VEXFS_QUERY_BY_ID)) {
		const void *from = (const void *)(uintptr_t)
			(queries + first * vexfs_vector_bytes(h, format));

		if (vexfs_find_bad_component(h, format, from, count, &n, &component, &why))
			return vexfs_fail(err, code, "query %" PRIu64 " has %s at component %u",
					  first + n, why, component);
	}
	if (code == EDOM)
		return vexfs_fail(err, code, "%s: a number in the request is not a number", what);
	if (code == EINVAL && format > VEXFS_FORMAT_RAW)
		return vexfs_fail(err, code, "%s: format %u is unknown", what, format);
	return vexfs_explain(h, err, code, what, deadline_ns);
}

static int explain_search(const struct vexfs *h, const struct vexfs_search *req, uint64_t at,
			  uint64_t n, int code, struct vexfs_error *err)
{
	struct vexfs_filter filter = {
		.insns = (struct vexfs_filter_insn *)(uintptr_t)req->filter,
		.count = req->filter_len,
	};
	float radius;

	switch (code) {
	case E2BIG:
		if (req->k > VEXFS_K_MAX)
			return vexfs_fail(err, code, "k is %u: at most %u", req->k, VEXFS_K_MAX);
		if (req->filter_len > VEXFS_FILTER_MAX)
			return vexfs_fail(err, code, "a filter of %u instructions: at most %u",
					  req->filter_len, VEXFS_FILTER_MAX);
		if (req->ef > VEXFS_K_MAX)
			return vexfs_fail(err, code, "ef is %u: at most %u", req->ef, VEXFS_K_MAX);
		return vexfs_fail(err, code, "search: something is beyond a limit");
	case EINVAL:
		if (!req->k)
			return vexfs_fail(err, code, "k is 0: ask for 1 to %u", VEXFS_K_MAX);
		if (!req->count)
			return vexfs_fail(err, code, "search: a batch of 0 queries");
		if ((req->flags & VEXFS_SEARCH_AFTER) && !(req->flags & VEXFS_SEARCH_RANGE))
			return vexfs_fail(err, code, "only a range search can be continued");
		if ((req->flags & VEXFS_SEARCH_AFTER) && req->count != 1)
			return vexfs_fail(err, code, "a search of %u queries cannot be continued: one",
					  req->count);
		if ((req->flags & VEXFS_SEARCH_SKIP_SELF) && !(req->flags & VEXFS_QUERY_BY_ID))
			return vexfs_fail(err, code, "only a search by id can leave itself out");
		if (!req->counts && req->count > 1)
			return vexfs_fail(err, code, "several queries need a place for their counts");
		if (req->filter_len && !h->attr_size)
			return vexfs_fail(err, code, "'%s' has no attribute record to filter by",
					  h->name);
		if (req->filter_len && vexfs_filter_check(&filter, h->attr_size, err))
			return -code;
		break;
	case EDOM:
		memcpy(&radius, &req->radius, sizeof(radius));
		if ((req->flags & VEXFS_SEARCH_RANGE) && radius != radius)
			return vexfs_fail(err, code, "the radius is not a number");
		break;
	}
	return explain_query(h, "search", req->flags, req->format, req->queries, at, n, code,
			     req->deadline_ns, err);
}

int vexfs_do_search(struct vexfs *h, struct vexfs_search *req, struct vexfs_error *err)
{
	size_t step = req->flags & VEXFS_QUERY_BY_ID ? sizeof(uint64_t) :
		      vexfs_vector_bytes(h, req->format);
	struct vexfs_deadline clock;
	uint64_t at = 0, n;
	int e;

	vexfs_error_clear(err);
	vexfs_deadline_start(&clock, req->deadline_ns);
	req->size = sizeof(*req);
	req->kernel_ns = 0;
	req->distances_done = 0;
	req->found = 0;
	req->plan = 0;
	req->more = 0;
	req->seq = 0;
	do {
		uint64_t places = at * req->k;
		struct vexfs_search part = *req;

		n = req->count - at;
		if (n > VEXFS_QUERIES_MAX)
			n = VEXFS_QUERIES_MAX;
		e = vexfs_deadline_left(&clock, &part.deadline_ns);
		if (e)
			break;
		part.count = (uint32_t)n;
		part.queries = advance(req->queries, at, step);
		part.ids = advance(req->ids, places, sizeof(uint64_t));
		part.distances = advance(req->distances, places, sizeof(float));
		part.attrs = advance(req->attrs, places, h->attr_size);
		part.counts = advance(req->counts, at, sizeof(uint32_t));
		part.seqs = advance(req->seqs, at, sizeof(uint64_t));
		part.kernel_ns = 0;
		part.distances_done = 0;
		e = vexfs_handle_call(h, VEXFS_IOC_SEARCH, &part);
		if (e)
			break;
		if (!at) {
			req->found = part.found;
			req->plan = part.plan;
			req->seq = part.seq;
		}
		req->kernel_ns += part.kernel_ns;
		req->distances_done += part.distances_done;
		req->more |= part.more;
		at += n;
	} while (at < req->count);
	return e ? explain_search(h, req, at, n, e, err) : 0;
}

int vexfs_nearest(struct vexfs *h, const float *query, uint32_t k, uint64_t *ids,
		  float *distances, struct vexfs_error *err)
{
	struct vexfs_search req = {
		.format = VEXFS_FORMAT_F32,
		.count = 1,
		.queries = (uintptr_t)query,
		.k = k,
		.ids = (uintptr_t)ids,
		.distances = (uintptr_t)distances,
	};
	int ret = vexfs_do_search(h, &req, err);

	return ret ? ret : (int)req.found;
}

int vexfs_do_classify(struct vexfs *h, struct vexfs_classify *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call(h, VEXFS_IOC_CLASSIFY, req);
	if (e == E2BIG && req->k > VEXFS_K_MAX)
		return vexfs_fail(err, e, "k is %u: at most %u", req->k, VEXFS_K_MAX);
	if (e == EINVAL && !req->k)
		return vexfs_fail(err, e, "k is 0: ask for 1 to %u", VEXFS_K_MAX);
	if (e == EINVAL && (uint64_t)req->field_offset + req->field_size > h->attr_size)
		return vexfs_fail(err, e, "the class at byte %u does not lie in the record of %u bytes",
				  req->field_offset, h->attr_size);
	if (e == EINVAL && req->field_size != 1 && req->field_size != 2 && req->field_size != 4 &&
	    req->field_size != 8)
		return vexfs_fail(err, e, "a class of %u bytes: it must be 1, 2, 4 or 8",
				  req->field_size);
	return e ? explain_query(h, "classify", req->flags, req->format, req->query, 0, 1, e,
				 req->deadline_ns, err) : 0;
}

int vexfs_do_index(struct vexfs *h, struct vexfs_index_req *req, struct vexfs_error *err)
{
	const struct settings all = {
		.dim = h->dim, .type = h->type, .metric = h->metric, .index = VEXFS_INDEX_GRAPH,
		.code = req->code, .m = req->m, .ef_construction = req->ef_construction,
	};
	char why[256];
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call(h, VEXFS_IOC_INDEX, req);
	switch (e) {
	case 0:
		return 0;
	case EBUSY:
		return vexfs_fail(err, e, "the graph of '%s' is being built", h->name);
	case EEXIST:
		return vexfs_fail(err, e, "'%s' has a graph already", h->name);
	case EINVAL:
		if (req->op < VEXFS_INDEX_OP_BUILD || req->op > VEXFS_INDEX_OP_DROP)
			return vexfs_fail(err, e, "index operation %u is unknown", req->op);
		if (req->op != VEXFS_INDEX_OP_BUILD)
			return vexfs_fail(err, e, "index: m, ef-construction and code go with building only");
		if (vexfs_clash(&all, why, sizeof(why)))
			return vexfs_fail(err, e, "%s", why);
		return vexfs_fail(err, e,
				  "'%s' has a graph with other settings that is not built to its end: drop it, or build it as it is",
				  h->name);
	case ENOENT:
		if (!vexfs_is_dropped(h))
			return vexfs_fail(err, e, "'%s' has no graph", h->name);
		break;
	}
	return vexfs_explain(h, err, e, "index", 0);
}

int vexfs_do_check(struct vexfs *h, struct vexfs_check *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call(h, VEXFS_IOC_CHECK, req);
	return e ? vexfs_explain(h, err, e, "check", 0) : 0;
}
