/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chooses the collections that get labels of their own: the busiest. A machine may have
 * tens of thousands, and a time series for each would cost Prometheus more than it is
 * worth.
 */
#ifndef VEXFS_EXPORTER_BUSY_H
#define VEXFS_EXPORTER_BUSY_H

#include "snapshot.h"

struct seen;

/**
 * struct busy - what is kept between snapshots
 * @n: number of entries of @seen
 * @seen: collections, by serial number
 * @rest: growth of the counters of collections while they had no label; never decreases
 */
struct busy {
	size_t n;
	struct seen *seen;
	uint64_t rest[COLLECTION_COUNTERS];
};

/*
 * Keeps at most @most collections of @a, which get labels, and the sum of the others. A
 * labelled collection keeps its label until another one is clearly busier, so that series are
 * stable. 0, or -ENOMEM.
 */
int busy_pick(struct busy *b, struct snapshot *a, size_t most);
void busy_free(struct busy *b);

#endif
