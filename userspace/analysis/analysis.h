/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a series of figures over time says: when it changed, whether it rises or falls,
 * what goes with what. Built on libvexstat; knows numbers only. "Cannot tell" is an
 * answer everywhere.
 */
#ifndef VEXFS_ANALYSIS_H
#define VEXFS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vexstat.h"

/**
 * struct bins - a series in equal steps
 * @from: beginning of the first step, milliseconds
 * @step: their length
 * @n: how many
 * @v: mean of each, NaN where nothing is known
 */
struct bins {
	int64_t from;
	int64_t step;
	size_t n;
	double *v;
};

/* Adds a value that holds for a stretch of time; weights are by time. */
struct binner;
struct binner *binner_new(int64_t from, int64_t to, int64_t step);
void binner_add(struct binner *b, int64_t t, int64_t span, double v);
/* The steps; frees @b. 0, or -1 when memory is short. */
int binner_done(struct binner *b, struct bins *out);
void bins_free(struct bins *b);
/* The values there are, in order, to @out (room for b->n). */
size_t bins_values(const struct bins *b, double *out);

/*
 * The pattern of a day, by hour (UTC): the median of each hour against that of all. False
 * when the steps are no hours, or there are fewer than @days days of them.
 */
#define SEASON	24
bool bins_season(const struct bins *b, int days, double factor[SEASON]);
/* Takes it out. */
void bins_unseason(struct bins *b, const double factor[SEASON]);
/* Both; true when it did. */
bool bins_take_season(struct bins *b, int days);

/**
 * struct change_point - a moment from which on a series has another level
 * @at: index of the first value of the new level
 * @t: its time
 * @before: mean of the level before
 * @after: mean of the level after
 * @change: after / before - 1
 * @p: chance of a jump this clear somewhere in a series that has none
 */
struct change_point {
	size_t at;
	int64_t t;
	double before;
	double after;
	double change;
	double p;
};

/**
 * struct change_rules - when a jump is one
 * @alpha: chance of finding any in a series without
 * @min_effect: smaller ones do not matter
 * @min_run: values that a level lasts at least
 */
struct change_rules {
	double alpha;
	double min_effect;
	size_t min_run;
};

#define CHANGE_RULES_DEFAULT { 0.01, 0.05, 6 }

#define CHANGES_MAX	32

/*
 * Binary segmentation: the place where the means on both sides differ most, against the
 * long-run deviation of the values (their deviation from a running level, widened by how
 * much a value resembles the one before it); called when the bound of Brownian bridges
 * says that chance does so in fewer than @alpha of series; then each side again. In
 * order of time. SIZE_MAX: too few values to tell (fewer than 4 runs).
 */
size_t change_points(const struct bins *b, const struct change_rules *r,
		     struct change_point out[CHANGES_MAX]);

enum trend { TREND_CANNOT_TELL, TREND_NONE, TREND_UP, TREND_DOWN };

/**
 * struct trend_line - where a series goes
 * @trend: verdict
 * @per_day: relative change a day
 * @low: confidence interval of 95 %, lower end
 * @high: upper end
 * @total: over the period
 * @mean: of the values
 * @n: values
 */
struct trend_line {
	enum trend trend;
	double per_day, low, high;
	double total;
	double mean;
	size_t n;
};

/* A trend is one when it is proven and moves the series by @min_effect over the period. */
void trend_fit(const struct bins *b, double min_effect, struct trend_line *out);
const char *trend_name(enum trend t);

/**
 * struct correlation - how two series go together
 * @lag: steps by which @a comes before @b where they go together best
 * @r: rank correlation there
 * @p: chance of that, over all lags tried
 * @n: pairs
 * @known: enough pairs to tell
 */
struct correlation {
	int lag;
	double r;
	double p;
	size_t n;
	bool known;
};

/* Lines are taken out first; lags from -@max_lag to @max_lag. */
void correlate(const struct bins *a, const struct bins *b, int max_lag, struct correlation *out);

/*
 * B against A, as vs_compare() but of values over time: at most 120 steps a side, so that
 * neighbours resemble each other little.
 */
void compare_values(const double *a, size_t na, const double *b, size_t nb,
		    const struct vs_rules *r, struct vs_change *out);

#endif
