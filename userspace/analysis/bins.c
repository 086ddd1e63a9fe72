// SPDX-License-Identifier: GPL-2.0
/* Time series in equal steps, and the daily pattern. */
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
	/* A step with almost no data counts as unknown. */
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

/* Median of the values whose index is @s modulo @slots; with fewer than @days NAN. */
static double slot_median(const struct bins *b, size_t s, size_t slots, int days, double *room)
{
	size_t k = 0;

	for (size_t i = s; i < b->n; i += slots)
		if (!isnan(b->v[i]))
			room[k++] = b->v[i];
	return k >= (size_t)days ? vs_quantile(room, k, 0.5) : NAN;
}

bool bins_season(const struct bins *b, int days, double factor[SEASON])
{
	size_t slots = b->step == DAY_MS / SEASON ? SEASON : 0, n;
	double *room, level;

	if (!slots || b->n < slots * (size_t)days)
		return false;
	room = malloc((b->n + 1) * sizeof(*room));
	if (!room)
		return false;
	n = bins_values(b, room);
	level = n ? vs_quantile(room, n, 0.5) : 0;
	for (size_t s = 0; s < slots; s++) {
		size_t hour = (size_t)((b->from + (int64_t)s * b->step) % DAY_MS / b->step);
		double usual = slot_median(b, s, slots, days, room);

		factor[hour] = usual > 0 && level > 0 ? usual / level : 1;
	}
	free(room);
	return level > 0;
}

void bins_unseason(struct bins *b, const double factor[SEASON])
{
	for (size_t i = 0; i < b->n; i++) {
		/* Interpolates between the centres of two hours. */
		int64_t mid = b->from + (int64_t)i * b->step + b->step / 2;
		double at = (double)(mid % DAY_MS) / (double)(DAY_MS / SEASON) - 0.5;
		int hour = (int)floor(at);
		double part = at - hour;

		if (b->step < DAY_MS / 2)
			b->v[i] /= (1 - part) * factor[(hour + SEASON) % SEASON] +
				   part * factor[(hour + 1) % SEASON];
	}
}

bool bins_take_season(struct bins *b, int days)
{
	double factor[SEASON];

	if (!bins_season(b, days, factor))
		return false;
	bins_unseason(b, factor);
	return true;
}
