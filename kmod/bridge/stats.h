/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics of the bridge, by priority: ops at the gates, and ops in the queues of descriptors.
 * They form the subject "bridge", which debugfs, netlink and the exporters read.
 */
#ifndef _VEXFS_BRIDGE_STATS_H
#define _VEXFS_BRIDGE_STATS_H

#include <linux/types.h>

#include "bridge/sched.h"

/* Instance of the statistics: one of these plus the priority. */
enum vexfs_bridge_place {
	VEXFS_BRIDGE_GATE = 0,
	VEXFS_BRIDGE_QUEUE = VEXFS_PRIORITIES,
	VEXFS_BRIDGE_PLACES = 2 * VEXFS_PRIORITIES
};

/* What is counted; stats.c describes each counter. */
enum vexfs_bridge_count {
	VEXFS_BRIDGE_SUBMITTED,
	VEXFS_BRIDGE_AT_ONCE,
	VEXFS_BRIDGE_WAITED,
	VEXFS_BRIDGE_UNWAITED,	/* stopped waiting, for whatever reason */
	VEXFS_BRIDGE_STARTED,	/* began to run, alone or as a leader */
	VEXFS_BRIDGE_ENDED,	/* ended such a run */
	VEXFS_BRIDGE_COMPLETED,
	VEXFS_BRIDGE_COALESCED,
	VEXFS_BRIDGE_SHARED_RUNS,
	VEXFS_BRIDGE_SHARED_ITEMS,
	VEXFS_BRIDGE_BATCH,	/* the first of eight, one per size of run */
	VEXFS_BRIDGE_DROPPED = VEXFS_BRIDGE_BATCH + 8,
	VEXFS_BRIDGE_LATE,
	VEXFS_BRIDGE_CANCELLED,
	VEXFS_BRIDGE_AGAIN,
	VEXFS_BRIDGE_PAUSED,
	VEXFS_BRIDGE_COUNTS
};

/* The stages of an op that are timed. */
enum vexfs_bridge_stage {
	VEXFS_BRIDGE_STAGE_QUEUE,	/* from submission to the start of the run */
	VEXFS_BRIDGE_STAGE_RUN,
	VEXFS_BRIDGE_STAGE_REAP,	/* from the end until it was reaped; queues only */
	VEXFS_BRIDGE_STAGES
};

/* Process context; places of queues with bottom halves off, since a timer counts there, too. */
void vexfs_bridge_add(u32 place, enum vexfs_bridge_count what, u64 n);
void vexfs_bridge_time(u32 place, enum vexfs_bridge_stage stage, u64 ns);
/* Counts a shared run with @items queries. */
void vexfs_bridge_batch(u32 place, u32 items);
/* Notes that a waiting op went on, so that a stall can be seen. */
void vexfs_bridge_beat(u32 place);

static inline void vexfs_bridge_inc(u32 place, enum vexfs_bridge_count what)
{
	vexfs_bridge_add(place, what, 1);
}

/* Sets the values since the last reset to 0. May sleep. 0 or -ENOMEM. */
int vexfs_bridge_stats_reset(void);

int vexfs_bridge_init(void);
void vexfs_bridge_exit(void);

#endif
