// SPDX-License-Identifier: GPL-2.0
/*
 * The one table of options: the command line, job files, sweeps, --help and
 * the manual page all read it, so they cannot disagree. Settings of the run
 * and keys of a job stand in the same table; only the latter may appear in a
 * job file.
 */
#include "suite.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct vx_settings vx_set;

enum opt_type { OPT_FLAG, OPT_COUNT, OPT_UINT, OPT_NUMBER, OPT_TIME, OPT_TEXT, OPT_ENUM, OPT_SET };

/* Where a value goes: an offset into the settings, or into the job. */
#define IN_JOB		0x10000u

struct option {
	const char *section;	/* heading, on its first option */
	const char *name;
	char letter;
	enum opt_type type;
	size_t where;
	const char *arg;
	const char *help;
	double min, max;	/* of numbers */
	const char *choices;	/* OPT_ENUM: "threads=0,processes=1" */
	unsigned int value;	/* OPT_SET: what is stored */
};

#define S(field)	offsetof(struct vx_settings, field)
#define J(field)	(IN_JOB | offsetof(struct vx_job, field))

static const struct option options[] = {
	{ "What to run", "target", 't', OPT_FLAG, S(target), NULL,
	  "run the standard jobs and compare the results with the targets", 0, 0, NULL, 0 },
	{ NULL, "target-set", 0, OPT_TEXT, S(target_set), "NAME",
	  "promised (default), stretch, or a section [targets.NAME] of the configuration", 0, 0,
	  NULL, 0 },
	{ NULL, "target-file", 0, OPT_TEXT, S(target_file), "FILE",
	  "targets of your own: 'metric = value' in a section [targets]; --target FILE is the same",
	  0, 0, NULL, 0 },
	{ NULL, "config", 0, OPT_TEXT, S(config), "FILE",
	  "configuration with [targets] (default /etc/vexfs/vexfs.conf if it exists)", 0,
	  0, NULL, 0 },
	{ NULL, "job", 0, OPT_TEXT, S(jobfile), "FILE", "job file (INI) to run", 0, 0, NULL, 0 },
	{ NULL, "tests", 0, OPT_TEXT, S(tests), "A,B", "run only these jobs of suites", 0, 0, NULL,
	  0 },
	{ NULL, "strict", 0, OPT_FLAG, S(strict), NULL,
	  "end with status 6 when a target or a comparison cannot be decided", 0, 0, NULL, 0 },
	{ NULL, "smoke", 0, OPT_SET, S(profile), NULL,
	  "10 samples, warm-up at most 0.2 s, measured for 0.5 s per job; a smaller graph", 0, 0,
	  NULL, VX_PROFILE_SMOKE },
	{ NULL, "quick", 0, OPT_SET, S(profile), NULL,
	  "10 samples, warm-up at most 1 s, measured for 3 s per job; a smaller graph", 0, 0,
	  NULL, VX_PROFILE_QUICK },
	{ NULL, "full", 0, OPT_SET, S(profile), NULL,
	  "100 samples, warm-up at most 5 s, measured for 60 s per job", 0, 0, NULL,
	  VX_PROFILE_FULL },
	{ NULL, "ci", 0, OPT_SET, S(profile), NULL,
	  "10 samples, warm-up at most 1 s, measured for 3 s per job", 0, 0, NULL,
	  VX_PROFILE_CI },

	{ "Measuring", "sample-size", 0, OPT_COUNT, S(samples), "N",
	  "slices into which the measurement is cut (default 50)", 4, 100000, NULL, 0 },
	{ NULL, "warm-up-time", 0, OPT_TIME, S(warmup), "TIME",
	  "maximum time to warm up (default 3s); warming up ends when the rate is steady", 0,
	  86400, NULL, 0 },
	{ NULL, "warm-up-fixed", 0, OPT_FLAG, S(warmup_fixed), NULL,
	  "warm up for exactly that long", 0, 0, NULL, 0 },
	{ NULL, "measurement-time", 0, OPT_TIME, S(measure), "TIME",
	  "how long to measure (default 10s)", 0.05, 1e7, NULL, 0 },
	{ NULL, "repeat", 0, OPT_COUNT, S(repeat), "N",
	  "run everything N times; verdicts are then based on whole runs", 1, 10000, NULL, 0 },
	{ NULL, "interval", 'i', OPT_TIME, S(interval), "TIME",
	  "print a line for every interval; the job is cut into slices of this length", 0.01, 3600,
	  NULL, 0 },

	{ "A job", "threads", 0, OPT_UINT, J(threads), "N",
	  "workers of the job (default 1, crowd 16, flood 17; with --target one per processor)", 1, VX_WORKERS_MAX, NULL, 0 },
	{ NULL, "workers", 0, OPT_ENUM, J(workers), "KIND",
	  "kind of worker: processes (default), as clients are, or threads of one process", 0, 0,
	  "processes=0,threads=1", 0 },
	{ NULL, "rate", 0, OPT_NUMBER, J(rate), "OPS",
	  "open loop: this many ops per second are due, whether or not the ones before are done", 0,
	  1e9, NULL, 0 },
	{ NULL, "arrival", 0, OPT_ENUM, J(arrival), "KIND",
	  "open loop: even (default) or poisson", 0, 0, "even=0,poisson=1", 0 },
	{ NULL, "ops", 'n', OPT_COUNT, J(ops), "N", "end after N ops", 1, 1e15, NULL, 0 },
	{ NULL, "duration", 'd', OPT_TIME, J(duration), "TIME",
	  "end after this time (default --measurement-time)", 0.05, 1e7, NULL, 0 },
	{ NULL, "ramp", 0, OPT_TIME, J(ramp), "TIME",
	  "start the workers one after another over this time", 0, 3600, NULL, 0 },
	{ NULL, "think-time", 0, OPT_TIME, J(think), "TIME",
	  "closed loop: pause of a worker between two calls", 0, 3600, NULL, 0 },
	{ NULL, "batch", 'b', OPT_COUNT, J(batch), "N",
	  "queries or vectors in one call (default 1)", 1, 4096, NULL, 0 },
	{ NULL, "depth", 0, OPT_COUNT, J(depth), "N",
	  "submit, uring and bridge: ops of a worker in flight (default 32)", 1,
	  4096, NULL, 0 },
	{ NULL, "k", 'k', OPT_COUNT, J(k), "N", "results of a search (default 10)", 1, 4096, NULL, 0 },
	{ NULL, "ef", 0, OPT_COUNT, J(ef), "N",
	  "graph: candidates kept; without it the smallest that reaches recall 0.95", 1, 4096, NULL,
	  0 },
	{ NULL, "dim", 0, OPT_COUNT, J(dim), "N", "components (default 128)", 1, 65536, NULL, 0 },
	{ NULL, "vectors", 0, OPT_COUNT, J(vectors), "N",
	  "vectors in the collection (default: the workload's)", 1, 1e9, NULL, 0 },
	{ NULL, "type", 0, OPT_ENUM, J(type), "TYPE", "f32 (default), f16, bf16, i8, u8, b1", 0, 0,
	  "f32=1,f16=2,bf16=3,i8=4,u8=5,b1=6", 0 },
	{ NULL, "metric", 0, OPT_ENUM, J(metric), "METRIC",
	  "l2 (default), ip, cos, l1; hamming (default of b1), jaccard", 0, 0,
	  "l2=1,ip=2,cos=3,l1=4,hamming=5,jaccard=6", 0 },
	{ NULL, "m", 0, OPT_COUNT, J(m), "N", "graph: neighbours of a node (default 16)", 2, 64, NULL,
	  0 },
	{ NULL, "ef-construction", 0, OPT_COUNT, J(ef_construction), "N",
	  "graph: candidates on insert (default 200)", 1, 4096, NULL, 0 },
	{ NULL, "code", 0, OPT_ENUM, J(code), "CODE",
	  "graph: compact code to walk by: none (default), i8, bf16, b1", 0, 0,
	  "none=0,i8=1,bf16=2,b1=3", 0 },
	{ NULL, "priority", 0, OPT_ENUM, J(priority), "PRIORITY", "medium (default), high, low", 0,
	  0, "medium=0,high=1,low=2", 0 },
	{ NULL, "deadline", 0, OPT_TIME, J(deadline), "TIME", "give up an op after this time", 0, 3600,
	  NULL, 0 },
	{ NULL, "cpus", 0, OPT_TEXT, J(cpus), "LIST",
	  "pin workers to these processors in turn, as 0,2-3", 0, 0, NULL, 0 },
	{ NULL, "data", 0, OPT_TEXT, J(data), "FILE",
	  "vectors from a file (.fvecs, .fbin, .npy...) instead of generated ones", 0, 0, NULL, 0 },
	{ NULL, "seed", 's', OPT_COUNT, J(seed), "N",
	  "seed of all random numbers (default 1): the same ops and data every time", 0, 1e18, NULL, 0 },
	{ NULL, "pages", 0, OPT_ENUM, J(pages), "KIND",
	  "pages of the memory that vectors are sent from: default, small or huge", 0, 0,
	  "default=0,small=1,huge=2", 0 },
	{ NULL, "durability", 0, OPT_ENUM, J(durability), "KIND",
	  "durability of the collection: none (default), async, group or sync; vexfsd is started if it does not run, "
	  "with a store in $TMPDIR", 0, 0, "none=0,async=1,group=2,sync=3", 0 },
	{ NULL, "verify", 0, OPT_FLAG, J(verify), NULL,
	  "compute every answer again in double precision and compare; slow", 0, 0, NULL, 0 },

	{ "Results", "json", 'j', OPT_FLAG, S(json), NULL, "print the result as one JSON value", 0, 0,
	  NULL, 0 },
	{ NULL, "pretty", 'p', OPT_FLAG, S(pretty), NULL, "the same, indented", 0, 0, NULL, 0 },
	{ NULL, "csv", 0, OPT_FLAG, S(csv), NULL, "print the metrics as CSV", 0, 0, NULL, 0 },
	{ NULL, "output", 'o', OPT_TEXT, S(output), "FILE", "write the JSON result to FILE", 0, 0,
	  NULL, 0 },
	{ NULL, "csv-file", 0, OPT_TEXT, S(csv_file), "FILE", "write the metrics as CSV to FILE", 0,
	  0, NULL, 0 },
	{ NULL, "metrics-csv", 0, OPT_TEXT, S(metrics_csv), "FILE",
	  "append a line per job to FILE: benchmark,mean_time_ns,timestamp and more, for trend", 0, 0,
	  NULL, 0 },
	{ NULL, "ndjson", 0, OPT_TEXT, S(ndjson), "FILE",
	  "write a line of JSON per interval to FILE; - is the standard output", 0, 0, NULL, 0 },
	{ NULL, "report", 'r', OPT_TEXT, S(report), "FILE", "write an HTML report, one file", 0, 0,
	  NULL, 0 },
	{ NULL, "quiet", 'q', OPT_FLAG, S(quiet), NULL, "no status line, no tables", 0, 0, NULL, 0 },

	{ "Baselines and comparison", "save-baseline", 0, OPT_TEXT, S(save_baseline), "NAME",
	  "keep the result under this name", 0, 0, NULL, 0 },
	{ NULL, "keep", 0, OPT_TEXT, S(keep), "NAME",
	  "also keep the result in the history, where vexctl results lists it", 0, 0, NULL, 0 },
	{ NULL, "baseline", 0, OPT_TEXT, S(baseline), "NAME",
	  "compare with this baseline or result file afterwards", 0, 0, NULL, 0 },
	{ NULL, "results", 0, OPT_TEXT, S(results), "DIR",
	  "where baselines are kept (default: see FILES)", 0, 0, NULL, 0 },
	{ NULL, "history", 0, OPT_TEXT, S(history), "FILE",
	  "another history than that of FILES: what --keep, exec and batch write, and trend, list, summary "
	  "and insights read", 0, 0, NULL, 0 },
	{ NULL, "only-changed", 0, OPT_FLAG, S(only_changed), NULL,
	  "leave out what is unchanged", 0, 0, NULL, 0 },
	{ NULL, "format", 0, OPT_TEXT, S(format_text), "FORMAT",
	  "format of a comparison: table (default), markdown, csv, json; of exec: as in time(1), with "
	  "%e, %U, %S, %P, %M and the like", 0, 0, NULL, 0 },
	{ NULL, "alpha", 0, OPT_NUMBER, S(alpha), "A",
	  "chance of a false verdict over all metrics (default 0.05)", 0.0001, 0.5, NULL, 0 },
	{ NULL, "min-effect", 0, OPT_NUMBER, S(min_effect), "E",
	  "changes below this do not matter (default 0.05); regressions above it warn", 0, 0.9, NULL,
	  0 },
	{ NULL, "fail-effect", 0, OPT_NUMBER, S(fail_effect), "E",
	  "regressions from this size on fail (default 0.10)", 0, 0.9, NULL, 0 },
	{ NULL, "force", 0, OPT_FLAG, S(force), NULL,
	  "compare results of different machines, kernels or options anyway", 0, 0, NULL, 0 },
	{ NULL, "interleave", 0, OPT_FLAG, S(interleave), NULL,
	  "compare: A and B are settings (simd=auto simd=scalar), run in turn", 0, 0, NULL, 0 },
	{ NULL, "calibrate", 0, OPT_FLAG, S(calibrate), NULL,
	  "noise: how often verdicts are wrong, and how often right, from drawn values; --report gets the curves (SVG)",
	  0, 0, NULL, 0 },

	{ "Run records", "max-time", 0, OPT_TIME, S(max_time), "TIME",
	  "exec, batch: end a program that takes longer", 0.001, 1e7, NULL, 0 },
	{ NULL, "max-memory", 0, OPT_NUMBER, S(max_memory), "BYTES",
	  "exec, batch: end a program whose processes take more together, as 512M", 4096, 1e15, NULL,
	  0 },
	{ NULL, "sample", 0, OPT_TIME, S(sample), "TIME",
	  "exec, batch: how often memory is read (default 0.1s)", 0.001, 3600, NULL, 0 },
	{ NULL, "every", 0, OPT_TIME, S(every), "TIME",
	  "exec: run again after this time, until a signal or --repeat ends it", 0.01, 1e7, NULL, 0 },
	{ NULL, "jobs", 0, OPT_COUNT, S(jobs), "N", "batch: run N programs at a time (default 1)", 1,
	  256, NULL, 0 },
	{ NULL, "tag", 0, OPT_TEXT, S(tag), "TEXT", "exec, batch: a word kept with the record", 0, 0,
	  NULL, 0 },
	{ NULL, "pass-output", 0, OPT_FLAG, S(pass_output), NULL,
	  "batch: show what the programs print", 0, 0, NULL, 0 },
	{ NULL, "export", 0, OPT_TEXT, S(export_dir), "DIR",
	  "report without a result: write the records, their summary and insights into DIR, six files",
	  0, 0, NULL, 0 },

	{ "Profiles", "profile-time", 0, OPT_TIME, S(profile_time), "TIME",
	  "run each job for this time, for any profiler: without warming up, and nothing is "
	  "compared or kept as a baseline", 0.05, 1e7, NULL, 0 },
	{ NULL, "flamegraph", 0, OPT_TEXT, S(flamegraph), "FILE",
	  "run, exec: sample stacks by perf during the measurement, and draw them (SVG)", 0, 0, NULL, 0 },
	{ NULL, "perf-stat", 0, OPT_FLAG, S(perf_stat), NULL,
	  "run, exec: the processor's counters, with instructions per cycle and misses per op; names the "
	  "counters that this machine lacks", 0, 0, NULL, 0 },
	{ NULL, "massif", 0, OPT_TEXT, S(massif), "FILE",
	  "exec: run the program under valgrind's massif, which writes FILE", 0, 0, NULL, 0 },

	{ "Searching history", "build", 0, OPT_TEXT, S(build_command), "COMMAND",
	  "bisect: builds a commit, in its work tree (default: make -s build/bin/vexstress)", 0, 0,
	  NULL, 0 },
	{ NULL, "measure", 0, OPT_TEXT, S(measure_command), "COMMAND",
	  "bisect: measures it; leaves a result in $VEXSTRESS_RESULT where the metric is of one "
	  "(default: a smoke run of the metric's job in the lab $LAB or uml)", 0, 0, NULL, 0 },

	{ "Where", "device", 0, OPT_TEXT, S(device), "PATH", "the device (default /dev/vexfs)", 0, 0,
	  NULL, 0 },
	{ NULL, "debugfs", 0, OPT_TEXT, S(debugfs), "DIR",
	  "the module's debugfs directory (default /sys/kernel/debug/vexfs)", 0, 0, NULL, 0 },
	{ NULL, "lab", 0, OPT_TEXT, S(lab), "NAME",
	  "name of the lab for the fingerprint (default $VEXFS_LAB, or what is found)", 0, 0, NULL,
	  0 },
	{ NULL, "no-kernel-log", 0, OPT_FLAG, S(no_klog), NULL, "do not watch the kernel log", 0, 0,
	  NULL, 0 },
	{ NULL, "help", 'h', OPT_FLAG, S(help), NULL, "this text", 0, 0, NULL, 0 },
	{ NULL, "version", 'V', OPT_FLAG, S(version), NULL, "version", 0, 0, NULL, 0 },
	{ NULL, "man-options", 0, OPT_FLAG, S(man), NULL,
	  "the options in manual page format, for the build", 0, 0, NULL, 0 },
};

#define NOPTIONS (ARRAY_SIZE(options))

void vx_job_defaults(struct vx_job *job)
{
	memset(job, 0, sizeof(*job));
	job->batch = 1;
	job->depth = 32;
	job->k = 10;
	job->dim = 128;
	job->type = VEXFS_TYPE_F32;
	job->seed = 1;
	job->recall = job->recall_filtered = -1;
}

static int parse_number(const char *text, double *out)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (end == text || errno || !isfinite(v))
		return -1;
	switch (*end) {
	case 'k':
		v *= 1e3;
		end++;
		break;
	case 'M':
		v *= 1e6;
		end++;
		break;
	case 'G':
		v *= 1e9;
		end++;
		break;
	}
	*out = v;
	return *end ? -1 : 0;
}

static int parse_time(const char *text, double *out)
{
	static const struct { const char *unit; double factor; } units[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 },
		{ "m", 60 }, { "min", 60 }, { "h", 3600 },
	};
	size_t i;
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (end == text || errno || !isfinite(v))
		return -1;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(end, units[i].unit)) {
			*out = v * units[i].factor;
			return 0;
		}
	}
	return -1;
}

static int parse_choice(const struct option *o, const char *value, unsigned int *out,
			char *why, size_t size)
{
	const char *names[16], *near;
	char copy[128], *p, *save, *eq;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", o->choices);
	for (p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		eq = strchr(p, '=');
		*eq = 0;
		if (!strcmp(p, value)) {
			*out = (unsigned int)atoi(eq + 1);
			return 0;
		}
		names[n++] = p;
	}
	near = nearest_name(value, names, n);
	snprintf(why, size, "'%s' is not a value of %s%s%s%s", value, o->name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -1;
}

static int store(const struct option *o, void *base, const char *value, char *why, size_t size)
{
	void *field = (char *)base + (o->where & ~(size_t)IN_JOB);
	double v;

	switch (o->type) {
	case OPT_FLAG:
		if (!value || !strcmp(value, "1") || !strcmp(value, "yes") || !strcmp(value, "true"))
			*(bool *)field = true;
		else if (!strcmp(value, "0") || !strcmp(value, "no") || !strcmp(value, "false"))
			*(bool *)field = false;
		else
			goto refuse;
		return 0;
	case OPT_SET:
		if (*(unsigned int *)field && *(unsigned int *)field != o->value) {
			snprintf(why, size, "only one of --smoke, --quick, --full and --ci can be given");
			return -1;
		}
		*(unsigned int *)field = o->value;
		return 0;
	case OPT_ENUM:
		return parse_choice(o, value, field, why, size);
	case OPT_TEXT:
		if (!*value) {
			snprintf(why, size, "%s needs a value", o->name);
			return -1;
		}
		*(char **)field = strdup(value);
		return *(char **)field ? 0 : -1;
	case OPT_TIME:
		if (parse_time(value, &v))
			goto refuse;
		break;
	default:
		if (parse_number(value, &v))
			goto refuse;
		if (o->type != OPT_NUMBER && v != floor(v))
			goto refuse;
	}
	if (v < o->min || v > o->max) {
		snprintf(why, size, "%s must be %g to %g, not '%s'", o->name, o->min, o->max, value);
		return -1;
	}
	if (o->type == OPT_COUNT)
		*(uint64_t *)field = (uint64_t)v;
	else if (o->type == OPT_UINT)
		*(unsigned int *)field = (unsigned int)v;
	else
		*(double *)field = v;
	return 0;
refuse:
	snprintf(why, size, "%s cannot be '%s': %s is expected", o->name, value,
		 o->type == OPT_TIME ? "a time such as 3s or 200ms" :
		 o->type == OPT_FLAG ? "yes or no" :
		 o->type == OPT_NUMBER ? "a number" : "a whole number");
	return -1;
}

static const struct option *find(const char *name, int job_only, const char **near)
{
	const char *names[NOPTIONS + 2];
	char word[64];
	size_t i, n = 0;
	char *p;

	/* Job files may write think_time, as fio's do. */
	snprintf(word, sizeof(word), "%s", name);
	for (p = word; *p; p++)
		if (*p == '_')
			*p = '-';
	for (i = 0; i < NOPTIONS; i++) {
		if (job_only && !(options[i].where & IN_JOB))
			continue;
		if (!strcmp(word, options[i].name))
			return &options[i];
		names[n++] = options[i].name;
	}
	if (job_only) {
		names[n++] = "workload";
		names[n++] = "wait";
	}
	if (near)
		*near = nearest_name(word, names, n);
	return NULL;
}

bool vx_option_is_job_key(const char *key)
{
	return find(key, 1, NULL);
}

int vx_option_set(struct vx_job *job, const char *key, const char *value, char *why, size_t size)
{
	const char *near = NULL;
	const struct option *o = find(key, 1, &near);

	if (!o) {
		snprintf(why, size, "unknown key '%s'%s%s%s", key,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return -1;
	}
	if (!value && o->type != OPT_FLAG) {
		snprintf(why, size, "%s needs a value", o->name);
		return -1;
	}
	return store(o, job, value, why, size);
}

static int option_word(const struct option *o, const char *value, struct vx_job *job)
{
	char why[300] = "";

	if (!store(o, o->where & IN_JOB ? (void *)job : (void *)&vx_set, value, why, sizeof(why)))
		return 0;
	vx_say("--%s", why[0] ? why : "out of memory");
	return -1;
}

int vx_options_parse(int argc, char **argv, struct vx_job *job)
{
	int i, rest = 0;
	size_t k;

	for (i = 0; i < argc; i++) {
		const struct option *o = NULL;
		const char *value = NULL, *near = NULL;
		char name[64];

		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[rest++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			for (i++; i < argc; i++)
				argv[rest++] = argv[i];
			break;
		}
		if (argv[i][1] == '-') {
			const char *eq = strchr(argv[i], '=');
			size_t len = eq ? (size_t)(eq - argv[i]) - 2 : strlen(argv[i]) - 2;

			snprintf(name, sizeof(name), "%.*s", (int)len, argv[i] + 2);
			value = eq ? eq + 1 : NULL;
			o = find(name, 0, &near);
			if (!o) {
				vx_say("unknown option --%s%s%s%s", name,
				       near ? "; did you mean --" : "", near ? near : "",
				       near ? "?" : "");
				return -1;
			}
			if (!strcmp(o->name, "target") && value) {
				/* --target=FILE */
				vx_set.target = true;
				vx_set.target_file = strdup(value);
				continue;
			}
		} else {
			for (k = 0; k < NOPTIONS; k++)
				if (options[k].letter && options[k].letter == argv[i][1])
					o = &options[k];
			if (!o) {
				vx_say("unknown option -%c; see vexstress --help", argv[i][1]);
				return -1;
			}
			if (argv[i][2]) {
				if (o->type != OPT_FLAG) {
					value = argv[i] + 2;
				} else {
					/* -jp is -j -p */
					if (option_word(o, NULL, job))
						return -1;
					memmove(argv[i] + 1, argv[i] + 2, strlen(argv[i] + 2) + 1);
					i--;
					continue;
				}
			}
		}
		if (o->type == OPT_FLAG || o->type == OPT_SET) {
			if (value) {
				vx_say("--%s takes no value", o->name);
				return -1;
			}
		} else if (!value) {
			if (i + 1 >= argc) {
				vx_say("--%s needs a value (%s)", o->name, o->arg);
				return -1;
			}
			value = argv[++i];
		}
		if (option_word(o, value, job))
			return -1;
	}
	return rest;
}

int vx_options_format(void)
{
	static const struct option format = { .name = "format",
					      .choices = "table=0,markdown=1,csv=2,json=3" };
	char why[300];

	if (!vx_set.format_text ||
	    !parse_choice(&format, vx_set.format_text, &vx_set.format, why, sizeof(why)))
		return 0;
	vx_say("--%s", why);
	return -1;
}

int vx_options_finish(void)
{
	static const struct { uint64_t samples; double warmup, measure; } profiles[] = {
		[VX_PROFILE_NONE] = { 50, 3, 10 },
		[VX_PROFILE_SMOKE] = { 10, 0.2, 0.5 },
		[VX_PROFILE_QUICK] = { 10, 1, 3 },
		[VX_PROFILE_FULL] = { 100, 5, 60 },
		[VX_PROFILE_CI] = { 10, 1, 3 },
	};

	if (vx_set.profile_time > 0) {
		if (vx_set.save_baseline || vx_set.baseline || vx_set.target) {
			vx_say("--profile-time is for a profiler: nothing is judged or kept");
			return -1;
		}
		vx_set.measure = vx_set.profile_time;
		vx_set.warmup = 0;
	}
	if (vx_set.massif && vx_set.flamegraph) {
		vx_say("--massif and --flamegraph contradict each other: one profiler at a time");
		return -1;
	}
	if (!vx_set.samples)
		vx_set.samples = profiles[vx_set.profile].samples;
	if (vx_set.warmup < 0)
		vx_set.warmup = profiles[vx_set.profile].warmup;
	if (!(vx_set.measure > 0))
		vx_set.measure = profiles[vx_set.profile].measure;
	if (!vx_set.repeat)
		vx_set.repeat = 1;
	if (!vx_set.debugfs)
		vx_set.debugfs = "/sys/kernel/debug/vexfs";
	if (vx_set.pretty)
		vx_set.json = true;
	if (vx_set.fail_effect < vx_set.min_effect)
		vx_set.fail_effect = vx_set.min_effect;
	if (vx_set.json && vx_set.csv) {
		vx_say("--json and --csv both want the standard output; use --csv-file FILE");
		return -1;
	}
	if (vx_set.json && vx_set.ndjson && !strcmp(vx_set.ndjson, "-")) {
		vx_say("--json and --ndjson - both want the standard output; give --ndjson a file");
		return -1;
	}
	if ((vx_set.target_file || vx_set.target_set) && !vx_set.target) {
		vx_say("--target-set and --target-file go with --target");
		return -1;
	}
	if (vx_set.target && vx_set.jobfile) {
		vx_say("--target runs its own standard jobs; it cannot be given with --job");
		return -1;
	}
	return 0;
}

int vx_job_check(const struct vx_job *job, char *why, size_t size)
{
	if (!job->workload)
		snprintf(why, size, "there is no workload");
	else if (job->ops && job->duration > 0)
		snprintf(why, size, "ops and duration contradict each other: give one of them");
	else if (job->rate > 0 && job->think > 0)
		snprintf(why, size, "rate (open loop) and think-time (closed loop) contradict each other");
	else if (job->workload->transport != VX_CALL && (job->batch != 1 || job->think > 0))
		snprintf(why, size, "%s has many ops in flight, of one vector or query each: give depth instead of batch and think-time",
			 job->workload->name);
	/* Each op in flight has a vector of its own, drawn from those that are left. */
	else if (job->workload->transport != VX_CALL &&
		 (job->vectors ? job->vectors : job->workload->vectors) <
		 2 * job->depth * (job->threads ? job->threads : 1))
		snprintf(why, size, "a depth of %llu needs twice as many vectors for each worker",
			 (unsigned long long)job->depth);
	else if (job->arrival == VX_POISSON && !(job->rate > 0))
		snprintf(why, size, "arrival=poisson needs a rate");
	else if ((job->type == VEXFS_TYPE_F16 || job->type == VEXFS_TYPE_BF16) &&
		 job->metric == VEXFS_METRIC_L1)
		snprintf(why, size, "metric l1 goes with f32, i8 and u8");
	else if (job->type != VEXFS_TYPE_B1 && (job->metric == VEXFS_METRIC_HAMMING ||
						job->metric == VEXFS_METRIC_JACCARD))
		snprintf(why, size, "metrics hamming and jaccard go with type b1");
	else if (job->type == VEXFS_TYPE_B1 && job->metric && job->metric != VEXFS_METRIC_HAMMING &&
		 job->metric != VEXFS_METRIC_JACCARD)
		snprintf(why, size, "type b1 goes with metrics hamming and jaccard");
	else if (job->workload->needs_index != VEXFS_INDEX_GRAPH && job->code)
		snprintf(why, size, "code is for workloads with a graph, and %s has none",
			 job->workload->name);
	else if (job->code && job->type != VEXFS_TYPE_F32)
		snprintf(why, size, "code goes with type f32");
	else if (job->workload->mounted && (job->batch != 1 || job->type != VEXFS_TYPE_F32))
		snprintf(why, size, "%s goes with type f32 and one vector an op",
			 job->workload->name);
	else if (job->vectors && job->vectors < (job->threads ? job->threads : 1) * job->batch)
		snprintf(why, size, "%llu vectors are too few for %u threads with batches of %llu",
			 (unsigned long long)job->vectors, job->threads,
			 (unsigned long long)job->batch);
	else
		return 0;
	return -1;
}

void vx_usage(FILE *out)
{
	const struct vx_workload *wl;
	const struct vx_suite *suite;
	size_t i;

	fputs("usage: vexstress [OPTION...] --target [FILE]\n"
	      "       vexstress [OPTION...] [run] WORKLOAD-OR-SUITE... | --job FILE\n"
	      "       vexstress compare A B [C...] | compare --interleave KEY=V KEY=V [WORKLOAD]\n"
	      "       vexstress noise | ablate | sweep KEY=a,b,c  [OPTION...] [WORKLOAD]\n"
	      "       vexstress report RESULT -o FILE.html\n"
	      "       vexstress exec [OPTION...] -- COMMAND... | batch DIR [PATTERN]\n"
	      "       vexstress trend [METRICS.csv | --history FILE] [BENCHMARK...]\n"
	      "       vexstress bisect GOOD BAD -- METRIC\n"
	      "       vexstress flamegraph [STACKS] [-o FILE.svg]\n"
	      "       vexstress list | summary | insights [PROGRAM] | report [--export DIR]\n"
	      "       vexstress prune | archive [-- OPTION-OF-VEXCTL-RESULTS...]\n\n"
	      "Measures the loaded vexfs module and compares it with its targets.\n\n"
	      "Workloads\n", out);
	for (i = 0; (wl = vx_workload_at(i)); i++)
		fprintf(out, "  %-10s %s\n", wl->name, wl->summary);
	fputs("\nSuites\n", out);
	for (i = 0; (suite = vx_suite_at(i)); i++)
		fprintf(out, "  %-10s %s\n", suite->name, suite->summary);
	for (i = 0; i < NOPTIONS; i++) {
		const struct option *o = &options[i];
		char left[64];

		if (!strcmp(o->name, "man-options"))
			continue;
		if (o->section)
			fprintf(out, "\n%s\n", o->section);
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : " ",
			 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		if (strlen(left) > 26)
			fprintf(out, "  %s\n  %-26s %s\n", left, "", o->help);
		else
			fprintf(out, "  %-26s %s\n", left, o->help);
	}
	fputs("\nExit codes: 0 nothing missed, 1 a target missed or a regression, 2 usage, 3 module\n"
	      "or device missing, 4 wrong answers, 5 alarms in the kernel log, 6 cannot tell (with\n"
	      "--strict), 128+n ended by signal n. See vexstress(1) for job files, metrics and results.\n", out);
}

/* Manual page text: '-' must be written so that it can be copied. */
static void man_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '-')
			fputs("\\-", out);
		else if (*s == '\\')
			fputs("\\e", out);
		else
			fputc(*s, out);
	}
}

void vx_man_options(FILE *out)
{
	const struct vx_workload *wl;
	const struct vx_suite *suite;
	size_t i, k;

	fputs(".SH WORKLOADS\n", out);
	for (i = 0; (wl = vx_workload_at(i)); i++) {
		fprintf(out, ".TP\n.B %s\n", wl->name);
		man_text(out, wl->summary);
		fputs(".\nOne op: ", out);
		man_text(out, wl->one_op);
		fputs(".\nMix: ", out);
		for (k = 0; wl->kinds[k].name; k++)
			fprintf(out, "%s%s %u %%", k ? ", " : "", wl->kinds[k].name,
				wl->kinds[k].share);
		fputs(".\n", out);
	}
	fputs(".SH SUITES\n", out);
	for (i = 0; (suite = vx_suite_at(i)); i++) {
		fprintf(out, ".TP\n.B %s\n", suite->name);
		man_text(out, suite->summary);
		fputs(".\n", out);
	}
	fputs(".SH OPTIONS\n", out);
	for (i = 0; i < NOPTIONS; i++) {
		const struct option *o = &options[i];

		if (!strcmp(o->name, "man-options"))
			continue;
		if (o->section)
			fprintf(out, ".SS %s\n", o->section);
		fputs(".TP\n", out);
		if (o->letter)
			fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", out);
		man_text(out, o->name);
		fputs("\\fR", out);
		if (o->arg)
			fprintf(out, " \\fI%s\\fR", o->arg);
		fputc('\n', out);
		man_text(out, o->help);
		fputs(".\n", out);
	}
}
