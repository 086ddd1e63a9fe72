// SPDX-License-Identifier: GPL-2.0
/* Findings of a report: stack against its budget first, then errors, then time. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "report.h"

#define HOT	0.10	/* share of the time from which a function is named */

void report_add(struct report *r, double rank, bool bad, const char *fmt, ...)
{
	struct finding *f = &r->f[r->nfindings];
	va_list ap;

	r->bad |= bad;
	if (r->nfindings == FINDINGS_MAX) {
		r->dropped++;
		return;
	}
	f->rank = rank;
	f->bad = bad;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	r->nfindings++;
}

static void judge_stack(struct report *r)
{
	size_t i;

	for (i = 0; i < r->p.nentries; i++) {
		const struct entry *e = &r->p.entry[i];
		unsigned int most = e->possible > e->seen ? e->possible : e->seen;

		if (!e->budget)
			continue;
		if (most > e->budget)
			report_add(r, 10.0 * most / e->budget, true,
				   "%s (%s) can use %u bytes of stack and used %u; the budget is %u. Path: %s",
				   e->name, e->file, e->possible, e->seen, e->budget, e->path);
		else if (most > e->budget * 9 / 10)
			report_add(r, 1.0 * most / e->budget, false,
				   "%s (%s) is within a tenth of the budget: %u of %u bytes. Path: %s",
				   e->name, e->file, most, e->budget, e->path);
		/* kinds of op are seen, and several functions may begin the same kind */
		if (e->seen > e->possible)
			report_add(r, 0.95, false,
				   "%s used %u bytes of stack, more than its call graph allows (%u): the graph lacks a call, or another function begins the same kind of op",
				   e->name, e->seen, e->possible);
	}
}

static void judge_programs(struct report *r)
{
	size_t i;

	for (i = 0; i < jsonin_count(r->p.valgrind); i++) {
		const jsonin *v = jsonin_at(r->p.valgrind, i);
		const char *tool = jsonin_text(jsonin_get(v, "tool"));
		const char *program = jsonin_text(jsonin_get(v, "program"));
		double errors = jsonin_number(jsonin_get(v, "errors"));
		double lost = jsonin_number(jsonin_get(v, "lost"));

		if (jsonin_true(jsonin_get(v, "finding")))
			report_add(r, 8, true, "%s of %s: %.0f errors, %.0f bytes lost, largest stack %.0f bytes",
				   tool ? tool : "?", program ? program : "?", errors, lost,
				   jsonin_number(jsonin_get(v, "stack")));
	}
}

static void judge_time(struct report *r)
{
	const jsonin *list = jsonin_get(r->p.time, "functions");
	double module = jsonin_number(jsonin_get(jsonin_get(r->p.time, "owners"), "module"));
	double all = jsonin_number(jsonin_get(r->p.time, "samples"));
	size_t i;

	for (i = 0; i < jsonin_count(list); i++) {
		const jsonin *v = jsonin_at(list, i);
		const char *name = jsonin_text(jsonin_get(v, "name"));
		const char *subsystem = jsonin_text(jsonin_get(v, "subsystem"));
		bool ours = subsystem && *subsystem;
		double self = jsonin_number(jsonin_get(v, "self")) / (ours ? module : all);

		/* also false for a total of 0 */
		if (!name || !(self >= HOT && self <= 1))
			continue;
		if (ours)
			report_add(r, self, false, "%s (%s) takes %.1f %% of the module's time", name,
				   subsystem, 100 * self);
		else
			report_add(r, self / 2, false, "%s (outside of vexfs) takes %.1f %% of all time",
				   name, 100 * self);
	}
}

static void judge_alerts(struct report *r)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0, n = 0;
	FILE *f;

	if (!parts_have(&r->p, "ebpf"))
		return;
	f = fopen(parts_path(&r->p, "ebpf", "alerts", path, sizeof(path)), "re");
	while (f && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!*line)
			continue;
		if (n++ < 20)
			report_add(r, 0.5, !strncmp(line, "DEEP op", 7), "while it was traced: %s",
				   shown(line));
	}
	if (n > 20)
		report_add(r, 0.4, false, "while it was traced: %zu alerts, 20 of them above", n);
	free(line);
	if (f)
		fclose(f);
}

void report_measure(struct report *r)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	enum vs_direction dir = VS_HIGHER;
	size_t i;

	for (i = 0; i < r->p.ncomponents; i++) {
		struct component *c = &r->p.component[i];
		struct vs_samples off = { c->off, c->noff, 0 }, on = { c->on, c->non, 0 };

		vs_compare(&off, &on, 0, &rules, &c->change);
		vs_decide_all(&c->change, &dir, 1, &rules);
	}
}

static void judge_components(struct report *r)
{
	size_t i;

	for (i = 0; i < r->p.ncomponents; i++) {
		const struct component *c = &r->p.component[i];

		if (c->change.verdict == VS_REGRESSED || c->change.verdict == VS_IMPROVED)
			report_add(r, c->change.change < 0 ? -c->change.change : 0.01, false,
				   "with %s on, %s changes by %+.0f %% (%+.0f to %+.0f %%)", c->name,
				   *c->unit ? c->unit : "speed", 100 * c->change.change,
				   100 * c->change.low, 100 * c->change.high);
		if (c->deepest_on > c->deepest_off + c->deepest_off / 4 && c->deepest_off)
			report_add(r, 0.9, false, "with %s on, the deepest op goes from %u to %u bytes of stack",
				   c->name, c->deepest_off, c->deepest_on);
	}
}

/* Lines of "scenario  what  yes|no". */
static void judge_overflows(struct report *r)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0, len;
	FILE *f;

	if (!parts_have(&r->p, "overflow"))
		return;
	f = fopen(parts_path(&r->p, "overflow", "verdicts", path, sizeof(path)), "re");
	while (f && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		len = strlen(line);
		if (len > 3 && !strcmp(line + len - 3, " no"))
			report_add(r, 20, true, "a planted overflow was not caught: %s", shown(line));
	}
	free(line);
	if (f)
		fclose(f);
}

static int by_rank(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->bad != y->bad)
		return x->bad ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return strcmp(x->text, y->text);
}

void report_judge(struct report *r)
{
	judge_overflows(r);
	judge_stack(r);
	judge_programs(r);
	judge_time(r);
	judge_alerts(r);
	judge_components(r);
	qsort(r->f, r->nfindings, sizeof(*r->f), by_rank);
}
