/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs on the history share: reading metrics, comparing periods. */
#ifndef VEXCTL_PERF_PAST_H
#define VEXCTL_PERF_PAST_H

#include "history.h"
#include "perf.h"

/**
 * struct past - the open history
 * @conf: the configuration
 * @policy: thresholds
 * @h: the history; NULL where a Prometheus is asked, which has neither changes nor events
 * @url: of that Prometheus
 * @machine: the one that is asked for; NULL for all together
 * @from: its first moment
 * @to: its last
 */
struct past {
	struct config conf;
	const struct policy *policy;
	struct history *h;
	const char *url;
	const char *machine;
	int64_t from;
	int64_t to;
};

/*
 * past_prom.c: past_read() from a Prometheus. @machine is a target as it names it, with or
 * without the port.
 */
bool past_prom_machine(const char *machine);
int past_prom_read(struct ctl *c, const struct past *p, const int *ids, int n,
		   const struct period *when, int64_t step, struct bins *out);

/* 0, or an exit code after saying what is wrong: 6 where there is no history to tell from. */
int past_open(struct ctl *c, struct past *p);
void past_close(struct past *p);

/*
 * Reads metrics over a period, in steps of @step (0: as fine as available, at most 2,000
 * steps). 0, or an exit code.
 */
int past_read(struct ctl *c, struct past *p, const int *ids, int n, const struct period *when,
	      int64_t step, struct bins *out);
/* A step that gives some hundreds of values for the period; 0 for a short one. */
int64_t past_step(const struct period *p);
/*
 * past_read(), and then opens --output. Unless @key is NULL, -j begins an object with the period
 * and the list @key.
 */
int past_begin(struct ctl *c, struct past *p, const int *ids, int n, const struct period *when,
	       int64_t step, const char *key, struct bins *out);

/**
 * struct verdict - a metric in two periods
 * @id: the metric
 * @c: the comparison
 * @n: number of values of each period
 */
struct verdict {
	int id;
	struct vs_change c;
	size_t n[2];
};

/*
 * Compares the second period with the first. @warn and @fail override the policy unless
 * negative. 0, or an exit code.
 */
int past_compare(struct ctl *c, struct past *p, const int *ids, int n, const struct period when[2],
		 double warn, double fail, struct verdict *out);
void compare_bins(const struct past *p, int id, const struct bins *a, const struct bins *b, int n,
		  double warn, double fail, struct verdict *out);

/* The number of verdicts of that kind. */
int count_verdicts(const struct verdict *v, int n, enum vs_verdict what, bool only_fails);
/* 1 for a regression, 6 if nothing is known about any metric, else 0. */
int verdict_exit(const struct verdict *v, int n);
/* Prints "verdicts", "regression_detected" and the like in the open object, or a table. */
void verdicts_print(struct ctl *c, const struct verdict *v, int n, bool all);
void period_json(struct json *j, const char *key, const struct period *p);

/* Prints changes of settings, module, kernel and files; in the open object or as lines. */
int past_changes(struct ctl *c, struct past *p, const struct period *when, int *count);

/* The limits of a metric under the policy, or @warn and @fail. */
void limits_of(const struct past *p, int id, double warn, double fail, double limit[2]);

/* The change points of a metric: their number, SIZE_MAX for cannot tell. */
size_t past_change_points(const struct past *p, int id, struct bins *b, double warn,
			  struct change_point out[CHANGES_MAX]);
bool is_worse(int id, double change);

/* page_past.c: parts of pages, on stdout between page_begin() and page_end(). */
void page_period(const char *title, const struct period *when);
/* @n: of the jumps, SIZE_MAX for cannot tell. */
void page_chart(int id, const struct bins *b, const struct change_point *jump, size_t n);
void page_jumps(int id, const struct change_point *p, size_t n);
void page_notes(struct past *p, const struct period *when);
int page_events(struct past *p, const struct period *when, struct history_error *err);

#endif
