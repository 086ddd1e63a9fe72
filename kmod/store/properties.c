// SPDX-License-Identifier: GPL-2.0
/*
 * Properties of a collection: owner, mode, capacity and description, which can be changed, and its
 * status.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "compat/userns.h"
#include "mem/user.h"
#include "store/account.h"
#include "store/internal.h"
#include "store/stream.h"
#include "store/name.h"

static int set_allowed(const struct vexfs_collection *c, const struct vexfs_set *set,
		       kuid_t uid, kgid_t gid)
{
	bool in_ns_owner = vexfs_collection_owned(c, CAP_FOWNER);

	if ((set->what & ~VEXFS_SET_GID & ~VEXFS_SET_UID) && !in_ns_owner)
		return -EACCES;
	if ((set->what & VEXFS_SET_UID) && !uid_eq(uid, c->uid) && !ns_capable(c->ns, CAP_CHOWN))
		return -EACCES;
	if ((set->what & VEXFS_SET_GID) && !gid_eq(gid, c->gid) && !ns_capable(c->ns, CAP_CHOWN) &&
	    !(uid_eq(current_fsuid(), c->uid) && in_group_p(gid)))
		return -EACCES;
	return 0;
}

/* Sets the capacity for all later writes. The registry's lock is held. */
static int set_capacity(struct vexfs_collection *c, u64 capacity, bool check)
{
	int err = 0;

	vexfs_ids_lock(c);
	if (check && capacity && c->taken > capacity)
		err = -ENOSPC;
	else
		WRITE_ONCE(c->capacity, capacity);
	vexfs_ids_unlock(c);
	return err;
}

int vexfs_registry_set(struct vexfs_collection *c, const struct vexfs_set *set,
		       const void *layout, u64 *seq)
{
	struct vexfs_payers *payers = NULL;
	kuid_t uid = c->uid;
	kgid_t gid = c->gid;
	char *new_layout = NULL;
	u32 spare = 0;		/* bytes charged for the layout that is not in use */
	u64 old;
	int err;

	if (set->what & VEXFS_SET_UID) {
		uid = make_kuid(current_user_ns(), set->uid);
		if (!uid_valid(uid))
			return -EINVAL;
	}
	if (set->what & VEXFS_SET_GID) {
		gid = make_kgid(current_user_ns(), set->gid);
		if (!gid_valid(gid))
			return -EINVAL;
	}
	if ((set->what & VEXFS_SET_MODE) && (set->mode & ~0777))
		return -EINVAL;
	if ((set->what & VEXFS_SET_LAYOUT) && set->layout_len) {
		if (set->layout_len > VEXFS_LAYOUT_MAX)
			return -E2BIG;
		if (!vexfs_layout_valid(layout, set->layout_len))
			return -EINVAL;
		new_layout = vexfs_user_alloc(set->layout_len, VEXFS_GFP_USER);
		if (!new_layout)
			return -ENOMEM;
		memcpy(new_layout, layout, set->layout_len);
		err = vexfs_collection_charge(c, set->layout_len);
		if (err) {
			kvfree(new_layout);
			return err;
		}
		spare = set->layout_len;
	}
	if (set->what & VEXFS_SET_UID) {
		payers = vexfs_payers_get(c->ns, uid);
		if (!payers) {
			vexfs_collection_uncharge(c, spare);
			kvfree(new_layout);
			return -ENOMEM;
		}
	}

	mutex_lock(&vexfs_registry_lock);
	old = c->capacity;
	err = c->dropped ? -ENOENT : set_allowed(c, set, uid, gid);
	if (!err && (set->what & VEXFS_SET_CAPACITY))
		err = set_capacity(c, set->capacity, true);
	if (!err && (set->what & VEXFS_SET_UID)) {
		err = vexfs_payers_change(&c->payers, &c->bytes, &payers);
		if (err)
			set_capacity(c, old, false);
	}
	if (!err) {
		*seq = vexfs_registry_seq(c, VEXFS_CHANGE_SET);
		if (set->what & VEXFS_SET_DURABILITY)
			WRITE_ONCE(c->durability, set->durability);
		if (set->what & VEXFS_SET_MODE)
			WRITE_ONCE(c->mode, set->mode);
		if (set->what & VEXFS_SET_GID)
			WRITE_ONCE(c->gid, gid);
		if (set->what & VEXFS_SET_UID)
			WRITE_ONCE(c->uid, uid);
		if (set->what & VEXFS_SET_LAYOUT) {
			swap(c->layout, new_layout);
			swap(c->layout_len, spare);
		}
	}
	mutex_unlock(&vexfs_registry_lock);
	vexfs_collection_uncharge(c, spare);
	vexfs_payers_put(payers);
	kvfree(new_layout);
	return err;
}

u32 vexfs_collection_layout(struct vexfs_collection *c, void *buf, u32 room)
{
	u32 len;

	mutex_lock(&vexfs_registry_lock);
	len = c->layout_len;
	if (room && len)
		memcpy(buf, c->layout, min(len, room));
	mutex_unlock(&vexfs_registry_lock);
	return len;
}

void vexfs_collection_stat(struct vexfs_collection *c, struct vexfs_stat *st)
{
	struct user_namespace *ns = current_user_ns();
	struct vexfs_index_ref *index;
	int idx;

	memset(st, 0, sizeof(*st));
	st->size = sizeof(*st);
	memcpy(st->name, c->name, sizeof(st->name));
	st->dim = c->space.dim;
	st->type = c->space.type;
	st->metric = c->space.metric;
	st->index = c->index_kind;
	st->attr_size = c->attr_size;
	st->code = c->code;
	st->count = max_t(s64, atomic64_read(&c->count), 0);
	st->bytes = atomic64_read(&c->bytes);
	st->row_bytes = c->space.row_bytes;
	st->stride = c->space.stride;
	st->created = c->created;
	st->seq = vexfs_seq(c);
	st->serial = c->serial;
	st->user_ns = c->ns->ns.inum;
	mutex_lock(&vexfs_registry_lock);
	st->flags = (c->dropped ? VEXFS_STAT_DROPPED : 0) |
		    (vexfs_userns_gone(c->ns) ? VEXFS_STAT_ABANDONED : 0);
	st->mode = c->mode;
	st->uid = from_kuid_munged(ns, c->uid);
	st->gid = from_kgid_munged(ns, c->gid);
	st->capacity = c->capacity;
	st->layout_len = c->layout_len;
	mutex_unlock(&vexfs_registry_lock);

	idx = vexfs_read_lock(c);
	index = vexfs_index(c);
	if (index) {
		if (index->ops->bytes)
			st->index_bytes = index->ops->bytes(c, index->priv);
		if (index->ops->stat)
			index->ops->stat(c, index->priv, st);
	}
	vexfs_read_unlock(c, idx);
	vexfs_durable_stat(c, st);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_stat);

void vexfs_collection_counts(const struct vexfs_collection *c, struct vexfs_counts *sum)
{
	unsigned int cpu, i;

	*sum = (struct vexfs_counts){ };
	for_each_possible_cpu(cpu) {
		const struct vexfs_counts *one = per_cpu_ptr(c->counts, cpu);

		for (i = 0; i < VEXFS_COUNTED; i++)
			sum->n[i] += READ_ONCE(one->n[i]);
	}
}
VEXFS_EXPORT_KUNIT(vexfs_collection_counts);

void vexfs_store_totals(struct vexfs_totals *t)
{
	struct vexfs_collection *c;
	u64 cursor = 0;

	*t = (struct vexfs_totals){ };
	t->collections = vexfs_registry_count(&t->changes);
	while ((c = vexfs_collection_next(&cursor, VEXFS_SEE_ALL))) {
		t->vectors += max_t(s64, atomic64_read(&c->count), 0);
		t->bytes += atomic64_read(&c->bytes);
		vexfs_collection_put(c);
	}
}
