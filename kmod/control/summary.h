/* SPDX-License-Identifier: GPL-2.0 */
/* The file vexfs/summary of debugfs. */
#ifndef _VEXFS_SUMMARY_H
#define _VEXFS_SUMMARY_H

struct seq_file;

void vexfs_show_summary(struct seq_file *m);

#endif
