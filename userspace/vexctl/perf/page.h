/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXCTL_PERF_PAGE_H
#define VEXCTL_PERF_PAGE_H

#include <stdbool.h>

/* The first line of a page that page_begin() began. */
bool page_starts(const char *line);
/* To stdout: head and first lines. @title and @when are text of ours; @when may be "". */
void page_begin(const char *title, const char *when);
void page_end(void);

#endif
