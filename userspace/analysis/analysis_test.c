// SPDX-License-Identifier: GPL-2.0
/*
 * Periods; and how often planted changes, trends and correlations are found in synthetic
 * histories, and reported in histories without any. All is seeded and repeatable. With
 * TEST_LONG set there are four times as many.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis.h"
#include "period.h"
#include "rng.h"
#include "../tests/tap.h"

#define HOUR	3600000ll
#define DAY	(24 * HOUR)

/* Histories of each kind, by this factor. */
static int scale = 1;

static double normal(struct vs_rng *g)
{
	double u = vs_rng_unit(g), v = vs_rng_unit(g);

	return sqrt(-2 * log(u + 1e-300)) * cos(2 * M_PI * v);
}

/**
 * struct plan - a synthetic history
 * @days: its length
 * @cv: relative deviation of an hour
 * @rho: autocorrelation of hours
 * @season: relative amplitude of the daily pattern
 * @jump: relative change planted at @at
 * @at: position in the history, 0 to 1
 * @trend: relative change over the whole
 * @outage: hours without values, in the middle
 */
struct plan {
	int days;
	double cv, rho, season, jump, at, trend;
	int outage;
};

static void make(struct bins *b, const struct plan *p, struct vs_rng *g)
{
	size_t n = (size_t)p->days * 24;
	double e = normal(g);

	*b = (struct bins){ 0, HOUR, n, calloc(n + 1, sizeof(double)) };
	for (size_t i = 0; i < n; i++) {
		double level = 1000;

		if (p->jump && (double)i >= p->at * (double)n)
			level *= 1 + p->jump;
		level *= 1 + p->trend * (double)i / (double)n;
		level *= 1 + p->season * sin(2 * M_PI * (double)(i % 24) / 24);
		e = p->rho * e + sqrt(1 - p->rho * p->rho) * normal(g);
		b->v[i] = level * (1 + p->cv * e);
		if (p->outage && i >= n / 2 && i < n / 2 + (size_t)p->outage)
			b->v[i] = NAN;
	}
}

/* Fractions of histories with a change found within a day of its place, and elsewhere. */
static void rates(const struct plan *p, int times, double *hit, double *false_per_history)
{
	struct change_rules r = CHANGE_RULES_DEFAULT;
	struct change_point c[CHANGES_MAX];
	struct vs_rng g;
	int hits = 0, wrong = 0;

	vs_rng_seed(&g, 42);
	for (int i = 0; i < times; i++) {
		struct bins b;
		bool found = false;
		size_t n;

		make(&b, p, &g);
		bins_take_season(&b, 7);
		n = change_points(&b, &r, c);
		for (size_t k = 0; n != SIZE_MAX && k < n; k++) {
			double off = fabs((double)c[k].at - p->at * (double)b.n);

			if (p->jump && off <= 24)
				found = true;
			else
				wrong++;
		}
		hits += found;
		bins_free(&b);
	}
	*hit = (double)hits / times;
	*false_per_history = (double)wrong / times;
}

static void test_changes(void)
{
	static const struct {
		const char *what;
		struct plan p;
	} plans[] = {
		{ "quiet", { 30, 0.05, 0.0, 0, 0.10, 0.6, 0, 0 } },
		{ "neighbours alike", { 30, 0.05, 0.5, 0, 0.10, 0.6, 0, 0 } },
		{ "days and nights", { 30, 0.05, 0.3, 0.3, 0.10, 0.5, 0, 0 } },
		{ "an outage", { 30, 0.05, 0.3, 0.2, 0.10, 0.4, 0, 36 } },
		{ "slower by a tenth", { 30, 0.05, 0.3, 0.2, -0.10, 0.7, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct plan flat = plans[i].p;
		double hit, wrong, other, alarms;

		rates(&plans[i].p, 75 * scale, &hit, &wrong);
		flat.jump = 0;
		rates(&flat, 75 * scale, &other, &alarms);
		printf("# %s: %.3f found, %.3f elsewhere; %.3f in a history without\n",
		       plans[i].what, hit, wrong, alarms);
		ok(hit >= 0.95, "%s: a change of a tenth is found in 95 of 100 histories",
		   plans[i].what);
		ok(alarms <= 0.02 && wrong <= 0.25, "%s: false alarms are rare", plans[i].what);
	}
}

/**
 * struct runs - runs of a benchmark, one value each, as vexstress trend sees them
 * @n: number of runs
 * @cv: relative deviation of a run on a quiet machine
 * @spikes: share of single runs that take 1.5 to 6 times as long
 * @busy: share of the time in which the machine is under load; it lasts for 3 runs on average,
 *	which then take 1.1 to 2.5 times as long: a level of its own, if only values are known
 * @jump: relative change planted in the middle
 */
struct runs {
	size_t n;
	double cv, spikes, busy, jump;
};

static void make_runs(double *v, const struct runs *r, struct vs_rng *g)
{
	bool busy = vs_rng_unit(g) < r->busy;

	for (size_t i = 0; i < r->n; i++) {
		v[i] = 1e6 * (1 + r->cv * normal(g)) * (i >= r->n / 2 ? 1 + r->jump : 1);
		if (vs_rng_unit(g) < r->spikes)
			v[i] *= 1.5 + 4.5 * vs_rng_unit(g);
		busy = busy ? vs_rng_unit(g) < 2.0 / 3 :
		       vs_rng_unit(g) < r->busy / (1 - r->busy) / 3;
		if (busy)
			v[i] *= 1.1 + 1.4 * vs_rng_unit(g);
	}
}

/* Shares of series with any change, and with the planted one and no other. */
static void run_rates(const struct runs *r, double *any, double *right)
{
	struct change_rules rules = { 0.01, 0.05, 4 };
	struct change_point c[CHANGES_MAX];
	int times = 2000, changed = 0, good = 0;
	double v[100];
	struct bins b = { 0, 1, r->n, v };
	struct vs_rng g;

	vs_rng_seed(&g, 21);
	for (int i = 0; i < times; i++) {
		size_t n;

		make_runs(v, r, &g);
		n = change_points(&b, &rules, c);
		changed += n > 0;
		good += n == 1 && fabs((double)c[0].at - (double)r->n / 2) <= 2 &&
			fabs(c[0].change - r->jump) < 0.5 * r->jump;
	}
	*any = (double)changed / times;
	*right = (double)good / times;
}

static void test_runs(void)
{
	static const struct {
		const char *what;
		struct runs r;
		double most, least;
	} cases[] = {
		{ "quiet", { 24, 0.02, 0, 0, 0 }, 0.01, 0 },
		{ "single runs that took far longer", { 24, 0.02, 0.1, 0, 0 }, 0.05, 0 },
		{ "the same, 60 runs", { 60, 0.02, 0.1, 0, 0 }, 0.05, 0 },
		{ "a machine under load now and then", { 24, 0.02, 0, 0.15, 0 }, 0.3, 0 },
		{ "a machine under load for a third of the time", { 24, 0.02, 0, 0.33, 0 }, 0.45, 0 },
		{ "a tenth slower", { 24, 0.02, 0, 0, 0.1 }, 1, 0.95 },
		{ "a tenth slower, with spikes", { 24, 0.02, 0.1, 0, 0.1 }, 1, 0.8 },
		{ "a third slower, with spikes", { 24, 0.02, 0.1, 0, 0.3 }, 1, 0.88 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double any, right;

		run_rates(&cases[i].r, &any, &right);
		printf("# runs, %s: %.4f changed, %.3f as planted\n", cases[i].what, any, right);
		ok(any <= cases[i].most && right >= cases[i].least, "runs: %s", cases[i].what);
	}
}

/* Thirty days are seen, thirty more come: how often is what came within the interval? */
static void coverage(double rho, double trend, double limit)
{
	struct plan p = { 60, 0.05, rho, 0, 0, 0, trend, 0 };
	int within = 0, times = 250 * scale, reached = 0;
	double when, first, last, error = 0;
	struct forecast f;
	struct vs_rng g;

	vs_rng_seed(&g, 7);
	for (int i = 0; i < times; i++) {
		struct bins b;

		make(&b, &p, &g);
		b.n = 30 * 24;
		forecast_line(&b, 30.0 * (double)DAY, &f);
		within += f.known && b.v[60 * 24 - 1] >= f.low && b.v[60 * 24 - 1] <= f.high;
		error += fabs(f.value / (1000 * (1 + trend)) - 1);
		if (limit && forecast_reach(&b, limit, 60.0 * (double)DAY, &when, &first, &last))
			reached += first <= when && when <= last && isfinite(when);
		bins_free(&b);
	}
	printf("# likeness %.1f, trend %.2f: %d of %d within, mean error %.4f\n", rho, trend, within,
	       times, error / times);
	ok(within >= 0.92 * times && within <= 0.995 * times,
	   "a forecast's interval of 95 %% holds what came (likeness %.1f)", rho);
	ok(error / times < 0.05, "and its line is near it");
	if (limit)
		ok(reached == times, "the limit is reached, first, likely and last in order");
}

static void test_forecast(void)
{
	double v[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct bins b = { 0, HOUR, 10, v };
	double when, first, last;
	struct forecast f;

	coverage(0, 0.5, 1300);
	coverage(0.6, 0.5, 1300);
	coverage(0.3, 0, 0);
	forecast_line(&b, DAY, &f);
	ok(!f.known && f.n == 10, "ten values are too few for a forecast");
	ok(!forecast_reach(&b, 20, DAY, &when, &first, &last) && isinf(when), "or for a date");
}

static void test_few(void)
{
	struct change_rules r = CHANGE_RULES_DEFAULT;
	struct change_point c[CHANGES_MAX];
	double v[30];
	struct bins b = { 0, HOUR, 20, v };
	struct trend_line t;

	for (int i = 0; i < 30; i++)
		v[i] = 5;
	ok(change_points(&b, &r, c) == SIZE_MAX, "too few values: cannot tell");
	b.n = 30;
	ok(change_points(&b, &r, c) == 0, "a constant has no change");
	for (int i = 15; i < 30; i++)
		v[i] = 6;
	ok(change_points(&b, &r, c) == 1 && c[0].at == 15 && fabs(c[0].change - 0.2) < 1e-9,
	   "one jump of a constant is found where it is");
	b.n = 5;
	trend_fit(&b, 0.05, &t);
	ok(t.trend == TREND_CANNOT_TELL, "five values are too few for a trend");
}

static void test_trends(void)
{
	int up = 0, down = 0, wrong = 0, times = 50 * scale;
	struct vs_rng g;

	vs_rng_seed(&g, 7);
	for (int i = 0; i < times; i++) {
		struct plan rise = { 30, 0.05, 0.4, 0.2, 0, 0, 0.20, 12 };
		struct plan fall = { 30, 0.05, 0.4, 0.2, 0, 0, -0.20, 0 };
		struct plan flat = { 30, 0.05, 0.4, 0.2, 0, 0, 0, 0 };
		struct trend_line t;
		struct bins b;

		make(&b, &rise, &g);
		bins_take_season(&b, 7);
		trend_fit(&b, 0.05, &t);
		up += t.trend == TREND_UP && t.total > 0.1 && t.total < 0.3;
		bins_free(&b);
		make(&b, &fall, &g);
		trend_fit(&b, 0.05, &t);
		down += t.trend == TREND_DOWN;
		bins_free(&b);
		make(&b, &flat, &g);
		trend_fit(&b, 0.05, &t);
		wrong += t.trend == TREND_UP || t.trend == TREND_DOWN;
		bins_free(&b);
	}
	printf("# rising %d, falling %d of %d found; %d flat ones called\n", up, down, times, wrong);
	ok(up >= 0.95 * times && down >= 0.95 * times, "a rise or fall of a fifth is found in 95 of 100");
	ok(wrong <= 0.05 * times, "a flat series is called a trend in fewer than 5 of 100");
}

static void test_correlation(void)
{
	int found = 0, right_lag = 0, wrong = 0;
	struct vs_rng g;

	vs_rng_seed(&g, 3);
	for (int i = 0; i < 100; i++) {
		struct plan p = { 7, 0.2, 0.5, 0, 0, 0, 0.3, 5 };
		struct bins a, b, c;
		struct correlation r;

		make(&a, &p, &g);
		make(&b, &p, &g);
		make(&c, &p, &g);
		/* @b follows @a by three hours. */
		for (size_t k = 3; k < b.n; k++)
			b.v[k] = 2000 - 0.8 * a.v[k - 3] + 0.3 * (b.v[k] - 1000);
		correlate(&a, &b, 6, &r);
		found += r.known && r.p < 0.01 && r.r < -0.5;
		right_lag += r.lag == 3;
		correlate(&a, &c, 6, &r);
		wrong += r.known && r.p < 0.01;
		bins_free(&a);
		bins_free(&b);
		bins_free(&c);
	}
	printf("# %d of 100 found, %d with the right lag; %d of 100 unrelated ones called\n", found,
	       right_lag, wrong);
	ok(found >= 95 && right_lag >= 95, "a lag of three hours is found");
	ok(wrong <= 4, "unrelated series are called related in 4 of 100 at most");
}

static void test_compare(void)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction dir = VS_HIGHER;
	int found = 0, wrong = 0;
	struct vs_rng g;

	vs_rng_seed(&g, 11);
	rules.resamples = 400;
	for (int i = 0; i < 100; i++) {
		struct plan p = { 4, 0.05, 0.4, 0, 0, 0, 0, 0 };
		struct vs_change c;
		struct bins a, b;

		make(&a, &p, &g);
		make(&b, &p, &g);
		compare_values(a.v, a.n, b.v, b.n, &rules, &c);
		vs_decide_all(&c, &dir, 1, &rules);
		wrong += c.verdict == VS_REGRESSED || c.verdict == VS_IMPROVED;
		for (size_t k = 0; k < b.n; k++)
			b.v[k] *= 0.85;
		compare_values(a.v, a.n, b.v, b.n, &rules, &c);
		vs_decide_all(&c, &dir, 1, &rules);
		found += c.verdict == VS_REGRESSED;
		bins_free(&a);
		bins_free(&b);
	}
	printf("# %d of 100 slower ones found, %d of 100 equal ones called\n", found, wrong);
	ok(found >= 95 && wrong <= 5, "two periods of four days: 15 %% slower is found");
}

static void test_periods(void)
{
	int64_t now = 1790000000000ll, ms;
	struct period p;
	char why[200];

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	ok(period_length("90", &ms) && ms == 90000 && period_length("1.5h", &ms) && ms == 5400000 &&
	   period_length("250ms", &ms) && ms == 250 && !period_length("0s", &ms) &&
	   !period_length("1x", &ms) && !period_length("-1h", &ms) && !period_length("1h x", &ms) &&
	   !period_length("999999999999d", &ms), "lengths");
	ok(!period_parse("1h", now, &p, why, sizeof(why)) && p.to == now && p.from == now - HOUR,
	   "1h is the last hour");
	ok(!period_parse("7d ago to 6d ago", now, &p, why, sizeof(why)) &&
	   p.from == now - 7 * DAY && p.to == now - 6 * DAY, "7d ago to 6d ago");
	ok(!period_parse(" 1h ago  to now ", now, &p, why, sizeof(why)) && p.from == now - HOUR &&
	   p.to == now, "1h ago to now, with blanks");
	ok(period_parse("1h ago to 2h ago", now, &p, why, sizeof(why)) && strstr(why, "empty"),
	   "a period that ends before it begins");
	ok(period_parse("2099-01-01 to 2099-01-02", now, &p, why, sizeof(why)) &&
	   strstr(why, "future"), "a period in the future");
	ok(!period_parse("2026-03-29 to 2026-03-30", now, &p, why, sizeof(why)) &&
	   p.to - p.from == 23 * HOUR, "the day on which summer time begins has 23 hours");
	ok(!period_parse("2025-10-26 to 2025-10-27", now, &p, why, sizeof(why)) &&
	   p.to - p.from == 25 * HOUR, "the day on which it ends has 25");
	ok(!period_parse("yesterday", now, &p, why, sizeof(why)) && p.to - p.from == DAY &&
	   p.to <= now, "yesterday");
	ok(!period_parse("2026-01-01T10:00:00Z to 2026-01-01 12:00", now, &p, why, sizeof(why)) &&
	   p.to - p.from == HOUR, "UTC and local time");
	for (const char *const *bad = (const char *const[]){ "", "soon", "1h to", "to now",
	     "7d ago until now", "1h ago to now to now x", NULL }; *bad; bad++)
		ok(period_parse(*bad, now, &p, why, sizeof(why)) && *why, "'%s' is refused", *bad);
}

int main(void)
{
	double v;

	if (getenv("TEST_LONG"))
		scale = 4;
	test_periods();
	ok(parse_share("5%", &v) && fabs(v - 0.05) < 1e-12 && parse_share("0.1", &v) && v == 0.1 &&
	   parse_share("7.5 %", &v) && !parse_share("x", &v) && !parse_share("5%%", &v) &&
	   !parse_share("-1", &v) && !parse_share("nan", &v), "shares");
	test_forecast();
	test_few();
	test_changes();
	test_runs();
	test_trends();
	test_correlation();
	test_compare();
	return done();
}
