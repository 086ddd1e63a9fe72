/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which changes for the worse count: named policies, each with a limit for warnings and
 * one for failures by the sort of figure.
 */
#ifndef VEXFS_ANALYSIS_POLICY_H
#define VEXFS_ANALYSIS_POLICY_H

enum policy_sort { POLICY_THROUGHPUT, POLICY_TIME, POLICY_MEMORY, POLICY_ERRORS, POLICY_HITS,
		   POLICY_SORTS };

/**
 * struct policy - a named set of limits
 * @name: as in [thresholds] of vexfs.conf
 * @doc: what it is for
 * @limit: by sort: change that is a warning, and one that is a failure. Of errors: by how
 *	much the share of ops that fail grows; of all others a share of what was before
 */
struct policy {
	const char *name;
	const char *doc;
	struct {
		double warn;
		double fail;
	} limit[POLICY_SORTS];
};

/* NULL when there is none of that name. */
const struct policy *policy_find(const char *name);

#endif
