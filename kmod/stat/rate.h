/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rates of counters over the last 1, 10 and 60 seconds. A worker takes a
 * reading a second; nobody who counts knows of it.
 */
#ifndef _VEXFS_STAT_RATE_H
#define _VEXFS_STAT_RATE_H

#include <linux/types.h>

/* Windows in seconds. */
#define VEXFS_RATE_WINDOWS(X)	X(1) X(10) X(60)

enum vexfs_rate_window {
#define X(s) VEXFS_RATE_##s,
	VEXFS_RATE_WINDOWS(X)
#undef X
	VEXFS_RATE_WINDOW_COUNT
};

/*
 * Thousandths per second of op @kind over the window. Until the module has run
 * for that long, over the time it has run.
 */
u64 vexfs_rate_milli(unsigned int kind, enum vexfs_rate_window window);

int vexfs_rate_init(void);
void vexfs_rate_exit(void);

#endif
