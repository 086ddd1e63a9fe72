// SPDX-License-Identifier: GPL-2.0
/* performance forecast: future values of metrics, and when they reach a limit. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "parse.h"
#include "past.h"
#include "term.h"

#define DAY_MS	86400000.0

/**
 * struct outlook - of one metric
 * @id: which
 * @f: forecast
 * @limit: NaN when none was given
 * @when: milliseconds from now until it is reached, INFINITY for not in the time looked at
 * @first: the same, at the earliest
 * @last: at the latest
 */
struct outlook {
	int id;
	struct forecast f;
	double limit, when, first, last;
};

static double days(double ms)
{
	return isfinite(ms) ? ms / DAY_MS : NAN;
}

static void outlook_json(struct json *j, const struct outlook *o)
{
	double nan = o->f.known ? 0 : NAN;

	json_object_begin(j);
	json_kv_string(j, "metric", metrics[o->id].name);
	json_kv_string(j, "unit", metrics[o->id].unit);
	json_kv_bool(j, "known", o->f.known);
	json_kv_u64(j, "values", o->f.n);
	kv_number(j, "now", o->f.now + nan);
	kv_number(j, "forecast", o->f.value + nan);
	kv_number(j, "low", o->f.low + nan);
	kv_number(j, "high", o->f.high + nan);
	if (!isnan(o->limit)) {
		kv_number(j, "limit", o->limit);
		kv_number(j, "days_to_limit", days(o->when));
		kv_number(j, "days_to_limit_earliest", days(o->first));
		kv_number(j, "days_to_limit_latest", days(o->last));
	}
	json_object_end(j);
}

static const char *in_days(double ms)
{
	return isfinite(ms) ? cell("%.1f days", ms / DAY_MS) : "not in that time";
}

static void outlook_text(const struct outlook *o)
{
	if (!o->f.known) {
		say(TINT_PLAIN, 28, "%-26s cannot tell (%zu values)", metrics[o->id].name, o->f.n);
		return;
	}
	say(TINT_PLAIN, 28, "%-26s %s now, %s then (95 %% from %s to %s)", metrics[o->id].name,
	    metric_text(o->id, o->f.now), metric_text(o->id, o->f.value),
	    metric_text(o->id, o->f.low), metric_text(o->id, o->f.high));
	if (!isnan(o->limit))
		say(isfinite(o->when) ? TINT_WARN : TINT_PLAIN, 28,
		    "    reaches %s: %s; at the earliest %s, at the latest %s",
		    metric_text(o->id, o->limit), in_days(o->when), in_days(o->first),
		    in_days(o->last));
}

/*
 * Hours of history that a forecast needs: it must reach back as far as the forecast reaches ahead.
 */
static int look_ahead(struct ctl *c, struct past *p, const struct period *when, int64_t ahead,
		      double limit)
{
	int ids[METRICS], n = perf_metrics(c, ids), ret, known = 0, reached = 0;
	struct bins b[METRICS];

	if (n < 0)
		return -1 - n;
	if (!isnan(limit) && n != 1)
		return ctl_usage(c, "--limit is of one metric: name it with --metrics");
	ret = past_begin(c, p, ids, n, when, when->to - when->from > 86400000ll ? 3600000 : 0, NULL,
			 b);
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		period_json(&c->out, "period", when);
		kv_number(&c->out, "ahead_days", (double)ahead / DAY_MS);
		json_key(&c->out, "forecasts");
		json_array_begin(&c->out);
	} else {
		printf("%s, after what was from %s on\n", time_text(when->to + ahead),
		       time_text(when->from));
	}
	for (int i = 0; i < n; i++) {
		struct outlook o = { .id = ids[i], .limit = limit, .when = INFINITY,
				     .first = INFINITY, .last = INFINITY };

		bins_take_season(&b[i], 7);
		forecast_line(&b[i], (double)ahead, &o.f);
		if (!isnan(limit))
			forecast_reach(&b[i], limit, (double)ahead, &o.when, &o.first, &o.last);
		known += o.f.known;
		reached += isfinite(o.when);
		if (c->json)
			outlook_json(&c->out, &o);
		else
			outlook_text(&o);
		bins_free(&b[i]);
	}
	if (c->json) {
		json_array_end(&c->out);
		json_kv_bool(&c->out, "limit_reached", reached > 0);
		json_kv_bool(&c->out, "cannot_tell", !known);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return perf_output_end(c, !known ? EXIT_CANNOT_TELL : reached ? EXIT_FINDING : EXIT_OK);
}

int run_forecast(struct ctl *c)
{
	const char *text = opt_string(c, "limit", NULL);
	double limit = NAN;
	struct period when;
	struct past p;
	int64_t ahead;
	int ret = perf_period(c, "duration", "30d", &when);

	if (!ret)
		ret = perf_length(c, "ahead", "30d", &ahead);
	if (!ret && text && !parse_number(text, &limit))
		ret = ctl_usage(c, "--limit '%s' is no number", text);
	if (!ret && ahead > when.to - when.from)
		ret = ctl_usage(c, "--ahead is farther than --duration looks back: no forecast holds there");
	if (!ret)
		ret = past_open(c, &p);
	if (ret)
		return ret;
	if (when.from < p.from)
		when.from = p.from;
	if (ahead > when.to - when.from) {
		ctl_refuse(c, ENODATA, "the history reaches back less far than --ahead looks forward");
		ret = EXIT_CANNOT_TELL;
	} else {
		ret = look_ahead(c, &p, &when, ahead, limit);
	}
	past_close(&p);
	return ret;
}
