/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the verdicts are worth: experiments with values that are drawn, so that the
 * truth is known. Values follow one another with an autocorrelation, as slices of a
 * run do. The same seed gives the same rates.
 */
#ifndef VEXSTAT_CALIBRATE_H
#define VEXSTAT_CALIBRATE_H

#include "vexstat.h"

#include <stdbool.h>

/**
 * struct vs_world - what values are drawn
 * @rho: autocorrelation of neighbours (first order)
 * @cv: relative standard deviation
 * @skewed: with a long tail, as latencies have, instead of evenly about the mean
 */
struct vs_world {
	double rho, cv;
	bool skewed;
};

/* Share of @runs comparisons of equals, @n values a side, that come to a change. */
double vs_false_alarms(const struct vs_world *w, size_t n, unsigned int runs,
		       const struct vs_rules *r);

/**
 * struct vs_found - a planted loss that is looked for with as many values as are asked for
 * @asked: comparisons in which the first values could not tell
 * @need: values a side that were asked for then, the mean
 * @found: share of all comparisons that called the loss, with the first values or with
 *	those that were asked for
 * @found_asked: the same of those in which more was asked for
 */
struct vs_found {
	unsigned int asked;
	double need, found, found_asked;
};

/* @first: values a side to begin with; @loss: 0.05 is 5 %. */
struct vs_found vs_find_planted(const struct vs_world *w, size_t first, double loss,
				unsigned int runs, const struct vs_rules *r);

#endif
