// SPDX-License-Identifier: GPL-2.0
/* The report as Markdown, JSON and a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../svg/svg.h"
#include "escape.h"
#include "json.h"
#include "report.h"

static void parts_table(const struct report *r, FILE *f)
{
	size_t i;

	fputs("\n## Parts\n\n| part | state | remarks |\n| --- | --- | --- |\n", f);
	for (i = 0; i < r->p.nparts; i++) {
		const struct part *p = &r->p.part[i];

		fprintf(f, "| %s | %s | %s |\n", shown_markdown(p->name),
			!p->used ? "left out" : p->complete ? "complete" : "partial",
			shown_markdown(p->why));
	}
}

static void stack_table(const struct report *r, FILE *f)
{
	size_t i;

	if (!r->p.nentries)
		return;
	fputs("\n## Stack by function that begins ops\n\n"
	      "Possible is the deepest path of calls that the compiler knows, seen is the deepest op "
	      "of its kinds in any part.\n\n"
	      "| function | file | possible | seen | budget | path |\n"
	      "| --- | --- | ---: | ---: | ---: | --- |\n", f);
	for (i = 0; i < r->p.nentries; i++) {
		const struct entry *e = &r->p.entry[i];

		fprintf(f, "| %s | %s | %u | %u | %u | %s |\n", shown_markdown(e->name),
			shown_markdown(e->file), e->possible, e->seen, e->budget,
			shown_markdown(e->path));
	}
	fputs("\n| op | deepest, bytes | in part |\n| --- | ---: | --- |\n", f);
	for (i = 0; i < r->p.ndepths; i++)
		if (r->p.depth[i].bytes)
			fprintf(f, "| %s | %u | %s |\n", shown_markdown(r->p.depth[i].kind),
				r->p.depth[i].bytes, r->p.depth[i].part);
	if (r->p.tracer)
		fprintf(f, "\nThe kernel's stack tracer saw %u bytes at most, of all kernel code.\n",
			r->p.tracer);
}

static int subsystem_row(const char *key, const jsonin *v, void *arg)
{
	void **a = arg;
	const double *all = a[1];

	fprintf(a[0], "| %s | %.1f %% |\n", shown_markdown(key), 100 * jsonin_number(v) / *all);
	return 0;
}

static void time_table(const struct report *r, FILE *f)
{
	const jsonin *list = jsonin_get(r->p.time, "functions");
	double all = jsonin_number(jsonin_get(r->p.time, "samples"));
	void *arg[] = { f, &all };
	size_t i;

	if (!(all > 0))
		return;
	fprintf(f, "\n## Time\n\nShares of %.0f samples.\n\n| whose code | share |\n| --- | ---: |\n", all);
	jsonin_each(jsonin_get(r->p.time, "owners"), subsystem_row, arg);
	fputs("\n| subsystem of the module | share |\n| --- | ---: |\n", f);
	jsonin_each(jsonin_get(r->p.time, "subsystems"), subsystem_row, arg);
	fputs("\n| function | subsystem | itself | with what it calls |\n| --- | --- | ---: | ---: |\n", f);
	for (i = 0; i < jsonin_count(list) && i < 25; i++) {
		const jsonin *v = jsonin_at(list, i);
		const char *name = jsonin_text(jsonin_get(v, "name"));
		const char *subsystem = jsonin_text(jsonin_get(v, "subsystem"));

		fprintf(f, "| %s | %s | %.2f %% | %.2f %% |\n", shown_markdown(name ? name : "?"),
			shown_markdown(subsystem ? subsystem : ""),
			100 * jsonin_number(jsonin_get(v, "self")) / all,
			100 * jsonin_number(jsonin_get(v, "total")) / all);
	}
}

static void component_table(const struct report *r, FILE *f)
{
	size_t i;

	if (!r->p.ncomponents)
		return;
	fputs("\n## Components\n\nOff means that the code is out of the path. The interval is of 95 %.\n\n"
	      "| component | unit | off | on | change | interval | verdict | deepest off | deepest on |\n"
	      "| --- | --- | ---: | ---: | ---: | --- | --- | ---: | ---: |\n", f);
	for (i = 0; i < r->p.ncomponents; i++) {
		const struct component *c = &r->p.component[i];

		fprintf(f, "| %s | %s | %.0f | %.0f | %+.1f %% | %+.1f to %+.1f %% | %s | %u | %u |\n",
			shown_markdown(c->name), shown_markdown(c->unit), c->change.a, c->change.b,
			100 * c->change.change, 100 * c->change.low, 100 * c->change.high,
			c->noff && c->non ? vs_verdict_name(c->change.verdict) : "not measured",
			c->deepest_off, c->deepest_on);
	}
}

static void program_table(const struct report *r, FILE *f)
{
	size_t i;

	if (!jsonin_count(r->p.valgrind))
		return;
	fputs("\n## Programs under valgrind\n\n| tool | program | errors | lost | heap | stack | state |\n"
	      "| --- | --- | ---: | ---: | ---: | ---: | --- |\n", f);
	for (i = 0; i < jsonin_count(r->p.valgrind); i++) {
		const jsonin *v = jsonin_at(r->p.valgrind, i);
		const char *tool = jsonin_text(jsonin_get(v, "tool"));
		const char *program = jsonin_text(jsonin_get(v, "program"));
		const char *state = jsonin_text(jsonin_get(v, "state"));

		fprintf(f, "| %s | %s | %.0f | %.0f | %.0f | %.0f | %s |\n",
			shown_markdown(tool ? tool : "?"), shown_markdown(program ? program : "?"),
			jsonin_number(jsonin_get(v, "errors")), jsonin_number(jsonin_get(v, "lost")),
			jsonin_number(jsonin_get(v, "heap")), jsonin_number(jsonin_get(v, "stack")),
			shown_markdown(state ? state : "?"));
	}
}

/* A file of a part as it is, up to @lines lines. */
static void quote(const struct report *r, FILE *f, const char *part, const char *file,
		  const char *title, size_t lines)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0, n = 0;
	ssize_t len;
	FILE *in;

	if (!parts_have(&r->p, part))
		return;
	in = fopen(parts_path(&r->p, part, file, path, sizeof(path)), "re");
	if (!in)
		return;
	fprintf(f, "\n## %s\n\n", title);
	while (n < lines && (len = getline(&line, &room, in)) > 0) {
		fputs("    ", f);
		escape_lines(f, line, (size_t)len);
		n++;
	}
	if (n == lines && getline(&line, &room, in) > 0)
		fprintf(f, "\nThe rest is in %s/%s.\n", part, file);
	free(line);
	fclose(in);
}

void report_markdown(const struct report *r, FILE *f)
{
	size_t i;

	fprintf(f, "# Profile of vexfs: %s\n\nSources %s.\n\n## Findings, worst first\n\n",
		shown_markdown(r->scope), shown_markdown(r->p.sources));
	for (i = 0; i < r->nfindings; i++)
		fprintf(f, "%zu. %s%s\n", i + 1, r->f[i].bad ? "**beyond a limit** " : "",
			shown_markdown(r->f[i].text));
	if (!r->nfindings)
		fputs("None: nothing is near a limit, and no function takes a tenth of the time.\n", f);
	if (r->dropped)
		fprintf(f, "\n%zu more are left out.\n", r->dropped);
	parts_table(r, f);
	stack_table(r, f);
	time_table(r, f);
	component_table(r, f);
	program_table(r, f);
	quote(r, f, "overflow", "verdicts", "Planted overflows", 40);
	quote(r, f, "ebpf", "depths", "Bytes of kernel stack at trace events", 40);
	quote(r, f, "ebpf", "stack_trace", "Deepest stack that the stack tracer saw", 60);
	quote(r, f, "perf", "pools", "Use of the pools", 22);
	quote(r, f, "static", "structures", "Largest structures", 25);
}

static void json_findings(const struct report *r, struct json *j)
{
	size_t i;

	json_key(j, "findings");
	json_array_begin(j);
	for (i = 0; i < r->nfindings; i++) {
		json_object_begin(j);
		json_kv_bool(j, "beyond_limit", r->f[i].bad);
		json_kv_double(j, "rank", r->f[i].rank);
		json_kv_string(j, "text", r->f[i].text);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_stack(const struct report *r, struct json *j)
{
	size_t i;

	json_key(j, "stack");
	json_array_begin(j);
	for (i = 0; i < r->p.nentries; i++) {
		const struct entry *e = &r->p.entry[i];

		json_object_begin(j);
		json_kv_string(j, "entry", e->name);
		json_kv_string(j, "file", e->file);
		json_kv_u64(j, "possible", e->possible);
		json_kv_u64(j, "seen", e->seen);
		json_kv_u64(j, "budget", e->budget);
		json_kv_string(j, "path", e->path);
		json_object_end(j);
	}
	json_array_end(j);
	json_kv_u64(j, "stack_tracer_max", r->p.tracer);
}

static void json_components(const struct report *r, struct json *j)
{
	size_t i;

	json_key(j, "components");
	json_array_begin(j);
	for (i = 0; i < r->p.ncomponents; i++) {
		const struct component *c = &r->p.component[i];

		json_object_begin(j);
		json_kv_string(j, "component", c->name);
		json_kv_string(j, "unit", c->unit);
		json_kv_u64(j, "values_off", c->noff);
		json_kv_u64(j, "values_on", c->non);
		json_kv_double(j, "off", c->change.a);
		json_kv_double(j, "on", c->change.b);
		json_kv_double(j, "change", c->change.change);
		json_kv_double(j, "low", c->change.low);
		json_kv_double(j, "high", c->change.high);
		json_kv_string(j, "verdict", vs_verdict_name(c->change.verdict));
		json_kv_u64(j, "deepest_off", c->deepest_off);
		json_kv_u64(j, "deepest_on", c->deepest_on);
		json_object_end(j);
	}
	json_array_end(j);
}

static int copy_number(const char *key, const jsonin *v, void *arg)
{
	json_kv_double(arg, key, jsonin_number(v));
	return 0;
}

void report_json(const struct report *r, FILE *f)
{
	struct json j;
	size_t i;

	json_start(&j, f, true);
	j.schema = 1;
	json_object_begin(&j);
	json_kv_string(&j, "scope", r->scope);
	json_kv_string(&j, "sources", r->p.sources);
	json_kv_bool(&j, "beyond_limit", r->bad);
	json_key(&j, "parts");
	json_array_begin(&j);
	for (i = 0; i < r->p.nparts; i++) {
		json_object_begin(&j);
		json_kv_string(&j, "part", r->p.part[i].name);
		json_kv_bool(&j, "used", r->p.part[i].used);
		json_kv_bool(&j, "complete", r->p.part[i].complete);
		json_kv_string(&j, "why", r->p.part[i].why);
		json_kv_i64(&j, "began", r->p.part[i].began);
		json_kv_i64(&j, "ended", r->p.part[i].ended);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_findings(r, &j);
	json_stack(r, &j);
	json_components(r, &j);
	json_key(&j, "time_by_owner");
	json_object_begin(&j);
	jsonin_each(jsonin_get(r->p.time, "owners"), copy_number, &j);
	json_object_end(&j);
	json_key(&j, "time_by_subsystem");
	json_object_begin(&j);
	jsonin_each(jsonin_get(r->p.time, "subsystems"), copy_number, &j);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
}

void report_svg(const struct report *r, FILE *f)
{
	size_t n = r->p.nentries < 20 ? r->p.nentries : 20, i;
	double possible[20], seen[20], budget = 0;
	const char *names[20];
	struct svg_series s[] = {
		{ .name = "possible", .y = possible, .n = n, .mark = SVG_BARS },
		{ .name = "seen", .y = seen, .n = n, .mark = SVG_BARS },
	};
	struct svg_rule rule = { .label = "budget" };
	struct svg_plot plot = {
		.title = "Kernel stack by function that begins ops", .width = 1200, .height = 420,
		.y = { .label = "bytes", .unit = SVG_PLAIN, .from_zero = true },
		.series = s, .nseries = 2, .rules = &rule, .names = names, .nnames = n,
	};

	for (i = 0; i < n; i++) {
		possible[i] = r->p.entry[i].possible;
		seen[i] = r->p.entry[i].seen;
		names[i] = r->p.entry[i].name;
		budget = r->p.entry[i].budget > budget ? r->p.entry[i].budget : budget;
	}
	rule.at = budget;
	plot.nrules = budget > 0;
	if (!n || !svg_plot(f, &plot)) {
		svg_open(f, 400, 40, "Kernel stack: no static call graph in this profile");
		svg_close(f);
	}
}
