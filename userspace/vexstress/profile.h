/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Profiles of what runs: --flamegraph by perf, --perf-stat by the counters, --massif by
 * valgrind. Asked for, and taken while the measurement runs and not before.
 */
#ifndef VEXSTRESS_PROFILE_H
#define VEXSTRESS_PROFILE_H

#include "vexstress.h"

#include <sys/types.h>

/* Before anything is measured: VX_OK, or why a run cannot be profiled as asked, said. */
int vx_profile_check(void);
/* Around a measurement of the workers @ids. */
void vx_profile_begin(const pid_t *ids, size_t n);
void vx_profile_end(void);
/* The counters of the last measurement, for a job that did @ops; NULL where none were read. */
json_t *vx_profile_counters(double ops);

/* What stands before the words of a program that exec profiles; to be freed, as the words. */
char **vx_profile_command(char **argv);
/* When all has run: writes what was asked for. 0, or -1 after printing an error. */
int vx_profile_finish(void);

#endif
