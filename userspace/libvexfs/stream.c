// SPDX-License-Identifier: GPL-2.0
/* Change streams of a collection, and waiting until changes are durable. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

int vexfs_do_stream(struct vexfs *h, struct vexfs_stream_req *req, struct vexfs_error *err)
{
	uint64_t from = req->from;
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call_on(h, VEXFS_IOC_STREAM, req);
	switch (e) {
	case 0:
		return 0;
	case EBUSY:
		if (req->flags & VEXFS_STREAM_STORAGE)
			return vexfs_fail(err, e, "stream: '%s' has storage already", h->name);
		return vexfs_fail(err, e, "stream: this handle of '%s' is a stream already", h->name);
	case EINVAL:
		if (req->flags & VEXFS_STREAM_FROM)
			return vexfs_fail(err, e, "stream: '%s' has not come to change %" PRIu64,
					  h->name, from);
		break;
	case EPERM:
		return vexfs_fail(err, e, "stream: only the storage daemon attaches as storage");
	case EOPNOTSUPP:
		return vexfs_fail(err, e, "stream: '%s' is not durable", h->name);
	}
	return vexfs_explain(h, err, e, "stream", 0);
}

ssize_t vexfs_read_changes(struct vexfs *h, struct vexfs_change *changes, size_t count,
			   int timeout_ms, struct vexfs_error *err)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	ssize_t n;
	int ready;

	vexfs_error_clear(err);
	if (!count)
		return vexfs_fail(err, EINVAL, "changes: room for none");
	ready = poll(&p, 1, timeout_ms);
	if (ready < 0)
		return vexfs_fail(err, errno, "changes of '%s': %s", h->name, strerror(errno));
	if (!ready)
		return vexfs_fail(err, EAGAIN, "changes of '%s': none came within %d ms", h->name,
				  timeout_ms);
	n = read(h->fd, changes, count * sizeof(*changes));
	if (n < 0 && errno == EINVAL)
		return vexfs_fail(err, EINVAL, "changes: this handle of '%s' is no stream", h->name);
	if (n < 0)
		return vexfs_fail(err, errno, "changes of '%s': %s", h->name, strerror(errno));
	return n / (ssize_t)sizeof(*changes);
}

/* A signal makes a request of the kernel end early, with the rows that it has read. */
static int read_rows(struct vexfs *h, struct vexfs_rows *req)
{
	struct vexfs_rows part;
	int e;

	req->done = req->tried = 0;
	do {
		part = *req;
		part.size = sizeof(part);
		part.count -= req->tried;
		part.changes = advance(req->changes, req->tried, sizeof(struct vexfs_change));
		part.vectors = advance(req->vectors, req->tried,
				       vexfs_vector_bytes(h, req->format));
		part.attrs = advance(req->attrs, req->tried, h->attr_size);
		part.errors = advance(req->errors, req->tried, sizeof(int32_t));
		part.done = part.tried = 0;
		e = vexfs_handle_call_on(h, VEXFS_IOC_ROWS, &part);
		req->done += part.done;
		req->tried += part.tried;
	} while (!e && req->tried < req->count);
	return e;
}

int vexfs_do_rows(struct vexfs *h, struct vexfs_rows *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = read_rows(h, req);
	if (!e)
		return 0;
	if (e == ENOTCONN)
		return vexfs_fail(err, e, "rows: this handle of '%s' is no stream", h->name);
	if (e == E2BIG)
		return vexfs_fail(err, e, "rows: %u changes: at most %u", req->count,
				  VEXFS_BATCH_MAX);
	return vexfs_explain(h, err, e, "rows", 0);
}

int vexfs_do_ack(struct vexfs *h, struct vexfs_ack *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call_on(h, VEXFS_IOC_ACK, req);
	if (!e)
		return 0;
	if (e == EINVAL)
		return vexfs_fail(err, e,
				  "acknowledge '%s': change %" PRIu64 " has not been read, or an earlier one was said before",
				  h->name, (uint64_t)req->seq);
	if (e == EPERM || e == ENOTCONN)
		return vexfs_fail(err, e, "acknowledge '%s': this handle is no storage", h->name);
	return vexfs_explain(h, err, e, "acknowledge", 0);
}

int vexfs_do_wait(struct vexfs *h, struct vexfs_wait *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call(h, VEXFS_IOC_WAIT, req);
	switch (e) {
	case 0:
		return 0;
	case EOPNOTSUPP:
		return vexfs_fail(err, e, "wait: '%s' is not durable", h->name);
	case EINVAL:
		return vexfs_fail(err, e, "wait: '%s' has not come to change %" PRIu64, h->name,
				  (uint64_t)req->seq);
	}
	return vexfs_explain(h, err, e, "wait", req->deadline_ns);
}

int vexfs_wait_durable(struct vexfs *h, uint64_t seq, uint64_t deadline_ns,
		       struct vexfs_error *err)
{
	struct vexfs_wait req = { .seq = seq, .deadline_ns = deadline_ns };

	return vexfs_do_wait(h, &req, err);
}
