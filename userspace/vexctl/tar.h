/* SPDX-License-Identifier: GPL-2.0 */
/* Writing an archive (ustar) of regular files that exist in memory only. */
#ifndef VEXCTL_TAR_H
#define VEXCTL_TAR_H

#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* 0, or -1 when the name does not fit or writing failed. */
int tar_add(FILE *f, const char *name, const void *data, size_t size, time_t t);
int tar_end(FILE *f);

#endif
