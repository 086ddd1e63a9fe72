// SPDX-License-Identifier: GPL-2.0
/* A file of metrics for node_exporter's textfile collector, or for whoever reads it. */
#include <time.h>

#include "exposition.h"
#include "outfile.h"
#include "relay.h"

#define LIMIT	16384u

static void gauge(struct expo *e, const struct relay *r, const char *name, const char *unit,
		  const char *help, double v)
{
	expo_family(e, name, EXPO_GAUGE, unit, help);
	expo_double(e, &(struct expo_label){ "feed", r->feed }, 1, v);
}

void metrics_write(const struct relay *r, const struct relay_lag *lag)
{
	struct outfile o;
	struct expo e;

	if (!r->metrics)
		return;
	expo_begin(&e, EXPO_PROMETHEUS, LIMIT);
	gauge(&e, r, "vexfs_relay_written_timestamp_seconds", "seconds",
	      "when the relay wrote these metrics: old when it does not run", (double)time(NULL));
	gauge(&e, r, "vexfs_relay_replica", NULL, "1 at a replica, 0 at a source", lag->replica);
	gauge(&e, r, "vexfs_relay_sequence", NULL,
	      "the last change that was sent to the server, or applied here", (double)lag->seq);
	gauge(&e, r, "vexfs_relay_behind_changes", NULL, "changes that are still to be sent, or applied",
	      (double)lag->behind);
	gauge(&e, r, "vexfs_relay_behind_seconds", "seconds", "how old the first of these is",
	      lag->seconds);
	if (!expo_end(&e) && outfile_write(&o, r->metrics, e.text, e.len))
		relay_fail("%s: %s", r->metrics, o.why);
	expo_free(&e);
}
