/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directory vexfs in debugfs and its files. They are only for reading: nothing in it
 * may change what the module does.
 */
#ifndef _VEXFS_DEBUGFS_H
#define _VEXFS_DEBUGFS_H

int vexfs_debugfs_init(void);
void vexfs_debugfs_exit(void);

#endif
