// SPDX-License-Identifier: GPL-2.0
/* Verbs that analyse the history: two periods, trends, change points, correlation. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "past.h"
#include "term.h"

/* ---- two periods ---- */

static int compare_and_print(struct ctl *c, struct past *p, const struct period when[2], double warn,
			     bool only_worse)
{
	struct verdict v[METRICS];
	int ids[METRICS], n = perf_metrics(c, ids), ret, changes;
	const struct period between = { when[0].from, when[1].to };

	if (n < 0)
		return -1 - n;
	ret = past_compare(c, p, ids, n, when, warn, -1, v);
	if (ret)
		return ret;
	ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		period_json(&c->out, "baseline_period", &when[0]);
		period_json(&c->out, "current_period", &when[1]);
		json_kv_string(&c->out, "policy", p->policy->name);
	} else {
		printf("%s to %s against %s to %s, policy %s\n", time_text(when[1].from),
		       time_text(when[1].to), time_text(when[0].from), time_text(when[0].to),
		       p->policy->name);
	}
	verdicts_print(c, v, n, !only_worse);
	if (!c->json)
		puts("changed meanwhile:");
	ret = past_changes(c, p, &between, &changes);
	if (!c->json && !changes)
		puts("  nothing that is noted");
	if (c->json) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return perf_output_end(c, ret ? ret : verdict_exit(v, n));
}

int run_compare_periods(struct ctl *c)
{
	struct period when[2];
	struct past p;
	double warn;
	int ret = perf_period(c, "period1", NULL, &when[0]);

	if (!ret)
		ret = perf_period(c, "period2", NULL, &when[1]);
	if (!ret)
		ret = perf_share(c, "threshold", -1, &warn);
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = compare_and_print(c, &p, when, warn, opt_given(c, "show-degradation"));
	past_close(&p);
	return ret;
}

int run_regression_check(struct ctl *c)
{
	struct period when[2];
	int64_t before, now;
	struct past p;
	double warn;
	int ret = perf_length(c, "baseline-period", "7d", &before);

	if (!ret)
		ret = perf_length(c, "current-period", "1h", &now);
	if (!ret)
		ret = perf_share(c, "threshold", -1, &warn);
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	when[1].to = perf_now_ms();
	when[1].from = when[1].to - now;
	when[0].to = when[1].from;
	when[0].from = when[0].to - before;
	ret = compare_and_print(c, &p, when, warn, false);
	past_close(&p);
	return ret;
}

/* ---- trends ---- */

static void change_json(struct json *j, int id, const struct change_point *p)
{
	json_object_begin(j);
	kv_number(j, "time", (double)p->t / 1e3);
	json_kv_bool(j, "degradation", is_worse(id, p->change));
	kv_number(j, "before", p->before);
	kv_number(j, "after", p->after);
	kv_number(j, "change_percent", p->change * 100);
	kv_number(j, "p", p->p);
	json_object_end(j);
}

static int changes_json(struct json *j, const char *key, int id, const struct change_point *p,
			size_t n, bool only_worse)
{
	int worse = 0;

	json_key(j, key);
	json_array_begin(j);
	for (size_t i = 0; n != SIZE_MAX && i < n; i++) {
		worse += is_worse(id, p[i].change);
		if (!only_worse || is_worse(id, p[i].change))
			change_json(j, id, &p[i]);
	}
	json_array_end(j);
	return worse;
}

/**
 * struct trend_of - one metric of a trend analysis
 * @id: the metric
 * @line: its trend
 * @n: number of jumps, SIZE_MAX for cannot tell
 * @p: the jumps
 * @worse: the trend is a regression
 * @jumps_worse: number of jumps that are regressions
 */
struct trend_of {
	int id;
	struct trend_line line;
	size_t n;
	struct change_point p[CHANGES_MAX];
	bool worse;
	int jumps_worse;
};

static void find_trend(const struct past *p, int id, struct bins *b, double warn, bool jumps,
		       struct trend_of *t)
{
	double limit[2];

	*t = (struct trend_of){ .id = id };
	limits_of(p, id, warn, -1, limit);
	t->n = jumps ? past_change_points(p, id, b, warn, t->p) : 0;
	if (!jumps)
		bins_take_season(b, 7);
	trend_fit(b, limit[0], &t->line);
	t->worse = (t->line.trend == TREND_UP && is_worse(id, 1)) ||
		   (t->line.trend == TREND_DOWN && is_worse(id, -1));
	for (size_t i = 0; t->n != SIZE_MAX && i < t->n; i++)
		t->jumps_worse += is_worse(id, t->p[i].change);
}

static void trend_json(struct json *j, const struct trend_of *t, bool jumps)
{
	bool known = t->line.trend != TREND_CANNOT_TELL || t->line.n >= 12;

	json_object_begin(j);
	json_kv_string(j, "metric", metrics[t->id].name);
	json_kv_string(j, "unit", metrics[t->id].unit);
	json_kv_string(j, "trend", trend_name(t->line.trend));
	json_kv_bool(j, "degradation", t->worse);
	json_kv_u64(j, "values", t->line.n);
	kv_number(j, "mean", t->line.n ? t->line.mean : NAN);
	kv_number(j, "percent_per_day", known ? t->line.per_day * 100 : NAN);
	kv_number(j, "low_percent_per_day", known ? t->line.low * 100 : NAN);
	kv_number(j, "high_percent_per_day", known ? t->line.high * 100 : NAN);
	kv_number(j, "percent_over_period", known ? t->line.total * 100 : NAN);
	if (jumps) {
		json_kv_bool(j, "changes_known", t->n != SIZE_MAX);
		changes_json(j, "change_points", t->id, t->p, t->n, false);
	}
	json_object_end(j);
}

static void trend_text(const struct trend_of *t)
{
	enum tint tint_of = t->worse || t->jumps_worse ? TINT_WARN : TINT_PLAIN;

	if (t->line.trend == TREND_CANNOT_TELL)
		say(tint_of, 28, "%-26s cannot tell (%zu values, mean %s)", metrics[t->id].name,
		    t->line.n, t->line.n ? metric_text(t->id, t->line.mean) : "not known");
	else
		say(tint_of, 28, "%-26s %s%s, %+.2f %% a day (95 %% from %+.2f to %+.2f), mean %s",
		    metrics[t->id].name, trend_name(t->line.trend), t->worse ? " for the worse" : "",
		    t->line.per_day * 100, t->line.low * 100, t->line.high * 100,
		    metric_text(t->id, t->line.mean));
	for (size_t i = 0; t->n != SIZE_MAX && i < t->n; i++)
		say(is_worse(t->id, t->p[i].change) ? TINT_BAD : TINT_GOOD, 28,
		    "    %s %s from %s to %s (%+.1f %%)", time_text(t->p[i].t),
		    is_worse(t->id, t->p[i].change) ? "worse" : "better",
		    metric_text(t->id, t->p[i].before), metric_text(t->id, t->p[i].after),
		    t->p[i].change * 100);
}

static int print_trends(struct ctl *c, struct past *p, const struct period *when, double warn)
{
	bool jumps = opt_given(c, "detect-degradation") || opt_given(c, "detect-regressions");
	int ids[METRICS], n = perf_metrics(c, ids), ret, worse = 0, unknown = 0;
	struct bins b[METRICS];

	if (n < 0)
		return -1 - n;
	ret = past_begin(c, p, ids, n, when, past_step(when), "trends", b);
	if (ret)
		return ret;
	if (!c->json)
		printf("%s to %s\n", time_text(when->from), time_text(when->to));
	for (int i = 0; i < n; i++) {
		static struct trend_of t;

		find_trend(p, ids[i], &b[i], warn, jumps, &t);
		worse += t.worse || t.jumps_worse;
		unknown += t.line.trend == TREND_CANNOT_TELL && !t.jumps_worse;
		if (c->json)
			trend_json(&c->out, &t, jumps);
		else
			trend_text(&t);
		bins_free(&b[i]);
	}
	if (c->json) {
		json_array_end(&c->out);
		json_kv_bool(&c->out, "degradation_detected", worse > 0);
		json_kv_bool(&c->out, "regression_detected", worse > 0);
		json_kv_bool(&c->out, "cannot_tell", unknown == n);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return perf_output_end(c, worse ? EXIT_FINDING : unknown == n ? EXIT_CANNOT_TELL : EXIT_OK);
}

int run_trend_analysis(struct ctl *c)
{
	struct period when;
	struct past p;
	double warn;
	int ret = perf_period(c, "duration", "24h", &when);

	if (!ret)
		ret = perf_share(c, "threshold", -1, &warn);
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = print_trends(c, &p, &when, warn);
	past_close(&p);
	return ret;
}

/* ---- timeline ---- */

struct lines {
	struct ctl *c;
	int events;
};

static int print_event(const struct history_note *n, void *arg)
{
	struct lines *l = arg;
	struct json *j = &l->c->out;

	/* Of many events only the first are printed. */
	if (l->events++ >= 500)
		return 0;
	if (!l->c->json) {
		printf("  %s  %s %s\n", time_text(n->t), n->kind, shown(n->subject));
		return 0;
	}
	json_object_begin(j);
	kv_number(j, "time", (double)n->t / 1e3);
	json_kv_string(j, "kind", n->kind);
	json_kv_string(j, "subject", n->subject);
	json_kv_u64(j, "a", n->a);
	json_kv_u64(j, "b", n->b);
	json_object_end(j);
	return 0;
}

static int print_events(struct ctl *c, struct past *p, const struct period *when)
{
	struct lines l = { .c = c };
	struct history_error err;
	int ret;

	if (c->json) {
		json_key(&c->out, "events");
		json_array_begin(&c->out);
	}
	ret = !p->h ? 0 : history_events(p->h, when->from, when->to, print_event, &l, &err);
	if (c->json) {
		json_array_end(&c->out);
		json_kv_i64(&c->out, "events_total", l.events);
	} else if (l.events > 500) {
		printf("  and %d more events\n", l.events - 500);
	}
	return ret ? ctl_refuse(c, err.code, "%s", err.text) : 0;
}

/* A sparkline of block characters. */
static void spark(const struct bins *b, int width)
{
	static const char *const block[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double top = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i] > top)
			top = b->v[i];
	for (int x = 0; x < width; x++) {
		size_t from = b->n * (size_t)x / (size_t)width, to = b->n * (size_t)(x + 1) / (size_t)width;
		double sum = 0;
		size_t k = 0;

		for (size_t i = from; i < to || i == from; i++) {
			if (i >= b->n || isnan(b->v[i]))
				continue;
			sum += b->v[i];
			k++;
		}
		fputs(k ? block[top > 0 ? (int)(7.99 * sum / (double)k / top) & 7 : 0] : " ", stdout);
	}
}

/* The jumps of a copy, whose daily pattern is removed: the chart shows what was measured. */
static size_t jumps_of(struct past *p, int id, const struct bins *b, struct change_point *points)
{
	struct bins copy = *b;
	size_t found = SIZE_MAX;

	copy.v = malloc((b->n + 1) * sizeof(*copy.v));
	if (copy.v) {
		memcpy(copy.v, b->v, b->n * sizeof(*copy.v));
		found = past_change_points(p, id, &copy, -1, points);
	}
	free(copy.v);
	return found;
}

static int page_timeline(struct ctl *c, struct past *p, const struct period *when, const int *ids,
			 int n, struct bins *b)
{
	bool mark = opt_given(c, "mark-degradation-points");
	int worse = 0, unknown = 0, ret;
	struct history_error err;

	page_period("vexfs timeline", when);
	for (int i = 0; i < n; i++) {
		static struct change_point points[CHANGES_MAX];
		size_t found = mark ? jumps_of(p, ids[i], &b[i], points) : 0;

		unknown += found == SIZE_MAX;
		for (size_t k = 0; found != SIZE_MAX && k < found; k++)
			worse += is_worse(ids[i], points[k].change);
		printf("<h2>%s</h2>\n<p class=dim>%s</p>\n", metrics[ids[i]].name, metrics[ids[i]].doc);
		page_chart(ids[i], &b[i], points, found);
		page_jumps(ids[i], points, found);
		bins_free(&b[i]);
	}
	puts("<h2>What changed</h2>");
	page_notes(p, when);
	puts("<h2>What happened</h2>");
	ret = page_events(p, when, &err);
	page_end();
	if (ret)
		return ctl_refuse(c, err.code, "%s", err.text);
	return worse ? EXIT_FINDING : mark && unknown == n ? EXIT_CANNOT_TELL : EXIT_OK;
}

static int print_timeline(struct ctl *c, struct past *p, const struct period *when)
{
	bool mark = opt_given(c, "mark-degradation-points");
	int ids[METRICS], n = perf_metrics(c, ids), ret, worse = 0, unknown = 0, changes;
	struct bins b[METRICS];

	if (n < 0)
		return -1 - n;
	ret = past_begin(c, p, ids, n, when, past_step(when), "metrics", b);
	if (ret)
		return ret;
	if (output_is(opt_string(c, "output", NULL), ".html"))
		return perf_output_end(c, page_timeline(c, p, when, ids, n, b));
	if (!c->json)
		printf("%s to %s\n", time_text(when->from), time_text(when->to));
	for (int i = 0; i < n; i++) {
		static struct change_point points[CHANGES_MAX];
		size_t found = 0;

		if (!c->json) {
			printf("%-26s ", metrics[ids[i]].name);
			spark(&b[i], 48);
			putchar('\n');
		}
		if (mark)
			found = past_change_points(p, ids[i], &b[i], -1, points);
		unknown += found == SIZE_MAX;
		for (size_t k = 0; found != SIZE_MAX && k < found; k++)
			worse += is_worse(ids[i], points[k].change);
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "metric", metrics[ids[i]].name);
			json_kv_bool(&c->out, "known", found != SIZE_MAX);
			changes_json(&c->out, "degradation_points", ids[i], points, found, true);
			changes_json(&c->out, "change_points", ids[i], points, found, false);
			json_object_end(&c->out);
		} else {
			for (size_t k = 0; found != SIZE_MAX && k < found; k++)
				say(is_worse(ids[i], points[k].change) ? TINT_BAD : TINT_GOOD, 6,
				    "  %s %s: %s -> %s (%+.1f %%)", is_worse(ids[i], points[k].change) ?
				    "WORSE" : "better", time_text(points[k].t),
				    metric_text(ids[i], points[k].before),
				    metric_text(ids[i], points[k].after), points[k].change * 100);
		}
		bins_free(&b[i]);
	}
	if (c->json)
		json_array_end(&c->out);
	else
		puts("what changed and happened:");
	ret = past_changes(c, p, when, &changes);
	if (!ret)
		ret = print_events(c, p, when);
	if (c->json) {
		json_kv_bool(&c->out, "degradation_detected", worse > 0);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	ret = ret ? ret : worse ? EXIT_FINDING : mark && unknown == n ? EXIT_CANNOT_TELL : EXIT_OK;
	return perf_output_end(c, ret);
}

int run_timeline(struct ctl *c)
{
	struct period when;
	struct past p;
	int ret = perf_period(c, "duration", "7d", &when);

	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = print_timeline(c, &p, &when);
	past_close(&p);
	return ret;
}

/* ---- what goes with what ---- */

/* Maximum lag in steps. */
#define LAG_MAX	6
#define NOT_CAUSE "What goes together need not be cause and effect: both may follow a third."

static void relation(struct ctl *c, int a, int b, const struct correlation *r, int64_t step)
{
	struct json *j = &c->out;

	if (!c->json) {
		say(TINT_PLAIN, 4, "  %s goes with %s: rank correlation %+.2f%s%s%s, p %.2g, %zu pairs",
		    metrics[b].name, metrics[a].name, r->r, r->lag ? ", " : "",
		    r->lag ? length_text(llabs((long long)r->lag) * step) : "",
		    r->lag > 0 ? " later" : r->lag < 0 ? " earlier" : "", r->p, r->n);
		return;
	}
	json_object_begin(j);
	json_kv_string(j, "resource", metrics[a].name);
	json_kv_string(j, "metric", metrics[b].name);
	kv_number(j, "correlation", r->r);
	kv_number(j, "lag_s", (double)r->lag * (double)step / 1e3);
	kv_number(j, "p", r->p);
	json_kv_u64(j, "pairs", r->n);
	json_object_end(j);
}

static int correlate_all(struct ctl *c, struct past *p, const struct period *when, int *told)
{
	int ids[METRICS], n = 0, split, ret, found = 0;
	struct bins b[METRICS];

	for (int i = 0; i < METRICS; i++)
		if (metrics[i].sort <= METRIC_HITS)
			ids[n++] = i;
	split = n;
	for (int i = M_CPU_BUSY; i < METRICS; i++)
		ids[n++] = i;
	ret = past_read(c, p, ids, n, when, past_step(when), b);
	if (ret)
		return ret;
	if (c->json) {
		json_key(&c->out, "correlations");
		json_array_begin(&c->out);
	}
	*told = 0;
	for (int i = split; i < n; i++)
		for (int k = 0; k < split; k++) {
			struct correlation r;

			correlate(&b[i], &b[k], LAG_MAX, &r);
			*told += r.known;
			/* Corrected for the number of pairs. */
			r.p = fmin(1, r.p * (double)(split * (n - split)));
			if (!r.known || r.p > 0.01 || fabs(r.r) < 0.3)
				continue;
			found++;
			relation(c, ids[i], ids[k], &r, b[i].step);
		}
	if (c->json) {
		json_array_end(&c->out);
		json_kv_string(&c->out, "warning", NOT_CAUSE);
	} else if (found) {
		say(TINT_PLAIN, 2, "  " NOT_CAUSE);
	} else {
		puts(*told ? "  nothing that is clear" : "  too few values to tell");
	}
	for (int i = 0; i < n; i++)
		bins_free(&b[i]);
	return 0;
}

static void resource_line(struct ctl *c, int id, const struct bins *b)
{
	double *v = malloc((b->n + 1) * sizeof(*v)), mean = NAN, p95 = NAN, max = NAN;
	size_t n = v ? bins_values(b, v) : 0;

	if (n) {
		mean = vs_mean(v, n);
		p95 = vs_quantile(v, n, 0.95);
		max = vs_quantile(v, n, 1);
	}
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "resource", metrics[id].name);
		json_kv_string(&c->out, "unit", metrics[id].unit);
		kv_number(&c->out, "mean", mean);
		kv_number(&c->out, "p95", p95);
		kv_number(&c->out, "max", max);
		json_object_end(&c->out);
	} else if (n) {
		printf("%-16s mean %-18s p95 %-18s most %s\n", metrics[id].name, metric_text(id, mean),
		       metric_text(id, p95), metric_text(id, max));
	}
	free(v);
}

int run_resource_analysis(struct ctl *c)
{
	int ids[METRICS], n = 0, ret, told = 1, known = 0;
	struct bins b[METRICS];
	struct period when;
	struct past p;

	for (int i = M_CPU_BUSY; i < METRICS; i++)
		ids[n++] = i;
	ret = perf_period(c, "duration", "7d", &when);
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = past_begin(c, &p, ids, n, &when, past_step(&when), "resources", b);
	if (ret)
		goto out;
	for (int i = 0; i < n; i++) {
		resource_line(c, ids[i], &b[i]);
		for (size_t k = 0; k < b[i].n; k++)
			known += !isnan(b[i].v[k]);
		bins_free(&b[i]);
	}
	if (c->json)
		json_array_end(&c->out);
	if (opt_given(c, "correlate-with-performance"))
		ret = correlate_all(c, &p, &when, &told);
	if (c->json) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	ret = perf_output_end(c, ret ? ret : told && known ? EXIT_OK : EXIT_CANNOT_TELL);
out:
	past_close(&p);
	return ret;
}

/* ---- investigate ---- */

/* The earliest of the last regressions of all metrics. */
static int64_t find_beginning(struct ctl *c, struct past *p, const struct period *when, int *unknown)
{
	int ids[METRICS], n = 0;
	struct bins b[METRICS];
	int64_t began = 0;

	*unknown = 0;
	for (int i = 0; i < METRICS; i++)
		if (metrics[i].sort <= METRIC_HITS)
			ids[n++] = i;
	if (past_read(c, p, ids, n, when, past_step(when), b))
		return -1;
	if (c->json) {
		json_key(&c->out, "degradation_points");
		json_array_begin(&c->out);
	}
	for (int i = 0; i < n; i++) {
		struct change_point points[CHANGES_MAX];
		size_t found = past_change_points(p, ids[i], &b[i], -1, points), last = SIZE_MAX;

		*unknown += found == SIZE_MAX;
		for (size_t k = 0; found != SIZE_MAX && k < found; k++)
			if (is_worse(ids[i], points[k].change))
				last = k;
		if (last != SIZE_MAX) {
			if (!began || points[last].t < began)
				began = points[last].t;
			if (c->json)
				change_json(&c->out, ids[i], &points[last]);
			else
				say(TINT_BAD, 4, "  %s: %s got worse from %s to %s (%+.1f %%)",
				    time_text(points[last].t), metrics[ids[i]].name,
				    metric_text(ids[i], points[last].before),
				    metric_text(ids[i], points[last].after),
				    points[last].change * 100);
		}
		bins_free(&b[i]);
	}
	if (c->json)
		json_array_end(&c->out);
	*unknown = *unknown == n;
	return began;
}

static int investigate(struct ctl *c, struct past *p, const struct period *when)
{
	struct period around = *when;
	int64_t began;
	int ret, changes, told, unknown;

	if (c->json) {
		json_object_begin(&c->out);
		period_json(&c->out, "period", when);
	} else {
		printf("1. When did it begin? (%s to %s)\n", time_text(when->from),
		       time_text(when->to));
	}
	began = find_beginning(c, p, when, &unknown);
	if (began < 0)
		return EXIT_CANNOT_TELL;
	if (began) {
		/* A cause precedes its effect: an hour before, and one step of the series. */
		around.from = began - 2 * 3600000ll;
		around.to = began + 3600000ll;
	} else if (!c->json) {
		puts(unknown ? "  too little history to tell" : "  nothing got worse");
	}
	if (c->json)
		kv_number(&c->out, "began", began ? (double)began / 1e3 : NAN);
	else
		puts(began ? "2. What changed around then?" : "2. What changed in the period?");
	ret = past_changes(c, p, &around, &changes);
	if (!c->json && !changes)
		puts("  nothing that is noted: no setting, module, kernel or file in /etc/vexfs");
	if (!c->json)
		puts("3. What happened around then?");
	if (!ret)
		ret = print_events(c, p, &around);
	if (!c->json)
		puts("4. What goes with it?");
	if (!ret)
		ret = correlate_all(c, p, when, &told);
	if (c->json) {
		json_kv_bool(&c->out, "regression_detected", began > 0);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return ret ? ret : began ? EXIT_FINDING : unknown ? EXIT_CANNOT_TELL : EXIT_OK;
}

int run_investigate(struct ctl *c)
{
	struct period when;
	struct past p;
	int ret = perf_period(c, "duration", "7d", &when);

	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (!ret)
		ret = perf_output_end(c, investigate(c, &p, &when));
	past_close(&p);
	return ret;
}
