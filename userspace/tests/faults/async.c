// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous ops while memory fails: what was refused was not queued, and what was queued
 * ends.
 */
#include <stddef.h>

#include "tests/async/ring.h"
#include "tests/faults/inject.h"
#include "tests/ioctl/raw.h"

static int fd = -1;
static struct vexfs_nop nop;
static struct ring ring;

static void open_it(void)
{
	fd = raw_open();
	if (fd < 0)
		wrong("open: %s", strerror(errno));
	nop = (struct vexfs_nop) { .size = sizeof(nop), .value = 5 };
}

static int submit(void)
{
	struct vexfs_submission e = { .cmd = VEXFS_IOC_NOP, .arg = (uintptr_t)&nop };
	struct vexfs_submit s = { .entries = (uintptr_t)&e, .count = 1 };
	int err = RAW(fd, VEXFS_IOC_SUBMIT, &s);

	if (s.done != !err)
		wrong("submit said '%s', and queued %u", strerror(-err), s.done);
	return err;
}

/* One completion, if @some are under way, else none. */
static void reap(bool some)
{
	struct vexfs_completion c = { .res = -1 };
	struct vexfs_reap r = { .completions = (uintptr_t)&c, .max = 1, .min = 1 };
	int err = RAW(fd, VEXFS_IOC_REAP, &r);

	if (err || r.got != some || r.left)
		wrong("reap: '%s', got %u, %u left", strerror(-err), r.got, r.left);
	if (some && (c.res || nop.echo != 5))
		wrong("the op ended with '%s'", strerror(-c.res));
}

static void submitted(int err)
{
	reap(!err);
	if (err && !submit())
		reap(true);
	close(fd);
}

static void submit_first(void)
{
	open_it();
	if (submit())
		wrong("submit");
	reap(true);
}

static int reap_it(void)
{
	struct vexfs_completion c;
	struct vexfs_reap r = { .completions = (uintptr_t)&c, .max = 1, .min = 1 };

	return RAW(fd, VEXFS_IOC_REAP, &r);
}

static void submit_more(void)
{
	submit_first();
	submit();
}

static void reaped(int err)
{
	if (err)
		reap(true);
	close(fd);
}

static int ring_nop(void)
{
	uint64_t data;
	int32_t res = -1;
	int err;

	ring_op(&ring, fd, VEXFS_IOC_NOP, &nop, 1);
	err = ring_enter(&ring, 1, 1);
	if (err < 0)
		return err;
	err = ring_wait(&ring, &data, &res);
	return err ? err : res;
}

static void close_it(int err)
{
	(void)err;
	close(fd);
}

void try_async(void)
{
	const struct step steps[] = {
		{ "submit, the first", open_it, submit, submitted, 0 },
		{ "submit", submit_first, submit, submitted, 0 },
		{ "reap", submit_more, reap_it, reaped, 0 },
	};
	const struct step command = { "a command of io_uring", open_it, ring_nop, close_it, 0 };

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		try_step(&steps[i]);
	if (!ring_open(&ring, 8, 0)) {
		try_step(&command);
		ring_close(&ring);
	}
}
