// SPDX-License-Identifier: GPL-2.0
/*
 * Reports from the history as one self-contained HTML file, as Markdown, or as JSON:
 * metrics over a period, or regressions in it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "past.h"
#include "term.h"

enum form { FORM_HTML, FORM_MARKDOWN, FORM_JSON };

/**
 * struct chapter - a metric of a report
 * @id: the metric
 * @b: its values
 * @mean: mean, and other moments
 * @line: its trend
 * @n: number of jumps, SIZE_MAX for cannot tell
 * @p: the jumps
 * @worse: number of jumps and trends that are regressions
 */
struct chapter {
	int id;
	struct bins b;
	double mean, min, max, p95;
	size_t values;
	struct trend_line line;
	size_t n;
	struct change_point p[CHANGES_MAX];
	bool worse;
};

static enum form form_of(struct ctl *c)
{
	const char *path = opt_string(c, "output", NULL);

	if (c->json || output_is(path, ".json"))
		return FORM_JSON;
	return output_is(path, ".html") ? FORM_HTML : FORM_MARKDOWN;
}

static void fill(struct past *p, struct chapter *ch)
{
	double *v = malloc((ch->b.n + 1) * sizeof(*v)), limit[2];
	struct bins copy = ch->b;

	ch->mean = ch->min = ch->max = ch->p95 = NAN;
	ch->values = v ? bins_values(&ch->b, v) : 0;
	if (ch->values) {
		ch->mean = vs_mean(v, ch->values);
		ch->min = vs_quantile(v, ch->values, 0);
		ch->max = vs_quantile(v, ch->values, 1);
		ch->p95 = vs_quantile(v, ch->values, 0.95);
	}
	/* The daily pattern is removed from a copy: the chart shows the measured values. */
	copy.v = malloc((ch->b.n + 1) * sizeof(*copy.v));
	if (copy.v) {
		memcpy(copy.v, ch->b.v, ch->b.n * sizeof(*copy.v));
		ch->n = past_change_points(p, ch->id, &copy, -1, ch->p);
		limits_of(p, ch->id, -1, -1, limit);
		trend_fit(&copy, limit[0], &ch->line);
	}
	free(copy.v);
	free(v);
	ch->worse = (ch->line.trend == TREND_UP && is_worse(ch->id, 1)) ||
		    (ch->line.trend == TREND_DOWN && is_worse(ch->id, -1));
	for (size_t i = 0; ch->n != SIZE_MAX && i < ch->n; i++)
		ch->worse |= is_worse(ch->id, ch->p[i].change);
}

/* ---- HTML ---- */

static void html_row(const struct chapter *ch)
{
	printf("<tr><td>%s<td>%s<td>%s<td>%s<td>%s<td class=%s>%s\n", metrics[ch->id].name,
	       metric_text(ch->id, ch->mean), metric_text(ch->id, ch->min), metric_text(ch->id, ch->p95),
	       metric_text(ch->id, ch->max), ch->worse ? "bad" : "dim", ch->values ?
	       trend_name(ch->line.trend) : "not known");
}

static void html_report(struct past *p, const char *title, const struct period *when,
			const struct chapter *ch, int n, bool detailed)
{
	page_period(title, when);
	puts("<div class=scroll><table><tr><th>metric<th>mean<th>least<th>p95<th>most<th>trend");
	for (int i = 0; i < n; i++)
		if (ch[i].values)
			html_row(&ch[i]);
	puts("</table></div>");
	for (int i = 0; i < n; i++) {
		if (!ch[i].values || (!detailed && metrics[ch[i].id].sort > METRIC_HITS))
			continue;
		printf("<h2>%s</h2>\n<p class=dim>%s</p>\n", metrics[ch[i].id].name,
		       metrics[ch[i].id].doc);
		page_chart(ch[i].id, &ch[i].b, ch[i].p, ch[i].n);
		page_jumps(ch[i].id, ch[i].p, ch[i].n);
	}
	puts("<h2>What changed</h2>");
	page_notes(p, when);
	page_end();
}

/* ---- Markdown and JSON ---- */

static int markdown_note(const struct history_note *n, void *arg)
{
	int *count = arg;

	if ((*n->from || !strcmp(n->kind, "epoch")) && ++*count <= 200)
		printf("- %s: %s %s: %s -> %s\n", time_text(n->t), n->kind, shown_markdown(n->subject),
		       shown_markdown(n->from), shown_markdown(n->to));
	return 0;
}

static void markdown_report(struct past *p, const char *title, const struct period *when,
			    const struct chapter *ch, int n)
{
	struct history_error err;
	int count = 0;

	printf("# %s\n\n%s to %s\n\n| metric | mean | least | p95 | most | trend |\n"
	       "| --- | ---: | ---: | ---: | ---: | --- |\n", title, time_text(when->from),
	       time_text(when->to));
	for (int i = 0; i < n; i++)
		if (ch[i].values)
			printf("| %s | %s | %s | %s | %s | %s%s |\n", metrics[ch[i].id].name,
			       metric_text(ch[i].id, ch[i].mean), metric_text(ch[i].id, ch[i].min),
			       metric_text(ch[i].id, ch[i].p95), metric_text(ch[i].id, ch[i].max),
			       trend_name(ch[i].line.trend), ch[i].worse ? ", worse" : "");
	puts("\n## Changes of metrics\n");
	for (int i = 0; i < n; i++)
		for (size_t k = 0; ch[i].n != SIZE_MAX && k < ch[i].n; k++)
			printf("- %s: %s %s from %s to %s (%+.1f %%)\n", time_text(ch[i].p[k].t),
			       metrics[ch[i].id].name,
			       is_worse(ch[i].id, ch[i].p[k].change) ? "REGRESSION" : "better",
			       metric_text(ch[i].id, ch[i].p[k].before),
			       metric_text(ch[i].id, ch[i].p[k].after), ch[i].p[k].change * 100);
	puts("\n## What changed\n");
	if (p->h)
		history_changes(p->h, when->from, when->to, markdown_note, &count, &err);
	if (!count)
		puts("Nothing that is noted.");
}

static void json_report(struct ctl *c, struct past *p, const struct period *when,
			const struct chapter *ch, int n, int worse)
{
	struct json *j = &c->out;
	int changes;

	json_object_begin(j);
	period_json(j, "period", when);
	json_kv_bool(j, "regression_detected", worse > 0);
	json_key(j, "metrics");
	json_array_begin(j);
	for (int i = 0; i < n; i++) {
		json_object_begin(j);
		json_kv_string(j, "metric", metrics[ch[i].id].name);
		json_kv_string(j, "unit", metrics[ch[i].id].unit);
		json_kv_u64(j, "values", ch[i].values);
		kv_number(j, "mean", ch[i].mean);
		kv_number(j, "min", ch[i].min);
		kv_number(j, "p95", ch[i].p95);
		kv_number(j, "max", ch[i].max);
		json_kv_string(j, "trend", trend_name(ch[i].line.trend));
		json_kv_bool(j, "worse", ch[i].worse);
		json_key(j, "change_points");
		json_array_begin(j);
		for (size_t k = 0; ch[i].n != SIZE_MAX && k < ch[i].n; k++) {
			json_object_begin(j);
			kv_number(j, "time", (double)ch[i].p[k].t / 1e3);
			kv_number(j, "change_percent", ch[i].p[k].change * 100);
			json_kv_bool(j, "degradation", is_worse(ch[i].id, ch[i].p[k].change));
			json_object_end(j);
		}
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	past_changes(c, p, when, &changes);
	json_object_end(j);
	json_finish(j);
}

/* @only_worse: metrics that regressed, without resources. */
static int make_report(struct ctl *c, const char *title, bool only_worse)
{
	static struct chapter ch[METRICS];
	struct bins b[METRICS];
	int ids[METRICS], n = 0, kept = 0, worse = 0, ret;
	bool detailed = !only_worse && opt_given(c, "detailed");
	enum form form = form_of(c);
	struct period when;
	struct past p;

	for (int i = 0; i < METRICS; i++)
		if (metrics[i].sort <= METRIC_HITS || (!only_worse && metrics[i].sort == METRIC_RESOURCE))
			ids[n++] = i;
	ret = perf_period(c, "duration", only_worse ? "7d" : "1h", &when);
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = past_begin(c, &p, ids, n, &when, past_step(&when), NULL, b);
	if (ret) {
		past_close(&p);
		return ret;
	}
	for (int i = 0; i < n; i++) {
		ch[kept] = (struct chapter){ .id = ids[i], .b = b[i] };
		fill(&p, &ch[kept]);
		worse += ch[kept].worse;
		if (!only_worse || ch[kept].worse)
			kept++;
		else
			bins_free(&b[i]);
	}
	if (form == FORM_HTML)
		html_report(&p, title, &when, ch, kept, detailed || only_worse);
	else if (form == FORM_JSON)
		json_report(c, &p, &when, ch, kept, worse);
	else
		markdown_report(&p, title, &when, ch, kept);
	for (int i = 0; i < kept; i++)
		bins_free(&ch[i].b);
	past_close(&p);
	return perf_output_end(c, only_worse && worse ? EXIT_FINDING : EXIT_OK);
}

int run_report(struct ctl *c)
{
	return make_report(c, "vexfs performance", false);
}

int run_regression_report(struct ctl *c)
{
	return make_report(c, "vexfs regressions", true);
}
