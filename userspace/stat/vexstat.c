// SPDX-License-Identifier: GPL-2.0
/*
 * Comparing two sets of values. The test statistic is the logarithm of the
 * ratio of means, studentised; its distribution comes from the bootstrap, so
 * skewed latencies are treated as fairly as well-behaved rates.
 */
#include "vexstat.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double vs_mean(const double *v, size_t n)
{
	double s = 0;
	size_t i;

	for (i = 0; i < n; i++)
		s += v[i];
	return n ? s / (double)n : 0;
}

double vs_stddev(const double *v, size_t n)
{
	double m = vs_mean(v, n), s = 0;
	size_t i;

	if (n < 2)
		return 0;
	for (i = 0; i < n; i++)
		s += (v[i] - m) * (v[i] - m);
	return sqrt(s / (double)(n - 1));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Linear between the two neighbours, sorted input. */
static double quantile_sorted(const double *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	if (i + 1 >= n)
		return v[n - 1];
	return v[i] + (at - (double)i) * (v[i + 1] - v[i]);
}

double vs_quantile(const double *v, size_t n, double q)
{
	double *copy, out;

	if (!n)
		return 0;
	copy = malloc(n * sizeof(*copy));
	if (!copy)
		return NAN;
	memcpy(copy, v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_size);
	out = quantile_sorted(copy, n, q);
	free(copy);
	return out;
}

/* Mean of a resample and the squared standard error of that mean. */
static void resample(const double *v, size_t n, struct vs_rng *rng, double *mean, double *se2)
{
	double s = 0, sq = 0, base = v[0], m;
	size_t i;

	/* Shifted by one of the values: the squares lose no digits. */
	for (i = 0; i < n; i++) {
		double x = v[vs_rng_below(rng, n)] - base;

		s += x;
		sq += x * x;
	}
	m = s / (double)n;
	*mean = m + base;
	*se2 = (sq / (double)n - m * m) / (double)(n - 1);
	if (*se2 < 0)
		*se2 = 0;
}

/* Factor on the variance of a mean whose values resemble their neighbours. */
static double inflation(const double *v, size_t n)
{
	double m = vs_mean(v, n), num = 0, den = 0, rho;
	size_t i;

	if (n < 8)
		return 1;
	for (i = 0; i < n; i++) {
		den += (v[i] - m) * (v[i] - m);
		if (i)
			num += (v[i] - m) * (v[i - 1] - m);
	}
	if (den <= 0)
		return 1;
	/* The estimate is biased downwards by about 1/n. */
	rho = num / den + 1.0 / (double)n;
	/* What independent values show by chance is no resemblance. */
	if (rho < 2 / sqrt((double)n))
		return 1;
	if (rho > 0.9)
		rho = 0.9;
	return (1 + rho) / (1 - rho);
}

struct vs_interval vs_bootstrap_mean(const double *v, size_t n, const struct vs_rules *r)
{
	struct vs_interval out = { vs_mean(v, n), 0, 0 };
	double se, *t, half;
	struct vs_rng rng;
	unsigned int i;

	out.low = out.high = out.mean;
	se = n > 1 ? vs_stddev(v, n) / sqrt((double)n) : 0;
	if (n < 2 || se <= 0)
		return out;
	t = malloc(r->resamples * sizeof(*t));
	if (!t)
		return out;
	vs_rng_seed(&rng, r->seed);
	for (i = 0; i < r->resamples; i++) {
		double m, se2;

		resample(v, n, &rng, &m, &se2);
		t[i] = se2 > 0 ? fabs(m - out.mean) / sqrt(se2) : HUGE_VAL;
	}
	qsort(t, r->resamples, sizeof(*t), by_size);
	half = t[(size_t)((1 - r->alpha) * (r->resamples - 1))];
	if (!isfinite(half))
		half = 12.7;	/* two values: Student's own factor for 95 % */
	half *= se * sqrt(inflation(v, n));
	out.low -= half;
	out.high += half;
	free(t);
	return out;
}

/* Changes smaller than this are not called. */
static double limit_of(const struct vs_rules *r, double floor)
{
	double l = r->min_effect > floor ? r->min_effect : floor;

	return l < 0.99 ? l : 0.99;
}

/* How far the logarithm of a ratio lies beyond the limit; negative: within. */
static double beyond_limit(double theta, double limit)
{
	return theta >= 0 ? theta - log1p(limit) : -theta + log1p(-limit);
}

/* Means that are not positive have no ratio: compare them by their difference. */
static void compare_without_ratio(struct vs_change *out, double limit)
{
	double scale = fabs(out->a) > fabs(out->b) ? fabs(out->a) : fabs(out->b);

	out->change = scale > 0 ? (out->b - out->a) / scale : 0;
	out->low = out->high = out->change;
	out->p = out->change != 0 && fabs(out->change) >= limit ? 0 : 1;
}

void vs_compare(const double *a, size_t na, const double *b, size_t nb,
		double noise, double floor, const struct vs_rules *r, struct vs_change *out)
{
	double limit = limit_of(r, floor);
	double se2a, se2b, theta, se, wide, half, over, *t;
	struct vs_rng rng;
	unsigned int i, beyond = 0;

	memset(out, 0, sizeof(*out));
	out->a = vs_mean(a, na);
	out->b = vs_mean(b, nb);
	out->have = na < nb ? na : nb;
	out->floor = floor;
	out->p = 1;
	out->low = -1;
	out->high = HUGE_VAL;
	if (!na || !nb)
		return;
	if (out->a <= 0 || out->b <= 0) {
		compare_without_ratio(out, limit);
		return;
	}
	out->change = out->b / out->a - 1;
	if (na < 4 || nb < 4)
		return;

	se2a = vs_stddev(a, na) / out->a;
	se2a = se2a * se2a / (double)na;
	se2b = vs_stddev(b, nb) / out->b;
	se2b = se2b * se2b / (double)nb;
	theta = log(out->b / out->a);
	over = beyond_limit(theta, limit);
	se = sqrt(se2a + se2b);
	/* The widened error is what counts; t is drawn for the plain one. */
	wide = sqrt(se2a * inflation(a, na) + se2b * inflation(b, nb) + 2 * noise * noise);
	if (wide <= 0) {
		out->low = out->high = out->change;
		out->p = theta != 0 && over >= 0 ? 0 : 1;
		return;
	}
	if (se <= 0) {
		/* Constant values, noise known from elsewhere: a normal deviate. */
		half = 1.96 * wide;
		out->p = over > 0 ? erfc(over / wide / sqrt(2)) : 1;
		goto interval;
	}

	t = malloc(r->resamples * sizeof(*t));
	if (!t)
		return;
	vs_rng_seed(&rng, r->seed);
	for (i = 0; i < r->resamples; i++) {
		double ma, mb, va, vb, s;

		resample(a, na, &rng, &ma, &va);
		resample(b, nb, &rng, &mb, &vb);
		if (ma <= 0 || mb <= 0) {
			t[i] = HUGE_VAL;
		} else {
			s = sqrt(va / (ma * ma) + vb / (mb * mb));
			t[i] = s > 0 ? fabs(log(mb / ma) - theta) / s : HUGE_VAL;
		}
		if (t[i] >= over / wide)
			beyond++;
	}
	qsort(t, r->resamples, sizeof(*t), by_size);
	half = t[(size_t)((1 - r->alpha) * (r->resamples - 1))] * wide;
	out->p = (beyond + 1.0) / (r->resamples + 1.0);
	free(t);
interval:
	out->low = isfinite(half) ? exp(theta - half) - 1 : -1;
	out->high = isfinite(half) ? exp(theta + half) - 1 : HUGE_VAL;
}

void vs_holm(const double *p, double *out, size_t n)
{
	double worst = 0;
	size_t i, k;
	char *done = calloc(n ? n : 1, 1);

	if (!done) {
		for (i = 0; i < n; i++)
			out[i] = 1;
		return;
	}
	/* Smallest p times n, next times n - 1, and so on; never decreasing. */
	for (k = 0; k < n; k++) {
		size_t best = n;

		for (i = 0; i < n; i++)
			if (!done[i] && (best == n || p[i] < p[best]))
				best = i;
		done[best] = 1;
		if (p[best] * (double)(n - k) > worst)
			worst = p[best] * (double)(n - k);
		out[best] = worst > 1 ? 1 : worst;
	}
	free(done);
}

/* How many values on each side would bring the interval to one side of the limit. */
static size_t needed(const struct vs_change *c, double limit)
{
	double half = (c->high - c->low) / 2;
	double room = fabs(limit - fabs(c->change));
	double n;

	if (c->have < 4 || !isfinite(half))
		return c->have < 10 ? 10 : c->have * 2;
	if (room < limit / 4)
		room = limit / 4;
	if (room <= 0)
		return c->have * 2;
	n = ceil((double)c->have * (half / room) * (half / room));
	if (n > 1e6)
		n = 1e6;
	return n > (double)c->have ? (size_t)n : c->have + 1;
}

static void decide(struct vs_change *c, enum vs_direction dir, const struct vs_rules *r)
{
	double limit = limit_of(r, c->floor);
	int worse = dir == VS_HIGHER ? c->change < 0 : c->change > 0;

	c->fail = 0;
	c->need = 0;
	if (c->p_holm <= r->alpha) {
		c->verdict = worse ? VS_REGRESSED : VS_IMPROVED;
		c->fail = worse && fabs(c->change) >= r->fail_effect;
		return;
	}
	if (c->low >= -limit && c->high <= limit) {
		c->verdict = VS_UNCHANGED;
		return;
	}
	c->verdict = VS_CANNOT_TELL;
	c->need = needed(c, limit);
}

void vs_decide_all(struct vs_change *c, const enum vs_direction *dir, size_t n,
		   const struct vs_rules *r)
{
	double *p = calloc(n ? n : 1, 2 * sizeof(*p));
	size_t i;

	for (i = 0; p && i < n; i++)
		p[i] = c[i].p;
	if (p)
		vs_holm(p, p + n, n);
	for (i = 0; i < n; i++) {
		c[i].p_holm = p ? p[n + i] : 1;
		decide(&c[i], dir[i], r);
	}
	free(p);
}

struct vs_noise vs_noise_of(const double *means, size_t n)
{
	struct vs_noise out = { 0, 0 };
	double m = vs_mean(means, n), *d;
	size_t i, j, k = 0;

	if (n < 2 || m == 0)
		return out;
	out.sd = vs_stddev(means, n) / fabs(m);
	d = malloc(n * (n - 1) / 2 * sizeof(*d));
	if (!d)
		return out;
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			d[k++] = fabs(means[i] - means[j]) / fabs(m);
	out.floor = vs_quantile(d, k, 0.95);
	free(d);
	return out;
}

struct vs_line vs_fit(const double *v, size_t n)
{
	struct vs_line out = { 0, 0, vs_mean(v, n) };
	double mx = ((double)n - 1) / 2, sxx = 0, sxy = 0, rest = 0;
	size_t i;

	if (n < 3)
		return out;
	for (i = 0; i < n; i++) {
		sxx += ((double)i - mx) * ((double)i - mx);
		sxy += ((double)i - mx) * (v[i] - out.mean);
	}
	out.slope = sxy / sxx;
	for (i = 0; i < n; i++) {
		double e = v[i] - out.mean - out.slope * ((double)i - mx);

		rest += e * e;
	}
	out.se = sqrt(rest / (double)(n - 2) / sxx);
	return out;
}

int vs_steady(const double *v, size_t n, double tolerance)
{
	struct vs_line l;

	if (n < 5)
		return 0;
	l = vs_fit(v, n);
	if (l.mean <= 0)
		return 0;
	return fabs(l.slope) <= 2 * l.se ||
	       fabs(l.slope) * (double)n <= tolerance * l.mean;
}

const char *vs_verdict_name(enum vs_verdict v)
{
	switch (v) {
	case VS_UNCHANGED:
		return "unchanged";
	case VS_IMPROVED:
		return "improved";
	case VS_REGRESSED:
		return "regressed";
	default:
		return "cannot tell";
	}
}
