// SPDX-License-Identifier: GPL-2.0
/*
 * References on a collection, and charging of its memory. All parts of a collection use this. When
 * the last reference is put, the work runs that vexfs_collection_create() has set up.
 */
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "store/account.h"
#include "store/internal.h"

struct workqueue_struct *vexfs_store_wq;

int vexfs_collection_charge(struct vexfs_collection *c, u64 bytes)
{
	return vexfs_payers_charge(&c->payers, &c->bytes, bytes);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_charge);

void vexfs_collection_uncharge(struct vexfs_collection *c, u64 bytes)
{
	vexfs_payers_uncharge(&c->payers, &c->bytes, bytes);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_uncharge);

static void collection_release(struct kref *ref)
{
	struct vexfs_collection *c = container_of(ref, struct vexfs_collection, ref);

	/* its memory is freed soon; its place in the quota is free at once */
	vexfs_payers_uncount(c->payers);
	queue_work(vexfs_store_wq, &c->end_work);
}

void vexfs_collection_get(struct vexfs_collection *c)
{
	kref_get(&c->ref);
}

void vexfs_collection_put(struct vexfs_collection *c)
{
	kref_put(&c->ref, collection_release);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_put);
