/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics of rounds of measurements for bisect. In a round every build is measured once, so
 * that drift affects all of them: differences within rounds are compared, not averages.
 */
#ifndef VEXSTRESS_BISECT_STAT_H
#define VEXSTRESS_BISECT_STAT_H

#include <stddef.h>

enum bisect_side { BISECT_CANNOT_TELL, BISECT_GOOD, BISECT_BAD };

/**
 * struct bisect_ends - the newest build against the oldest
 * @change: bad / good - 1
 * @low: its interval, lower end
 * @high: upper end
 */
struct bisect_ends {
	double change, low, high;
};

/* Of @n rounds, the interval at 1 - @alpha. All values are positive. */
void bisect_ends(const double *good, const double *bad, size_t n, double alpha,
		 struct bisect_ends *out);

/*
 * Decides whether a build between them is nearer to the good end or to the bad one, when the
 * probability of a false decision is below @alpha.
 */
enum bisect_side bisect_side(const double *good, const double *bad, const double *mid, size_t n,
			     double alpha);

#endif
