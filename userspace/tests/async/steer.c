// SPDX-License-Identifier: GPL-2.0
/*
 * What an operator may do to queues of others: drain them, begin anew, empty them.
 */
#include "tests/async/async.h"
#include "tests/genl.h"

static struct msg m;
static struct answer a;

/* An action on the bridge: 0 or -errno; how many ops it had to do with is in @done. */
static int manage(uint32_t action, uint32_t ms, bool keep, uint32_t *done)
{
	const struct nlattr *n;

	begin(&m, family, NLM_F_ACK, VEXFS_CMD_MANAGE);
	put_u32(&m, VEXFS_A_MANAGE_ACTION, action);
	if (ms)
		put_u32(&m, VEXFS_A_MANAGE_VALUE, ms);
	if (keep)
		put(&m, VEXFS_A_MANAGE_KEEP_HOT, "", 0);
	ask(&m, &a);
	n = a.err ? NULL : got(&a, VEXFS_A_MANAGE_DONE);
	*done = 0;
	if (n)
		memcpy(done, body(n), sizeof(*done));
	return a.err;
}

void steering(void)
{
	struct vexfs_nop hold = nop_of(0, LONG), n[3] = { nop_of(1, 0), nop_of(2, 0), nop_of(3, 0) };
	struct vexfs_completion c[3];
	uint32_t done;
	int fd;

	if (!ok(resolve(), "the netlink family is found"))
		return;
	set_param("bridge_workers", 1);
	fd = attach();
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "a queued op runs");
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_DRAIN, 1000, false, &done), 0, "drain of idle queues");
	is(done, 0, "drain of idle queues: no op was running");
	SUBMIT(fd, VEXFS_IOC_NOP, &hold, 9);
	wait_running(fd);
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_DRAIN, 50, false, &done), -ETIME,
	   "drain: ETIME while a long op runs");
	for (uint32_t i = 0; i < 3; i++)
		SUBMIT(fd, VEXFS_IOC_NOP, &n[i], i);
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESET, 0, true, &done), 0, "reset that keeps ops");
	is(left(fd), 4, "reset that keeps ops: all are still queued");
	is(manage(VEXFS_MANAGE_ACTION_BRIDGE_RESET, 0, false, &done), 0, "reset that drops ops");
	is(done, 3, "reset that drops ops: three are cancelled");
	is(reap(fd, c, 3), 3, "reset that drops ops: each has a completion");
	ok(c[0].res == -ECANCELED && c[1].res == -ECANCELED && c[2].res == -ECANCELED && !c[0].run_ns,
	   "reset that drops ops: they end with ECANCELED");
	cancel(fd, 9, 0);
	is(reap_one(fd, c), -ECANCELED, "reset leaves the running op alone");
	SUBMIT(fd, VEXFS_IOC_NOP, &n[0], 0);
	is(reap_one(fd, c), 0, "the queue runs ops after a reset");
	close(fd);
	set_param("bridge_workers", 8);
}
