// SPDX-License-Identifier: GPL-2.0
/*
 * Drain, restart and reset.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "bridge/config.h"
#include "bridge/control.h"
#include "bridge/gate.h"
#include "bridge/stats.h"
#include "compat/compat.h"

#define POLL_MS		5u

static int drain(u32 ms, u32 *done, bool forget)
{
	u64 end = ktime_get_ns() + (u64)ms * NSEC_PER_MSEC;
	int err = 0;

	if (!vexfs_gates_close())
		return -EBUSY;
	*done = vexfs_gates_busy();
	while (vexfs_gates_busy() && !err) {
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (ktime_get_ns() >= end)
			err = -ETIME;
		else
			msleep(POLL_MS);
	}
	vexfs_gates_open(forget && !err);
	return err;
}

int vexfs_bridge_drain(u32 ms, u32 *done)
{
	return drain(ms, done, false);
}

int vexfs_bridge_restart(u32 ms, u32 *done)
{
	return drain(ms, done, true);
}

int vexfs_bridge_reset(bool keep, u32 *done)
{
	int err;

	vexfs_bridge_defaults();
	err = vexfs_bridge_stats_reset();
	*done = keep ? 0 : vexfs_gates_cancel();
	return err;
}
