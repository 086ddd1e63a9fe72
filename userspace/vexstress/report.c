// SPDX-License-Identifier: GPL-2.0
/* The HTML report: one file of plain HTML and SVG, without a script. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef VX_ASSETS
#error "VX_ASSETS names the directory of the report's parts"
#endif

/* A file of the source tree, unchanged. */
#define ASSET(name, file)						\
	__asm__(".section .rodata\n"					\
		".global " #name "\n" #name ":\n"			\
		".incbin \"" VX_ASSETS "/" file "\"\n"			\
		".byte 0\n.previous\n");				\
	extern const char name[]

ASSET(vx_asset_css, "report.css");

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void targets(FILE *f, const json_t *result)
{
	json_t *list = json_object_get(result, "targets"), *t;
	size_t i;

	if (!json_is_array(list))
		return;
	fprintf(f, "<p class=\"verdict %s\" id=\"verdict\">",
		json_is_true(json_object_get(result, "overall_success")) ? "met" :
		json_is_false(json_object_get(result, "overall_success")) ? "missed" : "doubt");
	escape_html(f, vx_target_closing(result));
	fputs("</p>\n<h2>Targets</h2><div class=\"wrap\"><table id=\"targets\"><tr><th>target"
	      "<th class=\"n\">wanted<th class=\"n\">measured<th class=\"n\">without unavailable time"
	      "<th>unit<th>verdict<th></tr>\n", f);
	json_array_foreach(list, i, t) {
		const char *verdict = str(t, "verdict");
		char *remark = vx_target_remark(t);

		fputs("<tr><td>", f);
		escape_html(f, str(t, "name"));
		fprintf(f, "<td class=\"n\">%s %s<td class=\"n\">",
			!strcmp(str(t, "direction"), "higher") ? "&ge;" : "&le;",
			vx_figure(num(t, "target")));
		if (json_is_number(json_object_get(t, "measured")))
			fputs(vx_figure(num(t, "measured")), f);
		fputs("<td class=\"n\">", f);
		if (num(t, "unavailable_s") > 0)
			fputs(vx_figure(num(t, "without_unavailable")), f);
		fputs("<td>", f);
		escape_html(f, str(t, "unit"));
		fprintf(f, "<td class=\"%s\">", !strcmp(verdict, "cannot tell") ? "doubt" :
			!strcmp(verdict, "met") ? "met" : !strcmp(verdict, "missed") ? "missed" :
			"skipped");
		escape_html(f, verdict);
		fputs("<td class=\"mute\">", f);
		escape_html(f, remark ? remark : "");
		free(remark);
		fputs("</tr>\n", f);
	}
	fputs("</table></div>\n", f);
}

static void jobs(FILE *f, const json_t *result)
{
	json_t *j;
	size_t i;

	fputs("<h2>Jobs</h2><div class=\"wrap\"><table id=\"jobs\"><tr><th>job<th>workload"
	      "<th class=\"n\">ops/s<th class=\"n\">mean<th class=\"n\">p50<th class=\"n\">p95"
	      "<th class=\"n\">p99<th class=\"n\">max<th class=\"n\">in kernel"
	      "<th class=\"n\">recall<th class=\"n\">errors</tr>\n", f);
	json_array_foreach(json_object_get(result, "jobs"), i, j) {
		json_t *l = json_object_get(j, "latency"), *k = json_object_get(j, "kernel");
		json_t *r = json_object_get(j, "recall");

		fputs("<tr><td>", f);
		escape_html(f, str(j, "name"));
		fputs("<td>", f);
		escape_html(f, str(j, "workload"));
		fprintf(f, "<td class=\"n\">%.0f<td class=\"n\">%.1f<td class=\"n\">%.1f"
			"<td class=\"n\">%.1f<td class=\"n\">%.1f<td class=\"n\">%.1f<td class=\"n\">",
			num(j, "ops_per_s"), num(l, "mean_ns") / 1e3,
			num(l, "p50_ns") / 1e3, num(l, "p95_ns") / 1e3, num(l, "p99_ns") / 1e3,
			num(l, "max_ns") / 1e3);
		if (json_is_object(k))
			fprintf(f, "%.1f", num(k, "mean_ns") / 1e3);
		fputs("<td class=\"n\">", f);
		if (json_is_object(r))
			fprintf(f, "%.4f", num(r, "recall"));
		fprintf(f, "<td class=\"n\">%.0f</tr>\n", num(j, "errors"));
	}
	fputs("</table></div><p class=\"mute\">Latencies in microseconds.</p>\n", f);
}

static void metrics(FILE *f, const json_t *result)
{
	json_t *m, *v;
	size_t i, k, n;

	fputs("<h2>Metrics</h2><div class=\"wrap\"><table id=\"metrics\"><tr><th>metric"
	      "<th class=\"n\">mean<th class=\"n\">median<th class=\"n\">std dev"
	      "<th class=\"n\">std error<th class=\"n\">95 % interval<th>unit</tr>\n", f);
	json_array_foreach(json_object_get(result, "metrics"), i, m) {
		json_t *list = json_object_get(m, "samples");
		double *s;

		n = json_array_size(list);
		s = malloc((n + 1) * sizeof(*s));
		if (!s)
			return;
		json_array_foreach(list, k, v)
			s[k] = json_number_value(v);
		fputs("<tr><td>", f);
		escape_html(f, str(m, "name"));
		fprintf(f, "<td class=\"n\">%s<td class=\"n\">%s<td class=\"n\">%s"
			"<td class=\"n\">%s<td class=\"n\">%s to %s<td>",
			vx_figure(vs_mean(s, n)), vx_figure(vs_quantile(s, n, 0.5)),
			vx_figure(vs_stddev(s, n)), vx_figure(n ? vs_stddev(s, n) / sqrt((double)n) : 0),
			vx_figure(num(m, "ci_low")), vx_figure(num(m, "ci_high")));
		escape_html(f, str(m, "unit"));
		fputs("</tr>\n", f);
		free(s);
	}
	fputs("</table></div>\n", f);
}

static void fingerprint(FILE *f, const json_t *result)
{
	json_t *fp = json_object_get(result, "fingerprint"), *v;
	const char *key;

	fputs("<h2>Machine</h2><div class=\"wrap\"><table id=\"machine\">\n", f);
	json_object_foreach(fp, key, v) {
		char *s = json_is_string(v) ? NULL : vx_json_dump(v, JSON_ENCODE_ANY | JSON_COMPACT);

		fputs("<tr><th>", f);
		escape_html(f, key);
		fputs("<td>", f);
		escape_html(f, s ? s : json_string_value(v));
		fputs("</tr>\n", f);
		free(s);
	}
	fputs("</table></div>\n", f);
}

int vx_report_write(const char *path, const json_t *result)
{
	char *page = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&page, &size);
	int ret;

	if (!f)
		return -1;
	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width\">"
	      "<title>vexstress report</title>\n<style>", f);
	fputs(vx_asset_css, f);
	fputs("</style></head><body>\n<h1>vexstress report</h1>\n<p class=\"mute\">", f);
	escape_html(f, str(result, "started"));
	fputs(", vexstress ", f);
	escape_html(f, str(result, "version"));
	fputs(", lab ", f);
	escape_html(f, str(json_object_get(result, "fingerprint"), "lab"));
	fputs(", profile ", f);
	escape_html(f, str(json_object_get(result, "settings"), "profile"));
	fputs("</p>\n", f);
	targets(f, result);
	jobs(f, result);
	vx_report_charts(f, result);
	vx_report_benchmarks(f, result);
	metrics(f, result);
	fingerprint(f, result);
	fputs("</body></html>\n", f);
	if (fclose(f)) {
		free(page);
		return -1;
	}
	ret = vx_write_file(path, page, size);
	free(page);
	return ret;
}
