// SPDX-License-Identifier: GPL-2.0
/*
 * Handles that let go of the device and come back (VEXFS_OPEN_REATTACH), and the call that all
 * requests of a handle go through.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/**
 * struct reattach - what a handle needs to come back
 * @lock: calls hold it for reading, who changes the descriptor for writing
 * @device: path of the device, or NULL
 * @opened: how often the descriptor was opened; changes with it
 */
struct reattach {
	pthread_rwlock_t lock;
	char *device;
	unsigned long opened;
};

struct reattach *vexfs_reattach_new(const char *device)
{
	struct reattach *again = calloc(1, sizeof(*again));
	pthread_rwlockattr_t attr;

	if (!again)
		return NULL;
	if (device) {
		again->device = strdup(device);
		if (!again->device) {
			free(again);
			return NULL;
		}
	}
	pthread_rwlockattr_init(&attr);
	/* Calls that follow each other without a pause would keep vexfs_let_go() waiting. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&again->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return again;
}

void vexfs_reattach_free(struct reattach *again)
{
	if (!again)
		return;
	pthread_rwlock_destroy(&again->lock);
	free(again->device);
	free(again);
}

static void let_go(struct vexfs *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

void vexfs_let_go(struct vexfs *h)
{
	if (!h->again)
		return;
	pthread_rwlock_wrlock(&h->again->lock);
	let_go(h);
	pthread_rwlock_unlock(&h->again->lock);
}

/* A new descriptor, unless another thread has opened one since @opened was read. */
static int come_back(struct vexfs *h, unsigned long opened)
{
	struct reattach *again = h->again;
	int e = 0;

	pthread_rwlock_wrlock(&again->lock);
	if (again->opened == opened) {
		let_go(h);
		e = vexfs_attach_again(h, again->device);
		again->opened += !e;
	}
	pthread_rwlock_unlock(&again->lock);
	return e;
}

/* Under the lock. STAT alone succeeds on a collection that has lost its name. */
static int call(const struct vexfs *h, unsigned long op, void *req, bool *dropped)
{
	struct vexfs_stat st = { .size = sizeof(st) };
	int e;

	*dropped = h->fd < 0;
	if (*dropped)
		return ENOENT;
	e = vexfs_call(h->fd, op, req);
	if (e == ENOENT)	/* -ENOENT may also mean an unknown id */
		*dropped = vexfs_call(h->fd, VEXFS_IOC_STAT, &st) ||
			   (st.flags & VEXFS_STAT_DROPPED);
	else if (!e && op == VEXFS_IOC_STAT)
		*dropped = ((struct vexfs_stat *)req)->flags & VEXFS_STAT_DROPPED;
	return e;
}

int vexfs_handle_call(const struct vexfs *handle, unsigned long op, void *req)
{
	/* constant but for the descriptor, which the lock is for */
	struct vexfs *h = (struct vexfs *)(uintptr_t)handle;
	struct reattach *again = h->again;
	struct vexfs_stat asked;
	int e;

	if (!again)
		return vexfs_call(h->fd, op, req);
	if (op == VEXFS_IOC_STAT)
		asked = *(struct vexfs_stat *)req;
	for (int drops = 0;;) {
		unsigned long opened;
		bool dropped;

		pthread_rwlock_rdlock(&again->lock);
		opened = again->opened;
		/* a handle that was let go is opened as often as that happens */
		drops += h->fd >= 0;
		e = call(h, op, req, &dropped);
		pthread_rwlock_unlock(&again->lock);
		if (!dropped || drops == 2)
			return e;
		e = come_back(h, opened);
		if (e)
			return e;
		if (op == VEXFS_IOC_STAT)
			*(struct vexfs_stat *)req = asked;
	}
}

int vexfs_handle_call_on(const struct vexfs *h, unsigned long op, void *req)
{
	int e;

	do
		e = vexfs_handle_call(h, op, req);
	while (e == EINTR);
	return e;
}
