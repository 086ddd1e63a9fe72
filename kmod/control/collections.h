/* SPDX-License-Identifier: GPL-2.0 */
/* The directory vexfs/collections of debugfs, with a directory for each collection. */
#ifndef _VEXFS_COLLECTIONS_H
#define _VEXFS_COLLECTIONS_H

struct dentry;

int vexfs_collections_show_init(struct dentry *root);
void vexfs_collections_show_exit(void);

#endif
