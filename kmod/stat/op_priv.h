/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of this room share with each other and with nobody else.
 */
#ifndef _VEXFS_STAT_OP_PRIV_H
#define _VEXFS_STAT_OP_PRIV_H

#include <linux/types.h>

/* The slot of struct vexfs_op_stats.err that counts @err (negative). */
unsigned int vexfs_errno_slot(int err);

extern u32 vexfs_slow_op_us;

/* Registers and forgets the subjects of this room and of the one below. */
int vexfs_subjects_init(void);
void vexfs_subjects_exit(void);

#endif
