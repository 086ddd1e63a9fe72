// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "metrics.h"
#include "names.h"
#include "vexfs.h"

/* A metric family of one sample without labels. */
static void one(struct expo *e, const char *name, enum expo_kind kind, const char *unit,
		const char *help, double v)
{
	expo_family(e, name, kind, unit, help);
	expo_double(e, NULL, 0, v);
}

/* ---- the table of counters ---- */

static const char *class_of(const struct snapshot *a, const char *op)
{
	for (size_t i = 0; i < a->latencies; i++)
		if (!strcmp(a->latency[i].op, op))
			return a->latency[i].class;
	return NULL;
}

/*
 * Where row @r has a counter. Rows of one subject have the same ones in the same order, so *@at
 * is right from the second row on.
 */
static bool row_at(const struct row *r, const char *name, unsigned int *at)
{
	if (*at < r->n && !strcmp(r->counter[*at].name, name))
		return true;
	for (*at = 0; *at < r->n; ++*at)
		if (!strcmp(r->counter[*at].name, name))
			return true;
	return false;
}

static void one_counter(struct expo *e, const struct snapshot *a, const struct counter_doc *f,
		       const struct metric_name *m)
{
	const char *label = metric_label(f->subject);
	bool op = !strcmp(f->subject, "op");
	unsigned int at = 0;
	uint64_t v;

	expo_family(e, m->name, m->kind, m->unit, f->doc);
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct row *r = &a->rows.row[i];
		struct expo_label l[2] = { { label, label ? r->name : NULL } };

		if (strcmp(r->subject, f->subject) || !row_at(r, f->name, &at))
			continue;
		if (op)
			l[1] = (struct expo_label){ "class", class_of(a, r->name) };
		v = r->counter[at].value;
		expo_fixed(e, l, 2, v * m->times, m->places);
	}
}

static void table(struct expo *e, const struct snapshot *a)
{
	for (size_t i = 0; i < a->docs->n; i++) {
		const struct counter_doc *f = &a->docs->doc[i];
		struct metric_name m;

		if (metric_name(f, &m))
			one_counter(e, a, f, &m);
	}
}

/* Only errors that have happened: hundreds never do. */
static void errors(struct expo *e, const struct snapshot *a)
{
	expo_family(e, "vexfs_op_errors", EXPO_COUNTER, NULL,
		    "ops that ended with an error, by errno; errors that never happened are left out");
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct row *r = &a->rows.row[i];

		if (strcmp(r->subject, "errors"))
			continue;
		for (unsigned int k = 0; k < r->n; k++) {
			struct expo_label l[3] = {
				{ "op", r->name }, { "class", class_of(a, r->name) },
				{ "errno", r->counter[k].name },
			};

			if (r->counter[k].value)
				expo_u64(e, l, 3, r->counter[k].value);
		}
	}
}

/* ---- histograms ---- */

/*
 * Whole octaves, from 1 us to 17 s. Each edge is one of the module's own, so each op is
 * in the right bucket.
 */
#define FIRST_OCTAVE	4u
#define EDGES		25u
_Static_assert(EDGES <= EXPO_EDGES, "edges of one histogram");

static void latencies(struct expo *e, const struct snapshot *a)
{
	struct expo_edges edges;
	double le[EDGES];

	for (unsigned int i = 0; i < EDGES; i++)
		le[i] = (double)latency_edge(4 * (FIRST_OCTAVE + i) + 3) * 1e-9;
	expo_edges(&edges, le, EDGES);
	expo_family(e, "vexfs_op_duration_seconds", EXPO_HISTOGRAM, "seconds",
		    "how long ops took in the kernel; edges are powers of two of a nanosecond");
	for (size_t k = 0; k < a->latencies; k++) {
		const struct latency *l = &a->latency[k];
		struct expo_label label[2] = { { "op", l->op }, { "class", l->class } };
		uint64_t count[EDGES] = { 0 };
		struct expo_buckets b = { &edges, count, 0, (double)l->sum_ns * 1e-9 };

		for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
			unsigned int octave = i / 4;

			b.total += l->bucket[i];
			if (octave <= FIRST_OCTAVE)
				count[0] += l->bucket[i];
			else if (octave < FIRST_OCTAVE + EDGES)
				count[octave - FIRST_OCTAVE] += l->bucket[i];
		}
		expo_histogram(e, label, 2, &b);
	}
}

/* ---- collections ---- */

#define REST	"@rest"		/* a name that no collection can have */

static const struct of_collection {
	const char *name;
	enum expo_kind kind;
	const char *unit;
	const char *op;		/* label; rows of one name stand together */
	bool counts_ops;
	const char *help;
	size_t at;
} of_collection[] = {
#define GAUGE(name, unit, help, member)							\
	{ name, EXPO_GAUGE, unit, NULL, false, help, offsetof(struct collection, member) }
#define COUNTER(name, op, help, i)							\
	{ name, EXPO_COUNTER, NULL, op, (i) != COLLECTION_CHANGES, help,		\
	  offsetof(struct collection, counter[i]) }
	GAUGE("vexfs_collection_vectors", NULL, "vectors in the collection", vectors),
	GAUGE("vexfs_collection_bytes", "bytes", "memory that the collection holds", bytes),
	COUNTER("vexfs_collection_changes", NULL, "changes of the collection, its sequence number",
		COLLECTION_CHANGES),
	GAUGE("vexfs_collection_graph_vectors", NULL, "vectors in the collection's graph",
	      index_done),
	GAUGE("vexfs_collection_graph_bytes", "bytes", "memory of the collection's graph",
	      index_bytes),
#define OPS		"vexfs_collection_ops"
#define OPS_DOC		"ops on the collection that have ended, errors included"
	COUNTER(OPS, "search", OPS_DOC, COLLECTION_SEARCHES),
	COUNTER(OPS, "read", OPS_DOC, COLLECTION_READS),
	COUNTER(OPS, "put", OPS_DOC, COLLECTION_PUTS),
	COUNTER(OPS, "delete", OPS_DOC, COLLECTION_DELETES),
	COUNTER(OPS, "other", OPS_DOC, COLLECTION_OTHERS),
	COUNTER("vexfs_collection_op_errors", NULL, "ops on the collection that failed",
		COLLECTION_ERRORS),
};

static uint64_t value_of(const struct collection *c, size_t at)
{
	return *(const uint64_t *)((const char *)c + at);
}

/* Names in our own user namespace are unique without the namespace. */
static uint32_t own_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) ? 0 : (uint32_t)st.st_ino;
}

static void one_of_collections(struct expo *e, const struct snapshot *a,
			       const struct of_collection *f, uint32_t own)
{
	char ns[16];

	for (size_t i = 0; i < a->collections; i++) {
		const struct collection *c = &a->collection[i];
		struct expo_label l[3] = {
			{ "collection", c->name }, { "user_ns", NULL }, { "op", f->op },
		};

		if (c->user_ns != own) {
			snprintf(ns, sizeof(ns), "%" PRIu32, c->user_ns);
			l[1].value = ns;
		}
		expo_u64(e, l, 3, value_of(c, f->at));
	}
	expo_u64(e, (struct expo_label[]){ { "collection", REST }, { "op", f->op } }, 2,
		 value_of(&a->rest, f->at));
}

static void collections(struct expo *e, const struct snapshot *a)
{
	uint32_t own = own_namespace();
	const char *family = "";

	if (!a->may_all)
		return;
	for (size_t k = 0; k < sizeof(of_collection) / sizeof(of_collection[0]); k++) {
		const struct of_collection *f = &of_collection[k];

		/* A module that is older than this program does not count ops. */
		if (f->counts_ops && a->collections && !a->counts_ops)
			continue;
		if (strcmp(f->name, family))
			expo_family(e, f->name, f->kind, f->unit, f->help);
		family = f->name;
		one_of_collections(e, a, f, own);
	}
	one(e, "vexfs_collections_labelled", EXPO_GAUGE, NULL,
	    "collections with series of their own, the busiest", (double)a->collections);
	one(e, "vexfs_collections_unlabelled", EXPO_GAUGE, NULL,
	    "collections that are summed up as " REST, (double)a->unlabelled);
}

/* ---- names that scripts were promised ---- */

static uint64_t value_in(const struct snapshot *a, const char *subject, const char *row,
			  const char *name)
{
	return row_value(rows_find(&a->rows, subject, row), name);
}

#define COMPAT	"compatibility name: "

static void compat_rates(struct expo *e, const struct snapshot *a)
{
	static const char *const classes[] = { "fuse", "vector", "semantic" };

	for (unsigned int i = 0; i < 3; i++) {
		char name[48], help[160];

		snprintf(name, sizeof(name), "vexfs_%s_ops_per_sec", classes[i]);
		snprintf(help, sizeof(help),
			 COMPAT "ops of class %s a second over the last 10 s; "
			 "rate(vexfs_ops_total{class=\"%s\"}[1m]) is more precise", classes[i],
			 classes[i]);
		one(e, name, EXPO_GAUGE, NULL, help,
		    (double)value_in(a, "class", classes[i], "rate_10s") * 1e-3);
	}
}

static void compat_pools(struct expo *e, const struct snapshot *a)
{
	static const char *const tiers[] = { "small", "medium", "large" };
	uint64_t used = 0, size = 0;

	one(e, "vexfs_memory_pool_hit_rate", EXPO_GAUGE, NULL,
	    COMPAT "requests that the pools served without the slab allocator, 0 to 1",
	    a->hit_rate);
	for (unsigned int i = 0; i < 3; i++) {
		char name[48], help[160];

		snprintf(name, sizeof(name), "vexfs_%s_pool_utilization", tiers[i]);
		snprintf(help, sizeof(help), COMPAT "vexfs_pool_use_ratio{pool=\"%s\"}", tiers[i]);
		one(e, name, EXPO_GAUGE, NULL, help,
		    (double)value_in(a, "pool", tiers[i], "use_ppm") * 1e-6);
		used += value_in(a, "pool", tiers[i], "in_use");
		size += value_in(a, "pool", tiers[i], "size");
	}
	one(e, "vexfs_memory_pool_utilization", EXPO_GAUGE, NULL,
	    COMPAT "buffers in use, of all that the pools keep", size ? (double)used / (double)size : 0);
}

static void compat_switches(struct expo *e, const struct snapshot *a)
{
	bool simd = *a->simd && strcmp(a->simd, "scalar");

	one(e, "vexfs_memory_pools_enabled", EXPO_GAUGE, NULL,
	    COMPAT "1 while the setting pool_enabled is on", a->pools_enabled);
	one(e, "vexfs_simd_enabled", EXPO_GAUGE, NULL,
	    COMPAT "1 while the arithmetic uses a vector instruction set", simd);
	one(e, "vexfs_simd_acceleration_enabled", EXPO_GAUGE, NULL,
	    COMPAT "vexfs_simd_enabled", simd);
	one(e, "vexfs_stack_optimization_enabled", EXPO_GAUGE, NULL,
	    COMPAT "1 while the setting stack_optimize is on", a->stack_optimize);
	one(e, "vexfs_bridge_optimization_enabled", EXPO_GAUGE, NULL,
	    COMPAT "1 while searches that wait together share their work (bridge_coalesce)",
	    a->bridge_coalesce);
}

/* ---- all of it ---- */

static void module(struct expo *e, const struct snapshot *a)
{
	struct expo_label l[3] = {
		{ "version", a->version }, { "kernel", a->kernel }, { "simd", a->simd },
	};

	expo_family(e, "vexfs_build", EXPO_INFO, NULL, "the module that is loaded; always 1");
	expo_u64(e, l, 3, 1);
	one(e, "vexfs_uptime_seconds", EXPO_GAUGE, "seconds", "time since the module was loaded",
	    (double)a->uptime_ns * 1e-9);
	one(e, "vexfs_attention", EXPO_GAUGE, NULL,
	    "problems that vexctl status reports", a->complaints);
}

static double self_cpu(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6;
}

static double self_rss(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (f) {
		if (fscanf(f, "%*s %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* About this response, and the exporter. */
static void about(struct expo *e, const struct snapshot *a, bool stale)
{
	expo_family(e, "vexfs_exporter_build", EXPO_INFO, NULL, "the exporter; always 1");
	expo_u64(e, &(struct expo_label){ "version", VEXFS_VERSION }, 1, 1);
	one(e, "vexfs_scrape_stale", EXPO_GAUGE, NULL,
	    "1 when the module did not answer in time and the values are from an earlier "
	    "reading", stale);
	if (a) {
		one(e, "vexfs_scrape_duration_seconds", EXPO_GAUGE, "seconds",
		    "how long reading the module took", (double)a->took_ns * 1e-9);
		one(e, "vexfs_scrape_age_seconds", EXPO_GAUGE, "seconds",
		    "how long ago the module was read",
		    (double)(clock_ns() - a->began_ns) * 1e-9);
	}
	one(e, "process_cpu_seconds", EXPO_COUNTER, "seconds",
	    "processor time that the exporter has used", self_cpu());
	one(e, "process_resident_memory_bytes", EXPO_GAUGE, "bytes", "memory of the exporter",
	    self_rss());
}

int metrics_write(struct expo *e, const struct snapshot *a, const struct metrics *how)
{
	bool up = a && a->up;

	expo_begin(e, how->format, METRICS_LIMIT);
	one(e, "vexfs_up", EXPO_GAUGE, NULL, "1 when the module is loaded and answers", up);
	if (up) {
		module(e, a);
		table(e, a);
		errors(e, a);
		latencies(e, a);
		collections(e, a);
		if (how->compat) {
			compat_rates(e, a);
			compat_pools(e, a);
			compat_switches(e, a);
		}
	}
	about(e, a, how->stale);
	return expo_end(e);
}
