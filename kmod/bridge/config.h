/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an operator may set about the bridge; docs/ABI/sysfs-module-vexfs says what each
 * means.
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

/* Ops that may run in a lane at a time. */
static inline u32 vexfs_bridge_slots_now(void)
{
	return READ_ONCE(vexfs_bridge_slots) ?: num_online_cpus();
}

/* All are the same while priorities are switched off. */
static inline u32 vexfs_bridge_priority_of(u32 priority)
{
	return READ_ONCE(vexfs_bridge_priority) ? priority : VEXFS_PRIORITY_MEDIUM;
}

/* All of them as they are when the module is loaded. */
void vexfs_bridge_defaults(void);

/* The weight of a priority as it is set now. */
u32 vexfs_bridge_weight(u32 priority);
/* The weights of its priorities as they are set now; under the scheduler's lock. */
void vexfs_bridge_sched_weights(struct vexfs_sched *s);
/* Weights, limits and patience as they are set now; under the scheduler's lock. */
void vexfs_bridge_sched_settings(struct vexfs_sched *s);

#endif
