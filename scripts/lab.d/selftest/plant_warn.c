// SPDX-License-Identifier: GPL-2.0
/*
 * A planted warning. It exists to show that a lab notices; nothing else may
 * ever load it.
 */
#include <linux/bug.h>
#include <linux/module.h>

static int __init plant_warn_init(void)
{
	WARN(1, "planted by the self-test of the labs\n");
	return 0;
}

static void __exit plant_warn_exit(void)
{
}

module_init(plant_warn_init);
module_exit(plant_warn_exit);

MODULE_DESCRIPTION("A planted warning, for the self-test of the labs");
MODULE_LICENSE("GPL");
