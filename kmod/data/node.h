/* SPDX-License-Identifier: GPL-2.0 */
/* The node /dev/vexfs. */
#ifndef _VEXFS_DATA_NODE_H
#define _VEXFS_DATA_NODE_H

struct file_operations;

int vexfs_node_add(const struct file_operations *fops);
void vexfs_node_del(void);

#endif
