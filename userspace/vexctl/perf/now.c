// SPDX-License-Identifier: GPL-2.0
/* Current metrics, once or repeatedly, and a live view. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "perf.h"
#include "term.h"
#include "wire.h"

/* Default interval for metrics that need two samples. */
#define GLANCE_MS	1000

static double figure(const struct look *l, const char *subject, const char *row, const char *counter)
{
	const struct row *r = rows_find(&l->rows, subject, row);

	return r && row_has(r, counter) ? (double)row_value(r, counter) : NAN;
}

/* Sums over all classes, under the names of the ExecutorCore guide. */
static void compat_json(struct json *j, const struct look *l, const double v[METRICS],
			const double peak_mb)
{
	static const char *const classes[] = { "fuse", "vector", "semantic" };
	double count = 0, ns = 0, errors = 0, p95 = NAN, p99 = NAN, ops = 0;

	for (size_t i = 0; i < 3; i++) {
		double n = figure(l, "class", classes[i], "count");

		if (!(n > 0))
			continue;
		count += n;
		ns += figure(l, "class", classes[i], "ns");
		errors += figure(l, "class", classes[i], "errors");
		p95 = fmax(p95, figure(l, "class", classes[i], "p95_ns"));
		p99 = fmax(p99, figure(l, "class", classes[i], "p99_ns"));
	}
	for (int i = M_FUSE_OPS; i <= M_SEMANTIC_OPS; i++)
		ops += isnan(v[i]) ? 0 : v[i];
	kv_number(j, "execution_time_ms", count > 0 ? ns / count / 1e6 : NAN);
	kv_number(j, "mean_execution_time_ms", count > 0 ? ns / count / 1e6 : NAN);
	kv_number(j, "p95_execution_time_ms", p95 / 1e6);
	kv_number(j, "p99_execution_time_ms", p99 / 1e6);
	kv_number(j, "throughput_ops_per_sec", ops);
	kv_number(j, "execution_throughput_ops_sec", ops);
	kv_number(j, "execution_success_rate", count > 0 ? 1 - errors / count : NAN);
	kv_number(j, "memory_usage_mb", v[M_MEMORY] / 1048576);
	kv_number(j, "current_memory_usage_mb", v[M_MEMORY] / 1048576);
	kv_number(j, "peak_memory_usage_mb", peak_mb);
	kv_number(j, "cache_hit_rate", v[M_POOL_HIT_RATE]);
	kv_number(j, "cache_miss_rate", 1 - v[M_POOL_HIT_RATE]);
}

/* A counter or level of all rows of a subject; 0 without the module. */
static double total(const struct look *l, const char *subject, const char *counter)
{
	double sum = 0;

	for (size_t i = 0; i < l->rows.n; i++)
		if (!strcmp(l->rows.row[i].subject, subject) && row_has(&l->rows.row[i], counter))
			sum += (double)row_value(&l->rows.row[i], counter);
	return sum;
}

static double memory_of(const struct look *l)
{
	return figure(l, "store", NULL, "bytes") + total(l, "pool", "held_bytes");
}

/* The longest mean of the bridges, in milliseconds. */
static double run_ms(const struct look *l)
{
	double most = NAN;

	for (size_t i = 0; i < l->rows.n; i++)
		if (!strcmp(l->rows.row[i].subject, "bridge") && row_has(&l->rows.row[i], "run_mean_ns"))
			most = fmax(most, (double)row_value(&l->rows.row[i], "run_mean_ns") / 1e6);
	return most;
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

/* More names of that guide, where the module has a source for them; @a is the sample before. */
static void compat_change_json(struct json *j, const struct look *a, const struct look *l,
			       const double v[METRICS], double seconds)
{
	double shrunk = total(l, "pool", "shrunk") - total(a, "pool", "shrunk");
	double held = total(l, "pool", "held"), running = total(l, "bridge", "running");
	char hung[32];

	kv_number(j, "memory_growth_rate_mb_sec", (memory_of(l) - memory_of(a)) / 1048576 / seconds);
	kv_number(j, "memory_efficiency_score", held > 0 ? total(l, "pool", "in_use") / held : NAN);
	kv_number(j, "gc_frequency_per_min", shrunk * 60 / seconds);
	kv_number(j, "concurrent_execution_time_ms", run_ms(l));
	kv_number(j, "active_threads", running);
	kv_number(j, "thread_pool_utilization", l->host.cpus > 0 ? fmin(1, running / l->host.cpus) : NAN);
	kv_number(j, "cache_size_mb", total(l, "pool", "held_bytes") / 1048576);
	kv_number(j, "cache_eviction_rate", shrunk / seconds);
	kv_number(j, "lock_contention_rate", ratio(total(l, "lock", "contended") - total(a, "lock", "contended"),
						   total(l, "lock", "acquired") - total(a, "lock", "acquired")));
	kv_number(j, "cpu_total_percent", 100 * v[M_CPU_BUSY]);
	kv_number(j, "deadlock_count", host_file("", "/proc/sys/kernel/hung_task_detect_count", hung,
						 sizeof(hung)) ? strtod(hung, NULL) : NAN);
}

/*
 * The "context" of that guide is what an op works in: the descriptor that is attached, and the
 * request that is copied in and answered. One op in 64 is timed. No cache holds descriptors, so
 * context_cache_hit_rate is null.
 */
static void context_json(struct json *j, const struct look *l)
{
	double timed = figure(l, "timed", NULL, "ops");

	kv_number(j, "context_creation_time_ms", figure(l, "op", "attach", "count") > 0 ?
		  figure(l, "op", "attach", "mean_ns") / 1e6 : NAN);
	kv_number(j, "context_copy_time_ms", ratio(figure(l, "timed", NULL, "in_ns") / 1e6, timed));
	kv_number(j, "context_serialization_time_ms",
		  ratio(figure(l, "timed", NULL, "out_ns") / 1e6, timed));
	kv_number(j, "context_size_bytes", ratio(total(l, "class", "bytes_in"), total(l, "class", "count")));
	kv_number(j, "context_cache_hit_rate", NAN);
	kv_number(j, "cache_lookup_time_ms", ratio(figure(l, "timed", NULL, "buffer_ns") / 1e6,
						   figure(l, "timed", NULL, "buffers")));
}

static void promised_json(struct json *j, const struct look *l, const double v[METRICS])
{
	double violations = figure(l, "stack", NULL, "violations");

	kv_number(j, "vexfs_fuse_ops_per_sec", v[M_FUSE_OPS]);
	kv_number(j, "vexfs_vector_ops_per_sec", v[M_VECTOR_OPS]);
	kv_number(j, "vexfs_semantic_ops_per_sec", v[M_SEMANTIC_OPS]);
	kv_number(j, "vexfs_memory_pool_hit_rate", v[M_POOL_HIT_RATE]);
	kv_number(j, "vexfs_small_pool_utilization", v[M_SMALL_USE]);
	kv_number(j, "vexfs_medium_pool_utilization", v[M_MEDIUM_USE]);
	kv_number(j, "vexfs_large_pool_utilization", v[M_LARGE_USE]);
	kv_number(j, "vexfs_memory_pools_enabled", v[M_POOLS]);
	kv_number(j, "vexfs_simd_enabled", v[M_SIMD]);
	kv_number(j, "vexfs_simd_acceleration_enabled", v[M_SIMD]);
	kv_number(j, "vexfs_stack_optimization_enabled", v[M_STACK_OPT]);
	kv_number(j, "vexfs_stack_violations_total", violations);
}

/**
 * struct cores - ticks of the processors, at the sample before and now
 * @core: lists by number
 * @n: their lengths
 */
struct cores {
	struct host_core *core[2];
	size_t n[2];
};

static void cores_take(struct cores *c)
{
	free(c->core[0]);
	c->core[0] = c->core[1];
	c->n[0] = c->n[1];
	c->core[1] = host_cores("", &c->n[1]);
}

static void cores_free(struct cores *c)
{
	free(c->core[0]);
	free(c->core[1]);
}

/* Those that are online now; null for one that was not at the sample before. */
static void cores_json(struct json *j, const struct cores *c)
{
	size_t o = 0;

	json_key(j, "cpu_per_core");
	json_array_begin(j);
	for (size_t i = 0; i < c->n[1]; i++) {
		const struct host_core *now = &c->core[1][i], *was;

		while (o < c->n[0] && c->core[0][o].id < now->id)
			o++;
		was = o < c->n[0] && c->core[0][o].id == now->id ? &c->core[0][o] : NULL;
		json_double(j, was ? 100 * (1 - ratio(now->idle - was->idle, now->total - was->total)) : NAN);
	}
	json_array_end(j);
}

static void system_json(struct json *j, const struct look *l)
{
	const struct host *h = &l->host;
	struct utsname u;

	json_key(j, "system_info");
	json_object_begin(j);
	if (!uname(&u)) {
		json_kv_string(j, "hostname", u.nodename);
		json_kv_string(j, "kernel", u.release);
		json_kv_string(j, "machine", u.machine);
	}
	json_kv_i64(j, "cpu_count", h->cpus);
	kv_number(j, "load_average", h->load1);
	kv_number(j, "memory_total_gb", h->mem_total / 1073741824);
	kv_number(j, "memory_available_gb", h->mem_available / 1073741824);
	kv_number(j, "memory_used_gb", (h->mem_total - h->mem_available) / 1073741824);
	kv_number(j, "memory_percent", 100 * (1 - h->mem_available / h->mem_total));
	kv_number(j, "swap_total_gb", h->swap_total / 1073741824);
	kv_number(j, "swap_used_gb", (h->swap_total - h->swap_free) / 1073741824);
	json_object_end(j);
}

static void values_json(struct json *j, const double v[METRICS])
{
	json_key(j, "metrics");
	json_object_begin(j);
	for (int i = 0; i < METRICS; i++)
		kv_number(j, metrics[i].name, v[i]);
	json_object_end(j);
}

static void csv_line(const double v[METRICS], bool head)
{
	if (head) {
		fputs("timestamp", stdout);
		for (int i = 0; i < METRICS; i++)
			printf(",%s", metrics[i].name);
		putchar('\n');
	}
	printf("%.3f", (double)perf_now_ms() / 1e3);
	for (int i = 0; i < METRICS; i++) {
		if (isnan(v[i]))
			putchar(',');
		else
			printf(",%.9g", v[i]);
	}
	putchar('\n');
}

static void prometheus_text(const struct look *l, const double v[METRICS])
{
	static const struct {
		const char *name;
		int id;
		const char *help;
	} names[] = {
		{ "vexfs_fuse_ops_per_sec", M_FUSE_OPS, "ops of the mount" },
		{ "vexfs_vector_ops_per_sec", M_VECTOR_OPS, "vector ops" },
		{ "vexfs_semantic_ops_per_sec", M_SEMANTIC_OPS, "semantic ops" },
		{ "vexfs_memory_pool_hit_rate", M_POOL_HIT_RATE, "requests that the pools served" },
		{ "vexfs_small_pool_utilization", M_SMALL_USE, "buffers of 1 KiB in use" },
		{ "vexfs_medium_pool_utilization", M_MEDIUM_USE, "buffers of 4 KiB in use" },
		{ "vexfs_large_pool_utilization", M_LARGE_USE, "buffers of 16 KiB in use" },
		{ "vexfs_memory_pools_enabled", M_POOLS, "pools keep buffers" },
		{ "vexfs_simd_enabled", M_SIMD, "the arithmetic runs on SIMD" },
		{ "vexfs_memory_bytes", M_MEMORY, "memory of collections and pools" },
	};
	double violations = figure(l, "stack", NULL, "violations");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!isnan(v[names[i].id]))
			printf("# HELP %s %s\n# TYPE %s gauge\n%s %.9g\n", names[i].name,
			       names[i].help, names[i].name, names[i].name, v[names[i].id]);
	if (!isnan(violations))
		printf("# HELP vexfs_stack_violations_total ops deeper than the limit\n"
		       "# TYPE vexfs_stack_violations_total counter\n"
		       "vexfs_stack_violations_total %.0f\n", violations);
}

static void metrics_text(const double v[METRICS])
{
	for (int i = 0; i < METRICS; i++)
		if (!isnan(v[i]))
			printf("%-28s %s\n", metrics[i].name, metric_text(i, v[i]));
}

enum form { FORM_TEXT, FORM_JSON, FORM_PROMETHEUS, FORM_CSV };

static int form_of(struct ctl *c, enum form *f)
{
	const char *path = opt_string(c, "output", NULL);
	const char *usual = c->json || output_is(path, ".json") ? "json" :
			    output_is(path, ".csv") ? "csv" :
			    output_is(path, ".prom") ? "prometheus" : "text";
	const char *text = opt_string(c, "format", usual);

	if (!strcmp(text, "json"))
		*f = FORM_JSON;
	else if (!strcmp(text, "prometheus"))
		*f = FORM_PROMETHEUS;
	else if (!strcmp(text, "csv"))
		*f = FORM_CSV;
	else if (!strcmp(text, "text"))
		*f = FORM_TEXT;
	else
		return ctl_usage(c, "--format is json, prometheus, csv or text, not '%s'", text);
	if (*f != FORM_JSON && output_is(path, ".json"))
		return ctl_usage(c, "--format %s contradicts the name '%s'", text, path);
	if (*f == FORM_JSON && !c->json) {
		c->json = true;
		ctl_json_start(c);
	}
	return 0;
}

static void print_form(struct ctl *c, enum form form, const struct look *a, const struct look *l,
		       const double v[METRICS], const struct cores *cores,
		       double seconds, double *peak, bool first)
{
	struct json *j = &c->out;

	*peak = fmax(*peak, v[M_MEMORY] / 1048576);
	switch (form) {
	case FORM_JSON:
		if (!first)
			ctl_json_start(c);
		json_object_begin(j);
		kv_number(j, "timestamp", (double)perf_now_ms() / 1e3);
		kv_number(j, "interval_s", seconds);
		promised_json(j, l, v);
		compat_json(j, l, v, *peak);
		compat_change_json(j, a, l, v, seconds);
		context_json(j, l);
		cores_json(j, cores);
		values_json(j, v);
		system_json(j, l);
		json_object_end(j);
		json_finish(j);
		break;
	case FORM_CSV:
		csv_line(v, first);
		break;
	case FORM_PROMETHEUS:
		prometheus_text(l, v);
		break;
	default:
		metrics_text(v);
	}
	fflush(stdout);
}

static void read_flags(struct wire *w, double v[METRICS])
{
	char buf[64];

	read_setting(w, "stack_optimize", buf, sizeof(buf));
	v[M_STACK_OPT] = *buf ? strcmp(buf, "0") != 0 : NAN;
	read_setting(w, "pool_enabled", buf, sizeof(buf));
	if (*buf)
		v[M_POOLS] = strcmp(buf, "0") != 0;
}

int run_metrics(struct ctl *c)
{
	double every = opt_number(c, "interval", 0), v[METRICS], peak = NAN;
	uint64_t count = opt_u64(c, "count", opt_given(c, "interval") ? 0 : 1);
	int64_t ms = every > 0 ? (int64_t)(every * 1000) : GLANCE_MS;
	struct cores cores = { 0 };
	struct look l[2] = { 0 };
	enum form form = FORM_TEXT;
	struct wire *w;
	int ret = form_of(c, &form), err;

	if (ret)
		return ret;
	if (opt_given(c, "interval") && (every < 0.05 || every > 86400))
		return ctl_usage(c, "--interval takes 0.05 to 86400 seconds");
	ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return perf_output_end(c, ret);
	stop_on_signals();
	err = look_take(w, "", &l[0]);
	cores_take(&cores);
	for (uint64_t i = 0; !err && (!count || i < count); i++) {
		if (!perf_sleep(ms))
			break;
		err = look_take(w, "", &l[1]);
		cores_take(&cores);
		metrics_between(&l[0], &l[1], v);
		read_flags(w, v);
		if (!err)
			print_form(c, form, &l[0], &l[1], v, &cores, (double)(l[1].mono_ns - l[0].mono_ns) / 1e9,
				   &peak, i == 0);
		look_free(&l[0]);
		l[0] = l[1];
		l[1] = (struct look){ 0 };
	}
	ret = err ? wire_fail(c, w, err) : EXIT_OK;
	look_free(&l[0]);
	look_free(&l[1]);
	cores_free(&cores);
	wire_close(w);
	return perf_output_end(c, ret);
}

/* ---- monitor ---- */

static const int watched[] = {
	M_FUSE_OPS, M_VECTOR_OPS, M_SEMANTIC_OPS, M_VECTOR_TIME, M_SEMANTIC_TIME, M_ERROR_RATE,
	M_POOL_HIT_RATE, M_STACK_VIOLATIONS, M_MEMORY, M_CPU_BUSY, M_PSI_MEM,
};

#define WATCHED	(sizeof(watched) / sizeof(watched[0]))

static void monitor_line(struct ctl *c, const double v[METRICS], const char *emergency,
			 const struct config *conf, uint64_t round)
{
	struct json *j = &c->out;

	if (c->json) {
		ctl_json_start(c);
		json_object_begin(j);
		kv_number(j, "timestamp", (double)perf_now_ms() / 1e3);
		if (emergency)
			json_kv_bool(j, "emergency_mode", strcmp(emergency, "0") != 0);
		values_json(j, v);
		json_object_end(j);
		json_finish(j);
		return;
	}
	if (round % 20 == 0)
		printf("%s%-8s %10s %10s %10s %9s %9s %8s %8s %6s %9s %7s%s%s\n", tint(TINT_HEAD),
		       "TIME", "FUSE/s", "VECTOR/s", "SEMANTIC/s", "VEC us", "SEM us", "ERRORS",
		       "POOLHIT", "STACK", "MiB", "CPU", emergency ? "  MODE" : "", untint());
	printf("%-8s", time_text(perf_now_ms()) + 11);
	for (size_t i = 0; i < WATCHED - 1; i++) {
		static const int width[] = { 10, 10, 10, 9, 9, 8, 8, 6, 9, 7 };
		double x = v[watched[i]];
		bool bad = (watched[i] == M_POOL_HIT_RATE && x < conf->pool_hit_floor) ||
			   (watched[i] == M_STACK_VIOLATIONS && x > 0) ||
			   (watched[i] == M_ERROR_RATE && x > 0.02);

		if (watched[i] == M_MEMORY)
			x /= 1048576;
		if (isnan(x))
			printf(" %*s", width[i], "-");
		else
			printf(" %s%*.*f%s", tint(bad ? TINT_BAD : TINT_PLAIN), width[i],
			       fabs(x) < 10 ? 3 : 1, x, untint());
	}
	printf("%s\n", emergency ? strcmp(emergency, "0") ? "  emergency" : "  normal" : "");
	fflush(stdout);
}

int run_monitor(struct ctl *c)
{
	double every = opt_number(c, "interval", opt_given(c, "real-time") ? 1 : 5), v[METRICS];
	bool mode = opt_given(c, "emergency-mode");
	struct look l[2] = { 0 };
	int64_t length = 0, end;
	struct config conf;
	char buf[64] = "";
	struct wire *w;
	int ret = 0, err;

	if (every < 0.05 || every > 86400)
		return ctl_usage(c, "--interval takes 0.05 to 86400 seconds");
	if (opt_given(c, "duration"))
		ret = perf_length(c, "duration", NULL, &length);
	if (!ret)
		ret = perf_config(c, &conf);
	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	end = perf_now_ms() + length;
	err = look_take(w, "", &l[0]);
	for (uint64_t i = 0; !err && (!length || perf_now_ms() < end); i++) {
		if (!perf_sleep((int64_t)(every * 1000)))
			break;
		err = look_take(w, "", &l[1]);
		if (err)
			break;
		metrics_between(&l[0], &l[1], v);
		if (mode)
			read_setting(w, "emergency_mode", buf, sizeof(buf));
		monitor_line(c, v, mode ? *buf ? buf : "0" : NULL, &conf, i);
		look_free(&l[0]);
		l[0] = l[1];
		l[1] = (struct look){ 0 };
	}
	ret = err ? wire_fail(c, w, err) : EXIT_OK;
	look_free(&l[0]);
	look_free(&l[1]);
	wire_close(w);
	return ret;
}
