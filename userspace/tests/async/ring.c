// SPDX-License-Identifier: GPL-2.0
/*
 * Ops as commands of io_uring: right and wrong ones, cancelled, torn down, many at once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/async/async.h"
#include "tests/async/ring.h"

#define DEPTH	32u
#define ROUNDS	60u
#define K	3u

/* One op, alone: its result. */
static int one(struct ring *r, int fd, uint32_t op, void *arg, uint8_t flags)
{
	uint64_t data;
	int32_t res;

	ring_op(r, fd, op, arg, 77)->flags = flags;
	if (ring_enter(r, 1, 1) != 1 || ring_wait(r, &data, &res) || data != 77)
		return -1000;
	return res;
}

static void each(struct ring *r, int fd, uint8_t flags, const char *how)
{
	uint64_t id = 9100, found[2][K], walked[16];
	float v[DIM], back[DIM] = { 0 }, dist[2][K], apart = 1;
	struct vexfs_nop n = nop_of(11, 0);
	struct vexfs_put p = raw_put(&id, v, NULL, 1);
	struct vexfs_get g = {
		.size = sizeof(g), .count = 1, .ids = (uintptr_t)&id, .vectors = (uintptr_t)back,
	};
	struct vexfs_distance m = {
		.size = sizeof(m), .count = 1, .query = (uintptr_t)v, .ids = (uintptr_t)&id,
		.distances = (uintptr_t)&apart,
	};
	struct vexfs_walk w = { .size = sizeof(w), .count = 16, .ids = (uintptr_t)walked };
	struct vexfs_delete d = { .size = sizeof(d), .count = 1, .ids = (uintptr_t)&id };
	struct vexfs_search s = raw_search(v, 1, K, found[0], dist[0], NULL), plain = s;

	printf("# ops %s\n", how);
	p.size = sizeof(p);
	s.size = sizeof(s);
	plain.ids = (uintptr_t)found[1];
	plain.distances = (uintptr_t)dist[1];
	fill(v, id);
	is(one(r, fd, VEXFS_IOC_NOP, &n, flags), 0, "a nop");
	is((long)n.echo, 11, "says what it was told");
	is(one(r, fd, VEXFS_IOC_PUT, &p, flags), 0, "a put");
	is(p.done, 1, "stores its vector");
	is(one(r, fd, VEXFS_IOC_GET, &g, flags), 0, "a get");
	ok(g.done == 1 && !memcmp(v, back, sizeof(v)), "finds it");
	is(one(r, fd, VEXFS_IOC_DISTANCE, &m, flags), 0, "a distance");
	ok(apart == 0, "is 0");
	is(one(r, fd, VEXFS_IOC_WALK, &w, flags), 0, "a walk");
	is(w.count, 16, "gives the first vectors");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, flags), 0, "a search");
	RAW(fd, VEXFS_IOC_SEARCH, &plain);
	ok(s.found == K && !memcmp(found[0], found[1], sizeof(found[0])) &&
	   !memcmp(dist[0], dist[1], sizeof(dist[0])), "is answered as by the ioctl");
	is(one(r, fd, VEXFS_IOC_DELETE, &d, flags), 0, "a delete");
	is(one(r, fd, VEXFS_IOC_GET, &g, flags), -ENOENT, "after which it has gone");
}

static void wrong_ops(struct ring *r, int fd)
{
	struct vexfs_nop n = nop_of(1, 0);
	struct vexfs_uring odd = { .arg = (uintptr_t)&n, .flags = 1 };
	struct vexfs_search s = raw_search((void *)(uintptr_t)WILD, 1, K, NULL, NULL, NULL);
	struct vexfs_submit sub = { .size = sizeof(sub) };
	struct io_uring_sqe *sqe;
	uint64_t data;
	int32_t res = 0;

	s.size = sizeof(s);
	is(one(r, fd, 0xbb7f, &n, 0), -ENOTTY, "an op that there is not");
	is(one(r, fd, 0, &n, 0), -ENOTTY, "nor that one");
	is(one(r, fd, VEXFS_IOC_STAT, &n, 0), -EOPNOTSUPP, "one that only an ioctl can do");
	is(one(r, fd, VEXFS_IOC_SUBMIT, &sub, 0), -EOPNOTSUPP, "nor can one submit");
	is(one(r, fd, VEXFS_IOC_NOP, (void *)(uintptr_t)WILD, 0), -EFAULT, "a structure that is not there");
	is(one(r, fd, VEXFS_IOC_NOP, (void *)(uintptr_t)WILD, IOSQE_ASYNC), -EFAULT,
	   "nor for a worker");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, 0), -EFAULT, "queries that are not there");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, IOSQE_ASYNC), -EFAULT, "nor for a worker");
	n.size = 2;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -EINVAL, "a structure that is too short");
	n = nop_of(1, 0);
	n.priority = 9;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -EINVAL, "a priority that there is not");
	n = nop_of(1, 0);
	sqe = ring_op(r, fd, VEXFS_IOC_NOP, &n, 1);
	memcpy(sqe->cmd, &odd, sizeof(odd));
	ring_enter(r, 1, 1);
	ring_wait(r, &data, &res);
	is(res, -EINVAL, "flags of a command");
	sqe = ring_op(r, fd, VEXFS_IOC_NOP, &n, 1);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	ring_enter(r, 1, 1);
	ring_wait(r, &data, &res);
	ok(res < 0 && !n.echo, "a registered buffer: %d", res);
	n.deadline_ns = 1;
	n.hold_ns = LONG;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -ETIME, "a deadline that has passed");
	n = nop_of(3, 1000000);
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), 0, "an op that waits runs elsewhere");
	is((long)n.echo, 3, "to its end");
}

static void cancelling(struct ring *r, int fd)
{
	struct vexfs_nop n = nop_of(1, LONG);
	struct io_uring_sqe *sqe;
	uint64_t data;
	int32_t res, ended = 0, cancelled = -1;

	ring_op(r, fd, VEXFS_IOC_NOP, &n, 5);
	ring_enter(r, 1, 0);
	sqe = ring_entry(r);
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->addr = 5;
	sqe->user_data = 6;
	ring_enter(r, 1, 2);
	for (int i = 0; i < 2; i++) {
		if (ring_wait(r, &data, &res))
			break;
		*(data == 5 ? &ended : &cancelled) = res;
	}
	ok(ended == -EINTR || ended == -ECANCELED, "an op that is cancelled ends: %d", ended);
	ok(cancelled == 0 || cancelled == -EALREADY, "who cancels is told: %d", cancelled);
	ok(!n.echo, "it was in the middle");
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A process that has ops in flight, and then ends or is killed. */
static void torn(bool kills, const char *what)
{
	struct vexfs_nop n[8];
	double begun;
	int tube[2], status = 0;
	struct ring r;
	pid_t pid;
	char c;

	if (pipe(tube))
		return;
	pid = fork();
	if (!pid) {
		int fd = attach();

		if (ring_open(&r, 8, 0))
			_exit(1);
		for (uint32_t i = 0; i < 8; i++) {
			n[i] = nop_of(i, LONG);
			ring_op(&r, fd, VEXFS_IOC_NOP, &n[i], i);
		}
		c = ring_enter(&r, 8, 0) == 8;
		if (write(tube[1], &c, 1) != 1)
			_exit(1);
		if (kills)
			pause();
		_exit(0);
	}
	close(tube[1]);
	ok(read(tube[0], &c, 1) == 1 && c, "%s", what);
	begun = seconds();
	if (kills)
		kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && (kills ? WIFSIGNALED(status) : !status),
	   "its process goes");
	ok(seconds() - begun < 8, "soon");
	close(tube[0]);
}

static void closing(int fd)
{
	struct vexfs_nop n = nop_of(1, 50000000), kept = nop_of(2, LONG);
	uint64_t data;
	struct ring r;
	int32_t res = -1;
	double begun;
	int other = attach();

	ring_open(&r, 8, 0);
	ring_op(&r, other, VEXFS_IOC_NOP, &n, 1);
	ring_enter(&r, 1, 0);
	close(other);
	ring_wait(&r, &data, &res);
	ok(!res && n.echo == 1, "an op outlives its descriptor");
	ring_op(&r, fd, VEXFS_IOC_NOP, &kept, 1);
	ring_enter(&r, 1, 0);
	begun = seconds();
	ring_close(&r);
	ok(seconds() - begun < 5, "a ring is closed with an op in flight");
}

struct op {
	union {
		struct vexfs_nop nop;
		struct vexfs_get get;
		struct vexfs_search search;
	} r;
	float v[DIM];
	uint64_t id;
	uint64_t ids[K];
	float distances[K];
	uint32_t cmd;
};

static void prepare(struct ring *r, int fd, struct op *op, uint32_t dice)
{
	memset(op, 0, sizeof(*op));
	op->id = dice % VECTORS;
	switch (dice / VECTORS % 3) {
	case 0:
		op->cmd = VEXFS_IOC_NOP;
		op->r.nop = nop_of(op->id, dice & 1 ? 0 : 10000);
		break;
	case 1:
		op->cmd = VEXFS_IOC_GET;
		op->r.get = (struct vexfs_get) {
			.size = sizeof(op->r.get), .count = 1, .ids = (uintptr_t)&op->id,
			.vectors = (uintptr_t)op->v,
		};
		break;
	default:
		op->cmd = VEXFS_IOC_SEARCH;
		fill(op->v, op->id);
		op->r.search = raw_search(op->v, 1, K, op->ids, op->distances, NULL);
		op->r.search.size = sizeof(op->r.search);
	}
	ring_op(r, fd, op->cmd, &op->r, (uintptr_t)op)->flags = dice & 2 ? IOSQE_ASYNC : 0;
}

static bool right(const struct op *op)
{
	float v[DIM];

	fill(v, op->id);
	if (op->cmd == VEXFS_IOC_NOP)
		return op->r.nop.echo == op->id;
	if (op->cmd == VEXFS_IOC_GET)
		return op->r.get.done == 1 && !memcmp(op->v, v, sizeof(v));
	return op->r.search.found == K && op->ids[0] == op->id && op->distances[0] == 0;
}

static void storm(struct ring *r, int fd)
{
	struct op *ops = calloc(DEPTH, sizeof(*ops));
	uint32_t wrong = 0, seed = 1;
	uint64_t data;
	int32_t res;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < DEPTH; i++) {
			seed = seed * 1664525 + 1013904223;
			prepare(r, fd, &ops[i], seed >> 8);
		}
		wrong += ring_enter(r, DEPTH, 1) != (int)DEPTH;
		for (uint32_t i = 0; i < DEPTH; i++) {
			if (ring_wait(r, &data, &res)) {
				wrong++;
				break;
			}
			wrong += res || !right((struct op *)(uintptr_t)data);
		}
	}
	is(wrong, 0, "a storm of ops, each answer right");
	free(ops);
}

void rings(void)
{
	struct ring r;
	int fd = attach(), err = ring_open(&r, DEPTH, 0);

	if (err) {
		skip("io_uring", "the kernel has none, or it is switched off");
		close(fd);
		return;
	}
	each(&r, fd, 0, "at once");
	each(&r, fd, IOSQE_ASYNC, "by a worker");
	wrong_ops(&r, fd);
	cancelling(&r, fd);
	closing(fd);
	torn(false, "a process with commands in flight ends");
	torn(true, "a process with commands in flight is killed");
	storm(&r, fd);
	ring_close(&r);
	close(fd);
}
