// SPDX-License-Identifier: GPL-2.0
/* .query: write a query to it and read the answer. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coll.h"

#define QUERY_MAX	(4u << 20)

/**
 * struct query - an open .query
 * @left: of those that are left at the end
 * @in: what was written since the last answer, @in_len bytes
 * @out: the answer, @out_len bytes, of which @out_at have been read
 * @fault: errno of a query that cannot be answered
 */
struct query {
	struct leftover left;
	pthread_mutex_t lock;
	char *in;
	size_t in_len;
	char *out;
	size_t out_len, out_at;
	int fault;
};

static void query_end(struct leftover *l)
{
	struct query *q = (struct query *)l;

	pthread_mutex_destroy(&q->lock);
	free(q->in);
	free(q->out);
	free(q);
}

void query_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi)
{
	struct query *q = calloc(1, sizeof(*q));

	(void)n;
	if (!q) {
		reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_init(&q->lock, NULL);
	leftover_add(&q->left, query_end);
	fi->fh = (uintptr_t)q;
	fi->direct_io = 1;
	/* The file has no positions: queries are written, answers are read. */
	fi->nonseekable = 1;
	if (fuse_reply_open(req, fi) == -ENOENT)
		query_release(fi);
}

void query_release(struct fuse_file_info *fi)
{
	struct query *q = (struct query *)(uintptr_t)fi->fh;

	leftover_remove(&q->left);
	query_end(&q->left);
}

void query_write(fuse_req_t req, struct fuse_file_info *fi, const char *buf, size_t size)
{
	struct query *q = (struct query *)(uintptr_t)fi->fh;
	char *more;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	if (q->in_len + size > QUERY_MAX) {
		err = EFBIG;
	} else {
		more = realloc(q->in, q->in_len + size + 1);
		if (more) {
			memcpy(more + q->in_len, buf, size);
			q->in = more;
			q->in_len += size;
		} else {
			err = ENOMEM;
		}
	}
	pthread_mutex_unlock(&q->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, size);
}

/* A member that is a positive integer, if present. */
static int member_u32(const json_t *o, const char *key, uint32_t most, uint32_t *v)
{
	const json_t *m = json_object_get(o, key);

	if (!m)
		return 0;
	if (!json_is_integer(m) || json_integer_value(m) < 1 || json_integer_value(m) > most)
		return EINVAL;
	*v = (uint32_t)json_integer_value(m);
	return 0;
}

static int vector_from(const json_t *array, uint32_t dim, float **vector)
{
	uint32_t i;

	if (!json_is_array(array) || json_array_size(array) != dim)
		return EINVAL;
	*vector = malloc(dim * sizeof(**vector));
	if (!*vector)
		return ENOMEM;
	for (i = 0; i < dim; i++) {
		const json_t *x = json_array_get(array, i);

		if (!json_is_number(x))
			return EINVAL;
		(*vector)[i] = (float)json_number_value(x);
	}
	return 0;
}

/* {"vector": [...] or "id": 7, "k": 10, "ef": 64, "filter": "...", "radius": 0.3, "exact": true} */
static int asked_json(const json_t *o, uint32_t dim, struct asked *a, float **vector)
{
	const json_t *m;
	int err;

	if (json_is_array(o))
		return vector_from(o, dim, vector);
	err = member_u32(o, "k", VEXFS_K_MAX, &a->k) ?: member_u32(o, "ef", VEXFS_EF_MAX, &a->ef);
	if (err)
		return err;
	a->exact = a->exact || json_is_true(json_object_get(o, "exact"));
	m = json_object_get(o, "filter");
	if (m && !json_is_string(m))
		return EINVAL;
	if (m)
		a->filter = json_string_value(m);
	m = json_object_get(o, "radius");
	if (m && !json_is_number(m))
		return EINVAL;
	if (m) {
		a->range = true;
		a->radius = (float)json_number_value(m);
	}
	m = json_object_get(o, "vector");
	if (m)
		return json_object_get(o, "id") ? EINVAL : vector_from(m, dim, vector);
	m = json_object_get(o, "id");
	if (!json_is_integer(m) || json_integer_value(m) < 0)
		return EINVAL;
	a->by_id = true;
	a->id = (uint64_t)json_integer_value(m);
	return 0;
}

/* Parses the query; @a->filter may point into @tree. */
static int question(const struct query *q, uint32_t dim, struct asked *a, float **vector,
		    json_t **tree)
{
	size_t skip = 0;

	while (skip < q->in_len && isspace((unsigned char)q->in[skip]))
		skip++;
	if (skip < q->in_len && (q->in[skip] == '{' || q->in[skip] == '['))
		*tree = json_loadb(q->in, q->in_len, JSON_REJECT_DUPLICATES, NULL);
	if (*tree)
		return asked_json(*tree, dim, a, vector);
	/* Anything that is not JSON is taken as raw floats. */
	if (q->in_len != dim * sizeof(**vector))
		return EINVAL;
	*vector = malloc(q->in_len);
	if (!*vector)
		return ENOMEM;
	memcpy(*vector, q->in, q->in_len);
	return 0;
}

static int print_hits(struct query *q, const struct hit *hits, uint32_t n)
{
	FILE *f = open_memstream(&q->out, &q->out_len);
	uint32_t i;

	if (!f)
		return ENOMEM;
	/* A distance is never NaN; JSON has no number for infinity. */
	for (i = 0; i < n; i++)
		fprintf(f, isfinite(hits[i].distance) ?
			"{\"rank\": %u, \"id\": %llu, \"distance\": %.9g}\n" :
			"{\"rank\": %u, \"id\": %llu, \"distance\": null}\n",
			i + 1, (unsigned long long)hits[i].id, (double)hits[i].distance);
	return fclose(f) ? ENOMEM : 0;
}

static int answer(struct query *q, struct node *n)
{
	struct asked a = { .k = 10 };
	float *vector = NULL;
	json_t *tree = NULL;
	struct hit *hits = NULL;
	uint32_t found;
	int err;

	free(q->out);
	q->out = NULL;
	q->out_len = q->out_at = 0;
	err = n->name ? asked_options(n->name, &a) : 0;
	if (!err)
		err = question(q, n->coll->st.dim, &a, &vector, &tree);
	if (!err)
		err = asked_run(n->coll, &a, vector, &hits, &found, NULL, 0);
	if (!err)
		err = print_hits(q, hits, found);
	free(hits);
	free(vector);
	json_decref(tree);
	q->in_len = 0;
	return err;
}

void query_read(fuse_req_t req, struct node *n, struct fuse_file_info *fi, size_t size)
{
	struct query *q = (struct query *)(uintptr_t)fi->fh;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	if (q->in_len)
		err = answer(q, n);
	if (err) {
		reply_err(req, err);
	} else {
		if (size > q->out_len - q->out_at)
			size = q->out_len - q->out_at;
		fuse_reply_buf(req, size ? q->out + q->out_at : NULL, size);
		q->out_at += size;
	}
	pthread_mutex_unlock(&q->lock);
}
