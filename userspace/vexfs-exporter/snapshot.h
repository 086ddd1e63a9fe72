/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot of all statistics of the module. Nothing here knows how it is presented. */
#ifndef VEXFS_EXPORTER_SNAPSHOT_H
#define VEXFS_EXPORTER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Description of one counter. */
struct counter_doc {
	char subject[48];
	char name[40];
	char unit[24];
	char doc[160];
	bool gauge;
};

/**
 * struct counter_docs - descriptions of all counters, shared by the snapshots of a connection
 * @users: references
 * @n: number of descriptions
 * @doc: the descriptions
 */
struct counter_docs {
	unsigned int users;
	size_t n;
	struct counter_doc *doc;
};

/**
 * struct source - where snapshots come from
 * @wire: the connection, or NULL; opened if needed, closed after an error
 * @docs: read once per connection, since the tables of a loaded module do not change
 */
struct source {
	struct wire *wire;
	struct counter_docs *docs;
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

/* Upper edge of a bucket in nanoseconds: smaller values are in this bucket or below. */
uint64_t latency_edge(unsigned int bucket);

/* What only grows in a collection. */
enum collection_counter {
	COLLECTION_CHANGES,
	COLLECTION_SEARCHES,
	COLLECTION_READS,
	COLLECTION_PUTS,
	COLLECTION_DELETES,
	COLLECTION_OTHERS,
	COLLECTION_ERRORS,
	COLLECTION_COUNTERS
};

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
	uint64_t counter[COLLECTION_COUNTERS];
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
 * struct snapshot - all statistics of the module at one time
 * @up: the module answered; if not, @why says why
 * @may_all: collections of all users are included
 * @version: of the module; likewise @kernel, @simd, @uptime_ns, @hit_rate
 * @complaints: number of sentences in @complaint
 * @rows: statistics since load
 * @docs: descriptions
 * @latency: histograms, @latencies of them
 * @collection: collections by serial number, @collections of them; those with a label once
 *	busy_pick() has chosen
 * @event: the newest events, @events of them, oldest first
 * @pools_enabled: a setting; likewise @stack_optimize, @bridge_coalesce
 * @counts_ops: the module counts ops of collections
 * @unlabelled: collections without a label; only their sum is kept, in @rest: levels now,
 *	counters since the exporter started
 * @began_ns: start of the snapshot, and @took_ns its duration, CLOCK_MONOTONIC
 * @users: references; for the collector only
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
	struct counter_docs *docs;
	size_t latencies;
	struct latency *latency;
	size_t collections;
	struct collection *collection;
	size_t events;
	struct happening event[SNAPSHOT_EVENTS];
	bool pools_enabled;
	bool stack_optimize;
	bool bridge_coalesce;
	bool counts_ops;
	size_t unlabelled;
	struct collection rest;
	uint64_t began_ns;
	uint64_t took_ns;
	unsigned int users;
};

/*
 * Takes a snapshot; NULL only without memory. @names: collections too, if this process may see
 * them all.
 */
struct snapshot *snapshot_read(struct source *s, bool names);
void snapshot_free(struct snapshot *a);
void source_close(struct source *s);

uint64_t clock_ns(void);

#endif
