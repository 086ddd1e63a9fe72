/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes snapshots of the module's statistics in a thread of its own, one at a time for
 * all clients. A client is notified when its snapshot is there; until then the previous
 * one is available.
 */
#ifndef VEXFS_EXPORTER_COLLECTOR_H
#define VEXFS_EXPORTER_COLLECTOR_H

#include "snapshot.h"

struct collector;

/* Called in the collector's thread after each snapshot. */
typedef void (*collector_fn)(void *arg);

/* @names, @most: label up to @most collections. Returns NULL with errno set. */
struct collector *collector_start(bool names, size_t most, collector_fn fn, void *arg);
/* Returns false when a snapshot does not end: its thread and memory are then abandoned. */
bool collector_stop(struct collector *c);

/* Requests a snapshot; returns its number. */
uint64_t collector_ask(struct collector *c);
/* The number of the newest complete snapshot; 0 when there is none. */
uint64_t collector_done(struct collector *c);

/* The newest snapshot, with a reference that the caller drops; NULL when there is none. */
struct snapshot *collector_get(struct collector *c);
void collector_put(struct collector *c, struct snapshot *a);

#endif
