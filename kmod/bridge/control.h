/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an operator may do to the bridge: drain it, begin anew, go back to its defaults.
 */
#ifndef _VEXFS_BRIDGE_CONTROL_H
#define _VEXFS_BRIDGE_CONTROL_H

#include <linux/types.h>

/*
 * Waits until nothing runs in any queue or at any gate; what comes meanwhile waits, and goes on
 * afterwards.
 * @done: ops that ran when it began. -ETIME after @ms, -EINTR when the caller is killed, -EBUSY
 * when somebody else is at it.
 */
int vexfs_bridge_drain(u32 ms, u32 *done);
/* The same, and what the gates have learned about the load is forgotten. */
int vexfs_bridge_restart(u32 ms, u32 *done);

/*
 * Settings are at their defaults and statistics begin anew. Ops that wait at a gate or in a
 * queue stay there with @keep; else they end with -ECANCELED, and @done is how many did. -ENOMEM.
 */
int vexfs_bridge_reset(bool keep, u32 *done);

#endif
