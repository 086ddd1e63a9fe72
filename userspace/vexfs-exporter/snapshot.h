/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that the module tells about itself, read at one moment. Nothing here knows
 * how it is shown.
 */
#ifndef VEXFS_EXPORTER_SNAPSHOT_H
#define VEXFS_EXPORTER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* The meaning of one counter. */
struct counter_doc {
	char subject[48];
	char name[40];
	char unit[24];
	char doc[160];
	bool gauge;
};

/* Four buckets to an octave, from 1 ns to more than an hour. */
#define LATENCY_BUCKETS	148

struct latency {
	char op[40];
	char class[24];
	uint64_t count;
	uint64_t sum_ns;
	uint64_t bucket[LATENCY_BUCKETS];
};

/* Upper edge of a bucket, in nanoseconds: what is less is in it or below. */
uint64_t latency_edge(unsigned int bucket);

struct collection {
	uint64_t serial;
	char name[64];
	uint32_t user_ns;
	uint32_t dim;
	uint32_t type;
	uint32_t index;
	uint32_t index_state;
	uint64_t vectors;
	uint64_t bytes;
	uint64_t changes;
	uint64_t index_done;
	uint64_t index_bytes;
	bool labelled;
};

struct happening {
	char kind[40];
	char subject[64];
	uint64_t time_ns;
	uint64_t a;
	uint64_t b;
};

#define SNAPSHOT_COMPLAINTS	8
#define SNAPSHOT_EVENTS		32

/**
 * struct snapshot - what was read
 * @up: the module answered; @why says why not
 * @may_all: everybody's collections were asked for and told
 * @version: of the module; likewise @kernel, @simd, @uptime_ns, @hit_rate
 * @complaints: sentences in @complaint
 * @rows: every row of statistics, since load
 * @counter_doc: what they mean, @counter_docs of them
 * @latency: histograms, @latencies of them
 * @collection: collections by rising serial, @collections of them
 * @event: the newest, @events of them, oldest first
 * @pools_enabled: a setting; likewise @stack_optimize, @search_batching
 * @rest_changes: changes of collections without labels, since the exporter began
 * @began_ns: when reading began and @took_ns how long it took, CLOCK_MONOTONIC
 * @users: who holds it; the collector's business
 */
struct snapshot {
	bool up;
	bool may_all;
	char why[400];
	char version[32];
	char kernel[80];
	char simd[32];
	uint64_t uptime_ns;
	double hit_rate;
	unsigned int complaints;
	char complaint[SNAPSHOT_COMPLAINTS][160];
	struct rows rows;
	size_t counter_docs;
	struct counter_doc *counter_doc;
	size_t latencies;
	struct latency *latency;
	size_t collections;
	struct collection *collection;
	unsigned int events;
	struct happening event[SNAPSHOT_EVENTS];
	bool pools_enabled;
	bool stack_optimize;
	bool search_batching;
	uint64_t rest_changes;
	uint64_t began_ns;
	uint64_t took_ns;
	unsigned int users;
};

/*
 * Reads all of it; NULL only when memory is short. *@w is the connection: made when
 * there is none, given up when it fails. @names: collections too, where this process
 * may see everybody's.
 */
struct snapshot *snapshot_read(struct wire **w, bool names);
void snapshot_free(struct snapshot *a);

uint64_t clock_ns(void);

#endif
