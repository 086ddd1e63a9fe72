// SPDX-License-Identifier: GPL-2.0
/*
 * The order in which the layers start and stop. Parameters, files and state of a layer are in its
 * own files.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "bridge/stats.h"
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
 * struct layer - a layer of the module, or a part of one
 * @name: its name in the log when it cannot come up
 * @init: brings it up; it may use all those listed before it
 * @exit: takes it down; nothing above it is left by then
 */
struct layer {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
};

/* From the bottom up. */
static const struct layer layers[] = {
	{ "mem", vexfs_mem_init, vexfs_mem_exit },
	{ "math", vexfs_math_init, vexfs_math_exit },
	{ "stat", vexfs_stat_init, vexfs_stat_exit },
	{ "store", vexfs_store_init, vexfs_store_exit },
	{ "exact", vexfs_exact_init, vexfs_exact_exit },
	{ "graph", vexfs_graph_init, vexfs_graph_exit },
	{ "bridge", vexfs_bridge_init, vexfs_bridge_exit },
	{ "subjects", vexfs_control_subjects_init,
	  vexfs_control_subjects_exit },
	/* it watches the collections that requests to those above it create and drop */
	{ "debugfs", vexfs_debugfs_init, vexfs_debugfs_exit },
	{ "netlink", vexfs_netlink_init, vexfs_netlink_exit },
	/*
	 * The device comes last. Once it can be opened nothing may fail, since a module whose
	 * init fails is freed, users or not. Those above refuse requests until then.
	 */
	{ "data", vexfs_data_init, vexfs_data_exit },
};

static void layers_down(size_t n)
{
	while (n--)
		layers[n].exit();
}

static int __init vexfs_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(layers); i++) {
		int err = layers[i].init();

		if (err) {
			pr_err("%s did not come up: error %d\n", layers[i].name, err);
			layers_down(i);
			return err;
		}
	}
	pr_info("version %s\n", VEXFS_VERSION);
	return 0;
}

static void __exit vexfs_exit(void)
{
	layers_down(ARRAY_SIZE(layers));
}

module_init(vexfs_init);
module_exit(vexfs_exit);

MODULE_DESCRIPTION("Vector store and similarity search for every process on the machine");
MODULE_AUTHOR("vexfs maintainers");
MODULE_VERSION(VEXFS_VERSION);
MODULE_LICENSE("GPL");
