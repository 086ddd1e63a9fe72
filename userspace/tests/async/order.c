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

	is(cancel(fd, HOLDER, 0), 1, "the op that holds the worker is cancelled");
	is(reap_one(fd, &c), -ECANCELED, "it ends early");
	is((long)c.user_data, HOLDER, "it and no other");
	ok(c.run_ns < LONG, "and did not run to its end");
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
	is(reap(fd, c, 24), 24, "low and high ones all end");
	for (uint32_t i = 0; i < 10; i++)
		*(c[i].user_data < 12 ? &low : &high) += 1;
	ok(high >= 7 && low >= 1, "of the first ten %u are high and %u low, at weights 4:1", high,
	   low);
	ok(c[0].queued_ns > 0, "they say how long they waited");
	close(fd);
}

static void deadlines(void)
{
	struct vexfs_nop late = nop_of(1, 0), none = nop_of(2, 0), far = nop_of(3, 0),
			 near = nop_of(4, 0), longer = nop_of(5, LONG);
	struct vexfs_completion c[3];
	int fd = held();

	late.deadline_ns = 1;
	is(SUBMIT(fd, VEXFS_IOC_NOP, &late, 1), 1, "an op that must be through at once");
	is(reap_one(fd, c), -ETIME, "is late while the worker is busy");
	ok(c->user_data == 1 && !c->run_ns && !late.echo, "and has not run");
	late.deadline_ns = 20000000;
	is(SUBMIT(fd, VEXFS_IOC_NOP, &late, 1), 1, "one with a little time");
	is(reap_one(fd, c), -ETIME, "is late when that is over");
	ok(c->queued_ns >= 20000000, "not before");
	far.deadline_ns = 3600000000000ULL;
	near.deadline_ns = 1800000000000ULL;
	SUBMIT(fd, VEXFS_IOC_NOP, &far, 3);
	SUBMIT(fd, VEXFS_IOC_NOP, &near, 4);
	SUBMIT(fd, VEXFS_IOC_NOP, &none, 2);
	let_go(fd);
	is(reap(fd, c, 3), 3, "three that have time enough");
	ok(c[0].user_data == 2 && c[1].user_data == 4 && c[2].user_data == 3 &&
	   !c[0].res && !c[1].res && !c[2].res, "come in the order in which they are due");
	longer.deadline_ns = 20000000;
	SUBMIT(fd, VEXFS_IOC_NOP, &longer, 5);
	is(reap_one(fd, c), -ETIME, "one that runs longer than it may ends at its deadline");
	ok(c->run_ns < LONG, "in the middle");
	far = nop_of(6, 0);
	far.deadline_ns = ~0ULL;
	SUBMIT(fd, VEXFS_IOC_NOP, &far, 6);
	is(reap_one(fd, c), 0, "the longest deadline there is");
	close(fd);
}

static void cancelling(void)
{
	struct vexfs_nop n[4] = { nop_of(0, 0), nop_of(1, 0), nop_of(2, 0), nop_of(3, 0) };
	struct vexfs_completion c[5];
	int fd = held(), wrong = 0, again;

	is(cancel(fd, 5, 0), -ENOENT, "an op that is not there is not cancelled");
	for (uint32_t i = 0; i < 4; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i / 2);
	is(cancel(fd, 1, 0), 2, "two of one number are, that are queued");
	is(reap(fd, c, 2), 2, "at once");
	ok(c[0].res == -ECANCELED && c[1].res == -ECANCELED && !c[0].run_ns &&
	   c[0].user_data == 1 && c[1].user_data == 1, "without having run");
	is(cancel(fd, 0, VEXFS_CANCEL_ALL), 3, "all others, too, the running one among them");
	again = cancel(fd, 0, VEXFS_CANCEL_ALL);
	ok(again == -ENOENT || again == 1, "a second time does no harm");
	is(reap(fd, c, 3), 3, "all end");
	for (uint32_t i = 0; i < 3; i++)
		wrong += c[i].res != -ECANCELED;
	is(wrong, 0, "as cancelled");
	is(cancel(fd, 0, VEXFS_CANCEL_ALL), -ENOENT, "then there is none");
	n[0] = nop_of(9, 0);
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 9);
	is(reap_one(fd, c), 0, "the worker goes on");
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
	is(RAW(fd, VEXFS_IOC_SUBMIT, &s), -EBUSY, "more than may be are refused");
	is(s.done, 7, "the first are queued");
	is(left(fd), 8, "with the one that runs as many as may be");
	other = attach();
	is(SUBMIT(other, VEXFS_IOC_NOP, &n, 1), 1, "another descriptor has its own");
	is(reap_one(other, c), 0, "and its own worker");
	close(other);
	let_go(fd);
	is(reap(fd, c, 7), 7, "those that were queued end");
	is(submit(fd, e, 20), 8, "then there is room again");
	is(submit(fd, e, 1), -EBUSY, "until it is full");
	is(reap(fd, c, 8), 8, "results that nobody reaps take room as well");
	is(submit(fd, e, 1), 1, "and give it back");
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
	is(submit(fd, e, 20), 7, "a user has as many as may be");
	is(submit(other, e, 1), -EBUSY, "with another descriptor, too");
	is(submits_as(1000), 1, "others have theirs");
	let_go(fd);
	is(reap(fd, c, 7), 7, "what was reaped");
	is(submit(other, e, 20), 8, "makes room");
	is(reap(other, c, 8), 8, "for those");
	set_param("bridge_user_depth", 16384);
	set_param("bridge_user_workers", 2);
	close(fd);
	fd = attach();
	is(SUBMIT(fd, VEXFS_IOC_NOP, &n, 1), 1, "two descriptors with a worker each");
	is(reap_one(fd, c), 0, "work");
	is(submits_as(0), 0, "the user has no third worker");
	is(submits_as(1000), 1, "others have theirs");
	close(other);
	is(submits_as(0), 1, "until a descriptor is closed");
	set_param("bridge_user_workers", 256);
	close(fd);
}

void order(void)
{
	priorities();
	deadlines();
	cancelling();
	bounds();
	users();
	set_param("bridge_workers", 8);
}
