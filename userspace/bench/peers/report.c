// SPDX-License-Identifier: GPL-2.0
/*
 * Reads what peers and ours have printed (one JSON object a line), compares at
 * equal recall, and writes a table, build/bench/peers.json and the plots. A
 * figure that was not measured makes no row.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 256, DATA_MAX = 32 };

static json_t *runs[RUNS_MAX];
static int nruns;
static json_t *rows;

static const char *str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double num(json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static int ours(json_t *run)
{
	return !strcmp(str(run, "peer"), "vexfs");
}

/* A run on the host, where peers are as fast as they can be. */
static int on_host(json_t *run)
{
	return !strcmp(str(run, "where"), "host");
}

static const char *label(json_t *run)
{
	static char names[8][64];
	static int at;
	char *s = names[at = (at + 1) % 8];
	const char *code = str(run, "code");

	snprintf(s, 64, "%s %s%s%s%s", str(run, "peer"), str(run, "type"),
		 *code && strcmp(code, "none") ? " by " : "",
		 *code && strcmp(code, "none") ? code : "", on_host(run) ? " on the host" : "");
	return s;
}

/* Queries a second at @recall, between two measured points; NAN outside of them. */
static double qps_at(json_t *run, double recall)
{
	json_t *points = json_object_get(run, "points"), *p, *before = NULL;
	size_t i;

	json_array_foreach(points, i, p) {
		double r = num(p, "recall");

		if (r >= recall) {
			double r0, f;

			if (!before)
				return r - recall < 0.02 ? num(p, "qps") : NAN;
			r0 = num(before, "recall");
			f = r > r0 ? (recall - r0) / (r - r0) : 1;
			return exp(log(num(before, "qps")) * (1 - f) + log(num(p, "qps")) * f);
		}
		before = p;
	}
	return NAN;
}

static double at_ef(json_t *run, int ef, const char *what)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "points"), i, p)
		if (num(p, "ef") == ef)
			return num(p, what);
	return NAN;
}

static void row(const char *name, const char *peer, const char *unit, double our, double their,
		double goal, int pass)
{
	if (isnan(our) || isnan(their))
		return;
	if (pass < 0)
		pass = our / their >= goal;
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:b}",
					      "name", name, "peer", peer, "unit", unit, "ours", our,
					      "theirs", their, "ratio", our / their, "goal", goal,
					      "pass", pass));
	/* a row without a goal is there to be seen */
	printf("%-46s %-14s %12.4g %12.4g %8.2f", name, peer, our, their, our / their);
	if (goal > 0)
		printf(" %8.2f  %s", goal, pass ? "ok" : "MISSED");
	printf("\n");
}

static int same_set(json_t *a, json_t *b)
{
	return !strcmp(str(a, "data"), str(b, "data"));
}

static int alike(json_t *a, json_t *b)
{
	return same_set(a, b) && num(a, "build_threads") == num(b, "build_threads") &&
	       num(a, "threads") == num(b, "threads") && !strcmp(str(a, "type"), str(b, "type"));
}

/* Is @r a peer's run, of the lab or of the host, that is like this one of ours? */
static int theirs(json_t *run, json_t *r, int host)
{
	return !ours(r) && alike(run, r) && on_host(r) == host;
}

/*
 * One of our runs against the best of the peers' runs like it: those in the same lab,
 * for which the goals are, or those on the host, which are there to be seen.
 */
static void compare(json_t *run, int host)
{
	const char *where = host ? ", peer on the host" : "";
	static const double recalls[] = { 0.85, 0.90, 0.95 };
	static const int efs[] = { 64, 128 };
	/* walking by bf16 is there to be seen beside i8, which takes half the memory */
	double goal = host || !strcmp(str(run, "code"), "bf16") ? 0 : 1.5;
	double best = NAN, build;
	char name[128];
	const char *who = "";
	size_t i;
	int r;

	/* one point is there for the growth and the build only */
	for (i = 0; i < 3 && json_array_size(json_object_get(run, "points")) > 1; i++) {
		for (best = NAN, r = 0; r < nruns; r++) {
			double q = theirs(run, runs[r], host) ? qps_at(runs[r], recalls[i]) : NAN;

			if (!isnan(q) && !(q <= best)) {
				best = q;
				who = str(runs[r], "peer");
			}
		}
		snprintf(name, sizeof(name), "%s %s: search at recall %.2f%s", str(run, "data"),
			 label(run), recalls[i], where);
		row(name, who, "queries/s", qps_at(run, recalls[i]), best, goal, -1);
	}
	for (build = NAN, r = 0; r < nruns; r++) {
		/* an index that was read from a file was not built in this run */
		if (!theirs(run, runs[r], host) ||
		    !json_object_get(runs[r], "build_per_s") || num(runs[r], "build_per_s") <= build)
			continue;
		build = num(runs[r], "build_per_s");
		who = str(runs[r], "peer");
	}
	snprintf(name, sizeof(name), "%s %s: build, %.0f thread%s%s", str(run, "data"), label(run),
		 num(run, "build_threads"), num(run, "build_threads") > 1 ? "s" : "", where);
	row(name, who, "vectors/s", num(run, "build_per_s"), build, host ? 0 : 1.3, -1);
	/* what is found does not depend on where */
	for (i = 0; i < 2 && !host; i++) {
		double our = at_ef(run, efs[i], "recall");

		for (best = NAN, r = 0; r < nruns; r++) {
			double q = theirs(run, runs[r], host) ? at_ef(runs[r], efs[i], "recall") : NAN;

			if (!isnan(q) && !(q <= best)) {
				best = q;
				who = str(runs[r], "peer");
			}
		}
		snprintf(name, sizeof(name), "%s %s: recall at ef %d", str(run, "data"), label(run),
			 efs[i]);
		row(name, who, "recall@10", our, best, (best - 0.005) / best, -1);
	}
}

/* Figures of ours that are held against other figures of ours. */
static void against_ourselves(json_t *run)
{
	json_t *f, *t = json_object_get(run, "turnover"), *two = json_object_get(run, "two");
	char name[128];
	size_t i;

	if (two) {
		snprintf(name, sizeof(name), "%s %s: search, two threads", str(run, "data"), label(run));
		row(name, "one thread", "queries/s", num(two, "search_two"), num(two, "search_one"),
		    1.8, -1);
		snprintf(name, sizeof(name), "%s %s: build, two threads", str(run, "data"), label(run));
		row(name, "one thread", "vectors/s", num(two, "build_two"), num(two, "build_one"), 1.6,
		    -1);
	}
	json_array_foreach(json_object_get(run, "filtered"), i, f) {
		snprintf(name, sizeof(name), "%s %s: filtered to %.1f %%, %.0f a request (%s)",
			 str(run, "data"), label(run), num(f, "percent"), num(f, "block"),
			 str(f, "plan"));
		/* where the plan is that scan, the two do the same and differ by chance */
		row(name, "scan of matches", "queries/s", num(f, "qps"), num(f, "scan_qps"),
		    strcmp(str(f, "plan"), "scan-matches") ? 1.0 : 0.97, -1);
		snprintf(name, sizeof(name), "%s %s: filtered to %.1f %%, %.0f a request, recall",
			 str(run, "data"), label(run), num(f, "percent"), num(f, "block"));
		row(name, "scan of matches", "recall@10", num(f, "recall"), 1.0, 0.95,
		    num(f, "recall") >= 0.95 && !num(f, "queries_short"));
	}
	if (t) {
		snprintf(name, sizeof(name), "%s %s: recall after %.0f turnovers", str(run, "data"),
			 label(run), num(t, "rounds"));
		row(name, "fresh", "recall@10", num(t, "recall"), num(t, "recall_fresh"),
		    1 - 0.005 / num(t, "recall_fresh"),
		    num(t, "recall") >= num(t, "recall_fresh") - 0.005 && !num(t, "faults"));
		snprintf(name, sizeof(name), "%s %s: memory after %.0f turnovers", str(run, "data"),
			 label(run), num(t, "rounds"));
		row(name, "fresh", "bytes", num(t, "bytes"), num(t, "bytes_fresh"), 1.1,
		    num(t, "bytes") <= 1.1 * num(t, "bytes_fresh"));
	}
}

/* What a type, and a code, costs and brings: memory with the graph, recall, speed. */
static void print_types(void)
{
	int r;

	printf("\n%-34s %12s %12s %9s %9s %9s %9s\n", "", "bytes/vector", "of the graph",
	       "recall 64", "queries/s", "recall128", "queries/s");
	for (r = 0; r < nruns; r++) {
		char name[128];

		if (!ours(runs[r]) || isnan(at_ef(runs[r], 128, "qps")))
			continue;
		snprintf(name, sizeof(name), "%s %s", str(runs[r], "data"), label(runs[r]));
		printf("%-34s %12.0f %12.0f %9.4f %9.0f %9.4f %9.0f\n", name,
		       num(runs[r], "bytes") / num(runs[r], "n"),
		       num(runs[r], "index_bytes") / num(runs[r], "n"),
		       at_ef(runs[r], 64, "recall"), at_ef(runs[r], 64, "qps"),
		       at_ef(runs[r], 128, "recall"), at_ef(runs[r], 128, "qps"));
	}
}

/* ---- growth with the number of vectors ---- */

static json_t *grown(const char *peer, double n)
{
	json_t *best = NULL;
	int r;

	for (r = 0; r < nruns; r++)
		if (!on_host(runs[r]) && !strcmp(str(runs[r], "peer"), peer) && !strcmp(str(runs[r], "type"), "f32") &&
		    (!*str(runs[r], "code") || !strcmp(str(runs[r], "code"), "none")) &&
		    num(runs[r], "dim") == 100 && num(runs[r], "n") == n && num(runs[r], "threads") == 1)
			best = runs[r];
	return best;
}

static void growth(void)
{
	json_t *a = grown("vexfs", 10000), *b = grown("vexfs", 300000);
	json_t *c = grown("hnswlib", 10000), *d = grown("hnswlib", 300000);
	double our, their;

	if (!a || !b || !c || !d)
		return;
	our = at_ef(a, 64, "qps") / at_ef(b, 64, "qps");
	their = at_ef(c, 64, "qps") / at_ef(d, 64, "qps");
	row("cost of a search, 300,000 against 10,000", "hnswlib", "times", our, their, 1.0,
	    our <= their);
}

/* ---- plots ---- */

static const char *const colours[] = { "#c0392b", "#2471a3", "#1e8449", "#b9770e", "#6c3483", "#34495e",
				       "#d35400", "#16a085" };

static FILE *svg_open(const char *dir, const char *data, const char *title, const char *x,
		      const char *y)
{
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s/peers-%s.svg", dir, data);
	f = fopen(name, "w");
	if (!f) {
		perror(name);
		exit(1);
	}
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"480\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"760\" height=\"480\" fill=\"white\"/>\n"
		"<text x=\"380\" y=\"22\" text-anchor=\"middle\" font-size=\"15\">%s</text>\n"
		"<text x=\"310\" y=\"468\" text-anchor=\"middle\">%s</text>\n"
		"<text x=\"16\" y=\"240\" text-anchor=\"middle\" transform=\"rotate(-90 16 240)\">%s</text>\n"
		"<path d=\"M70 40V430H570\" fill=\"none\" stroke=\"black\"/>\n", title, x, y);
	return f;
}

static double place(double v, double lo, double hi, double from, double to, int logarithmic)
{
	if (logarithmic) {
		v = log(v);
		lo = log(lo);
		hi = log(hi);
	}
	return from + (v - lo) / (hi - lo) * (to - from);
}

static void plot_recall(const char *dir, const char *data)
{
	double qlo = 1e30, qhi = 0, v;
	json_t *p;
	int r, line = 0;
	size_t i;
	FILE *f;

	for (r = 0; r < nruns; r++)
		json_array_foreach(json_object_get(runs[r], "points"), i, p)
			if (!strcmp(str(runs[r], "data"), data) && num(runs[r], "threads") == 1) {
				qlo = fmin(qlo, num(p, "qps"));
				qhi = fmax(qhi, num(p, "qps"));
			}
	if (qhi <= 0)
		return;
	qlo *= 0.8;
	qhi *= 1.25;
	f = svg_open(dir, data, data, "recall@10", "queries a second, one thread (log)");
	for (v = 0.70; v < 1.001; v += 0.05)
		fprintf(f, "<text x=\"%.0f\" y=\"446\" text-anchor=\"middle\">%.2f</text>\n",
			place(v, 0.70, 1.0, 70, 570, 0), v);
	for (v = 100; v < 1e7; v *= 10)
		for (i = 1; i < 10; i += i == 1 ? 1 : i == 2 ? 3 : 5)
			if (v * i >= qlo && v * i <= qhi)
				fprintf(f, "<text x=\"64\" y=\"%.0f\" text-anchor=\"end\">%.0f</text>\n"
					"<path d=\"M70 %.0fH570\" stroke=\"#ddd\"/>\n",
					place(v * i, qlo, qhi, 430, 40, 1) + 4, v * i,
					place(v * i, qlo, qhi, 430, 40, 1));
	for (r = 0; r < nruns; r++) {
		const char *colour = colours[line % 8];
		const char *dash = ours(runs[r]) ? "" : " stroke-dasharray=\"6 3\"";
		int first = 1;

		if (strcmp(str(runs[r], "data"), data) || num(runs[r], "threads") != 1)
			continue;
		fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour, dash);
		json_array_foreach(json_object_get(runs[r], "points"), i, p) {
			if (num(p, "recall") < 0.70)
				continue;
			fprintf(f, "%c%.1f %.1f", first ? 'M' : 'L',
				place(num(p, "recall"), 0.70, 1.0, 70, 570, 0),
				place(num(p, "qps"), qlo, qhi, 430, 40, 1));
			first = 0;
		}
		fprintf(f, "\"/>\n<path d=\"M585 %dh24\" stroke=\"%s\" stroke-width=\"2\"%s/>"
			"<text x=\"615\" y=\"%d\">%s</text>\n", 60 + 20 * line, colour, dash,
			64 + 20 * line, label(runs[r]));
		line++;
	}
	fprintf(f, "</svg>\n");
	fclose(f);
}

static void plot_growth(const char *dir)
{
	static const double sizes[] = { 10000, 30000, 100000, 300000 };
	static const char *const who[] = { "vexfs", "hnswlib" };
	double most = 0, us;
	json_t *run;
	int w, i, n = 0;
	FILE *f;

	for (w = 0; w < 2; w++)
		for (i = 0; i < 4; i++) {
			run = grown(who[w], sizes[i]);
			us = run ? 1e6 / at_ef(run, 64, "qps") : 0;
			most = fmax(most, us);
			n += !!run;
		}
	if (n < 4)
		return;
	most *= 1.1;
	f = svg_open(dir, "growth", "GloVe-100, ef 64, one thread", "vectors (log)",
		     "microseconds a query");
	for (i = 0; i < 4; i++)
		fprintf(f, "<text x=\"%.0f\" y=\"446\" text-anchor=\"middle\">%.0f</text>\n",
			place(sizes[i], 8000, 400000, 70, 570, 1), sizes[i]);
	for (i = 0; i <= 5; i++)
		fprintf(f, "<text x=\"64\" y=\"%.0f\" text-anchor=\"end\">%.0f</text>\n",
			place(most * i / 5, 0, most, 430, 40, 0) + 4, most * i / 5);
	for (w = 0; w < 2; w++) {
		int first = 1;

		fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colours[w]);
		for (i = 0; i < 4; i++) {
			run = grown(who[w], sizes[i]);
			if (!run)
				continue;
			fprintf(f, "%c%.1f %.1f", first ? 'M' : 'L',
				place(sizes[i], 8000, 400000, 70, 570, 1),
				place(1e6 / at_ef(run, 64, "qps"), 0, most, 430, 40, 0));
			first = 0;
		}
		fprintf(f, "\"/>\n<text x=\"600\" y=\"%d\" fill=\"%s\">%s</text>\n", 64 + 20 * w,
			colours[w], who[w]);
	}
	fprintf(f, "</svg>\n");
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *seen[DATA_MAX];
	char line[65536], name[4096];
	int r, s, nseen = 0, i;
	json_error_t err;
	FILE *f;

	if (argc < 3) {
		fprintf(stderr, "usage: report FOLDER RUNS...\nReads lines of JSON; writes "
			"FOLDER/peers.json and FOLDER/peers-*.svg.\n");
		return 2;
	}
	rows = json_array();
	for (i = 2; i < argc; i++) {
		f = fopen(argv[i], "r");
		if (!f) {
			perror(argv[i]);
			return 1;
		}
		while (fgets(line, sizeof(line), f) && nruns < RUNS_MAX) {
			if (line[0] != '{')
				continue;
			runs[nruns] = json_loads(line, 0, &err);
			if (!runs[nruns++]) {
				fprintf(stderr, "report: %s: %s\n", argv[i], err.text);
				return 1;
			}
		}
		fclose(f);
	}
	printf("%-46s %-14s %12s %12s %8s %8s\n", "", "against", "ours", "theirs", "ratio", "goal");
	for (r = 0; r < nruns; r++)
		if (ours(runs[r]) && num(runs[r], "n") >= 50000)	/* smaller: for the growth */
			compare(runs[r], 0);
	for (r = 0; r < nruns; r++)
		if (ours(runs[r]) && num(runs[r], "n") >= 50000)
			compare(runs[r], 1);
	for (r = 0; r < nruns; r++)
		if (ours(runs[r]))
			against_ourselves(runs[r]);
	growth();
	print_types();
	for (r = 0; r < nruns; r++) {
		for (s = 0; s < nseen && strcmp(seen[s], str(runs[r], "data")); s++)
			;
		if (s < nseen || nseen == DATA_MAX)
			continue;
		seen[nseen++] = str(runs[r], "data");
		plot_recall(argv[1], seen[s]);
	}
	plot_growth(argv[1]);
	snprintf(name, sizeof(name), "%s/peers.json", argv[1]);
	if (json_dump_file(rows, name, JSON_INDENT(1))) {
		fprintf(stderr, "report: cannot write %s\n", name);
		return 1;
	}
	return 0;
}
