/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Periods as users write them: "1h" (the last hour), "7d ago to 6d ago", "yesterday",
 * "2026-11-01 08:00 to 2026-11-01 09:30". Times without a zone are local.
 */
#ifndef VEXFS_ANALYSIS_PERIOD_H
#define VEXFS_ANALYSIS_PERIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970; @to is exclusive. */
struct period {
	int64_t from;
	int64_t to;
};

/* "90", "30s", "5m", "1h", "7d", "2w" in milliseconds. False for anything else. */
bool period_length(const char *text, int64_t *ms);

/* 0, or -1 with a sentence in @why: it cannot be parsed, is empty, or lies in the future. */
int period_parse(const char *text, int64_t now_ms, struct period *p, char *why, size_t size);

/* "5%", "5 %" or "0.05": a fraction. */
bool parse_share(const char *text, double *v);

/* "2026-11-01 08:00:00" in local time. Static buffers are reused in turn. */
const char *time_text(int64_t ms);
/* "3 d 4 h": the two largest units; static buffers likewise. */
const char *length_text(int64_t ms);

#endif
