/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who pays for a collection: its owner; and where it belongs to a user namespace,
 * that namespace, the user who made it, and so on up to the first namespace. So the
 * many ids that are mapped into a namespace share what its maker may hold. Knows
 * users, namespaces, bytes and counts; not what a collection is.
 */
#ifndef _VEXFS_STORE_ACCOUNT_H
#define _VEXFS_STORE_ACCOUNT_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct user_namespace;
struct vexfs_account;

/**
 * struct vexfs_payers - all accounts that one collection counts in
 * @n: how many
 * @account: each once, the owner's first
 */
struct vexfs_payers {
	u32 n;
	struct vexfs_account *account[];
};

/*
 * The payers for what @uid has in @ns, or NULL when memory is short. They hold a
 * reference on @ns and on all above it.
 */
struct vexfs_payers *vexfs_payers_get(struct user_namespace *ns, kuid_t uid);
void vexfs_payers_put(struct vexfs_payers *p);

/*
 * One more collection, or one less. -ENOSPC when a payer has max_user_collections;
 * that does not bind a caller with CAP_SYS_RESOURCE over the machine.
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
 * Others pay from now on for a collection and the @held bytes of it. *@p is @to
 * afterwards, and the former payers are returned in *@to for vexfs_payers_put().
 * -ENOSPC when a limit of theirs is in the way, and the caller is bound by it.
 */
int vexfs_payers_change(struct vexfs_payers **p, const atomic64_t *held, struct vexfs_payers **to);

#endif
