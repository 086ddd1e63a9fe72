/* SPDX-License-Identifier: GPL-2.0 */
/* Maps values to positions: the range of an axis, its marks and their labels. */
#ifndef VEXFS_SVG_SCALE_H
#define VEXFS_SVG_SCALE_H

#include "svg.h"

#define SCALE_MARKS	24

/**
 * struct scale - the layout of an axis
 * @lo, @hi: its ends, as logarithms if it is logarithmic
 * @from, @to: the pixels of these ends
 * @mark: values that are labelled
 */
struct scale {
	bool log;
	double lo, hi;
	double from, to;
	double mark[SCALE_MARKS];
	size_t marks;
};

/* Can @v be shown on such an axis? */
bool scale_takes(const struct svg_axis *a, double v);

/* Extends the range by @v; @lo and @hi start as INFINITY and -INFINITY. */
void scale_cover(const struct svg_axis *a, double *lo, double *hi, double v);

/* Lays out an axis over @lo to @hi (or its own bounds) on @pixels from @from. */
bool scale_init(struct scale *s, const struct svg_axis *a, double lo, double hi, double from,
		double to);

double scale_place(const struct scale *s, double v);

#endif
