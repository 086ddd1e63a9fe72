/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Collections: names, ownership, rows, ids, attribute records and their lifetime. The
 * store knows how many bytes a row has, and not what they mean; it must not know distances,
 * user pointers, or what an index is.
 *
 * Terms: a vector is in a slot (a u32). Slots are in extents. An extent has the rows, and
 * beside them one array per column: aux, ids, attrs, state, and codes where the collection
 * has some.
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
 * a delete makes the slot DEAD but changes nothing else. A reader must check the state
 * before it computes from a row: the row of a slot that is not LIVE may be half written.
 * Readers take no lock and write no shared cache line (SRCU counts per CPU). They may
 * sleep and take page faults.
 *
 * Two writers of one id. The id map decides, under its spinlock, which a writer holds for
 * a few ids at a time, for a microsecond or two. Without an index each vector is one step
 * under the lock, and the second writer sees what the first one did (EEXIST, ENOENT, or
 * its slot replaced). With an index the new slot goes
 * into the index between two steps: the first marks the id busy (claims it),
 * the second publishes it. Other writers of the same id wait for a busy id, and
 * nobody waits while it holds a claim of its own: a batch that meets a busy id
 * (also its own, when an id comes twice in a batch) first finishes what it has.
 * Readers never wait: a busy id means what it meant before the claim.
 *
 * Sequence numbers. Every change of a collection has one: each vector stored, replaced
 * or deleted, each change of settings, an index created or dropped, the drop. They come
 * from one counter, without gaps, and are decided under ids_lock, by vectors there and
 * by the rest inside the registry's lock. A number is published (collection->seq) when
 * ids_lock is released, after all that was changed under it: a reader of the number sees
 * the changes up to it. 0 is the collection as it was created.
 *
 * Lock order, outermost first: collection->index_lock, quiesce (read: while writing),
 * grow_lock (extents and their directory come and go), idmap->resize_lock, the
 * registry's lock, ids_lock, then slots_lock. That of the accounts is inside all of
 * them.
 */
#ifndef _VEXFS_STORE_H
#define _VEXFS_STORE_H

#include "store/collection.h"
#include "store/extent.h"
#include "store/index_ref.h"
#include "store/mutate.h"

/* Frees memory after all current readers have ended; never fails. */
void vexfs_retire(struct vexfs_collection *c, struct vexfs_garbage *g);
/*
 * Waits until everything retired so far has been freed. Not inside vexfs_read_lock(), nor
 * while writing: readers may take long. -EINTR when a signal comes first.
 */
int vexfs_reap_slots(struct vexfs_collection *c);

/**
 * struct vexfs_soundness - result of vexfs_check_store()
 * @vectors: LIVE slots
 * @faults: inconsistencies
 * @report: a description of the first one
 */
struct vexfs_soundness {
	u64 vectors;
	u64 faults;
	char report[256];
};

/*
 * Compares id map, slots and counters while writers go on, in short read sections. Writers
 * are kept out for a short time at the end, unless they pause by themselves. -EINTR.
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
