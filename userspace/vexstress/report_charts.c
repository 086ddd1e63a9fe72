// SPDX-License-Identifier: GPL-2.0
/* The charts of the HTML report, drawn from a result. */
#include "report.h"

#include "../svg/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps per decade, so that histograms with different buckets can be compared. */
#define STEPS	20.0

/* The series of one chart: a line or a dot for each job. */
struct chart {
	struct svg_series *series;
	size_t n;
	bool failed;	/* no memory */
};

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* Repetitions of a job are numbered. */
static char *job_name(const json_t *jobs, size_t at)
{
	const char *name = json_string_value(json_object_get(json_array_get(jobs, at), "name"));
	size_t i, nth = 1;
	char *out;

	if (!name)
		name = "";
	for (i = 0; i < at; i++) {
		const char *other = json_string_value(json_object_get(json_array_get(jobs, i),
								      "name"));

		nth += other && !strcmp(other, name);
	}
	if (nth == 1)
		return strdup(name);
	return asprintf(&out, "%s #%zu", name, nth) < 0 ? NULL : out;
}

/* Adds a series of up to @points points; the caller sets the count. NULL without memory. */
static struct svg_series *add(struct chart *c, const json_t *jobs, size_t at, size_t points,
			      double **x, double **y)
{
	struct svg_series *s = &c->series[c->n];

	*x = calloc(points + 1, sizeof(**x));
	*y = calloc(points + 1, sizeof(**y));
	*s = (struct svg_series){ .name = job_name(jobs, at), .x = *x, .y = *y };
	c->n++;
	if (*x && *y && s->name)
		return s;
	c->failed = true;
	return NULL;
}

static void throughput(struct chart *c, const json_t *jobs, size_t at)
{
	json_t *list = json_object_get(json_array_get(jobs, at), "intervals"), *v;
	double *x, *y;
	struct svg_series *s = add(c, jobs, at, json_array_size(list), &x, &y);
	size_t i;

	if (!s)
		return;
	json_array_foreach(list, i, v) {
		x[i] = num(v, "at_s");
		y[i] = num(v, "ops_per_s");
	}
	s->n = i;
}

/* Of a bucket [from, width, count] of the histogram. */
static double bucket(const json_t *b, size_t i)
{
	return json_number_value(json_array_get(b, i));
}

static double total_of(const json_t *histogram)
{
	double total = 0;
	json_t *b;
	size_t i;

	json_array_foreach(histogram, i, b)
		total += bucket(b, 2);
	return total;
}

/* The number of nines: 0 is the fastest op, 3 is p99.9. */
static void percentiles(struct chart *c, const json_t *jobs, size_t at)
{
	json_t *histogram = json_object_get(json_array_get(jobs, at), "histogram"), *b;
	double *x, *y, total = total_of(histogram), below = 0;
	struct svg_series *s = add(c, jobs, at, json_array_size(histogram), &x, &y);
	size_t i;

	if (!s)
		return;
	json_array_foreach(histogram, i, b) {
		below += bucket(b, 2);
		if (below >= total)
			break;
		x[s->n] = -log10(1 - below / total);
		y[s->n++] = bucket(b, 0) + bucket(b, 1) / 2;
	}
}

static void distribution(struct chart *c, const json_t *jobs, size_t at)
{
	json_t *histogram = json_object_get(json_array_get(jobs, at), "histogram"), *b;
	double *x, *y, total = total_of(histogram), step = -1;
	struct svg_series *s = add(c, jobs, at, json_array_size(histogram), &x, &y);
	size_t i;

	if (!s)
		return;
	json_array_foreach(histogram, i, b) {
		double to = floor(log10(fmax(bucket(b, 0) + bucket(b, 1) / 2, 1)) * STEPS);

		if (to != step) {
			step = to;
			x[s->n++] = pow(10, (to + 0.5) / STEPS);
		}
		y[s->n - 1] += bucket(b, 2) / total;
	}
}

static void recall(struct chart *c, const json_t *jobs, size_t at)
{
	json_t *j = json_array_get(jobs, at), *r = json_object_get(j, "recall");
	struct svg_series *s;
	double *x, *y;

	if (!json_is_object(r))
		return;
	s = add(c, jobs, at, 1, &x, &y);
	if (!s)
		return;
	x[0] = num(r, "recall");
	y[0] = num(j, "ops_per_s");
	s->n = 1;
	s->mark = SVG_DOTS;
}

static void draw(FILE *f, const json_t *jobs, const struct svg_plot *like,
		 void (*fill)(struct chart *, const json_t *, size_t))
{
	struct chart c = { calloc(json_array_size(jobs) + 1, sizeof(*c.series)) };
	struct svg_plot p = *like;
	size_t i;

	fprintf(f, "<h2>%s</h2><div class=\"chart\">", like->title);
	for (i = 0; c.series && i < json_array_size(jobs); i++)
		fill(&c, jobs, i);
	p.series = c.series;
	p.nseries = c.n;
	/* the heading above is the title */
	p.title = NULL;
	if (!c.series || c.failed)
		fputs("no memory for this chart", f);
	else if (!svg_plot(f, &p))
		fputs("nothing was measured for this chart", f);
	fputs("</div>\n", f);
	for (i = 0; i < c.n; i++) {
		free((char *)c.series[i].name);
		free((double *)c.series[i].x);
		free((double *)c.series[i].y);
	}
	free(c.series);
}

void vx_report_charts(FILE *f, const json_t *result)
{
	static const struct {
		struct svg_plot plot;
		void (*fill)(struct chart *c, const json_t *jobs, size_t at);
	} charts[] = {
		{ { .title = "Throughput over time", .x = { "time", SVG_SECONDS },
		    .y = { "ops/s", SVG_NUMBER, .log = true } }, throughput },
		{ { .title = "Latency by percentile", .x = { "percentile", SVG_NINES },
		    .y = { "latency", SVG_NS, .log = true } }, percentiles },
		{ { .title = "Latency distribution", .x = { "latency", SVG_NS, .log = true },
		    .y = { "share of the ops", SVG_SHARE, .from_zero = true } }, distribution },
		{ { .title = "Recall against throughput", .x = { "recall", SVG_PLAIN },
		    .y = { "ops/s", SVG_NUMBER, .log = true } }, recall },
	};
	json_t *jobs = json_object_get(result, "jobs");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(charts); i++)
		draw(f, jobs, &charts[i].plot, charts[i].fill);
}
