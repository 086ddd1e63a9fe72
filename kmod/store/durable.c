// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of durable collections. Writers wait until storage has space and works;
 * callers that ask for it wait until storage has their change; the reaper keeps the rows
 * that storage has not read. Nothing here waits with a lock held, and no operation of
 * storage waits for a writer that waits for storage.
 */
#include <linux/freezer.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "mem/tunable.h"
#include "store/durable.h"
#include "store/ring.h"

static VEXFS_TUNABLE(async_window_ms, 50, 1, 60000, "ms",
		     "Changes of an async collection that a power cut may lose are no older", 0644);
static VEXFS_TUNABLE(storage_wait_ms, 10000, 0, 600000, "ms",
		     "How long writers wait for storage to attach to a collection", 0644);

#define LOOK_AGAIN	max(HZ / 10, 1)	/* interval for conditions that have no wake-up */

static bool durable(const struct vexfs_collection *c)
{
	return READ_ONCE(c->durability) != VEXFS_DURABILITY_NONE;
}

/*
 * State of storage: 0, -EAGAIN: wait for it, or -EROFS. Without gate_lock the result may
 * be outdated at once.
 */
static int storage_state(const struct vexfs_stream *s)
{
	if (s->error)
		return -EROFS;
	if (s->attached)
		return 0;
	return vexfs_storage_present() ? -EAGAIN : -EROFS;
}

/* ---- waiting ---- */

/**
 * struct turn - what a task waits for
 * @c: the collection
 * @s: stream of the storage
 * @now: returns 0 when the condition holds, -EAGAIN when it may hold later, or -errno
 * when it never will. Does not sleep
 * @n: changes to promise
 * @seq: change that storage is to have
 */
struct turn {
	struct vexfs_collection *c;
	struct vexfs_stream *s;
	int (*now)(const struct turn *t);
	u32 n;
	u64 seq;
};

/* Storage is expected, but it does not attach in time. */
static bool given_up(const struct vexfs_stream *s, u64 now, u64 *alone)
{
	if (READ_ONCE(s->attached))
		*alone = 0;
	else if (!*alone)
		*alone = now;
	return *alone && now - *alone >= READ_ONCE(vexfs_storage_wait_ms) * (u64)NSEC_PER_MSEC;
}

static int wait_turn(const struct turn *t, u64 deadline_ns)
{
	struct vexfs_stream *s = t->s;
	DEFINE_WAIT(wait);
	u64 alone = 0;
	int err;

	for (;;) {
		u64 now = ktime_get_ns();

		prepare_to_wait(&s->turn, &wait, TASK_KILLABLE | TASK_FREEZABLE);
		err = t->now(t);
		if (err != -EAGAIN)
			break;
		err = -EINTR;
		if (fatal_signal_pending(current))
			break;
		err = -ETIME;
		if (deadline_ns && now >= deadline_ns)
			break;
		err = -EROFS;
		if (given_up(s, now, &alone))
			break;
		if (deadline_ns && deadline_ns - now < jiffies_to_nsecs(LOOK_AGAIN))
			schedule_timeout(nsecs_to_jiffies(deadline_ns - now) + 1);
		else
			schedule_timeout(LOOK_AGAIN);
	}
	finish_wait(&s->turn, &wait);
	return err;
}

static void wake_turn(struct vexfs_stream *s)
{
	if (wq_has_sleeper(&s->turn))
		wake_up_all(&s->turn);
}

/* ---- writers ---- */

/* The oldest change that storage does not have is older than the loss allowed. */
static bool window_full(struct vexfs_collection *c, const struct vexfs_stream *s)
{
	u64 acked = READ_ONCE(s->acked), since = 0;

	if (READ_ONCE(c->durability) != VEXFS_DURABILITY_ASYNC || !READ_ONCE(s->stored))
		return false;
	/* the ring stays meanwhile */
	vexfs_ids_lock(c);
	if (c->ring && acked < c->decided)
		since = c->ring->entry[(acked + 1) & c->ring->mask].time_ns;
	vexfs_ids_unlock(c);
	return since && ktime_get_coarse_ns() >
			since + READ_ONCE(vexfs_async_window_ms) * (u64)NSEC_PER_MSEC;
}

/* One entry is reserved for a drop, which cannot wait. */
static bool has_room(const struct vexfs_collection *c, const struct vexfs_stream *s, u32 n)
{
	return s->promised + n - s->acked < vexfs_ring_entries(c);
}

static int may_write(const struct turn *t)
{
	struct vexfs_stream *s = t->s;
	int err;

	if (vexfs_collection_dropped(t->c))
		return -ENOENT;
	if (window_full(t->c, s))
		return storage_state(s) ?: -EAGAIN;
	spin_lock(&s->gate_lock);
	err = durable(t->c) ? storage_state(s) : 0;
	if (!err && !has_room(t->c, s, t->n))
		err = -EAGAIN;
	if (!err)
		s->promised += t->n;
	spin_unlock(&s->gate_lock);
	return err;
}

int vexfs_gate_enter(struct vexfs_collection *c, u32 n, bool forced, u64 deadline_ns)
{
	struct turn t = { .c = c, .s = vexfs_stream(c), .now = may_write, .n = n };
	int err;

	if (forced) {
		spin_lock(&t.s->gate_lock);
		t.s->promised += n;
		spin_unlock(&t.s->gate_lock);
		return 0;
	}
	if (vexfs_storage_is_current())
		return -EDEADLK;
	err = may_write(&t);
	return err == -EAGAIN ? wait_turn(&t, deadline_ns) : err;
}

void vexfs_gate_leave(struct vexfs_collection *c, u32 unused)
{
	struct vexfs_stream *s = vexfs_stream(c);

	if (!unused)
		return;
	spin_lock(&s->gate_lock);
	s->promised -= unused;
	spin_unlock(&s->gate_lock);
	wake_turn(s);
}

/* ---- waiting for storage ---- */

static int has_stored(const struct turn *t)
{
	struct vexfs_stream *s = t->s;
	int err;

	spin_lock(&s->gate_lock);
	if (!durable(t->c) || (s->stored && s->acked >= t->seq))
		err = 0;
	else
		err = storage_state(s) ?: -EAGAIN;
	spin_unlock(&s->gate_lock);
	return err;
}

int vexfs_durable_wait(struct vexfs_collection *c, u64 seq, u64 deadline_ns, bool always)
{
	u8 how = READ_ONCE(c->durability);
	struct turn t = { .c = c, .now = has_stored, .seq = seq };
	int err;

	if (how == VEXFS_DURABILITY_NONE)
		return always ? -EOPNOTSUPP : 0;
	/* a restored collection is durable already */
	if (!always && (how == VEXFS_DURABILITY_ASYNC || READ_ONCE(c->restoring)))
		return 0;
	t.s = vexfs_stream(c);
	err = has_stored(&t);
	return err == -EAGAIN ? wait_turn(&t, deadline_ns) : err;
}
VEXFS_EXPORT_KUNIT(vexfs_durable_wait);

u64 vexfs_durable(const struct vexfs_collection *c)
{
	struct vexfs_stream *s = vexfs_stream(c);
	u64 acked;

	if (!s)
		return 0;
	spin_lock(&s->gate_lock);
	acked = s->stored ? s->acked : 0;
	spin_unlock(&s->gate_lock);
	return acked;
}

void vexfs_durable_stat(struct vexfs_collection *c, struct vexfs_stat *st)
{
	struct vexfs_stream *s = vexfs_stream(c);

	st->durability = READ_ONCE(c->durability);
	if (st->durability == VEXFS_DURABILITY_NONE)
		return;
	if (st->durability == VEXFS_DURABILITY_ASYNC)
		st->window_ms = READ_ONCE(vexfs_async_window_ms);
	spin_lock(&s->gate_lock);
	st->durable = s->stored ? s->acked : 0;
	st->storage_error = s->error;
	if (s->stored)
		st->flags |= VEXFS_STAT_STORED;
	if (storage_state(s) == -EROFS)
		st->flags |= VEXFS_STAT_READONLY;
	spin_unlock(&s->gate_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_durable_stat);

bool vexfs_unstored(const struct vexfs_collection *c)
{
	return durable(c) && !READ_ONCE(vexfs_stream(c)->attached);
}

/* ---- the reaper ---- */

bool vexfs_gate_keeps(const struct vexfs_collection *c, u64 seq)
{
	return READ_ONCE(c->gated) && seq > READ_ONCE(vexfs_stream(c)->acked);
}

u32 vexfs_gate_hold(struct vexfs_collection *c, u32 *slots, u32 n)
{
	struct vexfs_stream *s = vexfs_stream(c);
	u32 i, kept = 0;

	/* later acknowledgements free the slot when they look through the held ones */
	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	for (i = 0; i < n; i++) {
		struct vexfs_extent *e = vexfs_extent(c, slots[i]);
		u32 row = slots[i] - e->first;
		u64 from = e->spans[row].from;

		if (!e->spans[row].to || !vexfs_gate_keeps(c, from)) {
			slots[kept++] = slots[i];
			continue;
		}
		if (s->held_head == VEXFS_NO_SLOT) {
			s->held_tail = slots[i];
			s->held_least = from;
		}
		s->held_least = min(s->held_least, from);
		e->next[row] = s->held_head;
		s->held_head = slots[i];
		s->held++;
	}
	spin_unlock(&c->slots_lock);
	return kept;
}

/* Moves the held slots that storage no longer needs to the reaper. */
static void release_held(struct vexfs_collection *c, struct vexfs_stream *s)
{
	bool some;

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	some = s->held && (!c->gated || s->held_least <= READ_ONCE(s->acked));
	if (some) {
		struct vexfs_extent *e = vexfs_extent(c, s->held_tail);

		e->next[s->held_tail - e->first] = c->dead_head;
		c->dead_head = s->held_head;
		c->dead_count += s->held;
		s->held_head = VEXFS_NO_SLOT;
		s->held = 0;
	}
	spin_unlock(&c->slots_lock);
	if (some)
		vexfs_reap_soon(c);
}

/* ---- the gate opens and closes; quiesce is held for writing ---- */

void vexfs_gate_on(struct vexfs_collection *c, bool stored)
{
	struct vexfs_stream *s = vexfs_stream(c);

	spin_lock(&s->gate_lock);
	s->acked = c->decided;
	/* whoever waits for quiesce may have promised to the gate that was here before */
	s->promised += c->decided - s->closed_at;
	s->stored = stored;
	s->error = 0;
	spin_unlock(&s->gate_lock);
	WRITE_ONCE(c->gated, true);
}
VEXFS_EXPORT_KUNIT(vexfs_gate_on);

void vexfs_gate_off(struct vexfs_collection *c)
{
	struct vexfs_stream *s = vexfs_stream(c);

	spin_lock(&s->gate_lock);
	s->closed_at = c->decided;
	spin_unlock(&s->gate_lock);
	WRITE_ONCE(c->gated, false);
	release_held(c, s);
	wake_turn(s);
}
VEXFS_EXPORT_KUNIT(vexfs_gate_off);

void vexfs_gate_end(struct vexfs_collection *c)
{
	if (c->stream)
		vexfs_gate_off(c);
}

/* ---- storage ---- */

static void tell_seq(struct vexfs_collection *c, struct vexfs_stream *s, bool readonly)
{
	lockdep_assert_held(&s->lock);
	if (s->readonly == readonly || vexfs_collection_dropped(c))
		return;
	s->readonly = readonly;
	vexfs_event_raise_for(READ_ONCE(c->uid), readonly ? VEXFS_EVENT_READONLY :
							    VEXFS_EVENT_WRITABLE,
			      s->error, s->acked, c->name);
}

int vexfs_gate_attach(struct vexfs_collection *c, struct vexfs_stream *s,
		      struct vexfs_stream_req *req)
{
	u64 seq = vexfs_seq(c);
	int err = 0;

	if (!durable(c) || !c->gated)
		return -EOPNOTSUPP;
	spin_lock(&s->gate_lock);
	if (s->attached) {
		err = -EBUSY;
	} else if ((req->flags & VEXFS_STREAM_FROM) && req->from > seq) {
		err = -EINVAL;
	} else {
		if (s->stored && (req->flags & VEXFS_STREAM_FROM) && req->from >= s->acked) {
			WRITE_ONCE(s->acked, req->from);
		} else {
			WRITE_ONCE(s->acked, seq);
			s->stored = false;
			req->flags |= VEXFS_STREAM_SNAPSHOT;
			req->from = seq;
		}
		s->error = 0;
		WRITE_ONCE(s->attached, true);
	}
	spin_unlock(&s->gate_lock);
	if (err)
		return err;
	release_held(c, s);
	wake_turn(s);
	tell_seq(c, s, false);
	return 0;
}

void vexfs_gate_detach(struct vexfs_collection *c, struct vexfs_stream *s)
{
	spin_lock(&s->gate_lock);
	WRITE_ONCE(s->attached, false);
	spin_unlock(&s->gate_lock);
	if (!durable(c))
		return;
	wake_turn(s);
	tell_seq(c, s, true);
	vexfs_storage_changed();
}

int vexfs_gate_ack(struct vexfs_collection *c, struct vexfs_stream *s, u64 seq, u32 error)
{
	bool was;

	if (error > MAX_ERRNO)
		return -EINVAL;
	spin_lock(&s->gate_lock);
	if (seq < s->acked) {
		spin_unlock(&s->gate_lock);
		return -EINVAL;
	}
	/* before the held slots are examined: see vexfs_gate_hold() */
	WRITE_ONCE(s->acked, seq);
	was = s->error;
	s->error = error;
	if (!error)
		s->stored = true;
	spin_unlock(&s->gate_lock);
	release_held(c, s);
	wake_turn(s);
	if (was != !!error) {
		mutex_lock(&s->lock);
		tell_seq(c, s, error);
		mutex_unlock(&s->lock);
	}
	return 0;
}
