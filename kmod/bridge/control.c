// SPDX-License-Identifier: GPL-2.0
/*
 * Drain, restart and reset.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "bridge/config.h"
#include "bridge/control.h"
#include "bridge/gate.h"
#include "bridge/queue.h"
#include "bridge/stats.h"
#include "compat/compat.h"
#include "mem/tunable.h"

#define POLL_MS		5u

/* One at a time. */
static DEFINE_MUTEX(drain_lock);

/* Waits until @busy returns 0. -ETIME or -EINTR otherwise. */
static int wait_idle(u32 (*busy)(void), u64 end)
{
	while (busy()) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (ktime_get_ns() >= end)
			return -ETIME;
		msleep(POLL_MS);
	}
	return 0;
}

static int drain_gates(u64 end, u32 *done, bool forget)
{
	int err;

	if (!vexfs_gates_close())
		return -EBUSY;
	*done += vexfs_gates_busy();
	err = wait_idle(vexfs_gates_busy, end);
	vexfs_gates_open(forget && !err);
	return err;
}

/* Queues come first, since their ops still have to pass the gates. */
static int drain(u32 ms, u32 *done, bool restart)
{
	u64 end = ktime_get_ns() + (u64)ms * NSEC_PER_MSEC;
	int err;

	if (!mutex_trylock(&drain_lock))
		return -EBUSY;
	vexfs_queues_stop(true);
	*done = vexfs_queues_running();
	err = wait_idle(vexfs_queues_running, end) ?: drain_gates(end, done, restart);
	if (!err && restart && vexfs_queues_renew())
		err = -ENOMEM;
	vexfs_queues_stop(false);
	mutex_unlock(&drain_lock);
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

	vexfs_tunables_default("bridge_");
	err = vexfs_bridge_stats_reset();
	*done = keep ? 0 : vexfs_gates_cancel() + vexfs_queues_drop();
	return err;
}
