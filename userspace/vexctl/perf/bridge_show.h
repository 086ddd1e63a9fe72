/* SPDX-License-Identifier: GPL-2.0 */
/* The statistics and settings of the bridge, for its verbs. */
#ifndef VEXCTL_PERF_BRIDGE_SHOW_H
#define VEXCTL_PERF_BRIDGE_SHOW_H

#include "parts.h"

/* The instances of the statistics in order: ops whose callers wait, and asynchronous ones. */
#define BRIDGE_PLACES		6
extern const char *const bridge_places[BRIDGE_PLACES];

#define BRIDGE_SETTINGS		17
extern const char *const bridge_settings[BRIDGE_SETTINGS];

/* Target: 99 of 100 ops wait no longer than this for their turn. */
#define BRIDGE_LIMIT_NS		1000000.0
/* A queue in which ops wait and none has started for this long is reported as stalled. */
#define BRIDGE_STALLED_MS	10000.0

/* Its rows. 0, or an exit code after saying what is wrong. */
int bridge_read(struct ctl *c, struct wire *w, struct rows *rows);
/* NAN for a missing value. */
double bridge_figure(const struct rows *rows, const char *place, const char *counter);
/* Over all places. */
double bridge_sum(const struct rows *rows, const char *counter);

int run_bridge_status(struct ctl *c);
int run_bridge_latency(struct ctl *c);
int run_bridge_queue(struct ctl *c);
int run_bridge_analyze(struct ctl *c);

#endif
