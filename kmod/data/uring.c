// SPDX-License-Identifier: GPL-2.0
/*
 * Ops as commands of io_uring. What is short runs at once, as it would in an ioctl, but many of
 * them for one system call; what may take long, or would have to wait, goes to a worker of
 * io_uring, which has the submitter's memory, credentials, memory cgroup and processor time.
 * There searches meet at the gate of their collection, like those of any other caller.
 *
 * Registered buffers are not used: a request has addresses of its own in up to six places, and
 * a command can name one buffer.
 */
#include <linux/fs.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "compat/uring.h"
#include "data/async.h"
#include "data/handlers.h"
#include "data/uring.h"

/*
 * A command that runs at once delays the rest of its ring, so it should not take much longer than
 * passing it to a worker.
 */
#define QUICK_VECTORS	64u		/* that are looked up */
#define QUICK_BYTES	(128u << 10)	/* of vectors that are compared or copied */
/* Changes that are one part of a request: where that cannot begin, nothing was done. */
#define QUICK_CHANGES	32u
#define QUICK_CHANGED	(12u << 10)	/* bytes of their vectors and records */

/* Flags of a command that belong to the program; the others are the kernel's. */
#define URING_FLAGS	0x00ffffffu

static bool uring_quick(const struct vexfs_request *r)
{
	/* pairs with vexfs_client_attach() */
	const struct vexfs_collection *c = smp_load_acquire(&r->client->c);
	u64 n = vexfs_header_u32(r, r->handler->count_at);

	switch (r->handler->cmd) {
	case VEXFS_IOC_NOP:
		return !r->h.nop.hold_ns;
	case VEXFS_IOC_GET:
	case VEXFS_IOC_DISTANCE:
	case VEXFS_IOC_WALK:
		return n <= QUICK_VECTORS && (!c || n * c->space.stride <= QUICK_BYTES);
	case VEXFS_IOC_PUT:
	case VEXFS_IOC_DELETE:
		return !c || (n * (c->space.dim * sizeof(float) + c->attr_size) <= QUICK_CHANGED &&
			      n <= QUICK_CHANGES && !READ_ONCE(c->gated) &&
			      !rcu_access_pointer(c->index));
	case VEXFS_IOC_SEARCH:
		return !c || n * c->space.stride * vexfs_slots_end(c) <= QUICK_BYTES;
	default:
		return false;
	}
}

int vexfs_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct vexfs_uring *payload = vexfs_uring_payload(cmd);
	const struct vexfs_handler *h = vexfs_handler_find(cmd->cmd_op);
	/* once: the program may write to it */
	u64 arg = READ_ONCE(payload->arg);
	struct vexfs_request r;
	int err;

	if (!h || !(h->flags & VEXFS_HANDLER_ASYNC))
		return h || vexfs_async_find(cmd->cmd_op) ? -EOPNOTSUPP : -ENOTTY;
	if (READ_ONCE(payload->flags) || READ_ONCE(payload->pad) || (cmd->flags & URING_FLAGS))
		return -EINVAL;
	vexfs_request_init(&r, h, cmd->file->private_data, u64_to_user_ptr(arg), 0);
	if (issue_flags & IO_URING_F_NONBLOCK) {
		err = vexfs_request_read(&r, h->size);
		if (err)
			return err;
		if (!uring_quick(&r))
			return -EAGAIN;
		r.flags = VEXFS_REQUEST_NONBLOCK | VEXFS_REQUEST_READ;
	}
	return vexfs_request_serve(&r);
}
