/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of "vexctl performance" share. */
#ifndef VEXCTL_PERF_H
#define VEXCTL_PERF_H

#include "analysis.h"
#include "config.h"
#include "metrics.h"
#include "period.h"
#include "policy.h"
#include "vexctl.h"

/* An exit code besides those of vexctl: cannot tell. 1 is a finding. */
#define EXIT_FINDING		1
#define EXIT_CANNOT_TELL	6

int64_t perf_now_ms(void);

/* Reads the configuration; 0, or an exit code after printing why. */
int perf_config(struct ctl *c, struct config *conf);

/* Parses a duration from an option; @otherwise may be NULL. 0, or an exit code. */
int perf_length(struct ctl *c, const char *option, const char *otherwise, int64_t *ms);
/* Parses a period. */
int perf_period(struct ctl *c, const char *option, const char *otherwise, struct period *p);
/* Parses a fraction, "5%" or 0.05. */
int perf_share(struct ctl *c, const char *option, double otherwise, double *v);

/* The metrics of --metrics, or all that have a direction. Their number, or -1 - code. */
int perf_metrics(struct ctl *c, int ids[METRICS]);

/*
 * --output FILE: redirects stdout there until perf_output_end(), completely or not at
 * all. A name ending in .json implies -j; one in .html gets a page, which holds the text of a
 * verb that makes none itself. Without the option nothing happens. 0, or an exit code.
 */
int perf_output_begin(struct ctl *c, const char *path);
int perf_output_end(struct ctl *c, int ret);
/* The name of a file, or NULL, ends so and is not that alone. */
bool output_is(const char *path, const char *ending);

/* Ends the object of -j and its JSON value; nothing without -j. */
void end_json(struct ctl *c);
/* Like json_kv_double(), with null for unknown values. */
void kv_number(struct json *j, const char *key, double v);

/* Takes two samples, @ms apart, and computes the metrics between them. 0, or an exit code. */
int perf_looks(struct ctl *c, const char *root, int64_t ms, struct look *a, struct look *b,
	       double v[METRICS]);

/* Sleeps; returns false if a signal asks to stop. */
bool perf_sleep(int64_t ms);

/* A metric as text with its unit: "1234.5 ops/s", "87.2 %", "12.5 MiB". */
const char *metric_text(int id, double v);

/* ---- settings ---- */

/**
 * struct change_list - settings to be changed together
 * @n: number of settings
 * @key: names
 * @value: new values as text
 */
struct change_list {
	unsigned int n;
	const char *key[32];
	char value[32][64];
};

__attribute__((format(printf, 3, 4)))
void want_setting(struct change_list *l, const char *key, const char *fmt, ...);
/* Changes all of them or none; prints the changes (text, or "changes" in the open object). */
int change_settings(struct ctl *c, struct wire *w, const struct change_list *l);
/* A setting as text; "" if it does not exist. */
const char *read_setting(struct wire *w, const char *key, char *buf, size_t size);

#endif
