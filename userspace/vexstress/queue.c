// SPDX-License-Identifier: GPL-2.0
/*
 * Submit and reap, by libvexfs.
 */
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct queue {
	struct vexfs_submission *list;
	struct vexfs_completion *got;
	unsigned int depth;
};

static bool queue_there(char *why, size_t size)
{
	struct vexfs_cancel cancel = { .size = sizeof(cancel), .flags = VEXFS_CANCEL_ALL };
	int fd = open(vx_device(), O_RDWR | O_CLOEXEC), err;

	err = fd < 0 || ioctl(fd, VEXFS_IOC_CANCEL, &cancel) ? errno : 0;
	if (fd >= 0)
		close(fd);
	/* There is nothing to cancel, and that is what it says. */
	if (!err || err == ENOENT)
		return true;
	snprintf(why, size, "%s", err == ENOTTY ? "this module has no asynchronous ops" :
		 strerror(err));
	return false;
}

static void queue_close(struct vx_worker *w)
{
	struct queue *q = w->transport;

	free(q->list);
	free(q->got);
	free(q);
	w->transport = NULL;
}

static int queue_open(struct vx_worker *w, unsigned int depth)
{
	struct queue *q = calloc(1, sizeof(*q));

	w->transport = q;
	if (q) {
		q->depth = depth;
		q->list = calloc(depth, sizeof(*q->list));
		q->got = calloc(depth, sizeof(*q->got));
	}
	if (q && q->list && q->got)
		return 0;
	snprintf(w->shared->message, sizeof(w->shared->message), "no memory");
	return -1;
}

static int queue_send(struct vx_worker *w, const struct vx_send *list, unsigned int n)
{
	struct queue *q = w->transport;
	unsigned int i;
	ssize_t sent;

	for (i = 0; i < n; i++) {
		q->list[i].user_data = list[i].user;
		q->list[i].cmd = (uint32_t)list[i].cmd;
		q->list[i].arg = (uintptr_t)list[i].arg;
		q->list[i].flags = 0;
	}
	sent = vexfs_submit_many(w->handle, q->list, n, NULL);
	return sent == -EBUSY || sent == -EINTR ? -EAGAIN : (int)sent;
}

static int queue_answers(struct vx_worker *w, struct vx_answer *list, unsigned int max,
			 unsigned int min, uint64_t timeout_ns)
{
	struct queue *q = w->transport;
	ssize_t got, i;

	got = vexfs_reap(w->handle, q->got, max < q->depth ? max : q->depth, timeout_ns ? min : 0,
			 timeout_ns, NULL);
	if (got == -ETIME || got == -EINTR || got == -EAGAIN)
		return 0;
	for (i = 0; i < got; i++) {
		list[i].user = q->got[i].user_data;
		list[i].err = q->got[i].res;
	}
	return (int)got;
}

static void queue_cancel(struct vx_worker *w)
{
	/* Ops that cannot be cancelled end by themselves. */
	vexfs_cancel_all(w->handle, NULL);
}

const struct vx_transport_ops vx_queue_transport = {
	.there = queue_there,
	.open = queue_open,
	.send = queue_send,
	.answers = queue_answers,
	.cancel = queue_cancel,
	.close = queue_close,
};
