// SPDX-License-Identifier: GPL-2.0
/*
 * The durability of a collection: at creation, when the setting is changed, and after restoration
 * from storage. durable.c implements it.
 */
#include <linux/kernel.h>

#include "compat/compat.h"
#include "store/durable.h"
#include "store/ring.h"

int vexfs_durability_init(struct vexfs_collection *c)
{
	struct vexfs_stream *s;
	int err;

	if (c->durability == VEXFS_DURABILITY_NONE)
		return 0;
	s = vexfs_stream_get(c);
	if (IS_ERR(s))
		return PTR_ERR(s);
	/* from the first change on: storage must not be the one who finds no memory */
	mutex_lock(&s->lock);
	err = vexfs_ring_add(c);
	mutex_unlock(&s->lock);
	return err;
}

/* ---- settings ---- */

/* The ring is there until ring_put(), whatever the gate does. */
static int ring_get(struct vexfs_collection *c, struct vexfs_stream *s)
{
	int err;

	if (mutex_lock_interruptible(&s->lock))
		return -EINTR;
	err = vexfs_ring_add(c);
	if (!err)
		s->cursors++;
	mutex_unlock(&s->lock);
	return err;
}

static void ring_put(struct vexfs_collection *c, struct vexfs_stream *s)
{
	mutex_lock(&s->lock);
	s->cursors--;
	vexfs_stream_settle(c, s);
	mutex_unlock(&s->lock);
}

/* Storage is not asked, so that the owner can do this when storage has gone for good. */
static bool forced(struct vexfs_collection *c, const struct vexfs_set *set)
{
	struct vexfs_stat st = { };

	vexfs_durable_stat(c, &st);
	return set->durability == VEXFS_DURABILITY_NONE && (st.flags & VEXFS_STAT_READONLY);
}

int vexfs_durability_set(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	struct vexfs_stream *s;
	int err;

	if (m->set->durability > VEXFS_DURABILITY_SYNC)
		return -EINVAL;
	/* what comes back, or is not known yet, is what it was made as */
	if (!c->serial)
		return -EINVAL;
	if (m->set->durability != VEXFS_DURABILITY_NONE &&
	    READ_ONCE(c->durability) == VEXFS_DURABILITY_NONE) {
		if (vexfs_storage_is_current())
			return -EDEADLK;
		/* otherwise nobody could write any more */
		if (!vexfs_storage_present())
			return -EROFS;
	}
	s = vexfs_stream_get(c);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = ring_get(c, s);
	if (err)
		return err;
	err = vexfs_change_begin(c, forced(c, m->set));
	if (!err) {
		err = vexfs_registry_set(c, m->set, m->set_layout, &m->seq);
		m->done = !err;
		if (!err && m->set->durability != VEXFS_DURABILITY_NONE && !c->gated)
			vexfs_gate_on(c, false);
		vexfs_change_end(c, !m->done);
	}
	ring_put(c, s);
	if (!err)
		vexfs_storage_changed();
	return err;
}

/* ---- coming back ---- */

int vexfs_restore_seqs_valid(const struct vexfs_collection *c, const u64 *seqs, u32 n)
{
	u64 last = vexfs_stream(c)->restore_seq;
	u32 i;

	for (i = 0; i < n; i++)
		if (!seqs[i] || seqs[i] > last)
			return -EINVAL;
	return 0;
}

int vexfs_restore_end(struct vexfs_collection *c)
{
	int err = -EINVAL;

	if (down_write_killable(&c->quiesce))
		return -EINTR;
	if (c->restoring) {
		vexfs_ids_lock(c);
		c->decided = vexfs_stream(c)->restore_seq;
		c->ring->begin = c->decided;
		vexfs_ids_unlock(c);
		err = 0;
	}
	up_write(&c->quiesce);
	return err;
}
