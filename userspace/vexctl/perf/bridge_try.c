// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the bridge with ops that do nothing: they pass the same queues as all others, and their
 * results are known beforehand. Speed is not tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/vexfs.h>

#include "bridge.h"

#define MS		1000000ull
/* Far longer than a working machine takes. */
#define PATIENCE_NS	(20000 * MS)
#define BURST		256u

__attribute__((format(printf, 3, 4)))
static int failed(char *why, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, size, fmt, args);
	va_end(args);
	return -1;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int bridge_open(const char *device)
{
	return open(device ? device : "/dev/vexfs", O_RDWR | O_CLOEXEC);
}

static struct vexfs_nop nop_of(uint64_t value)
{
	struct vexfs_nop nop = { .size = sizeof(nop), .value = value };

	return nop;
}

/* Queues @n of them, whose user data counts from 0. */
static int submit(int fd, struct vexfs_nop *nops, unsigned int n, char *why, size_t size)
{
	struct vexfs_submission list[BURST];
	struct vexfs_submit submit = { .size = sizeof(submit), .count = n,
				       .entries = (uintptr_t)list };

	for (unsigned int i = 0; i < n; i++)
		list[i] = (struct vexfs_submission){ .user_data = i, .arg = (uintptr_t)&nops[i],
						     .cmd = VEXFS_IOC_NOP };
	if (ioctl(fd, VEXFS_IOC_SUBMIT, &submit))
		return failed(why, size, "ops cannot be submitted: %s", strerror(errno));
	return 0;
}

/* Reaps the completions of @n ops, by their user data; each must occur once. */
static int reap(int fd, struct vexfs_completion *by_user, unsigned int n, char *why, size_t size)
{
	unsigned int left = n;

	for (unsigned int i = 0; i < n; i++)
		by_user[i].user_data = UINT64_MAX;
	while (left) {
		struct vexfs_completion got[64];
		struct vexfs_reap reap = { .size = sizeof(reap), .min = 1, .max = 64,
					   .completions = (uintptr_t)got,
					   .timeout_ns = PATIENCE_NS };

		if (ioctl(fd, VEXFS_IOC_REAP, &reap)) {
			if (errno == EINTR)
				continue;
			return failed(why, size, "%u of %u ops were not answered: %s", left, n,
				      strerror(errno));
		}
		for (uint32_t i = 0; i < reap.got; i++) {
			uint64_t user = got[i].user_data;

			if (user >= n || by_user[user].user_data != UINT64_MAX)
				return failed(why, size, "an op was answered twice, or never sent");
			by_user[user] = got[i];
			left--;
		}
		if (!reap.got)
			return failed(why, size, "%u of %u ops are lost", left, n);
	}
	return 0;
}

/* One op there and back. */
static int one(int fd, struct vexfs_nop *nop, struct vexfs_completion *c, char *why, size_t size)
{
	return submit(fd, nop, 1, why, size) || reap(fd, c, 1, why, size) ? -1 : 0;
}

int64_t bridge_round_trip(int fd, char *why, size_t size)
{
	struct vexfs_nop nop = nop_of(1);
	struct vexfs_completion c;
	int64_t begin = now_ns();

	if (one(fd, &nop, &c, why, size))
		return -1;
	if (c.res)
		return failed(why, size, "an op that does nothing failed: %s", strerror(-c.res));
	return now_ns() - begin;
}

static int try_echo(int fd, char *why, size_t size)
{
	struct vexfs_nop nop = nop_of(0x0123456789abcdef);
	struct vexfs_completion c;

	if (one(fd, &nop, &c, why, size))
		return -1;
	if (c.res || nop.echo != nop.value)
		return failed(why, size, "%s, and %#llx came back as %#llx", strerror(-c.res),
			      (unsigned long long)nop.value, (unsigned long long)nop.echo);
	return 0;
}

static int try_direct(int fd, char *why, size_t size)
{
	struct vexfs_nop nop = nop_of(7);

	if (ioctl(fd, VEXFS_IOC_NOP, &nop))
		return failed(why, size, "%s", strerror(errno));
	return nop.echo == 7 ? 0 : failed(why, size, "7 came back as %llu",
					  (unsigned long long)nop.echo);
}

static int try_burst(int fd, char *why, size_t size)
{
	struct vexfs_nop nops[BURST];
	struct vexfs_completion c[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		nops[i] = nop_of(i + 1);
		nops[i].priority = i % 3;
	}
	if (submit(fd, nops, BURST, why, size) || reap(fd, c, BURST, why, size))
		return -1;
	for (unsigned int i = 0; i < BURST; i++)
		if (c[i].res || nops[i].echo != i + 1)
			return failed(why, size, "op %u of %u: %s, echo %llu", i + 1, BURST,
				      strerror(-c[i].res), (unsigned long long)nops[i].echo);
	return 0;
}

/* An op that takes longer than its deadline. */
static int try_timeout(int fd, char *why, size_t size)
{
	struct vexfs_nop nop = nop_of(1);
	struct vexfs_completion c;

	nop.hold_ns = 5000 * MS;
	nop.deadline_ns = 20 * MS;
	if (one(fd, &nop, &c, why, size))
		return -1;
	return c.res == -ETIME ? 0 : failed(why, size, "not ETIME: %s", strerror(-c.res));
}

static int try_cancel(int fd, char *why, size_t size)
{
	struct vexfs_cancel cancel = { .size = sizeof(cancel), .user_data = 0 };
	struct vexfs_nop nop = nop_of(1);
	struct vexfs_completion c;
	int64_t begin = now_ns();

	nop.hold_ns = 10000 * MS;
	if (submit(fd, &nop, 1, why, size))
		return -1;
	if (ioctl(fd, VEXFS_IOC_CANCEL, &cancel))
		return failed(why, size, "%s", strerror(errno));
	if (reap(fd, &c, 1, why, size))
		return -1;
	if (c.res != -ECANCELED)
		return failed(why, size, "not ECANCELED: %s", strerror(-c.res));
	return now_ns() - begin < (int64_t)(9000 * MS) ? 0 :
	       failed(why, size, "it was held to its end");
}

static int try_cancel_all(int fd, char *why, size_t size)
{
	struct vexfs_cancel cancel = { .size = sizeof(cancel), .flags = VEXFS_CANCEL_ALL };
	struct vexfs_nop nops[128];
	struct vexfs_completion c[128];

	for (unsigned int i = 0; i < 128; i++) {
		nops[i] = nop_of(i);
		nops[i].hold_ns = 10000 * MS;
	}
	if (submit(fd, nops, 128, why, size))
		return -1;
	if (ioctl(fd, VEXFS_IOC_CANCEL, &cancel))
		return failed(why, size, "%s", strerror(errno));
	if (reap(fd, c, 128, why, size))
		return -1;
	for (unsigned int i = 0; i < 128; i++)
		if (c[i].res != -ECANCELED)
			return failed(why, size, "op %u: %s", i, strerror(-c[i].res));
	return cancel.found == 128 ? 0 : failed(why, size, "%u of 128 were found", cancel.found);
}

static int try_retry(int fd, char *why, size_t size)
{
	struct vexfs_nop nop = nop_of(5);
	struct vexfs_completion c;

	nop.fail = 1;
	if (one(fd, &nop, &c, why, size))
		return -1;
	return !c.res && c.retries == 1 && nop.echo == 5 ? 0 :
	       failed(why, size, "%s after %u retries", strerror(-c.res), c.retries);
}

static int try_eventfd(int fd, char *why, size_t size)
{
	struct vexfs_eventfd event = { .size = sizeof(event) };
	struct vexfs_nop nop = nop_of(1);
	struct vexfs_completion c;
	struct pollfd p;
	int ret = -1;

	p.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p.events = POLLIN;
	event.fd = p.fd;
	if (p.fd < 0 || ioctl(fd, VEXFS_IOC_EVENTFD, &event)) {
		failed(why, size, "eventfd: %s", strerror(errno));
		goto out;
	}
	if (submit(fd, &nop, 1, why, size))
		goto out;
	if (poll(&p, 1, (int)(PATIENCE_NS / MS)) != 1)
		failed(why, size, "it was not told");
	else
		ret = reap(fd, &c, 1, why, size);
	event.fd = -1;
	ioctl(fd, VEXFS_IOC_EVENTFD, &event);
out:
	if (p.fd >= 0)
		close(p.fd);
	return ret;
}

/* Invalid ops are refused at once or complete with an error. */
static int try_hostile(int fd, char *why, size_t size)
{
	struct vexfs_submission entry = { .arg = 8, .cmd = VEXFS_IOC_NOP };
	struct vexfs_submit s = { .size = sizeof(s), .count = 1, .entries = (uintptr_t)&entry };
	struct vexfs_nop nop = nop_of(1);
	struct vexfs_completion c;

	if (!ioctl(fd, VEXFS_IOC_SUBMIT, &s) || errno != EFAULT)
		return failed(why, size, "an address that is none was taken");
	entry.arg = (uintptr_t)&nop;
	entry.cmd = 0x7fffffff;
	if (!ioctl(fd, VEXFS_IOC_SUBMIT, &s) || (errno != ENOTTY && errno != EOPNOTSUPP))
		return failed(why, size, "an unknown op was accepted");
	nop.priority = 99;
	entry.cmd = VEXFS_IOC_NOP;
	if (ioctl(fd, VEXFS_IOC_SUBMIT, &s))
		return errno == EINVAL ? 0 : failed(why, size, "priority 99: %s", strerror(errno));
	if (reap(fd, &c, 1, why, size))
		return -1;
	return c.res == -EINVAL ? 0 : failed(why, size, "priority 99: %s", strerror(-c.res));
}

/* No completion of the earlier cases is left. */
static int try_empty(int fd, char *why, size_t size)
{
	struct vexfs_completion c;
	struct vexfs_reap reap = { .size = sizeof(reap), .max = 1, .completions = (uintptr_t)&c };

	if (ioctl(fd, VEXFS_IOC_REAP, &reap) && errno != ETIME)
		return failed(why, size, "%s", strerror(errno));
	return reap.got || reap.left ? failed(why, size, "%u answered, %u not", reap.got, reap.left) :
	       0;
}

const struct bridge_case bridge_cases[BRIDGE_CASES] = {
	{ "echo", "an op comes back with what it was sent with", false, try_echo },
	{ "direct", "and so does one whose caller waits", false, try_direct },
	{ "burst", "256 ops of all priorities are answered, each once", false, try_burst },
	{ "timeout", "an op that is late ends with ETIME", true, try_timeout },
	{ "cancel", "an op that is held ends with ECANCELED", true, try_cancel },
	{ "cancel all", "and so do 128 of them, queued or running", true, try_cancel_all },
	{ "retry", "an op that changed nothing is tried again", true, try_retry },
	{ "eventfd", "a program is told of answers", true, try_eventfd },
	{ "hostile", "wrong requests are refused", true, try_hostile },
	{ "empty", "nothing is left over", false, try_empty },
};
