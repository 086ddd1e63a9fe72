// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of libvexstat: differences of known size are planted in many simulated
 * experiments, and the error rates of the verdicts are compared with the documented ones.
 * The seed is fixed, so failures are repeatable.
 */
#include "calibrate.h"
#include "hist.h"
#include "rng.h"
#include "vexstat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int tests, failures;

static void report(int ok, const char *name, const char *detail)
{
	printf("%sok %d - %s%s%s\n", ok ? "" : "not ", ++tests, name, *detail ? ": " : "", detail);
	if (!ok)
		failures++;
}

#define CHECK(cond, name, ...)						\
	do {								\
		char detail_[256];					\
		snprintf(detail_, sizeof(detail_), __VA_ARGS__);	\
		report(cond, name, detail_);				\
	} while (0)

/* One value: mean 1000 * factor, deviation cv; optionally skewed like latencies. */
static double draw(struct vs_rng *r, double factor, double cv, int skewed)
{
	double g = sqrt(-2 * log(1 - vs_rng_unit(r))) * cos(2 * M_PI * vs_rng_unit(r));
	double s;

	if (!skewed)
		return 1000 * factor * (1 + cv * g);
	s = sqrt(log(1 + cv * cv));
	return 1000 * factor * exp(s * g - s * s / 2);
}

/* Compares two arrays whose noise between runs is unknown. */
static void compare(const double *a, size_t na, const double *b, size_t nb, double floor,
		    const struct vs_rules *rules, struct vs_change *c)
{
	struct vs_samples sa = { a, na, 0 }, sb = { b, nb, 0 };

	vs_compare(&sa, &sb, floor, rules, c);
}

struct rates {
	double regressed, improved, unchanged, cannot, called;
};

static struct rates experiment(double factor, double cv, int skewed, size_t n, double min_effect,
			       double alpha, unsigned int runs)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction dir = VS_HIGHER;
	struct rates out = { 0 };
	double a[256], b[256];
	struct vs_change c;
	struct vs_rng rng;
	unsigned int i;
	size_t j;

	rules.min_effect = min_effect;
	rules.alpha = alpha;
	rules.resamples = 500;
	vs_rng_seed(&rng, 42);
	for (i = 0; i < runs; i++) {
		for (j = 0; j < n; j++) {
			a[j] = draw(&rng, 1, cv, skewed);
			b[j] = draw(&rng, factor, cv, skewed);
		}
		rules.seed = i;
		compare(a, n, b, n, 0, &rules, &c);
		vs_decide_all(&c, &dir, 1, &rules);
		out.regressed += c.verdict == VS_REGRESSED;
		out.improved += c.verdict == VS_IMPROVED;
		out.unchanged += c.verdict == VS_UNCHANGED;
		out.cannot += c.verdict == VS_CANNOT_TELL;
		out.called += c.p <= alpha;
	}
	out.regressed /= runs;
	out.improved /= runs;
	out.unchanged /= runs;
	out.cannot /= runs;
	out.called /= runs;
	return out;
}

static void planted(void)
{
	/* Ten values may be more autocorrelated than they seem; that uncertainty costs power. */
	static const struct { double cv; int skewed; size_t n; double sure; } setups[] = {
		{ 0.02, 0, 10, 0.75 }, { 0.02, 0, 15, 0.95 }, { 0.03, 0, 30, 0.95 },
		{ 0.03, 1, 30, 0.95 }, { 0.20, 1, 100, 0 },
	};
	struct rates r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		double cv = setups[i].cv;
		size_t n = setups[i].n;
		/* three standard errors of a rate of 5 % over 1000 experiments */
		double allow = 0.05 + 3 * sqrt(0.05 * 0.95 / 1000);

		r = experiment(1, cv, setups[i].skewed, n, 0, 0.05, 1000);
		CHECK(r.called <= allow, "no difference is called no more often than alpha",
		      "called %.3f of 1000, cv %.2f, n %zu", r.called, cv, n);
		CHECK(r.called >= 0.005, "the interval is not uselessly wide",
		      "called %.3f of 1000", r.called);
		r = experiment(1, cv, setups[i].skewed, n, 0.05, 0.05, 400);
		CHECK(r.regressed + r.improved <= 0.05, "no difference with a minimum effect",
		      "called %.3f", r.regressed + r.improved);
		r = experiment(0.9, cv, setups[i].skewed, n, 0.05, 0.05, 400);
		if (setups[i].sure > 0)
			CHECK(r.regressed >= setups[i].sure, "a loss of 10 % is called regressed",
			      "called %.3f", r.regressed);
		CHECK(r.improved == 0, "a loss of 10 % is never called improved",
		      "called %.3f", r.improved);
		r = experiment(1.1, cv, setups[i].skewed, n, 0.05, 0.05, 400);
		if (setups[i].sure > 0)
			CHECK(r.improved >= setups[i].sure, "a gain of 10 % is called improved",
			      "called %.3f", r.improved);
		r = experiment(0.97, cv, setups[i].skewed, n, 0.05, 0.05, 400);
		CHECK(r.regressed <= 0.05, "a loss of 3 % is below a minimum effect of 5 %",
		      "called %.3f", r.regressed);
		CHECK(r.unchanged + r.cannot >= 0.95, "and is left at unchanged or cannot tell",
		      "%.3f and %.3f", r.unchanged, r.cannot);
	}
	r = experiment(0.97, 0.02, 0, 40, 0.01, 0.05, 400);
	CHECK(r.regressed >= 0.95, "a loss of 3 % is called when 1 % matters",
	      "called %.3f", r.regressed);
	r = experiment(1, 0.02, 0, 30, 0.05, 0.05, 400);
	CHECK(r.unchanged >= 0.95, "no difference, little noise: unchanged", "%.3f", r.unchanged);
	r = experiment(0.9, 0.6, 1, 5, 0.05, 0.05, 400);
	CHECK(r.cannot >= 0.8, "much noise, few values: cannot tell", "%.3f", r.cannot);
}

/* "How many repetitions are needed" must be enough, and not absurdly many. */
static void need(void)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction dir = VS_HIGHER;
	unsigned int i, told = 0, asked = 0, sane = 0;
	double a[4096], b[4096];
	struct vs_change c;
	struct vs_rng rng;
	size_t j, n;

	rules.resamples = 1000;
	vs_rng_seed(&rng, 7);
	for (i = 0; i < 200; i++) {
		for (j = 0; j < 8; j++) {
			a[j] = draw(&rng, 1, 0.08, 0);
			b[j] = draw(&rng, 0.9, 0.08, 0);
		}
		compare(a, 8, b, 8, 0, &rules, &c);
		vs_decide_all(&c, &dir, 1, &rules);
		if (c.verdict != VS_CANNOT_TELL)
			continue;
		asked++;
		n = c.need;
		sane += n > 8 && n <= 4096;
		if (n > 4096)
			continue;
		for (j = 0; j < n; j++) {
			a[j] = draw(&rng, 1, 0.08, 0);
			b[j] = draw(&rng, 0.9, 0.08, 0);
		}
		compare(a, n, b, n, 0, &rules, &c);
		vs_decide_all(&c, &dir, 1, &rules);
		told += c.verdict != VS_CANNOT_TELL;
	}
	CHECK(asked >= 20, "eight noisy values leave doubt", "%u of 200", asked);
	CHECK(sane == asked, "the number asked for is more than there were, and finite",
	      "%u of %u", sane, asked);
	CHECK(told >= asked * 3 / 4, "the number asked for settles it", "%u of %u", told, asked);
}

static void holm(void)
{
	static const double p[] = { 0.01, 0.04, 0.03, 0.005 };
	static const double want[] = { 0.03, 0.06, 0.06, 0.02 };
	enum vs_direction dir[20];
	struct vs_rules rules = VS_RULES_DEFAULT;
	struct vs_change c[20];
	double out[4], a[20], b[20];
	unsigned int i, k, wrong = 0;
	struct vs_rng rng;
	size_t j;
	int ok = 1;

	vs_holm(p, out, 4);
	for (i = 0; i < 4; i++)
		ok = ok && fabs(out[i] - want[i]) < 1e-12;
	CHECK(ok, "Holm's correction of a textbook example", "%g %g %g %g",
	      out[0], out[1], out[2], out[3]);

	rules.resamples = 2000;
	rules.min_effect = 0;
	vs_rng_seed(&rng, 3);
	for (k = 0; k < 20; k++)
		dir[k] = VS_LOWER;
	for (i = 0; i < 200; i++) {
		int any = 0;

		for (k = 0; k < 20; k++) {
			for (j = 0; j < 20; j++) {
				a[j] = draw(&rng, 1, 0.05, 0);
				b[j] = draw(&rng, 1, 0.05, 0);
			}
			compare(a, 20, b, 20, 0, &rules, &c[k]);
		}
		vs_decide_all(c, dir, 20, &rules);
		for (k = 0; k < 20; k++)
			any |= c[k].verdict == VS_REGRESSED || c[k].verdict == VS_IMPROVED;
		wrong += any;
	}
	CHECK(wrong <= 200 * 0.05 + 3 * sqrt(200 * 0.05 * 0.95),
	      "twenty metrics without a difference: one is called in at most 5 % of runs",
	      "%u of 200", wrong);
}

static void edges(void)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction higher = VS_HIGHER, lower = VS_LOWER;
	double same[5] = { 7, 7, 7, 7, 7 }, more[5] = { 9, 9, 9, 9, 9 }, none[5] = { 0 };
	double wave_a[60], wave_b[60], runs[12];
	struct vs_interval iv;
	struct vs_change c;
	struct vs_noise ns;
	struct vs_rng rng;
	unsigned int i, k, cover = 0, calls = 0;

	compare(same, 5, same, 5, 0, &rules, &c);
	vs_decide_all(&c, &higher, 1, &rules);
	CHECK(c.verdict == VS_UNCHANGED && c.change == 0, "equal constants are unchanged", "%s",
	      vs_verdict_name(c.verdict));
	compare(same, 5, more, 5, 0, &rules, &c);
	vs_decide_all(&c, &higher, 1, &rules);
	CHECK(c.verdict == VS_IMPROVED, "more of a rate is an improvement", "%s",
	      vs_verdict_name(c.verdict));
	vs_decide_all(&c, &lower, 1, &rules);
	CHECK(c.verdict == VS_REGRESSED && c.fail, "more of a latency is a regression", "%s",
	      vs_verdict_name(c.verdict));
	compare(none, 5, same, 5, 0, &rules, &c);
	vs_decide_all(&c, &lower, 1, &rules);
	CHECK(c.verdict == VS_REGRESSED && isfinite(c.change), "from nothing to something", "%g",
	      c.change);
	compare(none, 5, none, 5, 0, &rules, &c);
	vs_decide_all(&c, &lower, 1, &rules);
	CHECK(c.verdict == VS_UNCHANGED, "nothing and nothing", "%s", vs_verdict_name(c.verdict));
	compare(same, 2, more, 2, 0, &rules, &c);
	vs_decide_all(&c, &higher, 1, &rules);
	CHECK(c.verdict == VS_CANNOT_TELL && c.need > 2, "two values prove nothing", "need %zu",
	      c.need);
	compare(same, 5, more, 5, 0.4, &rules, &c);
	vs_decide_all(&c, &higher, 1, &rules);
	CHECK(c.verdict != VS_IMPROVED, "a change below the noise floor is not called", "%s",
	      vs_verdict_name(c.verdict));

	/* 95 % intervals contain the true value about 95 times in 100. */
	vs_rng_seed(&rng, 11);
	rules.resamples = 1000;
	for (i = 0; i < 400; i++) {
		for (k = 0; k < 20; k++)
			wave_a[k] = draw(&rng, 1, 0.1, 1);
		rules.seed = i;
		iv = vs_bootstrap_mean(wave_a, 20, &rules);
		cover += iv.low <= 1000 && iv.high >= 1000;
	}
	CHECK(cover >= 400 * 0.95 - 3 * sqrt(400 * 0.05 * 0.95),
	      "intervals of 95 % hold the truth that often", "%u of 400", cover);

	/* Slices of a drifting run are autocorrelated: they are worth fewer than 60 values. */
	rules.min_effect = 0;
	for (i = 0; i < 200; i++) {
		double xa = 0, xb = 0;

		for (k = 0; k < 60; k++) {
			xa = 0.8 * xa + draw(&rng, 0.01, 3, 0);
			xb = 0.8 * xb + draw(&rng, 0.01, 3, 0);
			wave_a[k] = 1000 + xa;
			wave_b[k] = 1000 + xb;
		}
		compare(wave_a, 60, wave_b, 60, 0, &rules, &c);
		calls += c.p <= 0.05;
	}
	CHECK(calls <= 30, "drift is not taken for a difference", "called %u of 200", calls);

	for (k = 0; k < 12; k++)
		runs[k] = draw(&rng, 1, 0.04, 0);
	ns = vs_noise_of(runs, 12);
	CHECK(ns.sd > 0.02 && ns.sd < 0.07, "noise between runs is found again", "%.3f", ns.sd);
	CHECK(ns.floor > ns.sd && ns.floor < 0.2, "noise floor of pairs", "%.3f", ns.floor);
}

/* Fraction of 300 series of @n values that are called steady; @rise over the whole series. */
static double steady_share(double rise, double noise, size_t n)
{
	unsigned int i, calm = 0;
	struct vs_rng rng;
	double v[40];
	size_t k;

	vs_rng_seed(&rng, 5);
	for (i = 0; i < 300; i++) {
		for (k = 0; k < n; k++)
			v[k] = draw(&rng, 1 + rise * (double)k / (double)(n - 1), noise, 0);
		calm += vs_steady(v, n, 0.05);
	}
	return calm / 300.0;
}

static void steady(void)
{
	static const double noises[] = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.4 };
	double r;
	size_t i;

	r = steady_share(0, 0.01, 10);
	CHECK(r >= 0.9, "a flat series is at rest", "%.3f", r);
	r = steady_share(0, 0.03, 40);
	CHECK(r >= 0.5, "a noisy flat one is, in time", "%.3f", r);
	for (i = 0; i < ARRAY_SIZE(noises); i++) {
		r = steady_share(0.1, noises[i], 10);
		CHECK(r <= 0.05, "a rise of 10 % is not taken for rest", "%.3f, noise %.2f", r,
		      noises[i]);
		r = steady_share(-0.1, noises[i], 40);
		CHECK(r <= 0.05, "nor is a fall over forty values", "%.3f, noise %.2f", r, noises[i]);
	}
	r = steady_share(0, 0.4, 10);
	CHECK(r <= 0.05, "noise that hides everything is no rest", "%.3f", r);
}

/* A small part of what `vexstress noise --calibrate' computes. */
static void calibrated(void)
{
	static const double rhos[] = { 0, 0.3, 0.6 };
	static const size_t sizes[] = { 10, 30, 100 };
	struct vs_rules rules = VS_RULES_DEFAULT;
	struct vs_found f;
	size_t i, k;
	int skewed;
	double r;

	rules.min_effect = 0;
	rules.fail_effect = 0.05;
	rules.resamples = 300;
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		for (skewed = 0; skewed < 2; skewed++) {
			struct vs_world w = { rhos[i], skewed ? 0.2 : 0.05, skewed };

			for (k = 0; k < ARRAY_SIZE(sizes); k++) {
				r = vs_false_alarms(&w, sizes[k], 300, &rules);
				CHECK(r <= rules.alpha, "false alarms at most as often as alpha says",
				      "%.4f, autocorrelation %.1f, %zu values%s", r, rhos[i],
				      sizes[k], skewed ? ", skewed" : "");
			}
		}
		for (k = 0; k < 2; k++) {
			struct vs_world w = { rhos[i], 0.05, 0 };

			f = vs_find_planted(&w, sizes[k], 0.05, 60, &rules);
			CHECK(f.found >= 0.95, "a planted 5 % is found with what is asked for",
			      "%.3f, autocorrelation %.1f, first %zu, then %.0f values", f.found,
			      rhos[i], sizes[k], f.need);
		}
	}
	/* The seed decides: the same experiment has the same result. */
	{
		struct vs_world w = { 0.3, 0.05, 0 };

		r = vs_false_alarms(&w, 10, 50, &rules);
		CHECK(r == vs_false_alarms(&w, 10, 50, &rules), "experiments repeat", "%.3f", r);
	}
}

/* Noise between runs counts for a side whose values are slices of one run. */
static void sampling(void)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction dir = VS_LOWER;
	struct vs_samples a, b;
	struct vs_change c;
	double v[2][20];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		v[0][i] = 1000 + (i % 3);
		v[1][i] = 1200 + (i % 3);
	}
	a = (struct vs_samples){ v[0], 20, 0 };
	b = (struct vs_samples){ v[1], 20, 0 };
	vs_compare(&a, &b, 0, &rules, &c);
	vs_decide_all(&c, &dir, 1, &rules);
	CHECK(c.verdict == VS_REGRESSED, "20 % more with little noise", "%s",
	      vs_verdict_name(c.verdict));
	b.noise = 0.2;
	vs_compare(&a, &b, 0, &rules, &c);
	vs_decide_all(&c, &dir, 1, &rules);
	CHECK(c.verdict == VS_CANNOT_TELL && !c.need,
	      "B is one run, and runs differ by 20 %: more of its slices do not help", "%s, need %zu",
	      vs_verdict_name(c.verdict), c.need);
	b.noise = 0;
	a.noise = 0.2;
	vs_compare(&a, &b, 0, &rules, &c);
	vs_decide_all(&c, &dir, 1, &rules);
	CHECK(c.verdict == VS_CANNOT_TELL, "the same for A", "%s", vs_verdict_name(c.verdict));
}

static void student(void)
{
	/* from a table: two-sided 5 % */
	static const struct { double dof, t; } table[] = {
		{ 1, 12.706 }, { 2, 4.303 }, { 5, 2.571 }, { 10, 2.228 }, { 30, 2.042 }, { 1000, 1.962 },
	};
	size_t i;
	int ok = 1;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		ok = ok && fabs(vs_t_quantile(0.025, table[i].dof) - table[i].t) < 6e-4 &&
		     fabs(vs_t_tail(table[i].t, table[i].dof) - 0.025) < 1e-4;
	CHECK(ok && vs_t_quantile(0.5, 3) == 0 && fabs(vs_t_tail(-2, 7) + vs_t_tail(2, 7) - 1) < 1e-12,
	      "Student's distribution against a table", "%.4f", vs_t_quantile(0.025, 1));
}

static void histogram(void)
{
	enum { N = 100000 };
	static struct vs_hist h, half[2], back;
	static const double at[] = { 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
	double *v = malloc(N * sizeof(*v)), worst = 0;
	struct vs_rng rng;
	uint64_t x;
	size_t i;
	int ok = 1;

	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		x = vs_hist_low(i);
		if (vs_hist_index(x) != i || vs_hist_index(x + vs_hist_width(i) - 1) != i)
			ok = 0;
		if (i && vs_hist_low(i) != vs_hist_low(i - 1) + vs_hist_width(i - 1))
			ok = 0;
	}
	CHECK(ok, "buckets follow one another without gap or overlap", "%u buckets",
	      VS_HIST_BUCKETS);

	vs_rng_seed(&rng, 9);
	for (i = 0; i < N; i++) {
		/* 1 ns to an hour, even on the logarithm */
		x = (uint64_t)exp(vs_rng_unit(&rng) * log(3.6e12));
		v[i] = (double)x;
		vs_hist_add(&h, x);
		vs_hist_add(&half[i & 1], x);
	}
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		double exact, err;

		/* nearest rank, as the histogram defines it */
		exact = vs_quantile(v, N, (ceil(at[i] * N) - 1) / (N - 1));
		err = fabs((double)vs_hist_quantile(&h, at[i]) - exact) / exact;
		if (err > worst)
			worst = err;
	}
	CHECK(worst < 0.01, "percentiles against exact ones", "worst error %.4f", worst);
	CHECK(fabs(vs_hist_mean(&h) - vs_mean(v, N)) / vs_mean(v, N) < 1e-9, "the mean is exact",
	      "%g", vs_hist_mean(&h));
	CHECK(fabs(vs_hist_stddev(&h) / vs_stddev(v, N) - 1) < 0.01, "standard deviation", "%g",
	      vs_hist_stddev(&h));

	vs_hist_diff(&back, &h, &half[1]);
	CHECK(!memcmp(back.bucket, half[0].bucket, sizeof(back.bucket)) &&
	      back.count == half[0].count && back.sum == half[0].sum,
	      "a histogram minus its part is the other part", "%llu values",
	      (unsigned long long)back.count);
	vs_hist_merge(&half[0], &half[1]);
	CHECK(!memcmp(&half[0], &h, sizeof(h)), "parts add up to the whole", "%llu values",
	      (unsigned long long)h.count);

	memset(&h, 0, sizeof(h));
	vs_hist_add(&h, ~0ULL >> 1);
	CHECK(vs_hist_quantile(&h, 0.5) <= ~0ULL >> 1 && h.count == 1,
	      "a value beyond the top is kept in the last bucket", "%u",
	      vs_hist_index(~0ULL >> 1));
	memset(&h, 0, sizeof(h));
	CHECK(vs_hist_quantile(&h, 0.99) == 0 && vs_hist_mean(&h) == 0, "an empty one says 0", "%d",
	      0);
	free(v);
}

int main(void)
{
	histogram();
	planted();
	need();
	holm();
	edges();
	steady();
	student();
	sampling();
	calibrated();
	printf("1..%d\n", tests);
	return failures != 0;
}
