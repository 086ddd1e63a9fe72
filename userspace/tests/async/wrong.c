// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that are wrong, and memory that is not there.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "tests/async/async.h"

/* An entry that cannot be queued. */
static void refused(int fd, struct vexfs_submission e, int want, const char *what)
{
	is(submit(fd, &e, 1), want, what);
}

static void submitting(int fd)
{
	struct vexfs_nop n = nop_of(1, 0), bad = n;
	struct vexfs_create create = { .size = sizeof(create) };
	struct vexfs_submission e[3] = {
		entry(VEXFS_IOC_NOP, &n, 1), entry(VEXFS_IOC_NOP, (void *)(uintptr_t)WILD, 2),
		entry(VEXFS_IOC_NOP, &n, 3),
	};
	struct vexfs_submit s = { .entries = (uintptr_t)e, .count = 3 };
	struct vexfs_completion c;

	is(submit(fd, (void *)(uintptr_t)WILD, 1), -EFAULT, "submit: entries at an invalid address");
	is(submit(fd, (void *)(uintptr_t)8, 1), -EFAULT, "submit: entries in the first page");
	is(submit(fd, e, 0), -EINVAL, "submit: no entries");
	is(submit(fd, e, VEXFS_SUBMIT_MAX + 1), -E2BIG, "submit: too many entries");
	is(RAW(fd, VEXFS_IOC_SUBMIT, &s), -EFAULT, "submit: the structure of the second op is at an invalid address");
	is(s.done, 1, "submit: the ops before it are queued");
	is(reap_one(fd, &c), 0, "submit: the op before it ends");
	is(left(fd), 0, "submit: the ops after it are not queued");
	refused(fd, entry(VEXFS_IOC_CREATE, &create, 1), -EOPNOTSUPP, "submit: create cannot be queued");
	refused(fd, entry(VEXFS_IOC_SUBMIT, &s, 1), -EOPNOTSUPP, "submit: submit cannot be queued");
	refused(fd, entry(VEXFS_IOC_REAP, &s, 1), -EOPNOTSUPP, "submit: reap cannot be queued");
	refused(fd, entry(0xbb7f, &n, 1), -ENOTTY, "submit: unknown op");
	refused(fd, entry(VEXFS_IOC_NOP | 0x40000000, &n, 1), -ENOTTY, "submit: op with a wrong direction");
	e[0].flags = 1;
	refused(fd, e[0], -EINVAL, "submit: unknown flags of an entry");
	bad.priority = 3;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "submit: priority 3");
	bad.priority = ~0u;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "submit: priority 2^32 - 1");
	bad = nop_of(1, 0);
	bad.size = 3;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "submit: structure too short");
	bad.size = 1 << 20;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -E2BIG, "submit: structure too long");
	is(left(fd), 0, "submit: none of these was queued");
}

static void running(int fd)
{
	struct vexfs_search s = raw_search((void *)(uintptr_t)WILD, 1, 3, NULL, NULL, NULL);
	struct vexfs_nop n = nop_of(1, 0), *gone;
	float v[DIM] = { 0 };
	struct vexfs_completion c;

	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EFAULT, "search with queries at an invalid address");
	s = raw_search(v, 1, 3, (void *)(uintptr_t)WILD, NULL, NULL);
	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EFAULT, "search with ids at an invalid address");
	s = raw_search(v, 1, 0, NULL, NULL, NULL);
	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EINVAL, "search with k 0");
	n.hold_ns = LONG + 1;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -E2BIG, "nop with a hold time beyond the limit");
	/* the structure goes while its op is queued behind another */
	set_param("bridge_workers", 1);
	close(fd);
	fd = attach();
	n = nop_of(1, LONG);
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	wait_running(fd);
	gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*gone = nop_of(2, 0);
	SUBMIT(fd, VEXFS_IOC_NOP, gone, 2);
	munmap(gone, 4096);
	cancel(fd, 1, 0);
	is(reap_one(fd, &c), -ECANCELED, "the op before it is cancelled");
	is(reap_one(fd, &c), -EFAULT, "an op whose memory was unmapped while it was queued");
	set_param("bridge_workers", 8);
	close(fd);
}

static int alarms;

/* The timer stops by itself: what it keeps from ending ends then, and the test goes on. */
static void on_alarm(int sig)
{
	struct itimerval never = { 0 };

	(void)sig;
	if (++alarms == 100)
		setitimer(ITIMER_REAL, &never, NULL);
}

/* Signals that come again and again: a deadline passes all the same. */
static void interrupted(int fd, int flags)
{
	struct itimerval often = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 };
	struct itimerval never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = flags };
	struct vexfs_completion c;
	struct vexfs_reap r = {
		.completions = (uintptr_t)&c, .max = 1, .min = 1, .timeout_ns = LONG,
	};
	struct vexfs_nop n = nop_of(1, LONG);
	const char *how = flags & SA_RESTART ? "SA_RESTART" : "no SA_RESTART";

	n.deadline_ns = LONG / 2;
	sigaction(SIGALRM, &act, NULL);
	alarms = 0;
	setitimer(ITIMER_REAL, &often, NULL);
	is(RAW(fd, VEXFS_IOC_NOP, &n), -EINTR, "an op with a deadline is not restarted");
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINTR, "reap with a time-out is not restarted");
	setitimer(ITIMER_REAL, &never, NULL);
	ok(alarms < 100, "%s: %d signals", how, alarms);
}

static void reaping(void)
{
	struct vexfs_nop n = nop_of(1, 0);
	struct vexfs_completion c[2];
	struct vexfs_reap r = { .completions = (uintptr_t)c, .max = 2, .min = 2 };
	struct itimerval soon = { .it_value.tv_usec = 50000, .it_interval.tv_usec = 50000 };
	struct itimerval never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	int fd = attach();

	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "reap before anything was submitted");
	is(r.got, 0, "reap before anything was submitted: no completion");
	is(cancel(fd, 1, 0), -ENOENT, "cancel before anything was submitted");
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "reap: min larger than the number of ops");
	is(r.got, 1, "reap: min larger than the number of ops: all completions");
	n.hold_ns = LONG;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 2);
	r.min = 1;
	r.timeout_ns = 10000000;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -ETIME, "reap: time-out");
	ok(!r.got && r.left == 1, "reap: time-out: the op that is left is counted");
	r.min = 0;
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "reap: min 0 does not wait");
	r.min = 1;
	r.timeout_ns = 0;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINTR, "reap: a signal ends the wait");
	setitimer(ITIMER_REAL, &never, NULL);
	interrupted(fd, 0);
	interrupted(fd, SA_RESTART);
	cancel(fd, 0, VEXFS_CANCEL_ALL);
	r.completions = WILD;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EFAULT, "reap: completions at an invalid address");
	r.completions = (uintptr_t)c;
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "reap: after an invalid address");
	ok(r.got == 1 && c[0].user_data == 2 && c[0].res == -ECANCELED && !r.left,
	   "reap: after an invalid address no completion is lost");
	r.max = 0;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINVAL, "reap: max 0");
	r.max = VEXFS_SUBMIT_MAX + 1;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -E2BIG, "reap: max too large");
	r.max = 1;
	r.min = 2;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINVAL, "reap: min larger than max");
	close(fd);
}

void wrong(void)
{
	int fd = attach(), plain = raw_open();
	struct vexfs_get g = { .count = 1 };
	struct vexfs_completion c;

	submitting(fd);
	is(SUBMIT(plain, VEXFS_IOC_GET, &g, 1), 1, "an op of a descriptor without a collection is queued");
	is(reap_one(plain, &c), -ENOTCONN, "an op of a descriptor without a collection fails as the ioctl does");
	close(plain);
	running(fd);
	reaping();
}
