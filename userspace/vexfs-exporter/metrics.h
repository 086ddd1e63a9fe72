/* SPDX-License-Identifier: GPL-2.0 */
/* The statistics as metrics: which counter becomes which metric, in base units. */
#ifndef VEXFS_EXPORTER_METRICS_H
#define VEXFS_EXPORTER_METRICS_H

#include "snapshot.h"
#include "exposition.h"

/* Upper bound of the length of a response. */
#define METRICS_LIMIT	(16u << 20)

/**
 * struct metrics - how to write them
 * @format: text format
 * @compat: with compatibility names
 * @stale: the module did not answer in time, and @a is an earlier snapshot
 */
struct metrics {
	enum expo_format format;
	bool compat;
	bool stale;
};

/* @a: NULL before the first snapshot. 0, or -errno; free the text with expo_free(). */
int metrics_write(struct expo *e, const struct snapshot *a, const struct metrics *how);

#endif
