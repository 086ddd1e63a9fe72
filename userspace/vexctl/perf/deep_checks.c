// SPDX-License-Identifier: GPL-2.0
/* Slow checks: who allocated the pages of the module, and what its workqueues do. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exam.h"
#include "trace.h"

/* ---- page_owner ---- */

#define OWNERS		64
/* What is not accounted for otherwise may be this much: caches, stacks, tables. */
#define SLACK_BYTES	(64 << 20)

/**
 * struct owners - pages by the innermost function of vexfs that asked for them
 * @n: functions
 * @name: function
 * @pages: pages of each
 * @total: of all functions, those that did not fit included
 * @order: of the allocation that is being read
 * @seen: its function is known already
 */
struct owners {
	size_t n;
	char name[OWNERS][64];
	uint64_t pages[OWNERS];
	uint64_t total;
	unsigned int order;
	bool seen;
};

static void owner_line(struct owners *o, const char *line)
{
	char name[64];
	size_t i;

	if (sscanf(line, "Page allocated via order %u", &o->order) == 1) {
		o->seen = o->order > 20;
		return;
	}
	if (o->seen || *line != ' ' || !strstr(line, "[vexfs]") ||
	    sscanf(line, " %63[^+ ]", name) != 1)
		return;
	o->seen = true;
	o->total += 1ull << o->order;
	for (i = 0; i < o->n && strcmp(o->name[i], name); i++)
		;
	if (i == OWNERS)
		return;
	if (i == o->n)
		snprintf(o->name[o->n++], sizeof(o->name[0]), "%s", name);
	o->pages[i] += 1ull << o->order;
}

void check_page_owner(struct exam *e, struct finding *f)
{
	double known = exam_figure(e, "store", NULL, "bytes"), bytes;
	struct owners *o = calloc(1, sizeof(*o));
	char path[400], line[512];
	size_t most = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/sys/kernel/debug/page_owner", e->root);
	in = fopen(path, "re");
	if (!in || !o) {
		finds(f, SEV_OK, "page_owner is not there: boot a kernel that has it with page_owner=on");
		goto out;
	}
	while (fgets(line, sizeof(line), in) && !stop_wanted())
		owner_line(o, line);
	for (size_t i = 1; i < o->n; i++)
		if (o->pages[i] > o->pages[most])
			most = i;
	bytes = (double)o->total * 4096;
	for (size_t i = 0; i < e->look.rows.n; i++)
		if (!strcmp(e->look.rows.row[i].subject, "pool"))
			known += (double)row_value(&e->look.rows.row[i], "held_bytes");
	finds(f, bytes > known + known / 4 + SLACK_BYTES ? SEV_WARNING : SEV_OK,
	      "vexfs has %.1f MiB of pages and accounts for %.1f MiB; most are of %s, %.1f MiB", bytes / 1048576,
	      known / 1048576, o->n ? shown(o->name[most]) : "nobody", o->n ? (double)o->pages[most] / 256 : 0);
	if (f->severity == SEV_WARNING)
		advise(f, "suspect a leak: sort /sys/kernel/debug/page_owner with tools/mm/page_owner_sort");
out:
	if (in)
		fclose(in);
	free(o);
}

/* ---- workqueues ---- */

#define TRACE_MS	500
#define WORKS		256
/* A work that waits longer than this for a worker delays its caller. */
#define LATE_S		0.1

/**
 * struct works - works of vexfs that were seen
 * @queued: number that was queued
 * @started: of these, started
 * @ended: of these, ended
 * @wait: longest time from queued to started
 * @run: longest time of a run, and
 * @busy: all runs
 * @n: works in flight
 * @id: their address as the trace prints it, hashed or not
 * @t: when they were queued, or started if @runs
 */
struct works {
	uint64_t queued, started, ended;
	double wait, run, busy;
	size_t n;
	struct {
		char id[24];
		double t;
		bool runs;
	} work[WORKS];
};

/* The time of a line: "task-pid [cpu] flags seconds: event: ...". */
static bool line_time(const char *line, const char *event, double *t)
{
	const char *s = event;

	while (s > line && s[-1] != ']')
		s--;
	return s > line && sscanf(s, "%*s %lf:", t) == 1;
}

static void work_line(const char *line, void *arg)
{
	static const char *const names[] = { "workqueue_queue_work:", "workqueue_execute_start:",
					     "workqueue_execute_end:" };
	struct works *w = arg;
	const char *event = NULL, *s;
	char id[24];
	double t;
	size_t i, kind;

	for (kind = 0; kind < 3; kind++) {
		event = strstr(line, names[kind]);
		if (event)
			break;
	}
	if (!event || !line_time(line, event, &t))
		return;
	s = strstr(event, "work struct");
	if (!s || sscanf(s, "work struct%*[= ]%23[^ :]", id) != 1)
		return;
	for (i = 0; i < w->n && strcmp(w->work[i].id, id); i++)
		;
	if (!kind) {
		if ((!strstr(event, "workqueue=vexfs") && !strstr(event, "[vexfs]")) || i == WORKS)
			return;
		w->queued++;
		snprintf(w->work[i].id, sizeof(w->work[i].id), "%s", id);
		w->work[i].t = t;
		w->work[i].runs = false;
		w->n += i == w->n;
	} else if (i < w->n && kind == 1) {
		w->started++;
		w->wait = fmax(w->wait, t - w->work[i].t);
		w->work[i].t = t;
		w->work[i].runs = true;
	} else if (i < w->n && w->work[i].runs) {
		w->ended++;
		w->run = fmax(w->run, t - w->work[i].t);
		w->busy += t - w->work[i].t;
		w->work[i] = w->work[--w->n];
	}
}

void check_workqueues(struct exam *e, struct finding *f)
{
	static const char *const events[] = { "workqueue/workqueue_queue_work",
					      "workqueue/workqueue_execute_start",
					      "workqueue/workqueue_execute_end", NULL };
	struct works *w = calloc(1, sizeof(*w));
	int err = w && !e->from ? trace_lines(TRACE_MS, events, work_line, w) : 0;

	if (!w || e->from)
		goto out;
	if (err) {
		finds(f, SEV_UNKNOWN, "workqueues cannot be traced: %s", strerror(-err));
		goto out;
	}
	finds(f, w->wait > LATE_S ? SEV_WARNING : SEV_OK,
	      "in %d ms %llu works of vexfs were queued, %llu ended; a worker came after %.3f ms at the latest, "
	      "the longest took %.3f ms, all %.1f %% of a processor", TRACE_MS,
	      (unsigned long long)w->queued, (unsigned long long)w->ended, w->wait * 1e3, w->run * 1e3,
	      100 * w->busy * 1000 / TRACE_MS);
	if (f->severity == SEV_WARNING)
		advise(f, "the machine has no worker free: see processors in host-check");
out:
	free(w);
}
