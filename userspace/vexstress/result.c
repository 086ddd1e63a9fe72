// SPDX-License-Identifier: GPL-2.0
/*
 * Converts measurements to a result: one JSON value from which tables, CSV, report and
 * comparison are made. Units are part of the names.
 */
#include "coll.h"
#include "outfile.h"
#include "profile.h"
#include "trend_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static json_t *latency_of(const struct vs_hist *h)
{
	if (!h->count)
		return json_null();
	return json_pack("{s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "count", (json_int_t)h->count,
			 "mean_ns", vs_hist_mean(h), "stddev_ns", vs_hist_stddev(h),
			 "min_ns", (json_int_t)vs_hist_min(h),
			 "p50_ns", (json_int_t)vs_hist_quantile(h, 0.5),
			 "p90_ns", (json_int_t)vs_hist_quantile(h, 0.9),
			 "p95_ns", (json_int_t)vs_hist_quantile(h, 0.95),
			 "p99_ns", (json_int_t)vs_hist_quantile(h, 0.99),
			 "p999_ns", (json_int_t)vs_hist_quantile(h, 0.999),
			 "p9999_ns", (json_int_t)vs_hist_quantile(h, 0.9999),
			 "max_ns", (json_int_t)h->max);
}

/* Non-empty buckets: [first value, number of values it covers, count]. */
static json_t *buckets_of(const struct vs_hist *h)
{
	json_t *out = json_array();
	unsigned int i;

	for (i = 0; i < VS_HIST_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(out, json_pack("[I,I,I]", (json_int_t)vs_hist_low(i),
							     (json_int_t)vs_hist_width(i),
							     (json_int_t)h->bucket[i]));
	return out;
}

static json_t *number_or_null(double v, bool known)
{
	return known && isfinite(v) ? json_real(v) : json_null();
}

static json_t *errors_of(const uint64_t *errors)
{
	json_t *out = json_object();
	unsigned int e;

	for (e = 0; e < VX_ERRNO_MAX; e++) {
		const char *name = e ? strerrorname_np((int)e) : "other";

		if (errors[e])
			json_object_set_new(out, name ? name : "other",
					    json_integer((json_int_t)errors[e]));
	}
	return out;
}

static const char *name_in(const char *const *names, size_t n, unsigned int i)
{
	return i < n ? names[i] : "?";
}

/* What a job may have beyond the usual; a result without it compares with older ones. */
static void more_options(json_t *o, const struct vx_job *job)
{
	static const char *const pages[] = { "default", "small", "huge" };
	static const char *const durabilities[] = { "none", "async", "group", "sync" };

	if (job->workload->transport != VX_CALL)
		json_object_set_new(o, "depth", json_integer((json_int_t)job->depth));
	if (job->pages)
		json_object_set_new(o, "pages", json_string(name_in(pages, 3, job->pages)));
	if (job->durability)
		json_object_set_new(o, "durability",
				    json_string(name_in(durabilities, 4, job->durability)));
	if (job->setting)
		json_object_set_new(o, "setting", json_string(job->setting));
}

static json_t *options_of(const struct vx_job *job, uint64_t vectors)
{
	static const char *const priorities[] = { "medium", "high", "low" };
	json_t *o;

	o = json_pack("{s:i, s:s, s:f, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:I, s:b}",
		      "threads", (int)job->threads,
		      "workers", job->workers == VX_PROCESSES ? "processes" : "threads",
		      "rate", job->rate, "arrival", job->arrival == VX_POISSON ? "poisson" : "even",
		      "batch", (json_int_t)job->batch, "k", (json_int_t)job->k,
		      "ef", (json_int_t)job->ef, "dim", (json_int_t)job->dim,
		      "vectors", (json_int_t)vectors,
		      "type", vexfs_type_name(job->type), "metric", vexfs_metric_name(job->metric),
		      "code", vexfs_code_name(job->code),
		      "priority", name_in(priorities, 3, job->priority),
		      "think_s", job->think, "cpus", vx_json_text(job->cpus),
		      "data", vx_json_text(job->data), "seed", (json_int_t)job->seed,
		      "verify", (int)job->verify);
	more_options(o, job);
	return o;
}

json_t *vx_result_new(int argc, char **argv)
{
	json_t *command = json_array();
	char when[32];
	time_t now = time(NULL);
	struct tm tm;
	int i;

	for (i = 0; i < argc; i++)
		json_array_append_new(command, vx_json_text(argv[i]));
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:{s:s, s:I, s:f, s:f, s:b, s:I}, s:[]}",
			 "schema_version", VX_SCHEMA_VERSION, "tool", "vexstress",
			 "version", VEXFS_VERSION, "started", when, "command", command,
			 "fingerprint", vx_fingerprint(),
			 "settings",
			 "profile", vx_set.profile == VX_PROFILE_SMOKE ? "smoke" :
				    vx_set.profile == VX_PROFILE_QUICK ? "quick" :
				    vx_set.profile == VX_PROFILE_FULL ? "full" :
				    vx_set.profile == VX_PROFILE_CI ? "ci" : "default",
			 "sample_size", (json_int_t)vx_set.samples, "warm_up_s", vx_set.warmup,
			 "measure_s", vx_set.measure, "warm_up_fixed", (int)vx_set.warmup_fixed,
			 "repeat", (json_int_t)vx_set.repeat, "jobs");
}

static json_t *recall_of(const struct vx_job *job)
{
	if (job->recall < 0)
		return json_null();
	return json_pack("{s:f, s:o, s:I, s:I}", "recall", job->recall,
			 "filtered", number_or_null(job->recall_filtered, job->recall_filtered >= 0),
			 "queries", (json_int_t)job->recall_queries, "k", (json_int_t)job->k);
}

static json_t *kinds_of(const struct vx_outcome *out)
{
	json_t *kinds = json_array();
	unsigned int k;

	for (k = 0; out->job->workload->kinds[k].name; k++) {
		const struct vx_measure *m = &out->kind[k];

		json_array_append_new(kinds, json_pack(
			"{s:s, s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o}",
			"name", out->job->workload->kinds[k].name,
			"class", out->job->workload->kinds[k].class,
			"calls", (json_int_t)m->calls, "ops", (json_int_t)m->ops,
			"errors", (json_int_t)m->errors,
			"ops_per_s", out->seconds > 0 ?
				(double)(m->ops - m->errors) / out->seconds : 0.0,
			"latency", latency_of(&m->latency),
			"latency_corrected", latency_of(&m->corrected),
			"latency_available", latency_of(&m->available),
			"kernel", latency_of(&m->kernel),
			"crossing", latency_of(&m->crossing)));
	}
	return kinds;
}

static json_t *intervals_of(const struct vx_outcome *out)
{
	json_t *intervals = json_array();
	double at = 0;
	size_t i;

	for (i = 0; i < out->nslices; i++) {
		const struct vx_slice *s = &out->slices[i];

		at += s->seconds;
		json_array_append_new(intervals, json_pack(
			"{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "at_s", at,
			"seconds", s->seconds, "ops_per_s", s->ops_per_s, "mean_ns", s->mean_ns,
			"p50_ns", s->p50_ns, "p95_ns", s->p95_ns, "p99_ns", s->p99_ns,
			"errors", (json_int_t)s->errors));
		if (out->job->rate > 0)
			json_object_update_new(json_array_get(intervals, i), json_pack(
				"{s:f, s:f, s:f}", "corrected_mean_ns", s->corrected_mean_ns,
				"corrected_p95_ns", s->corrected_p95_ns,
				"corrected_p99_ns", s->corrected_p99_ns));
	}
	return intervals;
}

static json_t *resources_of(const struct vx_outcome *out)
{
	double cpu = out->user_s + out->system_s, wall = out->seconds + out->warmup_seconds;
	struct rusage u = { 0 };

	getrusage(RUSAGE_SELF, &u);
	return json_pack(
		"{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
		"user_s", out->user_s, "system_s", out->system_s,
		"cpu_percent", wall > 0 ? 100 * cpu / wall : 0.0,
		/* Each process counts the pages that it shares, so the sum is an upper bound. */
		"max_rss_kb", (json_int_t)((uint64_t)u.ru_maxrss + out->rss_kb),
		"voluntary_switches", (json_int_t)out->voluntary,
		"involuntary_switches", (json_int_t)out->involuntary,
		"minor_faults", (json_int_t)out->minor, "major_faults", (json_int_t)out->major,
		"unavailable_s", out->unavailable_s, "machine_unavailable", out->machine_lost);
}

void vx_result_add(json_t *result, const struct vx_outcome *out)
{
	const struct vx_job *job = out->job;
	double good = (double)(out->all.ops - out->all.errors);
	json_t *j;

	j = json_pack("{s:o, s:s, s:o, s:f, s:f, s:b, s:f, s:I, s:I, s:f, s:f}",
		      "name", vx_json_text(job->name), "workload", job->workload->name,
		      "options", options_of(job, job->vectors ? job->vectors : job->workload->vectors),
		      "setup_s", job->setup_seconds, "warm_up_s", out->warmup_seconds,
		      "steady", (int)out->steady, "seconds", out->seconds,
		      "ops", (json_int_t)out->all.ops, "errors", (json_int_t)out->all.errors,
		      "ops_per_s", out->seconds > 0 ? good / out->seconds : 0.0,
		      "success_rate", out->all.ops ? good / (double)out->all.ops : 0.0);
	json_object_set_new(j, "errors_by_errno", errors_of(out->errors));
	json_object_set_new(j, "latency", latency_of(&out->all.latency));
	json_object_set_new(j, "latency_corrected", latency_of(&out->all.corrected));
	json_object_set_new(j, "latency_available", latency_of(&out->all.available));
	json_object_set_new(j, "kernel", latency_of(&out->all.kernel));
	json_object_set_new(j, "crossing", latency_of(&out->all.crossing));
	json_object_set_new(j, "histogram", buckets_of(&out->all.latency));
	if (job->rate > 0) {
		json_object_set_new(j, "histogram_corrected", buckets_of(&out->all.corrected));
		json_object_set_new(j, "histogram_available", buckets_of(&out->all.available));
	}
	json_object_set_new(j, "kinds", kinds_of(out));
	json_object_set_new(j, "intervals", intervals_of(out));
	json_object_set_new(j, "recall", recall_of(job));
	json_object_set_new(j, "distances", json_integer((json_int_t)out->distances));
	json_object_set_new(j, "verify", json_pack("{s:I, s:I, s:I, s:o}",
		"checked", (json_int_t)out->checked, "wrong", (json_int_t)out->wrong,
		"unchecked", (json_int_t)out->unchecked, "message", vx_json_text(out->message)));
	json_object_set_new(j, "resources", resources_of(out));
	if (vx_set.perf_stat)
		json_object_set_new(j, "perf", vx_profile_counters((double)out->all.ops));
	json_object_set_new(j, "interrupted", json_boolean(out->interrupted));
	json_array_append_new(json_object_get(result, "jobs"), j);
}

/* The metrics of comparisons and CSV. */
static const struct {
	const char *name;	/* suffix of the name, after the job's */
	const char *slice;	/* in an interval, or NULL */
	const char *path;	/* in a job: "latency.p50_ns" */
	const char *unit;
	bool higher;
} metrics[] = {
	{ "ops_per_s", "ops_per_s", "ops_per_s", "ops/s", true },
	{ "mean_ns", "mean_ns", "latency.mean_ns", "ns", false },
	{ "p50_ns", "p50_ns", "latency.p50_ns", "ns", false },
	{ "p95_ns", "p95_ns", "latency.p95_ns", "ns", false },
	{ "p99_ns", "p99_ns", "latency.p99_ns", "ns", false },
	{ "corrected_p99_ns", "corrected_p99_ns", "latency_corrected.p99_ns", "ns", false },
	{ "kernel_mean_ns", NULL, "kernel.mean_ns", "ns", false },
	{ "crossing_mean_ns", NULL, "crossing.mean_ns", "ns", false },
	{ "success_rate", NULL, "success_rate", "ratio", true },
	{ "recall", NULL, "recall.recall", "ratio", true },
};

static json_t *dig(json_t *j, const char *path)
{
	char copy[64], *p, *save;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = strtok_r(copy, ".", &save); p && j; p = strtok_r(NULL, ".", &save))
		j = json_object_get(j, p);
	return j;
}

void vx_result_metrics(json_t *result)
{
	json_t *jobs = json_object_get(result, "jobs"), *out = json_array(), *job, *other, *slice;
	struct vs_rules rules = VS_RULES_DEFAULT;
	size_t i, k, m, s, n;

	rules.resamples = 2000;
	json_array_foreach(jobs, i, job) {
		const char *name = json_string_value(json_object_get(job, "name"));
		size_t runs = 0;
		bool first = true;

		json_array_foreach(jobs, k, other) {
			if (strcmp(json_string_value(json_object_get(other, "name")), name))
				continue;
			first = first && k >= i;
			runs++;
		}
		if (!first)
			continue;
		for (m = 0; m < ARRAY_SIZE(metrics); m++) {
			json_t *samples = json_array(), *v;
			struct vs_interval iv;
			double value = 0, *list;
			bool by_runs = runs >= 4 || !metrics[m].slice;
			size_t have = 0;
			char full[128];

			json_array_foreach(jobs, k, other) {
				if (strcmp(json_string_value(json_object_get(other, "name")), name))
					continue;
				v = dig(other, metrics[m].path);
				if (!json_is_number(v))
					continue;
				value += json_number_value(v);
				have++;
				if (by_runs) {
					json_array_append_new(samples, json_real(json_number_value(v)));
					continue;
				}
				json_array_foreach(json_object_get(other, "intervals"), s, slice) {
					v = json_object_get(slice, metrics[m].slice);
					if (json_is_number(v) &&
					    (metrics[m].higher || json_number_value(v) > 0))
						json_array_append(samples, v);
				}
			}
			n = json_array_size(samples);
			list = have && n ? malloc(n * sizeof(*list)) : NULL;
			if (!list) {
				json_decref(samples);
				continue;
			}
			for (s = 0; s < n; s++)
				list[s] = json_number_value(json_array_get(samples, s));
			iv = vs_bootstrap_mean(list, n, &rules);
			snprintf(full, sizeof(full), "%s.%s", name, metrics[m].name);
			json_array_append_new(out, json_pack(
				"{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:o}", "name", full,
				"unit", metrics[m].unit,
				"direction", metrics[m].higher ? "higher" : "lower",
				"value", value / (double)have, "mean", iv.mean,
				"ci_low", iv.low, "ci_high", iv.high,
				"sampling", by_runs ? "runs" : "slices", "samples", samples));
			free(list);
		}
	}
	json_object_set_new(result, "metrics", out);
}

json_t *vx_metric_find(const json_t *result, const char *name)
{
	json_t *m;
	size_t i;

	json_array_foreach(json_object_get(result, "metrics"), i, m)
		if (!strcmp(json_string_value(json_object_get(m, "name")) ?: "", name))
			return m;
	return NULL;
}

double *vx_metric_samples(const json_t *metric, size_t *n)
{
	json_t *list = json_object_get(metric, "samples"), *v;
	double *out;
	size_t i;

	*n = json_array_size(list);
	out = malloc((*n ? *n : 1) * sizeof(*out));
	if (!out)
		return NULL;
	json_array_foreach(list, i, v)
		out[i] = json_number_value(v);
	return out;
}

void vx_interval_line(const struct vx_job *job, double at, const struct vx_slice *s)
{
	static struct outfile o;
	static FILE *f;
	json_t *line;
	char *text;

	if (vx_set.interval > 0 && !vx_set.json && !vx_set.csv && !vx_set.quiet &&
	    !(vx_set.ndjson && !strcmp(vx_set.ndjson, "-"))) {
		if (isatty(2))
			fputs("\r\033[K", stderr);
		printf("%-14s %8.1f s %12.0f ops/s  p50 %8.1f us  p99 %8.1f us  errors %llu\n",
		       shown(job->name), at, s->ops_per_s, s->p50_ns / 1e3, s->p99_ns / 1e3,
		       (unsigned long long)s->errors);
		fflush(stdout);
	}
	if (!vx_set.ndjson)
		return;
	if (!f) {
		/* Readers follow the file while it grows, so it is written in place. */
		if (strcmp(vx_set.ndjson, "-") && outfile_open(&o, vx_set.ndjson, true)) {
			vx_say("cannot write %s: %s", vx_set.ndjson, o.why);
			vx_set.ndjson = NULL;
			return;
		}
		f = strcmp(vx_set.ndjson, "-") ? o.f : stdout;
	}
	line = json_pack("{s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "job", vx_json_text(job->name),
			 "at_s", at, "seconds", s->seconds, "ops_per_s", s->ops_per_s,
			 "mean_ns", s->mean_ns, "p50_ns", s->p50_ns, "p95_ns", s->p95_ns,
			 "p99_ns", s->p99_ns, "errors", (json_int_t)s->errors);
	text = vx_json_dump(line, JSON_COMPACT);
	if (text && (fprintf(f, "%s\n", text) < 0 || fflush(f))) {
		vx_say("cannot write %s: %s; no more interval lines", vx_set.ndjson,
		       strerror(errno));
		vx_set.ndjson = NULL;
	}
	free(text);
	json_decref(line);
}

static void print_latency(const char *what, const struct vs_hist *h)
{
	if (!h->count)
		return;
	printf("  %-22s mean %9.1f  p50 %9.1f  p95 %9.1f  p99 %9.1f  p99.9 %9.1f  max %9.1f us\n",
	       what, vs_hist_mean(h) / 1e3, (double)vs_hist_quantile(h, 0.5) / 1e3,
	       (double)vs_hist_quantile(h, 0.95) / 1e3, (double)vs_hist_quantile(h, 0.99) / 1e3,
	       (double)vs_hist_quantile(h, 0.999) / 1e3, (double)h->max / 1e3);
}

void vx_print_outcome(const struct vx_outcome *out)
{
	const struct vx_job *job = out->job;
	unsigned int k, e;

	printf("%s (%s, %u %s%s): %.0f ops/s over %.2f s", shown(job->name), job->workload->name,
	       job->threads, job->workers == VX_PROCESSES ? "process" : "thread",
	       job->threads == 1 ? "" : job->workers == VX_PROCESSES ? "es" : "s",
	       out->seconds > 0 ? (double)(out->all.ops - out->all.errors) / out->seconds : 0,
	       out->seconds);
	if (job->rate > 0)
		printf(", %.0f ops/s due", job->rate);
	if (!out->steady && vx_set.warmup > 0 && !vx_set.warmup_fixed)
		printf(", not steady after warming up for %.1f s", out->warmup_seconds);
	putchar('\n');
	for (k = 0; job->workload->kinds[k].name; k++)
		if (out->kind[k].ops)
			printf("  %-10s %10llu ops  mean %9.1f us  in the kernel %9.1f us  crossing %7.1f us\n",
			       job->workload->kinds[k].name, (unsigned long long)out->kind[k].ops,
			       vs_hist_mean(&out->kind[k].latency) / 1e3,
			       vs_hist_mean(&out->kind[k].kernel) / 1e3,
			       vs_hist_mean(&out->kind[k].crossing) / 1e3);
	print_latency(job->rate > 0 ? "as measured" : "latency", &out->all.latency);
	print_latency("from when it was due", &out->all.corrected);
	if (out->unavailable_s > 0)
		print_latency("without unavailable", &out->all.available);
	print_latency("in the kernel", &out->all.kernel);
	print_latency("crossing", &out->all.crossing);
	if (job->recall >= 0) {
		printf("  recall@%llu %.4f", (unsigned long long)job->k, job->recall);
		if (job->recall_filtered >= 0)
			printf(", filtered %.4f", job->recall_filtered);
		printf(" over %llu queries", (unsigned long long)job->recall_queries);
		if (job->workload->needs_index == VEXFS_INDEX_GRAPH && job->note[0])
			printf(" (%s)", shown(job->note));
		putchar('\n');
	}
	if (job->verify || out->wrong)
		printf("  answers: %llu checked, %llu wrong, %llu could not be checked\n",
		       (unsigned long long)out->checked, (unsigned long long)out->wrong,
		       (unsigned long long)out->unchecked);
	if (out->all.errors) {
		printf("  errors:");
		for (e = 0; e < VX_ERRNO_MAX; e++)
			if (out->errors[e])
				printf(" %s %llu", e ? strerrorname_np((int)e) : "other",
				       (unsigned long long)out->errors[e]);
		putchar('\n');
	}
	if (out->message[0])
		printf("  %s\n", shown(out->message));
	printf("  processor time %.2f s user, %.2f s system; %llu switches, %llu faults\n",
	       out->user_s, out->system_s,
	       (unsigned long long)(out->voluntary + out->involuntary),
	       (unsigned long long)(out->minor + out->major));
}

static void csv_field(FILE *f, const json_t *o, const char *key)
{
	escape_csv(f, json_string_value(json_object_get(o, key)));
	fputc(',', f);
}

static char *csv_of(const json_t *result, size_t *size)
{
	json_t *metrics_list = json_object_get(result, "metrics"), *m;
	char *text = NULL;
	size_t i;
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	fputs("metric,unit,direction,value,ci_low,ci_high,samples,started\n", f);
	json_array_foreach(metrics_list, i, m) {
		csv_field(f, m, "name");
		csv_field(f, m, "unit");
		csv_field(f, m, "direction");
		fprintf(f, "%.9g,%.9g,%.9g,%zu,",
			json_number_value(json_object_get(m, "value")),
			json_number_value(json_object_get(m, "ci_low")),
			json_number_value(json_object_get(m, "ci_high")),
			json_array_size(json_object_get(m, "samples")));
		escape_csv(f, json_string_value(json_object_get(result, "started")));
		fputc('\n', f);
	}
	fclose(f);
	return text;
}

int vx_result_emit(json_t *result)
{
	int ret = 0;
	size_t size = 0;
	char *csv;

	if (vx_set.json && vx_write_json("-", result))
		ret = -1;
	if (vx_set.output && vx_write_json(vx_set.output, result))
		ret = -1;
	if (vx_set.csv || vx_set.csv_file) {
		csv = csv_of(result, &size);
		if (!csv || (vx_set.csv && vx_write_file("-", csv, size)) ||
		    (vx_set.csv_file && vx_write_file(vx_set.csv_file, csv, size)))
			ret = -1;
		free(csv);
	}
	if (vx_set.report && vx_report_write(vx_set.report, result))
		ret = -1;
	if (vx_set.metrics_csv && trend_append(vx_set.metrics_csv, result))
		ret = -1;
	if (vx_set.save_baseline && vx_baseline_save(vx_set.save_baseline, result))
		ret = -1;
	return ret;
}
