// SPDX-License-Identifier: GPL-2.0
/*
 * Change streams, storage and durability as the kernel offers them: readers and
 * their places, what writers wait for, what happens when storage dies or fails, and that a
 * collection comes back as it was. Runs as root in a lab.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/stream/stream.h"

void is(long got, long want, const char *what)
{
	if (got == want)
		ok(true, "%s", what);
	else
		ok(false, "%s: got %ld (%s), want %ld", what, got,
		   got < 0 ? strerror(-got) : "", want);
}

void fill(float *v, uint64_t id, uint32_t version)
{
	for (uint32_t i = 0; i < DIM; i++)
		v[i] = (float)(id * 16 + i) + version * 0.125f;
}

int put_some(int fd, uint64_t first, uint32_t n, uint32_t version, uint64_t *seq)
{
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc((size_t)n * DIM, sizeof(*v));
	struct vexfs_put p = raw_put(ids, v, NULL, n);
	int err;

	for (uint32_t i = 0; i < n; i++) {
		ids[i] = first + i;
		fill(v + (size_t)i * DIM, ids[i], version);
	}
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	if (seq)
		*seq = p.seq;
	free(v);
	free(ids);
	return err;
}

int delete_one(int fd, uint64_t id)
{
	struct vexfs_delete d = { .count = 1, .ids = (uintptr_t)&id };

	return RAW(fd, VEXFS_IOC_DELETE, &d);
}

int get_one(int fd, uint64_t id, float *v)
{
	struct vexfs_get g = { .count = 1, .ids = (uintptr_t)&id, .vectors = (uintptr_t)v };

	return RAW(fd, VEXFS_IOC_GET, &g);
}

int set_durability(int fd, uint32_t how)
{
	struct vexfs_set s = { .what = VEXFS_SET_DURABILITY, .durability = how };

	return RAW(fd, VEXFS_IOC_SET, &s);
}

struct vexfs_stat stat_of(int fd)
{
	struct vexfs_stat st = { };

	is(RAW(fd, VEXFS_IOC_STAT, &st), 0, "stat");
	return st;
}

int create_durable(const char *name, uint32_t durability)
{
	struct vexfs_create c = raw_spec(name, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	int fd = raw_open(), err;

	c.durability = durability;
	err = RAW(fd, VEXFS_IOC_CREATE, &c);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int attach(const char *name)
{
	int fd = raw_open(), err;

	err = raw_attach(fd, name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE);
	if (!err)
		return fd;
	close(fd);
	return err;
}

void drop(const char *name)
{
	int fd = raw_open();

	raw_drop(fd, name);
	close(fd);
}

int stream(int fd, uint32_t flags, uint64_t from, struct vexfs_stream_req *out)
{
	struct vexfs_stream_req req = { .flags = flags, .from = from };
	int err = RAW(fd, VEXFS_IOC_STREAM, &req);

	if (out)
		*out = req;
	return err;
}

bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

int changes(int fd, struct vexfs_change *ch, uint32_t n)
{
	int flags = fcntl(fd, F_GETFL);
	ssize_t got;

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	got = read(fd, ch, n * sizeof(*ch));
	fcntl(fd, F_SETFL, flags);
	return got < 0 ? -errno : (int)(got / sizeof(*ch));
}

int rows(int fd, const struct vexfs_change *ch, uint32_t n, float *v, int32_t *errors)
{
	struct vexfs_rows r = {
		.count = n,
		.changes = (uintptr_t)ch,
		.vectors = (uintptr_t)v,
		.errors = (uintptr_t)errors,
	};
	int err = RAW(fd, VEXFS_IOC_ROWS, &r);

	return err ?: (int)r.done;
}

int ack(int fd, uint64_t seq, uint32_t error)
{
	struct vexfs_ack a = { .seq = seq, .error = error };

	return RAW(fd, VEXFS_IOC_ACK, &a);
}

/* ---- storage ---- */

int storage_open(struct vexfs_storage *out)
{
	struct vexfs_storage st = { };
	int fd = raw_open();
	int err = RAW(fd, VEXFS_IOC_STORAGE, &st);

	if (out)
		*out = st;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int storage_attach(const char *name, struct vexfs_stream_req *out)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	uint64_t from = out && (out->flags & VEXFS_STREAM_FROM) ? out->from : 0;
	uint32_t flags = VEXFS_STREAM_STORAGE | (out ? out->flags & VEXFS_STREAM_FROM : 0);
	int fd, err;

	for (int i = 0; i < 2000; i++) {
		fd = raw_open();
		err = raw_attach(fd, name, VEXFS_ATTACH_READ);
		if (!err)
			err = stream(fd, flags, from, out);
		if (!err)
			return fd;
		close(fd);
		if (err != -ENOENT && err != -EOPNOTSUPP)
			return err;
		nanosleep(&pause, NULL);
	}
	return err;
}

/* ---- children ---- */

pid_t start(work fn, const char *name, uint64_t arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		int err = -fn(name, arg);

		_exit(err < 0 || err > 255 ? 255 : err);
	}
	return pid;
}

bool waits(pid_t pid)
{
	struct timespec pause = { .tv_nsec = 60000000 };
	siginfo_t info = { };

	nanosleep(&pause, NULL);
	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

int outcome(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1000 - WTERMSIG(status);
}

/* A child that holds no descriptor of its parent's. */
static void alone(void)
{
	close_range(3, ~0u, 0);
}

static int with(const char *name, int (*fn)(int fd, uint64_t arg), uint64_t arg)
{
	int fd, err;

	alone();
	fd = attach(name);
	if (fd < 0)
		return fd;
	err = fn(fd, arg);
	close(fd);
	return err;
}

static int put_at(int fd, uint64_t id)
{
	return put_some(fd, id, 1, 1, NULL);
}

int put_one_work(const char *name, uint64_t id)
{
	return with(name, put_at, id);
}

/* More than the ring has room for, with a deadline. */
static int put_late(int fd, uint64_t n)
{
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc(n * DIM, sizeof(*v));
	struct vexfs_put p = raw_put(ids, v, NULL, (uint32_t)n);
	int err;

	for (uint64_t i = 0; i < n; i++)
		ids[i] = 5000000 + i;
	p.deadline_ns = 50000000;
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	free(v);
	free(ids);
	return err;
}

int put_late_work(const char *name, uint64_t n)
{
	return with(name, put_late, n);
}

static int put_n(int fd, uint64_t n)
{
	int err = 0;

	for (uint64_t at = 0; at < n && !err; at += 1000)
		err = put_some(fd, 1000000 + at, n - at < 1000 ? n - at : 1000, 1, NULL);
	return err;
}

int put_many_work(const char *name, uint64_t n)
{
	return with(name, put_n, n);
}

int delete_work(const char *name, uint64_t id)
{
	return with(name, delete_one, id);
}

int create_work(const char *name, uint64_t durability)
{
	int fd;

	alone();
	fd = create_durable(name, durability);
	return fd < 0 ? fd : 0;
}

int drop_work(const char *name, uint64_t arg)
{
	(void)arg;
	alone();
	return raw_drop(raw_open(), name);
}

static int set_to(int fd, uint64_t how)
{
	return set_durability(fd, how);
}

int set_work(const char *name, uint64_t durability)
{
	return with(name, set_to, durability);
}

int main(void)
{
	alarm(900); /* an emulated lab needs minutes */
	watching();
	losing();
	watching_hostile();
	storm();
	without_storage();
	waiting();
	keeping();
	filling();
	failing();
	returning();
	async();
	queued();
	changing();
	dropping();
	over_netlink();
	restoring();
	graphs();
	return done();
}
