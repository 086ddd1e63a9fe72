// SPDX-License-Identifier: GPL-2.0
/* Reading metrics from the history, and comparing them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "term.h"

#define STEPS_MAX	2000

#define PROM_DAYS	30

/* A Prometheus does not say how far back it goes. */
static int open_prometheus(struct ctl *c, struct past *p, const char *url)
{
	p->url = url;
	p->machine = opt_string(c, "instance", NULL);
	if (p->machine && !past_prom_machine(p->machine))
		return ctl_usage(c, "--instance '%s': a host, or a host and a port expected", p->machine);
	p->to = perf_now_ms();
	p->from = p->to - PROM_DAYS * 86400000ll;
	return 0;
}

int past_open(struct ctl *c, struct past *p)
{
	const char *path = opt_string(c, "history", NULL), *url = opt_string(c, "prometheus", NULL);
	struct history_error err;
	int ret;

	memset(p, 0, sizeof(*p));
	ret = perf_config(c, &p->conf);
	if (ret)
		return ret;
	p->policy = policy_find(p->conf.policy);
	if (path && url)
		return ctl_usage(c, "--history and --prometheus exclude each other");
	if (!path && !url && *p->conf.prometheus)
		url = p->conf.prometheus;
	if (url)
		return open_prometheus(c, p, url);
	if (opt_given(c, "instance"))
		return ctl_usage(c, "--instance goes with --prometheus");
	p->h = history_open(path ? path : p->conf.database, HISTORY_READ, &err);
	if (!p->h) {
		ret = ctl_refuse(c, err.code, "%s", err.text);
		return err.code == EACCES ? EXIT_NO_PERMISSION : ret == EXIT_REFUSED ?
		       EXIT_CANNOT_TELL : ret;
	}
	if (!history_range(p->h, &p->from, &p->to)) {
		past_close(p);
		ctl_refuse(c, ENODATA, "the history holds no samples yet");
		return EXIT_CANNOT_TELL;
	}
	return 0;
}

void past_close(struct past *p)
{
	history_close(p->h);
	p->h = NULL;
}

static int64_t step_for(const struct period *when, const struct history_values *v, int n)
{
	int64_t step = 1000, least = (when->to - when->from) / STEPS_MAX;

	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].n; k++)
			if (v[i].p[k].span > step)
				step = v[i].p[k].span;
	/* A gap is not a step. */
	step = step > 3600000 ? 3600000 : step;
	return step > least ? step : least;
}

int past_read(struct ctl *c, struct past *p, const int *ids, int n, const struct period *when,
	      int64_t step, struct bins *out)
{
	struct history_values v[METRICS];
	const char *names[METRICS];
	struct history_error err;
	int64_t from = when->from;

	for (int i = 0; i < n; i++)
		names[i] = metrics[ids[i]].name;
	memset(out, 0, (size_t)n * sizeof(*out));
	if (p->url)
		return past_prom_read(c, p, ids, n, when, step, out);
	if (history_read(p->h, names, (size_t)n, when->from, when->to, step, v, &err)) {
		ctl_refuse(c, err.code, "%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	step = step ? step : step_for(when, v, n);
	from -= from % step;
	for (int i = 0; i < n; i++) {
		struct binner *b = binner_new(from, when->to, step);

		for (size_t k = 0; b && k < v[i].n; k++)
			binner_add(b, v[i].p[k].t, v[i].p[k].span, v[i].p[k].mean);
		if (binner_done(b, &out[i])) {
			for (int k = 0; k < i; k++)
				bins_free(&out[k]);
			history_values_free(v, (size_t)n);
			return ctl_refuse(c, ENOMEM, "no memory for the values of the period");
		}
	}
	history_values_free(v, (size_t)n);
	return 0;
}

int64_t past_step(const struct period *p)
{
	int64_t span = p->to - p->from;

	if (span > 4 * 86400000ll)
		return 3600000;
	return span > 6 * 3600000ll ? 300000 : 0;
}

int past_begin(struct ctl *c, struct past *p, const int *ids, int n, const struct period *when,
	       int64_t step, const char *key, struct bins *out)
{
	int ret = past_read(c, p, ids, n, when, step, out);

	if (!ret)
		ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (ret || !key || !c->json)
		return ret;
	json_object_begin(&c->out);
	period_json(&c->out, "period", when);
	json_key(&c->out, key);
	json_array_begin(&c->out);
	return 0;
}

bool is_worse(int id, double change)
{
	return metric_more_is_better(id) ? change < 0 : change > 0;
}

void limits_of(const struct past *p, int id, double warn, double fail, double limit[2])
{
	int sort = metrics[id].sort <= METRIC_HITS ? (int)metrics[id].sort : POLICY_TIME;

	limit[0] = warn >= 0 ? warn : p->conf.warn >= 0 ? p->conf.warn : p->policy->limit[sort].warn;
	limit[1] = fail >= 0 ? fail : p->conf.fail >= 0 ? p->conf.fail : p->policy->limit[sort].fail;
	if (limit[1] < limit[0])
		limit[1] = limit[0];
}

/* Fractions that may be 0 are compared by difference, not by ratio: 1 is added to both. */
static bool by_difference(int id)
{
	return metrics[id].sort == METRIC_ERRORS;
}

void compare_bins(const struct past *p, int id, const struct bins *a, const struct bins *b, int n,
		  double warn, double fail, struct verdict *out)
{
	enum vs_direction dir = metric_more_is_better(id) ? VS_HIGHER : VS_LOWER;
	double *va = malloc((a->n + 1) * sizeof(*va)), *vb = malloc((b->n + 1) * sizeof(*vb));
	struct vs_rules r = VS_RULES_DEFAULT;
	double limit[2];

	*out = (struct verdict){ .id = id };
	limits_of(p, id, warn, fail, limit);
	r.alpha /= n > 0 ? n : 1;
	r.min_effect = limit[0];
	r.fail_effect = limit[1];
	r.resamples = 2000;
	if (va && vb) {
		out->n[0] = bins_values(a, va);
		out->n[1] = bins_values(b, vb);
		for (size_t i = 0; by_difference(id) && i < out->n[0]; i++)
			va[i] += 1;
		for (size_t i = 0; by_difference(id) && i < out->n[1]; i++)
			vb[i] += 1;
		compare_values(va, out->n[0], vb, out->n[1], &r, &out->c);
		vs_decide_all(&out->c, &dir, 1, &r);
		if (by_difference(id)) {
			out->c.a -= 1;
			out->c.b -= 1;
		}
	}
	free(va);
	free(vb);
}

/* Days needed to estimate the daily pattern. */
#define SEASON_DAYS	21
#define SEASON_LEAST	7

/* The daily pattern of each metric, which is removed from both periods. */
static void take_seasons(struct ctl *c, struct past *p, const int *ids, int n, int64_t end,
			 struct bins *a, struct bins *b)
{
	const struct period when = { end - SEASON_DAYS * 86400000ll, end };
	struct bins long_time[METRICS];
	double factor[SEASON];

	if (past_read(c, p, ids, n, &when, 3600000, long_time))
		return;
	for (int i = 0; i < n; i++) {
		if (bins_season(&long_time[i], SEASON_LEAST, factor)) {
			bins_unseason(&a[i], factor);
			bins_unseason(&b[i], factor);
		}
		bins_free(&long_time[i]);
	}
}

static int same_steps(struct ctl *c, struct past *p, const int *ids, int n,
		      const struct period when[2], struct bins *a, struct bins *b)
{
	int64_t step = a[0].step > b[0].step ? a[0].step : b[0].step;
	struct bins *again = a[0].step < step ? a : b;
	const struct period *w = &when[again == b];

	/* Hourly means vary less than those of a minute, but a period may be too short for them. */
	if (a[0].step == b[0].step || (w->to - w->from) / step < 8)
		return 0;
	for (int i = 0; i < n; i++)
		bins_free(&again[i]);
	return past_read(c, p, ids, n, w, step, again);
}

int past_compare(struct ctl *c, struct past *p, const int *ids, int n, const struct period when[2],
		 double warn, double fail, struct verdict *out)
{
	struct bins a[METRICS], b[METRICS];
	int ret = past_read(c, p, ids, n, &when[0], 0, a);

	if (ret)
		return ret;
	ret = past_read(c, p, ids, n, &when[1], 0, b);
	if (!ret && n)
		ret = same_steps(c, p, ids, n, when, a, b);
	if (!ret)
		take_seasons(c, p, ids, n, when[0].from > when[1].from ? when[0].to : when[1].to, a,
			     b);
	for (int i = 0; i < n && !ret; i++) {
		compare_bins(p, ids[i], &a[i], &b[i], n, warn, fail, &out[i]);
		bins_free(&a[i]);
		bins_free(&b[i]);
	}
	return ret;
}

int count_verdicts(const struct verdict *v, int n, enum vs_verdict what, bool only_fails)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += v[i].c.verdict == what && (!only_fails || v[i].c.fail);
	return count;
}

int verdict_exit(const struct verdict *v, int n)
{
	if (count_verdicts(v, n, VS_REGRESSED, false))
		return EXIT_FINDING;
	return count_verdicts(v, n, VS_CANNOT_TELL, false) == n ? EXIT_CANNOT_TELL : EXIT_OK;
}

void period_json(struct json *j, const char *key, const struct period *p)
{
	json_key(j, key);
	json_object_begin(j);
	kv_number(j, "from", (double)p->from / 1e3);
	kv_number(j, "to", (double)p->to / 1e3);
	json_object_end(j);
}

static void verdict_json(struct json *j, const struct verdict *v)
{
	bool known = v->n[0] && v->n[1];

	json_object_begin(j);
	json_kv_string(j, "metric", metrics[v->id].name);
	json_kv_string(j, "unit", metrics[v->id].unit);
	json_kv_string(j, "direction", metric_more_is_better(v->id) ? "higher" : "lower");
	json_kv_string(j, "verdict", vs_verdict_name(v->c.verdict));
	json_kv_string(j, "level", v->c.verdict != VS_REGRESSED ? "none" : v->c.fail ? "critical" :
		       "warning");
	kv_number(j, "baseline", known ? v->c.a : NAN);
	kv_number(j, "current", known ? v->c.b : NAN);
	kv_number(j, "change_percent", known ? v->c.change * 100 : NAN);
	kv_number(j, "low_percent", known ? v->c.low * 100 : NAN);
	kv_number(j, "high_percent", known ? v->c.high * 100 : NAN);
	kv_number(j, "p", known ? v->c.p_holm : NAN);
	json_kv_u64(j, "baseline_values", v->n[0]);
	json_kv_u64(j, "current_values", v->n[1]);
	json_object_end(j);
}

static void verdict_row(const struct verdict *v)
{
	static const struct column col[] = {
		{ "METRIC", 26, true }, { "VERDICT", 12, true }, { "CHANGE", 9 }, { "95 % FROM", 10 },
		{ "TO", 9 }, { "BEFORE", 16 }, { "AFTER", 16 },
	};
	const char *const none[] = { metrics[v->id].name, "cannot tell", "-", "-", "-", "-", "-" };
	const char *cells[7];

	if (!v->n[0] || !v->n[1]) {
		table_row(TINT_PLAIN, col, 7, none);
		return;
	}
	cells[0] = metrics[v->id].name;
	cells[1] = vs_verdict_name(v->c.verdict);
	cells[2] = cell("%+.1f %%", v->c.change * 100);
	cells[3] = cell("%+.1f %%", v->c.low * 100);
	cells[4] = cell("%+.1f %%", v->c.high * 100);
	cells[5] = metric_text(v->id, v->c.a);
	cells[6] = metric_text(v->id, v->c.b);
	table_row(v->c.verdict == VS_REGRESSED ? v->c.fail ? TINT_BAD : TINT_WARN :
		  v->c.verdict == VS_IMPROVED ? TINT_GOOD : TINT_PLAIN, col, 7, cells);
}

void verdicts_print(struct ctl *c, const struct verdict *v, int n, bool all)
{
	struct json *j = &c->out;

	if (!c->json) {
		printf("%s%-26s %-12s %9s %10s %9s %16s %16s%s\n", tint(TINT_HEAD), "METRIC", "VERDICT",
		       "CHANGE", "95 % FROM", "TO", "BEFORE", "AFTER", untint());
		for (int i = 0; i < n; i++)
			if (all || v[i].c.verdict == VS_REGRESSED)
				verdict_row(&v[i]);
		return;
	}
	json_kv_bool(j, "regression_detected", count_verdicts(v, n, VS_REGRESSED, false) > 0);
	json_kv_bool(j, "cannot_tell", count_verdicts(v, n, VS_CANNOT_TELL, false) == n);
	json_kv_i64(j, "regressions", count_verdicts(v, n, VS_REGRESSED, false));
	json_kv_i64(j, "failures", count_verdicts(v, n, VS_REGRESSED, true));
	json_kv_i64(j, "improvements", count_verdicts(v, n, VS_IMPROVED, false));
	json_key(j, "verdicts");
	json_array_begin(j);
	for (int i = 0; i < n; i++)
		if (all || v[i].c.verdict == VS_REGRESSED)
			verdict_json(j, &v[i]);
	json_array_end(j);
}

/* ---- what changed ---- */

struct noted {
	struct ctl *c;
	int n;
};

static int print_change(const struct history_note *n, void *arg)
{
	struct noted *s = arg;
	struct json *j = &s->c->out;

	/* A state that was recorded for the first time is not a change. */
	if (!*n->from && strcmp(n->kind, "epoch"))
		return 0;
	s->n++;
	if (!s->c->json) {
		printf("  %s  %s %s: %s -> %s\n", time_text(n->t), n->kind, shown(n->subject),
		       *n->from ? shown(n->from) : "-", shown(n->to));
		return 0;
	}
	json_object_begin(j);
	kv_number(j, "time", (double)n->t / 1e3);
	json_kv_string(j, "what", n->kind);
	json_kv_string(j, "key", n->subject);
	json_kv_string(j, "from", n->from);
	json_kv_string(j, "to", n->to);
	json_object_end(j);
	return 0;
}

int past_changes(struct ctl *c, struct past *p, const struct period *when, int *count)
{
	struct noted s = { .c = c };
	struct history_error err;
	int ret;

	if (c->json) {
		json_key(&c->out, "changes");
		json_array_begin(&c->out);
	}
	ret = p->h ? history_changes(p->h, when->from, when->to, print_change, &s, &err) : 0;
	if (c->json)
		json_array_end(&c->out);
	*count = s.n;
	return ret ? ctl_refuse(c, err.code, "%s", err.text) : 0;
}

size_t past_change_points(const struct past *p, int id, struct bins *b, double warn,
			  struct change_point out[CHANGES_MAX])
{
	struct change_rules r = CHANGE_RULES_DEFAULT;
	double limit[2];

	limits_of(p, id, warn, -1, limit);
	r.min_effect = limit[0];
	bins_take_season(b, 7);
	return change_points(b, &r, out);
}
