// SPDX-License-Identifier: GPL-2.0
/*
 * Collections as things with a name, an owner and an end: the registry, the
 * permission checks, the quotas. It must not know what is inside them.
 *
 * Names belong to a user namespace: a process sees the collections that were
 * made in its own. Modes are those of files (x bits mean nothing); whoever has
 * CAP_DAC_OVERRIDE over the namespace may do everything.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "compat/srcu.h"
#include "mem/tunable.h"
#include "mem/user.h"
#include "store/internal.h"
#include "store/name.h"

static VEXFS_TUNABLE(max_collections, 65536, 0, 16777216, "collections",
		     "Most collections there may be, all users together", 0644);
static VEXFS_TUNABLE(max_user_kb, 0, 0, 4294967295, "KiB",
		     "Most memory the collections of one user may hold (0: no limit)", 0644);

/* ---- what each user holds ---- */

/**
 * struct vexfs_account - memory of one owner
 * @node: in accounts
 * @uid: whose
 * @refs: collections
 * @bytes: all of them together
 */
struct vexfs_account {
	struct hlist_node node;
	kuid_t uid;
	u32 refs;
	u64 bytes;
};

/* Guards accounts, what is in them, and every collection's ->account. */
static DEFINE_SPINLOCK(accounts_lock);
static DEFINE_HASHTABLE(accounts, 6);

static struct vexfs_account *account_get(kuid_t uid)
{
	struct vexfs_account *a, *fresh = kzalloc(sizeof(*fresh), VEXFS_GFP_USER);

	if (!fresh)
		return NULL;
	spin_lock(&accounts_lock);
	hash_for_each_possible(accounts, a, node, __kuid_val(uid)) {
		if (uid_eq(a->uid, uid)) {
			a->refs++;
			spin_unlock(&accounts_lock);
			kfree(fresh);
			return a;
		}
	}
	fresh->uid = uid;
	fresh->refs = 1;
	hash_add(accounts, &fresh->node, __kuid_val(uid));
	spin_unlock(&accounts_lock);
	return fresh;
}

static void account_put(struct vexfs_account *a)
{
	spin_lock(&accounts_lock);
	if (--a->refs)
		a = NULL;
	else
		hash_del(&a->node);
	spin_unlock(&accounts_lock);
	kfree(a);
}

bool vexfs_owner_limited(void)
{
	return READ_ONCE(vexfs_max_user_kb);
}

int vexfs_collection_charge(struct vexfs_collection *c, u64 bytes)
{
	u64 limit = READ_ONCE(vexfs_max_user_kb) * 1024ull;
	int err = 0;

	spin_lock(&accounts_lock);
	if (limit && (bytes > limit || c->account->bytes > limit - bytes))
		err = -ENOSPC;
	else
		c->account->bytes += bytes;
	spin_unlock(&accounts_lock);
	if (!err)
		atomic64_add(bytes, &c->bytes);
	return err;
}

void vexfs_collection_uncharge(struct vexfs_collection *c, u64 bytes)
{
	spin_lock(&accounts_lock);
	c->account->bytes -= bytes;
	spin_unlock(&accounts_lock);
	atomic64_sub(bytes, &c->bytes);
}

/* A new owner takes over what the collection holds. */
static void account_move(struct vexfs_collection *c, struct vexfs_account *to)
{
	struct vexfs_account *from;
	u64 bytes;

	spin_lock(&accounts_lock);
	from = c->account;
	bytes = atomic64_read(&c->bytes);
	from->bytes -= bytes;
	to->bytes += bytes;
	c->account = to;
	spin_unlock(&accounts_lock);
	account_put(from);
}

/* ---- the registry ---- */

/* Guards names, by_serial, and the changeable settings of every collection. */
static DEFINE_MUTEX(registry_lock);
static DEFINE_HASHTABLE(names, 10);
static DEFINE_XARRAY_FLAGS(by_serial, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
static unsigned int ncollections;
static u64 next_serial = 1;
static u64 changes;	/* collections that came or went */

static u32 name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static struct vexfs_collection *find_name(const struct user_namespace *ns, const char *name)
{
	struct vexfs_collection *c;

	hash_for_each_possible(names, c, by_name, name_hash(name))
		if (c->ns == ns && !strcmp(c->name, name))
			return c;
	return NULL;
}

static bool owner_or_capable(const struct vexfs_collection *c, int cap)
{
	return uid_eq(current_fsuid(), READ_ONCE(c->uid)) || ns_capable(c->ns, cap);
}

int vexfs_collection_allowed(const struct vexfs_collection *c, u32 may)
{
	umode_t mode = READ_ONCE(c->mode);

	if (uid_eq(current_fsuid(), READ_ONCE(c->uid)))
		mode >>= 6;
	else if (in_group_p(READ_ONCE(c->gid)))
		mode >>= 3;
	if (!(may & ~mode))
		return 0;
	if (!(may & VEXFS_MAY_WRITE) && ns_capable_noaudit(c->ns, CAP_DAC_READ_SEARCH))
		return 0;
	return ns_capable(c->ns, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
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
	account_put(c->account);
	put_user_ns(c->ns);
	kvfree(c->layout);
	kvfree(c);
}

static void collection_release(struct kref *ref)
{
	struct vexfs_collection *c = container_of(ref, struct vexfs_collection, ref);

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
	c->uid = current_euid();
	c->gid = current_egid();
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
	c->account = account_get(c->uid);
	if (!c->account)
		goto free_layout;
	err = vexfs_collection_charge(c, collection_bytes(c));
	if (err)
		goto put_account;
	err = init_srcu_struct(&c->srcu);
	if (err)
		goto uncharge;
	err = vexfs_extents_init(c);
	if (err)
		goto cleanup_srcu;
	err = vexfs_idmap_init(c);
	if (err)
		goto free_extents;
	c->ns = get_user_ns(current_user_ns());
	*out = c;
	return 0;

free_extents:
	vexfs_extents_destroy(c);
cleanup_srcu:
	cleanup_srcu_struct(&c->srcu);
uncharge:
	vexfs_collection_uncharge(c, collection_bytes(c));
put_account:
	account_put(c->account);
free_layout:
	kvfree(c->layout);
free:
	kvfree(c);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_create);

int vexfs_collection_publish(struct vexfs_collection *c)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_CREATE };

	return vexfs_mutate(c, &m);
}
VEXFS_EXPORT_KUNIT(vexfs_collection_publish);

int vexfs_registry_add(struct vexfs_collection *c)
{
	int err = 0;

	mutex_lock(&registry_lock);
	if (find_name(c->ns, c->name)) {
		err = -EEXIST;
	} else if (ncollections >= READ_ONCE(vexfs_max_collections) || next_serial >= ULONG_MAX) {
		err = -ENOSPC;
	} else {
		err = xa_insert(&by_serial, next_serial, c, VEXFS_GFP_USER);
		if (!err) {
			c->serial = next_serial++;
			hash_add(names, &c->by_name, name_hash(c->name));
			ncollections++;
			changes++;
			kref_get(&c->ref);
		}
	}
	mutex_unlock(&registry_lock);
	return err;
}

int vexfs_registry_remove(struct vexfs_collection *c)
{
	mutex_lock(&registry_lock);
	if (c->dropped || !c->serial) {
		mutex_unlock(&registry_lock);
		return -ENOENT;
	}
	WRITE_ONCE(c->dropped, true);
	hash_del(&c->by_name);
	xa_erase(&by_serial, c->serial);
	ncollections--;
	changes++;
	mutex_unlock(&registry_lock);
	kref_put(&c->ref, collection_release);
	return 0;
}

static vexfs_registry_watcher watcher;

void vexfs_registry_watch(vexfs_registry_watcher fn)
{
	WRITE_ONCE(watcher, fn);
}

void vexfs_registry_changed(enum vexfs_event_kind what, const struct vexfs_collection *c)
{
	vexfs_registry_watcher fn = READ_ONCE(watcher);

	vexfs_event_raise(what, 0, 0, c->name);
	if (fn)
		fn();
}

u32 vexfs_registry_count(u64 *changed)
{
	u32 count;

	mutex_lock(&registry_lock);
	count = ncollections;
	*changed = changes;
	mutex_unlock(&registry_lock);
	return count;
}

static struct vexfs_collection *get_by_name(const char *name)
{
	struct vexfs_collection *c;

	mutex_lock(&registry_lock);
	c = find_name(current_user_ns(), name);
	if (c)
		kref_get(&c->ref);
	mutex_unlock(&registry_lock);
	return c;
}

int vexfs_collection_open(const char *name, u32 may, struct vexfs_collection **out)
{
	struct vexfs_collection *c;
	int err;

	if (!vexfs_name_valid(name, VEXFS_NAME_SIZE))
		return -EINVAL;
	c = get_by_name(name);
	if (!c)
		return -ENOENT;
	err = vexfs_collection_allowed(c, may);
	if (err)
		vexfs_collection_put(c);
	else
		*out = c;
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_open);

int vexfs_collection_drop(const char *name)
{
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_DROP };
	struct vexfs_collection *c;
	int err;

	if (!vexfs_name_valid(name, VEXFS_NAME_SIZE))
		return -EINVAL;
	c = get_by_name(name);
	if (!c)
		return -ENOENT;
	/* like a file in a sticky directory */
	err = owner_or_capable(c, CAP_DAC_OVERRIDE) ? vexfs_mutate(c, &m) : -EACCES;
	vexfs_collection_put(c);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_collection_drop);

struct vexfs_collection *vexfs_collection_next(u64 *cursor, bool all)
{
	struct vexfs_collection *c;
	unsigned long serial;

	if (*cursor > ULONG_MAX)
		return NULL;
	mutex_lock(&registry_lock);
	xa_for_each_start(&by_serial, serial, c, *cursor) {
		if (all || (c->ns == current_user_ns() &&
			    !vexfs_collection_allowed(c, VEXFS_MAY_READ))) {
			kref_get(&c->ref);
			*cursor = serial + 1;
			break;
		}
	}
	mutex_unlock(&registry_lock);
	return c;
}

/* ---- settings ---- */

static int set_allowed(const struct vexfs_collection *c, const struct vexfs_set *set,
		       kuid_t uid, kgid_t gid)
{
	bool in_ns_owner = owner_or_capable(c, CAP_FOWNER);

	if ((set->what & ~VEXFS_SET_GID & ~VEXFS_SET_UID) && !in_ns_owner)
		return -EACCES;
	if ((set->what & VEXFS_SET_UID) && !uid_eq(uid, c->uid) && !ns_capable(c->ns, CAP_CHOWN))
		return -EACCES;
	if ((set->what & VEXFS_SET_GID) && !gid_eq(gid, c->gid) && !ns_capable(c->ns, CAP_CHOWN) &&
	    !(uid_eq(current_fsuid(), c->uid) && in_group_p(gid)))
		return -EACCES;
	return 0;
}

int vexfs_registry_set(struct vexfs_collection *c, const struct vexfs_set *set,
		       const void *layout)
{
	struct vexfs_account *account = NULL;
	kuid_t uid = c->uid;
	kgid_t gid = c->gid;
	char *new_layout = NULL;
	u32 spare = 0;		/* bytes of the layout that is not the collection's */
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
		account = account_get(uid);
		if (!account) {
			vexfs_collection_uncharge(c, spare);
			kvfree(new_layout);
			return -ENOMEM;
		}
	}

	mutex_lock(&registry_lock);
	err = c->dropped ? -ENOENT : set_allowed(c, set, uid, gid);
	if (!err && (set->what & VEXFS_SET_CAPACITY)) {
		/* from here on writers keep to the new one; those under way had the old */
		u64 old = c->capacity;

		WRITE_ONCE(c->capacity, set->capacity);
		if (set->capacity && atomic64_read(&c->promised) > set->capacity) {
			WRITE_ONCE(c->capacity, old);
			err = -ENOSPC;
		}
	}
	if (!err) {
		if (set->what & VEXFS_SET_MODE)
			WRITE_ONCE(c->mode, set->mode);
		if (set->what & VEXFS_SET_GID)
			WRITE_ONCE(c->gid, gid);
		if (set->what & VEXFS_SET_UID) {
			WRITE_ONCE(c->uid, uid);
			account_move(c, account);
			account = NULL;
		}
		if (set->what & VEXFS_SET_LAYOUT) {
			swap(c->layout, new_layout);
			swap(c->layout_len, spare);
		}
	}
	mutex_unlock(&registry_lock);
	vexfs_collection_uncharge(c, spare);
	if (account)
		account_put(account);
	kvfree(new_layout);
	return err;
}

u32 vexfs_collection_layout(struct vexfs_collection *c, void *buf, u32 room)
{
	u32 len;

	mutex_lock(&registry_lock);
	len = c->layout_len;
	if (room && len)
		memcpy(buf, c->layout, min(len, room));
	mutex_unlock(&registry_lock);
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
	st->generation = atomic64_read(&c->generation);
	mutex_lock(&registry_lock);
	st->flags = c->dropped ? VEXFS_STAT_DROPPED : 0;
	st->mode = c->mode;
	st->uid = from_kuid_munged(ns, c->uid);
	st->gid = from_kgid_munged(ns, c->gid);
	st->capacity = c->capacity;
	st->layout_len = c->layout_len;
	mutex_unlock(&registry_lock);

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
	vexfs_store_wq = alloc_workqueue("vexfs_store", WQ_UNBOUND, 0);
	if (vexfs_store_wq)
		return 0;
	vexfs_idleaf_module_exit();
	return -ENOMEM;
}

void vexfs_store_exit(void)
{
	struct vexfs_collection *c;
	unsigned long serial;

	/* no descriptor and no other module is left: the registry has the last references */
	xa_for_each(&by_serial, serial, c) {
		struct vexfs_mutation m = { .op = VEXFS_MUTATE_DROP };

		vexfs_mutate(c, &m);
	}
	destroy_workqueue(vexfs_store_wq);
	xa_destroy(&by_serial);
	vexfs_idleaf_module_exit();
}
