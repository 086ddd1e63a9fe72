/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tunables of the bridge. docs/ABI/sysfs-module-vexfs describes each of them.
 */
#ifndef _VEXFS_BRIDGE_CONFIG_H
#define _VEXFS_BRIDGE_CONFIG_H

#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/types.h>

#include "bridge/sched.h"

extern u32 vexfs_bridge_coalesce;
extern u32 vexfs_bridge_batch_size;
extern u32 vexfs_bridge_batch_timeout_us;
extern u32 vexfs_bridge_slots;
extern u32 vexfs_bridge_priority;
extern u32 vexfs_bridge_timeout_ms;

/* Processors that the ops of a lane may use at a time. */
static inline u32 vexfs_bridge_slots_now(void)
{
	return READ_ONCE(vexfs_bridge_slots) ?: num_online_cpus();
}

/* All priorities are equal while bridge_priority is off. */
static inline u32 vexfs_bridge_priority_of(u32 priority)
{
	return READ_ONCE(vexfs_bridge_priority) ? priority : VEXFS_PRIORITY_MEDIUM;
}

/* The weight of a priority. */
u32 vexfs_bridge_weight(u32 priority);
/* Copies the weights of the priorities into @s. The caller holds the scheduler's lock. */
void vexfs_bridge_sched_weights(struct vexfs_sched *s);
/* Copies weights, limits and patience into @s. The caller holds the scheduler's lock. */
void vexfs_bridge_sched_settings(struct vexfs_sched *s);

#endif
