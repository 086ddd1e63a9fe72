/* SPDX-License-Identifier: GPL-2.0 */
/* The name, kind and unit that a counter of the module has as a metric. */
#ifndef VEXFS_EXPORTER_NAMES_H
#define VEXFS_EXPORTER_NAMES_H

#include "snapshot.h"
#include "exposition.h"

/**
 * struct metric_name - name of a counter as a metric
 * @name: without "_total"
 * @kind: counter or gauge
 * @unit: for OpenMetrics; NULL when there is none
 * @times: factor from the module's unit, and then
 * @places: decimal places
 */
struct metric_name {
	char name[128];
	enum expo_kind kind;
	const char *unit;
	uint64_t times;
	unsigned int places;
};

/*
 * Returns false for counters that are derived from others and are not exported:
 * Prometheus computes them itself, over any range.
 */
bool metric_name(const struct counter_doc *f, struct metric_name *m);

/* The name of the label for the rows of a subject; NULL if the subject has only one row. */
const char *metric_label(const char *subject);

#endif
