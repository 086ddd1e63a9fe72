// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of changes: written under ids_lock, read without it. This file must not know
 * its readers.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "mem/user.h"
#include "store/ring.h"

#define RING_MOST	32768u
/* More than one part of a request can change, see vexfs_put_vectors() and data/vectors.c. */
#define RING_LEAST	512u
#define RING_ROW_BYTES	(64u << 20)	/* upper bound of rows that are kept for storage */

u32 vexfs_ring_entries(const struct vexfs_collection *c)
{
	u32 rows = RING_ROW_BYTES / c->space.stride;

	return clamp(rounddown_pow_of_two(max(rows, 1u)), RING_LEAST, RING_MOST);
}
VEXFS_EXPORT_KUNIT(vexfs_ring_entries);

static size_t ring_bytes(u32 entries)
{
	return struct_size((struct vexfs_ring *)NULL, entry, entries);
}

int vexfs_ring_add(struct vexfs_collection *c)
{
	u32 entries = vexfs_ring_entries(c);
	struct vexfs_ring *r;
	int err;

	if (c->ring)
		return 0;
	err = vexfs_collection_charge(c, ring_bytes(entries));
	if (err)
		return err;
	r = vexfs_user_alloc(ring_bytes(entries), VEXFS_GFP_USER | __GFP_ZERO);
	if (!r) {
		vexfs_collection_uncharge(c, ring_bytes(entries));
		return -ENOMEM;
	}
	r->mask = entries - 1;
	vexfs_ids_lock(c);
	r->begin = c->decided;
	/* readers attach later and see this */
	WRITE_ONCE(c->ring, r);
	vexfs_ids_unlock(c);
	return 0;
}

void vexfs_ring_del(struct vexfs_collection *c)
{
	struct vexfs_ring *r = c->ring;

	if (!r)
		return;
	vexfs_ids_lock(c);
	WRITE_ONCE(c->ring, NULL);
	vexfs_ids_unlock(c);
	vexfs_collection_uncharge(c, ring_bytes(r->mask + 1));
	kvfree(r);
}

static void entry_set(struct vexfs_ring *r, u64 seq, u32 op, u64 id, u32 slot, u64 now)
{
	struct vexfs_entry *e = &r->entry[seq & r->mask];

	WRITE_ONCE(e->id, id);
	WRITE_ONCE(e->time_ns, now);
	WRITE_ONCE(e->slot, slot);
	WRITE_ONCE(e->op, op);
}

void vexfs_ring_note(struct vexfs_collection *c, enum vexfs_change_op op, u64 id, u32 slot)
{
	/* the number before the entry that it overwrites: pairs with vexfs_ring_read() */
	smp_wmb();
	entry_set(c->ring, c->decided, op, id, slot, ktime_get_coarse_ns());
}

void vexfs_ring_note_run(struct vexfs_collection *c, u64 first, u64 id, u32 slot, u32 n)
{
	u64 now = ktime_get_coarse_ns();
	u32 i;

	/* likewise */
	smp_wmb();
	for (i = 0; i < n; i++)
		entry_set(c->ring, first + i, VEXFS_CHANGE_INSERT, id + i, slot + i, now);
}

bool vexfs_ring_read(const struct vexfs_collection *c, u64 seq, struct vexfs_entry *to)
{
	const struct vexfs_ring *r = READ_ONCE(c->ring);
	const struct vexfs_entry *e = &r->entry[seq & r->mask];

	to->id = READ_ONCE(e->id);
	to->time_ns = READ_ONCE(e->time_ns);
	to->slot = READ_ONCE(e->slot);
	to->op = READ_ONCE(e->op);
	/*
	 * pairs with vexfs_ring_note(): an entry that overwrote this one has its number
	 * in @decided
	 */
	smp_rmb();
	return vexfs_ring_has(c, seq);
}

bool vexfs_ring_has(const struct vexfs_collection *c, u64 seq)
{
	const struct vexfs_ring *r = READ_ONCE(c->ring);

	/* a writer may increment it meanwhile: the result is the old or the new number */
	return seq > r->begin && data_race(READ_ONCE(c->decided)) - seq <= r->mask;
}
