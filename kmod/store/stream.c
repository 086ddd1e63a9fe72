// SPDX-License-Identifier: GPL-2.0
/*
 * Readers of changes: the position of each, and which changes it receives. This file must
 * not know what writers wait for.
 */
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "mem/user.h"
#include "store/durable.h"
#include "store/ring.h"

static struct vexfs_stream *stream_new(void)
{
	struct vexfs_stream *s = kzalloc(sizeof(*s), VEXFS_GFP_USER);

	if (!s)
		return NULL;
	mutex_init(&s->lock);
	spin_lock_init(&s->gate_lock);
	init_waitqueue_head(&s->news);
	init_waitqueue_head(&s->turn);
	s->held_head = VEXFS_NO_SLOT;
	return s;
}

struct vexfs_stream *vexfs_stream_get(struct vexfs_collection *c)
{
	struct vexfs_stream *s = vexfs_stream(c), *first;

	if (s)
		return s;
	if (vexfs_collection_charge(c, sizeof(*s)))
		return ERR_PTR(-ENOSPC);
	s = stream_new();
	if (!s) {
		vexfs_collection_uncharge(c, sizeof(*s));
		return ERR_PTR(-ENOMEM);
	}
	/* whoever sees the pointer must see its contents */
	first = cmpxchg(&c->stream, NULL, s);
	if (!first)
		return s;
	kfree(s);
	vexfs_collection_uncharge(c, sizeof(*s));
	return first;
}

void vexfs_stream_end(struct vexfs_collection *c)
{
	struct vexfs_stream *s = c->stream;

	if (!s)
		return;
	vexfs_ring_del(c);
	vexfs_collection_uncharge(c, sizeof(*s));
	c->stream = NULL;
	kfree(s);
}

void vexfs_stream_settle(struct vexfs_collection *c, struct vexfs_stream *s)
{
	lockdep_assert_held(&s->lock);
	/* the collection is no longer durable, and its storage has detached */
	if (c->gated && !s->attached && READ_ONCE(c->durability) == VEXFS_DURABILITY_NONE) {
		down_write(&c->quiesce);
		vexfs_gate_off(c);
		up_write(&c->quiesce);
	}
	if (!s->cursors && !c->gated && READ_ONCE(c->durability) == VEXFS_DURABILITY_NONE)
		vexfs_ring_del(c);
}

void vexfs_stream_tell(struct vexfs_stream *s)
{
	/* the number before the check for sleepers: pairs with prepare_to_wait() */
	if (wq_has_sleeper(&s->news))
		wake_up_interruptible_poll(&s->news, EPOLLIN | EPOLLRDNORM);
}

/* ---- attaching and detaching ---- */

/* Start position of a reader that is not storage. */
static int watch_from(struct vexfs_collection *c, struct vexfs_stream_req *req)
{
	u64 seq = vexfs_seq(c);

	if (!(req->flags & VEXFS_STREAM_FROM)) {
		req->from = seq;
		req->flags |= VEXFS_STREAM_SNAPSHOT;
		return 0;
	}
	if (req->from > seq)
		return -EINVAL;
	if (req->from < seq && !vexfs_ring_has(c, req->from + 1)) {
		req->from = seq;
		req->flags |= VEXFS_STREAM_SNAPSHOT;
	}
	return 0;
}

/* Takes the ring, a position in it, and makes @cur the reader; s->lock is held. */
static int cursor_place(struct vexfs_collection *c, struct vexfs_stream *s,
			struct vexfs_stream_req *req, struct vexfs_cursor *cur)
{
	int err = vexfs_ring_add(c);

	if (!err)
		err = cur->storage ? vexfs_gate_attach(c, s, req) : watch_from(c, req);
	if (!err)
		s->cursors++;
	else
		vexfs_stream_settle(c, s);
	return err;
}

int vexfs_cursor_open(struct vexfs_collection *c, struct vexfs_stream_req *req,
		      struct vexfs_cursor **out)
{
	struct vexfs_stream *s = vexfs_stream_get(c);
	struct vexfs_cursor *cur;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	cur = kzalloc(sizeof(*cur), VEXFS_GFP_USER);
	if (!cur)
		return -ENOMEM;
	mutex_init(&cur->lock);
	cur->c = c;
	cur->storage = req->flags & VEXFS_STREAM_STORAGE;
	err = mutex_lock_interruptible(&s->lock);
	if (!err) {
		err = cursor_place(c, s, req, cur);
		mutex_unlock(&s->lock);
	}
	if (err) {
		kfree(cur);
		return err;
	}
	cur->at = req->from;
	req->seq = vexfs_seq(c);
	req->entries = vexfs_ring_entries(c);
	*out = cur;
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_cursor_open);

void vexfs_cursor_close(struct vexfs_cursor *cur)
{
	struct vexfs_collection *c = cur->c;
	struct vexfs_stream *s = vexfs_stream(c);

	mutex_lock(&s->lock);
	if (cur->storage)
		vexfs_gate_detach(c, s);
	s->cursors--;
	vexfs_stream_settle(c, s);
	mutex_unlock(&s->lock);
	kfree(cur);
}
VEXFS_EXPORT_KUNIT(vexfs_cursor_close);

/* ---- reading ---- */

/* Returns false if the change was overwritten; @to then says so. */
static bool read_one(struct vexfs_cursor *cur, struct vexfs_change *to)
{
	struct vexfs_entry e;
	u64 seq = cur->at + 1;

	memset(to, 0, sizeof(*to));
	if (!vexfs_ring_read(cur->c, seq, &e)) {
		WARN_ON_ONCE(cur->storage);
		to->seq = vexfs_seq(cur->c);
		to->time_ns = ktime_get_real_ns();
		to->slot = VEXFS_NO_SLOT;
		to->op = VEXFS_CHANGE_LOST;
		cur->at = to->seq;
		return false;
	}
	to->seq = seq;
	to->id = e.id;
	to->time_ns = ktime_to_ns(ktime_mono_to_any(ns_to_ktime(e.time_ns), TK_OFFS_REAL));
	to->slot = e.slot;
	to->op = e.op;
	cur->at = seq;
	return true;
}

int vexfs_cursor_read(struct vexfs_cursor *cur, struct vexfs_change *to, u32 room)
{
	u64 seq;
	u32 n = 0;
	int err;

	if (mutex_lock_interruptible(&cur->lock))
		return -EINTR;
	seq = vexfs_seq(cur->c);
	while (n < room && cur->at < seq && !cur->ended) {
		bool there = read_one(cur, &to[n]);

		cur->ended = to[n++].op == VEXFS_CHANGE_DROP;
		if (!there)
			break;
	}
	err = n || cur->ended ? n : -EAGAIN;
	mutex_unlock(&cur->lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_cursor_read);

bool vexfs_cursor_ready(const struct vexfs_cursor *cur)
{
	return READ_ONCE(cur->ended) || READ_ONCE(cur->at) < vexfs_seq(cur->c);
}
VEXFS_EXPORT_KUNIT(vexfs_cursor_ready);

wait_queue_head_t *vexfs_cursor_news(const struct vexfs_cursor *cur)
{
	return &vexfs_stream(cur->c)->news;
}

int vexfs_cursor_ack(struct vexfs_cursor *cur, u64 seq, u32 error)
{
	int err = -EINVAL;

	if (!cur->storage)
		return -EPERM;
	if (mutex_lock_interruptible(&cur->lock))
		return -EINTR;
	if (seq <= cur->at)
		err = vexfs_gate_ack(cur->c, vexfs_stream(cur->c), seq, error);
	mutex_unlock(&cur->lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_cursor_ack);

const struct vexfs_extent *vexfs_slot_has(struct vexfs_collection *c, u32 slot, u64 seq)
{
	struct vexfs_dir *d = vexfs_dir(c);
	const struct vexfs_extent *e;
	u32 number, row;
	u8 state;

	if (slot >= VEXFS_SLOTS_MAX)
		return NULL;
	number = vexfs_extent_number(c, slot);
	/* whoever sees the extent must see its columns */
	e = number < d->room ? smp_load_acquire(&d->ext[number]) : NULL;
	if (!e)
		return NULL;
	row = slot - e->first;
	/* the state before the span: pairs with vexfs_slot_set_state() and vexfs_reserve() */
	state = smp_load_acquire(&e->state[row]);
	if (READ_ONCE(e->spans[row].from) != seq)
		return NULL;
	if (state == VEXFS_SLOT_LIVE)
		return e;
	/* the reaper keeps it, and nobody released it before the row was copied */
	smp_rmb();
	return state == VEXFS_SLOT_DEAD && READ_ONCE(e->spans[row].to) &&
	       vexfs_gate_keeps(c, seq) ? e : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_slot_has);
