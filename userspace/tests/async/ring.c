// SPDX-License-Identifier: GPL-2.0
/*
 * Ops as commands of io_uring: right and wrong ones, cancelled, torn down, many at once.
 */
#include <dirent.h>
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
	is(one(r, fd, VEXFS_IOC_NOP, &n, flags), 0, "nop");
	is((long)n.echo, 11, "nop: the value comes back");
	is(one(r, fd, VEXFS_IOC_PUT, &p, flags), 0, "put");
	is(p.done, 1, "put: one vector is stored");
	is(one(r, fd, VEXFS_IOC_GET, &g, flags), 0, "get");
	ok(g.done == 1 && !memcmp(v, back, sizeof(v)), "get: the vector is the one that was put");
	is(one(r, fd, VEXFS_IOC_DISTANCE, &m, flags), 0, "distance");
	ok(apart == 0, "distance of a vector to itself is 0");
	is(one(r, fd, VEXFS_IOC_WALK, &w, flags), 0, "walk");
	is(w.count, 16, "walk: the first ids");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, flags), 0, "search");
	RAW(fd, VEXFS_IOC_SEARCH, &plain);
	ok(s.found == K && !memcmp(found[0], found[1], sizeof(found[0])) &&
	   !memcmp(dist[0], dist[1], sizeof(dist[0])), "search: the same result as the ioctl");
	is(one(r, fd, VEXFS_IOC_DELETE, &d, flags), 0, "delete");
	is(one(r, fd, VEXFS_IOC_GET, &g, flags), -ENOENT, "get of a deleted vector fails");
}

/* As many as run inline, and more, which go to a worker. */
static void changes(struct ring *r, int fd)
{
	static const uint32_t counts[] = { 1, 32, 33, 300 };
	static float v[300 * DIM];
	uint64_t ids[300];
	int32_t errors[300];

	for (uint32_t i = 0; i < 300; i++) {
		ids[i] = 20000 + 7 * i;
		fill(v + i * DIM, ids[i]);
	}
	for (uint32_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		uint32_t n = counts[k], wrong = 0;
		struct vexfs_put p = raw_put(ids, v, NULL, n);
		struct vexfs_delete d = { .size = sizeof(d), .count = n, .ids = (uintptr_t)ids };

		p.size = sizeof(p);
		p.errors = (uintptr_t)errors;
		p.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE;
		wrong += one(r, fd, VEXFS_IOC_PUT, &p, 0) || p.done != n;
		ok(!wrong, "%u vectors are stored by one op", n);
		one(r, fd, VEXFS_IOC_PUT, &p, 0);
		for (uint32_t i = 0; i < n; i++)
			wrong += errors[i] != -EEXIST;
		ok(!wrong && !p.done, "%u vectors that exist are refused, each with its error", n);
		wrong = one(r, fd, VEXFS_IOC_DELETE, &d, 0) || d.done != n;
		wrong += one(r, fd, VEXFS_IOC_DELETE, &d, 0) != -ENOENT;
		ok(!wrong, "%u vectors are deleted by one op, and unknown then", n);
	}
}

/* Threads that io_uring has made for this process. */
static int ring_workers(void)
{
	DIR *d = opendir("/proc/self/task");
	char path[64], name[32];
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", e->d_name);
		f = fopen(path, "r");
		n += f && fgets(name, sizeof(name), f) && !strncmp(name, "iou-wrk", 7);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

/* In a process without workers: a bit for each op that was wrong or ran where it should not. */
static int run_inline(void)
{
	static float v[300 * DIM];
	static uint64_t ids[300];
	struct vexfs_put p = raw_put(ids, v, NULL, 32);
	struct vexfs_delete d = { .size = sizeof(d), .count = 32, .ids = (uintptr_t)ids };
	int fd = attach(), wrong = 0;
	struct ring r;

	for (uint32_t i = 0; i < 300; i++) {
		ids[i] = 30000 + i;
		fill(v + i * DIM, ids[i]);
	}
	p.size = sizeof(p);
	if (ring_open(&r, 8, 0))
		return 64;
	wrong |= one(&r, fd, VEXFS_IOC_PUT, &p, 0) || p.done != 32 || ring_workers() ? 1 : 0;
	wrong |= one(&r, fd, VEXFS_IOC_DELETE, &d, 0) || d.done != 32 || ring_workers() ? 2 : 0;
	p.count = 300;
	d.count = 300;
	wrong |= one(&r, fd, VEXFS_IOC_PUT, &p, 0) || p.done != 300 || !ring_workers() ? 4 : 0;
	wrong |= one(&r, fd, VEXFS_IOC_DELETE, &d, 0) || d.done != 300 ? 8 : 0;
	return wrong;
}

static void inline_changes(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(run_inline());
	waitpid(pid, &status, 0);
	is(status, 0, "32 vectors are stored and deleted inline, 300 by a worker");
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
	is(one(r, fd, 0xbb7f, &n, 0), -ENOTTY, "unknown op");
	is(one(r, fd, 0, &n, 0), -ENOTTY, "op 0");
	is(one(r, fd, VEXFS_IOC_STAT, &n, 0), -EOPNOTSUPP, "an op that is for ioctl only");
	is(one(r, fd, VEXFS_IOC_SUBMIT, &sub, 0), -EOPNOTSUPP, "submit is for ioctl only");
	is(one(r, fd, VEXFS_IOC_NOP, (void *)(uintptr_t)WILD, 0), -EFAULT, "structure at an invalid address");
	is(one(r, fd, VEXFS_IOC_NOP, (void *)(uintptr_t)WILD, IOSQE_ASYNC), -EFAULT,
	   "structure at an invalid address, with IOSQE_ASYNC");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, 0), -EFAULT, "queries at an invalid address");
	is(one(r, fd, VEXFS_IOC_SEARCH, &s, IOSQE_ASYNC), -EFAULT, "queries at an invalid address, with IOSQE_ASYNC");
	n.size = 2;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -EINVAL, "structure too short");
	n = nop_of(1, 0);
	n.priority = 9;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -EINVAL, "unknown priority");
	n = nop_of(1, 0);
	sqe = ring_op(r, fd, VEXFS_IOC_NOP, &n, 1);
	memcpy(sqe->cmd, &odd, sizeof(odd));
	ring_enter(r, 1, 1);
	ring_wait(r, &data, &res);
	is(res, -EINVAL, "unknown flags of the command");
	sqe = ring_op(r, fd, VEXFS_IOC_NOP, &n, 1);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	ring_enter(r, 1, 1);
	ring_wait(r, &data, &res);
	ok(res < 0 && !n.echo, "registered buffers are refused: %d", res);
	n.deadline_ns = 1;
	n.hold_ns = LONG;
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), -ETIME, "a deadline passes while the op runs");
	n = nop_of(3, 1000000);
	is(one(r, fd, VEXFS_IOC_NOP, &n, 0), 0, "an op that sleeps is run by a worker");
	is((long)n.echo, 3, "an op that sleeps runs to its end");
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
	ok(ended == -EINTR || ended == -ECANCELED, "a cancelled op ends: %d", ended);
	ok(cancelled == 0 || cancelled == -EALREADY, "IORING_OP_ASYNC_CANCEL has a result: %d", cancelled);
	ok(!n.echo, "a cancelled op has not written its result");
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
	   "%s: it can be waited for", what);
	ok(seconds() - begun < 8, "%s: within 8 s", what);
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
	ok(!res && n.echo == 1, "an op completes after its descriptor was closed");
	ring_op(&r, fd, VEXFS_IOC_NOP, &kept, 1);
	ring_enter(&r, 1, 0);
	begun = seconds();
	ring_close(&r);
	ok(seconds() - begun < 5, "a ring with an op in flight is closed within 5 s");
}

static void storm(struct ring *r, int fd)
{
	struct mixed_op *ops = calloc(DEPTH, sizeof(*ops));
	uint32_t wrong = 0, seed = 1;
	uint64_t data;
	int32_t res;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < DEPTH; i++) {
			mixed_op(&ops[i], &seed, 10000);
			ring_op(r, fd, ops[i].cmd, &ops[i].r, (uintptr_t)&ops[i])->flags =
				dice(&seed, 2) ? IOSQE_ASYNC : 0;
		}
		wrong += ring_enter(r, DEPTH, 1) != (int)DEPTH;
		for (uint32_t i = 0; i < DEPTH; i++) {
			if (ring_wait(r, &data, &res)) {
				wrong++;
				break;
			}
			wrong += res || !mixed_right((struct mixed_op *)(uintptr_t)data);
		}
	}
	is(wrong, 0, "random ops by io_uring: every result is right");
	free(ops);
}

void rings(void)
{
	struct ring r;
	int fd = attach(), err = ring_open(&r, DEPTH, 0);

	if (err) {
		skip("io_uring", "this kernel has no io_uring, or it is disabled");
		close(fd);
		return;
	}
	each(&r, fd, 0, "inline");
	each(&r, fd, IOSQE_ASYNC, "with IOSQE_ASYNC");
	changes(&r, fd);
	inline_changes();
	wrong_ops(&r, fd);
	cancelling(&r, fd);
	closing(fd);
	torn(false, "a process exits with commands in flight");
	torn(true, "a process with commands in flight is killed");
	storm(&r, fd);
	ring_close(&r);
	close(fd);
}
