/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the id map is laid out: what its files tell each other. idmap.c is the map,
 * idshard.c the hash table, idleaf.c the leaves. Nothing else includes it.
 *
 * An id stands in one place. Ids that come in runs of neighbours stand in leaves,
 * arrays of slots by the low bits of the id; all others in the hash table. Once a
 * range of ids has a leaf, its ids are nowhere else, for as long as there is the leaf,
 * which goes when none of its ids is left. A new leaf takes over what was in the hash
 * table. See idwalk.c for what a walk makes of that.
 */
#ifndef _VEXFS_STORE_IDMAP_H
#define _VEXFS_STORE_IDMAP_H

#include <linux/bitmap.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>

#include "store/internal.h"

/* What a place says, in its low half: 0, or whether busy and slot + 1. */
#define IDMAP_BUSY		0x80000000u
/* An entry of the hash table has the tag above. One that was deleted: */
#define IDMAP_TOMB		(1ULL << 32)

/**
 * struct vexfs_idshard - a part of the hash table: open addressing, linear probing
 * @moved: replaced by another; nothing changes here any more. Set last
 * @depth: top bits of the tag that all ids here share
 * @bits: log2 of the entries
 * @used: entries that are not empty, tombs included
 * @live: entries that name a slot
 * @garbage: for its end
 * @entry: 2^@bits of them: 0, IDMAP_TOMB, or tag << 32 | what a place says
 */
struct vexfs_idshard {
	bool moved;
	u8 depth;
	u8 bits;
	u32 used;
	u32 live;
	struct vexfs_garbage garbage;
	u64 *entry;
};

/**
 * struct vexfs_iddir - shards by the top @depth bits of the tag
 * @garbage: for its end
 * @depth: log2 of the entries
 * @shard: a shard stands here once or more often
 */
struct vexfs_iddir {
	struct vexfs_garbage garbage;
	u32 depth;
	struct vexfs_idshard *shard[];
};

#define IDLEAF_SHIFT		10u
#define IDLEAF_IDS		(1u << IDLEAF_SHIFT)
#define IDLEAF_RUN		128u	/* neighbours in one put that are worth a leaf */

/**
 * struct vexfs_idleaf - where IDLEAF_IDS ids next to each other are
 * @sorted: in the leaves by @group; ids_lock
 * @group: what the ids have in common, all but IDLEAF_SHIFT bits
 * @made: the last sequence number when it was made
 * @taker: in the leaves that have taken ids over, the last one first; changed under
 *	ids_lock, followed inside vexfs_read_lock()
 * @taken: bit i: id i was taken over; all others have come after @made
 * @live: places that name a slot, busy ones included; ids_lock
 * @garbage: for its end
 * @place: by the low bits of the id
 */
struct vexfs_idleaf {
	struct rb_node sorted;
	u64 group;
	u64 made;
	struct list_head taker;
	DECLARE_BITMAP(taken, IDLEAF_IDS);
	u32 live;
	struct vexfs_garbage garbage;
	u32 place[IDLEAF_IDS];
};

/**
 * struct vexfs_leaftab - the leaves, by group: open addressing, linear probing
 * @garbage: for its end
 * @bits: log2 of the entries
 * @used: entries that are not NULL, those of leaves that went included; resize_lock
 * @leaf: 1 << @bits of them. They change under resize_lock; readers take none
 */
struct vexfs_leaftab {
	struct vexfs_garbage garbage;
	u32 bits;
	u32 used;
	struct vexfs_idleaf *leaf[];
};

static inline bool place_used(u32 v)
{
	return v;
}

static inline u32 place_slot(u32 v)
{
	return (v & ~IDMAP_BUSY) - 1;
}

static inline u32 place_make(u32 slot, u32 busy)
{
	return busy | (slot + 1);
}

static inline u32 entry_tag(u64 e)
{
	return e >> 32;
}

static inline struct vexfs_iddir *vexfs_iddir(struct vexfs_collection *c)
{
	return srcu_dereference_check(c->ids.dir, &c->srcu, 1);
}

static inline u32 iddir_index(u32 depth, u32 tag)
{
	return depth ? tag >> (32 - depth) : 0;
}

static inline struct vexfs_idshard *vexfs_idshard_of(struct vexfs_collection *c, u32 tag)
{
	struct vexfs_iddir *d = vexfs_iddir(c);

	/* pairs with the release in dir_replace(): what follows depends on the pointer */
	return READ_ONCE(d->shard[iddir_index(d->depth, tag)]);
}

/* Entries that may be used before the shard has to grow: three quarters. */
static inline u32 idshard_limit(u32 bits)
{
	return (3u << bits) / 4;
}

/*
 * The entry of @id, or NULL; *@room is the first entry that may take it. The
 * caller holds ids_lock.
 */
u64 *vexfs_idshard_find(struct vexfs_collection *c, struct vexfs_idshard *s, u64 id, u32 tag,
			u64 **room);
int vexfs_idshard_init(struct vexfs_collection *c);
void vexfs_idshard_destroy(struct vexfs_collection *c);
u64 vexfs_idshard_count(struct vexfs_collection *c);
void vexfs_idshard_shrink(struct vexfs_collection *c);

/*
 * The leaf in which @id stands, or NULL. Inside vexfs_read_lock(); it stays what it
 * is until then, but what has been found in no leaf may be in one a moment later,
 * unless ids_lock is held.
 */
struct vexfs_idleaf *vexfs_idleaf_find(struct vexfs_collection *c, u64 id);
/* The first leaf of @group or a later one, or NULL. Inside vexfs_read_lock(). */
struct vexfs_idleaf *vexfs_idleaf_next(struct vexfs_collection *c, u64 group);
/* Makes the leaves of a run of neighbours; where that fails they go into the hash table. */
void vexfs_idleaf_make(struct vexfs_collection *c, u64 first, u32 n);
/* Leaves without an id go. */
void vexfs_idleaf_shrink(struct vexfs_collection *c);
u64 vexfs_idleaf_count(struct vexfs_collection *c);
void vexfs_idleaf_destroy(struct vexfs_collection *c);

static inline struct vexfs_idleaf *vexfs_idleaf_of(struct vexfs_collection *c, u64 id)
{
	return READ_ONCE(c->ids.leaves) ? vexfs_idleaf_find(c, id) : NULL;
}

#endif
