// SPDX-License-Identifier: GPL-2.0
/*
 * noise --calibrate: what the verdicts of comparisons are worth, from experiments whose
 * truth is known. Two curves: how often equals are called unlike, and how often a planted
 * loss of 5 % is found with the number of samples that is asked for.
 */
#include "campaign.h"

#include "../libvexstat/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOSS	0.05

static const double rhos[] = { 0, 0.15, 0.3, 0.45, 0.6 };
static const size_t sizes[] = { 10, 15, 20, 30, 50, 70, 100 };
static const double noises[] = { 0.02, 0.05, 0.10 };
static const char *const colours[] = { "#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2" };

/* Rates of both curves, as they are drawn. */
struct curves {
	double alarms[ARRAY_SIZE(rhos)][ARRAY_SIZE(sizes)];
	struct vs_found found[ARRAY_SIZE(noises)][ARRAY_SIZE(rhos)];
};

static void measure(struct curves *c, unsigned int runs, struct vs_rules *rules)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rhos) && !vx_signal; i++) {
		for (k = 0; k < ARRAY_SIZE(sizes) && !vx_signal; k++) {
			struct vs_world even = { rhos[i], 0.05, false }, skewed = { rhos[i], 0.2, true };
			double a, b;

			/* each point draws values of its own */
			rules->seed += runs;
			a = vs_false_alarms(&even, sizes[k], runs, rules);
			rules->seed += runs;
			b = vs_false_alarms(&skewed, sizes[k], runs, rules);
			/* the worse of rates and latencies */
			c->alarms[i][k] = a > b ? a : b;
		}
		for (k = 0; k < ARRAY_SIZE(noises) && !vx_signal; k++) {
			struct vs_world w = { rhos[i], noises[k], false };

			rules->seed += runs;
			c->found[k][i] = vs_find_planted(&w, 10, LOSS, runs / 4, rules);
		}
	}
}

static json_t *as_json(const struct curves *c, unsigned int runs, const struct vs_rules *rules)
{
	json_t *alarms = json_array(), *found = json_array();
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rhos); i++)
		for (k = 0; k < ARRAY_SIZE(sizes); k++)
			json_array_append_new(alarms, json_pack(
				"{s:f, s:I, s:f}", "autocorrelation", rhos[i],
				"samples", (json_int_t)sizes[k], "rate", c->alarms[i][k]));
	for (k = 0; k < ARRAY_SIZE(noises); k++)
		for (i = 0; i < ARRAY_SIZE(rhos); i++)
			json_array_append_new(found, json_pack(
				"{s:f, s:f, s:f, s:f, s:f}", "autocorrelation", rhos[i],
				"noise", noises[k], "asked_samples", c->found[k][i].need,
				"found", c->found[k][i].found,
				"found_when_asked", c->found[k][i].found_asked));
	return json_pack("{s:i, s:f, s:I, s:f, s:o, s:o}", "schema_version", VX_SCHEMA_VERSION,
			 "alpha", rules->alpha, "runs", (json_int_t)runs, "planted", LOSS,
			 "false_alarms", alarms, "planted_found", found);
}

static void print_markdown(const struct curves *c)
{
	size_t i, k;

	printf("| false alarms, autocorrelation |");
	for (k = 0; k < ARRAY_SIZE(sizes); k++)
		printf(" %zu samples |", sizes[k]);
	printf("\n| --- |");
	for (k = 0; k < ARRAY_SIZE(sizes); k++)
		printf(" ---: |");
	putchar('\n');
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		printf("| %.2f |", rhos[i]);
		for (k = 0; k < ARRAY_SIZE(sizes); k++)
			printf(" %.1f %% |", 100 * c->alarms[i][k]);
		putchar('\n');
	}
	printf("\n| 5 %% found (samples asked for), autocorrelation |");
	for (k = 0; k < ARRAY_SIZE(noises); k++)
		printf(" noise %.0f %% |", 100 * noises[k]);
	printf("\n| --- |");
	for (k = 0; k < ARRAY_SIZE(noises); k++)
		printf(" ---: |");
	putchar('\n');
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		printf("| %.2f |", rhos[i]);
		for (k = 0; k < ARRAY_SIZE(noises); k++)
			printf(" %.1f %% (%.0f) |", 100 * c->found[k][i].found, c->found[k][i].need);
		putchar('\n');
	}
}

/* One panel: a line for each series, a dashed one at @limit. */
struct panel {
	double left, y0, y1, limit;
	const char *title, *xlabel;
};

#define WIDE	380.0
#define HIGH	260.0

static double px(const struct panel *p, double share)
{
	return p->left + share * WIDE;
}

static double py(const struct panel *p, double v)
{
	return 40 + HIGH - (v - p->y0) / (p->y1 - p->y0) * HIGH;
}

static void frame(FILE *f, const struct panel *p)
{
	int i;

	fprintf(f, "<text x=\"%.0f\" y=\"24\" font-weight=\"600\">%s</text>\n", p->left, p->title);
	for (i = 0; i <= 4; i++) {
		double v = p->y0 + (p->y1 - p->y0) * i / 4;

		fprintf(f, "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%.1f %%</text>\n", p->left,
			p->left + WIDE, py(p, v), py(p, v), p->left - 6, py(p, v) + 4, 100 * v);
	}
	fprintf(f, "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#c00\" "
		"stroke-dasharray=\"5 4\"/>\n<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%s"
		"</text>\n", p->left, p->left + WIDE, py(p, p->limit), py(p, p->limit),
		p->left + WIDE / 2, 40 + HIGH + 36, p->xlabel);
}

static void mark(FILE *f, const struct panel *p, double share, const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n", px(p, share),
		40 + HIGH + 18, text);
}

static void legend(FILE *f, const struct panel *p, size_t i, const char *text)
{
	fprintf(f, "<text x=\"%.0f\" y=\"%.0f\" fill=\"%s\">%s</text>\n", p->left + 74 * (double)i,
		40 + HIGH + 58, colours[i], text);
}

static int draw(const char *path, const struct curves *c, const struct vs_rules *rules)
{
	struct panel left = { 60, 0, 0.06, rules->alpha, "Equals that are called unlike",
			      "samples a side" };
	struct panel right = { 540, 0.9, 1, 0.95, "A planted 5 % that is found",
			       "autocorrelation" };
	char *page = NULL, text[40];
	size_t size = 0, i, k;
	FILE *f = open_memstream(&page, &size);
	int ret;

	if (!f)
		return -1;
	fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"370\" "
	      "font-family=\"sans-serif\" font-size=\"12\">\n"
	      "<rect width=\"960\" height=\"370\" fill=\"#fff\"/>\n", f);
	frame(f, &left);
	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		snprintf(text, sizeof(text), "%zu", sizes[k]);
		mark(f, &left, log((double)sizes[k] / 10) / log(10), text);
	}
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		snprintf(text, sizeof(text), "rho %.2f", rhos[i]);
		legend(f, &left, i, text);
		fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
			colours[i]);
		for (k = 0; k < ARRAY_SIZE(sizes); k++)
			fprintf(f, "%.1f,%.1f ", px(&left, log((double)sizes[k] / 10) / log(10)),
				py(&left, c->alarms[i][k]));
		fputs("\"/>\n", f);
	}
	frame(f, &right);
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		snprintf(text, sizeof(text), "%.2f", rhos[i]);
		mark(f, &right, rhos[i] / 0.6, text);
	}
	for (k = 0; k < ARRAY_SIZE(noises); k++) {
		snprintf(text, sizeof(text), "noise %.0f %%", 100 * noises[k]);
		legend(f, &right, k, text);
		fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
			colours[k]);
		for (i = 0; i < ARRAY_SIZE(rhos); i++)
			fprintf(f, "%.1f,%.1f ", px(&right, rhos[i] / 0.6),
				py(&right, fmax(c->found[k][i].found, right.y0)));
		fputs("\"/>\n", f);
	}
	fputs("</svg>\n", f);
	if (fclose(f)) {
		free(page);
		return -1;
	}
	ret = vx_write_file(path, page, size);
	free(page);
	return ret;
}

int vx_cmd_calibrate(void)
{
	unsigned int runs = vx_set.repeat > 1 ? (unsigned int)vx_set.repeat : 1000;
	struct vs_rules rules = VS_RULES_DEFAULT;
	static struct curves c;
	json_t *out;
	int ret = VX_OK;

	rules.alpha = vx_set.alpha;
	rules.min_effect = 0;
	rules.fail_effect = LOSS;
	rules.resamples = 500;
	measure(&c, runs, &rules);
	if (vx_signal)
		return 128 + vx_signal;
	out = as_json(&c, runs, &rules);
	if (vx_set.json)
		ret |= vx_write_json("-", out);
	else
		print_markdown(&c);
	if (vx_set.output)
		ret |= vx_write_json(vx_set.output, out);
	if (vx_set.report)
		ret |= draw(vx_set.report, &c, &rules);
	json_decref(out);
	return ret ? VX_MISSED : VX_OK;
}
