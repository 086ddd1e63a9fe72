/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock that ops are timed with: the processor's cycle counter where it
 * keeps time, since the kernel's clock would be most of the cost of an account,
 * and the kernel's clock elsewhere. Only differences mean anything.
 */
#ifndef _VEXFS_STAT_CLOCK_H
#define _VEXFS_STAT_CLOCK_H

#include <linux/types.h>

u64 vexfs_clock(void);
/* Nanoseconds between two readings; 0 when they are out of order. */
u64 vexfs_clock_ns(u64 from, u64 to);

/* Finds the pace of the counter; takes some 10 ms. */
void vexfs_clock_init(void);
/* Corrects the pace now and then, against the kernel's clock. */
void vexfs_clock_tune(void);

#endif
