// SPDX-License-Identifier: GPL-2.0
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "outfile.h"
#include "runs.h"
#include "svg.h"

enum { POINTS = 64, LINES = 24, SIZES = 16 };

static void save(const char *folder, const char *name, const struct svg_plot *plot)
{
	struct outfile out;
	char path[4096];

	snprintf(path, sizeof(path), "%s/peers-%s.svg", folder, name);
	if (outfile_open(&out, path, false)) {
		fprintf(stderr, "bench-peers: %s\n", out.why);
		exit(1);
	}
	if (!svg_plot(out.f, plot)) {
		outfile_abandon(&out);
		return;
	}
	if (outfile_commit(&out)) {
		fprintf(stderr, "bench-peers: %s\n", out.why);
		exit(1);
	}
}

/* One run as a line: vexfs by the time in the kernel, the others as their callers see them. */
struct line {
	char name[RUNS_LABEL + 32];
	double x[POINTS], y[POINTS];
	size_t n;
};

static void line_of(struct line *l, json_t *run)
{
	char label[RUNS_LABEL];
	json_t *p;
	size_t i;

	snprintf(l->name, sizeof(l->name), "%s%s", run_label(run, label, sizeof(label)),
		 run_is_ours(run) ? ", in the kernel" : run_on_host(run) ? ", host" : ", lab");
	l->n = 0;
	json_array_foreach(json_object_get(run, "points"), i, p) {
		if (run_num(p, "recall") < 0.7 || l->n == POINTS)
			continue;
		l->x[l->n] = run_num(p, "recall");
		l->y[l->n++] = run_num(p, run_is_ours(run) ? "kernel_qps" : "qps");
	}
}

void plot_recall(const char *folder, const char *data)
{
	struct line *lines = ask_alloc(LINES, sizeof(*lines));
	struct svg_series series[LINES];
	struct svg_plot plot = {
		.title = data, .series = series,
		.x = { .label = "recall@10", .unit = SVG_PLAIN, .bounded = true, .min = 0.7, .max = 1 },
		.y = { .label = "queries per second, one at a time", .log = true },
	};
	int r;

	for (r = 0; r < nruns && plot.nseries < LINES; r++) {
		struct line *l = &lines[plot.nseries];

		if (strcmp(run_str(runs[r], "data"), data))
			continue;
		line_of(l, runs[r]);
		if (l->n < 2)
			continue;
		series[plot.nseries++] = (struct svg_series) { .name = l->name, .x = l->x, .y = l->y, .n = l->n,
							       .dashed = !run_is_ours(runs[r]) };
	}
	if (plot.nseries)
		save(folder, data, &plot);
	free(lines);
}

json_t *plot_grown(const char *peer, double n, bool host)
{
	json_t *found = NULL;
	int r;

	for (r = 0; r < nruns; r++) {
		json_t *run = runs[r];
		const char *code = run_str(run, "code");

		if (!strcmp(run_str(run, "peer"), peer) && run_on_host(run) == host &&
		    !strcmp(run_str(run, "type"), "f32") && (!*code || !strcmp(code, "none")) &&
		    !strncmp(run_str(run, "data"), "glove-", 6) && run_num(run, "n") == n &&
		    !isnan(run_at_ef(run, 64, "qps")))
			found = run;
	}
	return found;
}

void plot_growth(const char *folder)
{
	static const struct { const char *peer, *name, *what; bool host; } who[] = {
		{ "vexfs", "vexfs, in the kernel", "kernel_qps", false },
		{ "hnswlib", "hnswlib, lab", "qps", false },
		{ "hnswlib", "hnswlib, host", "qps", true },
	};
	struct line lines[3] = { 0 };
	struct svg_series series[3];
	struct svg_plot plot = {
		.title = "GloVe-100, ef 64, one query at a time", .series = series,
		.x = { .label = "vectors", .log = true },
		.y = { .label = "time per query", .unit = SVG_SECONDS, .from_zero = true },
	};
	size_t w;
	int n;

	for (w = 0; w < 3; w++) {
		struct line *l = &lines[w];

		for (n = 1000; n <= 1000000 && l->n < SIZES; n += 1000) {
			json_t *run = plot_grown(who[w].peer, n, who[w].host);

			if (!run)
				continue;
			l->x[l->n] = n;
			l->y[l->n++] = 1 / run_at_ef(run, 64, who[w].what);
		}
		if (l->n > 1)
			series[plot.nseries++] = (struct svg_series) { .name = who[w].name, .x = l->x,
								       .y = l->y, .n = l->n, .dashed = w > 0 };
	}
	if (plot.nseries > 1)
		save(folder, "growth", &plot);
}
