// SPDX-License-Identifier: GPL-2.0
/*
 * The node /dev/vexfs: its number, mode and group. It is no misc device because those
 * cannot be given a group.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#include "compat/compat.h"
#include "data/node.h"
#include "mem/tunable.h"
#include "store/store.h"

/*
 * Without udev everybody may use it, as with /dev/fuse: collections have owners, modes and
 * quotas. The installed udev rule restricts it to a group.
 */
static VEXFS_TUNABLE(device_mode, 0666, 0, 0777, "mode",
		     "Permission bits of /dev/vexfs (collections have owners and modes of their own)",
		     0444);

static dev_t number;
static struct cdev cdev;
static struct device *node;

static char *node_devnode(DEVNODE_CONST struct device *dev, umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	/* When the node is removed the pointers are NULL. */
	if (mode)
		*mode = vexfs_device_mode;
	if (gid)
		*gid = vexfs_device_group();
	return NULL;
}

static const struct device_type node_type = {
	.name = "vexfs",
	.devnode = node_devnode,
};

static struct class node_class = {
	.name = "vexfs",
};

static void node_release(struct device *dev)
{
	kfree(dev);
}

static int add_node(void)
{
	int err;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;
	device_initialize(node);
	node->class = &node_class;
	node->type = &node_type;
	node->devt = number;
	node->release = node_release;
	/* udev learns of it when it can be opened */
	dev_set_uevent_suppress(node, true);
	err = dev_set_name(node, "vexfs") ?: device_add(node);
	if (err)
		goto put;
	/* from here on it can be opened, so no later step may fail, see main.c */
	err = cdev_add(&cdev, number, 1);
	if (err)
		goto del;
	dev_set_uevent_suppress(node, false);
	kobject_uevent(&node->kobj, KOBJ_ADD);
	return 0;

del:
	device_del(node);
put:
	put_device(node);
	return err;
}

int vexfs_node_add(const struct file_operations *fops)
{
	int err;

	err = class_register(&node_class);
	if (err)
		return err;
	err = alloc_chrdev_region(&number, 0, 1, "vexfs");
	if (err)
		goto no_number;
	cdev_init(&cdev, fops);
	cdev.owner = fops->owner;
	err = add_node();
	if (err)
		goto no_node;
	return 0;

no_node:
	unregister_chrdev_region(number, 1);
no_number:
	class_unregister(&node_class);
	return err;
}

void vexfs_node_del(void)
{
	cdev_device_del(&cdev, node);
	put_device(node);
	unregister_chrdev_region(number, 1);
	class_unregister(&node_class);
}
