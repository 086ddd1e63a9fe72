// SPDX-License-Identifier: GPL-2.0
/* Parts of pages that show the history: charts, jumps, changes, events. */
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "past.h"
#include "svg.h"
#include "term.h"

#define NOTES_MAX	200
#define EVENTS_MAX	500

void page_period(const char *title, const struct period *when)
{
	char text[160];

	snprintf(text, sizeof(text), "%s to %s", time_text(when->from), time_text(when->to));
	page_begin(title, text);
}

static enum svg_unit unit_of(int id)
{
	const char *u = metrics[id].unit;

	return !strcmp(u, "share") ? SVG_SHARE : !strncmp(u, "bytes", 5) ? SVG_BYTES : SVG_NUMBER;
}

void page_chart(int id, const struct bins *b, const struct change_point *jump, size_t n)
{
	double *x = malloc((b->n + 1) * sizeof(*x));
	struct svg_rule rules[CHANGES_MAX];
	struct svg_series s = { .x = x, .y = b->v, .n = b->n, .mark = SVG_LINE };
	struct svg_plot p = {
		.height = 220, .x = { .unit = SVG_EPOCH }, .series = &s, .nseries = 1, .rules = rules,
		.y = { .label = metrics[id].unit, .unit = unit_of(id), .from_zero = true },
	};

	if (!x)
		return;
	for (size_t i = 0; i < b->n; i++)
		x[i] = (double)(b->from + (int64_t)i * b->step) / 1e3;
	for (size_t i = 0; n != SIZE_MAX && i < n; i++)
		rules[p.nrules++] = (struct svg_rule){ (double)jump[i].t / 1e3, true,
			is_worse(id, jump[i].change) ? "worse" : "better" };
	fputs("<div class=scroll>", stdout);
	svg_plot(stdout, &p);
	fputs("</div>\n", stdout);
	free(x);
}

void page_jumps(int id, const struct change_point *p, size_t n)
{
	if (n == SIZE_MAX || !n)
		return;
	fputs("<ul>\n", stdout);
	for (size_t i = 0; i < n; i++)
		printf("<li class=%s>%s: %s from %s to %s (%+.1f %%)\n",
		       is_worse(id, p[i].change) ? "bad" : "good", time_text(p[i].t),
		       is_worse(id, p[i].change) ? "worse" : "better",
		       metric_text(id, p[i].before), metric_text(id, p[i].after),
		       p[i].change * 100);
	fputs("</ul>\n", stdout);
}

static int html_note(const struct history_note *n, void *arg)
{
	int *count = arg;

	if ((!*n->from && strcmp(n->kind, "epoch")) || ++*count > NOTES_MAX)
		return 0;
	printf("<tr><td>%s<td>%s<td>", time_text(n->t), n->kind);
	escape_html(stdout, n->subject);
	fputs("<td>", stdout);
	escape_html(stdout, n->from);
	fputs("<td>", stdout);
	escape_html(stdout, n->to);
	putchar('\n');
	return 0;
}

void page_notes(struct past *p, const struct period *when)
{
	struct history_error err;
	int count = 0;

	puts("<div class=scroll><table class=words><tr><th>when<th>what<th>which<th>before<th>after");
	if (p->h)
		history_changes(p->h, when->from, when->to, html_note, &count, &err);
	puts("</table></div>");
	if (!count)
		puts("<p class=dim>Nothing that is noted: no setting, module, kernel or file.</p>");
	else if (count > NOTES_MAX)
		printf("<p class=dim>and %d more</p>\n", count - NOTES_MAX);
}

static int html_event(const struct history_note *n, void *arg)
{
	int *count = arg;

	if (++*count > EVENTS_MAX)
		return 0;
	printf("<tr><td>%s<td>", time_text(n->t));
	escape_html(stdout, n->kind);
	fputs("<td>", stdout);
	escape_html(stdout, n->subject);
	putchar('\n');
	return 0;
}

int page_events(struct past *p, const struct period *when, struct history_error *err)
{
	int count = 0, ret = 0;

	puts("<div class=scroll><table class=words><tr><th>when<th>what<th>subject");
	if (p->h)
		ret = history_events(p->h, when->from, when->to, html_event, &count, err);
	puts("</table></div>");
	if (count > EVENTS_MAX)
		printf("<p class=dim>and %d more</p>\n", count - EVENTS_MAX);
	return ret;
}
