/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which collections get labels of their own: the busiest. A machine may have tens of
 * thousands, and a time series for each would cost Prometheus more than it tells.
 */
#ifndef VEXFS_EXPORTER_BUSY_H
#define VEXFS_EXPORTER_BUSY_H

#include "snapshot.h"

struct seen;

/**
 * struct busy - what is remembered from reading to reading
 * @n: collections in @seen, by rising serial
 * @seen: they
 * @rest_changes: changes of collections while they had no label; only grows
 */
struct busy {
	size_t n;
	struct seen *seen;
	uint64_t rest_changes;
};

/*
 * Marks at most @most collections of @a as labelled. One that has a label keeps it until
 * another is clearly busier, so that series do not come and go. 0, or -ENOMEM.
 */
int busy_pick(struct busy *b, struct snapshot *a, size_t most);
void busy_free(struct busy *b);

#endif
