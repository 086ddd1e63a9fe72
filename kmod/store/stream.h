/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes as others read them, and storage, which acknowledges them. What a reader does
 * with a change is not known here; what storage is, is not, either: a descriptor
 * that says how far it has got.
 *
 * A collection that has readers of its changes has a ring of them, by sequence number: one
 * is written where the number is drawn, under ids_lock. Readers take no lock that
 * a writer takes; one that comes too late finds its place overwritten, and is told.
 *
 * The gate of a durable collection makes writers wait for storage. It is on from the moment
 * when the collection is durable. Who is about to change something first promises how
 * many changes there may be, at most: as many as the ring has room for behind the last
 * one that was acknowledged. So nothing is overwritten that storage has not got, and
 * slots of such changes are kept from being reused by the reaper. All waiting is done
 * with no lock held. The gate comes and goes with quiesce held for writing, so that who
 * has promised nothing does not write.
 */
#ifndef _VEXFS_STORE_STREAM_H
#define _VEXFS_STORE_STREAM_H

#include <linux/types.h>
#include <linux/wait.h>

#include "store/store.h"

/* ---- readers ---- */

/**
 * struct vexfs_cursor - a reader of changes, and its place
 * @c: whose changes; the collection must outlive it
 * @lock: the place
 * @at: the last change that was read
 * @storage: it is storage, and may acknowledge
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
/* Up to @room changes; how many, 0 after the drop, -EAGAIN while there is none, -EINTR. */
int vexfs_cursor_read(struct vexfs_cursor *cur, struct vexfs_change *to, u32 room);
/* There is something to read, or there never will be. */
bool vexfs_cursor_ready(const struct vexfs_cursor *cur);
/* Where readers wait for that. */
wait_queue_head_t *vexfs_cursor_news(const struct vexfs_cursor *cur);
/* See struct vexfs_ack. -EPERM, -EINVAL, -EINTR. */
int vexfs_cursor_ack(struct vexfs_cursor *cur, u64 seq, u32 error);

/*
 * The extent of @slot, if that has the vector of change @seq; otherwise NULL. Inside
 * vexfs_read_lock(). Any slot may be asked for. What was copied from it between two calls
 * that say so is that vector.
 */
const struct vexfs_extent *vexfs_slot_has(struct vexfs_collection *c, u32 slot, u64 seq);

/* ---- durability ---- */

/*
 * Until storage has acknowledged @seq, and the collection itself; not inside
 * vexfs_read_lock(), nor while writing. @deadline_ns on the monotonic clock, or 0. Returns
 * at once for a collection whose writers do not wait, unless @always. -EROFS, -ETIME,
 * -EINTR when killed; -EOPNOTSUPP with @always.
 */
int vexfs_durable_wait(struct vexfs_collection *c, u64 seq, u64 deadline_ns, bool always);
/* The last acknowledged change; 0 when there is none. */
u64 vexfs_durable(const struct vexfs_collection *c);
/* Fills in the fields about durability. */
void vexfs_durable_stat(struct vexfs_collection *c, struct vexfs_stat *st);
/* No storage is attached to a collection that is to have some. */
bool vexfs_unstored(const struct vexfs_collection *c);

/* ---- restoring ---- */

/* All vectors are in; the collection becomes known. -EINVAL when it was known before. */
int vexfs_collection_restored(struct vexfs_collection *c);
/* The sequence numbers of vectors that come back; -EINVAL. */
int vexfs_restore_seqs_valid(const struct vexfs_collection *c, const u64 *seqs, u32 n);

/* ---- the storage daemon ---- */

/* The calling process is it from now on. -EBUSY when there is one. */
int vexfs_storage_open(void);
void vexfs_storage_close(void);
bool vexfs_storage_present(void);
u64 vexfs_storage_instance(void);
/* Grows when a collection comes, goes or changes its settings. */
u64 vexfs_storage_changes(void);
void vexfs_storage_changed(void);
wait_queue_head_t *vexfs_storage_news(void);
void vexfs_storage_init(void);

#endif
