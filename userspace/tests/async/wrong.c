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

	is(submit(fd, (void *)(uintptr_t)WILD, 1), -EFAULT, "entries that are not there");
	is(submit(fd, (void *)(uintptr_t)8, 1), -EFAULT, "nor there");
	is(submit(fd, e, 0), -EINVAL, "no entries");
	is(submit(fd, e, VEXFS_SUBMIT_MAX + 1), -E2BIG, "too many");
	is(RAW(fd, VEXFS_IOC_SUBMIT, &s), -EFAULT, "an op that is not there");
	is(s.done, 1, "those before it are queued");
	is(reap_one(fd, &c), 0, "and end");
	is(left(fd), 0, "the rest is not");
	refused(fd, entry(VEXFS_IOC_CREATE, &create, 1), -EOPNOTSUPP, "an op that cannot be queued");
	refused(fd, entry(VEXFS_IOC_SUBMIT, &s, 1), -EOPNOTSUPP, "nor can submitting");
	refused(fd, entry(VEXFS_IOC_REAP, &s, 1), -EOPNOTSUPP, "nor reaping");
	refused(fd, entry(0xbb7f, &n, 1), -ENOTTY, "an op that there is not");
	refused(fd, entry(VEXFS_IOC_NOP | 0x40000000, &n, 1), -ENOTTY, "nor that one");
	e[0].flags = 1;
	refused(fd, e[0], -EINVAL, "flags of an entry");
	bad.priority = 3;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "a priority that there is not");
	bad.priority = ~0u;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "nor that one");
	bad = nop_of(1, 0);
	bad.size = 3;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -EINVAL, "a structure that is too short");
	bad.size = 1 << 20;
	refused(fd, entry(VEXFS_IOC_NOP, &bad, 1), -E2BIG, "one that is too long");
	is(left(fd), 0, "nothing of all this was queued");
}

static void running(int fd)
{
	struct vexfs_search s = raw_search((void *)(uintptr_t)WILD, 1, 3, NULL, NULL, NULL);
	struct vexfs_nop n = nop_of(1, 0), *gone;
	float v[DIM] = { 0 };
	struct vexfs_completion c;

	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EFAULT, "queries that are not there");
	s = raw_search(v, 1, 3, (void *)(uintptr_t)WILD, NULL, NULL);
	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EFAULT, "room for ids that is not there");
	s = raw_search(v, 1, 0, NULL, NULL, NULL);
	SUBMIT(fd, VEXFS_IOC_SEARCH, &s, 1);
	is(reap_one(fd, &c), -EINVAL, "a request that the op refuses");
	n.hold_ns = LONG + 1;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(reap_one(fd, &c), -E2BIG, "a nop that takes too long");
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
	is(reap_one(fd, &c), -ECANCELED, "the op before it");
	is(reap_one(fd, &c), -EFAULT, "a structure that has gone meanwhile");
	set_param("bridge_workers", 8);
	close(fd);
}

static void on_alarm(int sig)
{
	(void)sig;
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

	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "reaping where nothing was submitted");
	is(r.got, 0, "gives nothing, at once");
	is(cancel(fd, 1, 0), -ENOENT, "nor is there anything to cancel");
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 1);
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "waiting for more than there are");
	is(r.got, 1, "ends with those there are");
	n.hold_ns = LONG;
	SUBMIT(fd, VEXFS_IOC_NOP, &n, 2);
	r.min = 1;
	r.timeout_ns = 10000000;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -ETIME, "waiting for a while");
	ok(!r.got && r.left == 1, "says what is left");
	r.min = 0;
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "not waiting");
	r.min = 1;
	r.timeout_ns = 0;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINTR, "a signal ends the wait");
	setitimer(ITIMER_REAL, &never, NULL);
	cancel(fd, 0, VEXFS_CANCEL_ALL);
	r.completions = WILD;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EFAULT, "room for completions that is not there");
	r.completions = (uintptr_t)c;
	is(RAW(fd, VEXFS_IOC_REAP, &r), 0, "loses none");
	ok(r.got == 1 && c[0].user_data == 2 && c[0].res == -ECANCELED && !r.left,
	   "here it is");
	r.max = 0;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINVAL, "no room");
	r.max = VEXFS_SUBMIT_MAX + 1;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -E2BIG, "too much room");
	r.max = 1;
	r.min = 2;
	is(RAW(fd, VEXFS_IOC_REAP, &r), -EINVAL, "waiting for more than there is room for");
	close(fd);
}

void wrong(void)
{
	int fd = attach(), plain = raw_open();
	struct vexfs_get g = { .count = 1 };
	struct vexfs_completion c;

	submitting(fd);
	is(SUBMIT(plain, VEXFS_IOC_GET, &g, 1), 1, "an op of a descriptor without a collection");
	is(reap_one(plain, &c), -ENOTCONN, "fails as the ioctl does");
	close(plain);
	running(fd);
	reaping();
}
