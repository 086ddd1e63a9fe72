/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data plane: /dev/vexfs comes up and goes down.
 */
#ifndef _VEXFS_DATA_H
#define _VEXFS_DATA_H

int vexfs_data_init(void);
void vexfs_data_exit(void);

#endif
