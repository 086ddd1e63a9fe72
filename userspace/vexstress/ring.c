// SPDX-License-Identifier: GPL-2.0
/*
 * Transport by io_uring. System calls and rings are written out, so that nothing else need be
 * installed: an entry is a few words, and so is an answer.
 */
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
	int fd;
	unsigned int entries;
	/* rings, shared with the kernel */
	void *map;
	size_t map_size;
	unsigned int *sq_head, *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_cqe *cqes;
	struct io_uring_sqe *sqes;
	size_t sqes_size;
};

static int ring_enter(struct ring *r, unsigned int submit, unsigned int min, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(timeout_ns / 1000000000u),
		.tv_nsec = (long long)(timeout_ns % 1000000000u),
	};
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	unsigned int flags = min ? IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG : 0;

	return (int)syscall(__NR_io_uring_enter, r->fd, submit, min, flags, min ? &arg : NULL,
			    min ? sizeof(arg) : 0);
}

static void ring_free(struct ring *r)
{
	if (r->sqes)
		munmap(r->sqes, r->sqes_size);
	if (r->map)
		munmap(r->map, r->map_size);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static void ring_close(struct vx_worker *w)
{
	ring_free(w->transport);
	w->transport = NULL;
}

static int ring_map(struct ring *r, const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	char *base;
	void *sqes;

	/* One mapping for both rings since 5.4. */
	r->map_size = sq > cq ? sq : cq;
	base = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		    IORING_OFF_SQ_RING);
	if (base == MAP_FAILED)
		return -1;
	r->map = base;
	r->sqes_size = p->sq_entries * sizeof(*r->sqes);
	sqes = mmap(NULL, r->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		    IORING_OFF_SQES);
	if (sqes == MAP_FAILED)
		return -1;
	r->sqes = sqes;
	r->entries = p->sq_entries;
	r->sq_head = (unsigned int *)(base + p->sq_off.head);
	r->sq_tail = (unsigned int *)(base + p->sq_off.tail);
	r->sq_mask = (unsigned int *)(base + p->sq_off.ring_mask);
	r->sq_array = (unsigned int *)(base + p->sq_off.array);
	r->cq_head = (unsigned int *)(base + p->cq_off.head);
	r->cq_tail = (unsigned int *)(base + p->cq_off.tail);
	r->cq_mask = (unsigned int *)(base + p->cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(base + p->cq_off.cqes);
	return 0;
}

/* A ring of its own, or NULL with errno set. */
static struct ring *ring_new(unsigned int depth)
{
	struct io_uring_params p = { 0 };
	struct ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	r->fd = (int)syscall(__NR_io_uring_setup, depth, &p);
	if (r->fd >= 0 && !ring_map(r, &p))
		return r;
	err = errno;
	ring_free(r);
	errno = err;
	return NULL;
}

/* So many of @list as were taken; -errno when none was. */
static int push(struct ring *r, int fd, const struct vx_send *list, unsigned int n)
{
	unsigned int tail = *r->sq_tail, i;
	int took;

	if (n > r->entries)
		n = r->entries;
	for (i = 0; i < n; i++, tail++) {
		struct vexfs_uring cmd = { .arg = (uintptr_t)list[i].arg };
		unsigned int at = tail & *r->sq_mask;
		struct io_uring_sqe *sqe = &r->sqes[at];

		memset(sqe, 0, sizeof(*sqe));
		sqe->opcode = IORING_OP_URING_CMD;
		sqe->fd = fd;
		sqe->cmd_op = (uint32_t)list[i].cmd;
		sqe->user_data = list[i].user;
		memcpy(sqe->cmd, &cmd, sizeof(cmd));
		r->sq_array[at] = at;
	}
	__atomic_store_n(r->sq_tail, tail, __ATOMIC_RELEASE);
	took = ring_enter(r, n, 0, 0);
	if (took < 0)
		took = -errno;
	/* Taken back: the kernel looks at the ring only when it is entered. */
	if (took < (int)n)
		__atomic_store_n(r->sq_tail, tail - n + (took > 0 ? (unsigned int)took : 0),
				 __ATOMIC_RELEASE);
	return took ? took : -EAGAIN;
}

static int take(struct ring *r, struct vx_answer *list, unsigned int max)
{
	unsigned int head = *r->cq_head;
	unsigned int tail = __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE), n = 0;

	while (head != tail && n < max) {
		const struct io_uring_cqe *cqe = &r->cqes[head++ & *r->cq_mask];

		list[n].user = cqe->user_data;
		list[n++].err = cqe->res;
	}
	__atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
	return (int)n;
}

static int wait_and_take(struct ring *r, struct vx_answer *list, unsigned int max,
			 unsigned int min, uint64_t timeout_ns)
{
	int n = take(r, list, max);

	if (n || !timeout_ns)
		return n;
	if (ring_enter(r, 0, min, timeout_ns) < 0 && errno != ETIME && errno != EINTR &&
	    errno != EAGAIN && errno != EBUSY)
		return -errno;
	return take(r, list, max);
}

static bool ring_there(char *why, size_t size)
{
	struct vexfs_nop nop = { .size = sizeof(nop), .value = 1 };
	struct vx_send send = { .cmd = VEXFS_IOC_NOP, .arg = &nop };
	struct vx_answer answer = { 0 };
	int fd = open(vx_device(), O_RDWR | O_CLOEXEC), n = 0;
	struct ring *r = ring_new(1);

	if (fd < 0 || !r) {
		snprintf(why, size, "%s: %s", fd < 0 ? vx_device() : "io_uring", strerror(errno));
	} else {
		n = push(r, fd, &send, 1);
		if (n == 1)
			n = wait_and_take(r, &answer, 1, 1, 1000000000u);
		if (n == 1 && answer.err)
			n = answer.err;
		if (n != 1)
			snprintf(why, size, n == -EOPNOTSUPP ? "this module or kernel has no io_uring commands" :
				 "io_uring: %s", strerror(n < 0 ? -n : ETIME));
	}
	if (r)
		ring_free(r);
	if (fd >= 0)
		close(fd);
	return n == 1;
}

static int ring_open(struct vx_worker *w, unsigned int depth)
{
	w->transport = ring_new(depth);
	if (w->transport)
		return 0;
	snprintf(w->shared->message, sizeof(w->shared->message), "io_uring: %s", strerror(errno));
	return -1;
}

static int ring_send(struct vx_worker *w, const struct vx_send *list, unsigned int n)
{
	int took = push(w->transport, vexfs_fd(w->handle), list, n);

	return took == -EBUSY || took == -EINTR ? -EAGAIN : took;
}

static int ring_answers(struct vx_worker *w, struct vx_answer *list, unsigned int max,
			unsigned int min, uint64_t timeout_ns)
{
	return wait_and_take(w->transport, list, max, min, timeout_ns);
}

/* Each op is bounded by itself, and the end of the ring waits for what is left. */
static void ring_cancel(struct vx_worker *w)
{
	(void)w;
}

const struct vx_transport_ops vx_ring_transport = {
	.there = ring_there,
	.open = ring_open,
	.send = ring_send,
	.answers = ring_answers,
	.cancel = ring_cancel,
	.close = ring_close,
};
