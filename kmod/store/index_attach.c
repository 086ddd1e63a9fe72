// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches an index to a collection and detaches it. What an index does is not known here.
 */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "store/internal.h"

/* Takes the part off the extent of this number. grow_lock keeps the directory as it is. */
static struct vexfs_index_part *part_take(struct vexfs_collection *c, u32 number)
{
	struct vexfs_index_part *part = NULL;
	struct vexfs_extent *e;

	mutex_lock(&c->grow_lock);
	e = number < c->nextents ? vexfs_dir(c)->ext[number] : NULL;
	if (e) {
		part = e->index;
		WRITE_ONCE(e->index, NULL);
	}
	mutex_unlock(&c->grow_lock);
	return part;
}

/* ---- attach and detach ---- */

/* From here on no op uses the index, and new extents get no part of it. */
static void index_leaves(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_index_ref *ref = container_of(g, struct vexfs_index_ref, garbage);
	u32 number, end = READ_ONCE(c->nextents);

	for (number = 0; number < end; number++) {
		struct vexfs_index_part *part = part_take(c, number);

		if (part)
			vexfs_index_part_free(c, part);
		cond_resched();
	}
	vexfs_index_put(c, ref);
	/* pairs with wait_gone(): whoever attaches the next index sees this one gone */
	smp_store_release(&c->index_leaving, false);
	if (wq_has_sleeper(&c->reap_wait))
		wake_up_all(&c->reap_wait);
}

/* Interruptible: the last index stays for as long as its readers read. */
static int wait_gone(struct vexfs_collection *c)
{
	/* pairs with index_leaves() */
	return wait_event_interruptible(c->reap_wait, !smp_load_acquire(&c->index_leaving)) ?
	       -EINTR : 0;
}

int vexfs_index_attach(struct vexfs_collection *c, struct vexfs_index_ref *ref,
		       const struct vexfs_index_ops *ops, void *priv)
{
	bool leaving;
	int err;

	ref->garbage.free = index_leaves;
	refcount_set(&ref->refs, 1);
	ref->ops = ops;
	ref->priv = priv;
	do {
		err = wait_gone(c) ?: vexfs_change_begin(c, false);
		if (err)
			return err;
		leaving = c->index_leaving;
		if (rcu_access_pointer(c->index)) {
			err = -EBUSY;
		} else if (!leaving) {
			rcu_assign_pointer(c->index, ref);
			vexfs_registry_index(c);
		}
		vexfs_change_end(c, err || leaving);
	} while (!err && leaving);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_index_attach);

/* Detaches the index; no writer is active. */
static bool index_off(struct vexfs_collection *c)
{
	struct vexfs_index_ref *ref = vexfs_index(c);

	if (!ref)
		return false;
	c->index_leaving = true;
	RCU_INIT_POINTER(c->index, NULL);
	vexfs_retire(c, &ref->garbage);
	return true;
}

int vexfs_index_detach(struct vexfs_collection *c)
{
	bool there;
	int err = vexfs_change_begin(c, false);

	if (err)
		return err;
	there = index_off(c);
	if (there)
		vexfs_registry_index(c);
	vexfs_change_end(c, !there);
	if (!there)
		return -ENOENT;
	/* the index is detached, even when a signal ends the wait */
	wait_gone(c);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_index_detach);

void vexfs_index_end(struct vexfs_collection *c)
{
	index_off(c);
}
