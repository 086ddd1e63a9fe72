// SPDX-License-Identifier: GPL-2.0
/* Simulated comparisons with random values; see calibrate.h. */
#include "calibrate.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>

/* A sanity limit for the number of samples asked for. */
#define MOST	100000u

static double gauss(struct vs_rng *rng)
{
	return sqrt(-2 * log(1 - vs_rng_unit(rng))) * cos(2 * M_PI * vs_rng_unit(rng));
}

static void draw(const struct vs_world *w, double mean, struct vs_rng *rng, double *v, size_t n)
{
	double x = gauss(rng), s = sqrt(log1p(w->cv * w->cv)), step = sqrt(1 - w->rho * w->rho);
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			x = w->rho * x + step * gauss(rng);
		v[i] = mean * (w->skewed ? exp(s * x - s * s / 2) : 1 + w->cv * x);
	}
}

static enum vs_verdict compare(const double *a, const double *b, size_t n, unsigned int run,
			       const struct vs_rules *rules, size_t *need)
{
	struct vs_samples sa = { a, n, 0 }, sb = { b, n, 0 };
	enum vs_direction dir = VS_HIGHER;
	struct vs_rules r = *rules;
	struct vs_change c;

	r.seed += run;
	vs_compare(&sa, &sb, 0, &r, &c);
	vs_decide_all(&c, &dir, 1, &r);
	*need = c.need;
	return c.verdict;
}

double vs_false_alarms(const struct vs_world *w, size_t n, unsigned int runs,
		       const struct vs_rules *r)
{
	double *v = malloc(2 * n * sizeof(*v));
	unsigned int i, called = 0;
	struct vs_rng rng;
	size_t need;

	if (!v)
		return NAN;
	vs_rng_seed(&rng, r->seed);
	for (i = 0; i < runs; i++) {
		enum vs_verdict verdict;

		draw(w, 1000, &rng, v, n);
		draw(w, 1000, &rng, v + n, n);
		verdict = compare(v, v + n, n, i, r, &need);
		called += verdict == VS_IMPROVED || verdict == VS_REGRESSED;
	}
	free(v);
	return (double)called / runs;
}

struct vs_found vs_find_planted(const struct vs_world *w, size_t first, double loss,
				unsigned int runs, const struct vs_rules *r)
{
	struct vs_found out = { 0, 0, NAN, NAN };
	double *v = malloc(2 * (size_t)MOST * sizeof(*v));
	unsigned int i, found = 0, later = 0;
	struct vs_rng rng;

	if (!v)
		return out;
	vs_rng_seed(&rng, r->seed);
	for (i = 0; i < runs; i++) {
		enum vs_verdict verdict;
		size_t need;

		draw(w, 1000, &rng, v, first);
		draw(w, 1000 * (1 - loss), &rng, v + MOST, first);
		verdict = compare(v, v + MOST, first, i, r, &need);
		found += verdict == VS_REGRESSED;
		if (verdict != VS_CANNOT_TELL)
			continue;
		out.asked++;
		out.need += (double)need;
		if (!need || need > MOST)
			continue;
		draw(w, 1000, &rng, v, need);
		draw(w, 1000 * (1 - loss), &rng, v + MOST, need);
		later += compare(v, v + MOST, need, i, r, &need) == VS_REGRESSED;
	}
	out.need = out.asked ? out.need / out.asked : 0;
	out.found = (double)(found + later) / runs;
	out.found_asked = out.asked ? (double)later / out.asked : 1;
	free(v);
	return out;
}
