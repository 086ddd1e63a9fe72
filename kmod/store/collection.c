// SPDX-License-Identifier: GPL-2.0
/*
 * Creation and end of collections. Their contents are not known here.
 *
 * Modes are those of files, without the x bits. A task with CAP_DAC_OVERRIDE over the namespace
 * may do everything.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
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
#include "mem/user.h"
#include "store/account.h"
#include "store/durable.h"
#include "store/name.h"

/* Frees the parts that depend on no other part. */
static void collection_free(struct vexfs_collection *c)
{
	/* the last reference on the namespace may be theirs */
	vexfs_payers_put(c->payers);
	free_percpu(c->counts);
	kvfree(c->layout);
	kvfree(c);
}

/*
 * Bytes of a collection without vectors. SRCU allocates memory for each CPU, which the kernel
 * cannot charge to a cgroup.
 */
static u64 collection_bytes(const struct vexfs_collection *c)
{
	return sizeof(*c) + vexfs_srcu_bytes() + num_possible_cpus() * sizeof(*c->counts) +
	       c->layout_len;
}

static void collection_end(struct work_struct *work)
{
	struct vexfs_collection *c = container_of(work, struct vexfs_collection, end_work);

	vexfs_gate_end(c);
	vexfs_index_end(c);
	vexfs_reap_all(c);
	vexfs_extents_destroy(c);
	vexfs_idmap_destroy(c);
	vexfs_stream_end(c);
	cleanup_srcu_struct(&c->srcu);
	vexfs_collection_uncharge(c, collection_bytes(c));
	WARN_ON_ONCE(atomic64_read(&c->bytes));
	collection_free(c);
}

/* Creating a collection for another owner takes what chown() takes. */
static int owner_allowed(const struct vexfs_owner *owner)
{
	if (!uid_valid(owner->uid) || !gid_valid(owner->gid))
		return -EINVAL;
	if (uid_eq(owner->uid, current_fsuid()) && in_group_p(owner->gid))
		return 0;
	return ns_capable(current_user_ns(), CAP_CHOWN) ? 0 : -EACCES;
}

static int spec_check(const struct vexfs_spec *spec)
{
	int err;

	if (!vexfs_name_valid(spec->name, sizeof(spec->name)))
		return -EINVAL;
	if (spec->mode & ~0777 || spec->index_kind > VEXFS_INDEX_GRAPH ||
	    spec->durability > VEXFS_DURABILITY_SYNC)
		return -EINVAL;
	if (spec->attr_size > VEXFS_ATTR_MAX || spec->layout_len > VEXFS_LAYOUT_MAX)
		return -E2BIG;
	err = spec->owner ? owner_allowed(spec->owner) : 0;
	if (err)
		return err;
	if (spec->layout_len && !vexfs_layout_valid(spec->layout, spec->layout_len))
		return -EINVAL;
	return 0;
}

/* Initialises what needs no memory and cannot fail. */
static void collection_fill(struct vexfs_collection *c, const struct vexfs_spec *spec)
{
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
	c->created = spec->restore ? spec->created : ktime_get_real_seconds();
	c->durability = spec->durability;
	c->restoring = spec->restore;
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
}

int vexfs_collection_create(const struct vexfs_spec *spec, struct vexfs_collection **out)
{
	struct vexfs_collection *c;
	int err = spec_check(spec);

	if (err)
		return err;
	c = vexfs_user_alloc(sizeof(*c), VEXFS_GFP_USER | __GFP_ZERO);
	if (!c)
		return -ENOMEM;
	collection_fill(c, spec);
	err = -ENOMEM;
	c->counts = alloc_percpu_gfp(struct vexfs_counts, VEXFS_GFP_USER);
	if (!c->counts)
		goto free;
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
	err = vexfs_durability_init(c);
	if (err)
		goto free_idmap;
	if (c->restoring)
		vexfs_stream(c)->restore_seq = spec->seq;
	*out = c;
	return 0;

free_idmap:
	vexfs_stream_end(c);
	vexfs_idmap_destroy(c);
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
	int err;

	if (c->durability == VEXFS_DURABILITY_NONE)
		return vexfs_mutate(c, &m);
	if (vexfs_storage_is_current())
		return -EDEADLK;
	if (!vexfs_storage_present())
		return -EROFS;
	err = vexfs_mutate(c, &m);
	if (err)
		return err;
	err = vexfs_durable_wait(c, 0, 0, true);
	if (err)
		vexfs_collection_undo(c);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_publish);

int vexfs_collection_restored(struct vexfs_collection *c)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_CREATE };
	int err = vexfs_restore_end(c);

	return err ?: vexfs_mutate(c, &m);
}

/* ---- dropping ---- */

int vexfs_collection_undo(struct vexfs_collection *c)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_DROP, .forced = true };

	return vexfs_mutate(c, &m);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_undo);

/* The rule of files in a directory with the sticky bit. */
int vexfs_collection_drop_this(struct vexfs_collection *c, bool empty)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_DROP, .empty = empty };

	return vexfs_collection_owned(c, CAP_DAC_OVERRIDE) ? vexfs_mutate(c, &m) : -EACCES;
}

int vexfs_collection_drop(const char *name, bool empty)
{
	struct vexfs_collection *c;
	int err;

	if (!vexfs_name_valid(name, VEXFS_NAME_SIZE))
		return -EINVAL;
	c = vexfs_registry_find(name);
	if (!c)
		return -ENOENT;
	err = vexfs_collection_drop_this(c, empty);
	vexfs_collection_put(c);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_drop);

int vexfs_collection_drop_serial(u64 serial, bool empty)
{
	struct vexfs_collection *c = vexfs_collection_by_serial(serial);
	int err = -ENOENT;

	if (!c)
		return -ENOENT;
	/* a collection that the caller cannot see does not exist for it */
	if (vexfs_collection_seen(c, VEXFS_SEE_RUN))
		err = vexfs_collection_drop_this(c, empty);
	vexfs_collection_put(c);
	return err;
}

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
	vexfs_storage_init();
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

/* All descriptors and other modules have gone: only the registry holds references. */
static void drop_all(void)
{
	struct vexfs_collection *c;
	u64 cursor = 0;

	while ((c = vexfs_collection_next(&cursor, VEXFS_SEE_ALL))) {
		struct vexfs_mutation m = { .op = VEXFS_MUTATE_FORGET };

		vexfs_mutate(c, &m);
		vexfs_collection_put(c);
	}
}

void vexfs_store_exit(void)
{
	drop_all();
	destroy_workqueue(vexfs_store_wq);
	vexfs_registry_exit();
	vexfs_idleaf_module_exit();
}
