/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Charts as SVG, written to a stream: lines, dots, steps, bars, heat maps, flame graphs. A
 * chart is a file of its own or inline in an HTML page. It needs no script, follows the
 * reader's light or dark setting, and shows values on hover. Texts are escaped here and
 * may be hostile.
 */
#ifndef VEXFS_SVG_H
#define VEXFS_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The unit of an axis, which decides how its numbers are written. */
enum svg_unit {
	SVG_NUMBER,	/* 1.2k, 3M */
	SVG_PLAIN,	/* all digits */
	SVG_NS,		/* nanoseconds: 12 us, 3 ms */
	SVG_SECONDS,	/* seconds: 20 ms, 5 s, 2 h */
	SVG_SHARE,	/* 0 to 1, written as a percentage */
	SVG_BYTES,	/* 4 KiB, 2 GiB */
	SVG_NINES,	/* -log10(1 - share): 1 is p90, 2 is p99 */
	SVG_EPOCH,	/* seconds since 1970, written as UTC */
};

/**
 * struct svg_axis - an axis
 * @label: what it shows, with the unit unless the numbers have it
 * @unit: how numbers are written
 * @log: logarithmic; values of 0 and below are left out
 * @bounded: use @min and @max; otherwise the data decides
 * @from_zero: a linear axis without bounds starts at 0
 */
struct svg_axis {
	const char *label;
	enum svg_unit unit;
	bool log;
	bool bounded;
	bool from_zero;
	double min, max;
};

enum svg_mark { SVG_LINE, SVG_DOTS, SVG_STEPS, SVG_BARS };

/**
 * struct svg_series - the points of one line, or the bars of one colour
 * @name: in the legend; NULL leaves it out
 * @x: x values; NULL means 0, 1, 2 (with struct svg_plot.names)
 * @y: y values; non-finite ones are gaps
 * @low, @high: both or neither: an interval around each value
 */
struct svg_series {
	const char *name;
	const double *x, *y;
	const double *low, *high;
	size_t n;
	enum svg_mark mark;
	bool dashed;
};

/* A line across the chart: a target, a limit, a change point. */
struct svg_rule {
	double at;
	bool vertical;
	const char *label;
};

/**
 * struct svg_plot - a chart with axes
 * @width: in pixels; 0 is the default
 * @height: of the chart itself; the legend is added below
 * @names: labels under x = 0, 1, 2, ... instead of numbers
 */
struct svg_plot {
	const char *title;
	unsigned int width, height;
	struct svg_axis x, y;
	const struct svg_series *series;
	size_t nseries;
	const struct svg_rule *rules;
	size_t nrules;
	const char *const *names;
	size_t nnames;
};

/**
 * struct svg_heat - a heat map
 * @xs: @cols + 1 edges of the columns, ascending
 * @ys: @rows + 1 edges of the rows, ascending
 * @value: @rows times @cols, row by row from the lowest; 0 and below stay empty
 * @unit: how a value is written
 */
struct svg_heat {
	const char *title;
	unsigned int width, height;
	struct svg_axis x, y;
	const double *xs, *ys, *value;
	size_t cols, rows;
	enum svg_unit unit;
};

/* Returns false and writes nothing if there is no finite value. */
bool svg_plot(FILE *f, const struct svg_plot *p);
bool svg_heat(FILE *f, const struct svg_heat *h);

/**
 * struct svg_stack - a stack and how often it was seen
 * @frames: names from the outermost to the innermost, with ';' between them; those of the
 *	kernel end in "_[k]"
 * @count: samples
 */
struct svg_stack {
	const char *frames;
	double count;
};

/*
 * A flame graph; sorts @stacks. The same stack may come several times. False where there are
 * no samples, and nothing was written.
 */
bool svg_flame(FILE *f, const char *title, struct svg_stack *stacks, size_t n);
/* For qsort(): equal stacks stand together, callers before what they call. */
int svg_stack_order(const void *a, const void *b);

/* The start and the end of other pictures with the colours of the charts. */
void svg_open(FILE *f, double width, double height, const char *title);
void svg_close(FILE *f);

/* The class of the @i-th colour. */
const char *svg_colour(size_t i);

/* Formats a number as on an axis, in @to. */
char *svg_number(char *to, size_t size, double v, enum svg_unit unit);

#endif
