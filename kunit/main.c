// SPDX-License-Identifier: GPL-2.0
/*
 * The module of the KUnit suites: parameters and description. Each suite is a file of its
 * own and registers itself.
 */
#include <linux/module.h>

#include "compat/compat.h"
#include "suites.h"

unsigned int vexfs_kunit_quick;
module_param_named(quick, vexfs_kunit_quick, uint, 0444);
MODULE_PARM_DESC(quick, "Fewer inputs in each case, for emulated machines: 1, or 2 for the fewest");

MODULE_DESCRIPTION("KUnit suites of vexfs");
MODULE_AUTHOR("vexfs maintainers");
MODULE_LICENSE("GPL");
VEXFS_IMPORT_KUNIT;
