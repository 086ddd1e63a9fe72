// SPDX-License-Identifier: GPL-2.0
/*
 * Compares two sets of values. The test statistic is the studentised logarithm of the
 * ratio of means; its distribution comes from the bootstrap, so skewed latencies are
 * treated as well as symmetric rates.
 */
#include "vexstat.h"
#include "rng.h"

#include <math.h>
#include <stdbool.h>
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

/* Mean of a resample, and the squared standard error of that mean. */
static void resample(const double *v, size_t n, struct vs_rng *rng, double *mean, double *se2)
{
	double s = 0, sq = 0, base = v[0], m;
	size_t i;

	/* Shifted by one of the values, so that squares lose no digits. */
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

/* Continued fraction of the incomplete beta function (Lentz). */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;
	int m;

	d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
	h = d;
	for (m = 1; m < 300; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
		h *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-12)
			break;
	}
	return h;
}

static double incomplete_beta(double a, double b, double x)
{
	double front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
					 : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double vs_t_tail(double t, double dof)
{
	double half = incomplete_beta(dof / 2, 0.5, dof / (dof + t * t)) / 2;

	return t >= 0 ? half : 1 - half;
}

double vs_t_quantile(double p, double dof)
{
	double low = 0, high = 1;
	int i;

	if (p >= 0.5)
		return p > 0.5 ? -vs_t_quantile(1 - p, dof) : 0;
	while (vs_t_tail(high, dof) > p && high < 1e12)
		high *= 2;
	for (i = 0; i < 100 && high - low > 1e-9 * high; i++) {
		double mid = (low + high) / 2;

		if (vs_t_tail(mid, dof) > p)
			low = mid;
		else
			high = mid;
	}
	return (low + high) / 2;
}

/* Numerator and denominator of the first autocorrelation, to be added up. */
static void resemblance(const double *v, size_t n, double *num, double *den)
{
	double m = vs_mean(v, n);
	size_t i;

	for (i = 0; i < n && m != 0; i++) {
		*den += (v[i] - m) * (v[i] - m) / (m * m);
		if (i)
			*num += (v[i] - m) * (v[i - 1] - m) / (m * m);
	}
}

#define RHO_MOST	0.9
/*
 * Upper bounds for the autocorrelation and for the variance, in standard errors above the
 * estimate. The constants come from simulation: `vexstress noise --calibrate' shows their
 * effect.
 */
#define RHO_SURE	1.1
#define NOISE_SURE	1.3

/*
 * Upper bound of the autocorrelation. The estimate from few values is biased by about -(1
 * + 3 rho) / n and uncertain; underestimating it causes false alarms. @n: values in all,
 * @sides: series they are in.
 */
static double rho_most(double num, double den, size_t n, unsigned int sides)
{
	double each = (double)n / sides, rho, se;

	if (den <= 0)
		return 0;
	rho = num / den;
	rho += (1 + 3 * (rho > 0 ? rho : 0)) / each;
	se = sqrt((rho < 1 && rho > -1 ? 1 - rho * rho : 0) / (double)n);
	rho += RHO_SURE * se;
	return rho < 0 ? 0 : rho > RHO_MOST ? RHO_MOST : rho;
}

/* Factor on the variance of the mean of autocorrelated values. */
static double inflation(double rho, size_t n)
{
	double f = (1 + rho) / (1 - rho), most = (double)n / 2;

	/* at least two independent values remain */
	return f > most ? most : f;
}

/* The standard error of few autocorrelated values is underestimated. */
static double hidden(double factor, size_t n)
{
	return n > 1 ? ((double)n - 1) / ((double)n - factor) : 1;
}

/* Effective degrees of freedom of @n values. */
static double freedom(double factor, size_t n)
{
	double f = (double)n / factor - 1;

	return f < 1 ? 1 : f;
}

/*
 * The bootstrap resamples single values. A deviate of many degrees of freedom (@from) is
 * converted to fewer (@to) by Student's distribution.
 */
static double fewer_degrees(double t, double from, double to)
{
	return to < from ? vs_t_quantile(vs_t_tail(t, from), to) : t;
}

struct vs_interval vs_bootstrap_mean(const double *v, size_t n, const struct vs_rules *r)
{
	struct vs_interval out = { vs_mean(v, n), 0, 0 };
	double se, *t, half, num = 0, den = 0, factor;
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
	free(t);
	if (!isfinite(half))
		half = vs_t_quantile(r->alpha / 2, (double)n - 1);
	resemblance(v, n, &num, &den);
	factor = n < 4 ? 1 : inflation(rho_most(num, den, n, 1), n);
	half = fewer_degrees(half, (double)n - 1, freedom(factor, n));
	half *= se * sqrt(factor * hidden(factor, n));
	out.low -= half;
	out.high += half;
	return out;
}

/* Smaller changes are not reported. */
static double limit_of(const struct vs_rules *r, double floor)
{
	double l = r->min_effect > floor ? r->min_effect : floor;

	return l < 0.99 ? l : 0.99;
}

/* How far the logarithm of a ratio is beyond the limit; negative: within. */
static double beyond_limit(double theta, double limit)
{
	return theta >= 0 ? theta - log1p(limit) : -theta + log1p(-limit);
}

/* Means that are not positive have no ratio: their difference is used. */
static void compare_without_ratio(struct vs_change *out, double limit)
{
	double scale = fabs(out->a) > fabs(out->b) ? fabs(out->a) : fabs(out->b);

	out->change = scale > 0 ? (out->b - out->a) / scale : 0;
	out->low = out->high = out->change;
	out->p = out->change != 0 && fabs(out->change) >= limit ? 0 : 1;
}

/* The standard error of the ratio, and its degrees of freedom. */
struct error {
	double plain;	/* as if all values were independent, like the bootstrap */
	double wide;	/* with autocorrelation */
	double from, to;	/* degrees of freedom of the two */
};

static void error_of(const struct vs_samples *a, const struct vs_samples *b,
		     struct vs_change *out, struct error *e)
{
	double cva = vs_stddev(a->v, a->n) / out->a, cvb = vs_stddev(b->v, b->n) / out->b;
	double va = cva * cva / (double)a->n, vb = cvb * cvb / (double)b->n;
	double fa, fb, num = 0, den = 0, to;

	resemblance(a->v, a->n, &num, &den);
	resemblance(b->v, b->n, &num, &den);
	out->rho = rho_most(num, den, a->n + b->n, 2);
	out->cv = sqrt((cva * cva + cvb * cvb) / 2);
	out->noise = sqrt((a->noise * a->noise + b->noise * b->noise) / 2);
	fa = inflation(out->rho, a->n);
	fb = inflation(out->rho, b->n);
	e->plain = sqrt(va + vb);
	va *= fa * hidden(fa, a->n);
	vb *= fb * hidden(fb, b->n);
	e->wide = sqrt(va + vb + a->noise * a->noise + b->noise * b->noise);
	/* Welch and Satterthwaite */
	e->from = (double)(a->n + b->n) - 2;
	to = va + vb > 0 ? (va + vb) * (va + vb) / (va * va / freedom(fa, a->n) +
						     vb * vb / freedom(fb, b->n)) : e->from;
	e->to = to < e->from ? to : e->from;
}

void vs_compare(const struct vs_samples *a, const struct vs_samples *b, double floor,
		const struct vs_rules *r, struct vs_change *out)
{
	double limit = limit_of(r, floor);
	double theta, half, over, x, *t;
	struct vs_rng rng;
	struct error e;
	unsigned int i, beyond = 0;

	memset(out, 0, sizeof(*out));
	out->a = vs_mean(a->v, a->n);
	out->b = vs_mean(b->v, b->n);
	out->have = a->n < b->n ? a->n : b->n;
	out->floor = floor;
	out->p = 1;
	out->low = -1;
	out->high = HUGE_VAL;
	if (!a->n || !b->n)
		return;
	if (out->a <= 0 || out->b <= 0) {
		compare_without_ratio(out, limit);
		return;
	}
	out->change = out->b / out->a - 1;
	if (a->n < 4 || b->n < 4)
		return;

	theta = log(out->b / out->a);
	over = beyond_limit(theta, limit);
	error_of(a, b, out, &e);
	if (e.wide <= 0) {
		out->low = out->high = out->change;
		out->p = theta != 0 && over >= 0 ? 0 : 1;
		return;
	}
	if (e.plain <= 0) {
		/* Constant values with known noise between runs: a normal deviate. */
		half = 1.96 * e.wide;
		out->p = over > 0 ? erfc(over / e.wide / sqrt(2)) : 1;
		goto interval;
	}

	t = malloc(r->resamples * sizeof(*t));
	if (!t)
		return;
	/* The estimate as a deviate with as many degrees of freedom as the bootstrap has. */
	x = over / e.wide;
	if (x > 0 && e.to < e.from)
		x = vs_t_quantile(vs_t_tail(x, e.to), e.from);
	vs_rng_seed(&rng, r->seed);
	for (i = 0; i < r->resamples; i++) {
		double ma, mb, va, vb, s;

		resample(a->v, a->n, &rng, &ma, &va);
		resample(b->v, b->n, &rng, &mb, &vb);
		if (ma <= 0 || mb <= 0) {
			t[i] = HUGE_VAL;
		} else {
			s = sqrt(va / (ma * ma) + vb / (mb * mb));
			t[i] = s > 0 ? fabs(log(mb / ma) - theta) / s : HUGE_VAL;
		}
		if (t[i] >= x)
			beyond++;
	}
	qsort(t, r->resamples, sizeof(*t), by_size);
	half = t[(size_t)((1 - r->alpha) * (r->resamples - 1))];
	half = isfinite(half) ? fewer_degrees(half, e.from, e.to) * e.wide : half;
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

/* A change that should be found, by its distance from the limit. */
static double room_of(double effect, double limit)
{
	double up = log1p(effect) - log1p(limit), down = log1p(-limit) - log1p(-effect);

	return up < down ? up : down;
}

size_t vs_samples_needed(double cv, double rho, double noise, double effect, double floor,
			 const struct vs_rules *r)
{
	double room = room_of(effect < 0.99 ? effect : 0.99, limit_of(r, floor));
	size_t n = 4, step;

	if (room <= 0)
		return 0;
	/* Doubles, then bisects: the smallest number that is enough. */
	for (step = 0; n < 1u << 24; ) {
		double rho_n = rho + RHO_SURE * sqrt((1 - rho * rho) / (2 * (double)n));
		double factor = inflation(rho_n < RHO_MOST ? rho_n : RHO_MOST, n);
		double dof = 2 * freedom(factor, n);
		double se = sqrt(2 * (cv * cv * factor * hidden(factor, n) / (double)n + noise * noise));
		bool enough = (vs_t_quantile(r->alpha / 2, dof) + vs_t_quantile(0.05, dof)) * se <=
			      room;

		if (!step && !enough) {
			n *= 2;
			continue;
		}
		step = step ? step / 2 : n / 4;
		if (!step)
			return enough ? n : n + 1;
		n = enough ? n - step : n + step;
	}
	return 0;
}

/* The change to find: the one that fails, or one well above the noise. */
static size_t needed(const struct vs_change *c, double limit, const struct vs_rules *r)
{
	double effect = r->fail_effect > 1.5 * limit ? r->fail_effect : 1.5 * limit;
	double alone = (double)c->have / inflation(c->rho, c->have);
	double cv = c->cv * (1 + NOISE_SURE / sqrt(4 * alone));
	size_t n;

	if (c->have < 4)
		return 10;
	if (effect <= 0)
		effect = 0.05;
	n = vs_samples_needed(cv, c->rho, c->noise, effect, c->floor, r);
	/* The number was sufficient, so the change is close to the limit. */
	return n && n <= c->have ? c->have * 2 : n;
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
	c->need = needed(c, limit, r);
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
	/*
	 * Failing to prove a slope is not enough: the test must show that there is no
	 * relevant one.
	 */
	return (fabs(l.slope) + vs_t_quantile(0.05, (double)n - 2) * l.se) * ((double)n - 1) <=
	       tolerance * l.mean;
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
