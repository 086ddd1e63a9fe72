// SPDX-License-Identifier: GPL-2.0
#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *runs[RUNS_MAX];
int nruns;

static void die(const char *path, const char *what)
{
	fprintf(stderr, "bench-peers: %s: %s\n", path, what);
	exit(1);
}

void runs_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	json_error_t err;

	if (!f)
		die(path, "cannot be read");
	while (getline(&line, &size, f) > 0) {
		if (line[0] != '{')
			continue;
		if (nruns == RUNS_MAX)
			die(path, "there are too many runs");
		runs[nruns] = json_loads(line, 0, &err);
		if (!runs[nruns++])
			die(path, err.text);
	}
	free(line);
	fclose(f);
}

const char *run_str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

double run_num(json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

bool run_is_ours(json_t *run)
{
	return !strcmp(run_str(run, "peer"), "vexfs");
}

bool run_on_host(json_t *run)
{
	return !strcmp(run_str(run, "where"), "host");
}

bool run_is_database(json_t *run)
{
	return json_is_true(json_object_get(run, "database"));
}

bool run_in_set(json_t *run, const char *set)
{
	return !strcmp(run_str(run, "set"), set);
}

const char *run_label(json_t *run, char *to, size_t size)
{
	const char *code = run_str(run, "code"), *build = run_str(run, "build");
	bool coded = *code && strcmp(code, "none");

	if (run_is_ours(run))
		snprintf(to, size, "vexfs %s%s%s", run_str(run, "type"), coded ? " by " : "",
			 coded ? code : "");
	else
		snprintf(to, size, "%s %s%s%s%s", run_str(run, "peer"), run_str(run, "version"),
			 *build ? " (" : "", build, *build ? ")" : "");
	return to;
}

double run_at_recall(json_t *run, double recall, const char *what)
{
	json_t *points = json_object_get(run, "points"), *p, *before = NULL;
	size_t i;

	json_array_foreach(points, i, p) {
		double r = run_num(p, "recall");

		if (r >= recall) {
			double r0, f;

			if (!before)
				return r - recall < 0.02 ? run_num(p, what) : NAN;
			r0 = run_num(before, "recall");
			f = r > r0 ? (recall - r0) / (r - r0) : 1;
			return exp(log(run_num(before, what)) * (1 - f) + log(run_num(p, what)) * f);
		}
		before = p;
	}
	return NAN;
}

double run_at_ef(json_t *run, int ef, const char *what)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "points"), i, p)
		if (run_num(p, "ef") == ef)
			return run_num(p, what);
	return NAN;
}

double run_best_recall(json_t *run)
{
	double best = 0;
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "points"), i, p)
		best = fmax(best, run_num(p, "recall"));
	return best;
}

static bool alike(json_t *a, json_t *b)
{
	return !strcmp(run_str(a, "data"), run_str(b, "data")) &&
	       !strcmp(run_str(a, "type"), run_str(b, "type")) &&
	       run_num(a, "build_threads") == run_num(b, "build_threads");
}

/* The index of a library among those with results. */
static struct rows_other *other(struct run_best *best, const char *label)
{
	size_t i;

	for (i = 0; i < best->n; i++)
		if (!strcmp(best->names[i], label))
			return &best->others[i];
	if (best->n == sizeof(best->others) / sizeof(best->others[0]))
		die(label, "there are too many libraries");
	snprintf(best->names[i], sizeof(best->names[i]), "%s", label);
	best->others[i] = (struct rows_other) { .who = best->names[i] };
	return &best->others[best->n++];
}

void run_best_of(json_t *run, const struct run_question *q, struct run_best *best)
{
	int r;

	*best = (struct run_best) { .value = NAN };
	for (r = 0; r < nruns; r++) {
		bool host = run_on_host(runs[r]);
		char label[RUNS_LABEL];
		struct rows_other *o;
		double v, *place;

		if (run_is_ours(runs[r]) || run_is_database(runs[r]) || !alike(run, runs[r]))
			continue;
		v = q->of(runs[r], q);
		if (!(v > 0))
			continue;
		run_label(runs[r], label, sizeof(label));
		o = other(best, label);
		place = host ? &o->host : &o->lab;
		*place = fmax(*place, v);
		if (v > best->value || isnan(best->value)) {
			best->value = v;
			snprintf(best->who, sizeof(best->who), "%s, %s", label, host ? "host" : "lab");
		}
	}
}
