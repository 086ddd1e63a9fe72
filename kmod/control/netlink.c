// SPDX-License-Identifier: GPL-2.0
/*
 * Registers and unregisters the netlink family.
 */
#include <linux/module.h>

#include "control/netlink.h"
#include "control/nl_subscribe.h"

int vexfs_netlink_init(void)
{
	int err;

	vexfs_nl_module_init();
	err = vexfs_nl_subscribe_init();
	if (err)
		return err;
	err = vexfs_genl_register(&vexfs_nl_family);
	if (err) {
		vexfs_nl_subscribe_exit();
		return err;
	}
	vexfs_nl_stats_init();
	vexfs_nl_event_init();
	return 0;
}

void vexfs_netlink_exit(void)
{
	vexfs_nl_event_exit();
	vexfs_nl_stats_exit();
	vexfs_genl_unregister(&vexfs_nl_family);
	vexfs_nl_subscribe_exit();
}

MODULE_ALIAS_GENL_FAMILY(VEXFS_FAMILY_NAME);
