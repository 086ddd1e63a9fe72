/* SPDX-License-Identifier: GPL-2.0 */
/* vexfs-profile: declarations that its commands share. */
#ifndef VEXFS_PROFILE_H
#define VEXFS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define EXIT_FINDING	1
#define EXIT_USAGE	2
#define EXIT_UNKNOWN	6	/* cannot tell: no data */

/* A sentence on stderr. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

/* The rest of each command line; exit status. */
int cmd_perf(int argc, char **argv);
int cmd_report(int argc, char **argv);

#endif
