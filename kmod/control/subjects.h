/* SPDX-License-Identifier: GPL-2.0 */
/* Statistics of layers that do not register their own. */
#ifndef _VEXFS_SUBJECTS_H
#define _VEXFS_SUBJECTS_H

int vexfs_control_subjects_init(void);
void vexfs_control_subjects_exit(void);

#endif
