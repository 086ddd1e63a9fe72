// SPDX-License-Identifier: GPL-2.0
/*
 * A walk visits every id once, in an order in which no id ever moves. The order of slots
 * would not do: an update takes a new slot, before or behind the position of the walk. The
 * order is: first the ids that are in the hash table when the walk begins, by their hash,
 * then those in leaves, by the id.
 *
 * A leaf that is made later may take ids over from the hash table. It remembers which, and
 * these keep their place in the order, by their hash. The rest of such a leaf was not there
 * when the walk began, so the walk skips the leaf in its second part.
 */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "store/idmap.h"

#define BUCKETS	64u

/* Moves the walk to @next; 0 is beyond the last position. */
static void step_to(struct vexfs_idwalk *w, u64 next)
{
	w->position = next;
	if (!next)
		w->part++;
}

/*
 * Keeps those of @n slots that are LIVE; one that is no longer is replaced by the slot
 * that its id means by now. @since: the last sequence number before the slots were read.
 */
static u32 keep_live(struct vexfs_collection *c, u32 *slots, u32 n, u64 since)
{
	u32 i, j, kept = 0;

	/* the extents, their directory and the ids were there before the places */
	smp_rmb();
	for (i = 0; i < n; i++) {
		u64 id = vexfs_slot_id(c, slots[i]);
		u32 slot = slots[i];

		if (!vexfs_slot_live(c, slot))
			slot = vexfs_find(c, id);
		if (slot == VEXFS_NO_SLOT)
			continue;
		/* an id that was deleted and stored again meanwhile may have come twice */
		j = kept;
		if (unlikely(READ_ONCE(vexfs_slot_span(c, slot)->from) > since))
			for (j = 0; j < kept && vexfs_slot_id(c, slots[j]) != id; j++)
				;
		if (j == kept)
			slots[kept++] = slot;
	}
	return kept;
}

/* ---- the hash table ---- */

/*
 * The next leaf that was made since the walk began and has taken ids over; after NULL the
 * first one. The caller has read the shard before: an id that was no longer there is in
 * one of these leaves.
 */
static struct vexfs_idleaf *next_taker(struct vexfs_collection *c, const struct vexfs_idwalk *w,
				       struct vexfs_idleaf *leaf)
{
	/* pairs with list_add_rcu() in leaf_add(): what follows depends on the pointer */
	struct list_head *next = READ_ONCE((leaf ? &leaf->taker : &c->ids.takers)->next);

	if (next == &c->ids.takers)
		return NULL;
	cond_resched();
	leaf = list_entry(next, struct vexfs_idleaf, taker);
	return leaf->made < w->seq ? NULL : leaf;
}

static u64 leaf_id(const struct vexfs_idleaf *leaf, u32 i)
{
	return leaf->group << IDLEAF_SHIFT | i;
}

/*
 * The last tag such that no more than @room ids, in the shard or taken over from it, have
 * tags from that of the position up to it. At least the tag of the position itself,
 * however many ids have it.
 */
static u32 window_end(struct vexfs_collection *c, const struct vexfs_idwalk *w,
		      const struct vexfs_idshard *s, u32 last, u32 room)
{
	u32 from = w->position >> 32;

	for (;;) {
		u32 shift = max_t(int, fls(last - from) - ilog2(BUCKETS), 0);
		struct vexfs_idleaf *leaf = NULL;
		u32 count[BUCKETS] = { };
		u32 i, ahead, sum = 0;

		for (i = 0; i < 1u << s->bits; i++) {
			u64 e = READ_ONCE(s->entry[i]);

			ahead = entry_tag(e) - from;
			if (place_used(e) && ahead <= last - from)
				count[ahead >> shift]++;
		}
		/* pairs with leaf_add() */
		smp_rmb();
		while ((leaf = next_taker(c, w, leaf)))
			for_each_set_bit(i, leaf->taken, IDLEAF_IDS) {
				ahead = vexfs_idmap_tag(c, leaf_id(leaf, i)) - from;
				if (ahead <= last - from)
					count[ahead >> shift]++;
			}
		for (i = 0; i < BUCKETS && sum + count[i] <= room; i++)
			sum += count[i];
		if (i == BUCKETS)
			return last;
		if (i)
			return from + (i << shift) - 1;
		if (!shift)
			return from;
		last = from + (1u << shift) - 1;
	}
}

/* An id may have been read in the shard right before a leaf took it over. */
static bool slots_have_id(struct vexfs_collection *c, const u32 *slots, u32 n, u64 id)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (vexfs_slot_id(c, slots[i]) == id)
			return true;
	return false;
}

/* The slots of the ids in a window; a result above @room: they do not fit. */
static u32 window_slots(struct vexfs_collection *c, const struct vexfs_idwalk *w,
			const struct vexfs_idshard *s, u32 last, u32 *slots, u32 room)
{
	u32 from = w->position >> 32, in_shard, n = 0, i;
	struct vexfs_idleaf *leaf = NULL;

	for (i = 0; i < 1u << s->bits; i++) {
		u64 e = READ_ONCE(s->entry[i]);

		if (!place_used(e) || entry_tag(e) - from > last - from)
			continue;
		if (n == room)
			return room + 1;
		slots[n++] = place_slot(e);
	}
	in_shard = n;
	/* pairs with leaf_add(); and the ids were there before the entries */
	smp_rmb();
	while ((leaf = next_taker(c, w, leaf)))
		for_each_set_bit(i, leaf->taken, IDLEAF_IDS) {
			u64 id = leaf_id(leaf, i);
			u32 v = READ_ONCE(leaf->place[i]);

			if (!v || vexfs_idmap_tag(c, id) - from > last - from ||
			    slots_have_id(c, slots, in_shard, id))
				continue;
			if (n == room)
				return room + 1;
			slots[n++] = place_slot(v);
		}
	return n;
}

/* The slot of the id with the lowest hash from the position on, among ids of its tag. */
static u32 lowest_hash(struct vexfs_collection *c, const struct vexfs_idwalk *w,
		  const struct vexfs_idshard *s, u64 *best)
{
	u32 tag = w->position >> 32, found = VEXFS_NO_SLOT, i;
	struct vexfs_idleaf *leaf = NULL;
	u64 hash;

	*best = (u64)tag << 32 | U32_MAX;
	for (i = 0; i < 1u << s->bits; i++) {
		u64 e = READ_ONCE(s->entry[i]);

		if (!place_used(e) || entry_tag(e) != tag)
			continue;
		/* the extent and the id were there before the entry */
		smp_rmb();
		hash = vexfs_idmap_hash(c, vexfs_slot_id(c, place_slot(e)));
		if (hash >= w->position && hash <= *best) {
			*best = hash;
			found = place_slot(e);
		}
	}
	/* pairs with leaf_add() */
	smp_rmb();
	while ((leaf = next_taker(c, w, leaf)))
		for_each_set_bit(i, leaf->taken, IDLEAF_IDS) {
			u32 v = READ_ONCE(leaf->place[i]);

			hash = vexfs_idmap_hash(c, leaf_id(leaf, i));
			if (v && hash >> 32 == tag && hash >= w->position && hash <= *best) {
				*best = hash;
				found = place_slot(v);
			}
		}
	return found;
}

/* More ids have one tag than fit: they come one by one, by their hashes. */
static u32 one_tag(struct vexfs_collection *c, const struct vexfs_idshard *s,
		   struct vexfs_idwalk *w, u32 *slots, u32 room)
{
	u32 tag = w->position >> 32, n = 0;

	while (n < room && w->part == VEXFS_IDWALK_HASHED && w->position >> 32 == tag) {
		u64 hash;

		slots[n] = lowest_hash(c, w, s, &hash);
		step_to(w, hash + 1);
		/* a single id cannot be returned twice */
		if (slots[n] != VEXFS_NO_SLOT)
			n += keep_live(c, slots + n, 1, U64_MAX);
	}
	return n;
}

static u32 hashed_step(struct vexfs_collection *c, struct vexfs_idwalk *w, u32 *slots, u32 room)
{
	u32 from = w->position >> 32, n, i, left = 0;
	struct vexfs_idshard *s = vexfs_idshard_of(c, from);
	u32 last = from | U32_MAX >> s->depth;
	u64 since = vexfs_seq(c);

	do {
		last = window_end(c, w, s, last, room);
		n = window_slots(c, w, s, last, slots, room);
		if (n > room && last == from)
			return one_tag(c, s, w, slots, room);
	} while (n > room);

	/* the step before may have had some of the first tag */
	if ((u32)w->position) {
		for (i = 0; i < n; i++)
			if (vexfs_idmap_hash(c, vexfs_slot_id(c, slots[i])) >= w->position)
				slots[left++] = slots[i];
		n = left;
	}
	step_to(w, last == U32_MAX ? 0 : (u64)(last + 1) << 32);
	return keep_live(c, slots, n, since);
}

/* ---- leaves ---- */

static u32 leaf_step(struct vexfs_collection *c, struct vexfs_idwalk *w, u32 *slots, u32 room)
{
	struct vexfs_idleaf *leaf = vexfs_idleaf_next(c, w->position >> IDLEAF_SHIFT);
	u32 i, n = 0;
	u64 first;

	if (!leaf) {
		w->part++;
		return 0;
	}
	first = leaf->group << IDLEAF_SHIFT;
	i = max(w->position, first) - first;
	/* made later: see the top of this file */
	if (leaf->made >= w->seq)
		i = IDLEAF_IDS;
	for (; i < IDLEAF_IDS && n < room; i++) {
		u32 v = READ_ONCE(leaf->place[i]);

		if (v)
			slots[n++] = place_slot(v);
	}
	step_to(w, first + i);
	return keep_live(c, slots, n, U64_MAX);
}

u32 vexfs_idwalk_step(struct vexfs_collection *c, struct vexfs_idwalk *w, u32 *slots, u32 room)
{
	switch (w->part) {
	case 0:
		w->seq = vexfs_seq(c);
		w->position = 0;
		w->part = VEXFS_IDWALK_HASHED;
		fallthrough;
	case VEXFS_IDWALK_HASHED:
		return hashed_step(c, w, slots, room);
	case VEXFS_IDWALK_LEAVES:
		return leaf_step(c, w, slots, room);
	}
	w->part = VEXFS_IDWALK_END;
	return 0;
}
