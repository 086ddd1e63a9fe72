// SPDX-License-Identifier: GPL-2.0
/*
 * A file of metrics for node_exporter's textfile collector, or for whoever reads it.
 * It shows totals only, since names of collections are not everybody's to see.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <time.h>

#include "exposition.h"
#include "outfile.h"
#include "vexfsd.h"

#define LIMIT		65536u	/* bytes of the file */
#define FIRST_EDGE_NS	100000ull
_Static_assert(FLUSH_EDGES <= EXPO_EDGES, "edges of one histogram");

void metrics_flushed(struct daemon *d, uint64_t ns)
{
	struct counters *c = &d->counters;

	c->flushes++;
	c->flush_ns += ns;
	for (unsigned int i = 0; i < FLUSH_EDGES; i++) {
		if (ns <= FIRST_EDGE_NS << i) {
			c->flush[i]++;
			break;
		}
	}
}

static void gauge(struct expo *e, const char *name, const char *unit, const char *help, double v)
{
	expo_family(e, name, EXPO_GAUGE, unit, help);
	expo_double(e, NULL, 0, v);
}

static void counter(struct expo *e, const char *name, const char *help, uint64_t v)
{
	expo_family(e, name, EXPO_COUNTER, NULL, help);
	expo_u64(e, NULL, 0, v);
}

static void flushes(struct expo *e, struct counters *c)
{
	double le[FLUSH_EDGES];
	uint64_t count[FLUSH_EDGES];
	struct expo_edges edges;
	struct expo_buckets b = { &edges, count, c->flushes, (double)c->flush_ns * 1e-9 };
	uint64_t below = 0;

	for (unsigned int i = 0; i < FLUSH_EDGES; i++) {
		le[i] = (double)(FIRST_EDGE_NS << i) * 1e-9;
		count[i] = c->flush[i];
		below += count[i];
	}
	/* one that ends meanwhile is in a bucket and not in the total, or the reverse */
	if (b.total < below)
		b.total = below;
	expo_edges(&edges, le, FLUSH_EDGES);
	expo_family(e, "vexfsd_flush_duration_seconds", EXPO_HISTOGRAM, "seconds",
		    "how long flushes of the store took");
	expo_histogram(e, NULL, 0, &b);
}

/* What the kernel knows of all durable collections. */
struct sum {
	uint64_t durable;
	uint64_t readonly;
	uint64_t behind;
};

static int add(void *arg, const struct vexfs_stat *st)
{
	struct sum *s = arg;

	if (st->durability == VEXFS_DURABILITY_NONE)
		return 0;
	s->durable++;
	s->readonly += !!(st->flags & VEXFS_STAT_READONLY);
	s->behind += st->seq > st->durable ? st->seq - st->durable : 0;
	return 0;
}

static void from_kernel(struct expo *e, struct daemon *d)
{
	struct sum s = { 0 };
	int ret = d->storage >= 0 ? kernel_list(d->storage, VEXFS_LIST_ALL, add, &s) : -1;

	gauge(e, "vexfsd_attached", NULL, "1 while it stores for the module", !ret);
	if (ret)
		return;
	gauge(e, "vexfsd_durable_collections", NULL, "durable collections of the module",
	      (double)s.durable);
	gauge(e, "vexfsd_readonly_collections", NULL, "durable collections that refuse changes",
	      (double)s.readonly);
	gauge(e, "vexfsd_unflushed_changes", NULL, "changes that are not on stable storage",
	      (double)s.behind);
}

static void collections(struct expo *e, struct daemon *d)
{
	static const char *const states[] = {
		"waiting", "restoring", "storing", "failed", "kept", "conflict",
	};
	uint64_t n[sizeof(states) / sizeof(states[0])] = { 0 }, bytes = 0;

	pthread_mutex_lock(&d->lock);
	for (struct coll *k = d->colls; k; k = k->next) {
		n[k->state]++;
		bytes += k->bytes;
	}
	pthread_mutex_unlock(&d->lock);
	expo_family(e, "vexfsd_collections", EXPO_GAUGE, NULL, "collections of the store by state");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		expo_u64(e, &(struct expo_label){ "state", states[i] }, 1, n[i]);
	gauge(e, "vexfsd_store_bytes", "bytes", "bytes that collections take in the store",
	      (double)bytes);
}

static void disk(struct expo *e, struct daemon *d)
{
	struct statvfs fs;

	if (statvfs(d->opts.store, &fs))
		return;
	gauge(e, "vexfsd_disk_bytes", "bytes", "size of the store's file system",
	      (double)fs.f_blocks * (double)fs.f_frsize);
	gauge(e, "vexfsd_disk_free_bytes", "bytes", "free space of the store's file system",
	      (double)fs.f_bavail * (double)fs.f_frsize);
}

static int text(struct daemon *d, struct expo *e)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	expo_begin(e, EXPO_PROMETHEUS, LIMIT);
	gauge(e, "vexfsd_written_timestamp_seconds", "seconds",
	      "when the daemon wrote these metrics: old when it does not run", (double)t.tv_sec);
	from_kernel(e, d);
	collections(e, d);
	counter(e, "vexfsd_changes", "changes on stable storage", d->counters.changes);
	counter(e, "vexfsd_failures", "errors of storage, retries included", d->counters.failures);
	flushes(e, &d->counters);
	disk(e, d);
	return expo_end(e);
}

void metrics_write(struct daemon *d)
{
	static struct timespec last;
	static bool complained;
	struct timespec now;
	struct outfile o;
	struct expo e;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (last.tv_sec && (now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000 <
			   METRICS_MS)
		return;
	last = now;
	ret = text(d, &e);
	if (!ret && outfile_write(&o, d->opts.metrics, e.text, e.len)) {
		ret = -o.error;
		if (!complained)
			say(LOG_WARNING, "%s: %s", d->opts.metrics, o.why);
		complained = true;
	}
	complained &= !!ret;
	expo_free(&e);
}
