// SPDX-License-Identifier: GPL-2.0
/*
 * Ops that hold no slot.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/timekeeping.h>

#include "bridge/config.h"
#include "bridge/direct.h"
#include "bridge/stats.h"
#include "compat/compat.h"

void vexfs_direct_enter(struct vexfs_direct *d, const struct vexfs_gate_client *client,
			u32 priority)
{
	d->urgent = client->urgent;
	d->priority = vexfs_bridge_priority_of(priority);
	d->beside = (struct vexfs_urgent_run){
		.cpus = 1,
		.weight = vexfs_bridge_weight(d->priority),
	};
}
VEXFS_EXPORT_KUNIT(vexfs_direct_enter);

bool vexfs_direct_no_turn(struct vexfs_direct *d)
{
	return d->priority != VEXFS_PRIORITY_HIGH &&
	       !vexfs_urgent_admit(d->urgent, &d->beside, num_online_cpus(),
				   vexfs_bridge_weight(VEXFS_PRIORITY_HIGH), ktime_get_ns());
}
VEXFS_EXPORT_KUNIT(vexfs_direct_no_turn);

void vexfs_direct_pause(struct vexfs_direct *d)
{
	vexfs_bridge_inc(VEXFS_BRIDGE_GATE + d->priority, VEXFS_BRIDGE_PAUSED);
	usleep_range(VEXFS_URGENT_PAUSE_US, 2 * VEXFS_URGENT_PAUSE_US);
}
VEXFS_EXPORT_KUNIT(vexfs_direct_pause);

void vexfs_direct_begin(struct vexfs_direct *d)
{
	d->begun_ns = ktime_get_ns();
	vexfs_urgent_begin(d->urgent, 1, d->begun_ns);
}
VEXFS_EXPORT_KUNIT(vexfs_direct_begin);

void vexfs_direct_end(struct vexfs_direct *d)
{
	vexfs_urgent_end(d->urgent, 1, d->begun_ns, ktime_get_ns());
}
VEXFS_EXPORT_KUNIT(vexfs_direct_end);
