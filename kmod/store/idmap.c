// SPDX-License-Identifier: GPL-2.0
/*
 * The id map: which slot an id means. Lookups take no lock; writers hold ids_lock for a few
 * ids at a time. The meaning of an id does not depend on where it is, in a leaf or in the
 * hash table, and that is not decided here.
 */
#include <linux/kernel.h>
#include <linux/prefetch.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "store/idmap.h"

void vexfs_idmap_tags(struct vexfs_collection *c, const u64 *ids, u32 n, u32 *tags)
{
	u32 i;

	for (i = 0; i < n; i++) {
		tags[i] = vexfs_idmap_tag(c, ids[i]);
		prefetchw(vexfs_idshard_of(c, tags[i]));
	}
	for (i = 0; i < n; i++) {
		struct vexfs_idshard *s = vexfs_idshard_of(c, tags[i]);

		prefetchw(&s->entry[tags[i] & ((1u << s->bits) - 1)]);
	}
}

static u32 neighbours(const u64 *ids, u32 n)
{
	u32 i;

	for (i = 1; i < n; i++)
		if (ids[i] != ids[0] + i)
			break;
	return i;
}

u32 vexfs_idmap_counting(const u64 *ids, u32 n)
{
	return neighbours(ids, min_t(u32, n, IDLEAF_IDS - (ids[0] & (IDLEAF_IDS - 1))));
}

void vexfs_idmap_leaves(struct vexfs_collection *c, const u64 *ids, u32 n)
{
	if (n >= IDLEAF_RUN && neighbours(ids, n) == n)
		vexfs_idleaf_make(c, ids[0], n);
}

/* ---- places ---- */

/**
 * struct place - where an id is, or can be put
 * @leaf: in this leaf, or NULL
 * @shard: else in this shard
 * @entry: its entry there, or NULL
 * @room: the entry that may take it when it has none
 * @in_leaf: its place in the leaf
 * @tag: hash of the id
 */
struct place {
	struct vexfs_idleaf *leaf;
	struct vexfs_idshard *shard;
	u64 *entry;
	u64 *room;
	u32 *in_leaf;
	u32 tag;
};

/* The contents of the place of @id; 0 when it has none. ids_lock held. */
static u32 place_find(struct vexfs_collection *c, struct place *pl, u64 id, u32 tag,
		      struct vexfs_idleaf *hint)
{
	pl->tag = tag;
	if (hint && hint->group == id >> IDLEAF_SHIFT)
		pl->leaf = hint;
	else
		pl->leaf = vexfs_idleaf_of(c, id);
	if (pl->leaf) {
		pl->in_leaf = &pl->leaf->place[id & (IDLEAF_IDS - 1)];
		return *pl->in_leaf;
	}
	pl->shard = vexfs_idshard_of(c, tag);
	pl->room = NULL;
	pl->entry = vexfs_idshard_find(c, pl->shard, id, tag, &pl->room);
	return pl->entry ? (u32)*pl->entry : 0;
}

/* Writes @v to a place that is taken. */
static void place_set(const struct place *pl, u32 v)
{
	if (pl->leaf)
		WRITE_ONCE(*pl->in_leaf, v);
	else
		WRITE_ONCE(*pl->entry, (u64)pl->tag << 32 | v);
}

static bool place_full(const struct place *pl)
{
	return !pl->leaf && !*pl->room && pl->shard->used >= idshard_limit(pl->shard->bits);
}

/* Takes the place for an id that had none. */
static void place_take(struct vexfs_collection *c, struct place *pl, u32 v)
{
	if (pl->leaf) {
		pl->leaf->live++;
	} else {
		pl->entry = pl->room;
		if (!*pl->entry)
			pl->shard->used++;
		pl->shard->live++;
		c->ids.hashed++;
	}
	c->taken++;
	place_set(pl, v);
}

static void place_leave(struct vexfs_collection *c, const struct place *pl)
{
	if (pl->leaf) {
		WRITE_ONCE(*pl->in_leaf, 0);
		pl->leaf->live--;
	} else {
		WRITE_ONCE(*pl->entry, IDMAP_TOMB);
		pl->shard->live--;
		c->ids.hashed--;
	}
	c->taken--;
}

/* ---- writers ---- */

/*
 * Assigns @slot to the id: its span begins with the sequence number at which that of @old ends. The
 * spans are written before the place, and @old is marked dead after it.
 */
static u64 place_move(struct vexfs_collection *c, const struct place *pl, u32 slot, u32 old)
{
	u64 seq = ++c->decided;

	lockdep_assert_held(&c->ids_lock);
	WRITE_ONCE(vexfs_slot_span(c, slot)->from, seq);
	/* with the record, which may come from @old: pairs with vexfs_slot_state() */
	smp_wmb();
	vexfs_slot_set_live(c, slot);
	WRITE_ONCE(vexfs_slot_span(c, old)->to, seq);
	/* readers that find the new slot by its place, or the old one DEAD, see it LIVE */
	smp_wmb();
	place_set(pl, place_make(slot, 0));
	vexfs_slot_set_state(c, old, VEXFS_SLOT_DEAD);
	vexfs_note(c, VEXFS_CHANGE_UPDATE, vexfs_slot_id(c, slot), slot);
	return seq;
}

/*
 * The span of a new id begins. mutate_put() has written the number that it expected, which
 * mostly is the right one.
 */
static u64 span_begin(struct vexfs_collection *c, u32 slot)
{
	struct vexfs_span *s = vexfs_slot_span(c, slot);
	u64 seq = ++c->decided;

	if (unlikely(s->from != seq)) {
		/* a restored vector keeps its sequence number */
		if (c->restoring)
			return s->from;
		WRITE_ONCE(s->from, seq);
		/* before the state: pairs with vexfs_slot_state() */
		smp_wmb();
	}
	vexfs_note(c, VEXFS_CHANGE_INSERT, vexfs_slot_id(c, slot), slot);
	return seq;
}

/* The same for @n new ids in consecutive slots. */
static void spans_begin(struct vexfs_collection *c, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_span *s = &e->spans[row];
	u64 seq = c->decided + 1;
	u32 i;

	c->decided += n;
	if (unlikely(c->ring))
		vexfs_ring_note_run(c, seq, e->ids[row], e->first + row, n);
	if (likely(s->from == seq) || c->restoring)
		return;
	for (i = 0; i < n; i++)
		WRITE_ONCE(s[i].from, seq + i);
	/* before the states: pairs with vexfs_slot_state() */
	smp_wmb();
}

bool vexfs_dead_had(const struct vexfs_extent *e, u32 row, u64 seq)
{
	const struct vexfs_span *s = &e->spans[row];
	u64 from = READ_ONCE(s->from), to;

	/* a later @to comes with a later @from */
	smp_rmb();
	to = READ_ONCE(s->to);
	if (from > seq || seq >= to)
		return false;
	/*
	 * Either both numbers belong to one vector, or the slot has got another since. In
	 * the second case it is not DEAD now, since it was FILLING before they were written
	 * (see vexfs_reserve()), or its span begins later. In the first the vector died after
	 * this reader began, and the slot stays as it is until the reader ends.
	 */
	smp_rmb();
	return READ_ONCE(e->state[row]) == VEXFS_SLOT_DEAD && READ_ONCE(s->from) == from;
}

int vexfs_idmap_put(struct vexfs_collection *c, struct vexfs_idput *p)
{
	struct place pl;
	u32 v = place_find(c, &pl, p->id, p->tag, p->leaf);

	p->leaf = pl.leaf;
	p->old = VEXFS_NO_SLOT;
	if (v) {
		if (v & IDMAP_BUSY)
			return -EBUSY;
		if (!(p->flags & VEXFS_PUT_UPDATE))
			return -EEXIST;
		p->old = place_slot(v);
		if (p->keep_attrs && c->attr_size)
			memcpy((void *)vexfs_slot_attrs(c, p->slot),
			       vexfs_slot_attrs(c, p->old), c->attr_size);
		if (p->claim)
			place_set(&pl, v | IDMAP_BUSY);
		else
			p->seq = place_move(c, &pl, p->slot, p->old);
		return 0;
	}
	if (!(p->flags & VEXFS_PUT_INSERT))
		return -ENOENT;
	if (place_full(&pl))
		return -EAGAIN;
	if (c->taken >= vexfs_ids_limit(c))
		return -ENOSPC;
	if (!p->claim) {
		p->seq = span_begin(c, p->slot);
		/* mutate_put() has a barrier between the rows of the run and this */
		vexfs_slot_set_live(c, p->slot);
	}
	/* whoever finds the place before the state finds nothing yet: no barrier */
	place_take(c, &pl, place_make(p->slot, p->claim ? IDMAP_BUSY : 0));
	return 0;
}

bool vexfs_idmap_put_counting(struct vexfs_collection *c, struct vexfs_idput *p, u32 n)
{
	struct vexfs_idleaf *leaf = vexfs_idleaf_of(c, p->id);
	struct vexfs_extent *e;
	u32 *place, i;

	if (!leaf || !(p->flags & VEXFS_PUT_INSERT) || c->taken + n > vexfs_ids_limit(c))
		return false;
	place = &leaf->place[p->id & (IDLEAF_IDS - 1)];
	if (memchr_inv(place, 0, n * sizeof(*place)))
		return false;
	leaf->live += n;
	c->taken += n;
	e = vexfs_extent(c, p->slot);
	spans_begin(c, e, p->slot - e->first, n);
	p->seq = c->decided;
	/* mutate_put() has a barrier between the rows of the run and this */
	memset(&e->state[p->slot - e->first], VEXFS_SLOT_LIVE, n);
	/* whoever finds a place before the state finds nothing yet: no barrier */
	for (i = 0; i < n; i++)
		WRITE_ONCE(place[i], place_make(p->slot + i, 0));
	return true;
}

/* The claimed id now means the new slot. */
void vexfs_idmap_publish(struct vexfs_collection *c, struct vexfs_idput *p)
{
	struct place pl;

	if (WARN_ON_ONCE(!(place_find(c, &pl, p->id, p->tag, NULL) & IDMAP_BUSY)))
		return;
	if (p->old != VEXFS_NO_SLOT) {
		p->seq = place_move(c, &pl, p->slot, p->old);
	} else {
		p->seq = span_begin(c, p->slot);
		vexfs_slot_set_state(c, p->slot, VEXFS_SLOT_LIVE);
		/* who finds the slot finds it LIVE */
		smp_wmb();
		place_set(&pl, place_make(p->slot, 0));
	}
}

/* Ends the claim; the id keeps its former slot. */
void vexfs_idmap_abort(struct vexfs_collection *c, const struct vexfs_idput *p)
{
	struct place pl;
	u32 v = place_find(c, &pl, p->id, p->tag, NULL);

	if (WARN_ON_ONCE(!(v & IDMAP_BUSY)))
		return;
	if (p->old != VEXFS_NO_SLOT)
		place_set(&pl, v & ~IDMAP_BUSY);
	else
		place_leave(c, &pl);
}

int vexfs_idmap_remove(struct vexfs_collection *c, u64 id, u32 tag, u32 *old)
{
	struct place pl;
	u32 v = place_find(c, &pl, id, tag, NULL);

	if (!v)
		return -ENOENT;
	if (v & IDMAP_BUSY)
		return -EBUSY;
	*old = place_slot(v);
	WRITE_ONCE(vexfs_slot_span(c, *old)->to, ++c->decided);
	place_leave(c, &pl);
	vexfs_slot_set_state(c, *old, VEXFS_SLOT_DEAD);
	vexfs_note(c, VEXFS_CHANGE_DELETE, id, *old);
	return 0;
}

bool vexfs_idmap_is_busy(struct vexfs_collection *c, u64 id)
{
	int idx = vexfs_read_lock(c);
	struct place pl;
	bool busy;

	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	busy = place_find(c, &pl, id, vexfs_idmap_tag(c, id), NULL) & IDMAP_BUSY;
	spin_unlock(&c->ids_lock);
	vexfs_read_unlock(c, idx);
	return busy;
}

bool vexfs_idmap_sound(struct vexfs_collection *c, u64 id, u32 slot)
{
	struct vexfs_span *span = vexfs_slot_span(c, slot);
	struct place pl;
	bool sound;
	u32 v;

	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	v = place_find(c, &pl, id, vexfs_idmap_tag(c, id), NULL);
	sound = !vexfs_slot_live(c, slot) ||
		(v && place_slot(v) == slot && span->from <= c->decided &&
		 span->to == VEXFS_FOREVER);
	spin_unlock(&c->ids_lock);
	return sound;
}

/* ---- readers ---- */

/*
 * The slot in @v, which was read from *@at, if it is LIVE. Otherwise VEXFS_NO_SLOT: the
 * vector is not stored yet or deleted; or *@moved: the place has another slot by now.
 */
static u32 slot_named(struct vexfs_collection *c, u32 v, const u32 *at, bool *moved)
{
	u32 slot = place_slot(v);

	*moved = false;
	if (vexfs_slot_live(c, slot))
		return slot;
	*moved = READ_ONCE(*at) != v;
	return VEXFS_NO_SLOT;
}

static u32 find_in_leaf(struct vexfs_collection *c, const struct vexfs_idleaf *leaf, u64 id)
{
	const u32 *at = &leaf->place[id & (IDLEAF_IDS - 1)];
	bool moved;
	u32 slot;

	do {
		u32 v = READ_ONCE(*at);

		if (!v)
			return VEXFS_NO_SLOT;
		/* the extent and its directory were there before */
		smp_rmb();
		slot = slot_named(c, v, at, &moved);
	} while (moved);
	return slot;
}

/*
 * Lookup without a lock. A shard that was replaced stays as it was when it was
 * replaced, so whatever is found LIVE counts, and only a miss must be tried
 * again in the new shard; or in the leaf that the ids have moved to meanwhile.
 */
static u32 find_tag(struct vexfs_collection *c, u64 id, u32 tag)
{
	struct vexfs_idleaf *leaf;
	struct vexfs_idshard *s;
	u32 mask, i;
	u64 e;

again:
	leaf = vexfs_idleaf_of(c, id);
	if (leaf)
		return find_in_leaf(c, leaf, id);
	s = vexfs_idshard_of(c, tag);
	mask = (1u << s->bits) - 1;
	for (i = tag & mask;; i = (i + 1) & mask) {
		u32 slot;

		e = READ_ONCE(s->entry[i]);
		if (!e)
			break;
		if (!place_used(e) || entry_tag(e) != tag)
			continue;
		slot = place_slot(e);
		/* the extent, its directory and the id were there before the entry */
		smp_rmb();
		if (vexfs_slot_id(c, slot) != id)
			continue;
		if (vexfs_slot_live(c, slot))
			return slot;
		/* moved: the new shards are in the directory */
		if (smp_load_acquire(&s->moved) || READ_ONCE(s->entry[i]) != e) {
			cpu_relax();
			goto again;
		}
		/* claimed for a slot that is not LIVE yet, or being removed */
		return VEXFS_NO_SLOT;
	}
	/* pairs with leaf_add(): what went from here is in the leaf */
	smp_rmb();
	/* pairs with the release of @moved: what was added since is in the new one */
	if (smp_load_acquire(&s->moved) || vexfs_idleaf_of(c, id)) {
		cpu_relax();
		goto again;
	}
	return VEXFS_NO_SLOT;
}

u32 vexfs_find(struct vexfs_collection *c, u64 id)
{
	return find_tag(c, id, vexfs_idmap_tag(c, id));
}
VEXFS_EXPORT_KUNIT(vexfs_find);

u32 vexfs_find_many(struct vexfs_collection *c, const u64 *ids, u32 n, u32 *slots)
{
	u32 tag[16], found = 0, i, j, m;

	for (i = 0; i < n; i += m) {
		m = min_t(u32, n - i, ARRAY_SIZE(tag));
		for (j = 0; j < m; j++) {
			tag[j] = vexfs_idmap_tag(c, ids[i + j]);
			prefetch(vexfs_idshard_of(c, tag[j]));
		}
		for (j = 0; j < m; j++) {
			struct vexfs_idshard *s = vexfs_idshard_of(c, tag[j]);

			prefetch(&s->entry[tag[j] & ((1u << s->bits) - 1)]);
		}
		for (j = 0; j < m; j++) {
			slots[i + j] = find_tag(c, ids[i + j], tag[j]);
			found += slots[i + j] != VEXFS_NO_SLOT;
		}
	}
	return found;
}
VEXFS_EXPORT_KUNIT(vexfs_find_many);

/* ---- all of it ---- */

void vexfs_idmap_shrink(struct vexfs_collection *c)
{
	vexfs_idleaf_shrink(c);
	vexfs_idshard_shrink(c);
}

u64 vexfs_idmap_count(struct vexfs_collection *c)
{
	return vexfs_idleaf_count(c) + vexfs_idshard_count(c);
}

int vexfs_idmap_init(struct vexfs_collection *c)
{
	mutex_init(&c->ids.resize_lock);
	INIT_LIST_HEAD(&c->ids.takers);
	c->ids.seed = get_random_u64();
	return vexfs_idshard_init(c);
}

/* Called when no reader or writer is active. */
void vexfs_idmap_destroy(struct vexfs_collection *c)
{
	vexfs_idleaf_destroy(c);
	vexfs_idshard_destroy(c);
}
