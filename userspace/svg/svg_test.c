// SPDX-License-Identifier: GPL-2.0
/* Charts from friendly and hostile input. With an argument: a page of examples, to look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/tap.h"
#include "svg.h"

#define MANY	100000
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static char *text;
static size_t size;

static bool draw(const struct svg_plot *p)
{
	FILE *f = open_memstream(&text, &size);
	bool drawn = svg_plot(f, p);

	fclose(f);
	return drawn;
}

static size_t count(const char *what)
{
	const char *s = text;
	size_t n = 0;

	while ((s = strstr(s, what))) {
		s += strlen(what);
		n++;
	}
	return n;
}

static bool sane(void)
{
	return !count("nan") && !count("inf") && count("<svg ") == 1 && count("</svg>") == 1;
}

static void numbers(void)
{
	static const struct { double v; enum svg_unit unit; const char *want; } cases[] = {
		{ 0, SVG_NS, "0" }, { 999, SVG_NS, "999 ns" }, { 1000, SVG_NS, "1 \302\265s" },
		{ 12.5e6, SVG_NS, "12.5 ms" }, { 3e9, SVG_NS, "3 s" },
		{ 170750, SVG_NUMBER, "170.8k" }, { 0.25, SVG_NUMBER, "0.25" },
		{ -4000, SVG_NUMBER, "-4k" }, { 0.123, SVG_SHARE, "12.3 %" },
		{ 4096, SVG_BYTES, "4 KiB" }, { 1.5 * 0x1p30, SVG_BYTES, "1.5 GiB" },
		{ 2, SVG_NINES, "p99" }, { 3, SVG_NINES, "p99.9" }, { 0, SVG_NINES, "p0" },
		{ 0.02, SVG_SECONDS, "20 ms" }, { 7200, SVG_SECONDS, "2 h" },
		{ 86400, SVG_EPOCH, "1970-01-02" }, { 86400 + 3600, SVG_EPOCH, "01-02 01:00" },
		{ 12345678, SVG_PLAIN, "1.23457e+07" },
	};
	char s[48];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(!strcmp(svg_number(s, sizeof(s), cases[i].v, cases[i].unit), cases[i].want),
		   "%g is written %s (%s)", cases[i].v, cases[i].want, s);
}

static void lines(void)
{
	double x[] = { 0, 1, 2, 3, 4 }, y[] = { 1, NAN, 3, INFINITY, -2 };
	struct svg_series s = { "a</text><script>", x, y, NULL, NULL, 5, SVG_LINE, false };
	struct svg_rule rule = { 2, false, "\"limit\" & <more>" };
	struct svg_plot p = { .title = "<b>", .series = &s, .nseries = 1, .rules = &rule,
			      .nrules = 1, .x.label = "\033[2Jx" };

	ok(draw(&p), "a line with gaps is drawn");
	ok(sane(), "without NaN or infinity");
	ok(count("<title>") == 3, "three points of five can be pointed at (%zu)", count("<title>"));
	ok(!count("<script") && !count("<b>") && !count("\033"), "hostile text is not markup");
	ok(count("&lt;script&gt;"), "it is escaped");
	free(text);

	p.y.log = true;
	ok(draw(&p) && sane() && count("<title>") == 2, "a logarithmic axis takes positive values only");
	free(text);

	y[0] = y[2] = -1;
	ok(!draw(&p) && !size, "without valid values nothing is written");
	free(text);

	p.nseries = 0;
	p.y.log = false;
	ok(!draw(&p) && !size, "nor without series");
	free(text);
}

static void extremes(void)
{
	double x[] = { 5 }, y[] = { 7 }, big[] = { 1e300, -1e300 }, at[] = { -1e18, 1e18 };
	struct svg_series one = { "one", x, y, NULL, NULL, 1, SVG_DOTS, false };
	struct svg_series wide = { "wide", at, big, NULL, NULL, 2, SVG_LINE, false };
	struct svg_plot p = { .series = &one, .nseries = 1 };
	int u;

	ok(draw(&p) && sane(), "a single point");
	free(text);
	p.series = &wide;
	for (u = SVG_NUMBER; u <= SVG_EPOCH; u++) {
		p.x.unit = p.y.unit = u;
		ok(draw(&p) && sane(), "values beyond all measure, unit %d", u);
		free(text);
	}
}

/* Dates are wide: the label of a mark at the end of the axis stays in the picture. */
static void dates(void)
{
	double x[] = { 0, 7.75 * 86400 }, y[] = { 1, 2 };
	struct svg_series s = { "eight days", x, y, NULL, NULL, 2, SVG_LINE, false };
	struct svg_plot p = { .series = &s, .nseries = 1, .x.unit = SVG_EPOCH };
	const char *last;

	if (!ok(draw(&p) && sane(), "an axis of dates"))
		return;
	last = strstr(text, ">1970-01-09</text>");
	while (last && last > text && *last != '<')
		last--;
	ok(last && !strncmp(last, "<text class=\"e\"", 15), "the last date ends where the picture does");
	free(text);
}

/* The size of a chart does not grow with the points, and no peak is lost. */
static void many(void)
{
	double *x = calloc(MANY, sizeof(*x)), *y = calloc(MANY, sizeof(*y));
	struct svg_series s = { "many", x, y, NULL, NULL, MANY, SVG_LINE, false };
	struct svg_plot p = { .series = &s, .nseries = 1, .y.bounded = true, .y.max = 100 };
	char peak[32];
	size_t i;

	if (!ok(x && y, "memory"))
		exit(1);
	for (i = 0; i < MANY; i++) {
		x[i] = (double)i;
		y[i] = (double)(i % 7);
	}
	y[31415] = 100;
	ok(draw(&p) && size < 120000, "%d points make %zu bytes", MANY, size);
	/* the top of the chart, where only the peak reaches */
	snprintf(peak, sizeof(peak), " %.1f", 34.0);
	ok(strstr(strstr(text, "class=\"l "), peak) != NULL, "and the one peak is among them");
	free(text);
	free(x);
	free(y);
}

static void bars(void)
{
	static const char *const names[] = { "f32", "f16", "i8" };
	double a[] = { 10, 20, 30 }, b[] = { 12, 18, 33 }, low[] = { 11, 17, 30 }, high[] = { 13, 19, 35 };
	struct svg_series s[] = {
		{ "before", NULL, a, NULL, NULL, 3, SVG_BARS, false },
		{ "after", NULL, b, low, high, 3, SVG_BARS, false },
	};
	struct svg_plot p = { .series = s, .nseries = 2, .names = names, .nnames = 3,
			      .y.from_zero = true };

	ok(draw(&p) && sane() && count("<rect class=\"p") == 6, "six bars");
	ok(count("class=\"w") == 3, "three intervals");
	ok(count("<title>before: f32, 10</title>"), "which say what they are");
	free(text);
}

static void heat(void)
{
	double xs[] = { 0, 1, 2 }, ys[] = { 1000, 2000, 4000 }, v[] = { 5, 0, NAN, 10 };
	struct svg_heat h = { .xs = xs, .ys = ys, .value = v, .cols = 2, .rows = 2,
			      .y = { .unit = SVG_NS, .log = true } };
	FILE *f = open_memstream(&text, &size);

	ok(svg_heat(f, &h), "a heat map");
	fclose(f);
	ok(sane() && count("<rect class=\"p") == 2, "has a cell for each value");
	ok(count("1 \302\265s to 2 \302\265s: 5"), "which says its range");
	free(text);
	v[0] = v[3] = 0;
	f = open_memstream(&text, &size);
	ok(!svg_heat(f, &h), "an empty heat map is refused");
	fclose(f);
	ok(!size, "nothing is written then");
	free(text);
}

static void flame(void)
{
	char deep[2 * 300 + 1];
	struct svg_stack s[] = {
		{ "main;search;scan", 30 }, { "main", 5 }, { "main;put", 20 }, { "main;search", 5 },
		{ "main;search;scan", 10 }, { "idle_[k]", 30 }, { "", 7 }, { "never", 0 },
	};
	struct svg_stack none[] = { { "", 7 }, { "never", 0 } };
	struct svg_stack hostile[] = { { "a<b;</title><script>;\033[2J", 1 } };
	struct svg_stack many[] = { { "wide", 1e6 }, { "wide;narrow", 1 }, { deep, 1e6 } };
	FILE *f = open_memstream(&text, &size);
	size_t i;

	ok(svg_flame(f, "where the time goes", s, ARRAY_SIZE(s)), "a flame graph");
	fclose(f);
	ok(sane() && count("<rect class=\"p") == 5, "has a frame for each caller and callee (%zu)",
	   count("<rect class=\"p"));
	ok(count("<title>main: 70 samples, 70.00 %</title>") == 1, "a caller is as wide as all it calls");
	ok(count("<title>search: 45 samples") == 1 && count("<title>scan: 40 samples") == 1,
	   "the same stack may come twice");
	ok(count("<g class=\"k0\">") == 1, "the kernel has a colour of its own");
	free(text);

	f = open_memstream(&text, &size);
	ok(svg_flame(f, NULL, hostile, 1), "names of any kind");
	fclose(f);
	ok(sane() && !count("<script") && !count("\033"), "are no markup");
	free(text);

	for (i = 0; i < 300; i++)
		memcpy(deep + 2 * i, "d;", 2);
	deep[2 * 300 - 1] = 0;
	f = open_memstream(&text, &size);
	ok(svg_flame(f, NULL, many, 3), "300 frames deep");
	fclose(f);
	ok(sane() && count("1 stacks are deeper than 256") == 1, "the stack is cut, and that is said");
	ok(count("1 frames are too narrow") == 1, "what is too narrow is counted");
	free(text);

	f = open_memstream(&text, &size);
	ok(!svg_flame(f, NULL, none, 2), "no samples");
	fclose(f);
	ok(!size, "write nothing");
	free(text);
}

static void examples(FILE *f)
{
	static const char *const names[] = { "f32", "f16", "bf16", "i8", "b1" };
	double x[200], y[10][200], bar[2][5] = { { 5, 9, 9, 17, 80 }, { 6, 11, 12, 22, 120 } };
	double t[61], lat[31], cells[30 * 60];
	struct svg_series s[10], b[2];
	struct svg_rule rules[] = { { 5e4, false, "target" }, { 120, true, "changed here" } };
	struct svg_plot p = { .title = "Throughput over time", .series = s, .nseries = 10,
			      .x = { .label = "time", .unit = SVG_SECONDS },
			      .y = { .label = "ops/s", .log = true }, .rules = rules, .nrules = 2 };
	struct svg_plot q = { .title = "By type", .series = b, .nseries = 2, .names = names,
			      .nnames = 5, .y = { .label = "queries/s", .from_zero = true } };
	struct svg_heat h = { .title = "Latency", .x = { .label = "time", .unit = SVG_EPOCH },
			      .y = { .unit = SVG_NS, .log = true }, .xs = t, .ys = lat,
			      .value = cells, .cols = 60, .rows = 30 };
	size_t i, k;

	for (k = 0; k < 10; k++) {
		for (i = 0; i < 200; i++) {
			x[i] = (double)i;
			y[k][i] = 1000 * pow(2, (double)k) * (1 + 0.2 * sin((double)i / 9 + (double)k));
		}
		s[k] = (struct svg_series){ "series with a name", x, y[k], NULL, NULL, 200, SVG_LINE,
					    false };
	}
	for (k = 0; k < 2; k++)
		b[k] = (struct svg_series){ k ? "after" : "before", NULL, bar[k], NULL, NULL, 5,
					    SVG_BARS, false };
	for (i = 0; i <= 60; i++)
		t[i] = 1.79e9 + 60 * (double)i;
	for (k = 0; k <= 30; k++)
		lat[k] = 1000 * pow(1.3, (double)k);
	for (k = 0; k < 30; k++)
		for (i = 0; i < 60; i++)
			cells[k * 60 + i] = floor(500 * exp(-pow(((double)k - 12 -
						  5 * sin((double)i / 8)) / 3, 2)));
	fputs("<!doctype html><meta charset=utf-8><style>:root{color-scheme:light dark}</style>", f);
	svg_plot(f, &p);
	svg_plot(f, &q);
	svg_heat(f, &h);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		FILE *f = fopen(argv[1], "w");

		if (!f)
			return 1;
		examples(f);
		return fclose(f) ? 1 : 0;
	}
	numbers();
	lines();
	extremes();
	dates();
	many();
	bars();
	heat();
	flame();
	return done();
}
