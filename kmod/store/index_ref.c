// SPDX-License-Identifier: GPL-2.0
/*
 * References on an index and its parts. It must not know what an index does.
 *
 * An index lives as long as somebody has a reference: the collection from attach to
 * detach, each extent's part of the index, and whoever called vexfs_index_get(). A part
 * is freed by the index that made it, also when another has come meanwhile: an extent
 * on its way out keeps its part until its own readers have left. No extent that is in
 * the directory has a part of an index but the one that is attached, for none is
 * attached before the parts of the last one are off.
 */
#include <linux/kernel.h>
#include <linux/refcount.h>

#include "compat/compat.h"
#include "store/internal.h"

void vexfs_index_put(struct vexfs_collection *c, struct vexfs_index_ref *ref)
{
	if (ref && refcount_dec_and_test(&ref->refs))
		ref->ops->free(c, ref->priv);
}

struct vexfs_index_ref *vexfs_index_get(struct vexfs_collection *c)
{
	int idx = vexfs_read_lock(c);
	struct vexfs_index_ref *ref = vexfs_index(c);

	/* the collection's own goes after this section */
	if (ref)
		refcount_inc(&ref->refs);
	vexfs_read_unlock(c, idx);
	return ref;
}

/* ---- parts ---- */

void vexfs_index_part_add(struct vexfs_index_ref *ref, struct vexfs_extent *e,
			  struct vexfs_index_part *part)
{
	part->owner = ref;
	refcount_inc(&ref->refs);
	/* who sees the part sees what is in it */
	smp_store_release(&e->index, part);
}
VEXFS_EXPORT_KUNIT(vexfs_index_part_add);

void vexfs_index_part_free(struct vexfs_collection *c, struct vexfs_index_part *part)
{
	struct vexfs_index_ref *owner = part->owner;

	owner->ops->part_free(c, owner->priv, part);
	vexfs_index_put(c, owner);
}

void vexfs_index_extent_gone(struct vexfs_collection *c, struct vexfs_extent *e)
{
	if (e->index)
		vexfs_index_part_free(c, e->index);
	e->index = NULL;
}
