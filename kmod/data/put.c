// SPDX-License-Identifier: GPL-2.0
/*
 * Put and delete. A put of many vectors reads them in the program's own pages where it
 * can, and copies them otherwise.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "data/part.h"
#include "data/window.h"
#include "index/vector.h"
#include "mem/pool.h"
#include "store/stream.h"

/* Vectors that an index takes in or out in one part while others may be more urgent. */
#define BRIEF_VECTORS	32u

/* How many of @n vectors that are left go into the next part. */
static u32 next_part(const struct vexfs_request *r, const struct vexfs_collection *c,
		     const struct vexfs_part *p, u32 n)
{
	if (rcu_access_pointer(c->index) && vexfs_direct_brief(&r->direct))
		n = min(n, BRIEF_VECTORS);
	return min(p->n, n);
}

/* ---- put ---- */

static void put_busy(void *direct, bool busy)
{
	vexfs_direct_busy(direct, busy);
}

/* Copies the next part in, without its vectors. */
static int put_next(struct vexfs_request *r, struct vexfs_collection *c, struct vexfs_part *p,
		    struct vexfs_put_part *put)
{
	struct vexfs_put *req = &r->h.put;
	u32 at = req->tried, n = next_part(r, c, p, req->count - at);

	*put = (struct vexfs_put_part){
		.flags = req->flags,
		.format = req->format,
		.n = n,
		.errors = p->errors,
		.stack = &r->op.stack,
		.deadline_ns = r->op.deadline_ns,
		.nowait = r->flags & VEXFS_REQUEST_NONBLOCK,
		.busy = r->direct.priority == VEXFS_PRIORITY_HIGH ? put_busy : NULL,
		.arg = &r->direct,
	};
	put->ids = vexfs_read_at(r, p->ids, vexfs_at(req->ids, at, sizeof(u64)), n * sizeof(u64));
	if (IS_ERR(put->ids))
		return PTR_ERR(put->ids);
	if (req->attrs && c->attr_size)
		put->attrs = vexfs_read_at(r, p->attrs, vexfs_at(req->attrs, at, c->attr_size),
					   (size_t)n * c->attr_size);
	if (IS_ERR(put->attrs) || !p->seqs)
		return PTR_ERR_OR_ZERO(put->attrs);
	put->seqs = vexfs_read_at(r, p->seqs, vexfs_at(req->seqs, at, sizeof(u64)),
				  n * sizeof(u64));
	return IS_ERR(put->seqs) ? PTR_ERR(put->seqs) : vexfs_restore_seqs_valid(c, put->seqs, n);
}

/* Allocates room for the sequence numbers of a part, if the request has any. */
static int seqs_alloc(struct vexfs_request *r, struct vexfs_part *p)
{
	if (!(r->h.put.flags & VEXFS_PUT_SEQS))
		return 0;
	p->seqs = vexfs_op_alloc(&r->op, p->n * sizeof(u64), VEXFS_GFP_USER);
	return p->seqs ? 0 : -ENOMEM;
}

static void put_part_free(struct vexfs_part *p)
{
	vexfs_pool_free(p->seqs, p->n * sizeof(u64));
	vexfs_part_free(p);
}

static int put_part(struct vexfs_request *r, struct vexfs_collection *c,
		    struct vexfs_put_part *put)
{
	struct vexfs_put *req = &r->h.put;
	int err;

	err = vexfs_put_vectors(c, put);
	req->done += put->done;
	req->seq = put->seq ?: req->seq;
	if (req->errors && vexfs_copy_out(r, vexfs_at(req->errors, req->tried, sizeof(s32)),
					  put->errors, put->tried * sizeof(s32)))
		err = -EFAULT;
	req->tried += put->tried;
	return err;
}

/*
 * Reads the vectors where they lie, as far as that goes: req->tried says how far. An index
 * takes so long that it makes no difference.
 */
static int put_in_place(struct vexfs_request *r, struct vexfs_collection *c)
{
	struct vexfs_put *req = &r->h.put;
	size_t bytes = vexfs_format_bytes(c, req->format);
	u32 n = vexfs_window_vectors(bytes, req->count);
	struct vexfs_put_part put;
	struct vexfs_window w;
	struct vexfs_part p;
	int err = 0;

	if (!n || vexfs_request_kernel(r) || !vexfs_vector_as_is(c, req->format) ||
	    rcu_access_pointer(c->index))
		return 0;
	/* with too little memory for a window, smaller copies may still fit */
	if (vexfs_window_alloc(&w, &r->op, bytes, n))
		return 0;
	if (vexfs_part_alloc_n(&p, r, 0, req->attrs ? c->attr_size : 0, n))
		goto out;
	err = seqs_alloc(r, &p);
	while (req->tried < req->count && !err) {
		err = vexfs_request_next(r, req->tried);
		if (!err)
			err = put_next(r, c, &p, &put);
		if (err || vexfs_window_open(&w, &r->op, vexfs_at(req->vectors, req->tried, bytes),
					     put.n))
			break;
		put.paged = &w.paged;
		err = put_part(r, c, &put);
		vexfs_window_close(&w);
		cond_resched();
	}
	put_part_free(&p);
out:
	vexfs_window_free(&w);
	return err;
}

static int put_copied(struct vexfs_request *r, struct vexfs_collection *c)
{
	struct vexfs_put *req = &r->h.put;
	size_t bytes = vexfs_format_bytes(c, req->format);
	struct vexfs_put_part put;
	struct vexfs_part p;
	int err;

	err = vexfs_part_alloc(&p, r, c, bytes, req->attrs ? c->attr_size : 0, req->count);
	if (err)
		return err;
	err = seqs_alloc(r, &p);
	while (req->tried < req->count && !err) {
		err = vexfs_request_next(r, req->tried);
		if (!err)
			err = put_next(r, c, &p, &put);
		if (!err) {
			put.vectors = vexfs_read_at(r, p.vectors,
						    vexfs_at(req->vectors, req->tried, bytes),
						    put.n * bytes);
			err = PTR_ERR_OR_ZERO(put.vectors);
		}
		if (!err)
			err = put_part(r, c, &put);
		cond_resched();
	}
	put_part_free(&p);
	return err;
}

/* Only vectors of a collection that is being restored have sequence numbers. */
static int put_flags_valid(const struct vexfs_put *req, const struct vexfs_collection *c)
{
	u32 how = req->flags & VEXFS_PUT_UPSERT;
	bool seqs = req->flags & VEXFS_PUT_SEQS;

	if (req->flags & ~(VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE | VEXFS_PUT_SEQS) || !how ||
	    req->pad || seqs != !!req->seqs || seqs != READ_ONCE(c->restoring))
		return -EINVAL;
	return seqs && how != VEXFS_PUT_INSERT ? -EINVAL : 0;
}

/*
 * The answer waits until what has been done is durable, also when the rest was refused;
 * where that fails, it is what the caller must know.
 */
static int request_durable(struct vexfs_request *r, struct vexfs_collection *c, u64 seq, int err)
{
	int lost = 0;

	/* without waiting, changes were made while the collection was not durable */
	if (seq && !(r->flags & VEXFS_REQUEST_NONBLOCK))
		lost = vexfs_durable_wait(c, seq, r->op.deadline_ns, false);
	return lost ?: err;
}

int vexfs_handle_put(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_WRITE);
	struct vexfs_put *req = &r->h.put;
	int err;

	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	err = put_flags_valid(req, c) ?:
	      vexfs_batch_valid(req->format, req->count, req->priority);
	if (err)
		return err;
	vexfs_request_direct(r, req->priority, req->deadline_ns, req->count);
	err = put_in_place(r, c);
	if (!err && req->tried < req->count)
		err = put_copied(r, c);
	r->op.items = req->tried;
	return request_durable(r, c, req->seq, vexfs_request_short(err, req->tried));
}

/* ---- delete ---- */

static int delete_part(struct vexfs_request *r, struct vexfs_collection *c, struct vexfs_part *p)
{
	struct vexfs_delete *req = &r->h.delete;
	u32 at = req->tried;
	struct vexfs_mutation m = {
		.op = VEXFS_MUTATE_DELETE,
		.flags = req->flags,
		.n = next_part(r, c, p, req->count - at),
		.errors = p->errors,
		.stack = &r->op.stack,
	};
	int err;

	m.ids = vexfs_read_at(r, p->ids, vexfs_at(req->ids, at, sizeof(u64)), m.n * sizeof(u64));
	if (IS_ERR(m.ids))
		return PTR_ERR(m.ids);
	err = (r->flags & VEXFS_REQUEST_NONBLOCK) && !at ?
		      vexfs_write_try(c) : vexfs_write_begin(c, m.n, r->op.deadline_ns);
	if (err)
		return err;
	vexfs_direct_busy(&r->direct, true);
	err = vexfs_mutate(c, &m);
	vexfs_direct_busy(&r->direct, false);
	vexfs_write_end(c, m.n - m.done);
	req->done += m.done;
	req->seq = m.seq ?: req->seq;
	if (req->errors && vexfs_copy_out(r, vexfs_at(req->errors, at, sizeof(s32)), p->errors,
					  m.tried * sizeof(s32)))
		err = -EFAULT;
	req->tried += m.tried;
	return err;
}

int vexfs_handle_delete(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_WRITE);
	struct vexfs_delete *req = &r->h.delete;
	struct vexfs_part p;
	int err;

	/* the store has one field for the flags of put and delete */
	static_assert(VEXFS_DELETE_CONTINUE != VEXFS_PUT_CONTINUE);
	req->done = 0;
	req->tried = 0;
	req->seq = 0;
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags & ~VEXFS_DELETE_CONTINUE || READ_ONCE(c->restoring))
		return -EINVAL;
	err = vexfs_batch_valid(0, req->count, req->priority);
	if (err)
		return err;
	vexfs_request_direct(r, req->priority, req->deadline_ns, req->count);
	err = vexfs_part_alloc(&p, r, c, 0, 0, req->count);
	if (err)
		return err;
	while (req->tried < req->count && !err) {
		err = vexfs_request_next(r, req->tried);
		if (!err)
			err = delete_part(r, c, &p);
		cond_resched();
	}
	vexfs_part_free(&p);
	r->op.items = req->tried;
	return request_durable(r, c, req->seq, vexfs_request_short(err, req->tried));
}
