// SPDX-License-Identifier: GPL-2.0
/*
 * The door of VEXFS_IOC_SUBMIT and VEXFS_IOC_REAP.
 */
#include "door.h"

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
	struct queue *q = w->door;

	free(q->list);
	free(q->got);
	free(q);
	w->door = NULL;
}

static int queue_open(struct vx_worker *w, unsigned int depth)
{
	struct queue *q = calloc(1, sizeof(*q));

	w->door = q;
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
	struct vexfs_submit submit = { .size = sizeof(submit), .count = n };
	struct queue *q = w->door;
	unsigned int i;

	for (i = 0; i < n; i++) {
		q->list[i].user_data = list[i].user;
		q->list[i].cmd = (uint32_t)list[i].cmd;
		q->list[i].arg = (uintptr_t)list[i].arg;
		q->list[i].flags = 0;
	}
	submit.entries = (uintptr_t)q->list;
	if (!ioctl(vexfs_fd(w->handle), VEXFS_IOC_SUBMIT, &submit) || submit.done)
		return (int)submit.done;
	return errno == EBUSY || errno == EINTR ? -EAGAIN : -errno;
}

static int queue_answers(struct vx_worker *w, struct vx_answer *list, unsigned int max,
			 unsigned int min, uint64_t timeout_ns)
{
	struct vexfs_reap reap = { .size = sizeof(reap), .min = timeout_ns ? min : 0,
				   .timeout_ns = timeout_ns };
	struct queue *q = w->door;
	uint32_t i;

	reap.max = max < q->depth ? max : q->depth;
	reap.completions = (uintptr_t)q->got;
	if (ioctl(vexfs_fd(w->handle), VEXFS_IOC_REAP, &reap) && !reap.got)
		return errno == ETIME || errno == EINTR || errno == EAGAIN ? 0 : -errno;
	for (i = 0; i < reap.got; i++) {
		list[i].user = q->got[i].user_data;
		list[i].err = q->got[i].res;
	}
	return (int)reap.got;
}

static void queue_cancel(struct vx_worker *w)
{
	struct vexfs_cancel cancel = { .size = sizeof(cancel), .flags = VEXFS_CANCEL_ALL };

	/* What cannot be cancelled comes to its end by itself. */
	(void)ioctl(vexfs_fd(w->handle), VEXFS_IOC_CANCEL, &cancel);
}

const struct vx_door_ops vx_queue_door = {
	.there = queue_there,
	.open = queue_open,
	.send = queue_send,
	.answers = queue_answers,
	.cancel = queue_cancel,
	.close = queue_close,
};
