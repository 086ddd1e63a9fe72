/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ops that hold no slot: put, delete, get and distance. They are too short for one: a slot is a
 * line that all processors write, and readers of a collection write none. So they do not wait at
 * the gate. Their priority decides who gives way (urgent.h): between two parts of a request, an
 * op of lower priority waits for its turn while ops of high priority run in the collection.
 *
 * An op of high priority counts as running only while it uses a processor, not while it waits
 * for memory of its caller or for storage. Any other op pays for one read of a line that is
 * rarely written.
 */
#ifndef _VEXFS_BRIDGE_DIRECT_H
#define _VEXFS_BRIDGE_DIRECT_H

#include "bridge/gate.h"
#include "bridge/urgent.h"

/**
 * struct vexfs_direct - an op that holds no slot
 * @urgent: of the collection that it works in, or NULL
 * @beside: what it is to ops of high priority
 * @priority: enum vexfs_priority
 * @begun_ns: when the part began that runs now; only for high priority
 */
struct vexfs_direct {
	struct vexfs_urgent *urgent;
	struct vexfs_urgent_run beside;
	u32 priority;
	u64 begun_ns;
};

/* No op yet: vexfs_direct_leave() is allowed. */
static inline void vexfs_direct_none(struct vexfs_direct *d)
{
	d->urgent = NULL;
	d->beside.admitted = false;
}

/* The op begins. Its client has a gate. */
void vexfs_direct_enter(struct vexfs_direct *d, const struct vexfs_gate_client *client,
			u32 priority);

/* Has it no turn now? Slow path of vexfs_direct_waits(). */
bool vexfs_direct_no_turn(struct vexfs_direct *d);

/*
 * Asked before each part. True: ops of high priority run and this one has none; it must ask
 * again after vexfs_direct_pause(), unless there is a reason to give up.
 */
static inline bool vexfs_direct_waits(struct vexfs_direct *d)
{
	return d->urgent && unlikely(vexfs_urgent_any(d->urgent)) && vexfs_direct_no_turn(d);
}

/* Sleeps for a moment. */
void vexfs_direct_pause(struct vexfs_direct *d);

/* Should its parts be short, because ops of high priority may come or run? */
static inline bool vexfs_direct_brief(const struct vexfs_direct *d)
{
	return d->urgent && d->priority != VEXFS_PRIORITY_HIGH &&
	       (d->priority == VEXFS_PRIORITY_LOW || vexfs_urgent_any(d->urgent));
}

void vexfs_direct_begin(struct vexfs_direct *d);
void vexfs_direct_end(struct vexfs_direct *d);

/* Around the time in which a part uses a processor. */
static inline void vexfs_direct_busy(struct vexfs_direct *d, bool busy)
{
	if (likely(d->priority != VEXFS_PRIORITY_HIGH))
		return;
	if (busy)
		vexfs_direct_begin(d);
	else
		vexfs_direct_end(d);
}

/* The op has ended. */
static inline void vexfs_direct_leave(struct vexfs_direct *d)
{
	if (unlikely(d->beside.admitted))
		vexfs_urgent_leave(d->urgent, &d->beside);
}

#endif
