// SPDX-License-Identifier: GPL-2.0
/*
 * Writers come and go: what they promise to the gate, and what they hold while they write.
 * It must not know what they write.
 */
#include <linux/kernel.h>
#include <linux/rwsem.h>

#include "compat/compat.h"
#include "store/internal.h"

/* Promises what a gated collection wants to know, until quiesce is held: *@gated. */
static int promise(struct vexfs_collection *c, u32 n, bool forced, u64 deadline_ns, bool *gated)
{
	*gated = READ_ONCE(c->gated);
	return *gated ? vexfs_gate_enter(c, n, forced, deadline_ns) : 0;
}

/* quiesce is held. The gate may have opened or closed meanwhile, or the collection been dropped. */
static int promised(struct vexfs_collection *c, u32 n, bool gated)
{
	int err = vexfs_collection_dropped(c) ? -ENOENT : c->gated != gated ? -EAGAIN : 0;

	if (err && gated)
		vexfs_gate_leave(c, n);
	return err;
}

int vexfs_write_begin(struct vexfs_collection *c, u32 n, u64 deadline_ns)
{
	bool gated;
	int err;

	do {
		err = promise(c, n, false, deadline_ns, &gated);
		if (err)
			return err;
		if (down_read_interruptible(&c->quiesce)) {
			if (gated)
				vexfs_gate_leave(c, n);
			return -EINTR;
		}
		err = promised(c, n, gated);
		if (err)
			up_read(&c->quiesce);
	} while (err == -EAGAIN);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_write_begin);

int vexfs_write_try(struct vexfs_collection *c)
{
	int err;

	if (READ_ONCE(c->gated) || !down_read_trylock(&c->quiesce))
		return -EAGAIN;
	err = promised(c, 0, false);
	if (err)
		up_read(&c->quiesce);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_write_try);

void vexfs_write_end(struct vexfs_collection *c, u32 unused)
{
	if (c->gated)
		vexfs_gate_leave(c, unused);
	up_read(&c->quiesce);
}
VEXFS_EXPORT_KUNIT(vexfs_write_end);

int vexfs_change_begin(struct vexfs_collection *c, bool forced)
{
	bool gated;
	int err;

	do {
		err = promise(c, 1, forced, 0, &gated);
		if (err)
			return err;
		/* writers have it for a part of a request, at most */
		if (forced) {
			down_write(&c->quiesce);
		} else if (down_write_killable(&c->quiesce)) {
			if (gated)
				vexfs_gate_leave(c, 1);
			return -EINTR;
		}
		err = promised(c, 1, gated);
		if (err)
			up_write(&c->quiesce);
	} while (err == -EAGAIN);
	return err;
}

void vexfs_change_end(struct vexfs_collection *c, u32 unused)
{
	if (c->gated)
		vexfs_gate_leave(c, unused);
	up_write(&c->quiesce);
}
