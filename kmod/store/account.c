// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts of users and user namespaces, and the limits on them.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "mem/tunable.h"
#include "mem/user.h"
#include "store/account.h"
#include "store/store.h"

static VEXFS_TUNABLE(max_user_collections, 1024, 0, 16777216, "collections",
		     "Most collections of one user, those of user namespaces included", 0644);
static VEXFS_TUNABLE(max_user_kb, 0, 0, 4294967295, "KiB",
		     "Most memory the collections of one user may hold (0: no limit)", 0644);
static VEXFS_TUNABLE(max_total_kb, 0, 0, 4294967295, "KiB",
		     "Most memory all collections may hold (0: half of the machine's)", 0644);

/**
 * struct vexfs_account - what one user, or one user namespace, holds
 * @node: link in the table of accounts
 * @ns: the namespace, referenced; NULL for a user
 * @uid: the user
 * @refs: struct vexfs_payers that contain it
 * @collections: of all these payers
 * @bytes: of all these payers
 */
struct vexfs_account {
	struct hlist_node node;
	struct user_namespace *ns;
	kuid_t uid;
	u32 refs;
	u32 collections;
	u64 bytes;
};

/*
 * Protects the accounts, the total, and of every collection its payers and the number of
 * bytes that it holds.
 */
static DEFINE_SPINLOCK(accounts_lock);
static DEFINE_HASHTABLE(accounts, 8);
static u64 total;

/* ---- accounts ---- */

static unsigned long account_hash(const struct user_namespace *ns, kuid_t uid)
{
	return ns ? (unsigned long)ns >> 4 : __kuid_val(uid);
}

static struct vexfs_account *account_get(struct user_namespace *ns, kuid_t uid)
{
	struct vexfs_account *a, *fresh = kzalloc(sizeof(*fresh), VEXFS_GFP_USER);

	if (!fresh)
		return NULL;
	spin_lock(&accounts_lock);
	hash_for_each_possible(accounts, a, node, account_hash(ns, uid)) {
		if (a->ns == ns && uid_eq(a->uid, uid)) {
			a->refs++;
			spin_unlock(&accounts_lock);
			kfree(fresh);
			return a;
		}
	}
	/* one reference for all collections of a namespace: vexfs_userns_gone() relies on it */
	fresh->ns = ns ? get_user_ns(ns) : NULL;
	fresh->uid = uid;
	fresh->refs = 1;
	hash_add(accounts, &fresh->node, account_hash(ns, uid));
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
	WARN_ON_ONCE(a && (a->bytes || a->collections));
	if (a && a->ns)
		put_user_ns(a->ns);
	kfree(a);
}

/* ---- payers ---- */

/* Adds each account once: the owner of two nested namespaces is charged once. */
static int add_payer(struct vexfs_payers *p, struct user_namespace *ns, kuid_t uid)
{
	struct vexfs_account *a = account_get(ns, uid);
	u32 i;

	if (!a)
		return -ENOMEM;
	for (i = 0; i < p->n; i++) {
		if (p->account[i] == a) {
			account_put(a);
			return 0;
		}
	}
	p->n++;
	p->account[p->n - 1] = a;
	return 0;
}

struct vexfs_payers *vexfs_payers_get(struct user_namespace *ns, kuid_t uid)
{
	struct user_namespace *at;
	struct vexfs_payers *p;
	u32 most = 1;
	int err;

	for (at = ns; at != &init_user_ns; at = at->parent)
		most += 2;
	p = kzalloc(struct_size(p, account, most), VEXFS_GFP_USER);
	if (!p)
		return NULL;
	err = add_payer(p, NULL, uid);
	for (at = ns; !err && at != &init_user_ns; at = at->parent) {
		err = add_payer(p, at, INVALID_UID);
		/* root creates namespaces for others: those have their own accounts only */
		if (!err && !uid_eq(at->owner, GLOBAL_ROOT_UID))
			err = add_payer(p, NULL, at->owner);
	}
	if (!err)
		return p;
	vexfs_payers_put(p);
	return NULL;
}

void vexfs_payers_put(struct vexfs_payers *p)
{
	u32 i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		account_put(p->account[i]);
	kfree(p);
}

/* ---- limits; accounts_lock is held ---- */

static bool room_for_bytes(const struct vexfs_payers *p, u64 bytes)
{
	u64 limit = READ_ONCE(vexfs_max_user_kb) * 1024ull;
	u32 i;

	for (i = 0; limit && i < p->n; i++)
		if (bytes > limit || p->account[i]->bytes > limit - bytes)
			return false;
	return true;
}

static bool room_for_one(const struct vexfs_payers *p)
{
	u32 limit = READ_ONCE(vexfs_max_user_collections), i;

	for (i = 0; i < p->n; i++)
		if (p->account[i]->collections >= limit)
			return false;
	return true;
}

static u64 total_limit(void)
{
	u64 kb = READ_ONCE(vexfs_max_total_kb);

	return kb ? kb * 1024 : (u64)totalram_pages() * (PAGE_SIZE / 2);
}

/* Quotas of users do not bind it, as with disk quotas. */
static bool caller_unlimited(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

static void add_to_payers(struct vexfs_payers *p, int collections, u64 bytes)
{
	u32 i;

	for (i = 0; i < p->n; i++) {
		p->account[i]->collections += collections;
		p->account[i]->bytes += bytes;
	}
}

/* ---- counting ---- */

int vexfs_payers_count(struct vexfs_payers *p)
{
	bool forced = caller_unlimited();
	int err = 0;

	spin_lock(&accounts_lock);
	if (forced || room_for_one(p))
		add_to_payers(p, 1, 0);
	else
		err = -ENOSPC;
	spin_unlock(&accounts_lock);
	return err;
}

void vexfs_payers_uncount(struct vexfs_payers *p)
{
	spin_lock(&accounts_lock);
	add_to_payers(p, -1, 0);
	spin_unlock(&accounts_lock);
}

int vexfs_payers_charge(struct vexfs_payers **p, atomic64_t *held, u64 bytes)
{
	u64 limit = total_limit();
	int err = 0;

	spin_lock(&accounts_lock);
	if (bytes > limit || total > limit - bytes || !room_for_bytes(*p, bytes)) {
		err = -ENOSPC;
	} else {
		add_to_payers(*p, 0, bytes);
		total += bytes;
		atomic64_add(bytes, held);
	}
	spin_unlock(&accounts_lock);
	return err;
}

void vexfs_payers_uncharge(struct vexfs_payers **p, atomic64_t *held, u64 bytes)
{
	spin_lock(&accounts_lock);
	add_to_payers(*p, 0, -bytes);
	total -= bytes;
	atomic64_sub(bytes, held);
	spin_unlock(&accounts_lock);
}

int vexfs_payers_change(struct vexfs_payers **p, const atomic64_t *held, struct vexfs_payers **to)
{
	bool forced = caller_unlimited();
	int err = 0;
	u64 bytes;

	spin_lock(&accounts_lock);
	bytes = atomic64_read(held);
	add_to_payers(*p, -1, -bytes);
	if (forced || (room_for_one(*to) && room_for_bytes(*to, bytes)))
		swap(*p, *to);
	else
		err = -ENOSPC;
	add_to_payers(*p, 1, bytes);
	spin_unlock(&accounts_lock);
	return err;
}

bool vexfs_owner_limited(void)
{
	return READ_ONCE(vexfs_max_user_kb) || READ_ONCE(total) > total_limit() / 4 * 3;
}
