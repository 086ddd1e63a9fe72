// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs about single vectors: get, put, delete, distance.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vexctl.h"

static int open_with_layout(struct ctl *c, unsigned int access, struct vexfs **h,
			    struct vexfs_layout *layout)
{
	struct vexfs_error err;

	if (vexfs_open(c->device, c->argv[0], access, h, &err))
		return ctl_fail(c, &err);
	/* A layout that cannot be parsed must not make the data inaccessible. */
	if (vexfs_layout_parse(vexfs_layout_text(*h), layout, NULL) ||
	    layout->size > vexfs_attr_size(*h))
		layout->count = 0;
	return 0;
}

static void print_vector(struct ctl *c, const struct vexfs_layout *layout, uint32_t attr_size,
			 uint64_t id, const float *v, uint32_t dim, const void *attr)
{
	struct json *j = &c->out;
	char buf[32];

	if (c->json) {
		json_object_begin(j);
		json_kv_u64(j, "id", id);
		json_key(j, "vector");
		json_array_begin(j);
		for (uint32_t i = 0; i < dim; i++)
			json_float(j, v[i]);
		json_array_end(j);
		if (attr_size) {
			json_key(j, "attr");
			record_json(c, layout, attr, attr_size);
		}
		json_object_end(j);
		return;
	}
	printf("%" PRIu64 "\t", id);
	for (uint32_t i = 0; i < dim; i++)
		printf("%s%s", i ? "," : "", float_text(buf, v[i]));
	if (attr_size) {
		putchar('\t');
		record_text(layout, attr, attr_size);
	}
	putchar('\n');
}

static int run_get(struct ctl *c)
{
	struct vexfs_layout layout;
	struct vexfs_error err;
	unsigned char *attrs;
	uint64_t *ids = NULL;
	struct vexfs *h;
	float *vectors;
	size_t count;
	uint32_t attr;
	int ret;

	ret = ids_from_args(c, 1, &ids, &count);
	if (ret)
		return ret;
	ret = open_with_layout(c, VEXFS_ATTACH_READ, &h, &layout);
	if (ret) {
		free(ids);
		return ret;
	}
	attr = vexfs_attr_size(h);
	vectors = calloc(count, vexfs_vector_bytes(h, VEXFS_FORMAT_F32));
	attrs = calloc(count, attr + 1);
	if (vectors && attrs) {
		struct vexfs_get get = {
			.count = (uint32_t)count,
			.ids = (uintptr_t)ids,
			.vectors = (uintptr_t)vectors,
			.attrs = attr ? (uintptr_t)attrs : 0,
		};

		ret = vexfs_do_get(h, &get, &err) ? ctl_fail(c, &err) : 0;
	} else {
		ret = ctl_refuse(c, ENOMEM, "no memory for %zu vectors", count);
	}
	if (!ret) {
		if (c->json) {
			json_object_begin(&c->out);
			json_key(&c->out, "vectors");
			json_array_begin(&c->out);
		}
		for (size_t i = 0; i < count; i++)
			print_vector(c, &layout, attr, ids[i], vectors + i * vexfs_dim(h),
				     vexfs_dim(h), attrs + i * attr);
		if (c->json) {
			json_array_end(&c->out);
			json_object_end(&c->out);
			json_finish(&c->out);
		}
	}
	free(vectors);
	free(attrs);
	free(ids);
	vexfs_close(h);
	return ret;
}

static int count_done(struct ctl *c, const char *what, uint64_t n, uint64_t kernel_ns)
{
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, what, n);
		json_kv_u64(&c->out, "kernel_ns", kernel_ns);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return EXIT_OK;
}

static int run_put(struct ctl *c)
{
	const char *attr = opt_string(c, "attr", NULL);
	unsigned char record[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_layout layout;
	struct vexfs_error err;
	struct vexfs *h;
	float *vector;
	uint64_t id;
	int ret;

	if (opt_given(c, "update") && opt_given(c, "upsert"))
		return ctl_usage(c, "--update and --upsert exclude each other");
	if (!parse_u64(c->argv[1], &id))
		return ctl_usage(c, "'%s' is not an id: a number from 0 to 2^64-1 expected",
				 c->argv[1]);
	ret = open_with_layout(c, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &layout);
	if (ret)
		return ret;
	vector = calloc(vexfs_dim(h), sizeof(*vector));
	if (!vector) {
		ret = ctl_refuse(c, ENOMEM, "no memory for a vector");
		goto out;
	}
	ret = parse_vector(c, opt_string(c, "vector", ""), vexfs_dim(h), vector);
	if (ret)
		goto out;
	if (attr && !layout.count) {
		ret = ctl_refuse(c, EINVAL, "'%s' has no layout that names fields of a record",
				 vexfs_name(h));
		goto out;
	}
	if (attr && vexfs_record_parse(&layout, attr, record, &err)) {
		ret = ctl_fail(c, &err);
		goto out;
	}
	struct vexfs_put put = {
		.flags = opt_given(c, "update") ? VEXFS_PUT_UPDATE :
			 opt_given(c, "upsert") ? VEXFS_PUT_UPSERT : VEXFS_PUT_INSERT,
		.count = 1,
		.ids = (uintptr_t)&id,
		.vectors = (uintptr_t)vector,
		.attrs = attr ? (uintptr_t)record : 0,
	};
	ret = vexfs_do_put(h, &put, &err) ? ctl_fail(c, &err) :
	      count_done(c, "stored", put.done, put.kernel_ns);
out:
	free(vector);
	vexfs_close(h);
	return ret;
}

static int run_delete(struct ctl *c)
{
	struct vexfs_delete req = { 0 };
	struct vexfs_error err;
	uint64_t *ids = NULL;
	struct vexfs *h;
	size_t count;
	int ret;

	ret = ids_from_args(c, 1, &ids, &count);
	if (ret)
		return ret;
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err)) {
		free(ids);
		return ctl_fail(c, &err);
	}
	req.count = (uint32_t)count;
	req.ids = (uintptr_t)ids;
	req.flags = opt_given(c, "continue") ? VEXFS_DELETE_CONTINUE : 0;
	ret = vexfs_do_delete(h, &req, &err) ? ctl_fail(c, &err) :
	      count_done(c, "deleted", req.done, req.kernel_ns);
	free(ids);
	vexfs_close(h);
	return ret;
}

static int run_distance(struct ctl *c)
{
	struct vexfs_error err;
	struct query q = { 0 };
	uint64_t *ids = NULL;
	float *d = NULL;
	struct vexfs *h;
	size_t count;
	int ret;

	ret = ids_from_args(c, 1, &ids, &count);
	if (ret)
		return ret;
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err)) {
		free(ids);
		return ctl_fail(c, &err);
	}
	ret = query_read(c, h, &q);
	if (!ret && q.count != 1)
		ret = ctl_usage(c, "distance takes one query, not %zu", q.count);
	if (!ret) {
		d = calloc(count, sizeof(*d));
		if (!d)
			ret = ctl_refuse(c, ENOMEM, "no memory for %zu distances", count);
	}
	if (!ret) {
		struct vexfs_distance req = {
			.flags = q.by_id ? VEXFS_QUERY_BY_ID : 0,
			.format = q.format,
			.count = (uint32_t)count,
			.query = q.by_id ? (uintptr_t)q.ids : (uintptr_t)q.vectors,
			.ids = (uintptr_t)ids,
			.distances = (uintptr_t)d,
		};
		struct json *j = &c->out;
		char buf[32];

		ret = vexfs_do_distance(h, &req, &err) ? ctl_fail(c, &err) : 0;
		if (!ret && c->json) {
			json_object_begin(j);
			json_key(j, "ids");
			json_array_begin(j);
			for (size_t i = 0; i < count; i++)
				json_u64(j, ids[i]);
			json_array_end(j);
			json_key(j, "distances");
			json_array_begin(j);
			for (size_t i = 0; i < count; i++)
				json_float(j, d[i]);
			json_array_end(j);
			json_kv_u64(j, "kernel_ns", req.kernel_ns);
			json_object_end(j);
			json_finish(j);
		} else if (!ret) {
			for (size_t i = 0; i < count; i++)
				printf("%" PRIu64 "\t%s\n", ids[i], float_text(buf, d[i]));
		}
	}
	free(d);
	free(ids);
	query_free(&q);
	vexfs_close(h);
	return ret;
}

static const struct opt put_opts[] = {
	{ "vector", 0, OPT_STRING, "X,Y,...", "the components", true },
	{ "attr", 0, OPT_STRING, "A=1,B=2", "fields of the attribute record; the others are 0" },
	{ "update", 0, OPT_FLAG, NULL, "replace an existing vector" },
	{ "upsert", 0, OPT_FLAG, NULL, "insert or replace" },
	{ 0 },
};

static const struct opt delete_opts[] = {
	{ "continue", 0, OPT_FLAG, NULL, "continue after an id that does not exist" },
	{ 0 },
};

static const struct opt distance_opts[] = {
	QUERY_OPTS,
	{ 0 },
};

const struct verb vector_verbs[] = {
	{ "get", "NAME ID...", 2, -1, "print vectors by id", NULL, NULL, run_get },
	{ "put", "NAME ID", 2, 2, "store one vector",
	  "Without --update and --upsert the id must be new.", put_opts, run_put },
	{ "delete", "NAME ID...", 2, -1, "delete vectors by id", NULL, delete_opts, run_delete },
	{ "distance", "NAME ID...", 2, -1, "print distances from a query to stored vectors", NULL,
	  distance_opts, run_distance },
	{ 0 },
};
