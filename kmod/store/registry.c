// SPDX-License-Identifier: GPL-2.0
/*
 * The registry: which collections there are, by name and by serial number, and who
 * may see, open and drop them. It must not know what is inside them.
 *
 * Names belong to a user namespace: a process finds the collections that were made in
 * its own. Whoever runs a namespace, from within or from above, reaches those in it by
 * their serial number; a namespace that no process can enter any more leaves them to it.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "mem/tunable.h"
#include "mem/user.h"
#include "store/internal.h"
#include "store/name.h"
#include "store/stream.h"

#define WALK_MAX	256u	/* collections that one hold of the lock passes */

static VEXFS_TUNABLE(max_collections, 65536, 0, 16777216, "collections",
		     "Most collections there may be, all users together", 0644);

/* Protects all below, and the changeable settings of every collection. */
DEFINE_MUTEX(vexfs_registry_lock);
static struct rhashtable names;
static DEFINE_XARRAY_FLAGS(by_serial, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
static unsigned int ncollections;
static u64 next_serial = 1;
static u64 changes;	/* number of collections published and dropped */

/* ---- names ---- */

/**
 * struct full_name - the key of a collection
 * @ns: the user namespace in which the name is known
 * @name: the name
 */
struct full_name {
	const struct user_namespace *ns;
	const char *name;
};

/* So that nobody can choose names that collide. */
static siphash_key_t secret __read_mostly;

static u32 name_hash(const struct user_namespace *ns, const char *name)
{
	return siphash(name, strlen(name), &secret) ^ hash_ptr(ns, 32);
}

static u32 key_hash(const void *data, u32 len, u32 seed)
{
	const struct full_name *key = data;

	return name_hash(key->ns, key->name);
}

static u32 object_hash(const void *data, u32 len, u32 seed)
{
	const struct vexfs_collection *c = data;

	return name_hash(c->ns, c->name);
}

static int name_compare(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct vexfs_collection *c = object;
	const struct full_name *key = arg->key;

	return c->ns != key->ns || strcmp(c->name, key->name);
}

static const struct rhashtable_params name_params = {
	.head_offset = offsetof(struct vexfs_collection, by_name),
	.key_len = sizeof(struct full_name),
	.hashfn = key_hash,
	.obj_hashfn = object_hash,
	.obj_cmpfn = name_compare,
	.automatic_shrinking = true,
};

/* The registry's lock is held. */
static struct vexfs_collection *find_name(const struct user_namespace *ns, const char *name)
{
	const struct full_name key = { .ns = ns, .name = name };

	return rhashtable_lookup_fast(&names, &key, name_params);
}

/* ---- add and remove ---- */

static int registry_add(struct vexfs_collection *c)
{
	int err;

	if (find_name(c->ns, c->name))
		return -EEXIST;
	if (ncollections >= READ_ONCE(vexfs_max_collections) || next_serial >= ULONG_MAX)
		return -ENOSPC;
	err = xa_insert(&by_serial, next_serial, c, VEXFS_GFP_USER);
	if (err)
		return err;
	err = rhashtable_insert_fast(&names, &c->by_name, name_params);
	if (err) {
		xa_erase(&by_serial, next_serial);
		return -ENOMEM;
	}
	c->serial = next_serial++;
	ncollections++;
	changes++;
	vexfs_collection_get(c);
	return 0;
}

int vexfs_registry_add(struct vexfs_collection *c)
{
	int err;

	mutex_lock(&vexfs_registry_lock);
	err = registry_add(c);
	mutex_unlock(&vexfs_registry_lock);
	return err;
}

u64 vexfs_registry_seq(struct vexfs_collection *c, enum vexfs_change_op op)
{
	u64 seq;

	lockdep_assert_held(&vexfs_registry_lock);
	if (!c->serial || c->dropped)
		return 0;
	vexfs_ids_lock(c);
	seq = ++c->decided;
	vexfs_note(c, op, 0, VEXFS_NO_SLOT);
	vexfs_ids_unlock(c);
	return seq;
}

void vexfs_registry_index(struct vexfs_collection *c)
{
	mutex_lock(&vexfs_registry_lock);
	c->index_seq = vexfs_registry_seq(c, VEXFS_CHANGE_INDEX);
	mutex_unlock(&vexfs_registry_lock);
	if (c->stream)
		vexfs_stream_tell(c->stream);
}

/* @seq: where the number of the drop goes; NULL when it has none. */
static int registry_remove(struct vexfs_collection *c, u64 *seq)
{
	mutex_lock(&vexfs_registry_lock);
	if (c->dropped || !c->serial) {
		mutex_unlock(&vexfs_registry_lock);
		return -ENOENT;
	}
	if (seq)
		*seq = vexfs_registry_seq(c, VEXFS_CHANGE_DROP);
	WRITE_ONCE(c->dropped, true);
	rhashtable_remove_fast(&names, &c->by_name, name_params);
	xa_erase(&by_serial, c->serial);
	ncollections--;
	changes++;
	mutex_unlock(&vexfs_registry_lock);
	vexfs_collection_put(c);
	return 0;
}

int vexfs_registry_remove(struct vexfs_collection *c, u64 *seq)
{
	return registry_remove(c, seq);
}

int vexfs_registry_forget(struct vexfs_collection *c)
{
	return registry_remove(c, NULL);
}

static vexfs_registry_watcher watcher;

void vexfs_registry_watch(vexfs_registry_watcher fn)
{
	WRITE_ONCE(watcher, fn);
}

void vexfs_registry_changed(enum vexfs_event_kind what, const struct vexfs_collection *c)
{
	vexfs_registry_watcher fn = READ_ONCE(watcher);

	vexfs_event_raise_for(READ_ONCE(c->uid), what, 0, 0, c->name);
	if (fn)
		fn();
	vexfs_storage_changed();
}

u32 vexfs_registry_count(u64 *changed)
{
	u32 count;

	mutex_lock(&vexfs_registry_lock);
	count = ncollections;
	*changed = changes;
	mutex_unlock(&vexfs_registry_lock);
	return count;
}

/* ---- permissions ---- */

static bool mode_allows(const struct vexfs_collection *c, u32 may)
{
	umode_t mode = READ_ONCE(c->mode);

	if (uid_eq(current_fsuid(), READ_ONCE(c->uid)))
		mode >>= 6;
	else if (in_group_p(READ_ONCE(c->gid)))
		mode >>= 3;
	return !(may & ~mode);
}

int vexfs_collection_allowed(const struct vexfs_collection *c, u32 may)
{
	if (mode_allows(c, may))
		return 0;
	if (!(may & VEXFS_MAY_WRITE) && ns_capable_noaudit(c->ns, CAP_DAC_READ_SEARCH))
		return 0;
	return ns_capable(c->ns, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

bool vexfs_collection_owned(const struct vexfs_collection *c, int cap)
{
	return uid_eq(current_fsuid(), READ_ONCE(c->uid)) || ns_capable(c->ns, cap);
}

/* For lists: what a list leaves out was not refused, so nothing is audited. */
static bool caller_runs(const struct vexfs_collection *c)
{
	return ns_capable_noaudit(c->ns, CAP_DAC_READ_SEARCH) ||
	       ns_capable_noaudit(c->ns, CAP_DAC_OVERRIDE);
}

bool vexfs_collection_seen(const struct vexfs_collection *c, enum vexfs_see see)
{
	switch (see) {
	case VEXFS_SEE_READABLE:
		return c->ns == current_user_ns() && (mode_allows(c, VEXFS_MAY_READ) || caller_runs(c));
	case VEXFS_SEE_RUN:
		return (c->ns == current_user_ns() && mode_allows(c, VEXFS_MAY_READ)) ||
		       uid_eq(current_fsuid(), READ_ONCE(c->uid)) || caller_runs(c);
	case VEXFS_SEE_ALL:
		return true;
	case VEXFS_SEE_UNSTORED:
		return vexfs_unstored(c);
	}
	return false;
}

/* ---- finding ---- */

struct vexfs_collection *vexfs_registry_find(const char *name)
{
	struct vexfs_collection *c;

	mutex_lock(&vexfs_registry_lock);
	c = find_name(current_user_ns(), name);
	if (c)
		vexfs_collection_get(c);
	mutex_unlock(&vexfs_registry_lock);
	return c;
}

struct vexfs_collection *vexfs_collection_by_serial(u64 serial)
{
	struct vexfs_collection *c;

	if (serial > ULONG_MAX)
		return NULL;
	mutex_lock(&vexfs_registry_lock);
	c = xa_load(&by_serial, serial);
	if (c)
		vexfs_collection_get(c);
	mutex_unlock(&vexfs_registry_lock);
	return c;
}

static int opened(struct vexfs_collection *c, u32 may, struct vexfs_collection **out)
{
	int err = vexfs_collection_allowed(c, may);

	if (err)
		vexfs_collection_put(c);
	else
		*out = c;
	return err;
}

int vexfs_collection_open_serial(u64 serial, u32 may, struct vexfs_collection **out)
{
	struct vexfs_collection *c = vexfs_collection_by_serial(serial);

	if (!c)
		return -ENOENT;
	/* a collection that the caller cannot see does not exist for it */
	if (!vexfs_collection_seen(c, VEXFS_SEE_RUN)) {
		vexfs_collection_put(c);
		return -ENOENT;
	}
	return opened(c, may, out);
}

int vexfs_collection_open(const char *name, u32 may, struct vexfs_collection **out)
{
	struct vexfs_collection *c;

	if (!vexfs_name_valid(name, VEXFS_NAME_SIZE))
		return -EINVAL;
	c = vexfs_registry_find(name);
	return c ? opened(c, may, out) : -ENOENT;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_open);

/* One part of vexfs_collection_next(); *@left collections are looked at, at most. */
static struct vexfs_collection *registry_next(u64 *cursor, enum vexfs_see see, u32 *left)
{
	struct vexfs_collection *c;
	unsigned long serial;

	xa_for_each_start(&by_serial, serial, c, *cursor) {
		*cursor = (u64)serial + 1;
		if (vexfs_collection_seen(c, see)) {
			vexfs_collection_get(c);
			return c;
		}
		if (!--*left)
			break;
	}
	return NULL;
}

struct vexfs_collection *vexfs_collection_next(u64 *cursor, enum vexfs_see see)
{
	struct vexfs_collection *c;
	u32 left;

	do {
		if (*cursor > ULONG_MAX)
			return NULL;
		left = WALK_MAX;
		mutex_lock(&vexfs_registry_lock);
		c = registry_next(cursor, see, &left);
		mutex_unlock(&vexfs_registry_lock);
		cond_resched();
	} while (!c && !left);
	return c;
}

/* ---- up and down ---- */

int vexfs_registry_init(void)
{
	get_random_bytes(&secret, sizeof(secret));
	return rhashtable_init(&names, &name_params);
}

void vexfs_registry_exit(void)
{
	xa_destroy(&by_serial);
	rhashtable_destroy(&names);
}
