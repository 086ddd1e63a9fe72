// SPDX-License-Identifier: GPL-2.0
/*
 * A section of the report for each benchmark: its figures, and the density and the cumulative
 * distribution of its latency.
 */
#include "report.h"

#include "../svg/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps per decade of latency. */
#define STEPS	20.0
#define WIDE	470
#define HIGH	260

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static double of_bucket(const json_t *b, size_t i)
{
	return json_number_value(json_array_get(b, i));
}

struct curve {
	double *x, *y;
	size_t n;
};

static bool curve_new(struct curve *c, size_t points)
{
	*c = (struct curve){ calloc(points + 1, sizeof(double)), calloc(points + 1, sizeof(double)), 0 };
	return c->x && c->y;
}

static void curve_free(struct curve *c)
{
	free(c->x);
	free(c->y);
}

static double total_of(const json_t *histogram)
{
	double total = 0;
	json_t *b;
	size_t i;

	json_array_foreach(histogram, i, b)
		total += of_bucket(b, 2);
	return total;
}

/* Share of the ops per decade of latency, so that steps of any width compare. */
static void density(const json_t *histogram, double total, struct curve *c)
{
	double step = -1;
	json_t *b;
	size_t i;

	json_array_foreach(histogram, i, b) {
		double to = floor(log10(fmax(of_bucket(b, 0) + of_bucket(b, 1) / 2, 1)) * STEPS);

		if (to != step) {
			step = to;
			c->x[c->n++] = pow(10, (to + 0.5) / STEPS);
		}
		c->y[c->n - 1] += of_bucket(b, 2) / total * STEPS;
	}
}

static void cumulative(const json_t *histogram, double total, struct curve *c)
{
	double below = 0;
	json_t *b;
	size_t i;

	json_array_foreach(histogram, i, b) {
		below += of_bucket(b, 2);
		c->x[c->n] = fmax(of_bucket(b, 0) + of_bucket(b, 1), 1);
		c->y[c->n++] = below / total;
	}
}

static void plot(FILE *f, const char *title, const struct curve *c, enum svg_mark mark,
		 enum svg_unit unit, const char *label)
{
	struct svg_series s = { .x = c->x, .y = c->y, .n = c->n, .mark = mark };
	struct svg_plot p = { .title = title, .width = WIDE, .height = HIGH, .series = &s, .nseries = 1,
			      .x = { "latency", SVG_NS, .log = true },
			      .y = { label, unit, .from_zero = true } };

	svg_plot(f, &p);
}

/*
 * Time per op by a straight line through time and ops done so far: a pause at the beginning or
 * the end of a slice does not move it.
 */
static double slope_ns(const json_t *job)
{
	json_t *list = json_object_get(job, "intervals"), *v;
	double x = 0, y = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;
	size_t i;

	json_array_foreach(list, i, v) {
		x += num(v, "ops_per_s") * num(v, "seconds");
		y += num(v, "seconds");
		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
		n++;
	}
	return n > 1 && n * sxx > sx * sx ? 1e9 * (n * sxy - sx * sy) / (n * sxx - sx * sx) : NAN;
}

static void row(FILE *f, const char *what, double ns)
{
	fprintf(f, "<tr><th>%s<td class=\"n\">%s</tr>\n", what,
		isfinite(ns) ? vx_figure(ns / 1e3) : "not known");
}

static void figures(FILE *f, const json_t *result, const json_t *job)
{
	const char *name = json_string_value(json_object_get(job, "name"));
	json_t *l = json_object_get(job, "latency"), *m;
	char metric[128];

	snprintf(metric, sizeof(metric), "%s.mean_ns", name ? name : "");
	m = vx_metric_find(result, metric);
	fputs("<table>\n", f);
	row(f, "mean", num(l, "mean_ns"));
	row(f, "median", num(l, "p50_ns"));
	row(f, "standard deviation", num(l, "stddev_ns"));
	if (m)
		fprintf(f, "<tr><th>95 %% interval of the mean<td class=\"n\">%s to %s</tr>\n",
			vx_figure(num(m, "ci_low") / 1e3), vx_figure(num(m, "ci_high") / 1e3));
	row(f, "slope: time per op over the run", slope_ns(job));
	fputs("</table><p class=\"mute\">Microseconds.</p>\n", f);
}

void vx_report_benchmarks(FILE *f, const json_t *result)
{
	json_t *job;
	size_t i;

	json_array_foreach(json_object_get(result, "jobs"), i, job) {
		json_t *histogram = json_object_get(job, "histogram");
		double total = total_of(histogram);
		struct curve pdf, cdf;
		bool memory;

		fputs("<h2 class=\"benchmark\">", f);
		escape_html(f, json_string_value(json_object_get(job, "name")) ?: "");
		fputs("</h2>\n", f);
		figures(f, result, job);
		memory = curve_new(&pdf, json_array_size(histogram));
		memory &= curve_new(&cdf, json_array_size(histogram));
		if (memory && total > 0) {
			density(histogram, total, &pdf);
			cumulative(histogram, total, &cdf);
			fputs("<div class=\"chart\">", f);
			plot(f, "Density", &pdf, SVG_LINE, SVG_NUMBER, "share per decade");
			plot(f, "Cumulative", &cdf, SVG_STEPS, SVG_SHARE, "ops that took no longer");
			fputs("</div>\n", f);
		}
		curve_free(&pdf);
		curve_free(&cdf);
	}
}
