/* SPDX-License-Identifier: GPL-2.0 */
/* The health of the module, and the file vexfs/summary of debugfs. */
#ifndef _VEXFS_SUMMARY_H
#define _VEXFS_SUMMARY_H

#include <linux/types.h>

#define VEXFS_COMPLAINTS_MAX	5
#define VEXFS_COMPLAINT_TEXT	96

/**
 * struct vexfs_verdict - health of the module
 * @hit_ppm: hit rate of the pools since their last reset, in millionths
 * @complaints: sentences in @complaint; none when all is well
 * @held_bytes: memory that the pools hold
 * @complaint: what needs attention, and what helps
 */
struct vexfs_verdict {
	u32 hit_ppm;
	u32 complaints;
	u64 held_bytes;
	char complaint[VEXFS_COMPLAINTS_MAX][VEXFS_COMPLAINT_TEXT];
};

struct seq_file;

/* May sleep. Takes no lock that an op takes. */
void vexfs_judge(struct vexfs_verdict *v);
void vexfs_show_summary(struct seq_file *m);

#endif
