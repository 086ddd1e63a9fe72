// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that write files for monitoring: rules with the thresholds of vexfs.conf, and
 * results of vexstress as metrics.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "exposition.h"
#include "jsonin.h"
#include "outfile.h"
#include "vexctl.h"

#define CONFIG		"/etc/vexfs/vexfs.conf"
#define METRICS_MAX	(16u << 20)

/* ---- rules ---- */

extern const char rules_begin[], rules_end[];
__asm__(".section .rodata\n"
	".global rules_begin\n.global rules_end\n"
	"rules_begin:\n.incbin \"" VEXCTL_RULES "\"\n"
	"rules_end:\n.byte 0\n.previous\n");

/**
 * struct threshold - a number in the rules
 * @mark: its placeholder, between two '@'
 * @at: offset in struct config
 */
struct threshold {
	const char *mark;
	size_t at;
};

static const struct threshold thresholds[] = {
	{ "FUSE", offsetof(struct config, fuse_floor) },
	{ "VECTOR", offsetof(struct config, vector_floor) },
	{ "SEMANTIC", offsetof(struct config, semantic_floor) },
	{ "POOL", offsetof(struct config, pool_hit_floor) },
};

#define THRESHOLDS	(sizeof(thresholds) / sizeof(thresholds[0]))

static void write_rules(FILE *out, const char *config, const struct config *values)
{
	const char *at = rules_begin, *mark;

	while ((mark = strchr(at, '@'))) {
		const char *end = strchr(mark + 1, '@');
		size_t n = end ? (size_t)(end - mark - 1) : 0, i;
		char number[32];
		double v;

		fwrite(at, 1, (size_t)(mark - at), out);
		for (i = 0; i < THRESHOLDS; i++)
			if (n == strlen(thresholds[i].mark) && !memcmp(mark + 1, thresholds[i].mark, n))
				break;
		if (i < THRESHOLDS) {
			memcpy(&v, (const char *)values + thresholds[i].at, sizeof(v));
			fputs(expo_number(number, v), out);
		} else if (n == 6 && !memcmp(mark + 1, "CONFIG", 6)) {
			fputs(shown(config), out);
		}
		at = end ? end + 1 : mark + 1;
	}
	fputs(at, out);
}

static int run_rules(struct ctl *c)
{
	const char *config = opt_string(c, "config", CONFIG), *to = opt_string(c, "output", NULL);
	struct outfile out = { 0 };
	struct config values;
	char why[400];

	if (opt_given(c, "config") && access(config, R_OK))
		return ctl_refuse(c, EINVAL, "%s: cannot be read: %s", config, strerror(errno));
	if (config_read(config, &values, why, sizeof(why)))
		return ctl_refuse(c, EINVAL, "%s", why);
	if (!to) {
		write_rules(stdout, config, &values);
		return fflush(stdout) ? ctl_refuse(c, EIO, "cannot write: %s", strerror(errno)) : 0;
	}
	if (outfile_open(&out, to, false))
		return ctl_refuse(c, out.error, "%s", out.why);
	write_rules(out.f, config, &values);
	return outfile_commit(&out) ? ctl_refuse(c, out.error, "%s", out.why) : EXIT_OK;
}

/* ---- results of vexstress ---- */

static const char *text_of(const jsonin *o, const char *key)
{
	const char *s = jsonin_text(jsonin_get(o, key));

	return s ? s : "";
}

/* Writes a number of each object in a list, with two labels from the same object. */
static void each(struct expo *e, const jsonin *list, const char *key, const char *as,
		 const char *second)
{
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const jsonin *one = jsonin_at(list, i);
		struct expo_label l[2] = {
			{ as, text_of(one, "name") }, { second, text_of(one, second) },
		};
		double v = jsonin_number(jsonin_get(one, key));

		if (!isnan(v))
			expo_double(e, l, 2, v);
	}
}

static void targets_met(struct expo *e, const jsonin *targets)
{
	for (size_t i = 0; i < jsonin_count(targets); i++) {
		const jsonin *one = jsonin_at(targets, i);
		struct expo_label l = { "name", text_of(one, "name") };

		/* Values that were skipped or are unknown are left out. */
		if (!jsonin_true(jsonin_get(one, "skipped")) &&
		    strcmp(text_of(one, "verdict"), "cannot tell"))
			expo_u64(e, &l, 1, jsonin_true(jsonin_get(one, "pass")));
	}
}

/* "2026-11-29T00:12:00Z"; another offset is ignored. */
static double seconds_of(const char *started)
{
	struct tm tm = { 0 };

	if (!strptime(started, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	return (double)timegm(&tm);
}

static void write_result(struct expo *e, const jsonin *root)
{
	const jsonin *targets = jsonin_get(root, "targets"), *jobs = jsonin_get(root, "jobs");

	expo_family(e, "vexstress_started_timestamp_seconds", EXPO_GAUGE, "seconds",
		    "when the newest run of vexstress began");
	expo_double(e, NULL, 0, seconds_of(text_of(root, "started")));
	expo_family(e, "vexstress_target", EXPO_GAUGE, NULL,
		    "what was promised, in the unit of its label");
	each(e, targets, "target", "name", "unit");
	expo_family(e, "vexstress_target_measured", EXPO_GAUGE, NULL, "what was measured");
	each(e, targets, "measured", "name", "unit");
	expo_family(e, "vexstress_target_met", EXPO_GAUGE, NULL, "1 when the target was met");
	targets_met(e, targets);
	expo_family(e, "vexstress_job_ops_per_second", EXPO_GAUGE, NULL, "ops a second of a job");
	each(e, jobs, "ops_per_s", "jobname", "workload");
	expo_family(e, "vexstress_job_errors", EXPO_GAUGE, NULL, "errors of a job");
	each(e, jobs, "errors", "jobname", "workload");
}

static int run_results(struct ctl *c)
{
	const char *to = opt_string(c, "output", NULL);
	struct outfile out = { 0 };
	struct expo e;
	char why[400];
	jsonin *root;
	int ret;

	root = jsonin_file(c->argv[0], why, sizeof(why));
	if (!root)
		return ctl_refuse(c, EINVAL, "%s", why);
	if (!jsonin_get(root, "jobs")) {
		jsonin_free(root);
		return ctl_refuse(c, EINVAL, "%s is not a result of vexstress", c->argv[0]);
	}
	expo_begin(&e, EXPO_PROMETHEUS, METRICS_MAX);
	write_result(&e, root);
	ret = -expo_end(&e);
	if (ret)
		ret = ctl_refuse(c, ret, "%s", strerror(ret));
	else if (to && outfile_write(&out, to, e.text, e.len))
		ret = ctl_refuse(c, out.error, "%s", out.why);
	else if (!to && (fwrite(e.text, 1, e.len, stdout) != e.len || fflush(stdout)))
		ret = ctl_refuse(c, EIO, "cannot write: %s", strerror(errno));
	expo_free(&e);
	jsonin_free(root);
	return ret;
}

static const struct opt rules_opts[] = {
	{ "config", 0, OPT_STRING, "FILE", "thresholds from here instead of " CONFIG },
	{ "output", 'o', OPT_STRING, "FILE", "write there instead of standard output" },
	{ 0 },
};

static const struct opt results_opts[] = {
	{ "output", 'o', OPT_STRING, "FILE", "write there, a name that ends in .prom for node_exporter" },
	{ 0 },
};

const struct verb monitoring_verbs[] = {
	{ "monitoring rules", "", 0, 0, "print the rules for Prometheus",
	  "Recording rules and alerts, with the thresholds that the section [thresholds] of vexfs.conf "
	  "names: fuse_ops_floor, vector_ops_floor, semantic_ops_floor and pool_hit_floor.", rules_opts, run_rules },
	{ "monitoring results", "RESULT", 1, 1, "print a result of vexstress as metrics",
	  "For node_exporter's textfile collector: targets, what was measured, and rates of jobs.",
	  results_opts, run_results },
	{ 0 },
};
