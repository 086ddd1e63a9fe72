// SPDX-License-Identifier: GPL-2.0
/* Lines, dots, steps and bars over two axes, with a legend. */
#include "frame.h"

#include "escape.h"

#include <math.h>

#define WIDTH		960
#define HEIGHT		340
#define LEGEND_ROW	18.0
#define LEGEND_COLUMN	190.0
/* With more points than this, a line shows no values on hover. */
#define HOVERS		150

struct area {
	const struct svg_plot *p;
	struct scale x, y;
	double low;	/* where bars begin */
	size_t bars;	/* series that are bars, side by side */
};

static double x_of(const struct svg_series *s, size_t i)
{
	return s->x ? s->x[i] : (double)i;
}

static bool drawn(const struct svg_plot *p, const struct svg_series *s, size_t i)
{
	return scale_takes(&p->x, x_of(s, i)) && scale_takes(&p->y, s->y[i]);
}

static bool lay_out(struct area *a, const struct svg_plot *p, double width, double height)
{
	double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
	struct svg_axis xs = p->x;
	size_t i, k;

	*a = (struct area){ .p = p };
	for (i = 0; i < p->nseries; i++) {
		const struct svg_series *s = &p->series[i];

		a->bars += s->mark == SVG_BARS;
		for (k = 0; k < s->n; k++) {
			if (!drawn(p, s, k))
				continue;
			scale_cover(&p->x, &x0, &x1, x_of(s, k));
			scale_cover(&p->y, &y0, &y1, s->y[k]);
			if (s->low && s->high) {
				scale_cover(&p->y, &y0, &y1, s->low[k]);
				scale_cover(&p->y, &y0, &y1, s->high[k]);
			}
		}
	}
	if (x1 < x0)
		return false;
	for (i = 0; i < p->nrules; i++)
		if (p->rules[i].vertical)
			scale_cover(&p->x, &x0, &x1, p->rules[i].at);
		else
			scale_cover(&p->y, &y0, &y1, p->rules[i].at);
	if (p->names) {
		xs.bounded = true;
		xs.min = -0.5;
		xs.max = (double)p->nnames - 0.5;
	}
	if (!scale_init(&a->x, &xs, x0, x1, FRAME_LEFT, width - FRAME_RIGHT) ||
	    !scale_init(&a->y, &p->y, y0, y1, height - FRAME_BOTTOM, FRAME_TOP))
		return false;
	a->low = p->y.log || a->y.lo > 0 ? a->y.from : scale_place(&a->y, 0);
	return true;
}

/* A mark for hovering over a point, unless there are too many points. */
static void hover(FILE *f, const struct area *a, const struct svg_series *s, size_t i,
		  const char *class, double r)
{
	char xs[48], ys[48];
	const char *at = svg_number(xs, sizeof(xs), x_of(s, i), a->p->x.unit);

	if (a->p->names && x_of(s, i) >= 0 && x_of(s, i) < (double)a->p->nnames)
		at = a->p->names[(size_t)x_of(s, i)];
	fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", class,
		scale_place(&a->x, x_of(s, i)), scale_place(&a->y, s->y[i]), r);
	frame_hover(f, s->name, at, svg_number(ys, sizeof(ys), s->y[i], a->p->y.unit));
	fputs("</circle>", f);
}

/*
 * Of many points in one column of pixels only the first, the lowest, the highest and the
 * last are visible.
 */
static size_t column(const struct area *a, const struct svg_series *s, size_t from, size_t keep[4])
{
	size_t end = from, lowest = from, highest = from, last, n = 0;
	double px = floor(scale_place(&a->x, x_of(s, from)));

	while (end < s->n && drawn(a->p, s, end) && floor(scale_place(&a->x, x_of(s, end))) == px) {
		if (s->y[end] < s->y[lowest])
			lowest = end;
		if (s->y[end] > s->y[highest])
			highest = end;
		end++;
	}
	last = end - 1;
	keep[n++] = from;
	if (lowest != from && lowest != last)
		keep[n++] = lowest;
	if (highest != from && highest != last && highest != lowest)
		keep[n++] = highest;
	if (n == 3 && keep[1] > keep[2]) {
		keep[1] = highest;
		keep[2] = lowest;
	}
	if (last != from)
		keep[n++] = last;
	return n;
}

static void line(FILE *f, const struct area *a, const struct svg_series *s, size_t colour)
{
	size_t i = 0, k, n, keep[4];
	bool pen = false;

	fprintf(f, "<path class=\"l %s%s\" d=\"", svg_colour(colour),
		s->dashed || colour >= 8 ? " d" : "");
	while (i < s->n) {
		if (!drawn(a->p, s, i)) {
			pen = false;
			i++;
			continue;
		}
		n = column(a, s, i, keep);
		for (k = 0; k < n; k++) {
			double x = scale_place(&a->x, x_of(s, keep[k]));
			double y = scale_place(&a->y, s->y[keep[k]]);

			if (pen && s->mark == SVG_STEPS)
				fprintf(f, "H%.1f", x);
			fprintf(f, "%c%.1f %.1f", pen ? 'L' : 'M', x, y);
			pen = true;
		}
		i = keep[n - 1] + 1;
	}
	fputs("\"/>\n", f);
	for (i = 0; i < s->n; i += 1 + s->n / HOVERS)
		if (drawn(a->p, s, i))
			hover(f, a, s, i, "h", 4);
	fputc('\n', f);
}

static void interval(FILE *f, const struct area *a, const struct svg_series *s, size_t i, double x,
		     size_t colour)
{
	if (!s->low || !s->high || !scale_takes(&a->p->y, s->low[i]) ||
	    !scale_takes(&a->p->y, s->high[i]))
		return;
	fprintf(f, "<path class=\"w %s\" d=\"M%.1f %.1fV%.1f\"/>", svg_colour(colour), x,
		scale_place(&a->y, s->low[i]), scale_place(&a->y, s->high[i]));
}

static void dots(FILE *f, const struct area *a, const struct svg_series *s, size_t colour)
{
	char class[16];
	size_t i;

	snprintf(class, sizeof(class), "p %s", svg_colour(colour));
	for (i = 0; i < s->n; i++) {
		if (!drawn(a->p, s, i))
			continue;
		interval(f, a, s, i, scale_place(&a->x, x_of(s, i)), colour);
		hover(f, a, s, i, class, 4);
	}
	fputc('\n', f);
}

/* The width of a bar: the distance of neighbours, divided among the series. */
static double bar_width(const struct area *a, const struct svg_series *s)
{
	double gap = a->x.to - a->x.from;
	size_t i;

	for (i = 1; i < s->n; i++)
		gap = fmin(gap, fabs(scale_place(&a->x, x_of(s, i)) -
				     scale_place(&a->x, x_of(s, i - 1))));
	if (a->p->names)
		gap = (a->x.to - a->x.from) / (double)a->p->nnames;
	return fmax(1, fmin(gap * 0.8, 80) / (double)a->bars);
}

static void bars(FILE *f, const struct area *a, const struct svg_series *s, size_t colour,
		 size_t nth)
{
	double wide = bar_width(a, s);
	char xs[48], ys[48];
	size_t i;

	for (i = 0; i < s->n; i++) {
		double x, y;

		if (!drawn(a->p, s, i))
			continue;
		x = scale_place(&a->x, x_of(s, i)) + ((double)nth - (double)a->bars / 2) * wide;
		y = scale_place(&a->y, s->y[i]);
		fprintf(f, "<rect class=\"p %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
			svg_colour(colour), x, fmin(y, a->low), wide, fabs(a->low - y));
		frame_hover(f, s->name, a->p->names && i < a->p->nnames ? a->p->names[i] :
			    svg_number(xs, sizeof(xs), x_of(s, i), a->p->x.unit),
			    svg_number(ys, sizeof(ys), s->y[i], a->p->y.unit));
		fputs("</rect>", f);
		interval(f, a, s, i, x + wide / 2, colour);
	}
	fputc('\n', f);
}

static void rules(FILE *f, const struct area *a)
{
	size_t i;

	for (i = 0; i < a->p->nrules; i++) {
		const struct svg_rule *r = &a->p->rules[i];
		const struct scale *s = r->vertical ? &a->x : &a->y;
		double at;

		if (!scale_takes(r->vertical ? &a->p->x : &a->p->y, r->at))
			continue;
		at = scale_place(s, r->at);
		if (r->vertical)
			fprintf(f, "<path class=\"r\" d=\"M%.1f %.1fV%.1f\"/>", at, a->y.from,
				a->y.to);
		else
			fprintf(f, "<path class=\"r\" d=\"M%.1f %.1fH%.1f\"/>", a->x.from, at,
				a->x.to);
		if (!r->label)
			continue;
		fprintf(f, "<text class=\"rt%s\" x=\"%.1f\" y=\"%.1f\">", r->vertical ? "" : " e",
			r->vertical ? at + 4 : a->x.to - 4, r->vertical ? a->y.to + 12 : at - 4);
		escape_html(f, r->label);
		fputs("</text>\n", f);
	}
}

static size_t legend_columns(double width)
{
	return (size_t)fmax(1, floor((width - FRAME_LEFT) / LEGEND_COLUMN));
}

static void legend(FILE *f, const struct svg_plot *p, double width, double top)
{
	size_t i, columns = legend_columns(width), at = 0;

	for (i = 0; i < p->nseries; i++) {
		double x = FRAME_LEFT + LEGEND_COLUMN * (double)(at % columns);
		double y = top + LEGEND_ROW * (double)(at / columns);

		if (!p->series[i].name)
			continue;
		fprintf(f, "<path class=\"l %s%s\" stroke-width=\"3\" d=\"M%.1f %.1fh18\"/>"
			"<text x=\"%.1f\" y=\"%.1f\">", svg_colour(i),
			p->series[i].dashed || i >= 8 ? " d" : "", x, y, x + 23, y + 4);
		escape_html(f, p->series[i].name);
		fputs("</text>\n", f);
		at++;
	}
}

bool svg_plot(FILE *f, const struct svg_plot *p)
{
	double width = p->width ? p->width : WIDTH, height = p->height ? p->height : HEIGHT;
	size_t i, named = 0, nth = 0, rows;
	struct area a;

	if (!lay_out(&a, p, width, height))
		return false;
	for (i = 0; i < p->nseries; i++)
		named += p->series[i].name != NULL;
	/* one line needs no legend beside the title */
	rows = named > 1 ? (named + legend_columns(width) - 1) / legend_columns(width) : 0;
	svg_open(f, width, height + LEGEND_ROW * (double)rows, p->title);
	frame_y(f, &a.x, &a.y, &p->y);
	frame_x(f, &a.x, &a.y, &p->x, p->names, p->nnames);
	for (i = 0; i < p->nseries; i++) {
		const struct svg_series *s = &p->series[i];

		if (s->mark == SVG_BARS)
			bars(f, &a, s, i, nth++);
		else if (s->mark == SVG_DOTS)
			dots(f, &a, s, i);
		else
			line(f, &a, s, i);
	}
	rules(f, &a);
	if (rows)
		legend(f, p, width, height + 2);
	svg_close(f);
	return true;
}
