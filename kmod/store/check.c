// SPDX-License-Identifier: GPL-2.0
/*
 * Checks that a collection is sound: every LIVE slot is the one that its id means, every
 * id means one slot, and counters agree with both. Writers go on meanwhile, so a
 * difference counts only when nothing changed during the comparison. The check changes
 * nothing.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
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
	else if (vexfs_slot_live(c, slot) && !vexfs_span_has(e, row, vexfs_seq(c)) &&
		 !vexfs_idmap_sound(c, id, slot))
		fault(s, "slot %u is live and its span is not now", slot);
}

static void check_row(struct vexfs_collection *c, struct vexfs_extent *e, u32 row,
		      struct vexfs_soundness *s)
{
	/* LIVE: all columns were written before */
	u8 state = smp_load_acquire(&e->state[row]);

	if (state == VEXFS_SLOT_LIVE)
		check_slot(c, e, row, s);
	else if (state > VEXFS_SLOT_DEAD)
		fault(s, "slot %u has state %u", e->first + row, state);
}

static void check_free(struct vexfs_collection *c, struct vexfs_extent *e,
		       struct vexfs_soundness *s)
{
	u32 row, nfree = 0, said;

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	for (row = 0; row < e->nrows; row++)
		nfree += e->state[row] == VEXFS_SLOT_FREE;
	said = e->nfree;
	spin_unlock(&c->slots_lock);
	/* an extent that is being removed has all slots FREE and its bit cleared */
	if (nfree != said)
		fault(s, "extent at slot %u has %u free slots and counts %u", e->first, nfree,
		      said);
}

#define SECTION_ROWS	1024u	/* checked in one read section */

/* Rows of extent @number from @row on; false when there are none. */
static bool check_rows(struct vexfs_collection *c, u32 number, u32 row,
		       struct vexfs_soundness *s)
{
	int idx = vexfs_read_lock(c);
	struct vexfs_extent *e = READ_ONCE(vexfs_dir(c)->ext[number]);
	u32 end = e ? min(e->nrows, row + SECTION_ROWS) : 0;

	if (e && !row)
		check_free(c, e, s);
	for (; row < end; row++)
		check_row(c, e, row, s);
	vexfs_read_unlock(c, idx);
	return end && end < vexfs_extent_rows(c, number);
}

#define QUIET_ATTEMPTS	32	/* one per jiffy */

/*
 * Counters agree while no write is in progress. Mostly a few attempts find the collection
 * in that state. Otherwise new writers are kept out until those in progress have ended.
 */
static int wait_quiet(struct vexfs_collection *c)
{
	int attempt;

	for (attempt = 0; attempt < QUIET_ATTEMPTS; attempt++) {
		if (down_write_trylock(&c->quiesce))
			return 0;
		schedule_timeout_interruptible(1);
		if (signal_pending(current))
			return -EINTR;
	}
	return down_write_killable(&c->quiesce);
}

static int check_counters(struct vexfs_collection *c, struct vexfs_soundness *s, u64 seq)
{
	int idx, err = wait_quiet(c);
	u64 entries;

	if (err)
		return err;
	idx = vexfs_read_lock(c);
	entries = vexfs_idmap_count(c);
	if (entries != atomic64_read(&c->count))
		fault(s, "the id map has %llu ids, the collection counts %lld", entries,
		      (s64)atomic64_read(&c->count));
	if (c->taken != atomic64_read(&c->count))
		fault(s, "%llu vectors count towards the capacity, %lld are there", c->taken,
		      (s64)atomic64_read(&c->count));
	if (seq == vexfs_seq(c) && entries != s->vectors)
		fault(s, "%llu slots are live, the id map has %llu ids", s->vectors, entries);
	vexfs_read_unlock(c, idx);
	up_write(&c->quiesce);
	return 0;
}

int vexfs_check_store(struct vexfs_collection *c, struct vexfs_soundness *s)
{
	u64 seq = vexfs_seq(c);
	u32 number, row;
	bool more;

	memset(s, 0, sizeof(*s));
	for (number = 0; number < READ_ONCE(c->nextents); number++) {
		row = 0;
		do {
			more = check_rows(c, number, row, s);
			row += SECTION_ROWS;
			cond_resched();
			if (signal_pending(current))
				return -EINTR;
		} while (more);
	}
	return check_counters(c, s, seq);
}
VEXFS_EXPORT_KUNIT(vexfs_check_store);
