// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vexfs: opening, closing, and ioctls as an interface to the handlers. A descriptor is
 * attached to one collection and keeps what it was allowed then, like a file's: passing
 * it on passes that on.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "data/async.h"
#include "data/data.h"
#include "data/handlers.h"
#include "data/node.h"
#include "data/stream.h"
#include "data/uring.h"

/* Access that the open mode of the descriptor allows. */
static u32 device_may(const struct file *file)
{
	return (file->f_mode & FMODE_READ ? VEXFS_MAY_READ : 0) |
	       (file->f_mode & FMODE_WRITE ? VEXFS_MAY_WRITE : 0);
}

static int device_open(struct inode *inode, struct file *file)
{
	struct vexfs_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);

	if (!client)
		return -ENOMEM;
	mutex_init(&client->lock);
	client->opened = device_may(file);
	client->cred = get_cred(file->f_cred);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

/*
 * The end of a process ends its ops, also where another one has the descriptor: its memory would
 * stay for as long as they run.
 */
static int device_flush(struct file *file, fl_owner_t owner)
{
	if (current->flags & PF_EXITING)
		vexfs_async_disown(file->private_data, owner);
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct vexfs_client *client = file->private_data;

	vexfs_async_end(client);
	vexfs_client_end(client);
	vexfs_gate_close(&client->gate);
	if (client->c)
		vexfs_collection_put(client->c);
	put_cred(client->cred);
	kfree(client);
	return 0;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct vexfs_handler *handler = vexfs_handler_find(cmd) ?: vexfs_async_find(cmd);
	struct vexfs_request r;
	int err;

	if (!handler)
		return -ENOTTY;
	vexfs_request_init(&r, handler, file->private_data, (void __user *)arg, 0);
	err = vexfs_request_serve(&r);
	/*
	 * Nothing has changed: the kernel may start it again when the signal was handled. Not with
	 * a deadline, which would begin anew: with signals that come often it would never pass.
	 */
	if (err == -EINTR && (handler->flags & VEXFS_HANDLER_RESTART) && !r.op.deadline_ns)
		err = -ERESTARTSYS;
	return err;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.flush = device_flush,
	.release = device_release,
	.read = vexfs_stream_read,
	.poll = vexfs_stream_poll,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = vexfs_uring_cmd,
	.mmap = vexfs_rows_mmap,
	.llseek = noop_llseek,
};

int vexfs_data_init(void)
{
	/* the ABI is the same for 32-bit programs: nothing may depend on their alignment */
	static_assert(sizeof(struct vexfs_info) == 80);
	static_assert(sizeof(struct vexfs_create) == 152);
	static_assert(sizeof(struct vexfs_stat) == 224);
	static_assert(sizeof(struct vexfs_drop) == 80);
	static_assert(sizeof(struct vexfs_put) == 96);
	static_assert(sizeof(struct vexfs_get) == 88);
	static_assert(sizeof(struct vexfs_delete) == 64);
	static_assert(sizeof(struct vexfs_distance) == 88);
	static_assert(sizeof(struct vexfs_walk) == 64);
	static_assert(sizeof(struct vexfs_search) == 152);
	static_assert(sizeof(struct vexfs_classify) == 96);
	static_assert(sizeof(struct vexfs_served) == 24);
	static_assert(sizeof(struct vexfs_served_op) == 16);
	static_assert(sizeof(struct vexfs_stream_req) == 32);
	static_assert(sizeof(struct vexfs_change) == 32);
	static_assert(sizeof(struct vexfs_rows) == 56);
	static_assert(sizeof(struct vexfs_wait) == 32);
	static_assert(sizeof(struct vexfs_uring) == 16);
	static_assert(sizeof(struct vexfs_submission) == 24);
	static_assert(sizeof(struct vexfs_submit) == 24);
	static_assert(sizeof(struct vexfs_completion) == 32);
	static_assert(sizeof(struct vexfs_reap) == 48);
	static_assert(sizeof(struct vexfs_cancel) == 24);
	static_assert(sizeof(struct vexfs_eventfd) == 16);
	static_assert(sizeof(struct vexfs_nop) == 56);

	return vexfs_node_add(&device_fops);
}

void vexfs_data_exit(void)
{
	vexfs_node_del();
}
