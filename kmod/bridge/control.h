/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations of an administrator on the bridge: drain, restart, reset.
 */
#ifndef _VEXFS_BRIDGE_CONTROL_H
#define _VEXFS_BRIDGE_CONTROL_H

#include <linux/types.h>

/*
 * Waits until no op runs in any queue or at any gate. Ops that arrive meanwhile wait and run
 * afterwards.
 * @done: number of ops that were running at the beginning. Returns -ETIME after @ms, -EINTR
 * when the caller is killed, -EBUSY when another drain is in progress.
 */
int vexfs_bridge_drain(u32 ms, u32 *done);
/*
 * Drains, clears what the gates have measured about the load, and replaces the workers of all
 * queues by new ones. -ENOMEM when some of them could not be replaced; they go on.
 */
int vexfs_bridge_restart(u32 ms, u32 *done);

/*
 * Sets the tunables to their defaults and resets the statistics. Without @keep, ops that wait at
 * a gate or in a queue end with -ECANCELED, and @done is their number. Returns -ENOMEM when the
 * statistics could not be reset.
 */
int vexfs_bridge_reset(bool keep, u32 *done);

#endif
