/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics of the bridge: of ops at the gates and of ops in the queues of descriptors, each
 * by priority. They are the subject "bridge", so debugfs, netlink and exporters have them.
 */
#ifndef _VEXFS_BRIDGE_STATS_H
#define _VEXFS_BRIDGE_STATS_H

#include <linux/types.h>

#include "bridge/sched.h"

/* Whose figures: one of these plus the priority. */
enum vexfs_bridge_place {
	VEXFS_BRIDGE_GATE = 0,
	VEXFS_BRIDGE_QUEUE = VEXFS_PRIORITIES,
	VEXFS_BRIDGE_PLACES = 2 * VEXFS_PRIORITIES
};

/* What is counted; stats.c says what each means. */
enum vexfs_bridge_count {
	VEXFS_BRIDGE_SUBMITTED,
	VEXFS_BRIDGE_AT_ONCE,
	VEXFS_BRIDGE_WAITED,
	VEXFS_BRIDGE_UNWAITED,	/* waits no more, for whatever reason */
	VEXFS_BRIDGE_STARTED,	/* runs, alone or as a leader */
	VEXFS_BRIDGE_ENDED,	/* does so no more */
	VEXFS_BRIDGE_COMPLETED,
	VEXFS_BRIDGE_COALESCED,
	VEXFS_BRIDGE_SHARED_RUNS,
	VEXFS_BRIDGE_SHARED_ITEMS,
	VEXFS_BRIDGE_BATCH,	/* the first of as many as there are sizes */
	VEXFS_BRIDGE_DROPPED = VEXFS_BRIDGE_BATCH + 8,
	VEXFS_BRIDGE_LATE,
	VEXFS_BRIDGE_CANCELLED,
	VEXFS_BRIDGE_AGAIN,
	VEXFS_BRIDGE_COUNTS
};

/* The stages of an op that are timed. */
enum vexfs_bridge_stage {
	VEXFS_BRIDGE_STAGE_QUEUE,	/* from its submission to its run, or that of its leader */
	VEXFS_BRIDGE_STAGE_RUN,
	VEXFS_BRIDGE_STAGE_REAP,	/* from its end until it was reaped; queues only */
	VEXFS_BRIDGE_STAGES
};

/* Any context but NMI. */
void vexfs_bridge_add(u32 place, enum vexfs_bridge_count what, u64 n);
void vexfs_bridge_time(u32 place, enum vexfs_bridge_stage stage, u64 ns);
/* A run of several ops, with so many items. */
void vexfs_bridge_batch(u32 place, u32 items);
/* Where ops wait, one has gone on. */
void vexfs_bridge_beat(u32 place);

static inline void vexfs_bridge_inc(u32 place, enum vexfs_bridge_count what)
{
	vexfs_bridge_add(place, what, 1);
}

/* Values since the last reset start at 0. May sleep; -ENOMEM. */
int vexfs_bridge_stats_reset(void);

int vexfs_bridge_init(void);
void vexfs_bridge_exit(void);

#endif
