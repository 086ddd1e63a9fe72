/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate of a durable collection, where writers and the reaper wait for storage. For the files of
 * the store; see stream.h.
 */
#ifndef _VEXFS_STORE_DURABLE_H
#define _VEXFS_STORE_DURABLE_H

#include "store/internal.h"
#include "store/stream.h"

/**
 * struct vexfs_stream - what a collection has for readers of its changes, and for storage
 * @lock: readers, storage, ring and gate come and go
 * @cursors: readers there are
 * @news: where readers wait
 * @turn: where writers wait, and those who wait for storage
 * @gate_lock: guards what follows, up to @readonly; may be taken with ids_lock held
 * @promised: no change under way will have a higher number
 * @closed_at: the last change when the gate was closed; what was promised beyond it still is
 * @acked: storage has all up to this one
 * @attached: storage is attached
 * @stored: ... and has said so of the collection itself
 * @error: what storage has reported, a positive errno
 * @readonly: whoever listens to events believes so; @lock
 * @held_head: DEAD slots that storage may read still, past their grace period; slots_lock
 * @held_tail: last of the held slots
 * @held: number of held slots
 * @held_least: the lowest change for which one is held
 * @restore_seq: of a collection that is being restored: its last change
 */
struct vexfs_stream {
	struct mutex lock;
	u32 cursors;
	wait_queue_head_t news;
	wait_queue_head_t turn;

	spinlock_t gate_lock;
	u64 promised;
	u64 closed_at;
	u64 acked;
	bool attached;
	bool stored;
	u32 error;

	bool readonly;
	u32 held_head;
	u32 held_tail;
	u32 held;
	u64 held_least;
	u64 restore_seq;
};

static inline struct vexfs_stream *vexfs_stream(const struct vexfs_collection *c)
{
	/* pairs with vexfs_stream_get() */
	return smp_load_acquire(&c->stream);
}

/* stream.c: creates the stream if there is none; it exists until the collection ends. */
struct vexfs_stream *vexfs_stream_get(struct vexfs_collection *c);
void vexfs_stream_end(struct vexfs_collection *c);
/* Frees the ring when it has no user; s->lock is held. */
void vexfs_stream_settle(struct vexfs_collection *c, struct vexfs_stream *s);

/* For storage, with s->lock held; see struct vexfs_stream_req. */
int vexfs_gate_attach(struct vexfs_collection *c, struct vexfs_stream *s,
		      struct vexfs_stream_req *req);
void vexfs_gate_detach(struct vexfs_collection *c, struct vexfs_stream *s);
int vexfs_gate_ack(struct vexfs_collection *c, struct vexfs_stream *s, u64 seq, u32 error);
/* True when storage has not acknowledged change @seq: its vector is kept even when DEAD. */
bool vexfs_gate_keeps(const struct vexfs_collection *c, u64 seq);

#endif
