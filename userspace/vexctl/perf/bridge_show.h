/* SPDX-License-Identifier: GPL-2.0 */
/* The statistics and settings of the bridge, for its verbs. */
#ifndef VEXCTL_PERF_BRIDGE_SHOW_H
#define VEXCTL_PERF_BRIDGE_SHOW_H

#include "parts.h"

/* From the top of the order: ops whose callers wait, and asynchronous ones. */
#define BRIDGE_PLACES		6
extern const char *const bridge_places[BRIDGE_PLACES];

#define BRIDGE_SETTINGS		17
extern const char *const bridge_settings[BRIDGE_SETTINGS];

/* Promised: 99 of 100 ops wait no longer than that for their turn. */
#define BRIDGE_LIMIT_NS		1000000.0
/* Where ops wait and none of them has gone on for so long, something is wrong. */
#define BRIDGE_STALLED_MS	10000.0

/* Its rows. 0, or an exit code after saying what is wrong. */
int bridge_read(struct ctl *c, struct wire *w, struct rows *rows);
/* NAN for what there is not. */
double bridge_figure(const struct rows *rows, const char *place, const char *counter);
/* Over all places. */
double bridge_sum(const struct rows *rows, const char *counter);

int run_bridge_status(struct ctl *c);
int run_bridge_latency(struct ctl *c);
int run_bridge_queue(struct ctl *c);
int run_bridge_analyze(struct ctl *c);

#endif
