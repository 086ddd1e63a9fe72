/* SPDX-License-Identifier: GPL-2.0 */
/* Trace events for a while; allocations of the pools by caller and size. */
#ifndef VEXCTL_PERF_TRACE_H
#define VEXCTL_PERF_TRACE_H

#include "perf.h"

#define TRACE_ROWS	512

/**
 * struct trace_row - allocations of one caller and size
 * @caller: the function
 * @bucket: sizes up to 64 << bucket
 * @tier: number of the tier
 * @count: number of allocations
 * @bytes: sum of the sizes
 */
struct trace_row {
	char caller[80];
	unsigned int bucket;
	unsigned int tier;
	uint64_t count;
	uint64_t bytes;
};

/**
 * struct trace - results
 * @n: rows
 * @allocs: allocations
 * @frees: frees
 * @lost: events that were dropped, or for which there was no row
 */
struct trace {
	size_t n;
	uint64_t allocs;
	uint64_t frees;
	uint64_t lost;
	struct trace_row row[TRACE_ROWS];
};

/* Called for each line of the trace. */
typedef void (*trace_line_fn)(const char *line, void *arg);

/*
 * Traces the events, names such as "vexfs/vexfs_put" with a NULL at the end, for @ms. 0,
 * -ENOENT where there is no tracing or no such event, -EACCES, or another error.
 */
int trace_lines(int64_t ms, const char *const *events, trace_line_fn fn, void *arg);

/* Called for each allocation. */
typedef void (*trace_fn)(const char *caller, size_t size, unsigned int tier, void *arg);

/* Traces for @ms. 0, or an exit code after printing why. */
int trace_pools(struct ctl *c, int64_t ms, struct trace *t, trace_fn fn, void *arg);

#endif
