// SPDX-License-Identifier: GPL-2.0
/*
 * noise --calibrate: error rates of the verdicts, from experiments whose truth is known.
 * Two curves: how often equals are called different, and how often a planted loss of 5 %
 * is found with the number of samples that is asked for.
 */
#include "campaign.h"

#include "../libvexstat/calibrate.h"
#include "../svg/svg.h"

#include <stdlib.h>
#include <string.h>

#define LOSS	0.05
/* The width of each of two panels, in pixels. */
#define PANEL	480

static const double rhos[] = { 0, 0.15, 0.3, 0.45, 0.6 };
static const size_t sizes[] = { 10, 15, 20, 30, 50, 70, 100 };
static const double noises[] = { 0.02, 0.05, 0.10 };

/* The rates of both curves. */
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

			/* each point has its own random values */
			rules->seed += runs;
			a = vs_false_alarms(&even, sizes[k], runs, rules);
			rules->seed += runs;
			b = vs_false_alarms(&skewed, sizes[k], runs, rules);
			/* the worse of symmetric and skewed values */
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

/* Two panels side by side, each with its limit. */
static void draw_curves(FILE *f, const struct curves *c, const struct vs_rules *rules)
{
	struct svg_rule alpha = { rules->alpha, false, "alpha" }, wanted = { 0.95, false, "wanted" };
	struct svg_series left[ARRAY_SIZE(rhos)], right[ARRAY_SIZE(noises)];
	double x[ARRAY_SIZE(sizes)], y[ARRAY_SIZE(noises)][ARRAY_SIZE(rhos)];
	char names[ARRAY_SIZE(rhos)][40], noise[ARRAY_SIZE(noises)][40];
	struct svg_plot alarms = {
		.title = "Equals that are called different", .width = PANEL, .series = left,
		.nseries = ARRAY_SIZE(rhos), .rules = &alpha, .nrules = 1,
		.x = { "samples a side", SVG_PLAIN, .log = true },
		.y = { NULL, SVG_SHARE, .bounded = true, .max = 0.06 },
	};
	struct svg_plot found = {
		.title = "A planted 5 % that is found", .width = PANEL, .series = right,
		.nseries = ARRAY_SIZE(noises), .rules = &wanted, .nrules = 1,
		.x = { "autocorrelation", SVG_PLAIN },
		.y = { NULL, SVG_SHARE, .bounded = true, .min = 0.9, .max = 1 },
	};
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(sizes); k++)
		x[k] = (double)sizes[k];
	for (i = 0; i < ARRAY_SIZE(rhos); i++) {
		snprintf(names[i], sizeof(names[i]), "autocorrelation %.2f", rhos[i]);
		left[i] = (struct svg_series){ .name = names[i], .x = x, .y = c->alarms[i],
					       .n = ARRAY_SIZE(sizes) };
	}
	for (k = 0; k < ARRAY_SIZE(noises); k++) {
		for (i = 0; i < ARRAY_SIZE(rhos); i++)
			y[k][i] = c->found[k][i].found;
		snprintf(noise[k], sizeof(noise[k]), "noise %.0f %%", 100 * noises[k]);
		right[k] = (struct svg_series){ .name = noise[k], .x = rhos, .y = y[k],
						.n = ARRAY_SIZE(rhos) };
	}
	svg_open(f, 2 * PANEL, 400, NULL);
	svg_plot(f, &alarms);
	fprintf(f, "<g transform=\"translate(%d 0)\">\n", PANEL);
	svg_plot(f, &found);
	fputs("</g>\n", f);
	svg_close(f);
}

static int draw(const char *path, const struct curves *c, const struct vs_rules *rules)
{
	char *page = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&page, &size);
	int ret;

	if (!f)
		return -1;
	draw_curves(f, c, rules);
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
