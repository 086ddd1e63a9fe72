/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Collections: names, ownership, rows, ids, attribute records and their
 * lifetime. This room knows how many bytes a row has, never what they mean;
 * it must not know distances, user pointers, or what an index is.
 *
 * Words: a vector lives in a slot (a u32). Slots lie in extents. An extent has
 * the rows, and beside them one array per column: aux, ids, attrs, state, and codes
 * where the collection has some.
 *
 * Life of a slot
 *
 *	FREE -> FILLING		vexfs_reserve(): the slot belongs to one writer, who
 *				fills row, aux, code, id and attributes; then the index,
 *				if any, takes the slot in (ops->insert)
 *	FILLING -> LIVE		vexfs_mutate(): all columns were written before (store
 *				release); the id means this slot from now on
 *	FILLING -> DEAD		the vector was refused, or the writer gave up
 *	LIVE -> DEAD		deleted, or replaced by an update. The index lets go of
 *				it (ops->remove) after this step
 *	DEAD -> FREE		by the reaper, after an SRCU grace period that began
 *				after all of the above; then ops->reuse
 *
 * What a reader may rely on. Inside vexfs_read_lock(), once it has seen a slot
 * LIVE (vexfs_slot_state(), an acquire), the row, aux, code, id and attributes of
 * that slot keep their values until vexfs_read_unlock(), whatever writers do:
 * a delete makes the slot DEAD but takes nothing away. A reader that computes
 * from a row before it looks at the state may have computed from a row half
 * written: look first. Readers take no lock, and write no line that others
 * write (SRCU counts per CPU). They may sleep and may take page faults.
 *
 * Two writers, one id. The id map decides, under its spinlock, which a writer
 * holds for a few ids at a time: a microsecond or two. Without an index, each vector
 * of a batch is one step there: whichever comes second sees what the first did
 * (EEXIST, ENOENT, or its slot replaced). With an index the new slot goes
 * into the index between two steps: the first marks the id busy (claims it),
 * the second publishes it. Other writers of the same id wait for a busy id, and
 * nobody waits while it holds a claim of its own: a batch that meets a busy id
 * (also its own, when an id comes twice in a batch) first finishes what it has.
 * Readers never wait: a busy id means what it meant before the claim.
 *
 * Sequence numbers. Every change of a collection has one: each vector stored, replaced
 * or deleted, each change of settings, an index that comes or goes, the drop. They come
 * from one counter, without gaps, and are decided under ids_lock, by vectors there and
 * by the rest inside the registry's lock. A number is published (collection->seq) when
 * ids_lock is given back, after all that was changed under it: who reads a number sees
 * the changes up to it. 0 is the collection as it was created.
 *
 * Locks, outermost first: collection->index_lock, quiesce (read: writing under way),
 * grow_lock (extents and their directory come and go), idmap->resize_lock, the
 * registry's lock, ids_lock, then slots_lock. That of the accounts is inside all of
 * them.
 */
#ifndef _VEXFS_STORE_H
#define _VEXFS_STORE_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/bitops.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vexfs.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "math/math.h"
#include "mem/scratch.h"

struct mem_cgroup;
struct user_namespace;
struct vexfs_payers;
struct vexfs_collection;
struct vexfs_index_part;
struct vexfs_ring;
struct vexfs_stream;

#define VEXFS_NO_SLOT		(~0u)
#define VEXFS_SLOTS_MAX		0x7ffffff0u	/* the id map keeps 31 bits */
#define VEXFS_FOREVER		U64_MAX		/* end of a span that goes on */
#define VEXFS_EXTENT_BYTES	(2u << 20)	/* rows of a full extent, at most */
#define VEXFS_CODED_ROWS	1024u	/* rows whose codes are made together */

enum vexfs_slot_state {
	VEXFS_SLOT_FREE		= 0,
	VEXFS_SLOT_FILLING	= 1,
	VEXFS_SLOT_LIVE		= 2,
	VEXFS_SLOT_DEAD		= 3,
};

/**
 * struct vexfs_garbage - memory that goes when no reader can see it any more
 * @next: the reaper's list
 * @free: called in process context after an SRCU grace period; may sleep
 */
struct vexfs_garbage {
	struct vexfs_garbage *next;
	void (*free)(struct vexfs_collection *c, struct vexfs_garbage *g);
};

/**
 * struct vexfs_span - when a vector is there, by sequence numbers
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
 * @aux: what the arithmetic wants beside each row
 * @ids: the user's id of each row
 * @spans: when each vector is there
 * @state: enum vexfs_slot_state of each row; read with vexfs_slot_state()
 * @attrs: attribute records, collection->attr_size bytes apart, or NULL
 * @codes: what the arithmetic has made of each row besides, collection->code_bytes
 *	apart, page aligned; or NULL. May come while the extent is in use, and stays
 * @coded: bit i: of the i-th VEXFS_CODED_ROWS rows those that are there have their
 *	codes; see vexfs_extent_coded()
 * @coding: bit i: somebody makes these codes, or has
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
 * @garbage: for its end
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
 * @garbage: for its end
 * @room: entries there are
 * @ext: published extents; NULL where there is none (not yet, or no longer)
 */
struct vexfs_dir {
	struct vexfs_garbage garbage;
	u32 room;
	struct vexfs_extent *ext[];
};

/**
 * struct vexfs_index_ops - how an index follows a collection
 * @name: for messages
 * @insert: @n slots in FILLING, all columns written, are about to become LIVE.
 *	Called inside vexfs_read_lock(); may sleep. Either takes all of them and
 *	returns 0, or none and returns an errno, which refuses the vectors. A
 *	search that comes upon one of them before it is LIVE leaves it out of its
 *	answer, but may walk through it.
 * @remove: @n slots are DEAD (or were never LIVE, and will not be, after an
 *	insert that was followed by another failure). Called inside
 *	vexfs_read_lock(); may sleep; must not fail: afterwards no new reader can
 *	come to these slots through the index. May be called for a slot that the
 *	index has not got (a build under way has not come to it yet): then the
 *	build must not take it in later. Rows stay readable.
 * @reuse: no reader is left from before @remove; @n slots are about to be FREE.
 *	May be NULL. Called by the reaper, may sleep.
 * @part_free: the last reader of an extent without vectors has left, or the index was
 *	taken off the collection and its last reader has left: free @part. Slot numbers
 *	of the extent may come again with a new one. @index may be off the collection by
 *	then, with another in its place.
 * @free: the last reference has gone, all parts have: free everything
 * @bytes: memory held
 * @stat: fill in the index's fields of struct vexfs_stat
 *
 * @stack is the op's, to be measured deep inside, or NULL. Slots come in the
 * order of the request, at most VEXFS_RUN_MAX in a call, and
 * calls for different slots run at the same time on different CPUs.
 */
struct vexfs_index_ops {
	const char *name;
	int (*insert)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		      struct vexfs_stack_mark *stack);
	void (*remove)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		       struct vexfs_stack_mark *stack);
	void (*reuse)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n);
	void (*part_free)(struct vexfs_collection *c, void *index, struct vexfs_index_part *part);
	void (*free)(struct vexfs_collection *c, void *index);
	u64 (*bytes)(struct vexfs_collection *c, void *index);
	void (*stat)(struct vexfs_collection *c, void *index, struct vexfs_stat *st);
};

/**
 * struct vexfs_index_ref - an index on a collection; a part of its own object
 * @garbage: for its way off the collection
 * @refs: the collection, each of its parts, and vexfs_index_get()
 * @ops: what it does
 * @priv: its own object
 */
struct vexfs_index_ref {
	struct vexfs_garbage garbage;
	refcount_t refs;
	const struct vexfs_index_ops *ops;
	void *priv;
};

/**
 * struct vexfs_index_part - what an index has beside an extent; a part of more
 * @owner: whose
 */
struct vexfs_index_part {
	struct vexfs_index_ref *owner;
};

struct vexfs_iddir;
struct vexfs_leaftab;

/**
 * struct vexfs_idmap - which slot an id means
 * @dir: shards by the top bits of the hash; replaced when it doubles
 * @seed: of the hash, so that nobody can choose ids that collide
 * @resize_lock: directory changes; leaves come and go
 * @hashed: ids that stand in shards; ids_lock
 * @leaves: how many there are; resize_lock
 * @leaftab: the leaves, or NULL; replaced when it grows
 * @sorted: the leaves in order; ids_lock
 * @takers: those that have taken ids over, the last one first
 */
struct vexfs_idmap {
	struct vexfs_iddir __rcu *dir;
	u64 seed;
	struct mutex resize_lock;
	u64 hashed;
	u32 leaves;
	struct vexfs_leaftab __rcu *leaftab;
	struct rb_root sorted;
	struct list_head takers;
};

/**
 * struct vexfs_collection - a named set of vectors
 *
 * First what is constant from creation to end and read all the time, then what
 * writers change, each on lines of its own.
 */
struct vexfs_collection {
	struct vexfs_space space;
	u32 attr_size;
	u32 code_bytes;		/* of a row's code beside the row; 0: there can be none */
	u32 small_shift;	/* rows of extent 0: 1 << small_shift */
	u32 full_shift;		/* rows of a full extent: 1 << full_shift */
	struct vexfs_dir __rcu *dir;
	struct vexfs_index_ref __rcu *index;
	struct vexfs_idmap ids;
	struct srcu_struct srcu;

	/* registry; its lock, but for the constant ones */
	u64 serial;		/* constant */
	char name[VEXFS_NAME_SIZE];	/* constant */
	struct user_namespace *ns;	/* constant: where the name is known; payers hold it */
	time64_t created;	/* constant */
	u8 index_kind;		/* enum vexfs_index asked for at creation; constant */
	u8 code;		/* enum vexfs_code that each row gets, without an index; constant */
	u8 durability;		/* enum vexfs_durability; changed with quiesce held, too */
	struct rhash_head by_name;
	struct kref ref;
	bool dropped;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	u32 layout_len;
	char *layout;
	struct vexfs_payers *payers;	/* who pays, under the lock of account.c */
	struct work_struct end_work;

	/* writers */
	struct rw_semaphore quiesce ____cacheline_aligned_in_smp;
	struct mutex grow_lock;
	struct mutex index_lock;	/* requests that start and end things of the index */
	u64 index_seq;		/* when an index came or went last; registry's lock */
	bool index_leaving;	/* parts of one that was taken off are still there; quiesce */
	bool gated;		/* writers promise and wait; changed with quiesce held, stream.h */
	bool restoring;		/* vectors come with their numbers; until it is known */
	u32 nextents;		/* entries of dir ever used; grow_lock */
	bool zero_rows;		/* rows may be mapped: FREE ones are kept clear; slots_lock */
	bool rows_clear;	/* and those that were FREE before are clear, too */
	wait_queue_head_t busy_wait;
	struct vexfs_stream *stream;	/* once there, until the end; stream.h */
	u64 capacity;		/* written under the registry's lock and ids_lock */

	spinlock_t slots_lock ____cacheline_aligned_in_smp;
	unsigned long *free_extents;	/* bit: extent has FREE slots; slots_lock */
	u32 dead_head;		/* DEAD slots that wait for the reaper; slots_lock */
	u32 dead_count;
	struct vexfs_garbage *garbage;	/* slots_lock */
	struct delayed_work reaper;
	struct mem_cgroup *reap_payer;	/* of those who left it work; slots_lock */
	u64 reap_begun;		/* passes of the reaper; slots_lock */
	u64 reap_done;		/* those that have freed what they found */
	wait_queue_head_t reap_wait;	/* for that, and for index_leaving */
	u64 reaped;		/* slots since the id map was last shrunk; reaper's own */

	spinlock_t ids_lock ____cacheline_aligned_in_smp;	/* writers of the id map */
	u64 taken;		/* ids in the map, those on their way included; ids_lock */
	u64 decided;		/* sequence number of the last change; ids_lock */
	u64 seq;		/* the same, published; written under ids_lock */
	struct vexfs_ring *ring;	/* of the last changes, or NULL; ids_lock */

	atomic64_t count ____cacheline_aligned_in_smp;
	bool has_codes;		/* some extent has codes, or has had */
	u32 private;		/* of the layer above; the store does not read it */
	atomic64_t bytes;
};

/* ---- extents and slots: for readers, inside vexfs_read_lock() ---- */

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

/* One above the highest slot ever handed out can be: for arrays by slot. */
static inline u32 vexfs_slots_end(const struct vexfs_collection *c)
{
	return vexfs_extent_first(c, READ_ONCE(c->nextents));
}

/*
 * The slot that @id means now, or VEXFS_NO_SLOT. The slot was LIVE at some
 * moment of the call. Inside vexfs_read_lock().
 */
u32 vexfs_find(struct vexfs_collection *c, u64 id);
/* The same for @n ids; misses overlap. Returns how many were found. */
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
 * struct vexfs_idwalk - where a walk over all ids has got to
 * @part: 0 before the first step; ids in the hash table, then those in leaves
 * @position: the hash of the next id, or the id
 * @seq: the sequence number that was the last one when it began
 *
 * An id has one place in the order of the walk, whatever becomes of its vector: one
 * that is there from the first step to the last is met once, and none is met twice.
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
 * Codes that come later, made by readers, inside vexfs_read_lock(). They are for
 * collections whose owner's memory is not limited, and as long as the machine's ceiling
 * is not near: what comes by itself must not be
 * the reason why a vector finds no room. Memory for those of an extent, or NULL when
 * there is none. Whoever gets it fills it with codes that say nothing and hands it to
 * vexfs_codes_give(); when another was faster it is freed.
 */
bool vexfs_owner_limited(void);
void *vexfs_codes_get(struct vexfs_collection *c, const struct vexfs_extent *e);
void vexfs_codes_give(struct vexfs_collection *c, struct vexfs_extent *e, void *codes);

/*
 * The caller is the one who makes the codes of the VEXFS_CODED_ROWS rows of which
 * @row is one: of those only that it has seen LIVE. The rest belong to their writers.
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

/* ---- writing ---- */

#define VEXFS_RUN_MAX	256u	/* vectors of most calls */
#define VEXFS_RUN_LONG	4096u	/* slots reserved at once, and vectors of a put */

/**
 * struct vexfs_run - slots in FILLING, one after another, that the caller fills
 * @ext: their extent
 * @row: the first, as a row of @ext
 * @n: how many
 */
struct vexfs_run {
	struct vexfs_extent *ext;
	u32 row;
	u32 n;
};

static inline u32 vexfs_run_slot(const struct vexfs_run *r)
{
	return r->ext->first + r->row;
}

static inline void *vexfs_run_rows(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	return r->ext->rows + (size_t)r->row * c->space.stride;
}

/* Where the codes of a run go; NULL while its extent has none. */
static inline void *vexfs_run_codes(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	void *codes = READ_ONCE(r->ext->codes);

	return codes ? codes + (size_t)r->row * c->code_bytes : NULL;
}

static inline void *vexfs_run_attrs(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	return r->ext->attrs ? r->ext->attrs + (size_t)r->row * c->attr_size : NULL;
}

/*
 * Writing: vexfs_write_begin(), then any number of reserve, fill and mutate, then
 * vexfs_write_end(). What happens in between may sleep, but must not wait for user
 * memory nor for readers, and is kept to a batch of about VEXFS_RUN_LONG vectors. @n is
 * the number of changes that may be made, @unused how many of them were not: in a durable
 * collection the first may wait for storage. Begin returns -ENOENT when the collection
 * was dropped, -EINTR when a signal came, -EROFS, -EDEADLK. Does not nest.
 */
int vexfs_write_begin(struct vexfs_collection *c, u32 n);
void vexfs_write_end(struct vexfs_collection *c, u32 unused);
/* The same for one change that nobody else may write beside; @forced: it does not fail. */
int vexfs_change_begin(struct vexfs_collection *c, bool forced);
void vexfs_change_end(struct vexfs_collection *c, u32 unused);

/*
 * Between one and @want (at most VEXFS_RUN_LONG) neighbouring slots. -ENOMEM, or
 * -ENOSPC when the owner's quota is used up: what was deleted lately may be enough after
 * vexfs_reap(). -EINTR. May sleep. What is not given to vexfs_mutate() goes back with
 * vexfs_unreserve().
 */
int vexfs_reserve(struct vexfs_collection *c, u32 want, struct vexfs_run *run);
void vexfs_unreserve(struct vexfs_collection *c, const struct vexfs_run *run);

enum vexfs_mutation_op {
	VEXFS_MUTATE_PUT	= 1,	/* @run's vectors; between begin and end */
	VEXFS_MUTATE_DELETE	= 2,	/* @ids; between begin and end */
	VEXFS_MUTATE_SET	= 3,	/* @set: mode, owner, capacity, layout */
	VEXFS_MUTATE_CREATE	= 4,	/* the collection becomes known by its name */
	VEXFS_MUTATE_DROP	= 5,	/* ... and unknown */
	VEXFS_MUTATE_FORGET	= 6,	/* likewise, for the module goes; it is no change */
};

/**
 * struct vexfs_mutation - one change of a collection
 * @op: which
 * @flags: VEXFS_PUT_INSERT, VEXFS_PUT_UPDATE (or both), VEXFS_PUT_CONTINUE;
 *	VEXFS_DELETE_CONTINUE
 * @run: put: the slots, row, aux and code written. Whatever happens they are no
 *	longer the caller's afterwards
 * @ids: put and delete: the ids
 * @attrs: put: attribute records, or NULL to keep the old one of an update
 *	and start with zeroes otherwise
 * @seqs: put, while the collection is restored: the numbers that the vectors had
 * @n: ids, at most VEXFS_RUN_LONG; for a put, @run.n
 * @set: what to change
 * @set_layout: the new description, in kernel memory
 * @forced: drop: waits for nobody, and does not fail for storage
 * @errors: put and delete: -errno or 0 of each vector tried; may be NULL
 * @stack: put and delete: of the op, measured deep inside; may be NULL
 * @done: out: vectors stored or deleted
 * @tried: out: vectors that were decided; less than @n after an error without CONTINUE,
 *	and after -EINTR, which decides nothing: it is the error of no vector
 * @replaced: out: put: of the stored, those that took the place of another
 * @seq: out: the sequence number of the last change that was made; 0 when none was
 */
struct vexfs_mutation {
	enum vexfs_mutation_op op;
	u32 flags;
	struct vexfs_run run;
	const u64 *ids;
	const void *attrs;
	const u64 *seqs;
	u32 n;
	const struct vexfs_set *set;
	const void *set_layout;
	bool forced;
	s32 *errors;
	struct vexfs_stack_mark *stack;
	u32 done;
	u32 tried;
	u32 replaced;
	u64 seq;
};

/*
 * The one way in: every change of a collection's contents, settings and
 * existence passes here, one after the other as far as a single id is
 * concerned. Returns 0, or the error of the first vector that was refused (with
 * CONTINUE only errors that end the whole batch), or -ENOENT when the
 * collection was dropped, -EINTR when a signal came while it waited for a busy
 * id. May sleep; not inside vexfs_read_lock().
 */
int vexfs_mutate(struct vexfs_collection *c, struct vexfs_mutation *m);

/* ---- collections ---- */

/* Owner and group. */
struct vexfs_owner {
	kuid_t uid;
	kgid_t gid;
};

/**
 * struct vexfs_spec - what a new collection is like; all fields checked by
 *	vexfs_collection_create()
 */
struct vexfs_spec {
	char name[VEXFS_NAME_SIZE];
	struct vexfs_space space;
	u8 index_kind;
	u8 code;
	umode_t mode;
	u32 attr_size;
	u32 code_bytes;
	u64 capacity;
	const void *layout;
	u32 layout_len;
	const struct vexfs_owner *owner;	/* NULL: the caller's fsuid and fsgid */
	u8 durability;
	bool restore;		/* it comes back: @seq, @created */
	u64 seq;
	s64 created;
};

#define VEXFS_MAY_READ	4u
#define VEXFS_MAY_WRITE	2u

/*
 * Names are looked up in the caller's user namespace. The result is a counted
 * reference. -EINVAL for what is not a name, -ENOENT, -EEXIST, -EACCES, -ENOSPC
 * (number of collections, of the user or of all), -ENOMEM; -EROFS when storage does not
 * take a durable one.
 *
 * A created collection is unknown to others until vexfs_collection_publish(),
 * which may find that the name was taken meanwhile (-EEXIST), so that an index
 * can be put on it first. vexfs_collection_put() without publish undoes it.
 */
int vexfs_collection_create(const struct vexfs_spec *spec, struct vexfs_collection **out);
int vexfs_collection_publish(struct vexfs_collection *c);
int vexfs_collection_open(const char *name, u32 may, struct vexfs_collection **out);
/* By serial number, in any namespace; -ENOENT as for vexfs_collection_drop_serial(). */
int vexfs_collection_open_serial(u64 serial, u32 may, struct vexfs_collection **out);
int vexfs_collection_drop(const char *name);
/*
 * By serial number, in any namespace; -ENOENT for one that the caller does not see
 * with VEXFS_SEE_RUN.
 */
int vexfs_collection_drop_serial(u64 serial);
/* -EACCES for whoever neither owns it nor has CAP_DAC_OVERRIDE over its namespace. */
int vexfs_collection_drop_this(struct vexfs_collection *c);
/* Drops what the caller has just published, whatever its name means by now. */
int vexfs_collection_undo(struct vexfs_collection *c);
void vexfs_collection_get(struct vexfs_collection *c);
void vexfs_collection_put(struct vexfs_collection *c);

/* Whose collections: */
enum vexfs_see {
	VEXFS_SEE_READABLE,	/* that the caller may read, in its own namespace */
	VEXFS_SEE_RUN,		/* also its own anywhere, and all in namespaces it runs */
	VEXFS_SEE_ALL,		/* all; who asks has been checked */
	VEXFS_SEE_UNSTORED,	/* the durable ones without storage; likewise */
};

bool vexfs_collection_seen(const struct vexfs_collection *c, enum vexfs_see see);
/*
 * The first collection from *@cursor on that is seen, referenced; *@cursor moves
 * behind it. NULL at the end. May sleep.
 */
struct vexfs_collection *vexfs_collection_next(u64 *cursor, enum vexfs_see see);
/* Whoever's it is; referenced, or NULL. */
struct vexfs_collection *vexfs_collection_by_serial(u64 serial);
/* The caller owns it, or has @cap over its namespace. */
bool vexfs_collection_owned(const struct vexfs_collection *c, int cap);
int vexfs_collection_allowed(const struct vexfs_collection *c, u32 may);
/* Collections there are; @changed grows when one comes or goes. */
u32 vexfs_registry_count(u64 *changed);
/*
 * @watcher is called after a collection came or went, in process context and with
 * no lock of the store held; one watcher, NULL takes it away. A call may be
 * under way when this returns.
 */
typedef void (*vexfs_registry_watcher)(void);
void vexfs_registry_watch(vexfs_registry_watcher watcher);
void vexfs_collection_stat(struct vexfs_collection *c, struct vexfs_stat *st);

/**
 * struct vexfs_totals - all collections together
 * @collections: how many there are
 * @changes: grows when one comes or goes
 * @vectors: in them
 * @bytes: that they hold
 */
struct vexfs_totals {
	u64 collections;
	u64 changes;
	u64 vectors;
	u64 bytes;
};

/* May sleep. */
void vexfs_store_totals(struct vexfs_totals *t);
/* Copies at most @room bytes of the description; returns its length. */
u32 vexfs_collection_layout(struct vexfs_collection *c, void *buf, u32 room);

/* Constant from vexfs_collection_publish() on; never used twice. */
static inline u64 vexfs_collection_serial(const struct vexfs_collection *c)
{
	return c->serial;
}

static inline bool vexfs_collection_dropped(const struct vexfs_collection *c)
{
	return READ_ONCE(c->dropped);
}

/*
 * Memory that belongs to a collection but is allocated elsewhere (the index):
 * counts towards its bytes, the quota of all who pay for it, and the machine's ceiling.
 * -ENOSPC.
 */
int vexfs_collection_charge(struct vexfs_collection *c, u64 bytes);
void vexfs_collection_uncharge(struct vexfs_collection *c, u64 bytes);

/* ---- index ---- */

/*
 * Puts an index on a collection: from the return on every new slot goes through
 * ops->insert, every dead one through ops->remove. Slots that were LIVE before
 * are for the index to find (a build). @ref is a part of @priv, and not the caller's any
 * more when it succeeds. -EBUSY when there is one, -EINTR.
 *
 * After detach no op comes to the index any more. Those that are in it may go on; its
 * memory goes when they have left, and detach waits for that, but returns 0 early when
 * a signal comes. Nobody may work on the index then but from such an op (a build was
 * stopped). -ENOENT when there is none, -EINTR when it is still there.
 */
int vexfs_index_attach(struct vexfs_collection *c, struct vexfs_index_ref *ref,
		       const struct vexfs_index_ops *ops, void *priv);
int vexfs_index_detach(struct vexfs_collection *c);

/*
 * Keeps the index's own object, not its parts, across read sections: with the object
 * in hand see in each section whether it is vexfs_index() still. NULL when there is none.
 */
struct vexfs_index_ref *vexfs_index_get(struct vexfs_collection *c);
void vexfs_index_put(struct vexfs_collection *c, struct vexfs_index_ref *ref);

/* Inside vexfs_read_lock(), in which @ref is the index: @e gets its part. */
void vexfs_index_part_add(struct vexfs_index_ref *ref, struct vexfs_extent *e,
			  struct vexfs_index_part *part);

/*
 * Rows are about to be seen by a process: makes sure that a row without a vector holds
 * zeroes. What was deleted before the call is gone when it returns; what is deleted later
 * goes when its last reader has left. May wait for readers; -EINTR when killed.
 */
int vexfs_rows_expose(struct vexfs_collection *c);

/* The index of a collection, or NULL; inside vexfs_read_lock(). */
static inline struct vexfs_index_ref *vexfs_index(const struct vexfs_collection *c)
{
	return srcu_dereference_check(c->index, &c->srcu, 1);
}

/* Memory to be freed when the readers of now have gone; never fails. */
void vexfs_retire(struct vexfs_collection *c, struct vexfs_garbage *g);
/*
 * Waits until everything retired so far has been freed. Not inside vexfs_read_lock(), nor
 * while writing: readers may take long. -EINTR when a signal comes first.
 */
int vexfs_reap(struct vexfs_collection *c);

/**
 * struct vexfs_soundness - what a walk over a collection found
 * @vectors: LIVE slots
 * @faults: things that are wrong
 * @report: the first of them in words
 */
struct vexfs_soundness {
	u64 vectors;
	u64 faults;
	char report[256];
};

/*
 * Compares id map, slots and counters while writers go on, in short read sections. Writers
 * wait for a moment at the end, if there is none at which nobody writes. -EINTR.
 */
int vexfs_check_store(struct vexfs_collection *c, struct vexfs_soundness *s);

/* The group of /dev/vexfs; its members may also look at totals and settings. */
kgid_t vexfs_device_group(void);
/* The group that may look at everybody's names and events; none when it is not valid. */
kgid_t vexfs_admin_group(void);

/* Waits until collections whose last reference has gone are gone, too. For tests. */
void vexfs_store_settle(void);

int vexfs_store_init(void);
void vexfs_store_exit(void);

#endif
