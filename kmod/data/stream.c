// SPDX-License-Identifier: GPL-2.0
/*
 * Change streams and storage: their requests, read() and poll().
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "data/part.h"
#include "data/stream.h"
#include "index/rows.h"
#include "store/stream.h"

#define READ_CHANGES	16u	/* changes copied out at a time, on the stack */

/* The stream of a descriptor, or NULL. It stays until the descriptor is closed. */
static struct vexfs_cursor *client_cursor(const struct vexfs_client *client)
{
	/* pairs with vexfs_handle_stream() */
	return smp_load_acquire(&client->cursor);
}

void vexfs_client_end(struct vexfs_client *client)
{
	if (client->cursor)
		vexfs_cursor_close(client->cursor);
	if (client->storage)
		vexfs_storage_close();
}

/* ---- requests ---- */

int vexfs_handle_storage(struct vexfs_request *r)
{
	struct vexfs_client *client = r->client;
	struct vexfs_storage *req = &r->h.storage;
	int err = 0;

	if (req->flags)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&client->lock);
	if (client->c || client->storage)
		err = -EBUSY;
	else
		err = vexfs_storage_open();
	if (!err) {
		atomic64_set(&client->changes_read, vexfs_storage_changes());
		/* publishes changes_read; pairs with vexfs_stream_read() */
		smp_store_release(&client->storage, true);
	}
	mutex_unlock(&client->lock);
	req->instance = vexfs_storage_instance();
	req->changes = atomic64_read(&client->changes_read);
	return err;
}

int vexfs_handle_stream(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_stream_req *req = &r->h.stream;
	struct vexfs_client *client = r->client;
	struct vexfs_cursor *cur;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags & ~(VEXFS_STREAM_STORAGE | VEXFS_STREAM_FROM) || req->pad ||
	    (req->from && !(req->flags & VEXFS_STREAM_FROM)))
		return -EINVAL;
	if ((req->flags & VEXFS_STREAM_STORAGE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (mutex_lock_interruptible(&client->lock))
		return -EINTR;
	err = client->cursor ? -EBUSY : vexfs_cursor_open(c, req, &cur);
	if (!err)
		/* publishes the cursor; pairs with client_cursor() */
		smp_store_release(&client->cursor, cur);
	mutex_unlock(&client->lock);
	return err;
}

/* Copies the rows of @n changes out. @changes selects them; @p->ids is not used. */
static int rows_part(struct vexfs_request *r, struct vexfs_collection *c, struct vexfs_part *p,
		     struct vexfs_change *changes, u32 n)
{
	struct vexfs_rows *req = &r->h.rows;
	size_t bytes = vexfs_format_bytes(c, req->format);
	struct vexfs_rows_part rows = {
		.format = req->format,
		.n = n,
		.changes = changes,
		.vectors = p->vectors,
		.attrs = p->attrs,
		.errors = p->errors,
	};

	if (vexfs_copy_in(r, changes, vexfs_at(req->changes, req->tried, sizeof(*changes)),
			  n * sizeof(*changes)))
		return -EFAULT;
	vexfs_get_rows(c, &rows);
	req->done += rows.done;
	if (p->vectors && vexfs_copy_out(r, vexfs_at(req->vectors, req->tried, bytes), p->vectors,
					 n * bytes))
		return -EFAULT;
	if (p->attrs && vexfs_copy_out(r, vexfs_at(req->attrs, req->tried, c->attr_size), p->attrs,
				       (size_t)n * c->attr_size))
		return -EFAULT;
	if (req->errors && vexfs_copy_out(r, vexfs_at(req->errors, req->tried, sizeof(s32)),
					  p->errors, n * sizeof(s32)))
		return -EFAULT;
	return 0;
}

int vexfs_handle_rows(struct vexfs_request *r)
{
	/* a dropped collection is allowed, since its changes can still be read */
	struct vexfs_collection *c = smp_load_acquire(&r->client->c);
	struct vexfs_rows *req = &r->h.rows;
	struct vexfs_change *changes;
	struct vexfs_part p;
	int err;

	req->done = 0;
	req->tried = 0;
	if (req->flags)
		return -EINVAL;
	if (!client_cursor(r->client))
		return -ENOTCONN;
	err = vexfs_batch_valid(req->format, req->count, 0);
	if (err)
		return err;
	err = vexfs_part_alloc(&p, r, c, req->vectors ? vexfs_format_bytes(c, req->format) : 0,
			       req->attrs ? c->attr_size : 0, req->count);
	if (err)
		return err;
	changes = vexfs_op_alloc(&r->op, p.n * sizeof(*changes), VEXFS_GFP_USER);
	if (!changes)
		err = -ENOMEM;
	while (req->tried < req->count && !err) {
		u32 n = min(p.n, req->count - req->tried);

		err = vexfs_request_cut(r, req->tried);
		if (!err)
			err = rows_part(r, c, &p, changes, n);
		if (!err)
			req->tried += n;
		cond_resched();
	}
	vexfs_pool_free(changes, p.n * sizeof(*changes));
	vexfs_part_free(&p);
	r->op.items = req->tried;
	return vexfs_request_short(err, req->tried);
}

int vexfs_handle_ack(struct vexfs_request *r)
{
	struct vexfs_cursor *cur = client_cursor(r->client);

	return cur ? vexfs_cursor_ack(cur, r->h.ack.seq, r->h.ack.error) : -ENOTCONN;
}

int vexfs_handle_wait(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_wait *req = &r->h.wait;
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || req->seq > vexfs_seq(c))
		return -EINVAL;
	vexfs_request_op(r, 0, req->deadline_ns, 1);
	err = vexfs_durable_wait(c, req->seq, r->op.deadline_ns, true);
	req->durable = vexfs_durable(c);
	return err;
}

int vexfs_handle_restored(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_WRITE);
	int err;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (r->h.restored.flags)
		return -EINVAL;
	err = vexfs_collection_restored(c);
	r->h.restored.serial = c->serial;
	return err;
}

/* ---- reading ---- */

/* Copies out as many whole changes as exist and fit. -EAGAIN when there is none. */
static ssize_t changes_out(struct vexfs_cursor *cur, char __user *to, size_t len)
{
	struct vexfs_change buf[READ_CHANGES];
	size_t at = 0;

	while (len - at >= sizeof(buf[0])) {
		u32 room = min_t(size_t, (len - at) / sizeof(buf[0]), ARRAY_SIZE(buf));
		int n = vexfs_cursor_read(cur, buf, room);

		if (n <= 0)
			return at ?: n;
		/* the changes are consumed: as with a pipe, a bad address loses them */
		if (copy_to_user(to + at, buf, n * sizeof(buf[0])))
			return -EFAULT;
		at += n * sizeof(buf[0]);
		if (n < room || fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return at;
}

static ssize_t stream_read(struct file *file, struct vexfs_cursor *cur, char __user *to, size_t len)
{
	ssize_t n;

	if (len < sizeof(struct vexfs_change))
		return -EINVAL;
	for (;;) {
		n = changes_out(cur, to, len);
		if (n != -EAGAIN || (file->f_flags & O_NONBLOCK))
			return n;
		if (wait_event_freezable(*vexfs_cursor_news(cur), vexfs_cursor_ready(cur)))
			return -ERESTARTSYS;
	}
}

static bool storage_ready(struct vexfs_client *client)
{
	return vexfs_storage_changes() != atomic64_read(&client->changes_read);
}

static ssize_t storage_read(struct file *file, struct vexfs_client *client, char __user *to,
			    size_t len)
{
	u64 changes;

	if (len < sizeof(changes))
		return -EINVAL;
	while (!storage_ready(client)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_freezable(*vexfs_storage_news(), storage_ready(client)))
			return -ERESTARTSYS;
	}
	changes = vexfs_storage_changes();
	atomic64_set(&client->changes_read, changes);
	return copy_to_user(to, &changes, sizeof(changes)) ? -EFAULT : sizeof(changes);
}

ssize_t vexfs_stream_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct vexfs_client *client = file->private_data;
	struct vexfs_cursor *cur = client_cursor(client);

	if (cur)
		return stream_read(file, cur, to, len);
	/* pairs with vexfs_handle_storage() */
	if (smp_load_acquire(&client->storage))
		return storage_read(file, client, to, len);
	return -EINVAL;
}

__poll_t vexfs_stream_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vexfs_client *client = file->private_data;
	struct vexfs_cursor *cur = client_cursor(client);

	if (cur) {
		poll_wait(file, vexfs_cursor_news(cur), wait);
		if (READ_ONCE(cur->ended))
			return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
		return vexfs_cursor_ready(cur) ? EPOLLIN | EPOLLRDNORM : 0;
	}
	/* pairs with vexfs_handle_storage() */
	if (smp_load_acquire(&client->storage)) {
		poll_wait(file, vexfs_storage_news(), wait);
		return storage_ready(client) ? EPOLLIN | EPOLLRDNORM : 0;
	}
	/* same as for a device without a poll method */
	return DEFAULT_POLLMASK;
}
