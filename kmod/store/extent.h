/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Extents and slots, for readers: where the row of a slot is, which slot an id means, what
 * was there at a sequence number. Inside vexfs_read_lock(), unless a function says more.
 */
#ifndef _VEXFS_STORE_EXTENT_H
#define _VEXFS_STORE_EXTENT_H

#include "store/collection.h"

enum vexfs_slot_state {
	VEXFS_SLOT_FREE		= 0,
	VEXFS_SLOT_FILLING	= 1,
	VEXFS_SLOT_LIVE		= 2,
	VEXFS_SLOT_DEAD		= 3,
};

/**
 * struct vexfs_span - the sequence numbers between which a vector is there
 * @from: that of the change which stored it
 * @to: that of the change which replaced or deleted it; 0 when it never was there
 *
 * Both are of use only in slots that are LIVE or DEAD.
 */
struct vexfs_span {
	u64 from;
	u64 to;
};

/**
 * struct vexfs_extent - rows and their columns; never moves while published
 * @rows: @nrows rows, collection->space.stride bytes apart; page aligned
 * @aux: a number beside each row that its metric needs, such as a norm
 * @ids: the user's id of each row
 * @spans: when each vector is there
 * @state: enum vexfs_slot_state of each row; read with vexfs_slot_state()
 * @attrs: attribute records, collection->attr_size bytes apart, or NULL
 * @codes: the quantised code of each row, collection->code_bytes apart, page aligned; or
 *	NULL. May be added while the extent is in use, and stays
 * @coded: bit i: of the i-th VEXFS_CODED_ROWS rows those with a vector have their codes;
 *	see vexfs_extent_coded()
 * @coding: bit i: these codes were made, or are being made
 * @index: the index's part: vexfs_index_part_add(); freed by ops->part_free of its
 *	owner. Followed by dependency, or acquire; NULL in a new extent
 * @first: slot of the first row
 * @nrows: rows
 * @nfree: slots in FREE; slots_lock
 * @hint: no slot below this row is FREE; slots_lock
 * @next: links DEAD slots that wait for their grace period; slots_lock
 * @bytes: memory, all columns but @codes included
 * @block: bytes allocated for @rows; the columns are behind the rows in them when
 *	there is more than rows
 * @garbage: link for freeing after a grace period
 */
struct vexfs_extent {
	void *rows;
	u32 *aux;
	u64 *ids;
	struct vexfs_span *spans;
	u8 *state;
	u8 *attrs;
	void *codes;
	unsigned long coded;
	struct vexfs_index_part *index;
	u32 first;
	u32 nrows;

	u32 nfree ____cacheline_aligned_in_smp;
	u32 hint;
	u32 *next;
	unsigned long coding;
	size_t bytes;
	size_t block;
	struct vexfs_garbage garbage;
};

/**
 * struct vexfs_dir - the extents, by number; replaced when it must grow
 * @garbage: link for freeing after a grace period
 * @room: entries there are
 * @ext: published extents; NULL where there is none (not yet, or no longer)
 */
struct vexfs_dir {
	struct vexfs_garbage garbage;
	u32 room;
	struct vexfs_extent *ext[];
};

static inline int vexfs_read_lock(struct vexfs_collection *c)
{
	return srcu_read_lock(&c->srcu);
}

static inline void vexfs_read_unlock(struct vexfs_collection *c, int idx)
{
	srcu_read_unlock(&c->srcu, idx);
}

/*
 * Extents double from 1 << small_shift rows until they are full-sized: 0 and 1
 * have 1 << small_shift, 2 twice that, and so on; from slot 1 << full_shift on
 * all have 1 << full_shift.
 */
static inline u32 vexfs_extent_number(const struct vexfs_collection *c, u32 slot)
{
	u32 full = slot >> c->full_shift;

	if (likely(full))
		return full + c->full_shift - c->small_shift;
	return fls(slot >> c->small_shift);
}

static inline u32 vexfs_extent_first(const struct vexfs_collection *c, u32 number)
{
	u32 small = c->full_shift - c->small_shift;

	if (number > small)
		return (number - small) << c->full_shift;
	return number ? 1u << (c->small_shift + number - 1) : 0;
}

static inline u32 vexfs_extent_rows(const struct vexfs_collection *c, u32 number)
{
	u32 small = c->full_shift - c->small_shift;

	if (number > small)
		return 1u << c->full_shift;
	return 1u << (c->small_shift + (number ? number - 1 : 0));
}

static inline struct vexfs_dir *vexfs_dir(const struct vexfs_collection *c)
{
	return srcu_dereference_check(c->dir, &c->srcu, 1);
}

/* The extent of a slot that the caller got inside this read section. */
static inline struct vexfs_extent *vexfs_extent(const struct vexfs_collection *c, u32 slot)
{
	return READ_ONCE(vexfs_dir(c)->ext[vexfs_extent_number(c, slot)]);
}

static inline const void *vexfs_extent_row(const struct vexfs_collection *c,
					   const struct vexfs_extent *e, u32 slot)
{
	return e->rows + (size_t)(slot - e->first) * c->space.stride;
}

static inline const void *vexfs_slot_row(const struct vexfs_collection *c, u32 slot)
{
	return vexfs_extent_row(c, vexfs_extent(c, slot), slot);
}

static inline u32 vexfs_slot_aux(const struct vexfs_collection *c, u32 slot)
{
	const struct vexfs_extent *e = vexfs_extent(c, slot);

	return e->aux[slot - e->first];
}

static inline u64 vexfs_slot_id(const struct vexfs_collection *c, u32 slot)
{
	const struct vexfs_extent *e = vexfs_extent(c, slot);

	return READ_ONCE(e->ids[slot - e->first]);
}

static inline const void *vexfs_slot_attrs(const struct vexfs_collection *c, u32 slot)
{
	const struct vexfs_extent *e = vexfs_extent(c, slot);

	return e->attrs ? e->attrs + (size_t)(slot - e->first) * c->attr_size : NULL;
}

/* enum vexfs_slot_state; what it says LIVE stays readable in this section */
static inline u8 vexfs_slot_state(const struct vexfs_collection *c, u32 slot)
{
	const struct vexfs_extent *e = vexfs_extent(c, slot);
	u8 state = READ_ONCE(e->state[slot - e->first]);

	/* as good as an acquire, and cheaper where that is a full barrier (UML) */
	smp_rmb();
	return state;
}

static inline bool vexfs_slot_live(const struct vexfs_collection *c, u32 slot)
{
	return vexfs_slot_state(c, slot) == VEXFS_SLOT_LIVE;
}

/* Visits the published extents of directory @d, lowest slots first. */
#define vexfs_for_each_extent(d, number, e)					\
	for ((number) = 0;							\
	     (number) < (d)->room && ((e) = READ_ONCE((d)->ext[number]), 1);	\
	     (number)++)							\
		if (e)

/*
 * The codes of @n rows from @row on, or NULL while they are not all made. Each row
 * that is LIVE, or was when this reader began, then has its code, or one that says
 * nothing: that of a writer who began before the extent had any.
 */
static inline const void *vexfs_extent_coded(const struct vexfs_collection *c,
					     const struct vexfs_extent *e, u32 row, u32 n)
{
	u32 first = row / VEXFS_CODED_ROWS, last = (row + n - 1) / VEXFS_CODED_ROWS;
	unsigned long want = GENMASK(last, first);

	if ((READ_ONCE(e->coded) & want) != want)
		return NULL;
	/* pairs with vexfs_codes_made(): the codes before the bit */
	smp_rmb();
	return e->codes + (size_t)row * c->code_bytes;
}

/* Above all slots that can have been handed out: for arrays by slot. */
static inline u32 vexfs_slots_end(const struct vexfs_collection *c)
{
	return vexfs_extent_first(c, READ_ONCE(c->nextents));
}

/*
 * The slot that @id means, or VEXFS_NO_SLOT. The slot was LIVE at some time during the
 * call. Inside vexfs_read_lock().
 */
u32 vexfs_find(struct vexfs_collection *c, u64 id);
/* The same for @n ids, whose cache misses overlap. Returns how many were found. */
u32 vexfs_find_many(struct vexfs_collection *c, const u64 *ids, u32 n, u32 *slots);

/*
 * The sequence number of the last change: all that was changed before the call has this
 * one or an earlier one. To judge slots by it, read it inside vexfs_read_lock(), which
 * must last for as long as they are.
 */
static inline u64 vexfs_seq(const struct vexfs_collection *c)
{
	/* pairs with vexfs_ids_unlock(): spans that began or ended by then are seen to have */
	return smp_load_acquire(&c->seq);
}

/* Was the vector of a slot that was seen LIVE, or vexfs_dead_had(), there at @seq? */
static inline bool vexfs_span_has(const struct vexfs_extent *e, u32 row, u64 seq)
{
	const struct vexfs_span *s = &e->spans[row];

	return READ_ONCE(s->from) <= seq && seq < READ_ONCE(s->to);
}

/*
 * A slot that was seen DEAD: was its vector there at @seq? Then it is as good as
 * LIVE for this reader. Otherwise the slot may be on its way to another vector.
 */
bool vexfs_dead_had(const struct vexfs_extent *e, u32 row, u64 seq);

/**
 * struct vexfs_idwalk - position of a walk over all ids
 * @part: 0 before the first step; ids in the hash table, then those in leaves
 * @position: the hash of the next id, or the id
 * @seq: sequence number of the last change when it began
 *
 * An id has one place in the order of the walk, whatever becomes of its vector: one that
 * is there from the first step to the last is returned once, and none twice.
 */
struct vexfs_idwalk {
	u32 part;
	u64 position;
	u64 seq;
};

#define VEXFS_IDWALK_HASHED	1u
#define VEXFS_IDWALK_LEAVES	2u
#define VEXFS_IDWALK_END	3u

/*
 * One step: the slots, seen LIVE, of up to @room ids that follow. Returns how many,
 * which may be 0 before the end. Inside vexfs_read_lock().
 */
u32 vexfs_idwalk_step(struct vexfs_collection *c, struct vexfs_idwalk *w, u32 *slots, u32 room);

/*
 * Codes that readers add later, inside vexfs_read_lock(). vexfs_owner_limited() says when
 * they should not: when memory of the owner is limited or the machine's ceiling is near,
 * codes nobody asked for must not take the memory of vectors. vexfs_codes_get() allocates
 * the codes of an extent; NULL when there is no memory. The caller fills them with neutral
 * codes and hands them to vexfs_codes_give(), which frees them when another reader was
 * faster.
 */
bool vexfs_owner_limited(void);
void *vexfs_codes_get(struct vexfs_collection *c, const struct vexfs_extent *e);
void vexfs_codes_give(struct vexfs_collection *c, struct vexfs_extent *e, void *codes);

/*
 * True: the caller makes the codes of the VEXFS_CODED_ROWS rows of which @row is one, for
 * those rows that it has seen LIVE. The rest belongs to their writers.
 */
static inline bool vexfs_codes_claim(struct vexfs_extent *e, u32 row)
{
	return !test_and_set_bit(row / VEXFS_CODED_ROWS, &e->coding);
}

static inline void vexfs_codes_made(struct vexfs_extent *e, u32 row)
{
	/* pairs with vexfs_extent_coded() */
	smp_wmb();
	set_bit(row / VEXFS_CODED_ROWS, &e->coded);
}

/*
 * Before a process maps rows: makes sure that a row without a vector holds zeroes. Vectors
 * deleted before the call are cleared when it returns, later ones when their last reader
 * has left. May wait for readers; -EINTR when killed.
 */
int vexfs_rows_expose(struct vexfs_collection *c);

#endif
