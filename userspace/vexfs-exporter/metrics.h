/* SPDX-License-Identifier: GPL-2.0 */
/* The statistics as metrics: which counter becomes which metric, in base units. */
#ifndef VEXFS_EXPORTER_METRICS_H
#define VEXFS_EXPORTER_METRICS_H

#include "snapshot.h"
#include "exposition.h"

/* More than an answer is ever meant to have. */
#define METRICS_LIMIT	(16u << 20)

/**
 * struct metrics - how to write them
 * @format: which text
 * @compat: with the names that earlier scripts were promised
 * @stale: the module did not answer in time, and @a is what it said before
 */
struct metrics {
	enum expo_format format;
	bool compat;
	bool stale;
};

/* @a: NULL when nothing has been read yet. 0, or -errno; to be freed with expo_free(). */
int metrics_write(struct expo *e, const struct snapshot *a, const struct metrics *how);

#endif
