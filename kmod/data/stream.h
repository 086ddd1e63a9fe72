/* SPDX-License-Identifier: GPL-2.0 */
/*
 * read() and poll() of descriptors that follow changes: change streams and storage.
 */
#ifndef _VEXFS_DATA_STREAM_H
#define _VEXFS_DATA_STREAM_H

#include <linux/poll.h>
#include <linux/types.h>

struct file;
struct vexfs_client;

ssize_t vexfs_stream_read(struct file *file, char __user *to, size_t len, loff_t *pos);
__poll_t vexfs_stream_poll(struct file *file, struct poll_table_struct *wait);
/* Ends the client's change stream and its role as storage, when its descriptor is closed. */
void vexfs_client_end(struct vexfs_client *client);

#endif
