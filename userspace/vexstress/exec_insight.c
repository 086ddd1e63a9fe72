// SPDX-License-Identifier: GPL-2.0
/*
 * Insights from the records of each program: rules with evidence and advice. A rule that
 * needs several runs says nothing about fewer.
 */
#include "exec.h"

#include "../analysis/analysis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Minimum of runs for a statement about change or spread. */
#define RUNS_MIN	5
/* Minimum length of a level; a change of level needs four times as many runs. */
#define LEVEL_RUNS	4
#define SAMPLES_MIN	8

/* The records of one program. */
struct program {
	const char *name;
	const json_t *records;
	size_t n;
	json_t *out;
};

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* @severity is the sort key: failing above slow above wasteful. */
static void found(struct program *p, double severity, const char *problem, const char *advice,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void found(struct program *p, double severity, const char *problem, const char *advice,
		  const char *fmt, ...)
{
	char evidence[240];
	va_list args;

	va_start(args, fmt);
	vsnprintf(evidence, sizeof(evidence), fmt, args);
	va_end(args);
	json_array_append_new(p->out, json_pack("{s:s, s:s, s:f, s:s, s:s}", "program", p->name,
						"problem", problem, "severity", severity,
						"evidence", evidence, "advice", advice));
}

static double *values(const struct program *p, const char *key)
{
	double *v = calloc(p->n + 1, sizeof(*v));
	json_t *r;
	size_t i;

	if (v)
		json_array_foreach(p->records, i, r)
			v[i] = num(r, key);
	return v;
}

static double median(const struct program *p, const char *key)
{
	double *v = values(p, key), m = 0;

	if (v)
		m = vs_quantile(v, p->n, 0.5);
	free(v);
	return m;
}

static size_t count(const struct program *p, const char *key)
{
	size_t i, n = 0;
	json_t *r;

	json_array_foreach(p->records, i, r)
		n += is(r, key);
	return n;
}

static void rule_limits(struct program *p)
{
	size_t late = count(p, "time_exceeded"), large = count(p, "memory_exceeded");

	if (late)
		found(p, 95, "exceeds its time limit", "Find what it waits for or computes, or raise "
		      "--max-time", "%zu of %zu runs were ended", late, p->n);
	if (large)
		found(p, 94, "exceeds its memory limit", "Look for what it keeps, or raise "
		      "--max-memory", "%zu of %zu runs were ended", large, p->n);
}

static void rule_failing(struct program *p)
{
	size_t signals = 0, codes = 0, i;
	int last = 0;
	json_t *r;

	json_array_foreach(p->records, i, r) {
		json_t *sig = json_object_get(r, "signal");

		if (is(r, "time_exceeded") || is(r, "memory_exceeded"))
			continue;
		if (json_is_integer(sig)) {
			signals++;
			last = (int)json_integer_value(sig);
		} else {
			codes += !is(r, "success");
		}
	}
	if (signals)
		found(p, 100, "is killed by a signal", "Look at its core dump and the kernel log",
		      "%zu of %zu runs, the last by %s", signals, p->n, strsignal(last));
	if (codes)
		found(p, 90 + 5.0 * (double)codes / (double)p->n, "fails",
		      "Read what it printed on the standard error output",
		      "%zu of %zu runs ended with another status than 0", codes, p->n);
}

/* A level that rose at some run and stayed. False if the runs are too few to tell. */
static bool rule_change(struct program *p, const char *key, const char *problem,
			const char *advice, double severity)
{
	struct change_rules rules = CHANGE_RULES_DEFAULT;
	struct change_point points[CHANGES_MAX];
	struct bins b = { .from = 0, .step = 1, .n = p->n, .v = values(p, key) };
	size_t n, i;

	rules.min_run = LEVEL_RUNS;
	n = b.v ? change_points(&b, &rules, points) : SIZE_MAX;
	free(b.v);
	if (n == SIZE_MAX)
		return false;
	for (i = n; i--;) {
		if (points[i].change <= 0)
			continue;
		found(p, severity, problem, advice, "%+.1f %% from run %zu of %zu on (p %.4f)",
		      100 * points[i].change, points[i].at + 1, p->n, points[i].p);
		return true;
	}
	return false;
}

static void rule_spread(struct program *p)
{
	double *v = values(p, "wall_s"), mean;

	if (v && p->n >= RUNS_MIN) {
		mean = vs_mean(v, p->n);
		if (mean > 0.01 && vs_stddev(v, p->n) > 0.5 * mean)
			found(p, 50, "takes very different times", "Compare its slow and fast runs: "
			      "input, caches, other load", "deviation %.2f s of %.2f s over %zu runs",
			      vs_stddev(v, p->n), mean, p->n);
	}
	free(v);
}

static double sample_kib(const json_t *samples, size_t i)
{
	return json_number_value(json_array_get(json_array_get(samples, i), 1));
}

/*
 * Memory that rises throughout the second half of the last run and hardly ever falls. A
 * program has allocated its initial data by then.
 */
static void rule_growth(struct program *p)
{
	const json_t *samples = json_object_get(json_array_get(p->records, p->n - 1),
						"memory_samples");
	size_t n = json_array_size(samples), i, up = 0, down = 0, peak = n / 2;
	double first = sample_kib(samples, n / 2), most;

	if (n < SAMPLES_MIN)
		return;
	for (i = n / 2; i < n; i++)
		if (sample_kib(samples, i) >= sample_kib(samples, peak))
			peak = i;
	most = sample_kib(samples, peak);
	for (i = n / 2 + 1; i <= peak; i++) {
		up += sample_kib(samples, i) > sample_kib(samples, i - 1);
		down += sample_kib(samples, i) < sample_kib(samples, i - 1);
	}
	if (most > 1.2 * first && most - first > 4096 && peak >= n - n / 4 && up > n / 8 &&
	    down < up / 8 + 1)
		found(p, 75, "grows as long as it runs", "Look for a leak, with valgrind or heaptrack",
		      "from %.1f to %.1f MB in the second half of the last run", first / 1024,
		      most / 1024);
}

static void rule_costs(struct program *p)
{
	double wall = median(p, "wall_s"), cpu = median(p, "cpu_percent");
	double user = median(p, "user_s"), sys = median(p, "sys_s");
	double major = median(p, "major_faults"), out = median(p, "output_bytes");
	double switches = median(p, "involuntary_switches"), left = median(p, "left_running");
	double err = median(p, "error_bytes");

	if (major > 100)
		found(p, 60, "waits for pages from disk", "Give it more memory, or run it again with "
		      "warm caches", "%.0f major faults in the median run", major);
	if (sys > user && sys > 0.2)
		found(p, 45, "spends its time in the kernel", "Look at its system calls, with strace -c",
		      "%.2f s of %.2f s processor time in the median run", sys, sys + user);
	if (wall > 1 && cpu < 10)
		found(p, 40, "mostly waits", "Find out for what: the network, a disk, a sleep",
		      "%.0f %% of a processor over %.1f s in the median run", cpu, wall);
	if (wall > 1 && switches > 1000 * wall)
		found(p, 35, "shares its processor", "Run it when the machine is less busy",
		      "%.0f forced switches a second", switches / wall);
	if (out > 64e6)
		found(p, 30, "prints a lot", "Write to a file, or print less", "%.0f MB in the median "
		      "run", out / 1e6);
	if (left > 0)
		found(p, 55, "leaves processes behind", "Wait for them, or end them", "%.0f in the "
		      "median run", left);
	if (err > 0 && count(p, "success") == p->n)
		found(p, 10, "succeeds with messages of errors", "Read them: they may be warnings "
		      "that matter", "%.0f bytes in the median run", err);
}

static int by_severity(const void *a, const void *b)
{
	double x = num(*(json_t *const *)a, "severity"), y = num(*(json_t *const *)b, "severity");

	return (y > x) - (y < x);
}

static json_t *sorted(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **v = calloc(n + 1, sizeof(*v)), *out = json_array();

	for (i = 0; v && i < n; i++)
		v[i] = json_array_get(list, i);
	if (v)
		qsort(v, n, sizeof(*v), by_severity);
	for (i = 0; v && i < n; i++)
		json_array_append(out, v[i]);
	free(v);
	json_decref(list);
	return out;
}

json_t *vx_exec_insights(const json_t *records)
{
	json_t *groups = vx_exec_by_program(records), *list, *out = json_array();
	const char *name;

	json_object_foreach(groups, name, list) {
		struct program p = { name, list, json_array_size(list), out };

		rule_limits(&p);
		rule_failing(&p);
		if (!rule_change(&p, "wall_s", "gets slower",
				 "Find the change: vexstress list shows when", 80))
			rule_spread(&p);
		rule_change(&p, "peak_memory_kb", "takes more and more memory",
			    "Compare its input then and now; look for caches without a bound", 70);
		rule_growth(&p);
		rule_costs(&p);
	}
	json_decref(groups);
	return sorted(out);
}

void vx_exec_print_insights(FILE *f, const json_t *insights)
{
	json_t *o;
	size_t i;

	if (!json_array_size(insights))
		fputs("Nothing stands out.\n", f);
	json_array_foreach(insights, i, o)
		fprintf(f, "%zu. %s %s: %s. %s.\n", i + 1,
			shown(json_string_value(json_object_get(o, "program"))),
			json_string_value(json_object_get(o, "problem")),
			shown(json_string_value(json_object_get(o, "evidence"))),
			json_string_value(json_object_get(o, "advice")));
}
