// SPDX-License-Identifier: GPL-2.0
/*
 * Finds where a series jumps from one level to another.
 *
 * The statistic of place k among n values compares two means: |m1 - m2| over its standard
 * error. In a series without a jump, its maximum over all places is distributed like that
 * of a standardised Brownian bridge, whose tail is in James, James and Siegmund (1987):
 *
 *	P(max > x) = x phi(x) [ (1 - 1/x^2) ln(1/e - 1)^2 + 4/x^2 ... ]
 *
 * where e is the fraction of values at either end in which no jump is looked for. The
 * standard error accounts for autocorrelation: it is the deviation from a running median,
 * times (1 + rho) / (1 - rho).
 *
 * The bound holds for noise without heavy tails. So values far from the running median are
 * moved to CLIP deviations from it before anything is computed: a single value, however far
 * off, is no level. Where the spread itself changes often, no piece is left out when the
 * deviation is estimated.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

/**
 * struct search - a series that is being segmented
 * @v: known values
 * @at: index of each in the original series
 * @n: number of values
 * @sum: prefix sums
 * @sd: long-run deviation from one level
 */
struct search {
	double *v;
	size_t *at;
	size_t n;
	double *sum;
	double sd;
	const struct change_rules *r;
	size_t parts;
	const struct bins *b;
	struct change_point *out;
	size_t found;
};

/* Normal noise has 1 in 370 values beyond. */
#define CLIP	3

/* The median of the values around @i, of those that exist. */
static double running_median(const double *v, size_t n, size_t i, size_t half)
{
	size_t from = i > half ? i - half : 0, to = i + half < n ? i + half + 1 : n;

	return vs_quantile(v + from, to - from, 0.5);
}

/*
 * Moves values that are far from the running median towards it. Half a window is a run
 * less one, so that a level of @run values is no outlier. Where more than half of the values
 * are equal to the median there is no scale to judge the others by, and they stay.
 */
static void clip(double *v, size_t n, size_t run)
{
	double *m = malloc((n + 1) * sizeof(*m)), *off = malloc((n + 1) * sizeof(*off)), limit;

	for (size_t i = 0; m && off && i < n; i++) {
		m[i] = running_median(v, n, i, run - 1);
		off[i] = fabs(v[i] - m[i]);
	}
	limit = m && off && n ? CLIP * 1.4826 * vs_quantile(off, n, 0.5) : 0;
	for (size_t i = 0; limit > 0 && i < n; i++)
		if (fabs(v[i] - m[i]) > limit)
			v[i] = m[i] + (v[i] > m[i] ? limit : -limit);
	free(m);
	free(off);
}

static double bridge_tail(double x, double e)
{
	double phi = exp(-x * x / 2) / sqrt(2 * M_PI);
	double l = 2 * log(1 / e - 1);
	double p = x > 1 ? x * phi * (l * (1 - 1 / (x * x)) + 4 / (x * x)) : 1;

	return p < 0 ? 0 : p > 1 ? 1 : p;
}

static double mean_of(const struct search *s, size_t from, size_t to)
{
	return (s->sum[to] - s->sum[from]) / (double)(to - from);
}

/* Variance of a piece about its own mean, and its autocovariance. */
static double piece_spread(const struct search *s, size_t from, size_t to, double *lag)
{
	double m = mean_of(s, from, to), var = 0;

	*lag = 0;
	for (size_t i = from; i < to; i++) {
		double d = s->v[i] - m;

		var += d * d;
		if (i > from)
			*lag += d * (s->v[i - 1] - m);
	}
	return var;
}

#define PIECES_MAX	4096
/*
 * A piece with far more variance than most contains a jump; but where more than one in
 * WILD_SHARE is like that, the noise comes in bursts.
 */
#define WILD		16
#define WILD_SHARE	4

/*
 * The long-run deviation of means. It uses pieces of a few runs, each relative to its own
 * mean, so that jumps between pieces do not count; a piece that contains a jump is left
 * out.
 */
static double long_run_sd(const struct search *s)
{
	size_t run = s->r->min_run, piece = s->n / 8 < 4 * run ? s->n / 8 : 4 * run;
	double spread[PIECES_MAX] = { 0 }, usual, var = 0, lag = 0, rho, l;
	size_t pieces, k = 0, wild = 0;

	piece = piece < run ? run : piece;
	if (s->n / piece > PIECES_MAX)
		piece = s->n / PIECES_MAX + 1;
	pieces = s->n / piece;
	for (size_t p = 0; p < pieces; p++)
		spread[p] = piece_spread(s, p * piece, (p + 1) * piece, &l);
	usual = vs_quantile(spread, pieces, 0.5);
	for (size_t p = 0; p < pieces; p++)
		wild += spread[p] > WILD * usual;
	for (size_t p = 0; p < pieces; p++) {
		if (spread[p] > WILD * usual && wild <= 1 + pieces / WILD_SHARE)
			continue;
		var += piece_spread(s, p * piece, (p + 1) * piece, &l);
		lag += l;
		k += piece - 1;
	}
	if (!k || var <= 0)
		return 0;
	/* Removing the mean biases the autocorrelation downwards. */
	rho = lag / var + 1.0 / (double)piece + 4 * lag / var / (double)piece;
	var /= (double)k;
	if (rho < 0)
		rho = 0;
	if (rho > 0.9)
		rho = 0.9;
	return sqrt(var * (1 + rho) / (1 - rho));
}

static void found(struct search *s, size_t from, size_t k, size_t to, double p)
{
	struct change_point *c;

	if (s->found == CHANGES_MAX)
		return;
	c = &s->out[s->found++];
	c->at = s->at[k];
	c->t = s->b->from + (int64_t)s->at[k] * s->b->step;
	c->before = mean_of(s, from, k);
	c->after = mean_of(s, k, to);
	c->change = c->before ? c->after / c->before - 1 : c->after > 0 ? INFINITY : 0;
	c->p = p;
}

static bool matters(const struct search *s, double before, double after)
{
	return fabs(after - before) >= s->r->min_effect * fabs(before) && after != before;
}

/* Only a side shorter than this is judged by ranks: of a longer one, means say enough. */
#define SHORT		32
#define RANK_Z		2.5

/*
 * A few values of a side may be far off and the others be like those of the other side:
 * their mean is then another one, but it is no other level. True when the two sides differ
 * by ranks as well (Mann and Whitney, at about 1 %).
 */
static bool ranks_differ(const struct search *s, size_t from, size_t k, size_t to)
{
	double m = (double)(k - from), n = (double)(to - k), u = 0;

	if (m > SHORT && n > SHORT)
		return true;
	for (size_t i = from; i < k; i++)
		for (size_t j = k; j < to; j++)
			u += s->v[j] > s->v[i] ? 1 : s->v[j] == s->v[i] ? 0.5 : 0;
	return fabs(u - m * n / 2) > RANK_Z * sqrt(m * n * (m + n + 1) / 12);
}

static void cut(struct search *s, size_t from, size_t to)
{
	size_t run = s->r->min_run, best = 0;
	double top = 0, e, p;

	if (to - from < 2 * run)
		return;
	for (size_t k = from + run; k + run <= to; k++) {
		double l = (double)(k - from), r = (double)(to - k);
		double d = fabs(mean_of(s, from, k) - mean_of(s, k, to)) / sqrt(1 / l + 1 / r);

		if (d > top) {
			top = d;
			best = k;
		}
	}
	e = (double)run / (double)(to - from);
	p = s->sd > 0 ? bridge_tail(top / s->sd, e < 0.45 ? e : 0.45) : top > 0 ? 0 : 1;
	if (!best || p * (double)s->parts > s->r->alpha || !ranks_differ(s, from, best, to))
		return;
	s->parts++;
	cut(s, from, best);
	found(s, from, best, to, p);
	cut(s, best, to);
}

/* Computes the levels between the places, and drops places that no longer make a difference. */
static size_t settle(struct search *s)
{
	size_t places[CHANGES_MAX + 2], n = s->found, kept;
	bool again = true;

	while (again) {
		again = false;
		places[0] = 0;
		for (size_t i = 0; i < n; i++) {
			size_t k = 0;

			while (s->at[k] != s->out[i].at)
				k++;
			places[i + 1] = k;
		}
		places[n + 1] = s->n;
		for (kept = 0; kept < n; kept++) {
			struct change_point *c = &s->out[kept];

			c->before = mean_of(s, places[kept], places[kept + 1]);
			c->after = mean_of(s, places[kept + 1], places[kept + 2]);
			c->change = c->before ? c->after / c->before - 1 :
				    c->after > 0 ? INFINITY : 0;
			if (matters(s, c->before, c->after))
				continue;
			memmove(c, c + 1, (n - kept - 1) * sizeof(*c));
			n--;
			again = true;
			break;
		}
	}
	return n;
}

size_t change_points(const struct bins *b, const struct change_rules *r,
		     struct change_point out[CHANGES_MAX])
{
	struct search s = { .r = r, .b = b, .out = out, .parts = 1 };
	size_t n = SIZE_MAX;

	s.v = malloc((b->n + 1) * sizeof(*s.v));
	s.at = malloc((b->n + 1) * sizeof(*s.at));
	s.sum = calloc(b->n + 1, sizeof(*s.sum));
	if (!s.v || !s.at || !s.sum)
		goto out;
	for (size_t i = 0; i < b->n; i++) {
		if (isnan(b->v[i]))
			continue;
		s.v[s.n] = b->v[i];
		s.at[s.n++] = i;
	}
	clip(s.v, s.n, r->min_run);
	for (size_t i = 0; i < s.n; i++)
		s.sum[i + 1] = s.sum[i] + s.v[i];
	if (s.n >= 4 * r->min_run) {
		s.sd = long_run_sd(&s);
		cut(&s, 0, s.n);
		n = settle(&s);
	}
out:
	free(s.v);
	free(s.at);
	free(s.sum);
	return n;
}
