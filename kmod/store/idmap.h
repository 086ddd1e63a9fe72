/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of the id map, for its own files only: idmap.c is the map, idshard.c the hash
 * table, idleaf.c the leaves, idwalk.c walks over all ids.
 *
 * An id is in one place. Ids that came in runs of neighbours are in leaves, arrays of slots
 * indexed by the low bits of the id; all others are in the hash table. While a range of ids
 * has a leaf, its ids are nowhere else. A leaf goes when it has no id left. A new leaf takes
 * over what the hash table had of its range. See idwalk.c for what that means for a walk.
 */
#ifndef _VEXFS_STORE_IDMAP_H
#define _VEXFS_STORE_IDMAP_H

#include <linux/bitmap.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>

#include "store/internal.h"

/* A place is 0, or slot + 1 with this bit set while the id is busy. */
#define IDMAP_BUSY		0x80000000u
/* An entry of the hash table has the tag in its upper half; this one was deleted: */
#define IDMAP_TOMB		(1ULL << 32)

/**
 * struct vexfs_idshard - a part of the hash table: open addressing, linear probing
 * @moved: it was replaced by another and does not change any more. Set last
 * @depth: top bits of the tag that all ids here share
 * @bits: log2 of the entries
 * @used: entries that are not empty, tombs included
 * @live: entries that name a slot
 * @garbage: link for freeing after a grace period
 * @entry: 2^@bits of them: 0, IDMAP_TOMB, or tag << 32 | place
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
 * @garbage: link for freeing after a grace period
 * @depth: log2 of the entries
 * @shard: each shard has one or more entries here
 */
struct vexfs_iddir {
	struct vexfs_garbage garbage;
	u32 depth;
	struct vexfs_idshard *shard[];
};

#define IDLEAF_SHIFT		10u
#define IDLEAF_IDS		(1u << IDLEAF_SHIFT)
#define IDLEAF_RUN		128u	/* number of consecutive ids of a put that are worth a leaf */

/**
 * struct vexfs_idleaf - the slots of IDLEAF_IDS neighbouring ids
 * @sorted: in the leaves by @group; ids_lock
 * @group: what the ids have in common, all but IDLEAF_SHIFT bits
 * @made: sequence number of the last change when it was made
 * @taker: in the list of leaves that have taken ids over, the newest first; changed under
 *	ids_lock, read inside vexfs_read_lock()
 * @taken: bit i: id i was taken over; all others came after @made
 * @live: places that name a slot, busy ones included; ids_lock
 * @garbage: link for freeing after a grace period
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
 * @garbage: link for freeing after a grace period
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
 * The leaf for @id, or NULL. Inside vexfs_read_lock(), until whose end the leaf stays.
 * An id that has no leaf may get one at any time, unless ids_lock is held.
 */
struct vexfs_idleaf *vexfs_idleaf_find(struct vexfs_collection *c, u64 id);
/* The first leaf of @group or a later one, or NULL. Inside vexfs_read_lock(). */
struct vexfs_idleaf *vexfs_idleaf_next(struct vexfs_collection *c, u64 group);
/* Makes leaves for a run of consecutive ids. Ids without a leaf go to the hash table. */
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
