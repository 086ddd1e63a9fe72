// SPDX-License-Identifier: GPL-2.0
/*
 * The hook through which this room tells its news. It holds no news back and
 * keeps none: that is for whoever listens.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "compat/compat.h"
#include "mem/notify.h"

/* Called under RCU, so that taking the hook away can wait for its last call. */
static vexfs_mem_hook __rcu mem_hook;

void vexfs_mem_tell(enum vexfs_mem_news what, u64 a, u64 b, const char *name)
{
	vexfs_mem_hook hook;

	rcu_read_lock();
	hook = rcu_dereference(mem_hook);
	if (hook)
		hook(what, a, b, name);
	rcu_read_unlock();
}

void vexfs_mem_set_hook(vexfs_mem_hook hook)
{
	rcu_assign_pointer(mem_hook, hook);
	synchronize_rcu();
}
