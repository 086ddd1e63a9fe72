/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces by which a worker has many ops in flight: it sends several ops at a
 * time and receives completions.
 */
#ifndef VEXSTRESS_TRANSPORT_H
#define VEXSTRESS_TRANSPORT_H

#include "vexstress.h"

/* An op to send. @user is returned with its completion. */
struct vx_send {
	uint64_t user;
	unsigned long cmd;
	void *arg;
};

/* @err: 0 or -errno. */
struct vx_answer {
	uint64_t user;
	int err;
};

/**
 * struct vx_transport_ops - methods of one interface; its state is w->transport
 * @there: true when module and kernel support it; otherwise @why has the reason
 * @open: opens it for at most @depth ops at a time; 0, or -1 with shared->message set
 * @send: the first so many of @list were taken; -errno when none was, -EAGAIN when that is
 *	for lack of room
 * @answers: waits up to @timeout_ns for @min at least, and gives those there are; -errno when
 *	it is broken, never for want of answers
 * @cancel: asks for everything to end soon
 * @close: nothing is under way any more
 */
struct vx_transport_ops {
	bool (*there)(char *why, size_t size);
	int (*open)(struct vx_worker *w, unsigned int depth);
	int (*send)(struct vx_worker *w, const struct vx_send *list, unsigned int n);
	int (*answers)(struct vx_worker *w, struct vx_answer *list, unsigned int max,
		       unsigned int min, uint64_t timeout_ns);
	void (*cancel)(struct vx_worker *w);
	void (*close)(struct vx_worker *w);
};

extern const struct vx_transport_ops vx_queue_transport;	/* queue.c */
extern const struct vx_transport_ops vx_ring_transport;	/* ring.c */

static inline const char *vx_device(void)
{
	return vx_set.device ? vx_set.device : "/dev/vexfs";
}

/* NULL for plain system calls. */
static inline const struct vx_transport_ops *vx_transport_of(const struct vx_workload *wl)
{
	return wl->transport == VX_QUEUE ? &vx_queue_transport : wl->transport == VX_RING ? &vx_ring_transport : NULL;
}

#endif
