// SPDX-License-Identifier: GPL-2.0
/*
 * Series of runs: the machine's noise, two settings in turn, optimisations switched off
 * one at a time, the best value of a tunable. Changed module parameters are restored,
 * also when a signal ends the run.
 */
#include "campaign.h"
#include "counters.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct setting {
	char key[64], value[128];
	char before[256];
	bool param, set;
};

/* "KEY=VALUE": a key of a job, or else a parameter of the module. */
static int parse_setting(const char *text, struct setting *s)
{
	const char *eq = strchr(text, '=');

	memset(s, 0, sizeof(*s));
	if (!eq || eq == text || !eq[1] || (size_t)(eq - text) >= sizeof(s->key) ||
	    strlen(eq + 1) >= sizeof(s->value)) {
		vx_say("'%s' is not KEY=VALUE", text);
		return -1;
	}
	memcpy(s->key, text, (size_t)(eq - text));
	strcpy(s->value, eq + 1);
	s->param = !vx_option_is_job_key(s->key);
	if (!s->param)
		return 0;
	if (vx_param_get(s->key, s->before, sizeof(s->before))) {
		vx_say("'%s' is neither a key of a job nor a parameter of the module", s->key);
		return -1;
	}
	vx_param_chosen(s->before);
	return 0;
}

static int apply(struct setting *s, struct vx_job *jobs, size_t n)
{
	char why[300];
	size_t i;

	if (s->param) {
		if (vx_param_set(s->key, s->value)) {
			vx_say("cannot set %s to %s: %s", s->key, s->value, strerror(errno));
			return -1;
		}
		s->set = true;
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (vx_option_set(&jobs[i], s->key, s->value, why, sizeof(why)) ||
		    vx_job_check(&jobs[i], why, sizeof(why))) {
			vx_say("%s", why);
			return -1;
		}
	}
	return 0;
}

static void undo(struct setting *s)
{
	if (s->param && s->set && vx_param_set(s->key, s->before))
		vx_say("cannot set %s back to %s: %s", s->key, s->before, strerror(errno));
	s->set = false;
}

/* What cannot run here is said and kept in the result. */
static void note_skipped(json_t *result, const struct vx_job *job)
{
	json_t *list = json_object_get(result, "skipped");

	vx_say("%s cannot run: %s", job->name, job->note);
	if (!list) {
		list = json_array();
		json_object_set_new(result, "skipped", list);
	}
	json_array_append_new(list, json_pack("{s:o, s:o}", "name", vx_json_text(job->name), "reason",
					      vx_json_text(job->note)));
}

/* The parameter that a job of a suite wants, while it runs. */
static int run_group(struct vx_job **group, size_t n, struct vx_outcome *out)
{
	struct setting s;
	int ret;

	memset(out, 0, n * sizeof(*out));
	if (!group[0]->setting)
		return vx_run_group(group, n, out);
	if (parse_setting(group[0]->setting, &s) || vx_param_set(s.key, s.value)) {
		snprintf(group[0]->note, sizeof(group[0]->note), "%s cannot be set: %s",
			 group[0]->setting, strerror(errno));
		return VX_SKIPPED;
	}
	s.set = true;
	ret = vx_run_group(group, n, out);
	undo(&s);
	return ret;
}

static int take_outcomes(json_t *result, struct vx_job **group, size_t n, struct vx_outcome *out,
			 bool print)
{
	int ret = VX_OK;
	size_t k;

	for (k = 0; k < n; k++) {
		if (!out[k].job)
			continue;
		vx_result_add(result, &out[k]);
		if (print) {
			json_t *jobs = json_object_get(result, "jobs");

			vx_print_outcome(&out[k]);
			counters_print(stdout, json_object_get(json_array_get(jobs, json_array_size(jobs) - 1),
							       "perf"));
		}
		if (out[k].wrong) {
			vx_say("%s: wrong answers: %s", group[k]->name, out[k].message);
			ret = VX_WRONG;
		}
		if (out[k].killed_by)
			ret = 128 + out[k].killed_by;
	}
	return ret;
}

/* Jobs whose neighbours do not wait run at the same time. */
int vx_run_jobs(json_t *result, struct vx_job *jobs, size_t n, bool print)
{
	struct vx_outcome *out = calloc(VX_JOBS_MAX, sizeof(*out));
	struct vx_job *group[VX_JOBS_MAX];
	int ret = VX_OK, r = VX_OK, one;
	size_t i, at = 0, k, ran = 0;

	if (!out)
		return VX_MISSED;
	while (at < n && !vx_signal && r == VX_OK) {
		for (i = 0; at + i < n && (!i || !jobs[at + i].wait); i++)
			group[i] = &jobs[at + i];
		r = run_group(group, i, out);
		if (r == VX_OK) {
			one = take_outcomes(result, group, i, out, print);
			ret = one ? one : ret;
			ran += i;
		}
		for (k = 0; k < i && r == VX_SKIPPED; k++)
			if (group[k]->note[0])
				note_skipped(result, group[k]);
		/* of a suite, the others go on */
		if (r == VX_SKIPPED)
			r = group[0]->suite ? VX_OK : VX_MISSED;
		for (k = 0; k < i; k++)
			vx_outcome_free(&out[k]);
		at += i;
	}
	free(out);
	if (r == VX_OK && !ran && !vx_signal)
		r = VX_MISSED;
	return r != VX_OK ? r : ret;
}

/* One run with a setting, or without when it is NULL. */
static int run_with(struct setting *s, const struct vx_job *jobs, size_t n, json_t *result)
{
	struct vx_job *copy = malloc(n * sizeof(*copy));
	int ret = VX_USAGE;

	if (!copy)
		return VX_MISSED;
	memcpy(copy, jobs, n * sizeof(*copy));
	if (!s || !apply(s, copy, n))
		ret = vx_run_jobs(result, copy, n, false);
	if (s)
		undo(s);
	free(copy);
	return ret;
}

static size_t repetitions(size_t without)
{
	return vx_set.repeat > 1 ? vx_set.repeat : without;
}

static void tell(const char *what, size_t run, size_t of)
{
	if (!vx_set.quiet)
		fprintf(stderr, "%s%s: run %zu of %zu%s", isatty(2) ? "\r\033[K" : "", shown(what), run, of,
			isatty(2) ? "" : "\n");
}

static void told(void)
{
	if (!vx_set.quiet && isatty(2))
		fputs("\r\033[K", stderr);
}

static double value_of(json_t *result, const char *metric)
{
	json_t *m = vx_metric_find(result, metric);

	return m ? json_number_value(json_object_get(m, "value")) : NAN;
}

int vx_cmd_noise(int argc, char **argv, struct vx_job *jobs, size_t n)
{
	size_t runs = repetitions(10), r, i;
	json_t *all, *first = NULL, *m, *noise = json_object(), *old, *v;
	char *dir = NULL, *path = NULL, *differ;
	double *means = malloc(runs * sizeof(*means));
	json_t **results = calloc(runs, sizeof(*results));
	const char *key;
	int ret = VX_OK;

	if (runs < 3) {
		vx_say("noise needs at least 3 repetitions");
		ret = VX_USAGE;
		goto out;
	}
	for (r = 0; r < runs && !vx_signal; r++) {
		tell("noise", r + 1, runs);
		results[r] = vx_result_new(argc, argv);
		ret = run_with(NULL, jobs, n, results[r]);
		if (ret)
			goto out;
		vx_result_metrics(results[r]);
	}
	told();
	if (vx_signal)
		goto out;
	first = results[0];
	if (!vx_set.json)
		printf("%-28s %14s %14s %14s\n", "metric", "mean", "between runs", "noise floor");
	json_array_foreach(json_object_get(first, "metrics"), i, m) {
		const char *name = json_string_value(json_object_get(m, "name"));
		struct vs_noise ns;

		for (r = 0; r < runs; r++)
			means[r] = value_of(results[r], name);
		ns = vs_noise_of(means, runs);
		if (!isfinite(ns.sd) || !isfinite(ns.floor))
			continue;
		json_object_set_new(noise, name, json_pack("{s:f, s:f, s:I}", "sd", ns.sd, "floor",
							   ns.floor, "runs", (json_int_t)runs));
		if (!vx_set.json)
			printf("%-28s %14s %12.2f %% %12.2f %%\n", shown(name),
			       vx_figure(vs_mean(means, runs)), 100 * ns.sd, 100 * ns.floor);
	}
	dir = vx_results_dir(true);
	if (!dir || asprintf(&path, "%s/noise.json", dir) < 0) {
		ret = VX_MISSED;
		goto out;
	}
	/* Results of other jobs on this machine are kept. */
	old = json_load_file(path, 0, NULL);
	differ = old ? vx_fingerprint_differ(json_object_get(old, "fingerprint"),
					     json_object_get(first, "fingerprint")) : NULL;
	if (old && !differ)
		json_object_foreach(json_object_get(old, "noise"), key, v)
			if (!json_object_get(noise, key))
				json_object_set(noise, key, v);
	free(differ);
	json_decref(old);
	all = json_pack("{s:i, s:O, s:O}", "schema_version", VX_SCHEMA_VERSION, "fingerprint",
			json_object_get(first, "fingerprint"), "noise", noise);
	if (vx_write_json(path, all) || (vx_set.json && vx_write_json("-", all)))
		ret = VX_MISSED;
	else if (!vx_set.json)
		printf("\nkept in %s; comparisons respect it\n", shown(path));
	json_decref(all);
out:
	told();
	for (r = 0; results && r < runs; r++)
		json_decref(results[r]);
	free(results);
	free(means);
	free(path);
	free(dir);
	json_decref(noise);
	return ret;
}

int vx_cmd_interleave(int argc, char **argv, const char *a, const char *b, struct vx_job *jobs,
		      size_t n)
{
	size_t runs = repetitions(6), r, k;
	struct setting s[2];
	json_t *result[2] = { NULL, NULL };
	const char *names[2] = { a, b };
	int ret = VX_OK;

	if (parse_setting(a, &s[0]) || parse_setting(b, &s[1]))
		return VX_USAGE;
	result[0] = vx_result_new(argc, argv);
	result[1] = vx_result_new(argc, argv);
	for (r = 0; r < runs && !vx_signal && !ret; r++) {
		for (k = 0; k < 2 && !vx_signal && !ret; k++) {
			/* A B, B A, A B: drift affects both equally. */
			size_t which = (r + k) % 2;

			tell(names[which], r * 2 + k + 1, runs * 2);
			ret = run_with(&s[which], jobs, n, result[which]);
		}
	}
	told();
	if (!ret && !vx_signal) {
		vx_result_metrics(result[0]);
		vx_result_metrics(result[1]);
		ret = vx_compare_results(result, names, 2);
	}
	json_decref(result[0]);
	json_decref(result[1]);
	return ret;
}

/* The optimisations, and the parameters that switch them off. */
static const struct {
	const char *name, *param, *off;
} optimisations[] = {
	{ "SIMD arithmetic", "simd", "scalar" },
	{ "memory pools", "pool_enabled", "0" },
	{ "scratch off the stack", "stack_optimize", "0" },
	{ "parallel scans", "search_threads", "1" },
	{ "search by codes", "search_codes", "0" },
	{ "batching", "search_batching", "0" },
	{ "graph heuristics", "graph_heuristics", "0" },
	{ "accounting", "accounting", "0" },
};

#define NOPT (ARRAY_SIZE(optimisations))

/* The effect of an optimisation on a job. */
struct contribution {
	const char *optimisation, *job;
	struct vs_change change;
};

/* The change of a job's rate from off to on. */
static int contribution(json_t *base, json_t *off, const char *job, const struct vs_rules *rules,
			struct vs_change *change)
{
	struct vs_samples a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	double *on_v, *off_v;
	char metric[128];

	snprintf(metric, sizeof(metric), "%s.ops_per_s", job);
	off_v = vx_metric_samples(vx_metric_find(off, metric), &a.n);
	on_v = vx_metric_samples(vx_metric_find(base, metric), &b.n);
	if (off_v && on_v) {
		a.v = off_v;
		b.v = on_v;
		vs_compare(&a, &b, 0, rules, change);
	}
	free(off_v);
	free(on_v);
	return off_v && on_v ? 0 : -1;
}

static void tell_contribution(const struct contribution *c, json_t *list)
{
	const struct vs_change *x = &c->change;

	if (!vx_set.json)
		printf("%-22s %-12s %12.0f %12.0f %+9.1f %%  %+.1f %% to %+.1f %%  %s\n",
		       c->optimisation, shown(c->job), x->b, x->a, 100 * x->change, 100 * x->low,
		       100 * x->high, x->verdict == VS_IMPROVED ? "helps" :
		       x->verdict == VS_REGRESSED ? "harms" :
		       x->verdict == VS_UNCHANGED ? "makes no difference" : "cannot tell");
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:f, s:f, s:f, s:o, s:o, s:f, s:f, s:s}",
		"optimisation", c->optimisation, "job", c->job,
		"on_ops_per_s", x->b, "off_ops_per_s", x->a, "contribution", x->change,
		"low", isfinite(x->low) ? json_real(x->low) : json_null(),
		"high", isfinite(x->high) ? json_real(x->high) : json_null(),
		"p", x->p, "p_holm", x->p_holm, "verdict", vs_verdict_name(x->verdict)));
}

/* All effects of one run are a family: Holm's correction covers all of them. */
static int contributions(json_t **result, const bool *can, const struct vx_job *jobs, size_t n,
			 json_t *list)
{
	struct contribution *c = calloc(NOPT * n + 1, sizeof(*c));
	struct vs_change *changes = calloc(NOPT * n + 1, sizeof(*changes));
	enum vs_direction *dirs = calloc(NOPT * n + 1, sizeof(*dirs));
	struct vs_rules rules = VS_RULES_DEFAULT;
	size_t i, j, k = 0;
	int ret = -1;

	if (!c || !changes || !dirs)
		goto out;
	rules.alpha = vx_set.alpha;
	rules.min_effect = vx_set.min_effect;
	for (i = 0; i < NOPT; i++) {
		for (j = 0; can[i] && j < n; j++, k++) {
			c[k].optimisation = optimisations[i].name;
			c[k].job = jobs[j].name;
			dirs[k] = VS_HIGHER;
			if (contribution(result[NOPT], result[i], jobs[j].name, &rules, &changes[k]))
				goto out;
		}
	}
	vs_decide_all(changes, dirs, k, &rules);
	for (i = 0; i < k; i++) {
		c[i].change = changes[i];
		tell_contribution(&c[i], list);
	}
	ret = 0;
out:
	free(c);
	free(changes);
	free(dirs);
	return ret;
}

int vx_cmd_ablate(int argc, char **argv, struct vx_job *jobs, size_t n)
{
	json_t *result[NOPT + 1] = { NULL }, *list = json_array(), *all;
	size_t runs = repetitions(5), r, i, there = 0;
	struct setting s[NOPT];
	bool can[NOPT];
	int ret = VX_OK;

	for (i = 0; i < NOPT; i++) {
		char now[256], text[256];

		can[i] = !vx_param_get(optimisations[i].param, now, sizeof(now));
		if (!can[i])
			continue;
		there++;
		snprintf(text, sizeof(text), "%s=%s", optimisations[i].param, optimisations[i].off);
		can[i] = !parse_setting(text, &s[i]);
	}
	for (i = 0; i <= NOPT; i++)
		result[i] = vx_result_new(argc, argv);
	for (r = 0; r < runs && !ret && !vx_signal; r++) {
		for (i = 0; i <= NOPT && !ret && !vx_signal; i++) {
			/* The order rotates, so that drift affects all equally. */
			size_t at = (i + r) % (NOPT + 1);

			if (at < NOPT && !can[at])
				continue;
			tell(at < NOPT ? optimisations[at].name : "all on", r + 1, runs);
			ret = run_with(at < NOPT ? &s[at] : NULL, jobs, n, result[at]);
		}
	}
	told();
	if (ret || vx_signal)
		goto out;
	for (i = 0; i <= NOPT; i++)
		vx_result_metrics(result[i]);
	if (!vx_set.json)
		printf("%-22s %-12s %12s %12s %11s  interval\n", "optimisation", "job", "on, ops/s",
		       "off, ops/s", "contributes");
	if (contributions(result, can, jobs, n, list)) {
		vx_say("no memory");
		ret = VX_MISSED;
		goto out;
	}
	for (i = 0; i < NOPT; i++) {
		if (!can[i] && !vx_set.json)
			printf("%-22s cannot be switched off in this module (no parameter %s)\n",
			       optimisations[i].name, optimisations[i].param);
	}
	if (vx_set.json) {
		all = json_pack("{s:i, s:O, s:O}", "schema_version", VX_SCHEMA_VERSION,
				"fingerprint", json_object_get(result[0], "fingerprint"),
				"contributions", list);
		vx_write_json("-", all);
		json_decref(all);
	}
	if (!there && vx_set.strict)
		ret = VX_CANNOT_TELL;
out:
	for (i = 0; i <= NOPT; i++)
		json_decref(result[i]);
	json_decref(list);
	return ret;
}

#define SWEEP_MAX 32

/* Reads KEY=a,b,c; *key is the caller's to free. */
static int parse_sweep(const char *what, struct setting *s, size_t *values, char **key)
{
	char *eq, *p, *save;

	*key = strdup(what);
	eq = *key ? strchr(*key, '=') : NULL;
	if (!eq || !eq[1]) {
		vx_say("sweep needs KEY=a,b,c");
		return VX_USAGE;
	}
	*eq = 0;
	for (p = strtok_r(eq + 1, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char text[256];

		if (*values == SWEEP_MAX) {
			vx_say("sweep takes at most %d values", SWEEP_MAX);
			return VX_USAGE;
		}
		snprintf(text, sizeof(text), "%s=%s", *key, p);
		if (parse_setting(text, &s[*values]))
			return VX_USAGE;
		(*values)++;
	}
	if (*values < 2) {
		vx_say("sweep needs at least two values");
		return VX_USAGE;
	}
	return VX_OK;
}

/* One row per value: printed, or added to @list. The fastest value is marked. */
static void report_sweep(const struct vx_job *job, const char *key, const struct setting *s,
			 json_t *const *result, size_t values, json_t *list)
{
	char metric[128];
	size_t best = 0, i;

	snprintf(metric, sizeof(metric), "%s.ops_per_s", job->name);
	for (i = 1; i < values; i++)
		if (value_of(result[i], metric) > value_of(result[best], metric))
			best = i;
	for (i = 0; i < values; i++) {
		json_t *found = vx_metric_find(result[i], metric);

		if (!found)
			continue;
		if (!vx_set.json)
			printf("%-12s %s=%-12s %12.0f ops/s  (%.0f to %.0f)%s\n",
			       shown(job->name), shown(key), shown(s[i].value),
			       json_number_value(json_object_get(found, "mean")),
			       json_number_value(json_object_get(found, "ci_low")),
			       json_number_value(json_object_get(found, "ci_high")),
			       i == best ? "  best" : "");
		json_array_append_new(list, json_pack(
			"{s:s, s:o, s:o, s:f, s:f, s:f, s:b}", "job", job->name,
			"key", vx_json_text(key), "value", vx_json_text(s[i].value),
			"ops_per_s", json_number_value(json_object_get(found, "mean")),
			"ci_low", json_number_value(json_object_get(found, "ci_low")),
			"ci_high", json_number_value(json_object_get(found, "ci_high")),
			"best", (int)(i == best)));
	}
}

int vx_cmd_sweep(int argc, char **argv, const char *what, struct vx_job *jobs, size_t n)
{
	struct setting s[SWEEP_MAX];
	json_t *result[SWEEP_MAX] = { NULL }, *list = json_array(), *all;
	size_t runs = repetitions(4), r, i, values = 0;
	char *key = NULL;
	int ret;

	ret = parse_sweep(what, s, &values, &key);
	if (ret)
		goto out;
	for (i = 0; i < values; i++)
		result[i] = vx_result_new(argc, argv);
	for (r = 0; r < runs && !ret && !vx_signal; r++) {
		for (i = 0; i < values && !ret && !vx_signal; i++) {
			size_t at = (i + r) % values;

			tell(s[at].value, r * values + i + 1, runs * values);
			ret = run_with(&s[at], jobs, n, result[at]);
		}
	}
	told();
	if (ret || vx_signal)
		goto out;
	for (i = 0; i < values; i++)
		vx_result_metrics(result[i]);
	for (i = 0; i < n; i++)
		report_sweep(&jobs[i], key, s, result, values, list);
	if (vx_set.json) {
		all = json_pack("{s:i, s:O, s:O}", "schema_version", VX_SCHEMA_VERSION,
				"fingerprint", json_object_get(result[0], "fingerprint"),
				"sweep", list);
		vx_write_json("-", all);
		json_decref(all);
	}
out:
	for (i = 0; i < SWEEP_MAX; i++)
		json_decref(result[i]);
	json_decref(list);
	free(key);
	return ret;
}
