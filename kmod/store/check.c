// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a collection is sound: every LIVE slot is what its id means, every
 * id means one slot, counters agree with what is there. Writers go on meanwhile,
 * so that a difference counts only when nothing was changed while it was looked
 * at. It must not change anything.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "store/internal.h"

static __printf(2, 3) void fault(struct vexfs_soundness *s, const char *fmt, ...)
{
	va_list args;

	if (!s->faults++) {
		va_start(args, fmt);
		vsnprintf(s->report, sizeof(s->report), fmt, args);
		va_end(args);
	}
}

static void check_slot(struct vexfs_collection *c, struct vexfs_extent *e, u32 row,
		       struct vexfs_soundness *s)
{
	u64 id = e->ids[row];
	u32 slot = e->first + row;

	s->vectors++;
	if (vexfs_find(c, id) != slot && !vexfs_idmap_sound(c, id, slot))
		fault(s, "slot %u holds id %llu, which means another", slot, id);
	else if (vexfs_slot_live(c, slot) && !vexfs_span_has(e, row, vexfs_moment(c)) &&
		 !vexfs_idmap_sound(c, id, slot))
		fault(s, "slot %u is live and its span is not now", slot);
}

static void check_extent(struct vexfs_collection *c, struct vexfs_extent *e,
			 struct vexfs_soundness *s)
{
	u32 row, nfree = 0, said;

	for (row = 0; row < e->nrows; row++) {
		/* LIVE: all columns were written before */
		switch (smp_load_acquire(&e->state[row])) {
		case VEXFS_SLOT_LIVE:
			check_slot(c, e, row, s);
			break;
		case VEXFS_SLOT_FREE:
		case VEXFS_SLOT_FILLING:
		case VEXFS_SLOT_DEAD:
			break;
		default:
			fault(s, "slot %u has state %u", e->first + row, e->state[row]);
		}
		if (!(row % 256))
			cond_resched();
	}

	spin_lock(&c->slots_lock);
	for (row = 0; row < e->nrows; row++)
		nfree += e->state[row] == VEXFS_SLOT_FREE;
	said = e->nfree;
	spin_unlock(&c->slots_lock);
	/* an extent on its way out says so with all slots FREE and the bit cleared */
	if (nfree != said)
		fault(s, "extent at slot %u has %u free slots and counts %u", e->first, nfree,
		      said);
}

int vexfs_check_store(struct vexfs_collection *c, struct vexfs_soundness *s)
{
	u64 generation = atomic64_read(&c->generation);
	struct vexfs_extent *e;
	u64 entries;
	u32 number;
	int idx;

	memset(s, 0, sizeof(*s));
	for (number = 0; number < READ_ONCE(c->nextents); number++) {
		idx = vexfs_read_lock(c);
		e = READ_ONCE(vexfs_dir(c)->ext[number]);
		if (e)
			check_extent(c, e, s);
		vexfs_read_unlock(c, idx);
		if (signal_pending(current))
			return -EINTR;
	}

	/* no write may have begun, either: with all of them out, nothing is half done */
	down_write(&c->quiesce);
	idx = vexfs_read_lock(c);
	entries = vexfs_idmap_count(c);
	if (entries != atomic64_read(&c->count))
		fault(s, "the id map has %llu ids, the collection counts %lld", entries,
		      (s64)atomic64_read(&c->count));
	if (atomic64_read(&c->promised) != atomic64_read(&c->count))
		fault(s, "%lld vectors are promised, %lld are there",
		      (s64)atomic64_read(&c->promised), (s64)atomic64_read(&c->count));
	if (generation == atomic64_read(&c->generation) && entries != s->vectors)
		fault(s, "%llu slots are live, the id map has %llu ids", s->vectors, entries);
	vexfs_read_unlock(c, idx);
	up_write(&c->quiesce);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_check_store);
