/* SPDX-License-Identifier: GPL-2.0 */
/* Detects that a user namespace has ended, for code that holds one reference on it. */
#ifndef _VEXFS_COMPAT_USERNS_H
#define _VEXFS_COMPAT_USERNS_H

#include <linux/user_namespace.h>

#include "compat/compat.h"

/*
 * True when nobody can enter @ns any more but us, who hold one reference and no more.
 * Where the kernel counts references only, it is late (a descriptor of a process that
 * has left will do), never early.
 */
static inline bool vexfs_userns_gone(struct user_namespace *ns)
{
	if (ns == &init_user_ns)
		return false;
#ifdef HAVE_NS_REF_ACTIVE
	return !ns_ref_active_read(ns);
#else
	return refcount_read(&ns->ns.count) == 1;
#endif
}

#endif
