// SPDX-License-Identifier: GPL-2.0
/* trend: levels of each benchmark over its runs, and where they changed. */
#include "trend.h"
#include "exec.h"
#include "trend_file.h"

#include "../analysis/analysis.h"
#include "../svg/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Minimum length of a level in runs; a change needs four times as many. */
#define LEVEL_RUNS	4
/* Runs are left out while more of the machine than this was unavailable to them. */
#define UNAVAILABLE	0.1
/* Runs of a level do not scatter more than that many times as much as those of another. */
#define SCATTER		4
#define CHART_HIGH	260

/* One benchmark: its points stand together in the file that was read. */
struct benchmark {
	const struct trend_point *p;
	size_t n;
	size_t left_out;		/* runs on a machine that was unavailable */
	bool uneven;			/* the runs of its levels scatter too differently */
	size_t changes;			/* SIZE_MAX: too few runs to tell */
	struct change_point change[CHANGES_MAX];
	double first, last;		/* means of its first and last level */
};

static void date(char *to, size_t size, int64_t t)
{
	time_t when = t;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(to, size, "%Y-%m-%d %H:%M", &tm))
		snprintf(to, size, "?");
}

/* How much the runs from @from to @to scatter: their median deviation, as a share. */
static double scatter(const double *v, size_t from, size_t to)
{
	double *known = malloc((to - from + 1) * sizeof(*known)), m, out;
	size_t i, n = 0;

	for (i = from; known && i < to; i++)
		if (!isnan(v[i]))
			known[n++] = v[i];
	m = known ? vs_quantile(known, n, 0.5) : 0;
	for (i = 0; i < n; i++)
		known[i] = fabs(known[i] - m);
	out = m > 0 ? vs_quantile(known, n, 0.5) / m : 0;
	free(known);
	return out;
}

/*
 * A module that became slower is slower in each run by as much. Where the runs of one level
 * scatter far more than those of another, something else disturbed them.
 */
static bool uneven(const struct benchmark *b, const double *v)
{
	double least = INFINITY, most = 0;
	size_t i;

	for (i = 0; i <= b->changes; i++) {
		double s = scatter(v, i ? b->change[i - 1].at : 0,
				   i < b->changes ? b->change[i].at : b->n);

		least = fmin(least, s);
		most = fmax(most, s);
	}
	/* What scatters by less than the smallest change of interest disturbs nothing. */
	return most > SCATTER * least && most > vx_set.min_effect;
}

/* With @benchmarks examined, the probability of a false verdict on any of them stays alpha. */
static bool find_levels(struct benchmark *b, size_t benchmarks)
{
	struct change_rules rules = CHANGE_RULES_DEFAULT;
	struct bins bins = { .from = 0, .step = 1, .n = b->n };
	double *v = calloc(b->n + 1, sizeof(*v));
	size_t i;

	if (!v) {
		vx_say("no memory");
		return false;
	}
	for (i = 0; i < b->n; i++) {
		bool unavailable = b->p[i].unavailable > UNAVAILABLE;

		v[i] = unavailable ? NAN : b->p[i].mean_ns;
		b->left_out += unavailable;
	}
	bins.v = v;
	rules.alpha = vx_set.alpha / (double)benchmarks;
	rules.min_effect = vx_set.min_effect;
	rules.min_run = LEVEL_RUNS;
	b->changes = change_points(&bins, &rules, b->change);
	if (b->changes != SIZE_MAX && b->changes) {
		b->first = b->change[0].before;
		b->last = b->change[b->changes - 1].after;
		b->uneven = uneven(b, v);
	} else {
		for (i = 0; i < b->n; i++)
			v[i] = b->p[i].mean_ns;
		b->first = b->last = vs_mean(v, b->n);
	}
	free(v);
	return true;
}

static bool told(const struct benchmark *b)
{
	return b->changes != SIZE_MAX && !b->uneven;
}

/* True when the last change of level is a loss of at least @effect. */
static bool lost(const struct benchmark *b, double effect)
{
	return told(b) && b->changes &&
	       b->change[b->changes - 1].change >= effect;
}

static const char *verdict(const struct benchmark *b)
{
	if (!told(b))
		return "cannot tell";
	if (lost(b, vx_set.fail_effect))
		return "regressed";
	if (lost(b, vx_set.min_effect))
		return "warning";
	if (b->changes && b->change[b->changes - 1].change < 0)
		return "improved";
	return "unchanged";
}

static void print_one(const struct benchmark *b)
{
	char at[32];
	size_t i;

	printf("%-24s %6zu %14s %14s  %s\n", shown(b->p[0].name), b->n, vx_figure(b->first),
	       vx_figure(b->last), verdict(b));
	if (b->left_out)
		printf("%-24s %zu runs are left out: the machine was unavailable for more than %.0f %%\n",
		       "", b->left_out, 100 * UNAVAILABLE);
	if (b->uneven)
		printf("%-24s its runs scatter more than %d times as much at some levels as at others:\n"
		       "%-24s something else than the module disturbed them\n", "", SCATTER, "");
	for (i = 0; told(b) && i < b->changes; i++) {
		date(at, sizeof(at), b->p[b->change[i].at].t);
		printf("%-24s %+.1f %% from %s on (run %zu, p %.4f)\n", "", 100 * b->change[i].change,
		       at, b->change[i].at + 1, b->change[i].p);
	}
}

static json_t *as_json(const struct benchmark *b, const char *source)
{
	json_t *changes = json_array();
	char at[32];
	size_t i;

	for (i = 0; told(b) && i < b->changes; i++) {
		date(at, sizeof(at), b->p[b->change[i].at].t);
		json_array_append_new(changes, json_pack("{s:I, s:s, s:f, s:f}", "run",
							 (json_int_t)b->change[i].at + 1, "at", at,
							 "change", b->change[i].change, "p",
							 b->change[i].p));
	}
	return json_pack("{s:s, s:o, s:I, s:I, s:b, s:f, s:f, s:s, s:o}", "benchmark", b->p[0].name,
			 "source", vx_json_text(source),
			 "runs", (json_int_t)b->n, "left_out", (json_int_t)b->left_out, "uneven", b->uneven,
			 "first_mean_ns", b->first, "last_mean_ns", b->last,
			 "verdict", verdict(b), "changes", changes);
}

static void draw_one(FILE *f, const struct benchmark *b)
{
	struct svg_series s = { .name = b->p[0].name, .n = b->n, .mark = SVG_LINE };
	struct svg_rule rules[CHANGES_MAX];
	struct svg_plot p = { .title = b->p[0].name, .height = CHART_HIGH, .series = &s,
			      .nseries = 1, .rules = rules, .x = { NULL, SVG_EPOCH },
			      .y = { "mean time", SVG_NS, .from_zero = true } };
	double *x = calloc(b->n + 1, sizeof(*x)), *y = calloc(b->n + 1, sizeof(*y));
	char text[CHANGES_MAX][24];
	size_t i;

	for (i = 0; x && y && i < b->n; i++) {
		x[i] = (double)b->p[i].t;
		y[i] = b->p[i].mean_ns;
	}
	for (i = 0; told(b) && i < b->changes; i++) {
		snprintf(text[i], sizeof(text[i]), "%+.1f %%", 100 * b->change[i].change);
		rules[i] = (struct svg_rule){ (double)b->p[b->change[i].at].t, true, text[i] };
	}
	p.nrules = i;
	s.x = x;
	s.y = y;
	if (x && y)
		svg_plot(f, &p);
	free(x);
	free(y);
}

/* The charts of all benchmarks in one picture. */
static int draw(const char *path, const struct benchmark *list, size_t n)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f)
		return -1;
	svg_open(f, 960, (double)(n * CHART_HIGH), NULL);
	for (i = 0; i < n; i++) {
		fprintf(f, "<g transform=\"translate(0 %zu)\">\n", i * CHART_HIGH);
		draw_one(f, &list[i]);
		fputs("</g>\n", f);
	}
	svg_close(f);
	ret = fclose(f) ? -1 : vx_write_file(path, text, size);
	free(text);
	return ret;
}

static bool wanted(const char *name, int n, char **words)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(words[i], name))
			return true;
	return !n;
}

static int show(const struct benchmark *list, size_t n, const char *source)
{
	json_t *all = json_array();
	bool slower = false, unknown = false;
	int ret = 0;
	size_t i;

	if (!vx_set.json && !vx_set.quiet)
		printf("runs from %s\n%-24s %6s %14s %14s  %s\n", shown(source), "benchmark", "runs", "first mean ns",
		       "last mean ns", "verdict");
	for (i = 0; i < n; i++) {
		slower |= lost(&list[i], vx_set.fail_effect);
		unknown |= !told(&list[i]);
		json_array_append_new(all, as_json(&list[i], source));
		if (!vx_set.json && !vx_set.quiet)
			print_one(&list[i]);
	}
	if (vx_set.json)
		ret |= vx_write_json("-", all);
	if (vx_set.output)
		ret |= vx_write_json(vx_set.output, all);
	if (vx_set.report)
		ret |= draw(vx_set.report, list, n);
	json_decref(all);
	if (ret || slower)
		return VX_MISSED;
	return unknown && vx_set.strict ? VX_CANNOT_TELL : VX_OK;
}

/* A name in .csv, a path, or a file that is there. */
static bool is_file(const char *word)
{
	size_t len = strlen(word);

	return strchr(word, '/') || (len > 4 && !strcmp(word + len - 4, ".csv")) || !access(word, F_OK);
}

/* The runs of a file, or of the history; *@source says which. -1 after printing an error. */
static int read_runs(const char *file, struct trend_file *f, char **source)
{
	size_t others = 0;
	int ret;

	if (file) {
		*source = strdup(file);
		return *source ? trend_read(file, f) : -1;
	}
	*source = vx_history_path(false);
	if (!*source)
		return -1;
	ret = trend_read_history(*source, f, &others);
	if (!ret && !f->n) {
		vx_say("%s holds no runs: --keep NAME, exec and batch put them there", shown(*source));
		trend_free(f);
		return -1;
	}
	if (!ret && others)
		vx_say("%zu runs of other machines or labs are left out", others);
	return ret;
}

/* The points of a benchmark stand together in @f. Their number, or -1 after printing an error. */
static long split(const struct trend_file *f, struct benchmark *list, int n, char **words,
		  const char *source)
{
	size_t i, k, count = 0;

	for (i = 0; i < f->n; i = k) {
		for (k = i; k < f->n && !strcmp(f->p[k].name, f->p[i].name); k++)
			;
		if (wanted(f->p[i].name, n, words))
			list[count++] = (struct benchmark){ .p = &f->p[i], .n = k - i };
	}
	if (count)
		return (long)count;
	vx_say("%s has no such benchmark", shown(source));
	return -1;
}

int vx_cmd_trend(int n, char **words)
{
	bool file = n && !vx_set.history && is_file(words[0]);
	struct benchmark *list;
	char *source = NULL;
	struct trend_file f;
	long i, count = -1;
	int ret = VX_USAGE;

	if (read_runs(file ? words[0] : NULL, &f, &source)) {
		free(source);
		return VX_USAGE;
	}
	list = calloc(f.n + 1, sizeof(*list));
	if (list)
		count = split(&f, list, n - file, words + file, source);
	if (count > 0)
		ret = VX_OK;
	for (i = 0; i < count; i++)
		if (!find_levels(&list[i], (size_t)count))
			ret = VX_MISSED;
	if (!ret)
		ret = show(list, (size_t)count, source);
	free(list);
	free(source);
	trend_free(&f);
	return ret;
}
