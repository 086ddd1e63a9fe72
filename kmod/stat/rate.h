/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rates of counters over the last 1, 10 and 60 seconds. A worker samples them once a second;
 * the code that counts does not know of it.
 */
#ifndef _VEXFS_STAT_RATE_H
#define _VEXFS_STAT_RATE_H

#include <linux/types.h>

enum vexfs_rate_window {
	VEXFS_RATE_1,		/* seconds */
	VEXFS_RATE_10,
	VEXFS_RATE_60,
	VEXFS_RATE_WINDOWS
};

/*
 * Thousandths per second of op @kind over the window. Until the module has run
 * for that long, over the time it has run.
 */
u64 vexfs_rate_milli(unsigned int kind, enum vexfs_rate_window window);

int vexfs_rate_init(void);
void vexfs_rate_exit(void);

#endif
