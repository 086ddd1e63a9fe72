// SPDX-License-Identifier: GPL-2.0
/*
 * Common parts of requests: copying the structure in and out, the collection of the client,
 * signals.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "data/request.h"

/* A structure of another size than this kernel's. */
static noinline int request_read_other(struct vexfs_request *r, size_t size)
{
	u32 user_size;
	int err;

	if (get_user(user_size, (const u32 __user *)r->arg))
		return -EFAULT;
	if (user_size < sizeof(user_size))
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&r->h, size, r->arg, user_size);
	/* another thread may have written to it since */
	r->h.size = user_size;
	r->arg_size = user_size;
	return err;
}

int vexfs_request_read(struct vexfs_request *r, size_t size)
{
	u64 start = r->op.timed ? vexfs_clock() : 0;
	int err = 0;

	/* one copy for all who know the structure as it is here; others may have no more memory */
	r->arg_size = size;
	if (copy_from_user(&r->h, r->arg, size) || r->h.size != size)
		err = request_read_other(r, size);
	if (unlikely(r->op.timed))
		vexfs_timed_add(in_ns, start);
	return err;
}

int vexfs_request_write(struct vexfs_request *r, size_t size)
{
	size = min_t(size_t, size, r->arg_size);
	if (unlikely(r->op.timed))
		return vexfs_copy_out_timed((uintptr_t)r->arg, &r->h, size);
	return copy_to_user(r->arg, &r->h, size) ? -EFAULT : 0;
}

int vexfs_copy_in_timed(void *dst, u64 from, size_t n)
{
	u64 start = vexfs_clock();
	int err = copy_from_user(dst, u64_to_user_ptr(from), n) ? -EFAULT : 0;

	vexfs_timed_add(in_ns, start);
	return err;
}

int vexfs_copy_out_timed(u64 to, const void *src, size_t n)
{
	u64 start = vexfs_clock();
	int err = copy_to_user(u64_to_user_ptr(to), src, n) ? -EFAULT : 0;

	vexfs_timed_add(out_ns, start);
	return err;
}

int vexfs_request_interrupted(struct vexfs_request *r)
{
	/* nonblocking requests are short, and a signal must not send them to a worker */
	if (!(r->flags & VEXFS_REQUEST_NONBLOCK) && signal_pending(current))
		return -EINTR;
	return vexfs_op_expired(&r->op);
}

int vexfs_request_give_way(struct vexfs_request *r)
{
	int err;

	do {
		if (r->flags & VEXFS_REQUEST_NONBLOCK)
			return -EAGAIN;
		vexfs_direct_pause(&r->direct);
		err = vexfs_request_kernel(r) ? 0 : vexfs_request_interrupted(r);
	} while (!err && vexfs_direct_waits(&r->direct));
	return err;
}

int vexfs_client_attach(struct vexfs_client *client, struct vexfs_collection *c, u32 may)
{
	int err = 0;

	mutex_lock(&client->lock);
	if (client->c || client->storage)
		err = -EBUSY;
	else
		err = vexfs_gate_open(&client->gate, vexfs_collection_serial(c));
	if (!err) {
		client->may = may;
		/* who sees @c sees @may */
		smp_store_release(&client->c, c);
	}
	mutex_unlock(&client->lock);
	return err;
}

struct vexfs_collection *vexfs_client_collection(const struct vexfs_client *client, u32 may)
{
	/* pairs with the release in vexfs_client_attach() */
	struct vexfs_collection *c = smp_load_acquire(&client->c);

	if (!c)
		return ERR_PTR(-ENOTCONN);
	if (may & ~client->may)
		return ERR_PTR(-EACCES);
	if (vexfs_collection_dropped(c))
		return ERR_PTR(-ENOENT);
	return c;
}
