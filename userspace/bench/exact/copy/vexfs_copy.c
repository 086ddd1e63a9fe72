// SPDX-License-Identifier: GPL-2.0
/*
 * How fast this kernel copies from user space when it does nothing else: what is
 * written to /dev/vexfs_copy goes into memory that was touched before, in pieces of
 * 2 MiB as the store's rows lie, one after another, and is forgotten. A yardstick for
 * benchmarks in a lab; it must not be loaded anywhere else.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define EXTENT	(2ul << 20)
#define EXTENTS	64ul
#define ROOM	(EXTENTS * EXTENT)

static unsigned char *room[EXTENTS];
static size_t at;
static DEFINE_MUTEX(lock);

static ssize_t copy_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	size_t done = 0;

	mutex_lock(&lock);
	while (done < len) {
		size_t n = min(len - done, EXTENT - at % EXTENT);

		if (copy_from_user(room[at / EXTENT] + at % EXTENT, buf + done, n))
			break;
		done += n;
		at = at + n == ROOM ? 0 : at + n;
		cond_resched();
	}
	mutex_unlock(&lock);
	return done ?: -EFAULT;
}

static const struct file_operations copy_fops = {
	.owner = THIS_MODULE,
	.write = copy_write,
};

static struct miscdevice copy_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vexfs_copy",
	.fops = &copy_fops,
};

static void room_free(void)
{
	size_t i;

	for (i = 0; i < EXTENTS; i++)
		if (room[i])
			free_pages_exact(room[i], EXTENT);
}

static int __init copy_init(void)
{
	int err = 0;
	size_t i;

	for (i = 0; i < EXTENTS && !err; i++) {
		room[i] = alloc_pages_exact(EXTENT, GFP_KERNEL | __GFP_ZERO);
		err = room[i] ? 0 : -ENOMEM;
	}
	if (!err)
		err = misc_register(&copy_dev);
	if (err)
		room_free();
	return err;
}

static void __exit copy_exit(void)
{
	misc_deregister(&copy_dev);
	room_free();
}

module_init(copy_init);
module_exit(copy_exit);

MODULE_DESCRIPTION("Copies from user space and forgets: a yardstick for vexfs benchmarks");
MODULE_LICENSE("GPL");
