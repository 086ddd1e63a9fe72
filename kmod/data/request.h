/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request: what one caller asks of one collection, whichever interface it came through: the
 * ioctls of /dev/vexfs, io_uring, the queue of a descriptor, or the kernel API. A handler sees only
 * the request. These files are the only ones of the module that touch user pointers.
 */
#ifndef _VEXFS_DATA_REQUEST_H
#define _VEXFS_DATA_REQUEST_H

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "bridge/direct.h"
#include "bridge/gate.h"
#include "stat/op.h"
#include "store/store.h"

struct cred;
struct vexfs_client_hit;
struct vexfs_cursor;
struct vexfs_handler;
struct vexfs_queue;

/**
 * struct vexfs_client - an open descriptor, or an open collection of the kernel API
 * @lock: held while it is attached
 * @c: the collection it means; set once, with release, and referenced until the
 *	client is closed
 * @may: VEXFS_MAY_*, constant once @c is set
 * @opened: VEXFS_MAY_* that it can be attached with; constant
 * @cursor: its change stream; set once, with release
 * @storage: it is the storage daemon's; likewise
 * @changes_read: what that has read last, see struct vexfs_storage
 * @cred: of whoever opened it; NULL in the kernel API
 * @queue: its asynchronous ops; set once, with release
 * @gate: where its ops wait; opened before @c is set
 */
struct vexfs_client {
	struct mutex lock;
	struct vexfs_collection *c;
	u32 may;
	u32 opened;
	struct vexfs_cursor *cursor;
	bool storage;
	atomic64_t changes_read;
	const struct cred *cred;
	struct vexfs_queue *queue;
	struct vexfs_gate_client gate;
};

/* The structure of a request; the handler's entry in the table says which one. */
union vexfs_header {
	u32 size;
	struct vexfs_info info;
	struct vexfs_create create;
	struct vexfs_attach attach;
	struct vexfs_drop drop;
	struct vexfs_list list;
	struct vexfs_stat stat;
	struct vexfs_set set;
	struct vexfs_put put;
	struct vexfs_get get;
	struct vexfs_delete delete;
	struct vexfs_distance distance;
	struct vexfs_walk walk;
	struct vexfs_search search;
	struct vexfs_classify classify;
	struct vexfs_index_req index;
	struct vexfs_check check;
	struct vexfs_served served;
	struct vexfs_graph_save graph_save;
	struct vexfs_graph_load graph_load;
	struct vexfs_storage storage;
	struct vexfs_stream_req stream;
	struct vexfs_rows rows;
	struct vexfs_ack ack;
	struct vexfs_wait wait;
	struct vexfs_restored restored;
	struct vexfs_submit submit;
	struct vexfs_reap reap;
	struct vexfs_cancel cancel;
	struct vexfs_eventfd eventfd;
	struct vexfs_nop nop;
};

#define VEXFS_REQUEST_KERNEL	(1u << 0)	/* addresses are the kernel's own */
#define VEXFS_REQUEST_NONBLOCK	(1u << 1)	/* -EAGAIN instead of a long wait */
#define VEXFS_REQUEST_READ	(1u << 2)	/* the caller's structure has been read */

/**
 * struct vexfs_request - one request
 * @handler: its entry in the table
 * @client: who asks
 * @arg: the caller's structure; NULL with VEXFS_REQUEST_KERNEL
 * @flags: VEXFS_REQUEST_*
 * @arg_size: bytes of the caller's structure
 * @attempts: how often it was tried before
 * @deadline_ns: when it is to give up, where the interface knows; 0: the header says, from now on
 * @hits: kernel API: where the results of a search go, instead of the header's addresses
 * @op: its statistics, deadline and stack mark
 * @direct: how it gives way, if it holds no slot
 * @h: the kernel's copy of the caller's structure
 */
struct vexfs_request {
	const struct vexfs_handler *handler;
	struct vexfs_client *client;
	void __user *arg;
	u32 flags;
	u32 arg_size;
	u32 attempts;
	u64 deadline_ns;
	struct vexfs_client_hit *hits;
	struct vexfs_op op;
	struct vexfs_direct direct;
	union vexfs_header h;
};

/* Initialises a request of @client; its structure is read later, from @arg or elsewhere. */
static inline void vexfs_request_init(struct vexfs_request *r, const struct vexfs_handler *handler,
				      struct vexfs_client *client, void __user *arg, u32 flags)
{
	r->handler = handler;
	r->client = client;
	r->arg = arg;
	r->flags = flags;
	r->attempts = 0;
	r->deadline_ns = 0;
	r->hits = NULL;
	/* the structure may be read before the op begins */
	r->op.timed = false;
	vexfs_direct_none(&r->direct);
}

static inline bool vexfs_request_kernel(const struct vexfs_request *r)
{
	return r->flags & VEXFS_REQUEST_KERNEL;
}

/*
 * Reads the caller's structure, of whatever size it is, as @size bytes. -EINVAL when it
 * has no size, -E2BIG when it has something that this kernel does not know.
 */
int vexfs_request_read(struct vexfs_request *r, size_t size);
/* Writes back as much of @size bytes as the caller has memory for. */
int vexfs_request_write(struct vexfs_request *r, size_t size);

/* Takes over the reference on @c when it succeeds. -EBUSY when there is one already; -ENOMEM. */
int vexfs_client_attach(struct vexfs_client *client, struct vexfs_collection *c, u32 may);
/*
 * The collection of the client, if its rights include @may, or an error pointer. Takes no
 * reference.
 */
struct vexfs_collection *vexfs_client_collection(const struct vexfs_client *client, u32 may);

/* Sets priority, deadline and number of items of the op. */
static inline void vexfs_request_op(struct vexfs_request *r, u32 priority, u64 deadline_ns,
				    u32 items)
{
	r->op.priority = priority;
	r->op.items = items;
	if (deadline_ns)
		r->op.deadline_ns = r->deadline_ns ?: vexfs_op_deadline(deadline_ns);
}

static inline bool vexfs_priority_valid(u32 priority)
{
	return priority <= VEXFS_PRIORITY_LOW;
}

/* The same for an op that holds no slot; its client is attached. */
static inline void vexfs_request_direct(struct vexfs_request *r, u32 priority, u64 deadline_ns,
					u32 items)
{
	vexfs_request_op(r, priority, deadline_ns, items);
	vexfs_direct_enter(&r->direct, &r->client->gate, priority);
}

/* For loops over the parts of a request: -EINTR after a signal, -ETIME after the deadline, or 0. */
int vexfs_request_interrupted(struct vexfs_request *r);

/*
 * The same for requests that may succeed with the first @tried of their vectors: each call handles
 * at least one part, however often signals arrive. Callers in the kernel set no deadline for these
 * and handle their signals themselves.
 */
static inline int vexfs_request_cut(struct vexfs_request *r, u32 tried)
{
	if (vexfs_request_kernel(r))
		return 0;
	return tried ? vexfs_request_interrupted(r) : vexfs_op_expired(&r->op);
}

/* Waits while ops of high priority have their turn. Slow path of vexfs_request_next(). */
int vexfs_request_give_way(struct vexfs_request *r);

/*
 * Before each part of a request that holds no slot, of which @tried vectors are decided: 0,
 * -EINTR, -ETIME; -EAGAIN for one that must not wait.
 */
static inline int vexfs_request_next(struct vexfs_request *r, u32 tried)
{
	int err = vexfs_request_cut(r, tried);

	return !err && vexfs_direct_waits(&r->direct) ? vexfs_request_give_way(r) : err;
}

/*
 * A request that has handled its first @tried vectors when a signal arrives succeeds, like a short
 * write(2), so that the caller does not repeat them.
 */
static inline int vexfs_request_short(int err, u32 tried)
{
	return err == -EINTR && tried ? 0 : err;
}

/* ---- the caller's memory ---- */

/*
 * The address of element @i of an array of the caller; 0 stays 0. An overflow makes an
 * address that the copy refuses.
 */
static inline u64 vexfs_at(u64 p, u64 i, size_t bytes)
{
	return p ? p + i * bytes : 0;
}

static inline void *vexfs_kernel_ptr(u64 p)
{
	return (void *)(uintptr_t)p;
}

/* Slow paths of the next two. */
int vexfs_copy_in_timed(void *dst, u64 from, size_t n);
int vexfs_copy_out_timed(u64 to, const void *src, size_t n);

/* Copies from and to the caller's memory; bytes of programs are counted. */
static inline int vexfs_copy_in(struct vexfs_request *r, void *dst, u64 from, size_t n)
{
	if (vexfs_request_kernel(r)) {
		memcpy(dst, vexfs_kernel_ptr(from), n);
		return 0;
	}
	r->op.bytes_in += n;
	if (unlikely(r->op.timed))
		return vexfs_copy_in_timed(dst, from, n);
	return copy_from_user(dst, u64_to_user_ptr(from), n) ? -EFAULT : 0;
}

static inline int vexfs_copy_out(struct vexfs_request *r, u64 to, const void *src, size_t n)
{
	if (vexfs_request_kernel(r)) {
		if (vexfs_kernel_ptr(to) != src)
			memcpy(vexfs_kernel_ptr(to), src, n);
		return 0;
	}
	r->op.bytes_out += n;
	if (unlikely(r->op.timed))
		return vexfs_copy_out_timed(to, src, n);
	return copy_to_user(u64_to_user_ptr(to), src, n) ? -EFAULT : 0;
}

/* Where @n bytes of the caller can be read: in place, or in @buf. An error pointer. */
static inline const void *vexfs_read_at(struct vexfs_request *r, void *buf, u64 from, size_t n)
{
	if (vexfs_request_kernel(r))
		return vexfs_kernel_ptr(from);
	return vexfs_copy_in(r, buf, from, n) ? ERR_PTR(-EFAULT) : buf;
}

/* Where to write what vexfs_copy_out() then brings to @to: there, or in @buf. */
static inline void *vexfs_write_at(struct vexfs_request *r, void *buf, u64 to)
{
	return vexfs_request_kernel(r) ? vexfs_kernel_ptr(to) : buf;
}

#endif
