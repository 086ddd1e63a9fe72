// SPDX-License-Identifier: GPL-2.0
/*
 * Stored vectors by id: get, distance and walk.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "data/part.h"
#include "data/query.h"
#include "index/vector.h"

/* ---- get ---- */

static int get_part(struct vexfs_request *r, struct vexfs_collection *c, struct vexfs_part *p,
		    u32 n)
{
	struct vexfs_get *req = &r->h.get;
	size_t bytes = vexfs_format_bytes(c, req->format);
	bool has_attrs = req->attrs && c->attr_size;
	u64 vectors = vexfs_at(req->vectors, req->tried, bytes);
	u64 attrs = vexfs_at(req->attrs, req->tried, c->attr_size);
	struct vexfs_get_part get = {
		.format = req->format,
		.n = n,
		.vectors = req->vectors ? vexfs_write_at(r, p->vectors, vectors) : NULL,
		.attrs = has_attrs ? vexfs_write_at(r, p->attrs, attrs) : NULL,
		.errors = p->errors,
	};

	get.ids = vexfs_read_at(r, p->ids, vexfs_at(req->ids, req->tried, sizeof(u64)),
				n * sizeof(u64));
	if (IS_ERR(get.ids))
		return PTR_ERR(get.ids);
	vexfs_direct_busy(&r->direct, true);
	vexfs_get_vectors(c, &get);
	vexfs_direct_busy(&r->direct, false);
	req->done += get.done;
	if (get.done < n && !req->errors)
		return -ENOENT;
	if (req->vectors && vexfs_copy_out(r, vectors, get.vectors, n * bytes))
		return -EFAULT;
	if (has_attrs && vexfs_copy_out(r, attrs, get.attrs, (size_t)n * c->attr_size))
		return -EFAULT;
	if (req->errors && vexfs_copy_out(r, vexfs_at(req->errors, req->tried, sizeof(s32)),
					  p->errors, n * sizeof(s32)))
		return -EFAULT;
	return 0;
}

int vexfs_handle_get(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_get *req = &r->h.get;
	struct vexfs_part p;
	int err;

	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || req->pad)
		return -EINVAL;
	err = vexfs_batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_request_direct(r, req->priority, req->deadline_ns, req->count);
	err = vexfs_part_alloc(&p, r, c, req->vectors ? vexfs_format_bytes(c, req->format) : 0,
			       req->attrs ? c->attr_size : 0, req->count);
	if (err)
		return err;
	req->seq = vexfs_seq(c);
	while (req->tried < req->count && !err) {
		u32 n = min(p.n, req->count - req->tried);

		err = vexfs_request_next(r, req->tried);
		if (!err)
			err = get_part(r, c, &p, n);
		if (!err)
			req->tried += n;
		cond_resched();
	}
	vexfs_part_free(&p);
	return vexfs_request_short(err, req->tried);
}

/* ---- distance ---- */

static int distance_part(struct vexfs_request *r, struct vexfs_collection *c,
			 struct vexfs_part *p, u32 n, const void *q, u32 q_aux)
{
	struct vexfs_distance *req = &r->h.distance;
	u64 to = vexfs_at(req->distances, req->tried, sizeof(u32));
	u32 *distances = vexfs_write_at(r, p->vectors, to);
	const u64 *ids;
	int found;

	ids = vexfs_read_at(r, p->ids, vexfs_at(req->ids, req->tried, sizeof(u64)),
			    n * sizeof(u64));
	if (IS_ERR(ids))
		return PTR_ERR(ids);
	vexfs_direct_busy(&r->direct, true);
	found = vexfs_distances(c, &r->op, q, q_aux, ids, n, distances, p->errors);
	vexfs_direct_busy(&r->direct, false);
	if (found < 0)
		return found;
	req->done += found;
	if (found < n && !req->errors)
		return -ENOENT;
	if (vexfs_copy_out(r, to, distances, n * sizeof(u32)))
		return -EFAULT;
	if (req->errors && vexfs_copy_out(r, vexfs_at(req->errors, req->tried, sizeof(s32)),
					  p->errors, n * sizeof(s32)))
		return -EFAULT;
	return 0;
}

/* @q: where the query goes, a row. */
static int distance_from(struct vexfs_request *r, struct vexfs_collection *c, void *q)
{
	struct vexfs_distance *req = &r->h.distance;
	struct vexfs_part p;
	u32 q_aux;
	u64 id;
	int err;

	req->seq = vexfs_seq(c);
	if (req->flags & VEXFS_QUERY_BY_ID)
		err = vexfs_queries_by_id(r, c, req->query, 1, &id, q, &q_aux);
	else
		err = vexfs_queries_in(r, c, req->format, req->query, 1, q, &q_aux);
	if (err)
		return err;
	err = vexfs_part_alloc(&p, r, c, sizeof(u32), 0, req->count);
	if (err)
		return err;
	while (req->tried < req->count && !err) {
		u32 n = min(p.n, req->count - req->tried);

		err = vexfs_request_next(r, req->tried);
		if (!err)
			err = distance_part(r, c, &p, n, q, q_aux);
		if (!err)
			req->tried += n;
		cond_resched();
	}
	vexfs_part_free(&p);
	return vexfs_request_short(err, req->tried);
}

int vexfs_handle_distance(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_distance *req = &r->h.distance;
	u64 local[VEXFS_SCRATCH_LOCAL / sizeof(u64)];
	struct vexfs_scratch row;
	int err;

	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags & ~VEXFS_QUERY_BY_ID || req->pad)
		return -EINVAL;
	err = vexfs_batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_request_direct(r, req->priority, req->deadline_ns, req->count);
	if (!vexfs_scratch_get(&row, &r->op.stack, local, sizeof(local), c->space.stride,
			       VEXFS_GFP_USER))
		return -ENOMEM;
	err = distance_from(r, c, row.p);
	vexfs_scratch_put(&row);
	return err;
}

/* ---- walk ---- */

static int walk_part(struct vexfs_request *r, struct vexfs_collection *c, struct vexfs_part *p,
		     u32 at, u32 max, struct vexfs_walk_part *walk)
{
	struct vexfs_walk *req = &r->h.walk;
	size_t bytes = vexfs_format_bytes(c, req->format);

	walk->format = req->format;
	walk->room = max;
	walk->slots = p->slots;
	walk->ids = p->ids;
	walk->vectors = p->vectors;
	walk->attrs = p->attrs;
	vexfs_walk_vectors(c, walk);
	if (vexfs_copy_out(r, vexfs_at(req->ids, at, sizeof(u64)), p->ids, walk->n * sizeof(u64)))
		return -EFAULT;
	if (p->vectors && vexfs_copy_out(r, vexfs_at(req->vectors, at, bytes), p->vectors,
					 walk->n * bytes))
		return -EFAULT;
	if (p->attrs && vexfs_copy_out(r, vexfs_at(req->attrs, at, c->attr_size), p->attrs,
				       (size_t)walk->n * c->attr_size))
		return -EFAULT;
	return 0;
}

/* Not for callers in the kernel, since ids and vectors pass through buffers. */
int vexfs_handle_walk(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_walk *req = &r->h.walk;
	struct vexfs_walk_part w = {
		.walk = { .part = req->cursor, .position = req->position, .seq = req->seq },
	};
	u32 max = req->count, at = 0;
	struct vexfs_part p;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || req->cursor >= VEXFS_IDWALK_END)
		return -EINVAL;
	err = vexfs_batch_valid(req->format, max, 0);
	if (err)
		return err;
	err = vexfs_part_alloc(&p, r, c, req->vectors ? vexfs_format_bytes(c, req->format) : 0,
			       req->attrs ? c->attr_size : 0, max);
	if (err)
		return err;
	while (at < max && w.walk.part != VEXFS_IDWALK_END && !err) {
		err = walk_part(r, c, &p, at, min(p.n, max - at), &w);
		at += w.n;
		/* what has been written so far is a valid result */
		if (!err && vexfs_request_interrupted(r))
			break;
		cond_resched();
	}
	vexfs_part_free(&p);
	if (err)
		return err;
	r->op.items = at;
	req->count = at;
	req->cursor = w.walk.part % VEXFS_IDWALK_END;
	req->position = w.walk.position;
	req->seq = w.walk.seq;
	return 0;
}
