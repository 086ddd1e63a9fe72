/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel knows by a number: nodes until it says FORGET, open files and directories
 * until it says RELEASE. At umount it says neither, and drops what it has queued. So what is
 * left is freed at the end.
 */
#ifndef VEXFS_MOUNT_LEFTOVER_H
#define VEXFS_MOUNT_LEFTOVER_H

/* The first member of such an object. */
struct leftover {
	struct leftover *next, **link;
	void (*end)(struct leftover *l);
};

void leftover_add(struct leftover *l, void (*end)(struct leftover *l));
void leftover_remove(struct leftover *l);
/*
 * Ends all of them, when no thread serves any more. They are in no order, so @end frees what
 * belongs to its object alone.
 */
void leftovers_end(void);

#endif
