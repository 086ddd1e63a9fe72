/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of the store. Only these and the tests of the store include it.
 */
#ifndef _VEXFS_STORE_INTERNAL_H
#define _VEXFS_STORE_INTERNAL_H

#include "stat/event.h"
#include "stat/lock.h"
#include "store/store.h"

struct vexfs_idleaf;

/**
 * struct vexfs_idput - one vector that is put into the id map
 * @id: id of the vector
 * @tag: hash of @id
 * @leaf: leaf of the id before, as a hint, or NULL; valid while ids_lock is held
 * @slot: where it lies, in FILLING
 * @flags: VEXFS_PUT_*
 * @claim: only mark the id busy
 * @keep_attrs: an update takes the old attribute record over
 * @old: out: the slot it replaces (or will), or VEXFS_NO_SLOT
 * @seq: out: the sequence number of its change, once it is made
 */
struct vexfs_idput {
	u64 id;
	u32 tag;
	u32 slot;
	struct vexfs_idleaf *leaf;
	u32 flags;
	bool claim;
	bool keep_attrs;
	u32 old;
	u64 seq;
};

/* Taken by writers of the id map, and by all who take a sequence number. */
static inline void vexfs_ids_lock(struct vexfs_collection *c)
{
	vexfs_lock(&c->ids_lock, VEXFS_LOCK_IDS);
}

/* Publishes the sequence numbers that were decided under the lock. */
static inline void vexfs_ids_unlock(struct vexfs_collection *c)
{
	if (c->seq != c->decided) {
		/* spans and states before the number: pairs with vexfs_seq() */
		smp_wmb();
		WRITE_ONCE(c->seq, c->decided);
	}
	spin_unlock(&c->ids_lock);
}

/* ring.c: records a change for readers of changes; ids_lock is held. */
void vexfs_ring_note(struct vexfs_collection *c, enum vexfs_change_op op, u64 id, u32 slot);
void vexfs_ring_note_run(struct vexfs_collection *c, u64 first, u64 id, u32 slot, u32 n);

/* The change that has just got its number; most collections have no reader of changes. */
static inline void vexfs_note(struct vexfs_collection *c, enum vexfs_change_op op, u64 id,
			      u32 slot)
{
	if (unlikely(c->ring))
		vexfs_ring_note(c, op, id, slot);
}

/*
 * durable.c: see stream.h. Promises @n changes of a gated collection; -EROFS, -EDEADLK, -ETIME,
 * -EINTR when killed. What was promised and not done is given back.
 */
int vexfs_gate_enter(struct vexfs_collection *c, u32 n, bool forced, u64 deadline_ns);
void vexfs_gate_leave(struct vexfs_collection *c, u32 unused);
/* stream.c: there may be changes to read; no lock of the store that a reader takes is held. */
void vexfs_stream_tell(struct vexfs_stream *s);
/* quiesce is held for writing, the stream and its ring are there; @stored: storage has it. */
void vexfs_gate_on(struct vexfs_collection *c, bool stored);
void vexfs_gate_off(struct vexfs_collection *c);
/* Passes the held slots to the reaper, when no reader or writer is active. */
void vexfs_gate_end(struct vexfs_collection *c);
/* Keeps DEAD @slots that storage needs; those that may go are moved up, how many returned. */
u32 vexfs_gate_hold(struct vexfs_collection *c, u32 *slots, u32 n);
/* setting.c: the collection gets another durability, in the words of struct vexfs_set */
int vexfs_durability_set(struct vexfs_collection *c, struct vexfs_mutation *m);
/* Ends the restoration of a collection. -EINVAL, -EINTR. */
int vexfs_restore_end(struct vexfs_collection *c);
/* Prepares a durable collection before it is published. */
int vexfs_durability_init(struct vexfs_collection *c);
/* storage.c: the caller is the storage daemon */
bool vexfs_storage_is_current(void);

/* Most ids that there may be; ids_lock held. */
static inline u64 vexfs_ids_limit(const struct vexfs_collection *c)
{
	return c->capacity ?: VEXFS_SLOTS_MAX;
}

/* The slab cache of the leaves of all collections. */
int vexfs_idleaf_module_init(void);
void vexfs_idleaf_module_exit(void);
int vexfs_idmap_init(struct vexfs_collection *c);
void vexfs_idmap_destroy(struct vexfs_collection *c);

/* No two ids have the same hash: each step can be undone, xor and products with odd numbers. */
static inline u64 vexfs_idmap_hash(const struct vexfs_collection *c, u64 id)
{
	u64 h = id ^ c->ids.seed;

	h *= 0x9e3779b97f4a7c15ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h;
}

static inline u32 vexfs_idmap_tag(const struct vexfs_collection *c, u64 id)
{
	return vexfs_idmap_hash(c, id) >> 32;
}

/*
 * Makes the leaves for a run of consecutive ids before these are put. Inside vexfs_read_lock(),
 * without locks.
 */
void vexfs_idmap_leaves(struct vexfs_collection *c, const u64 *ids, u32 n);
/* Hashes of @n ids; prefetches what the map will read for them. */
void vexfs_idmap_tags(struct vexfs_collection *c, const u64 *ids, u32 n, u32 *tags);
/*
 * Writers; inside vexfs_read_lock() and vexfs_ids_lock(), which is taken once for
 * a few ids. -EBUSY: claimed by another writer. -EAGAIN: no room,
 * vexfs_idmap_grow() makes some, without the lock.
 */
int vexfs_idmap_put(struct vexfs_collection *c, struct vexfs_idput *p);
/*
 * The common case of many at once: @n new ids from @p->id on, one after the other, into
 * slots from @p->slot on; no more than vexfs_idmap_counting() says. False when one of
 * them is not new, or another reason rules out the fast way: nothing has been done.
 */
bool vexfs_idmap_put_counting(struct vexfs_collection *c, struct vexfs_idput *p, u32 n);
/* How many of @n ids count up from the first and stand together. */
u32 vexfs_idmap_counting(const u64 *ids, u32 n);
void vexfs_idmap_publish(struct vexfs_collection *c, struct vexfs_idput *p);
void vexfs_idmap_abort(struct vexfs_collection *c, const struct vexfs_idput *p);
int vexfs_idmap_remove(struct vexfs_collection *c, u64 id, u32 tag, u32 *old);
/* The rest take the lock themselves. */
int vexfs_idmap_grow(struct vexfs_collection *c, u32 tag);
/* Frees memory after many removals. */
void vexfs_idmap_shrink(struct vexfs_collection *c);
bool vexfs_idmap_is_busy(struct vexfs_collection *c, u64 id);
/* True when @id means @slot and that is LIVE. Not for ids with a writer in progress. */
bool vexfs_idmap_sound(struct vexfs_collection *c, u64 id, u32 slot);
/* Number of ids that name a slot; exact only without writers. */
u64 vexfs_idmap_count(struct vexfs_collection *c);

int vexfs_extents_init(struct vexfs_collection *c);
void vexfs_extents_destroy(struct vexfs_collection *c);
/* Frees extents without vectors, except the first, which is small. */
void vexfs_extents_shrink(struct vexfs_collection *c);
/* No reader can see the slot's vector any more; slots_lock held. */
void vexfs_slot_free(struct vexfs_collection *c, struct vexfs_extent *e, u32 row);

/* Passes @slots, which are DEAD and no longer in the index, to the reaper. */
void vexfs_slots_dead(struct vexfs_collection *c, const u32 *slots, u32 n);
/* True when the reaper has work. */
void vexfs_reap_soon(struct vexfs_collection *c);
void vexfs_reap_work(struct work_struct *work);
/* Runs the reaper in this task until no work is left; no other task adds any. */
void vexfs_reap_all(struct vexfs_collection *c);

static inline void vexfs_slot_set_state(struct vexfs_collection *c, u32 slot, u8 state)
{
	struct vexfs_extent *e = vexfs_extent(c, slot);

	/* who sees LIVE sees all columns */
	smp_store_release(&e->state[slot - e->first], state);
}

static inline struct vexfs_span *vexfs_slot_span(struct vexfs_collection *c, u32 slot)
{
	struct vexfs_extent *e = vexfs_extent(c, slot);

	return &e->spans[slot - e->first];
}

/* For a caller that has put a barrier between the row and this. */
static inline void vexfs_slot_set_live(struct vexfs_collection *c, u32 slot)
{
	struct vexfs_extent *e = vexfs_extent(c, slot);

	WRITE_ONCE(e->state[slot - e->first], VEXFS_SLOT_LIVE);
}

/* No reader uses @part any more. */
void vexfs_index_part_free(struct vexfs_collection *c, struct vexfs_index_part *part);
/* Frees @e after its last reader has ended. */
void vexfs_index_extent_gone(struct vexfs_collection *c, struct vexfs_extent *e);
/*
 * Ends the index of a collection without readers and writers; the next pass of the reaper frees it.
 */
void vexfs_index_end(struct vexfs_collection *c);

/* Guards the registry, and the changeable settings of every collection. */
extern struct mutex vexfs_registry_lock;

int vexfs_registry_init(void);
void vexfs_registry_exit(void);
/* The collection @name of the caller's user namespace, referenced, or NULL. */
struct vexfs_collection *vexfs_registry_find(const char *name);

/* The registry's side of mutations. */
/* Calls the watcher after a collection was published or dropped, without locks. */
void vexfs_registry_changed(enum vexfs_event_kind what, const struct vexfs_collection *c);
int vexfs_registry_add(struct vexfs_collection *c);
/*
 * A change that is none of a vector has its sequence number from here; the registry's
 * lock is held. What happens before the collection is known is its creation, and what
 * happens after the drop its end: these have none.
 */
u64 vexfs_registry_seq(struct vexfs_collection *c, enum vexfs_change_op op);
/* An index has come or gone; c->quiesce held for writing. */
void vexfs_registry_index(struct vexfs_collection *c);
/* Removes the collection from the registry without recording a change. */
int vexfs_registry_forget(struct vexfs_collection *c);
/* These say under which sequence number. */
int vexfs_registry_remove(struct vexfs_collection *c, u64 *seq);
int vexfs_registry_set(struct vexfs_collection *c, const struct vexfs_set *set,
		       const void *layout, u64 *seq);

extern struct workqueue_struct *vexfs_store_wq;

#endif
