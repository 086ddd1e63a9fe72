// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel API: what other modules may call. An interface to the same handlers as the ioctls;
 * the structures are in kernel memory, and all that they point to.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vexfs_kernel.h>

#include "compat/compat.h"
#include "data/handlers.h"

/* A request of @client; its structure is still to be filled in. */
static void client_request(struct vexfs_request *r, struct vexfs_client *client, u32 cmd)
{
	vexfs_request_init(r, vexfs_handler_find(cmd), client, NULL, VEXFS_REQUEST_KERNEL);
	memset(&r->h, 0, r->handler->size);
	r->h.size = r->handler->size;
}

static u64 client_address(const void *p)
{
	return (uintptr_t)p;
}

/* ---- open and close ---- */

static struct vexfs_client *client_new(void)
{
	struct vexfs_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return NULL;
	mutex_init(&client->lock);
	client->opened = VEXFS_MAY_READ | VEXFS_MAY_WRITE;
	return client;
}

void vexfs_client_close(struct vexfs_client *client)
{
	if (IS_ERR_OR_NULL(client))
		return;
	vexfs_gate_close(&client->gate);
	if (client->c)
		vexfs_collection_put(client->c);
	kfree(client);
}
VEXFS_EXPORT(vexfs_client_close);

/* Serves a request that attaches a new client. Returns the client or an error pointer. */
static struct vexfs_client *client_attached(struct vexfs_request *r)
{
	int err = vexfs_request_serve(r);

	if (!err)
		return r->client;
	vexfs_client_close(r->client);
	return ERR_PTR(err);
}

struct vexfs_client *vexfs_client_create(const struct vexfs_create *req, const void *layout)
{
	struct vexfs_client *client;
	struct vexfs_request r;

	if (req->flags)
		return ERR_PTR(-EINVAL);
	client = client_new();
	if (!client)
		return ERR_PTR(-ENOMEM);
	client_request(&r, client, VEXFS_IOC_CREATE);
	r.h.create = *req;
	r.h.create.layout = client_address(layout);
	if (!layout)
		r.h.create.layout_len = 0;
	return client_attached(&r);
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
	struct vexfs_client *client = client_new();
	struct vexfs_request r;

	if (!client)
		return ERR_PTR(-ENOMEM);
	client_request(&r, client, VEXFS_IOC_ATTACH);
	r.h.attach.flags = flags;
	if (name_padded(r.h.attach.name, name)) {
		vexfs_client_close(client);
		return ERR_PTR(-EINVAL);
	}
	return client_attached(&r);
}
VEXFS_EXPORT(vexfs_client_open);

int vexfs_client_drop(const char *name)
{
	struct vexfs_request r;

	client_request(&r, NULL, VEXFS_IOC_DROP);
	return name_padded(r.h.drop.name, name) ?: vexfs_request_serve(&r);
}
VEXFS_EXPORT(vexfs_client_drop);

int vexfs_client_stat(struct vexfs_client *client, struct vexfs_stat *st)
{
	vexfs_collection_stat(client->c, st);
	return 0;
}
VEXFS_EXPORT(vexfs_client_stat);

/* ---- vectors ---- */

int vexfs_client_put(struct vexfs_client *client, struct vexfs_client_vectors *v)
{
	struct vexfs_request r;
	int err;

	client_request(&r, client, VEXFS_IOC_PUT);
	r.h.put.flags = v->flags;
	r.h.put.format = v->format;
	r.h.put.count = v->count;
	r.h.put.ids = client_address(v->ids);
	r.h.put.vectors = client_address(v->vectors);
	r.h.put.attrs = client_address(v->attrs);
	r.h.put.errors = client_address(v->errors);
	err = vexfs_request_serve(&r);
	v->done = r.h.put.done;
	v->tried = r.h.put.tried;
	v->seq = r.h.put.seq;
	return err;
}
VEXFS_EXPORT(vexfs_client_put);

int vexfs_client_get(struct vexfs_client *client, struct vexfs_client_vectors *v)
{
	struct vexfs_request r;
	int err;

	client_request(&r, client, VEXFS_IOC_GET);
	r.h.get.flags = v->flags;
	r.h.get.format = v->format;
	r.h.get.count = v->count;
	r.h.get.ids = client_address(v->ids);
	r.h.get.vectors = client_address(v->vectors);
	r.h.get.attrs = client_address(v->attrs);
	r.h.get.errors = client_address(v->errors);
	err = vexfs_request_serve(&r);
	v->done = r.h.get.done;
	v->seq = r.h.get.seq;
	return err;
}
VEXFS_EXPORT(vexfs_client_get);

int vexfs_client_delete(struct vexfs_client *client, const u64 *ids, u32 count, u32 flags,
			u32 *done)
{
	struct vexfs_request r;
	int err;

	client_request(&r, client, VEXFS_IOC_DELETE);
	r.h.delete.flags = flags;
	r.h.delete.count = count;
	r.h.delete.ids = client_address(ids);
	err = vexfs_request_serve(&r);
	/* the caller does not learn how many were tried, so a short put is an error */
	if (!err && r.h.delete.tried < count)
		err = -EINTR;
	if (done)
		*done = r.h.delete.done;
	return err;
}
VEXFS_EXPORT(vexfs_client_delete);

int vexfs_client_distance(struct vexfs_client *client, u32 format, const void *query,
			  const u64 *ids, u32 count, u32 *distances, s32 *errors)
{
	struct vexfs_request r;

	client_request(&r, client, VEXFS_IOC_DISTANCE);
	r.h.distance.format = format;
	r.h.distance.count = count;
	r.h.distance.query = client_address(query);
	r.h.distance.ids = client_address(ids);
	r.h.distance.distances = client_address(distances);
	r.h.distance.errors = client_address(errors);
	return vexfs_request_serve(&r);
}
VEXFS_EXPORT(vexfs_client_distance);

/* ---- search ---- */

int vexfs_client_search(struct vexfs_client *client, struct vexfs_client_search *s)
{
	struct vexfs_request r;
	int err;

	s->plan = 0;
	if (s->flags & ~(VEXFS_SEARCH_EXACT | VEXFS_SEARCH_RANGE))
		return -EINVAL;
	client_request(&r, client, VEXFS_IOC_SEARCH);
	r.hits = s->hits;
	r.h.search.flags = s->flags;
	r.h.search.format = s->format;
	r.h.search.count = s->count;
	r.h.search.k = s->k;
	r.h.search.ef = s->ef;
	r.h.search.radius = s->radius;
	r.h.search.queries = client_address(s->queries);
	r.h.search.filter = client_address(s->filter);
	r.h.search.filter_len = s->filter_len;
	r.h.search.counts = client_address(s->counts);
	r.h.search.deadline_ns = s->deadline_ns;
	err = vexfs_request_serve(&r);
	s->plan = r.h.search.plan;
	s->seq = r.h.search.seq;
	return err;
}
VEXFS_EXPORT(vexfs_client_search);

int vexfs_client_classify(struct vexfs_client *client, struct vexfs_client_classify *q)
{
	struct vexfs_request r;
	int err;

	if (q->flags & ~VEXFS_SEARCH_EXACT)
		return -EINVAL;
	client_request(&r, client, VEXFS_IOC_CLASSIFY);
	r.h.classify.flags = q->flags;
	r.h.classify.format = q->format;
	r.h.classify.k = q->k;
	r.h.classify.ef = q->ef;
	r.h.classify.field_offset = q->field_offset;
	r.h.classify.field_size = q->field_size;
	r.h.classify.query = client_address(q->query);
	r.h.classify.filter = client_address(q->filter);
	r.h.classify.filter_len = q->filter_len;
	r.h.classify.votes = client_address(q->votes);
	r.h.classify.count = q->count;
	r.h.classify.deadline_ns = q->deadline_ns;
	err = vexfs_request_serve(&r);
	if (err)
		return err;
	q->count = r.h.classify.count;
	q->plan = r.h.classify.plan;
	q->seq = r.h.classify.seq;
	return 0;
}
VEXFS_EXPORT(vexfs_client_classify);

/* ---- index and check ---- */

int vexfs_client_index(struct vexfs_client *client, const struct vexfs_index_req *req)
{
	struct vexfs_request r;

	client_request(&r, client, VEXFS_IOC_INDEX);
	r.h.index = *req;
	return vexfs_request_serve(&r);
}
VEXFS_EXPORT(vexfs_client_index);

int vexfs_client_check(struct vexfs_client *client, struct vexfs_check *check)
{
	struct vexfs_request r;
	int err;

	client_request(&r, client, VEXFS_IOC_CHECK);
	err = vexfs_request_serve(&r);
	*check = r.h.check;
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
