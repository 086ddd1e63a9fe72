/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Analysis of time series: change points, trends, correlation. Built on libvexstat; it
 * knows numbers only. Every function may answer "cannot tell".
 */
#ifndef VEXFS_ANALYSIS_H
#define VEXFS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vexstat.h"

/**
 * struct bins - a series in equal steps
 * @from: start of the first step, milliseconds
 * @step: length of a step
 * @n: number of steps
 * @v: mean of each, NaN where there is no value
 */
struct bins {
	int64_t from;
	int64_t step;
	size_t n;
	double *v;
};

/* Adds a value that holds for an interval; values are weighted by time. */
struct binner;
struct binner *binner_new(int64_t from, int64_t to, int64_t step);
void binner_add(struct binner *b, int64_t t, int64_t span, double v);
/* Computes the steps and frees @b. 0, or -1 without memory. */
int binner_done(struct binner *b, struct bins *out);
void bins_free(struct bins *b);
/* Copies the known values in order to @out (space for b->n). */
size_t bins_values(const struct bins *b, double *out);

/*
 * The daily pattern by hour (UTC): the median of each hour relative to that of all. False
 * if steps are not hours, or if there are fewer than @days days of them.
 */
#define SEASON	24
bool bins_season(const struct bins *b, int days, double factor[SEASON]);
/* Removes the pattern. */
void bins_unseason(struct bins *b, const double factor[SEASON]);
/* Does both; true if the pattern was removed. */
bool bins_take_season(struct bins *b, int days);

/**
 * struct change_point - the start of another level
 * @at: index of the first value of the new level
 * @t: its time
 * @before: mean of the level before
 * @after: mean of the level after
 * @change: after / before - 1
 * @p: probability of a jump this clear in a series without one
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
 * struct change_rules - when a jump counts
 * @alpha: probability of finding any in a series without one
 * @min_effect: smaller jumps are ignored
 * @min_run: minimum length of a level
 */
struct change_rules {
	double alpha;
	double min_effect;
	size_t min_run;
};

#define CHANGE_RULES_DEFAULT { 0.01, 0.05, 6 }

#define CHANGES_MAX	32

/*
 * Binary segmentation. It takes the place where the means on both sides differ most,
 * relative to the long-run deviation (the deviation from a running level, increased by
 * autocorrelation). The place counts if the bound for Brownian bridges gives it a
 * probability below @alpha; then both sides are searched. Results are in order of time.
 * SIZE_MAX: too few values to tell (fewer than 4 runs).
 */
size_t change_points(const struct bins *b, const struct change_rules *r,
		     struct change_point out[CHANGES_MAX]);

enum trend { TREND_CANNOT_TELL, TREND_NONE, TREND_UP, TREND_DOWN };

/**
 * struct trend_line - the direction of a series
 * @trend: verdict
 * @per_day: relative change per day
 * @low: confidence interval of 95 %, lower end
 * @high: upper end
 * @total: over the period
 * @mean: of the values
 * @n: number of values
 */
struct trend_line {
	enum trend trend;
	double per_day, low, high;
	double total;
	double mean;
	size_t n;
};

/* A trend counts if it is significant and moves the series by @min_effect over the period. */
void trend_fit(const struct bins *b, double min_effect, struct trend_line *out);
const char *trend_name(enum trend t);

/**
 * struct forecast - where a straight line through a series leads
 * @known: enough independent values to say so
 * @now: the line at the end of the series
 * @value: at the time asked for
 * @low: interval that holds the value of one step then in 95 of 100 cases, if the series goes
 *	on as it did: lower end
 * @high: upper end
 * @n: values
 */
struct forecast {
	bool known;
	double now;
	double value, low, high;
	size_t n;
};

/* @ahead milliseconds after the end. */
void forecast_line(const struct bins *b, double ahead, struct forecast *out);

/*
 * When the line comes to @limit: milliseconds after the end, 0 for already there and INFINITY
 * for not within @most; *@first and *@last are the same of the ends of the interval. False
 * when it cannot be told.
 */
bool forecast_reach(const struct bins *b, double limit, double most, double *when, double *first,
		    double *last);

/**
 * struct correlation - correlation of two series
 * @lag: steps by which @a precedes @b at the best correlation
 * @r: rank correlation there
 * @p: probability of it, over all lags tried
 * @n: pairs
 * @known: there are enough pairs to tell
 */
struct correlation {
	int lag;
	double r;
	double p;
	size_t n;
	bool known;
};

/* Linear trends are removed first; lags from -@max_lag to @max_lag. */
void correlate(const struct bins *a, const struct bins *b, int max_lag, struct correlation *out);

/*
 * Compares B with A, like vs_compare() but for time series: at most 120 steps per side,
 * which reduces autocorrelation.
 */
void compare_values(const double *a, size_t na, const double *b, size_t nb,
		    const struct vs_rules *r, struct vs_change *out);

#endif
