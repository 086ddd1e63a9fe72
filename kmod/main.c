// SPDX-License-Identifier: GPL-2.0
/*
 * The order in which the rooms come up, and down again. Nothing else belongs
 * here: a room's parameters, files and state live in the room.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "control/debugfs.h"
#include "control/netlink.h"
#include "control/subjects.h"
#include "data/data.h"
#include "index/graph.h"
#include "index/search.h"
#include "math/math.h"
#include "mem/pool.h"
#include "stat/counter.h"
#include "store/store.h"

/**
 * struct room - one step of the ladder
 * @name: what the log calls it when it cannot come up
 * @init: brings the room up; it may use every room listed before it
 * @exit: takes it down; nothing above it is left by then
 */
struct room {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
};

/* From the ground floor up. */
static const struct room rooms[] = {
	{ "mem", vexfs_mem_init, vexfs_mem_exit },
	{ "math", vexfs_math_init, vexfs_math_exit },
	{ "stat", vexfs_stat_init, vexfs_stat_exit },
	{ "store", vexfs_store_init, vexfs_store_exit },
	{ "exact", vexfs_exact_init, vexfs_exact_exit },
	{ "graph", vexfs_graph_init, vexfs_graph_exit },
	{ "subjects", vexfs_control_subjects_init,
	  vexfs_control_subjects_exit },
	/* it watches the collections that requests of those above it make and drop */
	{ "debugfs", vexfs_debugfs_init, vexfs_debugfs_exit },
	{ "netlink", vexfs_netlink_init, vexfs_netlink_exit },
	/*
	 * The device last: nothing may fail once it can be opened, for a module that does
	 * not come up is freed under whoever has. Those above refuse until then.
	 */
	{ "data", vexfs_data_init, vexfs_data_exit },
};

static void rooms_down(size_t n)
{
	while (n--)
		rooms[n].exit();
}

static int __init vexfs_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		int err = rooms[i].init();

		if (err) {
			pr_err("%s did not come up: error %d\n", rooms[i].name, err);
			rooms_down(i);
			return err;
		}
	}
	pr_info("version %s\n", VEXFS_VERSION);
	return 0;
}

static void __exit vexfs_exit(void)
{
	rooms_down(ARRAY_SIZE(rooms));
}

module_init(vexfs_init);
module_exit(vexfs_exit);

MODULE_DESCRIPTION("Vector store and similarity search for every process on the machine");
MODULE_AUTHOR("vexfs maintainers");
MODULE_VERSION(VEXFS_VERSION);
MODULE_LICENSE("GPL");
