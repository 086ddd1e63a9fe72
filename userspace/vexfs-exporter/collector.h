/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the module in a thread of its own, one reading at a time, however many ask. Who
 * asks is told later, and until then has what was read last.
 */
#ifndef VEXFS_EXPORTER_COLLECTOR_H
#define VEXFS_EXPORTER_COLLECTOR_H

#include "snapshot.h"

struct collector;

/* Called in the collector's thread after each reading. */
typedef void (*collector_fn)(void *arg);

/* @names, @most: collections with labels, at most so many. NULL: errno says why. */
struct collector *collector_start(bool names, size_t most, collector_fn fn, void *arg);
/* False when a reading does not end: it is left behind with its thread and all that it uses. */
bool collector_stop(struct collector *c);

/* The number of the reading that answers a question asked now; it is begun. */
uint64_t collector_ask(struct collector *c);
/* The number of the newest reading that has ended; 0 when there is none. */
uint64_t collector_done(struct collector *c);

/* The newest reading, held until it is put back; NULL when there is none. */
struct snapshot *collector_get(struct collector *c);
void collector_put(struct collector *c, struct snapshot *a);

#endif
