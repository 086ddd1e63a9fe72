/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which regressions count: named policies. Each has a limit for warnings and one for
 * failures, by the sort of metric.
 */
#ifndef VEXFS_ANALYSIS_POLICY_H
#define VEXFS_ANALYSIS_POLICY_H

enum policy_sort { POLICY_THROUGHPUT, POLICY_TIME, POLICY_MEMORY, POLICY_ERRORS, POLICY_HITS,
		   POLICY_SORTS };

/**
 * struct policy - a named set of limits
 * @name: as in [thresholds] of vexfs.conf
 * @doc: description
 * @limit: by sort: change that is a warning, and change that is a failure. For errors,
 * the increase in the fraction of failed ops; for all others, the relative change
 */
struct policy {
	const char *name;
	const char *doc;
	struct {
		double warn;
		double fail;
	} limit[POLICY_SORTS];
};

/* NULL when there is no policy of that name. */
const struct policy *policy_find(const char *name);

#endif
