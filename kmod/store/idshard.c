// SPDX-License-Identifier: GPL-2.0
/*
 * The hash table of the id map: extendible hashing over shards, which are small tables
 * with open addressing. Growing, splitting and shrinking touch one shard of at most 4,096
 * entries at a time, so nobody waits long, however many vectors there are. The ids
 * themselves are in the extents; an entry keeps 32 bits of the hash, which suffice to
 * split a shard. What an entry means is not known here.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "mem/user.h"
#include "store/idmap.h"

#define SHARD_MIN_BITS	4u
#define SHARD_MAX_BITS	12u
#define DIR_MAX_DEPTH	20u

static size_t entry_bytes(u32 bits)
{
	return sizeof(u64) << bits;
}

static size_t shard_bytes(u32 bits)
{
	return sizeof(struct vexfs_idshard) + entry_bytes(bits);
}

u64 *vexfs_idshard_find(struct vexfs_collection *c, struct vexfs_idshard *s, u64 id, u32 tag,
			u64 **room)
{
	u32 mask = (1u << s->bits) - 1;
	u64 *tomb = NULL;
	u32 i;

	for (i = tag & mask;; i = (i + 1) & mask) {
		u64 e = s->entry[i];

		if (!place_used(e)) {
			if (!e) {
				*room = tomb ?: &s->entry[i];
				return NULL;
			}
			if (!tomb)
				tomb = &s->entry[i];
		} else if (entry_tag(e) == tag && vexfs_slot_id(c, place_slot(e)) == id) {
			return &s->entry[i];
		}
	}
}

static void shard_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_idshard *s = container_of(g, struct vexfs_idshard, garbage);

	vexfs_collection_uncharge(c, shard_bytes(s->bits));
	kvfree(s->entry);
	kfree(s);
}

/*
 * The entries are an allocation of their own: with the rest they would take slightly more
 * than a power of two, which wastes half of the memory, and the heads of all shards would
 * share a few cache sets.
 */
static struct vexfs_idshard *shard_new(struct vexfs_collection *c, u32 bits, u32 depth)
{
	struct vexfs_idshard *s;
	int err = vexfs_collection_charge(c, shard_bytes(bits));

	if (err)
		return ERR_PTR(err);
	s = vexfs_user_alloc(sizeof(*s), VEXFS_GFP_USER | __GFP_ZERO);
	if (s)
		s->entry = vexfs_user_alloc(entry_bytes(bits), VEXFS_GFP_USER | __GFP_ZERO);
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
	d = vexfs_user_alloc(bytes, VEXFS_GFP_USER);
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
	struct vexfs_iddir *old = vexfs_iddir(c);
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

/* Puts @s into all directory entries of the shard of @depth bits that has @tag. */
static void dir_replace(struct vexfs_iddir *d, u32 tag, u32 depth, struct vexfs_idshard *s)
{
	u32 span = 1u << (d->depth - depth);
	u32 first = iddir_index(depth, tag) * span;
	u32 i;

	for (i = 0; i < span; i++)
		/* pairs with vexfs_idshard_of(): the entries before the shard */
		smp_store_release(&d->shard[first + i], s);
}

/* Bits of a table for twice @live entries. */
static u32 bits_for(u32 live)
{
	u32 bits = SHARD_MIN_BITS;

	while (bits <= SHARD_MAX_BITS && idshard_limit(bits) < 2 * live)
		bits++;
	return bits;
}

/*
 * Replaces the shard of @tag by one of @bits, or by two when @bits is beyond
 * the largest. resize_lock held. -EAGAIN when it filled up meanwhile.
 */
static int shard_replace(struct vexfs_collection *c, u32 tag, u32 bits)
{
	struct vexfs_idshard *old = vexfs_idshard_of(c, tag);
	struct vexfs_idshard *s[2] = { };
	bool split = bits > SHARD_MAX_BITS;
	struct vexfs_iddir *d;
	u32 i, shift;
	int err;

	if (split && old->depth == vexfs_iddir(c)->depth) {
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
	d = vexfs_iddir(c);
	shift = 31 - old->depth;

	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
	if (!split && old->live >= idshard_limit(bits)) {
		spin_unlock(&c->ids_lock);
		shard_free(c, &s[0]->garbage);
		return -EAGAIN;
	}
	for (i = 0; i < 1u << old->bits; i++) {
		u64 e = old->entry[i];

		if (place_used(e))
			shard_add(s[split ? entry_tag(e) >> shift & 1 : 0], e);
	}
	if (split) {
		dir_replace(d, tag & ~(1u << shift), old->depth + 1, s[0]);
		dir_replace(d, tag | 1u << shift, old->depth + 1, s[1]);
	} else {
		dir_replace(d, tag, old->depth, s[0]);
	}
	/* who sees it moved sees the new shards in the directory */
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
	s = vexfs_idshard_of(c, tag);
	if (READ_ONCE(s->used) >= idshard_limit(s->bits))
		err = shard_replace(c, tag, bits_for(READ_ONCE(s->live)));
	mutex_unlock(&c->ids.resize_lock);
	/* another task was faster; the caller tries again */
	return err == -EAGAIN ? 0 : err;
}

void vexfs_idshard_shrink(struct vexfs_collection *c)
{
	u32 i, depth;

	mutex_lock(&c->ids.resize_lock);
	depth = vexfs_iddir(c)->depth;
	for (i = 0; i < 1u << depth; i++) {
		struct vexfs_idshard *s = vexfs_iddir(c)->shard[i];
		u32 bits = bits_for(READ_ONCE(s->live));

		if (bits + 1 < s->bits)
			shard_replace(c, depth ? i << (32 - depth) : 0, bits);
		if (need_resched()) {
			/* the directory only grows, and index i keeps its shards */
			mutex_unlock(&c->ids.resize_lock);
			cond_resched();
			mutex_lock(&c->ids.resize_lock);
			if (vexfs_iddir(c)->depth != depth)
				break;
		}
	}
	mutex_unlock(&c->ids.resize_lock);
}

u64 vexfs_idshard_count(struct vexfs_collection *c)
{
	struct vexfs_idshard *last = NULL;
	struct vexfs_iddir *d = vexfs_iddir(c);
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

int vexfs_idshard_init(struct vexfs_collection *c)
{
	struct vexfs_idshard *s;
	struct vexfs_iddir *d;

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

void vexfs_idshard_destroy(struct vexfs_collection *c)
{
	struct vexfs_iddir *d = vexfs_iddir(c);
	struct vexfs_idshard *last = NULL;
	u32 i;

	if (!d)
		return;
	for (i = 0; i < 1u << d->depth; i++) {
		struct vexfs_idshard *s = d->shard[i];

		/* the directory entries of one shard are neighbours */
		if (s != last)
			shard_free(c, &s->garbage);
		last = s;
		cond_resched();
	}
	dir_free(c, &d->garbage);
}
