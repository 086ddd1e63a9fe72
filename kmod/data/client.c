// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel API: what other modules may call. The ops are those of the ioctls,
 * on kernel memory, accounted like them; nothing here touches user memory.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vexfs_kernel.h>

#include "compat/compat.h"
#include "index/classify.h"
#include "index/index.h"
#include "index/search.h"
#include "index/vector.h"
#include "mem/pool.h"

#define GROUP_QUERIES	256u	/* searched together */

/**
 * struct vexfs_client - an open collection
 * @c: it, referenced
 * @may: VEXFS_MAY_*
 */
struct vexfs_client {
	struct vexfs_collection *c;
	u32 may;
};

static struct vexfs_collection *client_collection(const struct vexfs_client *client, u32 may)
{
	if (may & ~client->may)
		return ERR_PTR(-EACCES);
	if (vexfs_collection_dropped(client->c))
		return ERR_PTR(-ENOENT);
	return client->c;
}

/* ---- open and close ---- */

/* Takes over the reference on @c when it succeeds. */
static struct vexfs_client *client_new(struct vexfs_collection *c, u32 may)
{
	struct vexfs_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return ERR_PTR(-ENOMEM);
	client->c = c;
	client->may = may;
	return client;
}

static struct vexfs_collection *create(const struct vexfs_create *req, const void *layout)
{
	struct vexfs_collection *c;
	struct vexfs_spec *spec;
	int err;

	if (req->flags || req->pad0 || req->mode & ~0777)
		return ERR_PTR(-EINVAL);
	spec = kzalloc(sizeof(*spec), GFP_KERNEL);
	if (!spec)
		return ERR_PTR(-ENOMEM);
	memcpy(spec->name, req->name, sizeof(spec->name));
	spec->mode = req->mode ?: 0600;
	spec->attr_size = req->attr_size;
	spec->capacity = req->capacity;
	spec->layout = layout;
	spec->layout_len = layout ? req->layout_len : 0;
	err = vexfs_space_init(&spec->space, req->type, req->metric, req->dim) ?:
	      vexfs_index_spec(req, spec);
	if (!err)
		err = vexfs_collection_create(spec, &c);
	kfree(spec);
	if (err)
		return ERR_PTR(err);
	err = vexfs_index_create(c, req);
	if (!err)
		err = vexfs_collection_publish(c);
	if (err) {
		vexfs_collection_put(c);
		return ERR_PTR(err);
	}
	return c;
}

struct vexfs_client *vexfs_client_create(const struct vexfs_create *req, const void *layout)
{
	struct vexfs_client *client;
	struct vexfs_collection *c;
	struct vexfs_op op;

	vexfs_op_begin(&op, VEXFS_OP_CREATE, 0, 0);
	c = create(req, layout);
	vexfs_op_end(&op, PTR_ERR_OR_ZERO(c));
	if (IS_ERR(c))
		return ERR_CAST(c);
	client = client_new(c, VEXFS_MAY_READ | VEXFS_MAY_WRITE);
	if (IS_ERR(client)) {
		vexfs_collection_undo(c);
		vexfs_collection_put(c);
	}
	return client;
}
VEXFS_EXPORT(vexfs_client_create);

/* A name of any length in the form that the registry checks. */
static int name_padded(char padded[VEXFS_NAME_SIZE], const char *name)
{
	memset(padded, 0, VEXFS_NAME_SIZE);
	return strscpy(padded, name, VEXFS_NAME_SIZE) < 0 ? -EINVAL : 0;
}

struct vexfs_client *vexfs_client_open(const char *name, u32 flags)
{
	char padded[VEXFS_NAME_SIZE];
	struct vexfs_client *client;
	struct vexfs_collection *c;
	struct vexfs_op op;
	u32 may = 0;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_ATTACH, 0, 0);
	if (flags & VEXFS_ATTACH_READ)
		may |= VEXFS_MAY_READ;
	if (flags & VEXFS_ATTACH_WRITE)
		may |= VEXFS_MAY_WRITE;
	err = !may || flags & ~(VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE) ? -EINVAL :
	      name_padded(padded, name);
	if (!err)
		err = vexfs_collection_open(padded, may, &c);
	vexfs_op_end(&op, err);
	if (err)
		return ERR_PTR(err);
	client = client_new(c, may);
	if (IS_ERR(client))
		vexfs_collection_put(c);
	return client;
}
VEXFS_EXPORT(vexfs_client_open);

void vexfs_client_close(struct vexfs_client *client)
{
	if (IS_ERR_OR_NULL(client))
		return;
	vexfs_collection_put(client->c);
	kfree(client);
}
VEXFS_EXPORT(vexfs_client_close);

int vexfs_client_drop(const char *name)
{
	char padded[VEXFS_NAME_SIZE];
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DROP, 0, 0);
	err = name_padded(padded, name) ?: vexfs_collection_drop(padded);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_drop);

int vexfs_client_stat(struct vexfs_client *client, struct vexfs_stat *st)
{
	vexfs_collection_stat(client->c, st);
	return 0;
}
VEXFS_EXPORT(vexfs_client_stat);

/* ---- vectors ---- */

static int vectors_valid(const struct vexfs_client_vectors *v)
{
	if (!v->count || v->format > VEXFS_FORMAT_RAW)
		return -EINVAL;
	return v->count > VEXFS_BATCH_MAX ? -E2BIG : 0;
}

static int put(struct vexfs_client *client, struct vexfs_stack_mark *stack,
	       struct vexfs_client_vectors *v)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_WRITE);
	u32 at = 0;
	int err;

	v->done = 0;
	v->tried = 0;
	v->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (v->flags & ~(VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE) || !(v->flags & VEXFS_PUT_UPSERT))
		return -EINVAL;
	err = vectors_valid(v);
	while (at < v->count && !err) {
		struct vexfs_put_part p = {
			.flags = v->flags,
			.format = v->format,
			.n = min(v->count - at, VEXFS_RUN_MAX),
			.ids = v->ids + at,
			.vectors = v->vectors + at * vexfs_vector_bytes(c, v->format),
			.attrs = v->attrs ? v->attrs + (size_t)at * c->attr_size : NULL,
			.errors = v->errors ? v->errors + at : NULL,
			.stack = stack,
		};

		err = vexfs_put_vectors(c, &p);
		v->done += p.done;
		v->seq = p.seq ?: v->seq;
		at += p.tried;
		cond_resched();
	}
	v->tried = at;
	return err == -EINTR && at ? 0 : err;
}

int vexfs_client_put(struct vexfs_client *client, struct vexfs_client_vectors *v)
{
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_PUT, 0, 0);
	err = put(client, &op.stack, v);
	op.items = v->tried;
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_put);

static int get(struct vexfs_client *client, struct vexfs_client_vectors *v)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_READ);
	s32 *errors;
	u32 at, n;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	err = vectors_valid(v);
	if (err)
		return err;
	v->seq = vexfs_seq(c);
	errors = vexfs_pool_alloc(VEXFS_RUN_MAX * sizeof(*errors), VEXFS_GFP_USER);
	if (!errors)
		return -ENOMEM;
	for (at = 0; at < v->count && !err; at += n) {
		struct vexfs_get_part p = {
			.format = v->format,
			.n = min(v->count - at, VEXFS_RUN_MAX),
			.ids = v->ids + at,
			.vectors = v->vectors ?
				   v->vectors + at * vexfs_vector_bytes(c, v->format) : NULL,
			.attrs = v->attrs ? v->attrs + (size_t)at * c->attr_size : NULL,
			.errors = v->errors ? v->errors + at : errors,
		};

		n = p.n;
		vexfs_get_vectors(c, &p);
		v->done += p.done;
		if (p.done < n && !v->errors)
			err = -ENOENT;
		cond_resched();
	}
	vexfs_pool_free(errors, VEXFS_RUN_MAX * sizeof(*errors));
	return err;
}

int vexfs_client_get(struct vexfs_client *client, struct vexfs_client_vectors *v)
{
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_GET, 0, 0);
	op.items = v->count;
	v->done = 0;
	err = v->flags ? -EINVAL : get(client, v);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_get);

static int delete(struct vexfs_client *client, struct vexfs_stack_mark *stack, const u64 *ids,
		  u32 count, u32 flags, u32 *done)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_WRITE);
	u32 at = 0;
	int err = 0;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (!count || flags & ~VEXFS_DELETE_CONTINUE)
		return -EINVAL;
	if (count > VEXFS_BATCH_MAX)
		return -E2BIG;
	while (at < count && !err) {
		struct vexfs_mutation m = {
			.op = VEXFS_MUTATE_DELETE,
			.flags = flags,
			.ids = ids + at,
			.n = min(count - at, VEXFS_RUN_MAX),
			.stack = stack,
		};

		err = vexfs_write_begin(c);
		if (err)
			break;
		err = vexfs_mutate(c, &m);
		vexfs_write_end(c);
		*done += m.done;
		at += m.tried;
		cond_resched();
	}
	return err;
}

int vexfs_client_delete(struct vexfs_client *client, const u64 *ids, u32 count, u32 flags,
			u32 *done)
{
	struct vexfs_op op;
	u32 gone = 0;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DELETE, 0, 0);
	op.items = count;
	err = delete(client, &op.stack, ids, count, flags, &gone);
	vexfs_op_end(&op, err);
	if (done)
		*done = gone;
	return err;
}
VEXFS_EXPORT(vexfs_client_delete);

/* ---- distances ---- */

static int distance(struct vexfs_client *client, struct vexfs_op *op, u32 format,
		    const void *query, const u64 *ids, u32 count, u32 *distances, s32 *errors)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_READ);
	u64 local[VEXFS_SCRATCH_LOCAL / sizeof(u64)];
	struct vexfs_scratch row;
	u32 at, n, q_aux;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (!count || format > VEXFS_FORMAT_RAW)
		return -EINVAL;
	if (count > VEXFS_BATCH_MAX)
		return -E2BIG;
	if (!vexfs_scratch_get(&row, &op->stack, local, sizeof(local), c->space.stride,
			       VEXFS_GFP_USER))
		return -ENOMEM;
	err = vexfs_vector_import(c, format, row.p, &q_aux, query, 1, NULL);
	for (at = 0; at < count && err >= 0; at += n) {
		n = min(count - at, VEXFS_RUN_MAX);
		err = vexfs_distances(c, op, row.p, q_aux, ids + at, n, distances + at,
				      errors + at);
		cond_resched();
	}
	vexfs_scratch_put(&row);
	return min(err, 0);
}

int vexfs_client_distance(struct vexfs_client *client, u32 format, const void *query,
			  const u64 *ids, u32 count, u32 *distances, s32 *errors)
{
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DISTANCE, 0, 0);
	op.items = count;
	err = distance(client, &op, format, query, ids, count, distances, errors);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_distance);

/* ---- search ---- */

/* Memory for @n queries: rows, heaps, what they hold, auxiliaries. */
static size_t group_bytes(const struct vexfs_collection *c, u32 n, u32 k)
{
	return n * (c->space.stride + sizeof(struct vexfs_topk) +
		    (size_t)k * sizeof(struct vexfs_hit) + sizeof(u32));
}

static void group_out(const struct vexfs_client_search *s, u32 at, u32 n,
		      const struct vexfs_topk *results)
{
	u32 q, i;

	for (q = 0; q < n; q++) {
		struct vexfs_client_hit *out = s->hits + (size_t)(at + q) * s->k;
		const struct vexfs_topk *t = &results[q];

		s->counts[at + q] = t->n;
		for (i = 0; i < s->k; i++) {
			out[i].id = i < t->n ? t->hits[i].id : ~0ULL;
			out[i].distance = i < t->n ? vexfs_key_to_f32(t->hits[i].key) :
						     VEXFS_F32_INFINITY;
		}
	}
}

static int search_group(struct vexfs_collection *c, struct vexfs_op *op,
			struct vexfs_client_search *s, const struct vexfs_filter *filter,
			void *buf, u32 at, u32 n)
{
	struct vexfs_topk *results = buf + (size_t)n * c->space.stride;
	struct vexfs_hit *hits = (void *)(results + n);
	u32 *aux = (void *)(hits + (size_t)n * s->k);
	u32 radius = s->flags & VEXFS_SEARCH_RANGE ? vexfs_key_from_f32(s->radius) : ~0u;
	struct vexfs_search_job job = {
		.c = c,
		.op = op,
		.nq = n,
		.flags = s->flags,
		.ef = s->ef,
		.queries = buf,
		.aux = aux,
		.filter = filter,
		.results = results,
	};
	u32 q;
	int err;

	err = vexfs_vector_import(c, s->format, buf, aux,
				  s->queries + at * vexfs_vector_bytes(c, s->format), n, NULL);
	if (err)
		return err;
	for (q = 0; q < n; q++)
		vexfs_topk_init(&results[q], hits + (size_t)q * s->k, s->k, radius);
	err = vexfs_search(&job);
	if (err)
		return err;
	group_out(s, at, n, results);
	s->plan = job.plan;
	if (!at)
		s->seq = job.seq;
	return 0;
}

static int search(struct vexfs_client *client, struct vexfs_op *op, struct vexfs_client_search *s)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_READ);
	struct vexfs_filter *filter = NULL;
	u32 at, n, group;
	size_t bytes;
	void *buf;
	int err = 0;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (s->flags & ~(VEXFS_SEARCH_EXACT | VEXFS_SEARCH_RANGE) || !s->count || !s->k ||
	    s->format > VEXFS_FORMAT_RAW)
		return -EINVAL;
	if (s->count > VEXFS_QUERIES_MAX || s->k > VEXFS_K_MAX || s->ef > VEXFS_EF_MAX)
		return -E2BIG;
	if ((s->flags & VEXFS_SEARCH_RANGE) && (s->radius & 0x7fffffff) > VEXFS_F32_INFINITY)
		return -EDOM;
	if (s->filter_len)
		err = vexfs_filter_create(s->filter, s->filter_len, c->attr_size, &filter, NULL,
					  NULL);
	if (err)
		return err;
	group = min(s->count, GROUP_QUERIES);
	bytes = group_bytes(c, group, s->k);
	buf = vexfs_op_alloc(op, bytes, VEXFS_GFP_USER);
	if (!buf)
		err = -ENOMEM;
	for (at = 0; at < s->count && !err; at += n) {
		n = min3(group, s->count - at, vexfs_search_width(c, s->flags, s->ef, s->k));
		err = search_group(c, op, s, filter, buf, at, n);
	}
	vexfs_pool_free(buf, bytes);
	vexfs_filter_free(filter);
	return err;
}

int vexfs_client_search(struct vexfs_client *client, struct vexfs_client_search *s)
{
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, s->flags & VEXFS_SEARCH_RANGE ? VEXFS_OP_RANGE :
			    s->filter_len ? VEXFS_OP_EXACT_FILTERED : VEXFS_OP_EXACT,
		       0, s->deadline_ns);
	op.items = s->count;
	s->plan = 0;
	err = search(client, &op, s);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_search);

/* ---- classify ---- */

static int classify(struct vexfs_client *client, struct vexfs_op *op,
		    struct vexfs_client_classify *q)
{
	struct vexfs_poll p = {
		.c = client_collection(client, VEXFS_MAY_READ),
		.op = op,
		.flags = q->flags,
		.k = q->k,
		.ef = q->ef,
		.field_offset = q->field_offset,
		.field_size = q->field_size,
	};
	struct vexfs_filter *filter = NULL;
	size_t bytes;
	int err;

	if (IS_ERR(p.c))
		return PTR_ERR(p.c);
	if (q->flags & ~VEXFS_SEARCH_EXACT || q->format > VEXFS_FORMAT_RAW)
		return -EINVAL;
	err = vexfs_poll_valid(&p);
	if (!err && q->filter_len)
		err = vexfs_filter_create(q->filter, q->filter_len, p.c->attr_size, &filter, NULL,
					  NULL);
	if (err)
		return err;
	p.filter = filter;
	bytes = p.c->space.stride + p.k * sizeof(*p.votes);
	p.row = vexfs_op_alloc(op, bytes, VEXFS_GFP_USER);
	err = -ENOMEM;
	if (!p.row)
		goto free_filter;
	p.votes = p.row + p.c->space.stride;
	err = vexfs_vector_import(p.c, q->format, p.row, &p.aux, q->query, 1, NULL);
	if (!err)
		err = vexfs_classify(&p);
	if (!err) {
		memcpy(q->votes, p.votes, min(p.classes, q->count) * sizeof(*p.votes));
		q->count = p.classes;
		q->plan = p.plan;
		q->seq = p.seq;
	}
	vexfs_pool_free(p.row, bytes);
free_filter:
	vexfs_filter_free(filter);
	return err;
}

int vexfs_client_classify(struct vexfs_client *client, struct vexfs_client_classify *q)
{
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_CLASSIFY, 0, q->deadline_ns);
	err = classify(client, &op, q);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_classify);

/* ---- index ---- */

int vexfs_client_index(struct vexfs_client *client, const struct vexfs_index_req *req)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_WRITE);
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_INDEX, 0, 0);
	if (IS_ERR(c))
		err = PTR_ERR(c);
	else
		err = req->pad ? -EINVAL : vexfs_index_request(c, req);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_index);

/* ---- check ---- */

int vexfs_client_check(struct vexfs_client *client, struct vexfs_check *check)
{
	struct vexfs_collection *c = client_collection(client, VEXFS_MAY_READ);
	struct vexfs_op op;
	int err;

	check->size = sizeof(*check);
	vexfs_op_begin(&op, VEXFS_OP_CHECK, 0, 0);
	err = IS_ERR(c) ? PTR_ERR(c) : vexfs_check(c, check);
	if (!err)
		check->kernel_ns = vexfs_op_ns(&op);
	vexfs_op_end(&op, err);
	return err;
}
VEXFS_EXPORT(vexfs_client_check);

s64 vexfs_distance_milli(u32 bits)
{
	s64 limit = bits >> 31 ? S64_MIN : S64_MAX;
	int exponent = (bits >> 23 & 0xff) - 127 - 23;
	/* 24 bits of mantissa and 10 of the factor */
	u64 x = ((bits & 0x7fffff) | 0x800000) * 1000ull;

	if ((bits >> 23 & 0xff) == 0)
		return 0;
	if (exponent >= 63 - 34)
		return limit;
	if (exponent >= 0)
		x <<= exponent;
	else
		x = exponent > -64 ? x >> -exponent : 0;
	return bits >> 31 ? -(s64)x : (s64)x;
}
VEXFS_EXPORT(vexfs_distance_milli);
