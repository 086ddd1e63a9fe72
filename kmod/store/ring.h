/* SPDX-License-Identifier: GPL-2.0 */
/* The ring of changes, for the files of the store that write and read it. */
#ifndef _VEXFS_STORE_RING_H
#define _VEXFS_STORE_RING_H

#include "store/internal.h"

/**
 * struct vexfs_entry - a change; its sequence number is its index
 * @id: id of the vector
 * @time_ns: on the monotonic clock, with the resolution of a jiffy
 * @slot: new slot of a put, old slot of a delete
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
 * @begin: changes up to this one are not in the ring
 * @mask: maps a sequence number to an index
 * @entry: @mask + 1 entries
 */
struct vexfs_ring {
	u64 begin;
	u32 mask;
	struct vexfs_entry entry[];
};

/* Number of entries in the ring of a collection. */
u32 vexfs_ring_entries(const struct vexfs_collection *c);
/* Allocated and freed under stream->lock; freed when there is no reader. -ENOSPC, -ENOMEM. */
int vexfs_ring_add(struct vexfs_collection *c);
void vexfs_ring_del(struct vexfs_collection *c);
/* The number must be published, and the ring exist; returns false if the entry was overwritten. */
bool vexfs_ring_read(const struct vexfs_collection *c, u64 seq, struct vexfs_entry *to);
bool vexfs_ring_has(const struct vexfs_collection *c, u64 seq);

#endif
