// SPDX-License-Identifier: GPL-2.0
/*
 * Collections as things with an owner, settings, an index and an end. It must not
 * know what is inside them.
 *
 * Modes are those of files (x bits mean nothing); whoever has CAP_DAC_OVERRIDE over
 * the namespace may do everything.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "compat/srcu.h"
#include "compat/userns.h"
#include "mem/user.h"
#include "store/account.h"
#include "store/internal.h"
#include "store/name.h"

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

/* What needs no other part of it. */
static void collection_free(struct vexfs_collection *c)
{
	/* the last reference on the namespace may be theirs */
	vexfs_payers_put(c->payers);
	kvfree(c->layout);
	kvfree(c);
}

/*
 * What a collection takes without a vector. The part of SRCU is one for each CPU and
 * charged to no cgroup: the kernel has no way to ask for that.
 */
static u64 collection_bytes(const struct vexfs_collection *c)
{
	return sizeof(*c) + vexfs_srcu_bytes() + c->layout_len;
}

static void collection_end(struct work_struct *work)
{
	struct vexfs_collection *c = container_of(work, struct vexfs_collection, end_work);

	vexfs_index_end(c);
	vexfs_reap_all(c);
	vexfs_extents_destroy(c);
	vexfs_idmap_destroy(c);
	cleanup_srcu_struct(&c->srcu);
	vexfs_collection_uncharge(c, collection_bytes(c));
	WARN_ON_ONCE(atomic64_read(&c->bytes));
	collection_free(c);
}

static void collection_release(struct kref *ref)
{
	struct vexfs_collection *c = container_of(ref, struct vexfs_collection, ref);

	/* its memory returns soon; its place in the quota is free now */
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

/* Giving away at once is giving away. */
static int owner_allowed(const struct vexfs_owner *owner)
{
	if (!uid_valid(owner->uid) || !gid_valid(owner->gid))
		return -EINVAL;
	if (uid_eq(owner->uid, current_fsuid()) && in_group_p(owner->gid))
		return 0;
	return ns_capable(current_user_ns(), CAP_CHOWN) ? 0 : -EACCES;
}

int vexfs_collection_create(const struct vexfs_spec *spec, struct vexfs_collection **out)
{
	struct vexfs_collection *c;
	int err;

	if (!vexfs_name_valid(spec->name, sizeof(spec->name)))
		return -EINVAL;
	if (spec->mode & ~0777 || spec->index_kind > VEXFS_INDEX_GRAPH)
		return -EINVAL;
	if (spec->attr_size > VEXFS_ATTR_MAX || spec->layout_len > VEXFS_LAYOUT_MAX)
		return -E2BIG;
	err = spec->owner ? owner_allowed(spec->owner) : 0;
	if (err)
		return err;
	if (spec->layout_len && !vexfs_layout_valid(spec->layout, spec->layout_len))
		return -EINVAL;

	c = vexfs_user_alloc(sizeof(*c), VEXFS_GFP_USER | __GFP_ZERO);
	if (!c)
		return -ENOMEM;
	c->space = spec->space;
	c->attr_size = spec->attr_size;
	memcpy(c->name, spec->name, sizeof(c->name));
	c->index_kind = spec->index_kind;
	c->code = spec->code;
	c->code_bytes = spec->code_bytes;
	c->mode = spec->mode;
	/* those that the checks ask for, as for a file */
	c->uid = spec->owner ? spec->owner->uid : current_fsuid();
	c->gid = spec->owner ? spec->owner->gid : current_fsgid();
	c->ns = current_user_ns();
	c->capacity = spec->capacity;
	c->created = ktime_get_real_seconds();
	kref_init(&c->ref);
	init_rwsem(&c->quiesce);
	mutex_init(&c->grow_lock);
	mutex_init(&c->index_lock);
	spin_lock_init(&c->slots_lock);
	spin_lock_init(&c->ids_lock);
	init_waitqueue_head(&c->busy_wait);
	init_waitqueue_head(&c->reap_wait);
	INIT_DELAYED_WORK(&c->reaper, vexfs_reap_work);
	INIT_WORK(&c->end_work, collection_end);

	err = -ENOMEM;
	if (spec->layout_len) {
		c->layout = vexfs_user_alloc(spec->layout_len, VEXFS_GFP_USER);
		if (!c->layout)
			goto free;
		memcpy(c->layout, spec->layout, spec->layout_len);
		c->layout_len = spec->layout_len;
	}
	c->payers = vexfs_payers_get(c->ns, c->uid);
	if (!c->payers)
		goto free;
	err = vexfs_payers_count(c->payers);
	if (err)
		goto free;
	err = vexfs_collection_charge(c, collection_bytes(c));
	if (err)
		goto uncount;
	err = init_srcu_struct(&c->srcu);
	if (err)
		goto uncharge;
	err = vexfs_extents_init(c);
	if (err)
		goto cleanup_srcu;
	err = vexfs_idmap_init(c);
	if (err)
		goto free_extents;
	*out = c;
	return 0;

free_extents:
	vexfs_extents_destroy(c);
cleanup_srcu:
	cleanup_srcu_struct(&c->srcu);
uncharge:
	vexfs_collection_uncharge(c, collection_bytes(c));
uncount:
	vexfs_payers_uncount(c->payers);
free:
	collection_free(c);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_create);

int vexfs_collection_publish(struct vexfs_collection *c)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_CREATE };

	return vexfs_mutate(c, &m);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_publish);

/* ---- settings ---- */

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

/* From here on writers keep to the new one. The registry's lock is held. */
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
	u32 spare = 0;		/* bytes of the layout that is not the collection's */
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
		*seq = vexfs_registry_seq(c);
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
}
VEXFS_EXPORT_KUNIT(vexfs_collection_stat);

/* ---- up and down ---- */

void vexfs_store_settle(void)
{
	flush_workqueue(vexfs_store_wq);
}
VEXFS_EXPORT_KUNIT(vexfs_store_settle);

int vexfs_store_init(void)
{
	int err = vexfs_idleaf_module_init();

	if (err)
		return err;
	err = vexfs_registry_init();
	if (err)
		goto no_registry;
	vexfs_store_wq = alloc_workqueue("vexfs_store", WQ_UNBOUND, 0);
	if (vexfs_store_wq)
		return 0;
	err = -ENOMEM;
	vexfs_registry_exit();
no_registry:
	vexfs_idleaf_module_exit();
	return err;
}

void vexfs_store_exit(void)
{
	/* no descriptor and no other module is left: the registry has the last references */
	vexfs_registry_drop_all();
	destroy_workqueue(vexfs_store_wq);
	vexfs_registry_exit();
	vexfs_idleaf_module_exit();
}
