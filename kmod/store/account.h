/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who pays for a collection: its owner; and for a collection in a user namespace, that
 * namespace, its owner, and so on up to the initial namespace. So the many ids that are
 * mapped into a namespace share the limits of its owner. This knows users, namespaces,
 * bytes and counts, and not what a collection is.
 */
#ifndef _VEXFS_STORE_ACCOUNT_H
#define _VEXFS_STORE_ACCOUNT_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct user_namespace;
struct vexfs_account;

/**
 * struct vexfs_payers - the accounts that are charged for one collection
 * @n: length of @account
 * @account: each once, the owner's first
 */
struct vexfs_payers {
	u32 n;
	struct vexfs_account *account[];
};

/*
 * The payers of a collection of @uid in @ns, or NULL without memory. They hold references on @ns
 * and on all namespaces above it.
 */
struct vexfs_payers *vexfs_payers_get(struct user_namespace *ns, kuid_t uid);
void vexfs_payers_put(struct vexfs_payers *p);

/*
 * Adds or removes one collection. -ENOSPC when a payer has max_user_collections, unless the caller
 * has CAP_SYS_RESOURCE in the initial user namespace.
 */
int vexfs_payers_count(struct vexfs_payers *p);
void vexfs_payers_uncount(struct vexfs_payers *p);

/*
 * @bytes more or less of @held, for each of *@p and for the machine. -ENOSPC: max_user_kb
 * or max_total_kb. *@p and @held change under one lock, see vexfs_payers_change().
 */
int vexfs_payers_charge(struct vexfs_payers **p, atomic64_t *held, u64 bytes);
void vexfs_payers_uncharge(struct vexfs_payers **p, atomic64_t *held, u64 bytes);

/*
 * Moves a collection and its @held bytes to other payers. Afterwards *@p is what *@to was,
 * and *@to has the former payers for vexfs_payers_put(). -ENOSPC when a limit of the new
 * ones forbids it and binds the caller.
 */
int vexfs_payers_change(struct vexfs_payers **p, const atomic64_t *held, struct vexfs_payers **to);

#endif
