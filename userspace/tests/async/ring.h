/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small io_uring without a library: entries go in one by one, and results come out in
 * the order in which they were posted. For one thread.
 */
#ifndef VEXFS_ASYNC_RING_H
#define VEXFS_ASYNC_RING_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/io_uring.h>
#include <linux/vexfs.h>

/**
 * struct ring - an io_uring
 * @fd: its descriptor
 * @entries: of the submission queue
 * @sqes: the entries
 * @sq_tail: where the next one goes
 * @sq_mask: of the places
 * @sq_array: which entry is in which place
 * @cq_head: the next result
 * @cq_tail: behind the last one
 * @cq_mask: of the places
 * @cqes: the results
 * @map: what was mapped: entries, queues
 * @bytes: how much of each
 */
struct ring {
	int fd;
	uint32_t entries;
	struct io_uring_sqe *sqes;
	uint32_t *sq_tail;
	uint32_t sq_mask;
	uint32_t *sq_array;
	uint32_t *cq_head;
	uint32_t *cq_tail;
	uint32_t cq_mask;
	struct io_uring_cqe *cqes;
	void *map[2];
	size_t bytes[2];
};

/* 0 or -errno: ENOSYS where the kernel has none, EPERM where it is switched off. */
static inline int ring_open(struct ring *r, uint32_t entries, uint32_t flags)
{
	struct io_uring_params p = { .flags = flags };
	size_t sq, cq;
	char *q;

	r->fd = (int)syscall(__NR_io_uring_setup, entries, &p);
	if (r->fd < 0)
		return -errno;
	sq = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	r->bytes[0] = p.sq_entries * sizeof(struct io_uring_sqe);
	r->bytes[1] = sq > cq ? sq : cq;
	r->map[0] = mmap(NULL, r->bytes[0], PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
			 IORING_OFF_SQES);
	r->map[1] = mmap(NULL, r->bytes[1], PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
			 IORING_OFF_SQ_RING);
	if (r->map[0] == MAP_FAILED || r->map[1] == MAP_FAILED ||
	    !(p.features & IORING_FEAT_SINGLE_MMAP)) {
		close(r->fd);
		return -ENOMEM;
	}
	q = r->map[1];
	r->entries = p.sq_entries;
	r->sqes = r->map[0];
	r->sq_tail = (uint32_t *)(q + p.sq_off.tail);
	r->sq_mask = *(uint32_t *)(q + p.sq_off.ring_mask);
	r->sq_array = (uint32_t *)(q + p.sq_off.array);
	r->cq_head = (uint32_t *)(q + p.cq_off.head);
	r->cq_tail = (uint32_t *)(q + p.cq_off.tail);
	r->cq_mask = *(uint32_t *)(q + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(q + p.cq_off.cqes);
	return 0;
}

static inline void ring_close(struct ring *r)
{
	munmap(r->map[0], r->bytes[0]);
	munmap(r->map[1], r->bytes[1]);
	close(r->fd);
}

/* The next entry, cleared. As many as there are in the queue before ring_enter(). */
static inline struct io_uring_sqe *ring_entry(struct ring *r)
{
	uint32_t tail = *r->sq_tail, at = tail & r->sq_mask;

	memset(&r->sqes[at], 0, sizeof(r->sqes[at]));
	r->sq_array[at] = at;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return &r->sqes[at];
}

/* An op of /dev/vexfs: @arg is the structure of the ioctl @op. */
static inline struct io_uring_sqe *ring_op(struct ring *r, int fd, uint32_t op, void *arg,
					   uint64_t user_data)
{
	struct io_uring_sqe *sqe = ring_entry(r);
	struct vexfs_uring cmd = { .arg = (uintptr_t)arg };

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = op;
	sqe->user_data = user_data;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	return sqe;
}

/* Submits @n entries and waits for @min results; how many were taken, or -errno. */
static inline int ring_enter(struct ring *r, uint32_t n, uint32_t min)
{
	int ret;

	do
		ret = (int)syscall(__NR_io_uring_enter, r->fd, n, min,
				   min ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
	while (ret < 0 && errno == EINTR && !n);
	return ret < 0 ? -errno : ret;
}

/* The next result, if there is one. */
static inline int ring_result(struct ring *r, uint64_t *user_data, int32_t *res)
{
	uint32_t head = *r->cq_head;
	const struct io_uring_cqe *cqe = &r->cqes[head & r->cq_mask];

	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		return 0;
	*user_data = cqe->user_data;
	*res = cqe->res;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return 1;
}

/* Waits for it; 0 or -errno. */
static inline int ring_wait(struct ring *r, uint64_t *user_data, int32_t *res)
{
	int err;

	while (!ring_result(r, user_data, res)) {
		err = ring_enter(r, 0, 1);
		if (err < 0)
			return err;
	}
	return 0;
}

#endif
