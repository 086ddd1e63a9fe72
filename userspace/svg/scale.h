/* SPDX-License-Identifier: GPL-2.0 */
/* From values to places: the range of an axis, its marks and their texts. */
#ifndef VEXFS_SVG_SCALE_H
#define VEXFS_SVG_SCALE_H

#include "svg.h"

#define SCALE_MARKS	24

/**
 * struct scale - an axis laid out
 * @lo, @hi: its ends, as logarithms where it is logarithmic
 * @from, @to: the pixels of these ends
 * @mark: values where a number stands
 */
struct scale {
	bool log;
	double lo, hi;
	double from, to;
	double mark[SCALE_MARKS];
	size_t marks;
};

/* Can @v stand on such an axis? */
bool scale_takes(const struct svg_axis *a, double v);

/* Takes @v into the range; @lo and @hi begin as INFINITY and -INFINITY. */
void scale_cover(const struct svg_axis *a, double *lo, double *hi, double v);

/* Lays out an axis over @lo to @hi (or its own bounds) on @pixels from @from. */
bool scale_init(struct scale *s, const struct svg_axis *a, double lo, double hi, double from,
		double to);

double scale_place(const struct scale *s, double v);

#endif
