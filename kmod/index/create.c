// SPDX-License-Identifier: GPL-2.0
/*
 * Creates a collection: in the store, then its index, then its name in the registry.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/index.h"

static int create_spec(const struct vexfs_create *req, const void *layout,
		       const struct vexfs_owner *owner, struct vexfs_spec *spec)
{
	int err;

	if (req->attr_size > VEXFS_ATTR_MAX || req->layout_len > VEXFS_LAYOUT_MAX)
		return -E2BIG;
	if (req->mode & ~0777)
		return -EINVAL;
	err = vexfs_space_init(&spec->space, req->type, req->metric, req->dim);
	if (err)
		return err;
	memcpy(spec->name, req->name, sizeof(spec->name));
	spec->mode = req->mode ?: 0600;
	spec->attr_size = req->attr_size;
	spec->capacity = req->capacity;
	spec->layout = layout;
	spec->layout_len = layout ? req->layout_len : 0;
	spec->owner = owner;
	spec->durability = req->durability;
	if (req->durability > VEXFS_DURABILITY_SYNC)
		return -EINVAL;
	spec->restore = req->flags & VEXFS_CREATE_RESTORE;
	spec->seq = req->seq;
	spec->created = req->created;
	return vexfs_index_spec(req, spec);
}

int vexfs_index_collection(const struct vexfs_create *req, const void *layout,
			   const struct vexfs_owner *owner, struct vexfs_collection **out)
{
	struct vexfs_collection *c;
	struct vexfs_spec *spec;
	int err;

	spec = kzalloc(sizeof(*spec), GFP_KERNEL);
	if (!spec)
		return -ENOMEM;
	err = create_spec(req, layout, owner, spec);
	if (!err)
		err = vexfs_collection_create(spec, &c);
	kfree(spec);
	if (err)
		return err;
	if (req->flags & VEXFS_CREATE_RESTORE) {
		/* it is published when it has been restored completely; its index is built later */
		*out = c;
		return 0;
	}
	/* it has no name yet, and gets none without its index */
	err = vexfs_index_create(c, req);
	if (!err)
		err = vexfs_collection_publish(c);
	if (err)
		vexfs_collection_put(c);
	else
		*out = c;
	return err;
}
