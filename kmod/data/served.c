// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that a mount has answered itself, for the statistics. The mount reports them; the report
 * counts only if the caller holds the descriptor of a FUSE file system that is mounted, since any
 * program could report anything.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "mem/pool.h"

/* 0 when @fd is the descriptor of a FUSE file system that is mounted. */
static int serves_mount(int fd)
{
	struct file *file = fget(fd);
	int err = 0;

	if (!file)
		return -EBADF;
	if (!S_ISCHR(file_inode(file)->i_mode) ||
	    file_inode(file)->i_rdev != MKDEV(MISC_MAJOR, FUSE_MINOR))
		err = -EBADF;
	/* The error of FUSE for a descriptor without a connection, and for an aborted one. */
	else if (vfs_poll(file, NULL) & EPOLLERR)
		err = -ENOTCONN;
	fput(file);
	return err;
}

static int ops_valid(const struct vexfs_served_op *ops, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (ops[i].ns > VEXFS_SERVED_NS_MAX || ops[i].error > 0 ||
		    ops[i].error < -MAX_ERRNO || ops[i].pad)
			return -EINVAL;
	return 0;
}

int vexfs_handle_served(struct vexfs_request *r)
{
	const struct vexfs_served *req = &r->h.served;
	struct vexfs_served_op *ops;
	size_t bytes;
	u32 i;
	int err;

	/* The descriptor is one of the caller's, so there is nothing here for the kernel. */
	if (vexfs_request_kernel(r))
		return -EOPNOTSUPP;
	if (!req->count || req->pad)
		return -EINVAL;
	if (req->count > VEXFS_SERVED_MAX)
		return -E2BIG;
	err = serves_mount(req->fuse);
	if (err)
		return err;
	bytes = req->count * sizeof(*ops);
	ops = vexfs_op_alloc(&r->op, bytes, VEXFS_GFP_USER);
	if (!ops)
		return -ENOMEM;
	err = vexfs_copy_in(r, ops, req->ops, bytes) ?: ops_valid(ops, req->count);
	for (i = 0; i < req->count && !err; i++)
		vexfs_op_record(VEXFS_OP_FUSE, ops[i].ns, ops[i].error);
	vexfs_pool_free(ops, bytes);
	return err;
}
