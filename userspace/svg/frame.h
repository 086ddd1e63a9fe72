/* SPDX-License-Identifier: GPL-2.0 */
/* What all charts have around their marks: title, axes, grid. */
#ifndef VEXFS_SVG_FRAME_H
#define VEXFS_SVG_FRAME_H

#include "scale.h"

/* Margins: numbers on the left, title above, numbers and label below. */
#define FRAME_LEFT	78.0
#define FRAME_RIGHT	14.0
#define FRAME_TOP	34.0
#define FRAME_BOTTOM	48.0

/* Grid, numbers and label of the y axis. */
void frame_y(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis);

/* Those of the x axis; @names replaces the numbers if there are any. */
void frame_x(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis,
	     const char *const *names, size_t nnames);

/* Closes the opening tag of a mark and adds its <title>, which is shown on hover. */
void frame_hover(FILE *f, const char *name, const char *x, const char *y);

#endif
