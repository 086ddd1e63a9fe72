/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Joint searches: search jobs of several callers run as one job. The results are bit-identical
 * to those of separate runs. Exact queries share every block of rows that is read, walks of the
 * graph are interleaved, and with a common filter each record is evaluated once.
 */
#ifndef _VEXFS_INDEX_JOINT_H
#define _VEXFS_INDEX_JOINT_H

#include "index/search.h"

/* True when two jobs may run as one. Does not sleep. */
bool vexfs_jobs_fit(const struct vexfs_search_job *a, const struct vexfs_search_job *b);

/*
 * Answers the jobs of the list that starts at @first, in one read section, for one sequence
 * number. Memory is charged to the op of @first. Only a fatal signal to the caller's task, and
 * the last of the deadlines, end the search early. Returns the errors of vexfs_search(); on error
 * no job has been answered, and each may run alone.
 */
int vexfs_search_joint(struct vexfs_search_job *first);

#endif
