/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics as text, for debugfs: readable for people, stable for scripts. Columns and rows
 * carry the names of the tables; new ones are added at the end.
 */
#ifndef _VEXFS_STAT_SHOW_H
#define _VEXFS_STAT_SHOW_H

struct seq_file;

/* Prints text of a user, with all characters except printable ASCII escaped. */
void vexfs_show_text(struct seq_file *m, const char *text);

void vexfs_show_ops(struct seq_file *m);	/* the file "ops" */
void vexfs_show_pools(struct seq_file *m);	/* the file "pools" */
void vexfs_show_stack(struct seq_file *m);	/* the file "stack" */
void vexfs_show_events(struct seq_file *m);	/* the file "events" */
/* All counters of all subjects, one per line: the file "counters". */
void vexfs_show_counters(struct seq_file *m);

#endif
