/* SPDX-License-Identifier: GPL-2.0 */
/* Subjects of the account for rooms that know nothing of it. */
#ifndef _VEXFS_SUBJECTS_H
#define _VEXFS_SUBJECTS_H

int vexfs_control_subjects_init(void);
void vexfs_control_subjects_exit(void);

#endif
