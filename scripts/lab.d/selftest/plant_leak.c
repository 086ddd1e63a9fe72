// SPDX-License-Identifier: GPL-2.0
/*
 * Two planted leaks: an object of a cache that is then destroyed, which every
 * kernel reports, and plain memory, which only kmemleak finds. They exist to
 * show that a lab notices; nothing else may ever load this.
 */
#include <linux/module.h>
#include <linux/slab.h>

static bool cache;
module_param(cache, bool, 0444);
MODULE_PARM_DESC(cache, "Leak from a slab cache instead of plain memory");

static struct kmem_cache *plant_cache;

static int __init plant_leak_init(void)
{
	if (!cache)
		return kmalloc(4000, GFP_KERNEL) ? 0 : -ENOMEM;
	plant_cache = kmem_cache_create("plant_leak", 200, 0, 0, NULL);
	if (!plant_cache)
		return -ENOMEM;
	return kmem_cache_alloc(plant_cache, GFP_KERNEL) ? 0 : -ENOMEM;
}

static void __exit plant_leak_exit(void)
{
	kmem_cache_destroy(plant_cache);
}

module_init(plant_leak_init);
module_exit(plant_leak_exit);

MODULE_DESCRIPTION("Planted leaks, for the self-test of the labs");
MODULE_LICENSE("GPL");
