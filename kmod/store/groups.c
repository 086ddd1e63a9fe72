// SPDX-License-Identifier: GPL-2.0
/*
 * The two groups of users with rights on the whole module.
 */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/uidgid.h>

#include "compat/compat.h"
#include "mem/tunable.h"
#include "store/store.h"

static VEXFS_TUNABLE(device_gid, 0, 0, 4294967294, "gid",
		     "Group of /dev/vexfs; its members may also read totals and settings", 0644);

static VEXFS_TUNABLE(admin_gid, 4294967295, 0, 4294967295, "gid",
		     "Group whose members may look at everybody's names and events (4294967295: none)",
		     0644);

kgid_t vexfs_device_group(void)
{
	return KGIDT_INIT(READ_ONCE(vexfs_device_gid));
}

kgid_t vexfs_admin_group(void)
{
	return KGIDT_INIT(READ_ONCE(vexfs_admin_gid));
}
