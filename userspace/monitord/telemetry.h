/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telemetry: metrics and events for other programs. Samples are thinned out, gathered in a
 * bounded queue, and handed in batches to the sinks that the configuration names.
 */
#ifndef VEXFS_MONITORD_TELEMETRY_H
#define VEXFS_MONITORD_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "metrics.h"

/**
 * struct item - a value of a metric, or an event
 * @t: its time, milliseconds since 1970
 * @metric: enum metric_id, -1 for an event
 * @value: of the metric
 * @kind: of the event
 * @subject: of the event
 * @a: first number of the event
 * @b: second
 */
struct item {
	int64_t t;
	int metric;
	double value;
	char kind[40];
	char subject[64];
	uint64_t a;
	uint64_t b;
};

/**
 * struct sink - where batches go
 * @name: key of the configuration
 * @wanted: it is configured
 * @send: sends some items; 0, or -1 with a sentence
 */
struct sink {
	const char *name;
	bool (*wanted)(const struct config *c);
	int (*send)(const struct config *c, const struct item *item, size_t n, char *why,
		    size_t size);
};

extern const struct sink sinks[];

#define SINKS		6
#define QUEUE_ITEMS	4096

/**
 * struct telemetry - the queue, and how far each sink is
 * @item: a ring
 * @end: number of items ever put in
 * @sent: of these, how many each sink has
 * @lost: items that left the ring before a sink had them
 * @failing: the last attempt of a sink failed
 * @begun: there was a sample
 * @due: samples that are due by the sampling rate
 * @next_ns: when to export at the latest
 */
struct telemetry {
	struct item *item;
	uint64_t end;
	uint64_t sent[SINKS];
	uint64_t lost[SINKS];
	bool failing[SINKS];
	bool begun;
	double due;
	uint64_t next_ns;
};

struct monitor;

/* Puts a sample in, if the sampling rate takes it. */
void telemetry_sample(struct monitor *m, const double v[METRICS]);
/* Puts an event in; events are never left out. */
void telemetry_event(struct monitor *m, const char *kind, const char *subject, uint64_t a, uint64_t b);
/* Exports what is due. With @all everything, for the end. */
void telemetry_export(struct monitor *m, bool all);

#endif
