// SPDX-License-Identifier: GPL-2.0
/*
 * A file of metrics for node_exporter's textfile collector, or for whoever reads it. Each
 * sample says of which mount it is; none names a collection or a file.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "../libvexstat/hist.h"
#include "metrics.h"
#include "mount.h"
#include "outfile.h"
#include "serve.h"

#define LIMIT		(256u << 10)	/* bytes of the file */
/* For the mark at the end: a label of PATH_MAX bytes, of which each may take three, and text. */
#define MARK_BYTES	(16u << 10)
#define WRITE_S		5
#define EDGES		12
_Static_assert(EDGES <= EXPO_EDGES, "edges of one histogram");
#define FIRST_EDGE_NS	1000ull		/* each is four times the one before: up to 4 s */

static pthread_t writer;
static bool started, stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static void (*more)(struct expo *e);

static unsigned int labels(struct expo_label to[2], const char *op)
{
	to[0] = (struct expo_label){ "mount", opt->mountpoint };
	to[1] = (struct expo_label){ "op", op };
	return op ? 2 : 1;
}

void metrics_family(struct expo *e, const char *name, enum expo_kind kind, const char *help)
{
	size_t len = strlen(name), unit = strlen("seconds");
	bool seconds = len > unit && !strcmp(name + len - unit, "seconds");

	expo_family(e, name, kind, seconds ? "seconds" : NULL, help);
}

void metrics_number(struct expo *e, const char *op, uint64_t v)
{
	struct expo_label l[2];
	unsigned int n = labels(l, op);

	expo_u64(e, l, n, v);
}

void metrics_times(struct expo *e, const char *op, const struct vs_hist *h)
{
	double le[EDGES];
	uint64_t count[EDGES] = { 0 };
	struct expo_edges edges;
	struct expo_buckets b = { &edges, count, h->count, (double)h->sum * 1e-9 };
	struct expo_label l[2];
	unsigned int i, edge;

	for (edge = 0; edge < EDGES; edge++)
		le[edge] = (double)(FIRST_EDGE_NS << 2 * edge) * 1e-9;
	expo_edges(&edges, le, EDGES);
	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		uint64_t last = vs_hist_low(i) + vs_hist_width(i) - 1;

		if (!h->bucket[i])
			continue;
		for (edge = 0; edge < EDGES && last > FIRST_EDGE_NS << 2 * edge; edge++)
			;
		if (edge < EDGES)
			count[edge] += h->bucket[i];
	}
	expo_histogram(e, l, labels(l, op), &b);
}

/* Each sample has the path of the mount, so a long path makes a large file. */
static void mark(struct expo *e)
{
	static bool said;
	bool cut = expo_cut(e, LIMIT);

	e->limit = LIMIT;
	metrics_family(e, "vexfs_mount_metrics_incomplete", EXPO_GAUGE,
		       "1 when metrics are left out, because the file would be too large");
	metrics_number(e, NULL, cut);
	if (cut && !said)
		mount_say("%s would be larger than %u KiB: some metrics are left out", opt->metrics,
			  LIMIT >> 10);
	said = cut;
}

static void write_file(void)
{
	static bool complained;
	struct outfile o;
	struct timespec t;
	struct expo e;
	int err;

	clock_gettime(CLOCK_REALTIME, &t);
	expo_begin(&e, EXPO_PROMETHEUS, LIMIT - MARK_BYTES);
	metrics_family(&e, "vexfs_mount_written_timestamp_seconds", EXPO_GAUGE,
		       "when the daemon wrote these metrics: old when it does not run");
	metrics_number(&e, NULL, (uint64_t)t.tv_sec);
	/* Those of requests are the most: when something is left out, it is among them. */
	if (more)
		more(&e);
	serve_metrics(&e);
	mark(&e);
	err = expo_end(&e);
	if (!err && outfile_write(&o, opt->metrics, e.text, e.len)) {
		err = -o.error;
		if (!complained)
			mount_say("%s", o.why);
	}
	complained = err != 0;
	expo_free(&e);
}

static void *writer_main(void *arg)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (!stopping) {
		pthread_mutex_unlock(&lock);
		write_file();
		pthread_mutex_lock(&lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += WRITE_S;
		while (!stopping && !pthread_cond_clockwait(&cond, &lock, CLOCK_MONOTONIC, &until))
			;
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

int metrics_start(void (*kind)(struct expo *e))
{
	int err;

	if (!opt->metrics)
		return 0;
	more = kind;
	err = pthread_create(&writer, NULL, writer_main, NULL);
	if (err)
		mount_say("cannot start a thread: %s", strerror(err));
	started = !err;
	return err ? -1 : 0;
}

void metrics_stop(void)
{
	if (!started)
		return;
	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	pthread_join(writer, NULL);
}
