/* SPDX-License-Identifier: GPL-2.0 */
/* The name, kind and unit that a counter of the module has as a metric. */
#ifndef VEXFS_EXPORTER_NAMES_H
#define VEXFS_EXPORTER_NAMES_H

#include "snapshot.h"
#include "exposition.h"

/**
 * struct metric_name - how a counter is called outside
 * @name: without "_total"
 * @kind: counter or gauge
 * @unit: for OpenMetrics; NULL when there is none
 * @scale: what its value is multiplied with
 */
struct metric_name {
	char name[128];
	enum expo_kind kind;
	const char *unit;
	double scale;
};

/*
 * False for counters that are worked out from others and are not exported: Prometheus
 * works them out itself, over whatever time is asked for.
 */
bool metric_name(const struct counter_doc *f, struct metric_name *m);

/* What the rows of a subject are called as a label; NULL when it has only one. */
const char *metric_label(const char *subject);

#endif
