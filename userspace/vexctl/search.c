// SPDX-License-Identifier: GPL-2.0
/*
 * The verbs search and classify. Queries of a file are sent in blocks and answers are
 * printed at once, so that a million queries need little memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vexctl.h"

#define DEADLINE_MAX_MS	86400e3
#define ANSWERS_MAX	(1u << 20)	/* ids held at once */

struct search {
	struct ctl *c;
	struct vexfs *h;
	struct query q;
	struct vexfs_layout layout;
	struct vexfs_filter filter;
	struct vexfs_search req;
	uint64_t *ids;
	float *distances;
	unsigned char *attrs;
	uint32_t *counts;
	uint32_t attr_size;
	bool all;		/* a range search without -k: repeat until nothing is left */
	bool self;
	/* sums over all requests */
	uint64_t kernel_ns;
	uint64_t distances_done;
	unsigned int plan;
	bool more;
};

static const struct opt near_opts[];

static int prepare_filter(struct search *s)
{
	const char *text = opt_string(s->c, "filter", NULL);
	struct vexfs_error err;

	if (!text)
		return 0;
	if (!*vexfs_layout_text(s->h))
		return ctl_refuse(s->c, EINVAL, "'%s' has no layout, so a filter has no fields to name",
				  vexfs_name(s->h));
	if (vexfs_layout_parse(vexfs_layout_text(s->h), &s->layout, &err) ||
	    vexfs_filter_compile(&s->layout, text, &s->filter, &err))
		return ctl_fail(s->c, &err);
	s->req.filter = (uintptr_t)s->filter.insns;
	s->req.filter_len = s->filter.count;
	return 0;
}

static int prepare(struct search *s)
{
	struct ctl *c = s->c;
	uint64_t k = opt_u64(c, "k", opt_given(c, "range") ? VEXFS_K_MAX : 10);
	size_t block;
	int ret;

	s->req.k = k > UINT32_MAX ? UINT32_MAX : (uint32_t)k;
	s->req.ef = c->verb->opts == near_opts ? 0 : opt_u32(c, "ef", 0);
	if (opt_number(c, "deadline", 0) > DEADLINE_MAX_MS)
		return ctl_usage(c, "--deadline is at most %.0f milliseconds, a day", DEADLINE_MAX_MS);
	s->req.deadline_ns = (uint64_t)(opt_number(c, "deadline", 0) * 1e6);
	s->req.flags = (s->q.by_id ? VEXFS_QUERY_BY_ID : 0) |
		       (opt_given(c, "range") ? VEXFS_SEARCH_RANGE : 0);
	if (c->verb->opts == near_opts)
		s->req.flags |= s->q.by_id ? VEXFS_SEARCH_SKIP_SELF : 0;
	else
		s->req.flags |= (opt_given(c, "exact") ? VEXFS_SEARCH_EXACT : 0) |
				(opt_given(c, "skip-self") ? VEXFS_SEARCH_SKIP_SELF : 0);
	s->req.radius = vexfs_f32_bits((float)opt_number(c, "range", 0));
	s->req.format = s->q.format;
	s->all = opt_given(c, "range") && !opt_given(c, "k");
	s->attr_size = opt_given(c, "attrs") ? vexfs_attr_size(s->h) : 0;
	ret = prepare_filter(s);
	if (ret)
		return ret;
	block = k && k <= VEXFS_K_MAX ? ANSWERS_MAX / k : 1;
	if (block > s->q.count)
		block = s->q.count;
	if (block > VEXFS_QUERIES_MAX)
		block = VEXFS_QUERIES_MAX;
	if (s->all)
		block = 1;
	s->req.count = (uint32_t)block;
	if (k > VEXFS_K_MAX)
		k = VEXFS_K_MAX;	/* the kernel refuses the request without change */
	s->ids = calloc(block * k + 1, sizeof(*s->ids));
	s->distances = calloc(block * k + 1, sizeof(*s->distances));
	s->counts = calloc(block, sizeof(*s->counts));
	s->attrs = calloc(block * k + 1, s->attr_size + 1);
	if (!s->ids || !s->distances || !s->counts || !s->attrs)
		return ctl_refuse(c, ENOMEM, "no memory for %zu times %" PRIu64 " results", block, k);
	s->req.ids = (uintptr_t)s->ids;
	s->req.distances = (uintptr_t)s->distances;
	s->req.counts = (uintptr_t)s->counts;
	s->req.attrs = s->attr_size ? (uintptr_t)s->attrs : 0;
	return 0;
}

/* Prints the hits of one query: three arrays, or lines. */
static void print_hits(struct search *s, size_t query, uint32_t i, int what)
{
	const uint64_t *ids = s->ids + (size_t)i * s->req.k;
	const float *d = s->distances + (size_t)i * s->req.k;
	struct json *j = &s->c->out;
	char buf[32];

	for (uint32_t n = 0; n < s->counts[i]; n++) {
		const unsigned char *attr = s->attrs + ((size_t)i * s->req.k + n) * s->attr_size;

		if (s->c->json) {
			if (what == 0)
				json_u64(j, ids[n]);
			else if (what == 1)
				json_float(j, d[n]);
			else
				record_json(s->c, &s->layout, attr, s->attr_size);
			continue;
		}
		printf("%zu\t%" PRIu64 "\t%s", query, ids[n], float_text(buf, d[n]));
		if (s->attr_size) {
			putchar('\t');
			record_text(&s->layout, attr, s->attr_size);
		}
		putchar('\n');
	}
}

static void print_query(struct search *s, size_t query, uint32_t i)
{
	static const char *const keys[] = { "ids", "distances", "attrs" };
	struct json *j = &s->c->out;
	int arrays = s->attr_size ? 3 : 2;

	if (!s->c->json) {
		print_hits(s, query, i, 0);
		return;
	}
	json_object_begin(j);
	json_kv_u64(j, "query", query);
	if (s->q.by_id)
		json_kv_u64(j, "id", s->q.ids[query]);
	for (int a = 0; a < arrays; a++) {
		json_key(j, keys[a]);
		json_array_begin(j);
		print_hits(s, query, i, a);
		json_array_end(j);
	}
	json_object_end(j);
}

static int request(struct search *s, struct vexfs_search *req, size_t first)
{
	struct vexfs_error err;

	req->queries = s->q.by_id ? (uintptr_t)(s->q.ids + first) :
		       (uintptr_t)s->q.vectors + first * vexfs_vector_bytes(s->h, s->q.format);
	if (vexfs_do_search(s->h, req, &err))
		return ctl_fail(s->c, &err);
	s->kernel_ns += req->kernel_ns;
	s->distances_done += req->distances_done;
	s->plan = s->plan ? s->plan : req->plan;
	return 0;
}

/*
 * All results in the range of one query, page after page, collected so that the JSON of a
 * query is complete.
 */
static int search_all(struct search *s, size_t query)
{
	struct vexfs_search req = s->req;
	uint64_t *ids = NULL;
	float *d = NULL;
	unsigned char *attrs = NULL;
	struct search whole = *s;
	size_t n = 0;
	int ret;

	req.count = 1;
	do {
		size_t room;
		void *p;

		ret = request(s, &req, query);
		if (ret)
			goto out;
		room = n + req.found + 1;
		p = reallocarray(ids, room, sizeof(*ids));
		ids = p ? p : ids;
		if (p)
			p = reallocarray(d, room, sizeof(*d));
		d = p ? p : d;
		if (p)
			p = reallocarray(attrs, room, s->attr_size + 1);
		attrs = p ? p : attrs;
		if (!p || room > UINT32_MAX) {
			ret = ctl_refuse(s->c, ENOMEM, "no memory for %zu results", room);
			goto out;
		}
		memcpy(ids + n, s->ids, req.found * sizeof(*ids));
		memcpy(d + n, s->distances, req.found * sizeof(*d));
		memcpy(attrs + n * s->attr_size, s->attrs, (size_t)req.found * s->attr_size);
		n += req.found;
		if (n) {
			req.flags |= VEXFS_SEARCH_AFTER;
			req.after_distance = vexfs_f32_bits(d[n - 1]);
			req.after_id = ids[n - 1];
		}
	} while (req.more && req.found);
	uint32_t count = (uint32_t)n;

	whole.ids = ids;
	whole.distances = d;
	whole.attrs = attrs;
	whole.counts = &count;
	print_query(&whole, query, 0);
out:
	free(ids);
	free(d);
	free(attrs);
	return ret;
}

static int search_blocks(struct search *s)
{
	for (size_t at = 0; at < s->q.count;) {
		size_t n = s->q.count - at < s->req.count ? s->q.count - at : s->req.count;
		struct vexfs_search req = s->req;
		int ret;

		req.count = (uint32_t)n;
		if (s->all) {
			ret = search_all(s, at);
			if (ret)
				return ret;
		} else {
			ret = request(s, &req, at);
			if (ret)
				return ret;
			s->more |= req.more;
			for (uint32_t i = 0; i < n; i++)
				print_query(s, at + i, i);
		}
		at += n;
		if (s->q.count > s->req.count)
			ctl_progress(at, s->q.count, s->c);
	}
	ctl_progress_end(s->c);
	return 0;
}

static int run_search(struct ctl *c)
{
	struct search s = { .c = c };
	struct vexfs_error err;
	struct json *j = &c->out;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &s.h, &err))
		return ctl_fail(c, &err);
	if (vexfs_layout_parse(vexfs_layout_text(s.h), &s.layout, NULL))
		s.layout.count = 0;
	ret = query_read(c, s.h, &s.q);
	if (!ret)
		ret = prepare(&s);
	if (!ret && c->json) {
		json_object_begin(j);
		json_kv_string(j, "collection", vexfs_name(s.h));
		json_key(j, "results");
		json_array_begin(j);
	}
	if (!ret)
		ret = search_blocks(&s);
	if (!ret && c->json) {
		json_array_end(j);
		json_kv_u64(j, "queries", s.q.count);
		json_kv_string(j, "plan", vexfs_plan_name(s.plan));
		json_kv_u64(j, "kernel_ns", s.kernel_ns);
		json_kv_u64(j, "distances_computed", s.distances_done);
		if (opt_given(c, "range"))
			json_kv_bool(j, "more", s.more);
		json_object_end(j);
		json_finish(j);
	}
	vexfs_filter_free(&s.filter);
	query_free(&s.q);
	free(s.ids);
	free(s.distances);
	free(s.counts);
	free(s.attrs);
	vexfs_close(s.h);
	return ret;
}

/* ---- classify ---- */

static void print_votes(struct ctl *c, const struct vexfs_field *field,
			const struct vexfs_vote *votes, const struct vexfs_classify *req,
			uint32_t shown)
{
	struct json *j = &c->out;

	if (c->json) {
		json_object_begin(j);
		json_kv_string(j, "field", field->name);
		json_key(j, "votes");
		json_array_begin(j);
	}
	for (uint32_t i = 0; i < shown; i++) {
		bool is_signed = field->type >= VEXFS_FIELD_I8 && field->type <= VEXFS_FIELD_I64;
		unsigned int unused = 64 - 8u * field->size;
		int64_t value = (int64_t)(votes[i].value << unused) >> unused;

		if (!c->json && is_signed)
			printf("%" PRId64 "\t%u\n", value, votes[i].votes);
		else if (!c->json)
			printf("%" PRIu64 "\t%u\n", (uint64_t)votes[i].value, votes[i].votes);
		if (!c->json)
			continue;
		json_object_begin(j);
		if (is_signed)
			json_kv_i64(j, "value", value);
		else
			json_kv_u64(j, "value", votes[i].value);
		json_kv_u64(j, "votes", votes[i].votes);
		json_object_end(j);
	}
	if (c->json) {
		json_array_end(j);
		json_kv_string(j, "plan", vexfs_plan_name(req->plan));
		json_kv_u64(j, "kernel_ns", req->kernel_ns);
		json_object_end(j);
		json_finish(j);
	}
}

static int run_classify(struct ctl *c)
{
	struct search s = { .c = c };
	const struct vexfs_field *field = NULL;
	struct vexfs_vote *votes = NULL;
	struct vexfs_error err;
	uint64_t k = opt_u64(c, "k", 10);
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &s.h, &err))
		return ctl_fail(c, &err);
	ret = query_read(c, s.h, &s.q);
	if (!ret && s.q.count != 1)
		ret = ctl_usage(c, "classify takes one query, not %zu", s.q.count);
	if (!ret && vexfs_layout_parse(vexfs_layout_text(s.h), &s.layout, &err))
		ret = ctl_fail(c, &err);
	if (!ret) {
		field = vexfs_layout_find(&s.layout, opt_string(c, "field", ""));
		if (!field)
			ret = ctl_refuse(c, EINVAL, "'%s' is not a field of '%s': its layout is %s",
					 opt_string(c, "field", ""), vexfs_name(s.h),
					 vexfs_layout_text(s.h));
		else if (field->type == VEXFS_FIELD_F32)
			ret = ctl_refuse(c, EINVAL, "field %s is f32: a class is a whole number",
					 field->name);
	}
	if (!ret)
		ret = prepare_filter(&s);
	if (!ret) {
		struct vexfs_classify req = {
			.flags = (s.q.by_id ? VEXFS_QUERY_BY_ID : 0) |
				 (opt_given(c, "exact") ? VEXFS_SEARCH_EXACT : 0) |
				 (opt_given(c, "skip-self") ? VEXFS_SEARCH_SKIP_SELF : 0),
			.format = s.q.format,
			.k = k > UINT32_MAX ? UINT32_MAX : (uint32_t)k,
			.query = s.q.by_id ? (uintptr_t)s.q.ids : (uintptr_t)s.q.vectors,
			.ef = opt_u32(c, "ef", 0),
			.field_offset = field->offset,
			.field_size = field->size,
			.filter_len = s.filter.count,
			.filter = (uintptr_t)s.filter.insns,
			.count = VEXFS_K_MAX,
		};

		votes = calloc(VEXFS_K_MAX, sizeof(*votes));
		req.votes = (uintptr_t)votes;
		if (!votes)
			ret = ctl_refuse(c, ENOMEM, "no memory for classes");
		else if (vexfs_do_classify(s.h, &req, &err))
			ret = ctl_fail(c, &err);
		else
			print_votes(c, field, votes, &req,
				    req.count < VEXFS_K_MAX ? req.count : VEXFS_K_MAX);
	}
	free(votes);
	vexfs_filter_free(&s.filter);
	query_free(&s.q);
	vexfs_close(s.h);
	return ret;
}

static const struct opt search_opts[] = {
	QUERY_OPTS,
	{ "k", 'k', OPT_U64, "K", "results for each query, 1 to 4096, default 10" },
	{ "range", 0, OPT_SIGNED, "R", "all within this distance, at most K if -k is given" },
	{ "exact", 0, OPT_FLAG, NULL, "compare every vector, also with an index" },
	{ "filter", 0, OPT_STRING, "EXPR", "only vectors whose record matches, e.g. 'lang == 3'" },
	{ "attrs", 0, OPT_FLAG, NULL, "print attribute records, too" },
	{ "skip-self", 0, OPT_FLAG, NULL, "with --id: leave that vector out" },
	{ "ef", 0, OPT_U64, "N", "graph: length of the candidate list" },
	{ "deadline", 0, OPT_NUMBER, "MS", "fail after this many milliseconds" },
	{ 0 },
};

static const struct opt classify_opts[] = {
	QUERY_OPTS,
	{ "field", 0, OPT_STRING, "FIELD", "field of the record that holds the class", true },
	{ "k", 'k', OPT_U64, "K", "neighbours that vote, 1 to 4096, default 10" },
	{ "exact", 0, OPT_FLAG, NULL, "compare every vector, also with an index" },
	{ "filter", 0, OPT_STRING, "EXPR", "only neighbours whose record matches" },
	{ "skip-self", 0, OPT_FLAG, NULL, "with --id: leave that vector out" },
	{ "ef", 0, OPT_U64, "N", "graph: length of the candidate list" },
	{ 0 },
};

static const struct opt near_opts[] = {
	QUERY_OPTS,
	{ "range", 0, OPT_SIGNED, "R", "largest distance of a near-duplicate", true },
	{ "k", 'k', OPT_U64, "K", "results for each query, 1 to 4096, default all" },
	{ "filter", 0, OPT_STRING, "EXPR", "only vectors whose record matches" },
	{ "attrs", 0, OPT_FLAG, NULL, "print attribute records, too" },
	{ "deadline", 0, OPT_NUMBER, "MS", "fail after this many milliseconds" },
	{ 0 },
};

const struct verb search_verbs[] = {
	{ "search", "NAME", 1, 1, "find the nearest vectors",
	  "Prints one line per result: number of the query, id, distance. Distances are squared "
	  "for l2, 1 - dot for ip, 1 - cosine for cos. Results are sorted by distance, ties by id.\n\n"
	  "A filter compares fields of the record that the collection's layout names: "
	  "lang == 3 && year >= 2020 && !(flags & 4) || id in {1, 5..9}. See libvexfs(3).\n\n"
	  "With -j: an object whose \"results\" hold, for each query, \"query\", \"ids\" and "
	  "\"distances\"; \"kernel_ns\" is the time spent inside the kernel.", search_opts,
	  run_search },
	{ "near-duplicates", "NAME", 1, 1, "find all vectors within a distance of one of them",
	  "Every vector is compared, also with an index, so none is missed. With --id the vector "
	  "itself is left out. The output is that of search.", near_opts,
	  run_search },
	{ "classify", "NAME", 1, 1, "vote among the nearest vectors by a field of their records",
	  "Prints one line per class: its value and the number of neighbours that have it, most "
	  "votes first.", classify_opts, run_classify },
	{ 0 },
};
