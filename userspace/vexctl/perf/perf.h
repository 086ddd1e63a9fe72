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

/* Besides those of vexctl: cannot tell. 1 is a finding. */
#define EXIT_FINDING		1
#define EXIT_CANNOT_TELL	6

int64_t perf_now_ms(void);

/* The configuration; 0, or an exit code after saying what is wrong. */
int perf_config(struct ctl *c, struct config *conf);

/* A length of time from an option; @otherwise may be NULL. 0, or an exit code. */
int perf_length(struct ctl *c, const char *option, const char *otherwise, int64_t *ms);
/* A period. */
int perf_period(struct ctl *c, const char *option, const char *otherwise, struct period *p);
/* A share, "5%" or 0.05. */
int perf_share(struct ctl *c, const char *option, double otherwise, double *v);

/* Metrics from --metrics, or those whose direction is known. Their number, or -1 - code. */
int perf_metrics(struct ctl *c, int ids[METRICS]);

/*
 * --output FILE: stdout goes there until perf_output_end(), whole or not at all; then -j is
 * implied by the name .json. Without the option nothing happens. 0, or an exit code.
 */
struct outfile;
int perf_output_begin(struct ctl *c, const char *path);
int perf_output_end(struct ctl *c, int ret);

/* json_kv_double() with null for what is not known. */
void kv_number(struct json *j, const char *key, double v);

/* Two looks, @ms apart, and what lies between them. 0, or an exit code. */
int perf_looks(struct ctl *c, const char *root, int64_t ms, struct look *a, struct look *b,
	       double v[METRICS]);

/* Sleeps, unless a signal says stop: then false. */
bool perf_sleep(int64_t ms);

/* A metric as text, with its unit: "1234.5 ops/s", "87.2 %", "12.5 MiB". */
const char *metric_text(int id, double v);

/* ---- settings ---- */

/**
 * struct change_list - settings to be changed together
 * @n: how many
 * @key: which
 * @value: the new values, as text
 */
struct change_list {
	unsigned int n;
	const char *key[32];
	char value[32][64];
};

__attribute__((format(printf, 3, 4)))
void want_setting(struct change_list *l, const char *key, const char *fmt, ...);
/* All of them, or none; says what changed (text, or "changes" in the open object). */
int change_settings(struct ctl *c, struct wire *w, const struct change_list *l);
/* As text; "" when there is no such setting. */
const char *read_setting(struct wire *w, const char *key, char *buf, size_t size);

#endif
