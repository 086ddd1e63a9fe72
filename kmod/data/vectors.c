// SPDX-License-Identifier: GPL-2.0
/*
 * Put, get, delete, distance and walk as ioctls. A request of 65536 vectors goes
 * through in parts that fit a pool buffer, so that it costs no more memory than
 * a small one, can be interrupted between the parts, and never holds anything
 * while it waits for user memory.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "data/data.h"
#include "mem/pool.h"

#define INDEXED_PART_BYTES	(256u << 10)	/* an index gains from larger parts */
#define LARGE_PART_BYTES	(112u << 10)	/* as do large requests: they share what a part costs */

/**
 * struct part - room for a part of a request
 * @buf: the memory
 * @bytes: its size
 * @n: vectors that fit
 * @vectors: theirs, or NULL
 * @ids: theirs
 * @attrs: theirs, or NULL
 * @errors: theirs
 * @slots: in the place of @errors, for a walk
 */
struct part {
	void *buf;
	size_t bytes;
	u32 n;
	void *vectors;
	u64 *ids;
	void *attrs;
	union {
		s32 *errors;
		u32 *slots;
	};
};

/* Room for @n; what rounding up may add is 128 bytes. */
static int part_alloc_n(struct part *p, struct vexfs_op *op, struct vexfs_collection *c,
			size_t vector_bytes, bool attrs, u32 n)
{
	size_t vectors_bytes = round_up(n * vector_bytes, 64);
	size_t attrs_bytes = attrs ? round_up((size_t)n * c->attr_size, 8) : 0;

	p->n = n;
	p->bytes = vectors_bytes + attrs_bytes + n * (sizeof(u64) + sizeof(s32));
	p->buf = vexfs_op_alloc(op, p->bytes, VEXFS_GFP_USER);
	if (!p->buf)
		return -ENOMEM;
	p->vectors = vector_bytes ? p->buf : NULL;
	p->ids = p->buf + vectors_bytes;
	p->attrs = attrs ? (void *)(p->ids + n) : NULL;
	p->errors = (void *)(p->ids + n) + attrs_bytes;
	return 0;
}

static int part_alloc(struct part *p, struct vexfs_op *op, struct vexfs_collection *c,
		      size_t vector_bytes, bool attrs, u32 count)
{
	size_t each = vector_bytes + sizeof(u64) + sizeof(s32) + (attrs ? c->attr_size : 0);
	size_t room;

	if (rcu_access_pointer(c->index))
		room = INDEXED_PART_BYTES;
	else if (each * count >= 4 * LARGE_PART_BYTES)
		room = LARGE_PART_BYTES;
	else
		room = VEXFS_POOL_MAX;
	return part_alloc_n(p, op, c, vector_bytes, attrs,
			    clamp_t(size_t, (room - 128) / each, 1, min(count, VEXFS_RUN_MAX)));
}

static void part_free(struct part *p)
{
	vexfs_pool_free(p->buf, p->bytes);
}

static int batch_valid(u32 format, u32 count, u32 priority)
{
	if (!count || format > VEXFS_FORMAT_RAW || !vexfs_priority_valid(priority))
		return -EINVAL;
	return count > VEXFS_BATCH_MAX ? -E2BIG : 0;
}

/* ---- put ---- */

/* What a part needs beside the vectors. */
static int put_keys_in(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_put *req,
		       struct part *p, u32 at, u32 n)
{
	if (vexfs_copy_in(op, p->ids, vexfs_user_at(req->ids, at, sizeof(u64)), n * sizeof(u64)))
		return -EFAULT;
	if (p->attrs && vexfs_copy_in(op, p->attrs, vexfs_user_at(req->attrs, at, c->attr_size),
				      (size_t)n * c->attr_size))
		return -EFAULT;
	return 0;
}

/* Stores a part: its vectors are in @p, or @paged. */
static int put_part(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_put *req,
		    struct part *p, const struct vexfs_paged *paged, u32 *at, u32 n)
{
	struct vexfs_put_part put = {
		.flags = req->flags,
		.format = req->format,
		.n = n,
		.ids = p->ids,
		.vectors = p->vectors,
		.paged = paged,
		.attrs = p->attrs,
		.errors = p->errors,
		.stack = &op->stack,
	};
	int err;

	err = vexfs_put_vectors(c, &put);
	req->done += put.done;
	req->seq = put.seq ?: req->seq;
	if (req->errors && vexfs_copy_out(op, vexfs_user_at(req->errors, *at, sizeof(s32)),
					  p->errors, put.tried * sizeof(s32)))
		err = -EFAULT;
	*at += put.tried;
	return err;
}

/*
 * Reads the vectors where they lie, as far as that goes: *@at says how far. An index
 * takes so long that it makes no difference.
 */
static int put_seen(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_put *req,
		    u32 *at)
{
	size_t bytes = vexfs_vector_bytes(c, req->format);
	u32 n = vexfs_window_vectors(bytes, req->count);
	struct vexfs_window w;
	struct part p;
	int err;

	if (!n || !vexfs_vector_as_is(c, req->format) || rcu_access_pointer(c->index))
		return 0;
	/* where there is no memory for so much there may be for copies of less */
	if (vexfs_window_alloc(&w, op, bytes, n))
		return 0;
	err = 0;
	if (part_alloc_n(&p, op, c, 0, req->attrs && c->attr_size, n))
		goto out;
	while (*at < req->count && !err) {
		n = min(p.n, req->count - *at);
		err = vexfs_op_cut(op, *at);
		if (!err)
			err = put_keys_in(c, op, req, &p, *at, n);
		if (err || vexfs_window_open(&w, op, vexfs_user_at(req->vectors, *at, bytes), n))
			break;
		err = put_part(c, op, req, &p, &w.paged, at, n);
		vexfs_window_close(&w);
		cond_resched();
	}
	part_free(&p);
out:
	vexfs_window_free(&w);
	return err;
}

static int put_copied(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_put *req,
		      u32 *at)
{
	size_t bytes = vexfs_vector_bytes(c, req->format);
	struct part p;
	int err;

	err = part_alloc(&p, op, c, bytes, req->attrs && c->attr_size, req->count);
	if (err)
		return err;
	while (*at < req->count && !err) {
		u32 n = min(p.n, req->count - *at);

		err = vexfs_op_cut(op, *at);
		if (!err)
			err = put_keys_in(c, op, req, &p, *at, n);
		if (!err)
			err = vexfs_copy_in(op, p.vectors, vexfs_user_at(req->vectors, *at, bytes),
					    n * bytes);
		if (!err)
			err = put_part(c, op, req, &p, NULL, at, n);
		cond_resched();
	}
	part_free(&p);
	return err;
}

static int put(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_put *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_WRITE);
	int err;

	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags & ~(VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE) ||
	    !(req->flags & VEXFS_PUT_UPSERT) || req->pad)
		return -EINVAL;
	err = batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_op_asked(op, req->priority, req->deadline_ns, req->count);
	err = put_seen(c, op, req, &req->tried);
	if (!err && req->tried < req->count)
		err = put_copied(c, op, req, &req->tried);
	op->items = req->tried;
	return vexfs_restart(err, req->tried);
}

long vexfs_do_put(struct file *file, void __user *arg)
{
	struct vexfs_put req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_PUT, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = put(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
	}
	vexfs_op_end(&op, err);
	return err;
}

/* ---- get ---- */

static int get_part(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_get *req,
		    struct part *p, u32 at, u32 n)
{
	size_t bytes = vexfs_vector_bytes(c, req->format);
	struct vexfs_get_part get = {
		.format = req->format,
		.n = n,
		.ids = p->ids,
		.vectors = p->vectors,
		.attrs = p->attrs,
		.errors = p->errors,
	};

	if (vexfs_copy_in(op, p->ids, vexfs_user_at(req->ids, at, sizeof(u64)), n * sizeof(u64)))
		return -EFAULT;
	vexfs_get_vectors(c, &get);
	req->done += get.done;
	if (get.done < n && !req->errors)
		return -ENOENT;
	if (p->vectors &&
	    vexfs_copy_out(op, vexfs_user_at(req->vectors, at, bytes), p->vectors, n * bytes))
		return -EFAULT;
	if (p->attrs && vexfs_copy_out(op, vexfs_user_at(req->attrs, at, c->attr_size), p->attrs,
				       (size_t)n * c->attr_size))
		return -EFAULT;
	if (req->errors && vexfs_copy_out(op, vexfs_user_at(req->errors, at, sizeof(s32)),
					  p->errors, n * sizeof(s32)))
		return -EFAULT;
	return 0;
}

static int get(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_get *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);
	struct part p;
	int err;

	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || req->pad)
		return -EINVAL;
	err = batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_op_asked(op, req->priority, req->deadline_ns, req->count);
	err = part_alloc(&p, op, c, req->vectors ? vexfs_vector_bytes(c, req->format) : 0,
			 req->attrs && c->attr_size, req->count);
	if (err)
		return err;
	req->seq = vexfs_seq(c);
	while (req->tried < req->count && !err) {
		u32 n = min(p.n, req->count - req->tried);

		err = vexfs_op_cut(op, req->tried);
		if (!err)
			err = get_part(c, op, req, &p, req->tried, n);
		if (!err)
			req->tried += n;
		cond_resched();
	}
	part_free(&p);
	return vexfs_restart(err, req->tried);
}

long vexfs_do_get(struct file *file, void __user *arg)
{
	struct vexfs_get req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_GET, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = get(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
	}
	vexfs_op_end(&op, err);
	return err;
}

/* ---- delete ---- */

static int delete_part(struct vexfs_collection *c, struct vexfs_op *op,
		       struct vexfs_delete *req, struct part *p, u32 *at)
{
	struct vexfs_mutation m = {
		.op = VEXFS_MUTATE_DELETE,
		.flags = req->flags,
		.ids = p->ids,
		.n = min(p->n, req->count - *at),
		.errors = p->errors,
		.stack = &op->stack,
	};
	int err;

	if (vexfs_copy_in(op, p->ids, vexfs_user_at(req->ids, *at, sizeof(u64)),
			  m.n * sizeof(u64)))
		return -EFAULT;
	err = vexfs_write_begin(c);
	if (err)
		return err;
	err = vexfs_mutate(c, &m);
	vexfs_write_end(c);
	req->done += m.done;
	req->seq = m.seq ?: req->seq;
	if (req->errors && vexfs_copy_out(op, vexfs_user_at(req->errors, *at, sizeof(s32)),
					  p->errors, m.tried * sizeof(s32)))
		err = -EFAULT;
	*at += m.tried;
	return err;
}

static int delete(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_delete *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_WRITE);
	struct part p;
	int err;

	static_assert(VEXFS_DELETE_CONTINUE != VEXFS_PUT_CONTINUE);
	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags & ~VEXFS_DELETE_CONTINUE)
		return -EINVAL;
	err = batch_valid(0, req->count, req->priority);
	if (err)
		return err;
	vexfs_op_asked(op, req->priority, req->deadline_ns, req->count);
	err = part_alloc(&p, op, c, 0, false, req->count);
	if (err)
		return err;
	while (req->tried < req->count && !err) {
		err = vexfs_op_cut(op, req->tried);
		if (!err)
			err = delete_part(c, op, req, &p, &req->tried);
		cond_resched();
	}
	part_free(&p);
	op->items = req->tried;
	return vexfs_restart(err, req->tried);
}

long vexfs_do_delete(struct file *file, void __user *arg)
{
	struct vexfs_delete req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DELETE, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = delete(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
	}
	vexfs_op_end(&op, err);
	return err;
}

/* ---- queries ---- */

int vexfs_queries_in(struct vexfs_collection *c, struct vexfs_op *op, u32 format, u64 user,
		     u32 n, void *rows, u32 *aux)
{
	size_t bytes = vexfs_vector_bytes(c, format);
	struct part p;
	u32 at, m;
	int err;

	err = part_alloc(&p, op, c, bytes, false, n);
	if (err)
		return err;
	for (at = 0; at < n && !err; at += m) {
		m = min(p.n, n - at);
		err = vexfs_copy_in(op, p.vectors, vexfs_user_at(user, at, bytes), m * bytes);
		if (!err)
			err = vexfs_vector_import(c, format, rows + (size_t)at * c->space.stride,
						  aux + at, p.vectors, m, NULL);
		cond_resched();
	}
	part_free(&p);
	return err;
}

int vexfs_queries_by_id(struct vexfs_collection *c, struct vexfs_op *op, u64 user, u32 n,
			u64 *ids, void *rows, u32 *aux)
{
	u32 i;
	int err;

	err = vexfs_copy_in(op, ids, vexfs_user(user), n * sizeof(u64));
	for (i = 0; i < n && !err; i++)
		err = vexfs_row_by_id(c, ids[i], rows + (size_t)i * c->space.stride, aux + i);
	return err;
}

/* ---- distance ---- */

static int distance_part(struct vexfs_collection *c, struct vexfs_op *op,
			 struct vexfs_distance *req, struct part *p, u32 at, u32 n,
			 const void *q, u32 q_aux)
{
	u32 *distances = p->vectors;
	int found;

	if (vexfs_copy_in(op, p->ids, vexfs_user_at(req->ids, at, sizeof(u64)), n * sizeof(u64)))
		return -EFAULT;
	found = vexfs_distances(c, op, q, q_aux, p->ids, n, distances, p->errors);
	if (found < 0)
		return found;
	req->done += found;
	if (found < n && !req->errors)
		return -ENOENT;
	if (vexfs_copy_out(op, vexfs_user_at(req->distances, at, sizeof(u32)), distances,
			   n * sizeof(u32)))
		return -EFAULT;
	if (req->errors && vexfs_copy_out(op, vexfs_user_at(req->errors, at, sizeof(s32)),
					  p->errors, n * sizeof(s32)))
		return -EFAULT;
	return 0;
}

static int distance_from(struct vexfs_collection *c, struct vexfs_op *op,
			 struct vexfs_distance *req, void *q)
{
	struct part p;
	u32 q_aux;
	u64 id;
	int err;

	req->seq = vexfs_seq(c);
	if (req->flags & VEXFS_QUERY_BY_ID)
		err = vexfs_queries_by_id(c, op, req->query, 1, &id, q, &q_aux);
	else
		err = vexfs_queries_in(c, op, req->format, req->query, 1, q, &q_aux);
	if (err)
		return err;
	err = part_alloc(&p, op, c, sizeof(u32), false, req->count);
	if (err)
		return err;
	while (req->tried < req->count && !err) {
		u32 n = min(p.n, req->count - req->tried);

		err = vexfs_op_cut(op, req->tried);
		if (!err)
			err = distance_part(c, op, req, &p, req->tried, n, q, q_aux);
		if (!err)
			req->tried += n;
		cond_resched();
	}
	part_free(&p);
	return vexfs_restart(err, req->tried);
}

static int distance(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_distance *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);
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
	err = batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_op_asked(op, req->priority, req->deadline_ns, req->count);
	if (!vexfs_scratch_get(&row, &op->stack, local, sizeof(local), c->space.stride,
			       VEXFS_GFP_USER))
		return -ENOMEM;
	err = distance_from(c, op, req, row.p);
	vexfs_scratch_put(&row);
	return err;
}

long vexfs_do_distance(struct file *file, void __user *arg)
{
	struct vexfs_distance req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DISTANCE, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		err = distance(file->private_data, &op, &req);
		req.kernel_ns = vexfs_op_ns(&op);
		if (vexfs_request_out(&req, sizeof(req), arg, req.size))
			err = -EFAULT;
	}
	vexfs_op_end(&op, err);
	return err;
}

/* ---- walk ---- */

static int walk_part(struct vexfs_collection *c, struct vexfs_op *op, struct vexfs_walk *req,
		     struct part *p, u32 at, u32 room, struct vexfs_walk_part *walk)
{
	size_t bytes = vexfs_vector_bytes(c, req->format);

	walk->format = req->format;
	walk->room = room;
	walk->slots = p->slots;
	walk->ids = p->ids;
	walk->vectors = p->vectors;
	walk->attrs = p->attrs;
	vexfs_walk_vectors(c, walk);
	if (vexfs_copy_out(op, vexfs_user_at(req->ids, at, sizeof(u64)), p->ids,
			   walk->n * sizeof(u64)))
		return -EFAULT;
	if (p->vectors && vexfs_copy_out(op, vexfs_user_at(req->vectors, at, bytes), p->vectors,
					 walk->n * bytes))
		return -EFAULT;
	if (p->attrs && vexfs_copy_out(op, vexfs_user_at(req->attrs, at, c->attr_size), p->attrs,
				       (size_t)walk->n * c->attr_size))
		return -EFAULT;
	return 0;
}

static int walk(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_walk *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);
	struct vexfs_walk_part w = {
		.walk = { .part = req->cursor, .position = req->position, .seq = req->seq },
	};
	u32 room = req->count, at = 0;
	struct part p;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || req->cursor >= VEXFS_IDWALK_END)
		return -EINVAL;
	err = batch_valid(req->format, room, 0);
	if (err)
		return err;
	err = part_alloc(&p, op, c, req->vectors ? vexfs_vector_bytes(c, req->format) : 0,
			 req->attrs && c->attr_size, room);
	if (err)
		return err;
	while (at < room && w.walk.part != VEXFS_IDWALK_END && !err) {
		err = walk_part(c, op, req, &p, at, min(p.n, room - at), &w);
		at += w.n;
		/* what has been written so far is a good answer */
		if (!err && vexfs_op_interrupted(op))
			break;
		cond_resched();
	}
	part_free(&p);
	if (err)
		return err;
	op->items = at;
	req->count = at;
	req->cursor = w.walk.part % VEXFS_IDWALK_END;
	req->position = w.walk.position;
	req->seq = w.walk.seq;
	return 0;
}

long vexfs_do_walk(struct file *file, void __user *arg)
{
	struct vexfs_walk req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_WALK, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = walk(file->private_data, &op, &req);
	if (!err)
		err = vexfs_request_out(&req, sizeof(req), arg, req.size);
	vexfs_op_end(&op, err);
	return err;
}
