/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The figures that operators look at first, by name, unit and direction, and how they
 * come out of two looks at the account and at the machine. The daemon writes them into
 * the history, verbs print them.
 */
#ifndef VEXFS_ACCOUNT_METRICS_H
#define VEXFS_ACCOUNT_METRICS_H

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
	METRIC_RESOURCE,	/* of the machine: neither good nor bad by itself */
	METRIC_STATE,		/* what is set, not how fast */
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
 * struct metric - one of them
 * @name: as in verbs and in the history
 * @unit: of it
 * @sort: enum metric_sort
 * @scale: what the history keeps it in: its smallest step
 * @doc: what it is
 */
struct metric {
	const char *name;
	const char *unit;
	enum metric_sort sort;
	double scale;
	const char *doc;
};

extern const struct metric metrics[METRICS];

/* By name, or -1; "vexfs_" before it and "_per_sec" behind it are allowed. */
int metric_find(const char *name);
bool metric_more_is_better(int id);

/**
 * struct look - the account and the machine at one moment
 * @loaded: the module is there
 * @rows: its account
 * @host: the machine
 * @load_ns: when the module was loaded, CLOCK_MONOTONIC
 */
struct look {
	bool loaded;
	struct rows rows;
	struct host host;
	uint64_t mono_ns;
};

/* 0, or -errno. Without a module (@w NULL) the machine alone. */
int look_take(struct wire *w, const char *root, struct look *l);
void look_free(struct look *l);

/*
 * Every metric between two looks (@a may be NULL: what can be said from one), NAN where
 * nothing can be said.
 */
void metrics_between(const struct look *a, const struct look *b, double v[METRICS]);

/* A figure of the account: a level rather than a count that only grows. */
bool counter_is_level(const char *subject, const char *counter);
/* One that is made of others, and need not be kept. */
bool counter_is_derived(const char *counter);

#endif
