/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of this directory, and used nowhere else.
 */
#ifndef _VEXFS_STAT_OP_PRIV_H
#define _VEXFS_STAT_OP_PRIV_H

#include <linux/types.h>

/* The slot of struct vexfs_op_stats.err that counts @err (negative). */
unsigned int vexfs_errno_slot(int err);

struct vexfs_op_stats;
struct vexfs_hist_data;

extern u32 vexfs_slow_op_us;

/* The sums of the kinds for which @wanted is true, added to @st and, unless NULL, to @hist. */
void vexfs_op_sum(bool (*wanted)(unsigned int kind, unsigned int arg), unsigned int arg,
		  bool since_reset, struct vexfs_op_stats *st, struct vexfs_hist_data *hist);

/* Adds and removes the subjects of this layer and of the one below. */
int vexfs_subjects_init(void);
void vexfs_subjects_exit(void);

#endif
