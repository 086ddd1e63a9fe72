// SPDX-License-Identifier: GPL-2.0
/* Asynchronous puts to durable collections: they are complete when storage has them. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/stream/stream.h"

static float vector[DIM];

/* Queues a put of one vector. */
static int submit(int fd, struct vexfs_put *p, uint64_t *id)
{
	struct vexfs_submission e = { .cmd = VEXFS_IOC_PUT, .arg = (uintptr_t)p, .user_data = *id };
	struct vexfs_submit s = { .entries = (uintptr_t)&e, .count = 1 };
	uint64_t deadline = p->deadline_ns;

	fill(vector, *id, 1);
	*p = raw_put(id, vector, NULL, 1);
	p->size = sizeof(*p);
	p->deadline_ns = deadline;
	return RAW(fd, VEXFS_IOC_SUBMIT, &s);
}

/* One completion, for which it waits @ms; -1000 when there is none. */
static int reap(int fd, uint32_t ms, uint32_t *retries)
{
	struct vexfs_completion c = { 0 };
	struct vexfs_reap r = { .completions = (uintptr_t)&c, .max = 1, .min = 1,
				.timeout_ns = ms * 1000000ull };

	if (RAW(fd, VEXFS_IOC_REAP, &r) || r.got != 1)
		return -1000;
	if (retries)
		*retries = c.retries;
	return c.res;
}

static void decided(int fd, uint64_t seq)
{
	while (stat_of(fd).seq < seq)
		poll(NULL, 0, 5);
}

static void stored_or_not(int s, int fd)
{
	uint64_t id[3] = { 1, 2, 3 };
	struct vexfs_put p[3] = { { 0 } };
	struct vexfs_cancel c = { .user_data = 2 };
	uint32_t retries = 9;

	is(submit(fd, &p[0], &id[0]), 0, "queued put: it is submitted");
	decided(fd, 1);
	is(reap(fd, 100, NULL), -1000, "queued put: no completion before storage acknowledges");
	is(stat_of(fd).count, 1, "queued put: readers see the vector");
	store_all(s);
	is(reap(fd, 60000, &retries), 0, "queued put: storage has acknowledged");
	ok(p[0].done == 1 && p[0].seq == 1 && !retries, "queued put: its structure has count and sequence number");

	is(submit(fd, &p[1], &id[1]), 0, "queued put that waits for storage: it is submitted");
	decided(fd, 2);
	is(RAW(fd, VEXFS_IOC_CANCEL, &c), 0, "queued put that waits for storage: it is cancelled");
	is(reap(fd, 60000, &retries), -ECANCELED, "queued put that waits for storage: ECANCELED");
	ok(p[1].done == 1 && p[1].seq == 2 && !retries, "queued put that waits for storage: its structure tells that the vector is stored");
	store_all(s);

	p[2].deadline_ns = 200000000;
	is(submit(fd, &p[2], &id[2]), 0, "queued put with a deadline: it is submitted");
	is(reap(fd, 60000, &retries), -ETIME, "queued put with a deadline: ETIME, since storage does not acknowledge");
	ok(!retries, "queued put with a deadline: it is not tried again");
	store_all(s);
}

static void storage_fails(int s, int fd)
{
	uint64_t id = 4, seq = stat_of(fd).seq;
	struct vexfs_put p = { 0 };
	struct vexfs_change ch[8];

	submit(fd, &p, &id);
	decided(fd, seq + 1);
	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	is(ack(s, seq, ENOSPC), 0, "storage reports ENOSPC");
	is(reap(fd, 60000, NULL), -EROFS, "queued put: EROFS");
	is(ack(s, seq + 1, 0), 0, "storage acknowledges again");
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The descriptor is closed, and then the process killed, while a put waits for storage. */
static void given_up(int s, int fd)
{
	uint64_t id = 5, seq = stat_of(fd).seq;
	struct vexfs_put p = { 0 };
	int other = attach("queued"), status;
	double begun;
	pid_t pid;

	submit(other, &p, &id);
	decided(fd, seq + 1);
	begun = seconds();
	is(close(other), 0, "a descriptor is closed while its put waits for storage");
	ok(seconds() - begun < 5, "close does not wait for storage");
	store_all(s);
	pid = fork();
	if (!pid) {
		other = attach("queued");
		id = 6;
		submit(other, &p, &id);
		pause();
		_exit(1);
	}
	decided(fd, seq + 2);
	begun = seconds();
	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && seconds() - begun < 5,
	   "a process is killed while its put waits for storage");
	store_all(s);
	is(stat_of(fd).count, 6, "all of the vectors are stored");
}

void queued(void)
{
	int s = stored("queued", VEXFS_DURABILITY_GROUP), fd = attach("queued");

	stored_or_not(s, fd);
	storage_fails(s, fd);
	given_up(s, fd);
	close(fd);
	forget(s, "queued");
}
