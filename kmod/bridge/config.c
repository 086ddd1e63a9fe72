// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of the bridge.
 */
#include <linux/kernel.h>
#include <linux/module.h>

#include "bridge/config.h"
#include "compat/compat.h"
#include "mem/tunable.h"

VEXFS_TUNABLE(bridge_coalesce, 1, 0, 1, "flag",
	      "Answer searches of one collection that wait together in one run", 0644);
VEXFS_TUNABLE(bridge_batch_size, 200, 1, 1024, "queries",
	      "Most queries of a run that several searches share", 0644);
VEXFS_TUNABLE(bridge_batch_timeout_us, 5000, 0, 1000000, "us",
	      "Longest that a shared run waits for those that took part in the last one", 0644);
VEXFS_TUNABLE(bridge_slots, 0, 0, 1024, "slots",
	      "Processors that the searches of a collection use at a time (0: all)", 0644);
VEXFS_EXPORT_KUNIT(vexfs_bridge_slots);
VEXFS_TUNABLE(bridge_priority, 1, 0, 1, "flag",
	      "Order waiting ops by the priority that they ask for", 0644);
VEXFS_EXPORT_KUNIT(vexfs_bridge_priority);
VEXFS_TUNABLE(bridge_timeout_ms, 10000, 1, 3600000, "ms",
	      "When a waiting op without a deadline counts as due", 0644);

static VEXFS_TUNABLE(bridge_weight_high, 4, 1, 1000, "shares",
		     "Share of waiting ops of high priority", 0644);
static VEXFS_TUNABLE(bridge_weight_medium, 2, 1, 1000, "shares",
		     "Share of waiting ops of medium priority", 0644);
static VEXFS_TUNABLE(bridge_weight_low, 1, 1, 1000, "shares",
		     "Share of waiting ops of low priority", 0644);

static VEXFS_TUNABLE(bridge_queue_client, 4096, 1, 1000000, "ops",
		     "Most ops of one descriptor that wait in one queue", 0644);
static VEXFS_TUNABLE(bridge_queue_user, 16384, 1, 1000000, "ops",
		     "Most ops of one user that wait in one queue", 0644);
static VEXFS_TUNABLE(bridge_queue_total, 65536, 1, 1000000, "ops",
		     "Most ops that wait in one queue", 0644);

u32 vexfs_bridge_weight(u32 priority)
{
	switch (priority) {
	case VEXFS_PRIORITY_HIGH:
		return READ_ONCE(vexfs_bridge_weight_high);
	case VEXFS_PRIORITY_LOW:
		return READ_ONCE(vexfs_bridge_weight_low);
	default:
		return READ_ONCE(vexfs_bridge_weight_medium);
	}
}

void vexfs_bridge_sched_weights(struct vexfs_sched *s)
{
	u32 i;

	for (i = 0; i < VEXFS_PRIORITIES; i++)
		vexfs_sched_weigh(s, i, vexfs_bridge_weight(i));
}

void vexfs_bridge_sched_settings(struct vexfs_sched *s)
{
	vexfs_bridge_sched_weights(s);
	s->limits.client = READ_ONCE(vexfs_bridge_queue_client);
	s->limits.user = READ_ONCE(vexfs_bridge_queue_user);
	s->limits.total = READ_ONCE(vexfs_bridge_queue_total);
	s->patience_ns = READ_ONCE(vexfs_bridge_timeout_ms) * (u64)NSEC_PER_MSEC;
}
VEXFS_EXPORT_KUNIT(vexfs_bridge_sched_settings);
