/* SPDX-License-Identifier: GPL-2.0 */
/* What all charts have around their marks: title, axes, grid. */
#ifndef VEXFS_SVG_FRAME_H
#define VEXFS_SVG_FRAME_H

#include "scale.h"

/* Space beside the marks: for numbers on the left, title above, numbers and label below. */
#define FRAME_LEFT	78.0
#define FRAME_RIGHT	14.0
#define FRAME_TOP	34.0
#define FRAME_BOTTOM	48.0

/* Grid and numbers of the y axis, and its label. */
void frame_y(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis);

/* Those of the x axis; @names instead of numbers where there are some. */
void frame_x(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis,
	     const char *const *names, size_t nnames);

/* <title>, what the pointer shows, of a mark: closes its opening tag. */
void frame_hover(FILE *f, const char *name, const char *x, const char *y);

#endif
