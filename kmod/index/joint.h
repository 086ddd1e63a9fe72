/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Search jobs of several callers that are answered together: as one job, with the answers
 * that each would have got by itself, bit for bit. Their exact queries share every block of
 * rows that is read, their walks go side by side, and where they have the same filter, each
 * record is looked at once.
 */
#ifndef _VEXFS_INDEX_JOINT_H
#define _VEXFS_INDEX_JOINT_H

#include "index/search.h"

/* May two jobs of one collection be answered together? Does not sleep. */
bool vexfs_jobs_fit(const struct vexfs_search_job *a, const struct vexfs_search_job *b);

/*
 * Answers @first and those at its @next, in one read section, for one sequence number. The
 * memory that it takes is that of the op of @first, and only its task's signals end it early;
 * it gives up when the last deadline has passed. Errors as vexfs_search(): then none has been
 * answered, and each may be answered alone.
 */
int vexfs_search_joint(struct vexfs_search_job *first);

#endif
