// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at collections and changing their settings: list, stat, set, check,
 * and the requests that belong to an index. No vectors pass here.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "data/data.h"
#include "index/index.h"
#include "mem/pool.h"

/* ---- list ---- */

/* A row of the list, in as many bytes as the program's rows have. */
static int list_row(struct vexfs_collection *c, void __user *row, u32 row_bytes)
{
	struct vexfs_stat st;
	u32 known = min_t(u32, row_bytes, sizeof(st));

	vexfs_collection_stat(c, &st);
	st.layout_len = 0;
	if (copy_to_user(row, &st, known))
		return -EFAULT;
	return clear_user(row + known, row_bytes - known) ? -EFAULT : 0;
}

static int list(struct vexfs_op *op, struct vexfs_list *req)
{
	enum vexfs_see see = req->flags & VEXFS_LIST_ALL ? VEXFS_SEE_RUN : VEXFS_SEE_READABLE;
	u32 room = req->count, n = 0;
	u64 cursor = req->cursor;
	int err = 0;

	if (req->flags & ~VEXFS_LIST_ALL || req->stat_size < sizeof(u32))
		return -EINVAL;
	if (req->stat_size > PAGE_SIZE)
		return -E2BIG;
	if (!room)
		return -EINVAL;
	while (n < room && !err) {
		struct vexfs_collection *c = vexfs_collection_next(&cursor, see);

		if (!c) {
			cursor = 0;
			break;
		}
		err = list_row(c, vexfs_user_at(req->stats, n, req->stat_size), req->stat_size);
		vexfs_collection_put(c);
		n++;
		/* what has been written so far is a good answer */
		if (!err && vexfs_op_interrupted(op))
			break;
	}
	if (err)
		return err;
	op->items = n;
	req->count = n;
	req->cursor = cursor;
	return 0;
}

long vexfs_do_list(struct file *file, void __user *arg)
{
	struct vexfs_list req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_LIST, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = list(&op, &req);
	if (!err)
		err = vexfs_request_out(&req, sizeof(req), arg, req.size);
	vexfs_op_end(&op, err);
	return err;
}

/* ---- stat ---- */

static int stat(struct vexfs_session *s, struct vexfs_op *op, struct vexfs_stat *st)
{
	/* also says of a dropped collection that it is */
	struct vexfs_collection *c = smp_load_acquire(&s->c);
	u32 size = st->size, room = min(st->layout_len, VEXFS_LAYOUT_MAX);
	u64 layout = st->layout;
	void *buf;
	u32 len;
	int err = 0;

	if (!c)
		return -ENOTCONN;
	if (st->flags || st->pad0)
		return -EINVAL;
	vexfs_collection_stat(c, st);
	st->size = size;
	st->layout = layout;
	if (!layout || !room)
		return 0;
	buf = vexfs_op_alloc(op, VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
	if (!buf)
		return -ENOMEM;
	len = vexfs_collection_layout(c, buf, room);
	st->layout_len = len;
	err = vexfs_copy_out(op, vexfs_user(layout), buf, min(len, room));
	vexfs_pool_free(buf, VEXFS_LAYOUT_MAX);
	return err;
}

long vexfs_do_stat(struct file *file, void __user *arg)
{
	struct vexfs_stat st;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_INFO, 0, 0);
	err = vexfs_request_in(&st, sizeof(st), sizeof(st.size), arg);
	if (!err)
		err = stat(file->private_data, &op, &st);
	if (!err)
		err = vexfs_request_out(&st, sizeof(st), arg, st.size);
	vexfs_op_end(&op, err);
	return err;
}

/* ---- set ---- */

static int set(struct vexfs_session *s, struct vexfs_op *op, const struct vexfs_set *req)
{
	/* permission is checked against the collection's owner as it is now */
	struct vexfs_collection *c = vexfs_session_collection(s, 0);
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_SET, .set = req };
	const u32 known = VEXFS_SET_MODE | VEXFS_SET_UID | VEXFS_SET_GID | VEXFS_SET_CAPACITY |
			  VEXFS_SET_LAYOUT;
	void *layout = NULL;
	int err = 0;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (!req->what || req->what & ~known || req->pad || req->pad1)
		return -EINVAL;
	if ((req->what & VEXFS_SET_LAYOUT) && req->layout_len) {
		if (req->layout_len > VEXFS_LAYOUT_MAX)
			return -E2BIG;
		layout = vexfs_op_alloc(op, VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
		if (!layout)
			return -ENOMEM;
		err = vexfs_copy_in(op, layout, vexfs_user(req->layout), req->layout_len);
		m.set_layout = layout;
	}
	if (!err)
		err = vexfs_mutate(c, &m);
	vexfs_pool_free(layout, VEXFS_LAYOUT_MAX);
	return err;
}

long vexfs_do_set(struct file *file, void __user *arg)
{
	struct vexfs_set req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_SET, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = set(file->private_data, &op, &req);
	vexfs_op_end(&op, err);
	return err;
}

/* ---- check ---- */

static int check(struct vexfs_session *s, struct vexfs_check *req)
{
	struct vexfs_collection *c = vexfs_session_collection(s, VEXFS_MAY_READ);

	if (IS_ERR(c))
		return PTR_ERR(c);
	return req->flags ? -EINVAL : vexfs_check(c, req);
}

long vexfs_do_check(struct file *file, void __user *arg)
{
	struct vexfs_check req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_CHECK, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = check(file->private_data, &req);
	if (!err) {
		req.kernel_ns = vexfs_op_ns(&op);
		err = vexfs_request_out(&req, sizeof(req), arg, req.size);
	}
	err = vexfs_restart(err, 0);
	vexfs_op_end(&op, err);
	return err;
}

/* ---- index ---- */

long vexfs_do_index(struct file *file, void __user *arg)
{
	struct vexfs_index_req req;
	struct vexfs_collection *c;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_INDEX, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err) {
		c = vexfs_session_collection(file->private_data, VEXFS_MAY_WRITE);
		if (IS_ERR(c))
			err = PTR_ERR(c);
		else
			err = req.pad ? -EINVAL : vexfs_index_request(c, &req);
	}
	err = vexfs_restart(err, 0);
	vexfs_op_end(&op, err);
	return err;
}
