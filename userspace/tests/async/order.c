// SPDX-License-Identifier: GPL-2.0
/*
 * Who comes first, who comes too late, who is ended: with one worker, which an op holds
 * until it is cancelled.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/async/async.h"

#define HOLDER	1000u

static struct vexfs_nop holder;

/* A descriptor whose worker is busy until HOLDER is cancelled. */
static int held(void)
{
	int fd;

	set_param("bridge_workers", 1);
	fd = attach();
	holder = nop_of(0, LONG);
	SUBMIT(fd, VEXFS_IOC_NOP, &holder, HOLDER);
	wait_running(fd);
	return fd;
}

static void let_go(int fd)
{
	struct vexfs_completion c;

	is(cancel(fd, HOLDER, 0), 1, "the op that occupies the worker is cancelled");
	is(reap_one(fd, &c), -ECANCELED, "the cancelled op ends with ECANCELED");
	is((long)c.user_data, HOLDER, "the completion is that of the cancelled op");
	ok(c.run_ns < LONG, "the cancelled op ran for less than its time");
}

static void priorities(void)
{
	struct vexfs_nop n[24];
	struct vexfs_completion c[24];
	uint32_t high = 0, low = 0;
	int fd = held();

	for (uint32_t i = 0; i < 24; i++) {
		n[i] = nop_of(i, 0);
		n[i].priority = i < 12 ? VEXFS_PRIORITY_LOW : VEXFS_PRIORITY_HIGH;
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	}
	let_go(fd);
	is(reap(fd, c, 24), 24, "priorities: all ops end");
	for (uint32_t i = 0; i < 10; i++)
		*(c[i].user_data < 12 ? &low : &high) += 1;
	ok(high >= 7 && low >= 1, "priorities: of the first ten %u are high and %u low (weights 4:1)", high,
	   low);
	ok(c[0].queued_ns > 0, "completions have the time in the queue");
	close(fd);
}

/* An op with more vectors than any may have is refused when it runs, and costs no more than others. */
static void absurd(void)
{
	struct vexfs_get g = { .count = ~0u, .priority = VEXFS_PRIORITY_LOW };
	struct vexfs_nop n[24];
	struct vexfs_completion c[25];
	uint32_t low = 0;
	int fd = held();

	SUBMIT(fd, VEXFS_IOC_GET, &g, 100);
	for (uint32_t i = 0; i < 24; i++) {
		n[i] = nop_of(i, 0);
		n[i].priority = i < 12 ? VEXFS_PRIORITY_LOW : VEXFS_PRIORITY_HIGH;
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	}
	let_go(fd);
	is(reap(fd, c, 25), 25, "2^32 - 1 vectors: all ops end");
	for (uint32_t i = 0; i < 25; i++) {
		if (c[i].user_data == 100)
			is(c[i].res, -E2BIG, "2^32 - 1 vectors are refused when the op runs");
		low += i < 12 && c[i].user_data < 12;
	}
	ok(low >= 1, "2^32 - 1 vectors: %u of the first 12 ops after it have its low priority", low);
	close(fd);
}

static void deadlines(void)
{
	struct vexfs_nop late = nop_of(1, 0), none = nop_of(2, 0), far = nop_of(3, 0),
			 near = nop_of(4, 0), longer = nop_of(5, LONG);
	struct vexfs_completion c[3];
	int fd = held();

	late.deadline_ns = 1;
	is(SUBMIT(fd, VEXFS_IOC_NOP, &late, 1), 1, "an op with a deadline of 1 ns is submitted");
	is(reap_one(fd, c), -ETIME, "deadline of 1 ns: ETIME while the worker is busy");
	ok(c->user_data == 1 && !c->run_ns && !late.echo, "deadline of 1 ns: the op has not run");
	late.deadline_ns = 20000000;
	is(SUBMIT(fd, VEXFS_IOC_NOP, &late, 1), 1, "an op with a deadline of 20 ms is submitted");
	is(reap_one(fd, c), -ETIME, "deadline of 20 ms: ETIME");
	ok(c->queued_ns >= 20000000, "deadline of 20 ms: not before it has passed");
	far.deadline_ns = 3600000000000ULL;
	near.deadline_ns = 1800000000000ULL;
	SUBMIT(fd, VEXFS_IOC_NOP, &far, 3);
	SUBMIT(fd, VEXFS_IOC_NOP, &near, 4);
	SUBMIT(fd, VEXFS_IOC_NOP, &none, 2);
	let_go(fd);
	is(reap(fd, c, 3), 3, "ops with far deadlines or none all end");
	ok(c[0].user_data == 2 && c[1].user_data == 4 && c[2].user_data == 3 &&
	   !c[0].res && !c[1].res && !c[2].res, "ops with far deadlines or none run in the order of their due times");
	longer.deadline_ns = 20000000;
	SUBMIT(fd, VEXFS_IOC_NOP, &longer, 5);
	is(reap_one(fd, c), -ETIME, "an op that runs past its deadline ends with ETIME");
	ok(c->run_ns < LONG, "an op that runs past its deadline is interrupted");
	far = nop_of(6, 0);
	far.deadline_ns = ~0ULL;
	SUBMIT(fd, VEXFS_IOC_NOP, &far, 6);
	is(reap_one(fd, c), 0, "the largest deadline is accepted");
	close(fd);
}

static void cancelling(void)
{
	struct vexfs_nop n[4] = { nop_of(0, 0), nop_of(1, 0), nop_of(2, 0), nop_of(3, 0) };
	struct vexfs_completion c[5];
	int fd = held(), wrong = 0, again;

	is(cancel(fd, 5, 0), -ENOENT, "cancel: an unknown user_data is refused");
	for (uint32_t i = 0; i < 4; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i / 2);
	is(cancel(fd, 1, 0), 2, "cancel: two queued ops with the same user_data");
	is(reap(fd, c, 2), 2, "cancel: the two are completed");
	ok(c[0].res == -ECANCELED && c[1].res == -ECANCELED && !c[0].run_ns &&
	   c[0].user_data == 1 && c[1].user_data == 1, "cancel: the two have not run");
	is(cancel(fd, 0, VEXFS_CANCEL_ALL), 3, "cancel all: the running op and the queued ones");
	again = cancel(fd, 0, VEXFS_CANCEL_ALL);
	ok(again == -ENOENT || again == 1, "cancel all: again");
	is(reap(fd, c, 3), 3, "cancel all: all ops end");
	for (uint32_t i = 0; i < 3; i++)
		wrong += c[i].res != -ECANCELED;
	is(wrong, 0, "cancel all: they end with ECANCELED");
	is(cancel(fd, 0, VEXFS_CANCEL_ALL), -ENOENT, "cancel all: nothing is left to cancel");
	n[0] = nop_of(9, 0);
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 9);
	is(reap_one(fd, c), 0, "cancel all: the worker runs the next op");
	close(fd);
}

static void bounds(void)
{
	struct vexfs_nop n = nop_of(0, 0);
	struct vexfs_submission e[20];
	struct vexfs_submit s = { .entries = (uintptr_t)e, .count = 20 };
	struct vexfs_completion c[20];
	int fd = held(), other;

	set_param("bridge_depth", 8);
	for (uint32_t i = 0; i < 20; i++)
		e[i] = entry(VEXFS_IOC_NOP, &n, i);
	is(RAW(fd, VEXFS_IOC_SUBMIT, &s), -EBUSY, "bridge_depth: a submission beyond it is refused");
	is(s.done, 7, "bridge_depth: the ops within it are queued");
	is(left(fd), 8, "bridge_depth: the running op counts");
	other = attach();
	is(SUBMIT(other, VEXFS_IOC_NOP, &n, 1), 1, "bridge_depth: another descriptor can submit");
	is(reap_one(other, c), 0, "bridge_depth: another descriptor has its own worker");
	close(other);
	let_go(fd);
	is(reap(fd, c, 7), 7, "bridge_depth: the queued ops end");
	is(submit(fd, e, 20), 8, "bridge_depth: ops that were reaped make room");
	is(submit(fd, e, 1), -EBUSY, "bridge_depth: the next one is refused");
	is(reap(fd, c, 8), 8, "bridge_depth: results that are not reaped count");
	is(submit(fd, e, 1), 1, "bridge_depth: reaping makes room");
	reap(fd, c, 1);
	set_param("bridge_depth", 1024);
	close(fd);
}

/* Ops that the caller can submit now, on a descriptor that stays open. */
static int submits(void)
{
	static struct vexfs_nop n;
	int fd = raw_open();

	n = nop_of(0, 0);
	return SUBMIT(fd, VEXFS_IOC_NOP, &n, 1) == 1 ? 1 : 0;
}

/* Ops that another user can submit now. */
static int submits_as(unsigned int uid)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		if (setgid(uid) || setuid(uid))
			_exit(100);
		_exit(submits());
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool write_to(pid_t pid, const char *file, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "w");
	return f && fputs(text, f) >= 0 && !fclose(f);
}

/* Ops that uid 3 of a user namespace of @owner can submit; -1 without namespaces. */
static int submits_in_namespace(unsigned int owner)
{
	int to[2], from[2], status = 0;
	char c = 0;
	pid_t pid;

	if (pipe(to) || pipe(from))
		return -1;
	pid = fork();
	if (!pid) {
		close(from[1]);
		if (setgid(owner) || setuid(owner) || unshare(CLONE_NEWUSER))
			_exit(100);
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1 || setuid(3))
			_exit(101);
		_exit(submits());
	}
	close(to[1]);
	/* of these uids, the host has given each to somebody else */
	if (read(to[0], &c, 1) == 1 && write_to(pid, "uid_map", "0 100000 10\n"))
		ok(write(from[1], &c, 1) == 1, "a user namespace of uid %u", owner);
	close(from[1]);
	close(to[0]);
	close(from[0]);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) <= 1 ?
		       WEXITSTATUS(status) : -1;
}

/* Uids that are mapped into a namespace share the limits of its owner. */
static void namespaces(void)
{
	int tube[2], status = 0, own, other;
	char c = 0;
	pid_t pid;

	set_param("bridge_user_depth", 1);
	if (pipe(tube))
		return;
	pid = fork();
	if (!pid) {
		c = !setgid(1000) && !setuid(1000) && submits() == 1;
		if (write(tube[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	ok(read(tube[0], &c, 1) == 1 && c, "bridge_user_depth=1: uid 1000 has an op");
	own = submits_in_namespace(1000);
	other = submits_in_namespace(1001);
	if (own < 0 && other < 0) {
		skip("bridge_user_depth", "no user namespaces");
	} else {
		is(own, 0, "bridge_user_depth: a uid in a namespace of uid 1000 counts as uid 1000");
		is(other, 1, "bridge_user_depth: one in a namespace of uid 1001 does not");
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(tube[0]);
	close(tube[1]);
	set_param("bridge_user_depth", 16384);
}

/* Searches on a descriptor of all until one is refused: 0. Each takes all processors. */
static int search_until_refused(int fd)
{
	float v[DIM] = { 1 };
	uint64_t ids[1];
	struct vexfs_search s = raw_search(v, 1, 1, ids, NULL, NULL);
	time_t end = time(NULL) + 60;
	int err = 0;

	while (!err && time(NULL) < end)
		err = RAW(fd, VEXFS_IOC_SEARCH, &s);
	return err == -EBUSY ? 0 : 1;
}

static void waiting(void)
{
	int fd = attach(), status, refused = 0;
	pid_t pids[6];

	set_param("bridge_queue_client", 1);
	set_param("search_parallel_bytes", 1);
	for (uint32_t i = 0; i < 6; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(search_until_refused(fd));
	}
	/* the last of them have nobody left to wait for */
	for (uint32_t i = 0; i < 6; i++) {
		refused += waitpid(-1, &status, 0) > 0 && !status;
		if (refused)
			break;
	}
	ok(refused, "bridge_queue_client=1: a search is refused with EBUSY while another one waits");
	for (uint32_t i = 0; i < 6; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	set_param("search_parallel_bytes", 16777216);
	set_param("bridge_queue_client", 4096);
	close(fd);
}

static void users(void)
{
	struct vexfs_nop n = nop_of(0, 0);
	struct vexfs_submission e[20];
	struct vexfs_completion c[20];
	int fd = held(), other = attach();

	for (uint32_t i = 0; i < 20; i++)
		e[i] = entry(VEXFS_IOC_NOP, &n, i);
	set_param("bridge_user_depth", 8);
	is(submit(fd, e, 20), 7, "bridge_user_depth: ops within it are queued");
	is(submit(other, e, 1), -EBUSY, "bridge_user_depth: all descriptors of a user count together");
	is(submits_as(1000), 1, "bridge_user_depth: another user can submit");
	let_go(fd);
	is(reap(fd, c, 7), 7, "bridge_user_depth: the ops are reaped");
	is(submit(other, e, 20), 8, "bridge_user_depth: reaping makes room");
	is(reap(other, c, 8), 8, "bridge_user_depth: the new ops end");
	set_param("bridge_user_depth", 16384);
	set_param("bridge_user_workers", 2);
	close(fd);
	fd = attach();
	is(SUBMIT(fd, VEXFS_IOC_NOP, &n, 1), 1, "bridge_user_workers: two descriptors with one worker each");
	is(reap_one(fd, c), 0, "bridge_user_workers: both run ops");
	is(submits_as(0), 0, "bridge_user_workers: a third worker is refused");
	is(submits_as(1000), 1, "bridge_user_workers: another user has a worker");
	close(other);
	is(submits_as(0), 1, "bridge_user_workers: closing a descriptor makes room");
	set_param("bridge_user_workers", 256);
	close(fd);
}

void order(void)
{
	priorities();
	absurd();
	deadlines();
	cancelling();
	bounds();
	users();
	namespaces();
	waiting();
	set_param("bridge_workers", 8);
}
