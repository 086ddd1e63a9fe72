/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Change streams: the interface to readers of changes, and to storage, which acknowledges
 * them. What readers do with changes is not known here. Storage is a descriptor that
 * reports how far it has stored changes.
 *
 * A collection with readers has a ring of its last changes, indexed by sequence number.
 * An entry is written where the number is drawn, under ids_lock. Readers take no lock
 * that a writer takes; a slow reader finds its position overwritten and is told so.
 *
 * The gate of a durable collection makes writers wait for storage. It exists as long as
 * the collection is durable. Before a change, the writer promises an upper bound of
 * changes; the gate grants as many as the ring has space for behind the last acknowledged
 * one. So no entry is overwritten that storage does not have, and the reaper does not
 * reuse the slots of such changes. All waiting is done without a lock. The gate is added
 * and removed with quiesce held for writing, so that no task writes without a promise.
 */
#ifndef _VEXFS_STORE_STREAM_H
#define _VEXFS_STORE_STREAM_H

#include <linux/types.h>
#include <linux/wait.h>

#include "store/store.h"

/* ---- readers ---- */

/**
 * struct vexfs_cursor - a reader of changes and its position
 * @c: the collection, which must outlive it
 * @lock: guards the position
 * @at: the last change that was read
 * @storage: it is storage and may acknowledge
 * @ended: it has read the drop
 */
struct vexfs_cursor {
	struct vexfs_collection *c;
	struct mutex lock;
	u64 at;
	bool storage;
	bool ended;
};

/*
 * VEXFS_STREAM_* in @req->flags; those and @from, @seq and @entries are filled in, see
 * struct vexfs_stream_req. -EINVAL, -EBUSY, -EOPNOTSUPP, -ENOMEM, -ENOSPC, -EINTR.
 */
int vexfs_cursor_open(struct vexfs_collection *c, struct vexfs_stream_req *req,
		      struct vexfs_cursor **out);
void vexfs_cursor_close(struct vexfs_cursor *cur);
/*
 * Reads up to @room changes. Returns their number, 0 after the drop, -EAGAIN while there
 * is none, -EINTR.
 */
int vexfs_cursor_read(struct vexfs_cursor *cur, struct vexfs_change *to, u32 room);
/* True when read does not have to wait: a change exists, or none will follow. */
bool vexfs_cursor_ready(const struct vexfs_cursor *cur);
/* The wait queue of readers. */
wait_queue_head_t *vexfs_cursor_news(const struct vexfs_cursor *cur);
/* See struct vexfs_ack. -EPERM, -EINVAL, -EINTR. */
int vexfs_cursor_ack(struct vexfs_cursor *cur, u64 seq, u32 error);

/*
 * The extent of @slot if it holds the vector of change @seq; otherwise NULL. Inside
 * vexfs_read_lock(). Any slot number may be passed. If two calls around a copy both
 * return the extent, the copy is that vector.
 */
const struct vexfs_extent *vexfs_slot_has(struct vexfs_collection *c, u32 slot, u64 seq);

/* ---- durability ---- */

/*
 * Waits until storage has acknowledged @seq, and the collection itself. Not inside
 * vexfs_read_lock(), nor while writing. @deadline_ns on the monotonic clock, or 0.
 * Returns at once for a collection whose writers do not wait, unless @always. -EROFS,
 * -ETIME, -EINTR when killed; -EOPNOTSUPP with @always.
 */
int vexfs_durable_wait(struct vexfs_collection *c, u64 seq, u64 deadline_ns, bool always);
/* The last acknowledged change; 0 when there is none. */
u64 vexfs_durable(const struct vexfs_collection *c);
/* Fills in the fields about durability. */
void vexfs_durable_stat(struct vexfs_collection *c, struct vexfs_stat *st);
/* The collection is durable and no storage is attached to it. */
bool vexfs_unstored(const struct vexfs_collection *c);

/* ---- restoring ---- */

/* All vectors have been restored; the collection becomes visible. -EINVAL if it is already. */
int vexfs_collection_restored(struct vexfs_collection *c);
/* Sets the sequence numbers of restored vectors; -EINVAL. */
int vexfs_restore_seqs_valid(const struct vexfs_collection *c, const u64 *seqs, u32 n);

/* ---- the storage daemon ---- */

/* The calling process becomes the storage daemon. -EBUSY when there is one. */
int vexfs_storage_open(void);
void vexfs_storage_close(void);
bool vexfs_storage_present(void);
u64 vexfs_storage_instance(void);
/* Changes when a collection is created, dropped or reconfigured. */
u64 vexfs_storage_changes(void);
void vexfs_storage_changed(void);
wait_queue_head_t *vexfs_storage_news(void);
void vexfs_storage_init(void);

#endif
