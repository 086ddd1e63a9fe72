// SPDX-License-Identifier: GPL-2.0
/* Heat maps: opacity is the square root of the fraction. */
#include "frame.h"

#include <math.h>

#define WIDTH	960
#define HEIGHT	340

static void cell(FILE *f, const struct svg_heat *h, const struct scale *x, const struct scale *y,
		 size_t row, size_t col, double most)
{
	double v = h->value[row * h->cols + col];
	double x0 = scale_place(x, h->xs[col]), x1 = scale_place(x, h->xs[col + 1]);
	double y0 = scale_place(y, h->ys[row + 1]), y1 = scale_place(y, h->ys[row]);
	char xs[48], lo[48], hi[48], what[160], vs[48];

	if (!(v > 0) || !isfinite(v))
		return;
	snprintf(what, sizeof(what), "%s to %s: %s",
		 svg_number(lo, sizeof(lo), h->ys[row], h->y.unit),
		 svg_number(hi, sizeof(hi), h->ys[row + 1], h->y.unit),
		 svg_number(vs, sizeof(vs), v, h->unit));
	fprintf(f, "<rect class=\"p k0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"fill-opacity=\"%.2f\"", x0, y0, fmax(x1 - x0, 0.5), fmax(y1 - y0, 0.5),
		0.12 + 0.88 * sqrt(v / most));
	frame_hover(f, NULL, svg_number(xs, sizeof(xs), h->xs[col], h->x.unit), what);
	fputs("</rect>\n", f);
}

bool svg_heat(FILE *f, const struct svg_heat *h)
{
	double width = h->width ? h->width : WIDTH, height = h->height ? h->height : HEIGHT;
	struct svg_axis xa = h->x, ya = h->y;
	struct scale x, y;
	double most = 0;
	size_t i, k;

	for (i = 0; i < h->cols * h->rows; i++)
		if (isfinite(h->value[i]))
			most = fmax(most, h->value[i]);
	if (most <= 0)
		return false;
	xa.bounded = true;
	xa.min = h->xs[0];
	xa.max = h->xs[h->cols];
	ya.bounded = true;
	ya.min = h->ys[0];
	ya.max = h->ys[h->rows];
	if (!scale_init(&x, &xa, 0, 0, FRAME_LEFT, width - FRAME_RIGHT) ||
	    !scale_init(&y, &ya, 0, 0, height - FRAME_BOTTOM, FRAME_TOP))
		return false;
	svg_open(f, width, height, h->title);
	frame_y(f, &x, &y, &h->y);
	frame_x(f, &x, &y, &h->x, NULL, 0);
	for (i = 0; i < h->rows; i++)
		for (k = 0; k < h->cols; k++)
			cell(f, h, &x, &y, i, k, most);
	svg_close(f);
	return true;
}
