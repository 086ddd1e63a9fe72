// SPDX-License-Identifier: GPL-2.0
/* Summaries of many records, printed and written as files that scripts read. */
#include "exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Mean, median, deviation and extremes of one value over records. */
static json_t *figure_of(const json_t *records, const char *key)
{
	size_t n = json_array_size(records), i;
	double *v = calloc(n + 1, sizeof(*v));
	json_t *o, *r;

	if (!v)
		return NULL;
	json_array_foreach(records, i, r)
		v[i] = num(r, key);
	o = json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean", vs_mean(v, n),
		      "median", vs_quantile(v, n, 0.5), "deviation", n > 1 ? vs_stddev(v, n) : 0.0,
		      "min", vs_quantile(v, n, 0), "max", vs_quantile(v, n, 1));
	free(v);
	return o;
}

static json_t *sum_up(const char *program, const json_t *records)
{
	size_t n = json_array_size(records), good = 0, i;
	json_t *r;

	json_array_foreach(records, i, r)
		good += json_is_true(json_object_get(r, "success"));
	return json_pack("{s:s, s:I, s:I, s:f, s:I, s:o?, s:o?, s:o?, s:o?}", "program", program,
			 "runs", (json_int_t)n, "succeeded", (json_int_t)good,
			 "success_rate", n ? (double)good / (double)n : 0.0,
			 "last_ms", (json_int_t)num(json_array_get(records, n - 1), "started_ms"),
			 "wall_s", figure_of(records, "wall_s"),
			 "cpu_percent", figure_of(records, "cpu_percent"),
			 "peak_memory_kb", figure_of(records, "peak_memory_kb"),
			 "output_bytes", figure_of(records, "output_bytes"));
}

json_t *vx_exec_summary(const json_t *records)
{
	json_t *groups = vx_exec_by_program(records), *out = json_array(), *list;
	const char *program;

	json_object_foreach(groups, program, list)
		json_array_append_new(out, sum_up(program, list));
	json_decref(groups);
	return out;
}

static void when(char *to, size_t size, double ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(to, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(to, size, "?");
}

void vx_exec_print_summary(FILE *f, const json_t *summary)
{
	json_t *s;
	size_t i;

	fprintf(f, "%-24s %6s %9s %12s %12s %10s %14s\n", "program", "runs", "success",
		"median s", "deviation s", "CPU %", "peak memory MB");
	json_array_foreach(summary, i, s) {
		json_t *wall = json_object_get(s, "wall_s");

		fprintf(f, "%-24s %6.0f %7.1f %% %12.3f %12.3f %10.1f %14.1f\n",
			shown(str(s, "program")), num(s, "runs"), 100 * num(s, "success_rate"),
			num(wall, "median"), num(wall, "deviation"),
			num(json_object_get(s, "cpu_percent"), "median"),
			num(json_object_get(s, "peak_memory_kb"), "max") / 1024);
	}
}

static void outcome(char *to, size_t size, const json_t *r)
{
	json_t *sig = json_object_get(r, "signal");

	if (json_is_true(json_object_get(r, "time_exceeded")))
		snprintf(to, size, "too long");
	else if (json_is_true(json_object_get(r, "memory_exceeded")))
		snprintf(to, size, "too large");
	else if (json_is_integer(sig))
		snprintf(to, size, "signal %d", (int)json_integer_value(sig));
	else
		snprintf(to, size, "exit %d", (int)num(r, "exit"));
}

void vx_exec_print_list(FILE *f, const json_t *records)
{
	char at[32], how[32];
	json_t *r;
	size_t i;

	fprintf(f, "%6s  %-19s  %-10s %10s %10s %10s  %-10s %s\n", "id", "started", "outcome",
		"wall s", "CPU %", "peak MB", "tag", "command");
	json_array_foreach(records, i, r) {
		when(at, sizeof(at), num(r, "started_ms"));
		outcome(how, sizeof(how), r);
		fprintf(f, "%6.0f  %-19s  %-10s %10.3f %10.1f %10.1f  %-10s %s\n", num(r, "id"), at,
			how, num(r, "wall_s"), num(r, "cpu_percent"), num(r, "peak_memory_kb") / 1024,
			shown(str(r, "tag")), shown(str(r, "command")));
	}
}

static void report_summary(FILE *f, const json_t *summary)
{
	json_t *s;
	size_t i;

	fputs("| program | runs | success | median s | longest s | CPU % | peak MB |\n"
	      "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n", f);
	json_array_foreach(summary, i, s)
		fprintf(f, "| %s | %.0f | %.1f %% | %.3f | %.3f | %.1f | %.1f |\n",
			shown_markdown(str(s, "program")), num(s, "runs"),
			100 * num(s, "success_rate"), num(json_object_get(s, "wall_s"), "median"),
			num(json_object_get(s, "wall_s"), "max"),
			num(json_object_get(s, "cpu_percent"), "median"),
			num(json_object_get(s, "peak_memory_kb"), "max") / 1024);
}

static void report_insights(FILE *f, const json_t *insights)
{
	json_t *o;
	size_t i;

	if (!json_array_size(insights)) {
		fputs("Nothing stands out.\n", f);
		return;
	}
	json_array_foreach(insights, i, o)
		fprintf(f, "%zu. **%s**: %s. %s. %s.\n", i + 1, shown_markdown(str(o, "program")),
			shown_markdown(str(o, "problem")), shown_markdown(str(o, "evidence")),
			shown_markdown(str(o, "advice")));
}

void vx_exec_report(FILE *f, const json_t *records)
{
	json_t *summary = vx_exec_summary(records), *insights = vx_exec_insights(records);

	fprintf(f, "# Run records\n\n%zu runs of %zu programs.\n\n## Programs\n\n",
		json_array_size(records), json_array_size(summary));
	report_summary(f, summary);
	fputs("\n## What stands out\n\n", f);
	report_insights(f, insights);
	json_decref(summary);
	json_decref(insights);
}

static int write_page(const char *dir, const char *name, void (*print)(FILE *, const json_t *),
		      const json_t *what)
{
	char *path = NULL, *text = NULL;
	size_t size = 0;
	int ret = -1;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -1;
	print(f, what);
	if (!fclose(f) && asprintf(&path, "%s/%s", dir, name) >= 0)
		ret = vx_write_file(path, text, size);
	free(path);
	free(text);
	return ret;
}

static int write_value(const char *dir, const char *name, const json_t *value)
{
	char *path = NULL;
	int ret;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -1;
	ret = vx_write_json(path, value);
	free(path);
	return ret;
}

static void print_insights_page(FILE *f, const json_t *insights)
{
	fputs("# What stands out\n\n", f);
	report_insights(f, insights);
}

int vx_exec_export(const char *dir, const json_t *records)
{
	json_t *summary = vx_exec_summary(records), *insights = vx_exec_insights(records), *data;
	int ret = 0;

	if (mkdir(dir, 0777) && errno != EEXIST) {
		vx_say("cannot make %s: %s", shown(dir), strerror(errno));
		ret = -1;
		goto out;
	}
	data = json_pack("{s:i, s:O, s:O, s:O}", "schema_version", VX_SCHEMA_VERSION, "records",
			 records, "summary", summary, "insights", insights);
	ret |= write_value(dir, "performance_log.json", records);
	ret |= write_value(dir, "performance_summary.json", summary);
	ret |= write_page(dir, "performance_report.md", vx_exec_report, records);
	ret |= write_value(dir, "insights_log.json", insights);
	ret |= write_page(dir, "insights_report.md", print_insights_page, insights);
	ret |= data ? write_value(dir, "performance_data.json", data) : -1;
	json_decref(data);
out:
	json_decref(summary);
	json_decref(insights);
	return ret ? -1 : 0;
}
