/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock that FPU sections and ops are timed with: the processor's cycle counter
 * where it keeps time, since the kernel's clock would be most of the cost of
 * counting an op, and User Mode Linux has none finer than a tick, and the kernel's clock
 * elsewhere. Only differences mean anything, and which clock it is does not change
 * while the module runs.
 */
#ifndef _VEXFS_MATH_CLOCK_H
#define _VEXFS_MATH_CLOCK_H

#include <linux/compiler.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "compat/cycles.h"

/* Nanoseconds in a step of the clock, times 2^VEXFS_CLOCK_SHIFT. */
#define VEXFS_CLOCK_SHIFT	24

/**
 * struct vexfs_clock - how time is read
 * @cycles: from the cycle counter. Set once, before anybody reads it
 * @pace: what a step takes; corrected now and then
 */
struct vexfs_clock {
	bool cycles;
	u32 pace;
};

extern struct vexfs_clock vexfs_the_clock;

static inline u64 vexfs_clock(void)
{
	return likely(vexfs_the_clock.cycles) ? vexfs_cycles() : ktime_get_ns();
}

/* Nanoseconds between two readings; 0 when they are out of order. */
static inline u64 vexfs_clock_ns(u64 from, u64 to)
{
	/* A virtual processor that moved may see the counter jump back. */
	if (unlikely((s64)(to - from) < 0))
		return 0;
	return mul_u64_u32_shr(to - from, READ_ONCE(vexfs_the_clock.pace), VEXFS_CLOCK_SHIFT);
}

/* Finds the pace of the counter; takes some 10 ms. */
void vexfs_clock_init(void);
/* Corrects the pace now and then, against the kernel's clock. */
void vexfs_clock_tune(void);

#endif
