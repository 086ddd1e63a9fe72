// SPDX-License-Identifier: GPL-2.0
/*
 * Planted mistakes that only a kernel with checks reports: a read beyond an object, a read
 * of freed memory, two locks taken in both orders, a sleep under a spinlock. They exist to
 * show that a lab notices; nothing else may ever load this.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static bool access;
module_param(access, bool, 0444);
MODULE_PARM_DESC(access, "Read one byte beyond an object");

static bool freed;
module_param(freed, bool, 0444);
MODULE_PARM_DESC(freed, "Read an object that was freed");

static bool order;
module_param(order, bool, 0444);
MODULE_PARM_DESC(order, "Take two locks in one order, then in the other");

static bool sleep;
module_param(sleep, bool, 0444);
MODULE_PARM_DESC(sleep, "Sleep while a spinlock is held");

static DEFINE_MUTEX(plant_a);
static DEFINE_MUTEX(plant_b);
static DEFINE_SPINLOCK(plant_spin);
static u8 plant_seen;

static int plant_read(size_t at, bool free)
{
	u8 *object = kzalloc(100, GFP_KERNEL);

	if (!object)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(object);
	if (free)
		kfree(object);
	plant_seen = READ_ONCE(object[at]);
	if (!free)
		kfree(object);
	return 0;
}

static int __init plant_check_init(void)
{
	int err = 0;

	if (access)
		err = plant_read(100, false);
	if (freed)
		err = plant_read(50, true);
	if (order) {
		mutex_lock(&plant_a);
		mutex_lock(&plant_b);
		mutex_unlock(&plant_b);
		mutex_unlock(&plant_a);
		mutex_lock(&plant_b);
		mutex_lock(&plant_a);
		mutex_unlock(&plant_a);
		mutex_unlock(&plant_b);
	}
	if (sleep) {
		spin_lock(&plant_spin);
		msleep(20);
		spin_unlock(&plant_spin);
	}
	return err;
}

static void __exit plant_check_exit(void)
{
}

module_init(plant_check_init);
module_exit(plant_check_exit);

MODULE_DESCRIPTION("Planted memory and locking errors, for the self-test of the labs");
MODULE_LICENSE("GPL");
