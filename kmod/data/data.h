/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the data plane tell each other: a descriptor's session, how
 * requests come in and go out, and the handlers by ioctl. This room is the only
 * one that touches user pointers.
 */
#ifndef _VEXFS_DATA_H
#define _VEXFS_DATA_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "index/vector.h"
#include "stat/op.h"
#include "store/store.h"

struct file;
struct vm_area_struct;

/**
 * struct vexfs_session - an open descriptor
 * @lock: attaching
 * @c: the collection it means; set once, with release, and referenced until the
 *	descriptor is closed
 * @may: VEXFS_MAY_*, constant once @c is set
 */
struct vexfs_session {
	struct mutex lock;
	struct vexfs_collection *c;
	u32 may;
};

/*
 * Reads a request of whatever size the program has into @req of @size bytes. -EINVAL
 * when it is smaller than @least bytes (the first that must be there), -E2BIG
 * when it has something that this kernel does not know.
 */
int vexfs_request_in(void *req, size_t size, size_t least, const void __user *arg);
/* Writes back as much as the program has room for; req's first u32 is its size. */
int vexfs_request_out(const void *req, size_t size, void __user *arg, u32 user_size);

static inline void __user *vexfs_user(u64 p)
{
	return u64_to_user_ptr(p);
}

/*
 * The pointer of element @i of an array in user memory; NULL stays NULL. Overflow
 * makes an address that the copy refuses.
 */
static inline void __user *vexfs_user_at(u64 p, u64 i, size_t bytes)
{
	return p ? vexfs_user(p + i * bytes) : NULL;
}

/*
 * After a signal: an op that has got nowhere may be started again by the kernel when the
 * signal has been handled. One that has decided the first @tried of its vectors succeeds,
 * like a short write(2), so that they are not asked for again.
 */
static inline int vexfs_restart(int err, u32 tried)
{
	if (err != -EINTR)
		return err;
	return tried ? 0 : -ERESTARTSYS;
}

/* What a request says about its op, once it has been read. */
static inline void vexfs_op_asked(struct vexfs_op *op, u32 priority, u64 deadline_ns, u32 items)
{
	op->priority = priority;
	op->items = items;
	if (deadline_ns)
		op->deadline_ns = vexfs_op_deadline(deadline_ns);
}

/*
 * A signal or the deadline, for loops over parts of a request: -EINTR, -ETIME.
 */
int vexfs_op_interrupted(struct vexfs_op *op);
/*
 * The same, for ops that succeed with the first @tried of their vectors: some are, in
 * each call, however fast signals come.
 */
static inline int vexfs_op_cut(struct vexfs_op *op, u32 tried)
{
	return tried ? vexfs_op_interrupted(op) : vexfs_op_expired(op);
}

static inline bool vexfs_priority_valid(u32 priority)
{
	return priority <= VEXFS_PRIORITY_LOW;
}

/* The collection the descriptor means, if it may do that; not counted. */
struct vexfs_collection *vexfs_session_collection(struct vexfs_session *s, u32 may);

/* Copies that count. */
static inline int vexfs_copy_in(struct vexfs_op *op, void *dst, const void __user *src, size_t n)
{
	op->bytes_in += n;
	return copy_from_user(dst, src, n) ? -EFAULT : 0;
}

static inline int vexfs_copy_out(struct vexfs_op *op, void __user *dst, const void *src, size_t n)
{
	op->bytes_out += n;
	return copy_to_user(dst, src, n) ? -EFAULT : 0;
}

#define VEXFS_WINDOW_LEAST	(64u << 10)	/* bytes of vectors that are worth a window */

/**
 * struct vexfs_window - some of the user's vectors, seen where they lie
 * @pages: addresses of the pages held
 * @held: how many
 * @paged: the vectors
 * @vector_bytes: of one
 * @bytes: of the memory that begins at @pages
 */
struct vexfs_window {
	void **pages;
	u32 held;
	struct vexfs_paged paged;
	size_t vector_bytes;
	size_t bytes;
};

/* How many of @count vectors a window is to show at once; 0: copy them instead. */
u32 vexfs_window_vectors(size_t bytes, u32 count);
/* Room for a window on up to @n vectors of @bytes. */
int vexfs_window_alloc(struct vexfs_window *w, struct vexfs_op *op, size_t bytes, u32 n);
void vexfs_window_free(struct vexfs_window *w);
/*
 * Opens it on @n vectors, until it is closed. -EFAULT where the memory is not there, or
 * is none that can be seen this way, which copying may be able to read. May sleep.
 */
int vexfs_window_open(struct vexfs_window *w, struct vexfs_op *op, const void __user *user, u32 n);
void vexfs_window_close(struct vexfs_window *w);

/* Reads @n vectors of @format into @rows, which are rows like any other. */
int vexfs_queries_in(struct vexfs_collection *c, struct vexfs_op *op, u32 format, u64 user,
		     u32 n, void *rows, u32 *aux);
/* Copies the rows of @n stored vectors; their ids go to @ids. -ENOENT. */
int vexfs_queries_by_id(struct vexfs_collection *c, struct vexfs_op *op, u64 user, u32 n,
			u64 *ids, void *rows, u32 *aux);

struct vexfs_filter;

/* The filter of a request: NULL when it has none, or an error pointer. */
struct vexfs_filter *vexfs_filter_in(struct vexfs_collection *c, struct vexfs_op *op, u64 user,
				     u32 len);

/*
 * Handlers: @arg is the user's structure. They do all of the request, the
 * account included.
 */
long vexfs_do_info(struct file *file, void __user *arg);
long vexfs_do_create(struct file *file, void __user *arg);
long vexfs_do_attach(struct file *file, void __user *arg);
long vexfs_do_drop(struct file *file, void __user *arg);
long vexfs_do_list(struct file *file, void __user *arg);
long vexfs_do_stat(struct file *file, void __user *arg);
long vexfs_do_set(struct file *file, void __user *arg);
long vexfs_do_put(struct file *file, void __user *arg);
long vexfs_do_get(struct file *file, void __user *arg);
long vexfs_do_delete(struct file *file, void __user *arg);
long vexfs_do_distance(struct file *file, void __user *arg);
long vexfs_do_walk(struct file *file, void __user *arg);
long vexfs_do_search(struct file *file, void __user *arg);
long vexfs_do_classify(struct file *file, void __user *arg);
long vexfs_do_index(struct file *file, void __user *arg);
long vexfs_do_check(struct file *file, void __user *arg);

int vexfs_rows_mmap(struct file *file, struct vm_area_struct *vma);

int vexfs_data_init(void);
void vexfs_data_exit(void);

#endif
