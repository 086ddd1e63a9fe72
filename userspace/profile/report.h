/* SPDX-License-Identifier: GPL-2.0 */
/* The report on all parts of a profile. */
#ifndef VEXFS_PROFILE_REPORT_H
#define VEXFS_PROFILE_REPORT_H

#include <stdio.h>

#include "parts.h"

#define FINDINGS_MAX	200

/**
 * struct finding - a problem, or a hot function
 * @rank: larger is worse; share of a limit that was used, or of the time
 * @bad: it is beyond a limit: the report's status is 1
 * @text: a sentence
 */
struct finding {
	double rank;
	bool bad;
	char text[600];
};

struct report {
	struct parts p;
	struct finding f[FINDINGS_MAX];
	size_t nfindings, dropped;
	bool bad;
	const char *scope;	/* "all", "baseline", "stack overflows" or a component */
};

/* What each component changes; before anything is said about it. */
void report_measure(struct report *r);
/* Fills in the findings, worst first. */
void report_judge(struct report *r);
__attribute__((format(printf, 4, 5)))
void report_add(struct report *r, double rank, bool bad, const char *fmt, ...);

/* Into a stream. */
void report_markdown(const struct report *r, FILE *f);
void report_json(const struct report *r, FILE *f);
void report_svg(const struct report *r, FILE *f);

#endif
