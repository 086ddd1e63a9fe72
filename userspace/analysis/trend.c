// SPDX-License-Identifier: GPL-2.0
/* Trends, correlation, and comparison of two periods. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

#define DAY_MS		86400000.0
/* Fewer values are too few for a trend. */
#define TREND_LEAST	12
#define PAIRS_LEAST	20

/**
 * struct fit - a line fitted to values, some of which are missing
 * @slope: per step
 * @mean: of the values
 * @at: mean of the indices
 * @sxx: sum of squares of the indices
 * @rho: autocorrelation of the residuals
 * @sd: standard deviation of the residuals
 * @n: number of values
 */
struct fit {
	double slope, mean, at, sxx, rho, sd;
	size_t n;
};

static bool fit_line(const struct bins *b, struct fit *f)
{
	double sxy = 0, var = 0, lag = 0, last = NAN;

	*f = (struct fit){ 0 };
	for (size_t i = 0; i < b->n; i++) {
		if (isnan(b->v[i]))
			continue;
		f->mean += b->v[i];
		f->at += (double)i;
		f->n++;
	}
	if (f->n < 3)
		return false;
	f->mean /= (double)f->n;
	f->at /= (double)f->n;
	for (size_t i = 0; i < b->n; i++) {
		if (isnan(b->v[i]))
			continue;
		f->sxx += ((double)i - f->at) * ((double)i - f->at);
		sxy += ((double)i - f->at) * (b->v[i] - f->mean);
	}
	f->slope = f->sxx > 0 ? sxy / f->sxx : 0;
	for (size_t i = 0; i < b->n; i++) {
		double d = b->v[i] - f->mean - f->slope * ((double)i - f->at);

		if (!isnan(d) && !isnan(last))
			lag += d * last;
		if (!isnan(d))
			var += d * d;
		last = d;
	}
	f->rho = var > 0 ? lag / var + 4.0 / (double)f->n : 0;
	f->rho = f->rho < 0 ? 0 : f->rho > 0.95 ? 0.95 : f->rho;
	f->sd = sqrt(var / (double)(f->n - 2));
	return true;
}

const char *trend_name(enum trend t)
{
	static const char *const names[] = { "cannot tell", "none", "rising", "falling" };

	return names[t];
}

void trend_fit(const struct bins *b, double min_effect, struct trend_line *out)
{
	double days = (double)b->step / DAY_MS, se, t, n_eff;
	struct fit f;

	*out = (struct trend_line){ TREND_CANNOT_TELL };
	if (!fit_line(b, &f) || f.n < TREND_LEAST || f.mean == 0) {
		out->n = f.n;
		out->mean = f.mean;
		return;
	}
	out->n = f.n;
	out->mean = f.mean;
	n_eff = (double)f.n * (1 - f.rho) / (1 + f.rho);
	se = f.sd / sqrt(f.sxx) * sqrt((1 + f.rho) / (1 - f.rho));
	t = vs_t_quantile(0.025, n_eff > 4 ? n_eff - 2 : 2);
	out->per_day = f.slope / fabs(f.mean) / days;
	out->low = (f.slope - t * se) / fabs(f.mean) / days;
	out->high = (f.slope + t * se) / fabs(f.mean) / days;
	out->total = f.slope * (double)(b->n - 1) / fabs(f.mean);
	if (n_eff < 4)
		return;
	if (out->low > 0 && out->total >= min_effect)
		out->trend = TREND_UP;
	else if (out->high < 0 && out->total <= -min_effect)
		out->trend = TREND_DOWN;
	else if (out->high * days * (double)b->n < min_effect &&
		 out->low * days * (double)b->n > -min_effect)
		out->trend = TREND_NONE;
	else if (out->low <= 0 && out->high >= 0)
		out->trend = TREND_CANNOT_TELL;
	else
		out->trend = TREND_NONE;
}

/* ---- forecasts ---- */

void forecast_line(const struct bins *b, double ahead, struct forecast *out)
{
	double at = (double)b->n - 1 + ahead / (double)b->step, n_eff, error, wide, scale;
	struct fit f;

	*out = (struct forecast){ .known = false };
	if (!fit_line(b, &f) || f.n < TREND_LEAST) {
		out->n = f.n;
		return;
	}
	out->n = f.n;
	n_eff = (double)f.n * (1 - f.rho) / (1 + f.rho);
	out->now = f.mean + f.slope * ((double)b->n - 1 - f.at);
	out->value = f.mean + f.slope * (at - f.at);
	/* what is larger spreads wider: that is how loads and memory are */
	scale = f.mean != 0 ? fmax(1, fabs(out->value / f.mean)) : 1;
	/* the line is uncertain, in height and in slope, and a value is off the line */
	error = f.sd * sqrt(scale * scale + 1 / n_eff + (at - f.at) * (at - f.at) / f.sxx *
			    (1 + f.rho) / (1 - f.rho));
	wide = vs_t_quantile(0.025, n_eff > 4 ? n_eff - 2 : 2) * error;
	out->low = out->value - wide;
	out->high = out->value + wide;
	out->known = n_eff >= 4 && isfinite(wide);
}

/* The end of the interval that @side names: -1 the lower, 0 the line, 1 the upper. */
static double edge(const struct bins *b, double ahead, int side)
{
	struct forecast f;

	forecast_line(b, ahead, &f);
	return side < 0 ? f.low : side > 0 ? f.high : f.value;
}

/* The first moment at which an edge is beyond @limit, in steps of the series. */
static double first_beyond(const struct bins *b, double limit, double most, bool above, int side)
{
	double t;

	for (t = 0; t <= most; t += (double)b->step)
		if (above ? edge(b, t, side) >= limit : edge(b, t, side) <= limit)
			return t;
	return INFINITY;
}

bool forecast_reach(const struct bins *b, double limit, double most, double *when, double *first,
		    double *last)
{
	struct forecast f;
	bool above;

	*when = *first = *last = INFINITY;
	forecast_line(b, 0, &f);
	if (!f.known)
		return false;
	above = f.now < limit;
	*when = first_beyond(b, limit, most, above, 0);
	*first = first_beyond(b, limit, most, above, above ? 1 : -1);
	*last = first_beyond(b, limit, most, above, above ? -1 : 1);
	return true;
}

/* ---- correlation ---- */

struct rank {
	double v;
	size_t at;
};

static int by_value(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return x->v < y->v ? -1 : x->v > y->v;
}

/* Replaces values by ranks; ties get their mean rank, and missing values stay missing. */
static void to_ranks(double *v, size_t n, struct rank *room)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(v[i]))
			room[k++] = (struct rank){ v[i], i };
	qsort(room, k, sizeof(*room), by_value);
	for (size_t i = 0, j; i < k; i = j) {
		for (j = i; j < k && room[j].v == room[i].v; j++)
			;
		for (size_t s = i; s < j; s++)
			v[room[s].at] = (double)(i + j - 1) / 2;
	}
}

static double self_likeness(const double *v, size_t n, double mean)
{
	double var = 0, lag = 0;

	for (size_t i = 0; i < n; i++) {
		var += (v[i] - mean) * (v[i] - mean);
		if (i)
			lag += (v[i] - mean) * (v[i - 1] - mean);
	}
	return var > 0 ? lag / var : 0;
}

/* Correlation of the ranks of two series, and its probability. */
static double rank_correlation(const double *x, const double *y, size_t n, double *p)
{
	double mx = vs_mean(x, n), my = vs_mean(y, n), xy = 0, xx = 0, yy = 0, r, rho, n_eff, t;

	for (size_t i = 0; i < n; i++) {
		xy += (x[i] - mx) * (y[i] - my);
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
	}
	*p = 1;
	if (xx <= 0 || yy <= 0)
		return 0;
	r = xy / sqrt(xx * yy);
	/* Bartlett: autocorrelated values count as fewer. */
	rho = self_likeness(x, n, mx) * self_likeness(y, n, my);
	rho = rho < 0 ? 0 : rho;
	n_eff = (double)n * (1 - rho) / (1 + rho);
	if (n_eff < 5)
		return r;
	t = fabs(r) * sqrt((n_eff - 2) / (1 - r * r + 1e-12));
	*p = 2 * vs_t_tail(t, n_eff - 2);
	return r;
}

static void take_line(const struct bins *b, double *out)
{
	struct fit f;
	bool known = fit_line(b, &f);

	for (size_t i = 0; i < b->n; i++)
		out[i] = known ? b->v[i] - f.slope * ((double)i - f.at) : b->v[i];
}

void correlate(const struct bins *a, const struct bins *b, int max_lag, struct correlation *out)
{
	size_t n = a->n < b->n ? a->n : b->n, longest = a->n > b->n ? a->n : b->n;
	double *x = malloc((a->n + 1) * sizeof(*x)), *y = malloc((b->n + 1) * sizeof(*y));
	double *px = malloc((n + 1) * sizeof(*px)), *py = malloc((n + 1) * sizeof(*py));
	struct rank *room = malloc((longest + 1) * sizeof(*room));
	int lags = 0;

	*out = (struct correlation){ .p = 1 };
	if (!x || !y || !px || !py || !room)
		goto out;
	take_line(a, x);
	take_line(b, y);
	/* of the whole series, once: sorting at each lag took nearly all of the time */
	to_ranks(x, a->n, room);
	to_ranks(y, b->n, room);
	for (int lag = -max_lag; lag <= max_lag; lag++) {
		size_t k = 0;
		double r, p;

		for (size_t i = 0; i < n; i++) {
			int64_t j = (int64_t)i + lag;

			if (j < 0 || (size_t)j >= n || isnan(x[i]) || isnan(y[j]))
				continue;
			px[k] = x[i];
			py[k++] = y[j];
		}
		if (k < PAIRS_LEAST)
			continue;
		lags++;
		r = rank_correlation(px, py, k, &p);
		if (!out->known || p < out->p || (p == out->p && fabs(r) > fabs(out->r))) {
			out->lag = lag;
			out->r = r;
			out->p = p;
			out->n = k;
		}
		out->known = true;
	}
	out->p = out->p * lags > 1 ? 1 : out->p * lags;
out:
	free(x);
	free(y);
	free(px);
	free(py);
	free(room);
}

/* ---- two periods ---- */

#define SIDE_MAX	120

/* At most SIDE_MAX values: means of neighbours. */
static size_t thin(const double *v, size_t n, double out[SIDE_MAX])
{
	size_t each = (n + SIDE_MAX - 1) / SIDE_MAX, k = 0;

	for (size_t i = 0; each && i + each <= n; i += each)
		out[k++] = vs_mean(v + i, each);
	return k;
}

void compare_values(const double *a, size_t na, const double *b, size_t nb,
		    const struct vs_rules *r, struct vs_change *out)
{
	double va[SIDE_MAX], vb[SIDE_MAX];
	struct vs_samples sa = { va, thin(a, na, va), 0 }, sb = { vb, thin(b, nb, vb), 0 };

	vs_compare(&sa, &sb, 0, r, out);
}
