/* SPDX-License-Identifier: GPL-2.0 */
/* The ring of changes, for the files of the store that write and read it. */
#ifndef _VEXFS_STORE_RING_H
#define _VEXFS_STORE_RING_H

#include "store/internal.h"

/**
 * struct vexfs_entry - a change; its sequence number is its place
 * @id: of the vector
 * @time_ns: when, on the monotonic clock, to a tick
 * @slot: that it got, or had
 * @op: enum vexfs_change_op
 */
struct vexfs_entry {
	u64 id;
	u64 time_ns;
	u32 slot;
	u32 op;
};

/**
 * struct vexfs_ring - the last changes
 * @begin: there is none up to this one
 * @mask: of the place of a number
 * @entry: one more than @mask says
 */
struct vexfs_ring {
	u64 begin;
	u32 mask;
	struct vexfs_entry entry[];
};

/* How many entries the ring of a collection has. */
u32 vexfs_ring_entries(const struct vexfs_collection *c);
/* The ring comes and goes under stream->lock; it goes when nobody reads. -ENOSPC, -ENOMEM. */
int vexfs_ring_add(struct vexfs_collection *c);
void vexfs_ring_del(struct vexfs_collection *c);
/* Whose number has been published, and there is a ring: false when it is no longer there. */
bool vexfs_ring_read(const struct vexfs_collection *c, u64 seq, struct vexfs_entry *to);
bool vexfs_ring_has(const struct vexfs_collection *c, u64 seq);

#endif
