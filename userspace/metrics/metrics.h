/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The metrics that operators look at first: name, unit, direction, and how they are
 * computed from two samples of module and machine. The daemon writes them into the
 * history; vexctl prints them.
 */
#ifndef VEXFS_METRICS_METRICS_H
#define VEXFS_METRICS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "wire.h"

enum metric_sort {
	METRIC_THROUGHPUT,	/* more is better */
	METRIC_TIME,		/* less is better, as in all that follow but the hit rate */
	METRIC_MEMORY,
	METRIC_ERRORS,
	METRIC_HITS,		/* more is better */
	METRIC_RESOURCE,	/* of the machine: neither direction is better by itself */
	METRIC_STATE,		/* a setting, not a measurement */
};

enum metric_id {
	M_FUSE_OPS, M_VECTOR_OPS, M_SEMANTIC_OPS, M_CONTROL_OPS,
	M_FUSE_TIME, M_VECTOR_TIME, M_SEMANTIC_TIME,
	M_ERROR_RATE, M_POOL_HIT_RATE, M_SMALL_USE, M_MEDIUM_USE, M_LARGE_USE, M_POOL_FAILURES,
	M_STACK_VIOLATIONS, M_STACK_DEEPEST, M_MEMORY, M_VECTORS, M_COLLECTIONS, M_FPU_SHARE,
	M_SIMD, M_POOLS, M_STACK_OPT,
	M_CPU_BUSY, M_CPU_STEAL, M_LOAD, M_MEM_AVAILABLE, M_SWAP_USED, M_PSI_CPU, M_PSI_MEM,
	M_PSI_MEM_FULL, M_PSI_IO, M_PSI_IO_FULL, M_DISK_BUSY, M_DISK_READ, M_DISK_WRITTEN, M_NET_RX,
	M_NET_TX, M_NET_ERRORS,
	METRICS
};

/**
 * struct metric - a metric
 * @name: as in vexctl and in the history
 * @unit: its unit
 * @sort: enum metric_sort
 * @scale: smallest step that the history keeps
 * @doc: description
 */
struct metric {
	const char *name;
	const char *unit;
	enum metric_sort sort;
	double scale;
	const char *doc;
};

extern const struct metric metrics[METRICS];

/* Index of a name, or -1; a prefix "vexfs_" and a suffix "_per_sec" are accepted. */
int metric_find(const char *name);
bool metric_more_is_better(int id);

/**
 * struct look - one sample of module and machine
 * @loaded: the module is loaded
 * @rows: its statistics
 * @host: the machine
 * @mono_ns: when, CLOCK_MONOTONIC
 * @files: of who takes many looks at this machine; NULL otherwise
 */
struct look {
	bool loaded;
	struct rows rows;
	struct host host;
	uint64_t mono_ns;
	struct host_files *files;
};

/* 0, or -errno. Without the module (@w NULL) the machine only. */
int look_take(struct wire *w, const char *root, struct look *l);
void look_free(struct look *l);

/* All metrics between two samples (@a may be NULL: what one sample can give); NAN for unknown. */
void metrics_between(const struct look *a, const struct look *b, double v[METRICS]);

/* A statistic that is a gauge, not a counter. */
bool counter_is_level(const char *subject, const char *counter);
/* A statistic that is derived from others and need not be stored. */
bool counter_is_derived(const char *counter);

#endif
