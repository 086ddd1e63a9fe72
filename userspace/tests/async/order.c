// SPDX-License-Identifier: GPL-2.0
/*
 * Who comes first, who comes too late, who is ended: with one worker, which an op holds
 * until it is cancelled.
 */
#include <stdlib.h>
#include <sys/wait.h>

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

/* Ops that another user can submit now. */
static int submits_as(unsigned int uid)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		struct vexfs_nop n = nop_of(0, 0);
		int fd;

		if (setgid(uid) || setuid(uid))
			_exit(100);
		fd = raw_open();
		_exit(SUBMIT(fd, VEXFS_IOC_NOP, &n, 1) == 1 ? 1 : 0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
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
	set_param("bridge_workers", 8);
}
