/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXCTL_PERF_PAGE_H
#define VEXCTL_PERF_PAGE_H

#include <stdbool.h>

/* The name of a file asks for HTML. */
bool page_wanted(const char *path);
/* To stdout: head and first lines. @title and @when are text of ours. */
void page_begin(const char *title, const char *when);
void page_end(void);

#endif
