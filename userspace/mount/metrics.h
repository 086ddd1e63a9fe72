/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The daemon's metrics in a file, written every few seconds. This file knows the format; what
 * there is to tell comes from who counts it.
 */
#ifndef VEXFS_MOUNT_METRICS_H
#define VEXFS_MOUNT_METRICS_H

#include "exposition.h"

struct vs_hist;

/* Starts to write the file of the option, with what @kind adds. 0, or -1 after printing why. */
int metrics_start(void (*kind)(struct expo *e));
void metrics_stop(void);

/* A family, and its samples: for the whole mount, or with @op for one kind of request. */
void metrics_family(struct expo *e, const char *name, enum expo_kind kind, const char *help);
void metrics_number(struct expo *e, const char *op, uint64_t v);
void metrics_times(struct expo *e, const char *op, const struct vs_hist *h);

#endif
