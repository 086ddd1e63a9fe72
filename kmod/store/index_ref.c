// SPDX-License-Identifier: GPL-2.0
/*
 * References on an index and its parts. It must not know what an index does.
 *
 * References are held by the collection from attach to detach, by each extent's part of the
 * index, and by callers of vexfs_index_get(). A part is freed by the index that made it,
 * even when another is attached by then: a retired extent keeps its part until its readers
 * have left. Extents in the directory have parts of the attached index only, since none is
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

	/* the collection's own reference goes after this section */
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
	/* the contents before the pointer */
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
