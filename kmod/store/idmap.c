// SPDX-License-Identifier: GPL-2.0
/*
 * Which slot an id means: an extendible hash table whose shards are small open
 * addressing tables. Lookups take no lock; growing, splitting and shrinking
 * touch one shard of at most 4096 entries at a time, so that nobody waits long
 * however many vectors there are. The ids themselves stand in the extents; an
 * entry keeps 32 bits of the hash, which are enough to split without them.
 */
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "store/internal.h"

#define SHARD_MIN_BITS	4u
#define SHARD_MAX_BITS	12u
#define DIR_MAX_DEPTH	20u

static u32 entry_tag(u64 e)
{
	return e >> 32;
}

static bool entry_used(u64 e)
{
	return (u32)e != 0;
}

static u32 entry_slot(u64 e)
{
	return ((u32)e & ~IDMAP_BUSY) - 1;
}

static u64 entry_make(u32 tag, u32 slot, u32 busy)
{
	return (u64)tag << 32 | busy | (slot + 1);
}

/* Entries that may be used before the shard has to grow: three quarters. */
static u32 shard_limit(u32 bits)
{
	return (3u << bits) / 4;
}

static size_t entry_bytes(u32 bits)
{
	return sizeof(u64) << bits;
}

static size_t shard_bytes(u32 bits)
{
	return sizeof(struct vexfs_idshard) + entry_bytes(bits);
}

u32 vexfs_idmap_tag(const struct vexfs_collection *c, u64 id)
{
	u64 h = id ^ c->ids.seed;

	h *= 0x9e3779b97f4a7c15ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h >> 32;
}

static struct vexfs_iddir *iddir(struct vexfs_collection *c)
{
	return srcu_dereference_check(c->ids.dir, &c->srcu, 1);
}

static u32 dir_index(u32 depth, u32 tag)
{
	return depth ? tag >> (32 - depth) : 0;
}

static struct vexfs_idshard *shard_of(struct vexfs_collection *c, u32 tag)
{
	struct vexfs_iddir *d = iddir(c);

	/* pairs with the release in dir_replace(): what follows depends on the pointer */
	return READ_ONCE(d->shard[dir_index(d->depth, tag)]);
}

void vexfs_idmap_prefetch_shard(struct vexfs_collection *c, u32 tag)
{
	prefetchw(shard_of(c, tag));
}

void vexfs_idmap_prefetch_entry(struct vexfs_collection *c, u32 tag)
{
	struct vexfs_idshard *s = shard_of(c, tag);

	prefetchw(&s->entry[tag & ((1u << s->bits) - 1)]);
}

/*
 * The entry of @id, or NULL; *@room is the first entry that may take it. The
 * caller holds ids_lock.
 */
static u64 *shard_find(struct vexfs_collection *c, struct vexfs_idshard *s, u64 id, u32 tag,
		       u64 **room)
{
	u32 mask = (1u << s->bits) - 1;
	u64 *tomb = NULL;
	u32 i;

	for (i = tag & mask;; i = (i + 1) & mask) {
		u64 e = s->entry[i];

		if (!entry_used(e)) {
			if (!e) {
				*room = tomb ?: &s->entry[i];
				return NULL;
			}
			if (!tomb)
				tomb = &s->entry[i];
		} else if (entry_tag(e) == tag && vexfs_slot_id(c, entry_slot(e)) == id) {
			return &s->entry[i];
		}
	}
}

/*
 * One tick of the clock, at which the span of @old ends and, in an update, that
 * of @slot begins. Who takes the moment afterwards sees both.
 */
static void tick(struct vexfs_collection *c, u32 slot, u32 old)
{
	u64 now = c->clock + 1;

	lockdep_assert_held(&c->ids_lock);
	if (slot != VEXFS_NO_SLOT) {
		WRITE_ONCE(vexfs_slot_span(c, slot)->from, now);
		/* pairs with the smp_rmb() of those who look at the state first */
		smp_wmb();
		vexfs_slot_set_live(c, slot);
	}
	WRITE_ONCE(vexfs_slot_span(c, old)->to, now);
	/* pairs with vexfs_moment() */
	smp_wmb();
	WRITE_ONCE(c->clock, now);
}

/* The id now means @slot: both spans first, then the entry, and then @old is dead. */
static void entry_move(struct vexfs_collection *c, u64 *e, u32 tag, u32 slot, u32 old)
{
	tick(c, slot, old);
	/* whoever finds the new slot by the entry, or the old one dead, sees it live */
	smp_wmb();
	WRITE_ONCE(*e, entry_make(tag, slot, 0));
	vexfs_slot_set_state(c, old, VEXFS_SLOT_DEAD);
}

/*
 * The span of a new id begins, under the lock: not before that of an earlier
 * vector of this id has ended. put() has written the moment at which the run
 * began, which mostly still is.
 */
static void span_begin(struct vexfs_collection *c, u32 slot)
{
	struct vexfs_span *s = vexfs_slot_span(c, slot);
	u64 now = READ_ONCE(c->clock);

	if (unlikely(s->from != now)) {
		WRITE_ONCE(s->from, now);
		/* before the state */
		smp_wmb();
	}
}

bool vexfs_dead_had(const struct vexfs_extent *e, u32 row, u64 moment)
{
	const struct vexfs_span *s = &e->spans[row];
	u64 from = READ_ONCE(s->from), to;

	/* a later @to comes with a later @from */
	smp_rmb();
	to = READ_ONCE(s->to);
	if (from > moment || moment >= to)
		return false;
	/*
	 * The two belong together, or the slot has got another vector since: then
	 * it is not DEAD now, or its span begins later. If they do, the vector died
	 * after this reader began, and the slot stays as it is until the end.
	 */
	smp_rmb();
	return READ_ONCE(e->state[row]) == VEXFS_SLOT_DEAD && READ_ONCE(s->from) == from;
}

int vexfs_idmap_put(struct vexfs_collection *c, struct vexfs_idput *p)
{
	struct vexfs_idshard *s = shard_of(c, p->tag);
	u64 *room = NULL;
	u64 *e = shard_find(c, s, p->id, p->tag, &room);
	int err = 0;

	p->old = VEXFS_NO_SLOT;
	if (e) {
		if ((u32)*e & IDMAP_BUSY) {
			err = -EBUSY;
		} else if (!(p->flags & VEXFS_PUT_UPDATE)) {
			err = -EEXIST;
		} else {
			p->old = entry_slot(*e);
			if (p->keep_attrs && c->attr_size)
				memcpy((void *)vexfs_slot_attrs(c, p->slot),
				       vexfs_slot_attrs(c, p->old), c->attr_size);
			if (p->claim)
				WRITE_ONCE(*e, *e | IDMAP_BUSY);
			else
				entry_move(c, e, p->tag, p->slot, p->old);
		}
	} else if (!(p->flags & VEXFS_PUT_INSERT)) {
		err = -ENOENT;
	} else if (!*room && s->used >= shard_limit(s->bits)) {
		err = -EAGAIN;
	} else if (!*p->credit) {
		err = -ENOSPC;
	} else {
		--*p->credit;
		if (!*room)
			s->used++;
		s->live++;
		if (!p->claim) {
			span_begin(c, p->slot);
			/* put() has put a barrier between the rows of the run and this */
			vexfs_slot_set_live(c, p->slot);
		}
		/* whoever finds the entry before the state finds nothing yet: no barrier */
		WRITE_ONCE(*room, entry_make(p->tag, p->slot, p->claim ? IDMAP_BUSY : 0));
	}
	return err;
}

/* The claimed id now means the new slot. */
void vexfs_idmap_publish(struct vexfs_collection *c, const struct vexfs_idput *p)
{
	struct vexfs_idshard *s = shard_of(c, p->tag);
	u64 *room;
	u64 *e = shard_find(c, s, p->id, p->tag, &room);

	if (WARN_ON_ONCE(!e || !((u32)*e & IDMAP_BUSY)))
		return;
	if (p->old != VEXFS_NO_SLOT) {
		entry_move(c, e, p->tag, p->slot, p->old);
	} else {
		span_begin(c, p->slot);
		vexfs_slot_set_state(c, p->slot, VEXFS_SLOT_LIVE);
		/* who finds the slot finds it LIVE */
		smp_store_release(e, entry_make(p->tag, p->slot, 0));
	}
}

/* The claim ends, and the id means what it meant before. */
void vexfs_idmap_abort(struct vexfs_collection *c, const struct vexfs_idput *p)
{
	struct vexfs_idshard *s = shard_of(c, p->tag);
	u64 *room;
	u64 *e = shard_find(c, s, p->id, p->tag, &room);

	if (!WARN_ON_ONCE(!e || !((u32)*e & IDMAP_BUSY))) {
		if (p->old != VEXFS_NO_SLOT) {
			WRITE_ONCE(*e, *e & ~(u64)IDMAP_BUSY);
		} else {
			WRITE_ONCE(*e, IDMAP_TOMB);
			s->live--;
			++*p->credit;
		}
	}
}

int vexfs_idmap_remove(struct vexfs_collection *c, u64 id, u32 tag, u32 *old)
{
	struct vexfs_idshard *s = shard_of(c, tag);
	u64 *room;
	u64 *e = shard_find(c, s, id, tag, &room);
	int err = 0;

	if (!e) {
		err = -ENOENT;
	} else if ((u32)*e & IDMAP_BUSY) {
		err = -EBUSY;
	} else {
		*old = entry_slot(*e);
		tick(c, VEXFS_NO_SLOT, *old);
		WRITE_ONCE(*e, IDMAP_TOMB);
		s->live--;
		vexfs_slot_set_state(c, *old, VEXFS_SLOT_DEAD);
	}
	return err;
}

bool vexfs_idmap_is_busy(struct vexfs_collection *c, u64 id)
{
	int idx = vexfs_read_lock(c);
	u32 tag = vexfs_idmap_tag(c, id);
	u64 *room, *e;
	bool busy;

	spin_lock(&c->ids_lock);
	e = shard_find(c, shard_of(c, tag), id, tag, &room);
	busy = e && ((u32)*e & IDMAP_BUSY);
	spin_unlock(&c->ids_lock);
	vexfs_read_unlock(c, idx);
	return busy;
}

bool vexfs_idmap_sound(struct vexfs_collection *c, u64 id, u32 slot)
{
	u32 tag = vexfs_idmap_tag(c, id);
	struct vexfs_span *span = vexfs_slot_span(c, slot);
	u64 *room, *e;
	bool sound;

	spin_lock(&c->ids_lock);
	e = shard_find(c, shard_of(c, tag), id, tag, &room);
	sound = !vexfs_slot_live(c, slot) ||
		(e && entry_slot(*e) == slot && span->from <= vexfs_moment(c) &&
		 span->to == VEXFS_FOREVER);
	spin_unlock(&c->ids_lock);
	return sound;
}

/*
 * Lookup without a lock. A shard that was replaced stays as it was when it was
 * replaced, so whatever is found LIVE counts, and only a miss must be tried
 * again in the new shard. An entry whose slot is not LIVE is either in flight
 * (then the id means nothing, or no longer anything), or has just been swapped
 * for another slot: then the entry has changed.
 */
static u32 find_tag(struct vexfs_collection *c, u64 id, u32 tag)
{
	struct vexfs_idshard *s;
	u32 mask, i;
	u64 e;

again:
	s = shard_of(c, tag);
	mask = (1u << s->bits) - 1;
	for (i = tag & mask;; i = (i + 1) & mask) {
		u32 slot;

		e = READ_ONCE(s->entry[i]);
		if (!e)
			break;
		if (!entry_used(e) || entry_tag(e) != tag)
			continue;
		slot = entry_slot(e);
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
		/* busy with a slot that is not LIVE yet, or being removed */
		return VEXFS_NO_SLOT;
	}
	/* pairs with the release of @moved: what was added since is in the new one */
	if (smp_load_acquire(&s->moved)) {
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
			prefetch(shard_of(c, tag[j]));
		}
		for (j = 0; j < m; j++) {
			struct vexfs_idshard *s = shard_of(c, tag[j]);

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

/* ---- growing and shrinking ---- */

static void shard_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_idshard *s = container_of(g, struct vexfs_idshard, garbage);

	vexfs_collection_uncharge(c, shard_bytes(s->bits));
	kvfree(s->entry);
	kfree(s);
}

/*
 * Entries are apart from the rest: together they would take a power of two and
 * a little more, so half of the memory would be wasted, and the heads of all
 * shards would share a few sets of the caches.
 */
static struct vexfs_idshard *shard_new(struct vexfs_collection *c, u32 bits, u32 depth)
{
	struct vexfs_idshard *s;
	int err = vexfs_collection_charge(c, shard_bytes(bits));

	if (err)
		return ERR_PTR(err);
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (s)
		s->entry = kvzalloc(entry_bytes(bits), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!s || !s->entry) {
		kfree(s);
		vexfs_collection_uncharge(c, shard_bytes(bits));
		return ERR_PTR(-ENOMEM);
	}
	s->bits = bits;
	s->depth = depth;
	s->garbage.free = shard_free;
	return s;
}

static void dir_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_iddir *d = container_of(g, struct vexfs_iddir, garbage);

	vexfs_collection_uncharge(c, struct_size(d, shard, 1u << d->depth));
	kvfree(d);
}

static struct vexfs_iddir *dir_new(struct vexfs_collection *c, u32 depth)
{
	struct vexfs_iddir *d;
	size_t bytes = struct_size(d, shard, 1u << depth);
	int err = vexfs_collection_charge(c, bytes);

	if (err)
		return ERR_PTR(err);
	d = kvmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!d) {
		vexfs_collection_uncharge(c, bytes);
		return ERR_PTR(-ENOMEM);
	}
	d->depth = depth;
	d->garbage.free = dir_free;
	return d;
}

/* resize_lock held */
static int dir_double(struct vexfs_collection *c)
{
	struct vexfs_iddir *old = iddir(c);
	struct vexfs_iddir *d;
	u32 i;

	if (old->depth >= DIR_MAX_DEPTH)
		return -ENOSPC;
	d = dir_new(c, old->depth + 1);
	if (IS_ERR(d))
		return PTR_ERR(d);
	for (i = 0; i < 1u << old->depth; i++)
		d->shard[2 * i] = d->shard[2 * i + 1] = old->shard[i];
	rcu_assign_pointer(c->ids.dir, d);
	vexfs_retire(c, &old->garbage);
	return 0;
}

static void shard_add(struct vexfs_idshard *s, u64 e)
{
	u32 mask = (1u << s->bits) - 1;
	u32 i = entry_tag(e) & mask;

	while (s->entry[i])
		i = (i + 1) & mask;
	s->entry[i] = e;
	s->used++;
	s->live++;
}

/* Every place of the directory where @old stands, from the one for @tag. */
static void dir_replace(struct vexfs_iddir *d, u32 tag, u32 depth, struct vexfs_idshard *s)
{
	u32 span = 1u << (d->depth - depth);
	u32 first = dir_index(depth, tag) * span;
	u32 i;

	for (i = 0; i < span; i++)
		/* who sees the shard sees its entries */
		smp_store_release(&d->shard[first + i], s);
}

/* Bits of a table that holds @live entries and has room for as many again. */
static u32 bits_for(u32 live)
{
	u32 bits = SHARD_MIN_BITS;

	while (bits <= SHARD_MAX_BITS && shard_limit(bits) < 2 * live)
		bits++;
	return bits;
}

/*
 * Replaces the shard of @tag by one of @bits, or by two when @bits is beyond
 * the largest. resize_lock held. -EAGAIN when it filled up meanwhile.
 */
static int shard_replace(struct vexfs_collection *c, u32 tag, u32 bits)
{
	struct vexfs_idshard *old = shard_of(c, tag);
	struct vexfs_idshard *s[2] = { };
	bool split = bits > SHARD_MAX_BITS;
	struct vexfs_iddir *d;
	u32 i, shift;
	int err;

	if (split && old->depth == iddir(c)->depth) {
		err = dir_double(c);
		if (err)
			return err;
	}
	for (i = 0; i <= split; i++) {
		s[i] = shard_new(c, min(bits, SHARD_MAX_BITS), old->depth + split);
		if (IS_ERR(s[i])) {
			err = PTR_ERR(s[i]);
			if (i)
				shard_free(c, &s[0]->garbage);
			return err;
		}
	}
	d = iddir(c);
	shift = 31 - old->depth;

	spin_lock(&c->ids_lock);
	if (!split && old->live >= shard_limit(bits)) {
		spin_unlock(&c->ids_lock);
		shard_free(c, &s[0]->garbage);
		return -EAGAIN;
	}
	for (i = 0; i < 1u << old->bits; i++) {
		u64 e = old->entry[i];

		if (entry_used(e))
			shard_add(s[split ? entry_tag(e) >> shift & 1 : 0], e);
	}
	if (split) {
		dir_replace(d, tag & ~(1u << shift), old->depth + 1, s[0]);
		dir_replace(d, tag | 1u << shift, old->depth + 1, s[1]);
	} else {
		dir_replace(d, tag, old->depth, s[0]);
	}
	/* who sees it moved finds the new shards in the directory */
	smp_store_release(&old->moved, true);
	spin_unlock(&c->ids_lock);
	vexfs_retire(c, &old->garbage);
	return 0;
}

int vexfs_idmap_grow(struct vexfs_collection *c, u32 tag)
{
	struct vexfs_idshard *s;
	int err = 0;

	if (mutex_lock_interruptible(&c->ids.resize_lock))
		return -EINTR;
	s = shard_of(c, tag);
	if (READ_ONCE(s->used) >= shard_limit(s->bits))
		err = shard_replace(c, tag, bits_for(READ_ONCE(s->live)));
	mutex_unlock(&c->ids.resize_lock);
	/* lost a race: the caller tries again anyway */
	return err == -EAGAIN ? 0 : err;
}

void vexfs_idmap_shrink(struct vexfs_collection *c)
{
	u32 i, depth;

	mutex_lock(&c->ids.resize_lock);
	depth = iddir(c)->depth;
	for (i = 0; i < 1u << depth; i++) {
		struct vexfs_idshard *s = iddir(c)->shard[i];
		u32 bits = bits_for(READ_ONCE(s->live));

		if (bits + 1 < s->bits)
			shard_replace(c, depth ? i << (32 - depth) : 0, bits);
		if (need_resched()) {
			/* the directory only grows, and index i keeps its shards */
			mutex_unlock(&c->ids.resize_lock);
			cond_resched();
			mutex_lock(&c->ids.resize_lock);
			if (iddir(c)->depth != depth)
				break;
		}
	}
	mutex_unlock(&c->ids.resize_lock);
}

u64 vexfs_idmap_count(struct vexfs_collection *c)
{
	struct vexfs_idshard *last = NULL;
	struct vexfs_iddir *d = iddir(c);
	u64 n = 0;
	u32 i;

	for (i = 0; i < 1u << d->depth; i++) {
		struct vexfs_idshard *s = READ_ONCE(d->shard[i]);

		if (s != last)
			n += READ_ONCE(s->live);
		last = s;
		cond_resched();
	}
	return n;
}

int vexfs_idmap_init(struct vexfs_collection *c)
{
	struct vexfs_idshard *s;
	struct vexfs_iddir *d;

	mutex_init(&c->ids.resize_lock);
	c->ids.seed = get_random_u64();
	d = dir_new(c, 0);
	if (IS_ERR(d))
		return PTR_ERR(d);
	s = shard_new(c, SHARD_MIN_BITS, 0);
	if (IS_ERR(s)) {
		dir_free(c, &d->garbage);
		return PTR_ERR(s);
	}
	d->shard[0] = s;
	rcu_assign_pointer(c->ids.dir, d);
	return 0;
}

/* Nobody reads or writes any more. */
void vexfs_idmap_destroy(struct vexfs_collection *c)
{
	struct vexfs_iddir *d = iddir(c);
	struct vexfs_idshard *last = NULL;
	u32 i;

	if (!d)
		return;
	for (i = 0; i < 1u << d->depth; i++) {
		struct vexfs_idshard *s = d->shard[i];

		/* the places of one shard are neighbours */
		if (s != last)
			shard_free(c, &s->garbage);
		last = s;
		cond_resched();
	}
	dir_free(c, &d->garbage);
}
