// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the output of ours, library and the database clients, compares at equal recall,
 * and writes a table, FOLDER/peers.json and charts. A library counts with the better of
 * lab and host. A value that was not measured gives no row; a database that could not be
 * measured gives a row with the reason.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plots.h"
#include "runs.h"

static struct rows *rows;

static double of_recall(json_t *run, const struct run_question *q)
{
	return run_at_recall(run, q->recall, q->what);
}

static double of_ef(json_t *run, const struct run_question *q)
{
	return run_at_ef(run, q->ef, q->what);
}

/* An index that was loaded from a file was not built in this run. */
static double of_build(json_t *run, const struct run_question *q)
{
	json_t *rate = json_object_get(run, q->what);

	return rate ? json_number_value(rate) : NAN;
}

static void row(const char *name, const char *peer, const char *unit, double ours, double theirs,
		enum rows_goal kind, double goal)
{
	const struct rows_row r = { .name = name, .peer = peer, .unit = unit, .ours = ours,
				    .theirs = theirs, .kind = kind, .goal = goal };

	if (!isnan(ours) && !isnan(theirs))
		rows_add(rows, &r);
}

static void beside_best(const char *name, const char *unit, double ours, const struct run_best *best,
			enum rows_goal kind, double goal, bool with_others)
{
	const struct rows_row r = { .name = name, .peer = best->who, .unit = unit, .ours = ours,
				    .theirs = best->value, .kind = kind, .goal = goal,
				    .others = best->others, .n_others = with_others ? best->n : 0 };

	if (!isnan(ours) && !isnan(best->value))
		rows_add(rows, &r);
}

/*
 * Libraries answer one query at a time, so the goal is set for that: by time in the
 * kernel, and by the time of the whole call, which in the lab includes a crossing that
 * costs more than in other kernels. Requests with many queries are shown beside.
 */
static void searches(json_t *run, const char *label)
{
	static const double recalls[] = { 0.85, 0.90, 0.95 };
	/* bf16 codes are shown beside i8 codes, which take half the memory */
	enum rows_goal kind = strcmp(run_str(run, "code"), "bf16") ? GOAL_RATIO_AT_LEAST : GOAL_NONE;
	struct run_best best;
	char name[320];
	size_t i;

	for (i = 0; i < 3; i++) {
		const struct run_question q = { .of = of_recall, .recall = recalls[i], .what = "qps" };

		run_best_of(run, &q, &best);
		snprintf(name, sizeof(name), "%s: search at recall %.2f, 1 a request, in the kernel", label,
			 recalls[i]);
		beside_best(name, "queries/s", run_at_recall(run, recalls[i], "kernel_qps"), &best, kind,
			    1.5, true);
		snprintf(name, sizeof(name), "%s: search at recall %.2f, 1 a request, the whole call", label,
			 recalls[i]);
		beside_best(name, "queries/s", run_at_recall(run, recalls[i], "qps"), &best, kind, 1.5,
			    false);
		snprintf(name, sizeof(name), "%s: search at recall %.2f, 50 a request", label, recalls[i]);
		beside_best(name, "queries/s", run_at_recall(run, recalls[i], "qps_batch"), &best,
			    GOAL_NONE, 0, false);
	}
}

static void compare(json_t *run)
{
	static const int efs[] = { 64, 128 };
	const struct run_question built = { .of = of_build, .what = "build_per_s" };
	double threads = run_num(run, "build_threads");
	char label[160], name[320], what[RUNS_LABEL];
	struct run_best best;
	size_t i;

	snprintf(label, sizeof(label), "%s %s", run_str(run, "data"), run_label(run, what, sizeof(what)));
	/* one point: measured for the build only */
	if (json_array_size(json_object_get(run, "points")) > 1)
		searches(run, label);
	run_best_of(run, &built, &best);
	snprintf(name, sizeof(name), "%s: build, %.0f thread%s", label, threads, threads > 1 ? "s" : "");
	beside_best(name, "vectors/s", of_build(run, &built), &best, GOAL_RATIO_AT_LEAST, 1.3, true);
	for (i = 0; i < 2; i++) {
		const struct run_question q = { .of = of_ef, .ef = efs[i], .what = "recall" };

		run_best_of(run, &q, &best);
		snprintf(name, sizeof(name), "%s: recall at ef %d", label, efs[i]);
		beside_best(name, "recall@10", run_at_ef(run, efs[i], "recall"), &best,
			    GOAL_DIFFERENCE_AT_LEAST, -0.005, false);
	}
}

static void filters(json_t *run, const char *label)
{
	char name[320];
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(run, "filtered"), i, f) {
		bool scans = !strcmp(run_str(f, "plan"), "scan-matches");

		snprintf(name, sizeof(name), "%s: filtered to %.1f %%, %.0f a request (%s)", label,
			 run_num(f, "percent"), run_num(f, "block"), run_str(f, "plan"));
		/* if the plan is that scan, both are the same and differ by chance */
		row(name, "scan of matches", "queries/s", run_num(f, "qps"), run_num(f, "scan_qps"),
		    GOAL_RATIO_AT_LEAST, scans ? 0.97 : 1);
		snprintf(name, sizeof(name), "%s: filtered to %.1f %%, %.0f a request, recall", label,
			 run_num(f, "percent"), run_num(f, "block"));
		row(name, "scan of matches", "recall@10", run_num(f, "recall"), 1,
		    GOAL_DIFFERENCE_AT_LEAST, -0.05);
		snprintf(name, sizeof(name), "%s: filtered to %.1f %%, %.0f a request, queries with too few",
			 label, run_num(f, "percent"), run_num(f, "block"));
		row(name, "none", "queries", run_num(f, "queries_short"), 0, GOAL_DIFFERENCE_AT_MOST, 0);
	}
}

/* Results of vexfs that are compared with each other. */
static void against_ourselves(json_t *run)
{
	json_t *t = json_object_get(run, "turnover");
	char label[160], name[320], what[RUNS_LABEL];

	snprintf(label, sizeof(label), "%s %s", run_str(run, "data"), run_label(run, what, sizeof(what)));
	if (json_object_get(run, "search_two")) {
		snprintf(name, sizeof(name), "%s: search, two threads", label);
		row(name, "one thread", "queries/s", run_num(run, "search_two"),
		    run_num(run, "search_one"), GOAL_RATIO_AT_LEAST, 1.8);
		snprintf(name, sizeof(name), "%s: build, two threads", label);
		row(name, "one thread", "vectors/s", run_num(run, "build_two"), run_num(run, "build_one"),
		    GOAL_RATIO_AT_LEAST, 1.6);
	}
	filters(run, label);
	if (!t)
		return;
	snprintf(name, sizeof(name), "%s: recall after %.0f turnovers", label, run_num(t, "rounds"));
	row(name, "fresh", "recall@10", run_num(t, "recall"), run_num(t, "recall_fresh"),
	    GOAL_DIFFERENCE_AT_LEAST, -0.005);
	snprintf(name, sizeof(name), "%s: memory after %.0f turnovers", label, run_num(t, "rounds"));
	row(name, "fresh", "bytes", run_num(t, "bytes"), run_num(t, "bytes_fresh"), GOAL_RATIO_AT_MOST,
	    1.1);
	snprintf(name, sizeof(name), "%s: faults after %.0f turnovers", label, run_num(t, "rounds"));
	row(name, "none", "faults", run_num(t, "faults"), 0, GOAL_DIFFERENCE_AT_MOST, 0);
}

/* What a user might choose instead: one client, each through its usual interface. */
static void database(json_t *run, json_t *d)
{
	static const double recalls[] = { 0.90, 0.95 };
	char label[RUNS_LABEL], name[320], peer[RUNS_LABEL], why[160];
	struct rows_row r = { .name = name, .peer = peer, .unit = "queries/s" };
	size_t i;

	run_label(run, label, sizeof(label));
	run_label(d, peer, sizeof(peer));
	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s %s: one client, recall %.2f, the whole call",
			 run_str(run, "data"), label, recalls[i]);
		r.ours = run_at_recall(run, recalls[i], "qps");
		r.theirs = run_at_recall(d, recalls[i], "qps");
		r.not_measured = NULL;
		if (*run_str(d, "not_measured")) {
			r.not_measured = run_str(d, "not_measured");
		} else if (isnan(r.theirs) || isnan(r.ours)) {
			snprintf(why, sizeof(why), "recall %.2f is outside of what was asked for (up to %.4f, ours %.4f)",
				 recalls[i], run_best_recall(d), run_best_recall(run));
			r.not_measured = why;
		}
		rows_add(rows, &r);
		if (*run_str(d, "not_measured"))
			return;
	}
	if (!json_object_get(d, "build_per_s"))
		return;
	snprintf(name, sizeof(name), "%s %s: one client, build", run_str(run, "data"), label);
	row(name, peer, "vectors/s", run_num(run, "build_per_s"), run_num(d, "build_per_s"), GOAL_NONE, 0);
}

static void databases(void)
{
	int r, d;

	for (d = 0; d < nruns; d++) {
		if (!run_is_database(runs[d]))
			continue;
		for (r = 0; r < nruns; r++)
			if (run_is_ours(runs[r]) && run_in_set(runs[r], "databases") &&
			    !strcmp(run_str(runs[r], "data"), run_str(runs[d], "data")))
				database(runs[r], runs[d]);
	}
}

/* Cost and benefit of types and codes: memory with the graph, recall, speed. */
static void print_types(void)
{
	char label[RUNS_LABEL], name[160];
	int r;

	printf("\n%-34s %12s %12s %9s %9s %9s %9s\n", "1 a request, in the kernel", "bytes/vector",
	       "of the graph", "recall 64", "queries/s", "recall128", "queries/s");
	for (r = 0; r < nruns; r++) {
		json_t *run = runs[r];

		if (!run_is_ours(run) || isnan(run_at_ef(run, 128, "qps")))
			continue;
		snprintf(name, sizeof(name), "%s %s", run_str(run, "data"),
			 run_label(run, label, sizeof(label)));
		printf("%-34s %12.0f %12.0f %9.4f %9.0f %9.4f %9.0f\n", name,
		       run_num(run, "bytes") / run_num(run, "n"),
		       run_num(run, "index_bytes") / run_num(run, "n"), run_at_ef(run, 64, "recall"),
		       run_at_ef(run, 64, "kernel_qps"), run_at_ef(run, 128, "recall"),
		       run_at_ef(run, 128, "kernel_qps"));
	}
}

/* Growth of the cost with 30 times as many vectors. hnswlib counts where it grows less. */
static void growth(double few, double many)
{
	json_t *a = plot_grown("vexfs", few, false), *b = plot_grown("vexfs", many, false);
	double ours, theirs = NAN;
	char name[128];
	int host;

	if (!a || !b)
		return;
	ours = run_at_ef(a, 64, "kernel_qps") / run_at_ef(b, 64, "kernel_qps");
	for (host = 0; host < 2; host++) {
		json_t *c = plot_grown("hnswlib", few, host), *d = plot_grown("hnswlib", many, host);

		if (c && d)
			theirs = fmin(theirs, run_at_ef(c, 64, "qps") / run_at_ef(d, 64, "qps"));
	}
	snprintf(name, sizeof(name), "cost of a search, %.0f against %.0f vectors", many, few);
	row(name, "hnswlib", "times", ours, theirs, GOAL_RATIO_AT_MOST, 1);
}

static void plots(const char *folder)
{
	int r, s;

	for (r = 0; r < nruns; r++) {
		for (s = 0; s < r && strcmp(run_str(runs[s], "data"), run_str(runs[r], "data")); s++)
			;
		if (s == r)
			plot_recall(folder, run_str(runs[r], "data"));
	}
	plot_growth(folder);
}

int main(int argc, char **argv)
{
	char path[4096];
	unsigned int missed;
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: report FOLDER NAME RUNS...\nReads lines of JSON; writes "
			"FOLDER/NAME.json and FOLDER/peers-*.svg.\n");
		return 2;
	}
	for (r = 3; r < argc; r++)
		runs_read(argv[r]);
	snprintf(path, sizeof(path), "%s/%s.json", argv[1], argv[2]);
	rows = rows_open(path);
	for (r = 0; r < nruns; r++)
		if (run_is_ours(runs[r]) && !run_in_set(runs[r], "growth") &&
		    !run_in_set(runs[r], "threads") && !run_in_set(runs[r], "turnover") &&
		    !run_in_set(runs[r], "databases"))
			compare(runs[r]);
	for (r = 0; r < nruns; r++)
		if (run_is_ours(runs[r]))
			against_ourselves(runs[r]);
	growth(10000, 300000);
	growth(1000, 30000);	/* for the small size */
	databases();
	missed = rows_close(rows);
	print_types();
	plots(argv[1]);
	printf("\n%u rows missed their goal\n", missed);
	return 0;
}
