/* SPDX-License-Identifier: GPL-2.0 */
/* Suites: jobs that belong together, by one name. */
#ifndef VEXSTRESS_SUITE_H
#define VEXSTRESS_SUITE_H

#include "vexstress.h"

struct vx_suite {
	const char *name;
	const char *summary;
};

/* NULL at the end. */
const struct vx_suite *vx_suite_at(size_t i);

/*
 * Adds the jobs of a suite, derived from @base, to @jobs, which has room for @room. Returns
 * their number, 0 when there is no such suite, -1 after printing an error.
 */
int vx_suite_add(const char *name, const struct vx_job *base, struct vx_job *jobs, size_t room);

/* Keeps those of @jobs that --tests names. Returns their number, or -1 after printing an error. */
int vx_tests_pick(struct vx_job *jobs, size_t n);

#endif
