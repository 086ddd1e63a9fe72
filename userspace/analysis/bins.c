// SPDX-License-Identifier: GPL-2.0
/* Values over time in equal steps, and the pattern of a day. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

#define BINS_MAX	200000

struct binner {
	struct bins b;
	double *weight;
};

struct binner *binner_new(int64_t from, int64_t to, int64_t step)
{
	struct binner *b = calloc(1, sizeof(*b));
	int64_t n = step > 0 && to > from ? (to - from + step - 1) / step : 0;

	if (!b || n > BINS_MAX) {
		free(b);
		return NULL;
	}
	b->b = (struct bins){ from, step, (size_t)n, calloc((size_t)n + 1, sizeof(double)) };
	b->weight = calloc((size_t)n + 1, sizeof(double));
	if (!b->b.v || !b->weight) {
		free(b->b.v);
		free(b->weight);
		free(b);
		return NULL;
	}
	return b;
}

void binner_add(struct binner *b, int64_t t, int64_t span, double v)
{
	int64_t end = t + (span > 0 ? span : 1);

	if (!isfinite(v) || end <= b->b.from)
		return;
	if (t < b->b.from)
		t = b->b.from;
	while (t < end) {
		int64_t i = (t - b->b.from) / b->b.step;
		int64_t edge = b->b.from + (i + 1) * b->b.step;
		double w = (double)((edge < end ? edge : end) - t);

		if ((size_t)i >= b->b.n)
			return;
		b->b.v[i] += v * w;
		b->weight[i] += w;
		t = edge;
	}
}

int binner_done(struct binner *b, struct bins *out)
{
	if (!b)
		return -1;
	/* A step of which next to nothing is known says nothing. */
	for (size_t i = 0; i < b->b.n; i++)
		b->b.v[i] = b->weight[i] > 0.2 * (double)b->b.step ? b->b.v[i] / b->weight[i] : NAN;
	*out = b->b;
	free(b->weight);
	free(b);
	return 0;
}

void bins_free(struct bins *b)
{
	free(b->v);
	*b = (struct bins){ 0 };
}

size_t bins_values(const struct bins *b, double *out)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!isnan(b->v[i]))
			out[n++] = b->v[i];
	return n;
}

#define DAY_MS	86400000ll

bool bins_take_season(struct bins *b, int days)
{
	size_t slots = b->step > 0 && b->step <= DAY_MS / 4 ? (size_t)(DAY_MS / b->step) : 0;
	double *all, *slot, level;
	size_t n;

	if (!slots || b->n < slots * (size_t)days)
		return false;
	all = malloc((b->n + 1) * sizeof(*all));
	slot = malloc((b->n + 1) * sizeof(*slot));
	if (!all || !slot) {
		free(all);
		free(slot);
		return false;
	}
	n = bins_values(b, all);
	level = n ? vs_quantile(all, n, 0.5) : 0;
	for (size_t s = 0; s < slots && n; s++) {
		double usual;
		size_t k = 0;

		for (size_t i = s; i < b->n; i += slots)
			if (!isnan(b->v[i]))
				slot[k++] = b->v[i];
		if (k < (size_t)days)
			continue;
		usual = vs_quantile(slot, k, 0.5);
		for (size_t i = s; i < b->n; i += slots)
			b->v[i] += level - usual;
	}
	free(all);
	free(slot);
	return n > 0;
}
