/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors that read changes: what the device does with them beside requests.
 */
#ifndef _VEXFS_DATA_STREAM_H
#define _VEXFS_DATA_STREAM_H

#include <linux/poll.h>
#include <linux/types.h>

struct file;
struct vexfs_client;

ssize_t vexfs_stream_read(struct file *file, char __user *to, size_t len, loff_t *pos);
__poll_t vexfs_stream_poll(struct file *file, struct poll_table_struct *wait);
/* The client is closed: its stream and its part as storage end. */
void vexfs_client_end(struct vexfs_client *client);

#endif
