// SPDX-License-Identifier: GPL-2.0
/* The metrics that operators look at first. */
#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct metric metrics[METRICS] = {
	[M_FUSE_OPS] = { "fuse_ops", "ops/s", METRIC_THROUGHPUT, 1e-3, "ops of the mount" },
	[M_VECTOR_OPS] = { "vector_ops", "ops/s", METRIC_THROUGHPUT, 1e-3, "vector ops" },
	[M_SEMANTIC_OPS] = { "semantic_ops", "ops/s", METRIC_THROUGHPUT, 1e-3, "semantic ops" },
	[M_CONTROL_OPS] = { "control_ops", "ops/s", METRIC_STATE, 1e-3, "ops that make, drop and look" },
	[M_FUSE_TIME] = { "fuse_time", "us", METRIC_TIME, 1e-3, "mean time of an op of the mount" },
	[M_VECTOR_TIME] = { "vector_time", "us", METRIC_TIME, 1e-3, "mean time of a vector op" },
	[M_SEMANTIC_TIME] = { "semantic_time", "us", METRIC_TIME, 1e-3, "mean time of a semantic op" },
	[M_ERROR_RATE] = { "error_rate", "share", METRIC_ERRORS, 1e-6, "ops that ended with an error" },
	[M_POOL_HIT_RATE] = { "pool_hit_rate", "share", METRIC_HITS, 1e-6,
			      "requests that the pools served" },
	[M_SMALL_USE] = { "small_pool_utilization", "share", METRIC_RESOURCE, 1e-6,
			  "buffers of 1 KiB in use" },
	[M_MEDIUM_USE] = { "medium_pool_utilization", "share", METRIC_RESOURCE, 1e-6,
			   "buffers of 4 KiB in use" },
	[M_LARGE_USE] = { "large_pool_utilization", "share", METRIC_RESOURCE, 1e-6,
			  "buffers of 16 KiB in use" },
	[M_POOL_FAILURES] = { "pool_failures", "1/s", METRIC_ERRORS, 1e-3,
			      "requests to the pools that got nothing" },
	[M_STACK_VIOLATIONS] = { "stack_violations", "1/s", METRIC_ERRORS, 1e-3,
				 "ops deeper than the stack limit" },
	[M_STACK_DEEPEST] = { "stack_deepest", "bytes", METRIC_STATE, 1, "deepest stack of an op" },
	[M_MEMORY] = { "memory", "bytes", METRIC_MEMORY, 1, "memory of collections and pools" },
	[M_VECTORS] = { "vectors", "vectors", METRIC_STATE, 1, "vectors stored" },
	[M_COLLECTIONS] = { "collections", "collections", METRIC_STATE, 1, "number of collections" },
	[M_FPU_SHARE] = { "fpu_share", "CPUs", METRIC_RESOURCE, 1e-6, "processors in FPU sections" },
	[M_SIMD] = { "simd_enabled", "flag", METRIC_STATE, 1, "the arithmetic runs on SIMD" },
	[M_POOLS] = { "memory_pools_enabled", "flag", METRIC_STATE, 1, "pools keep buffers" },
	[M_STACK_OPT] = { "stack_optimization_enabled", "flag", METRIC_STATE, 1,
			  "scratch heeds its thresholds" },
	[M_CPU_BUSY] = { "cpu_busy", "share", METRIC_RESOURCE, 1e-4, "processor time in use" },
	[M_CPU_STEAL] = { "cpu_steal", "share", METRIC_RESOURCE, 1e-4,
			  "processor time that the hypervisor took" },
	[M_LOAD] = { "load", "tasks", METRIC_RESOURCE, 1e-2, "load of the last minute" },
	[M_MEM_AVAILABLE] = { "mem_available", "bytes", METRIC_RESOURCE, 1048576, "memory available" },
	[M_SWAP_USED] = { "swap_used", "bytes", METRIC_RESOURCE, 1048576, "swap in use" },
	[M_PSI_CPU] = { "psi_cpu", "share", METRIC_RESOURCE, 1e-4, "time that tasks waited for a CPU" },
	[M_PSI_MEM] = { "psi_mem", "share", METRIC_RESOURCE, 1e-4, "time that tasks waited for memory" },
	[M_PSI_MEM_FULL] = { "psi_mem_full", "share", METRIC_RESOURCE, 1e-4,
			     "time that all tasks waited for memory" },
	[M_PSI_IO] = { "psi_io", "share", METRIC_RESOURCE, 1e-4, "time that tasks waited for disks" },
	[M_PSI_IO_FULL] = { "psi_io_full", "share", METRIC_RESOURCE, 1e-4,
			    "time that all tasks waited for disks" },
	[M_DISK_BUSY] = { "disk_busy", "share", METRIC_RESOURCE, 1e-4, "the busiest disk was at work" },
	[M_DISK_READ] = { "disk_read", "bytes/s", METRIC_RESOURCE, 1024, "read from disks" },
	[M_DISK_WRITTEN] = { "disk_written", "bytes/s", METRIC_RESOURCE, 1024, "written to disks" },
	[M_NET_RX] = { "net_rx", "bytes/s", METRIC_RESOURCE, 1024, "received" },
	[M_NET_TX] = { "net_tx", "bytes/s", METRIC_RESOURCE, 1024, "sent" },
	[M_NET_ERRORS] = { "net_errors", "1/s", METRIC_RESOURCE, 1e-3, "network errors and drops" },
};

int metric_find(const char *name)
{
	size_t len;

	if (!strncmp(name, "vexfs_", 6))
		name += 6;
	len = strlen(name);
	if (len > 8 && !strcmp(name + len - 8, "_per_sec"))
		len -= 8;
	for (int i = 0; i < METRICS; i++)
		if (strlen(metrics[i].name) == len && !strncmp(metrics[i].name, name, len))
			return i;
	return -1;
}

bool metric_more_is_better(int id)
{
	return metrics[id].sort == METRIC_THROUGHPUT || metrics[id].sort == METRIC_HITS ||
	       id == M_MEM_AVAILABLE;
}

int look_take(struct wire *w, const char *root, struct look *l)
{
	int err = 0;

	l->loaded = false;
	l->rows.n = 0;
	if (w)
		err = rows_read(w, NULL, &l->rows);
	l->loaded = w && !err;
	host_read(l->files, root, &l->host);
	l->mono_ns = l->host.mono_ns;
	return err;
}

void look_free(struct look *l)
{
	rows_free(&l->rows);
}

/* Increase of a counter; NAN when a sample lacks it or it decreased. */
static double grew(const struct look *a, const struct look *b, const char *subject, const char *row,
		   const char *counter)
{
	const struct row *x = a ? rows_find(&a->rows, subject, row) : NULL;
	const struct row *y = rows_find(&b->rows, subject, row);
	uint64_t u, v;

	if (!x || !y || !row_has(x, counter) || !row_has(y, counter))
		return NAN;
	u = row_value(x, counter);
	v = row_value(y, counter);
	return v >= u ? (double)(v - u) : NAN;
}

static double now_is(const struct look *l, const char *subject, const char *row,
		     const char *counter)
{
	const struct row *r = rows_find(&l->rows, subject, row);

	return r && row_has(r, counter) ? (double)row_value(r, counter) : NAN;
}

static void classes(const struct look *a, const struct look *b, double s, double v[METRICS])
{
	static const struct {
		const char *name;
		int ops;
		int time;
	} kinds[] = {
		{ "fuse", M_FUSE_OPS, M_FUSE_TIME }, { "vector", M_VECTOR_OPS, M_VECTOR_TIME },
		{ "semantic", M_SEMANTIC_OPS, M_SEMANTIC_TIME }, { "control", M_CONTROL_OPS, -1 },
	};
	double count = 0, errors = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double n = grew(a, b, "class", kinds[i].name, "count");
		double ns = grew(a, b, "class", kinds[i].name, "ns");
		double bad = grew(a, b, "class", kinds[i].name, "errors");

		v[kinds[i].ops] = n / s;
		/* Without a previous sample: the module's rates over the last ten seconds. */
		if (!a)
			v[kinds[i].ops] = now_is(b, "class", kinds[i].name, "rate_10s") / 1000;
		if (kinds[i].time >= 0)
			v[kinds[i].time] = a ? (n > 0 ? ns / n / 1e3 : NAN) :
				now_is(b, "class", kinds[i].name, "count") > 0 ?
				now_is(b, "class", kinds[i].name, "mean_ns") / 1e3 : NAN;
		if (!isnan(n) && !isnan(bad)) {
			count += n;
			errors += bad;
		}
	}
	v[M_ERROR_RATE] = count > 0 ? errors / count : NAN;
}

static void pools(const struct look *a, const struct look *b, double s, double v[METRICS])
{
	static const struct {
		const char *name;
		int use;
	} tiers[] = {
		{ "small", M_SMALL_USE }, { "medium", M_MEDIUM_USE }, { "large", M_LARGE_USE },
	};
	double hits = 0, all = 0, failures = 0, size = 0;

	for (size_t i = 0; i < 3; i++) {
		v[tiers[i].use] = now_is(b, "pool", tiers[i].name, "use_ppm") / 1e6;
		size += now_is(b, "pool", tiers[i].name, "size");
		hits += a ? grew(a, b, "pool", tiers[i].name, "hits") :
			    now_is(b, "pool", tiers[i].name, "hits");
		all += a ? grew(a, b, "pool", tiers[i].name, "allocs") :
			   now_is(b, "pool", tiers[i].name, "allocs");
		failures += grew(a, b, "pool", tiers[i].name, "failures");
	}
	v[M_POOL_HIT_RATE] = all > 0 ? hits / all : NAN;
	v[M_POOL_FAILURES] = failures / s;
	v[M_POOLS] = isnan(size) ? NAN : size > 0;
}

static double held_bytes(const struct look *l)
{
	double sum = 0;

	for (size_t i = 0; i < l->rows.n; i++)
		if (!strcmp(l->rows.row[i].subject, "pool"))
			sum += (double)row_value(&l->rows.row[i], "held_bytes");
	return sum;
}

static void machine(const struct look *a, const struct look *b, double v[METRICS])
{
	struct host_rates r;

	v[M_LOAD] = b->host.load1;
	v[M_MEM_AVAILABLE] = b->host.mem_available;
	v[M_SWAP_USED] = b->host.swap_total - b->host.swap_free;
	if (!a)
		return;
	host_between(&a->host, &b->host, &r);
	v[M_CPU_BUSY] = r.cpu_busy;
	v[M_CPU_STEAL] = r.cpu_steal;
	for (int i = 0; i < PSI_KINDS; i++)
		v[M_PSI_CPU + i] = r.psi[i];
	v[M_DISK_BUSY] = r.disk_busy;
	v[M_DISK_READ] = r.disk_read;
	v[M_DISK_WRITTEN] = r.disk_written;
	v[M_NET_RX] = r.net_rx;
	v[M_NET_TX] = r.net_tx;
	v[M_NET_ERRORS] = r.net_errors;
}

void metrics_between(const struct look *a, const struct look *b, double v[METRICS])
{
	double s = a ? (double)(b->mono_ns - a->mono_ns) / 1e9 : NAN;
	const struct row *simd;

	for (int i = 0; i < METRICS; i++)
		v[i] = NAN;
	machine(a, b, v);
	if (!b->loaded)
		return;
	if (a && !a->loaded)
		a = NULL;
	classes(a, b, s, v);
	pools(a, b, s, v);
	v[M_STACK_VIOLATIONS] = grew(a, b, "stack", NULL, "violations") / s;
	v[M_STACK_DEEPEST] = now_is(b, "stack", NULL, "deepest");
	v[M_MEMORY] = now_is(b, "store", NULL, "bytes") + held_bytes(b);
	v[M_VECTORS] = now_is(b, "store", NULL, "vectors");
	v[M_COLLECTIONS] = now_is(b, "store", NULL, "collections");
	v[M_FPU_SHARE] = grew(a, b, "fpu", NULL, "ns") / s / 1e9;
	simd = rows_find(&b->rows, "simd", "scalar");
	if (simd && row_has(simd, "in_use"))
		v[M_SIMD] = !row_value(simd, "in_use");
}

bool counter_is_derived(const char *c)
{
	return !strncmp(c, "rate_", 5) || !strcmp(c, "mean_ns");
}

bool counter_is_level(const char *subject, const char *c)
{
	static const char *const levels[] = {
		"size", "held", "in_use", "high_water", "held_bytes", "reserve", "deepest", "limit",
		"alarm", "stack_max", "usable", "failed", "collections", "vectors",
	};
	size_t len = strlen(c);

	if (!strcmp(subject, "store") && !strcmp(c, "bytes"))
		return true;
	if (len > 4 && !strcmp(c + len - 4, "_ppm"))
		return true;
	if (len > 3 && !strcmp(c + len - 3, "_ns") && strcmp(c, "ns"))
		return true;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(c, levels[i]))
			return true;
	return false;
}
