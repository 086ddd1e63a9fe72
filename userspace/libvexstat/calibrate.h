/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Error rates of the verdicts, from comparisons of random values for which the truth is
 * known. Values have an autocorrelation, like slices of a run. The same seed gives the
 * same rates.
 */
#ifndef VEXSTAT_CALIBRATE_H
#define VEXSTAT_CALIBRATE_H

#include "vexstat.h"

#include <stdbool.h>

/**
 * struct vs_world - distribution of the values
 * @rho: autocorrelation of neighbours (first order)
 * @cv: relative standard deviation
 * @skewed: long tail, like latencies, instead of symmetric
 */
struct vs_world {
	double rho, cv;
	bool skewed;
};

/* Fraction of @runs comparisons of equals, @n values per side, that report a change. */
double vs_false_alarms(const struct vs_world *w, size_t n, unsigned int runs,
		       const struct vs_rules *r);

/**
 * struct vs_found - a planted loss, with more samples if the first ones could not tell
 * @asked: comparisons in which the first values could not tell
 * @need: mean of the values per side that were asked for then
 * @found: fraction of all comparisons that reported the loss
 * @found_asked: the same among those that asked for more
 */
struct vs_found {
	unsigned int asked;
	double need, found, found_asked;
};

/* @first: values per side to begin with; @loss: 0.05 is 5 %. */
struct vs_found vs_find_planted(const struct vs_world *w, size_t first, double loss,
				unsigned int runs, const struct vs_rules *r);

#endif
