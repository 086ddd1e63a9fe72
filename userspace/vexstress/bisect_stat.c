// SPDX-License-Identifier: GPL-2.0
/* Trimmed means of the differences within rounds (Yuen): one disturbed round decides nothing. */
#include "bisect_stat.h"

#include "../libvexstat/vexstat.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define ROUNDS_MAX	1024
#define TRIM		0.2

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct centre {
	double mean, error, dof;
};

/* Sorts @d. False where nothing can be said. */
static bool centre_of(double *d, size_t n, struct centre *c)
{
	size_t cut = (size_t)(TRIM * (double)n), i, kept = n - 2 * cut;
	double winsor[ROUNDS_MAX];

	if (n < 4 || n > ROUNDS_MAX)
		return false;
	qsort(d, n, sizeof(*d), order);
	for (i = 0; i < n; i++)
		winsor[i] = d[i < cut ? cut : i >= n - cut ? n - cut - 1 : i];
	c->mean = vs_mean(d + cut, kept);
	c->dof = (double)kept - 1;
	c->error = vs_stddev(winsor, n) * sqrt((double)(n - 1) / ((double)kept * c->dof));
	return isfinite(c->mean) && isfinite(c->error);
}

void bisect_ends(const double *good, const double *bad, size_t n, double alpha,
		 struct bisect_ends *out)
{
	double d[ROUNDS_MAX], wide;
	struct centre c;
	size_t i;

	*out = (struct bisect_ends){ 0, -INFINITY, INFINITY };
	if (n > ROUNDS_MAX)
		return;
	for (i = 0; i < n; i++)
		d[i] = log(bad[i] / good[i]);
	if (!centre_of(d, n, &c))
		return;
	wide = vs_t_quantile(alpha / 2, c.dof) * c.error;
	*out = (struct bisect_ends){ expm1(c.mean), expm1(c.mean - wide), expm1(c.mean + wide) };
}

enum bisect_side bisect_side(const double *good, const double *bad, const double *mid, size_t n,
			     double alpha)
{
	double d[ROUNDS_MAX], gap[ROUNDS_MAX], towards;
	struct centre c, all;
	size_t i;

	if (n > ROUNDS_MAX)
		return BISECT_CANNOT_TELL;
	for (i = 0; i < n; i++) {
		gap[i] = log(bad[i] / good[i]);
		d[i] = log(mid[i]) - (log(good[i]) + log(bad[i])) / 2;
	}
	if (!centre_of(gap, n, &all) || !centre_of(d, n, &c) || all.mean == 0)
		return BISECT_CANNOT_TELL;
	towards = all.mean > 0 ? c.mean : -c.mean;
	if (c.error > 0 && vs_t_tail(fabs(c.mean) / c.error, c.dof) > alpha / 2)
		return BISECT_CANNOT_TELL;
	return towards > 0 ? BISECT_BAD : towards < 0 ? BISECT_GOOD : BISECT_CANNOT_TELL;
}
