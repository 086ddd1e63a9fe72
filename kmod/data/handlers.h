/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The requests there are: one entry in one table for each, and one dispatcher. A new
 * request is a handler here and its entry in dispatch.c; a new interface calls the dispatcher.
 * Requests about asynchronous ops have a table of their own (async.c), since they lead to
 * this one.
 */
#ifndef _VEXFS_DATA_HANDLERS_H
#define _VEXFS_DATA_HANDLERS_H

#include "data/request.h"

struct file;
struct vm_area_struct;

#define VEXFS_HANDLER_OUT	(1u << 0)	/* writes its structure back when it succeeds */
#define VEXFS_HANDLER_OUT_ALWAYS (1u << 1)	/* ... and when it fails */
#define VEXFS_HANDLER_RESTART	(1u << 2)	/* after -EINTR nothing was changed: may be restarted */
#define VEXFS_HANDLER_WAITS	(1u << 3)	/* may wait long, for locks or for other tasks */
#define VEXFS_HANDLER_ASYNC	(1u << 4)	/* an op that need not be waited for */

/**
 * struct vexfs_handler - how one kind of request is served
 * @cmd: enum vexfs_ioctl
 * @size: bytes of its structure
 * @time_at: where in it the time spent inside goes; 0 for nowhere
 * @deadline_at: where its deadline is (u64); 0 for nowhere
 * @priority_at: where its priority is (u32); likewise
 * @count_at: where the number of its vectors or queries is (u32); likewise
 * @kind: enum vexfs_op_kind that it is counted as, unless the handler knows better
 * @flags: VEXFS_HANDLER_*
 * @handle: does it, with the structure in r->h. 0 or -errno
 */
struct vexfs_handler {
	u32 cmd;
	u16 size;
	u16 time_at;
	u16 deadline_at;
	u16 priority_at;
	u16 count_at;
	u8 kind;
	u8 flags;
	int (*handle)(struct vexfs_request *r);
};

/* The value of the structure at that offset; 0 when the offset is 0. */
static inline u64 vexfs_header_u64(const struct vexfs_request *r, u16 at)
{
	return at ? *(const u64 *)((const void *)&r->h + at) : 0;
}

static inline u32 vexfs_header_u32(const struct vexfs_request *r, u16 at)
{
	return at ? *(const u32 *)((const void *)&r->h + at) : 0;
}

/* The handler of an ioctl, or NULL. */
const struct vexfs_handler *vexfs_handler_find(u32 cmd);

/*
 * Serves a request whose handler, client, arg and flags are set: structure in, handler,
 * structure out, statistics. With VEXFS_REQUEST_KERNEL the structure is in r->h already,
 * and stays there; with VEXFS_REQUEST_READ it is there, and goes out. 0 or -errno; -EINTR of a handler with VEXFS_HANDLER_RESTART means that
 * the interface may start the request again. With VEXFS_REQUEST_NONBLOCK -EAGAIN: nothing was
 * done, and the request is to be served where it can wait.
 */
int vexfs_request_serve(struct vexfs_request *r);

int vexfs_handle_info(struct vexfs_request *r);
int vexfs_handle_create(struct vexfs_request *r);
int vexfs_handle_attach(struct vexfs_request *r);
int vexfs_handle_drop(struct vexfs_request *r);
int vexfs_handle_list(struct vexfs_request *r);
int vexfs_handle_stat(struct vexfs_request *r);
int vexfs_handle_set(struct vexfs_request *r);
int vexfs_handle_put(struct vexfs_request *r);
int vexfs_handle_get(struct vexfs_request *r);
int vexfs_handle_delete(struct vexfs_request *r);
int vexfs_handle_distance(struct vexfs_request *r);
int vexfs_handle_walk(struct vexfs_request *r);
int vexfs_handle_search(struct vexfs_request *r);
int vexfs_handle_classify(struct vexfs_request *r);
int vexfs_handle_index(struct vexfs_request *r);
int vexfs_handle_check(struct vexfs_request *r);
int vexfs_handle_graph_save(struct vexfs_request *r);
int vexfs_handle_graph_load(struct vexfs_request *r);
int vexfs_handle_served(struct vexfs_request *r);
int vexfs_handle_storage(struct vexfs_request *r);
int vexfs_handle_stream(struct vexfs_request *r);
int vexfs_handle_rows(struct vexfs_request *r);
int vexfs_handle_ack(struct vexfs_request *r);
int vexfs_handle_wait(struct vexfs_request *r);
int vexfs_handle_restored(struct vexfs_request *r);
int vexfs_handle_nop(struct vexfs_request *r);

int vexfs_rows_mmap(struct file *file, struct vm_area_struct *vma);

#endif
