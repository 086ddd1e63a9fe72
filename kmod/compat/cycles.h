/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cycle counter of the processor: how to read it, and whether it runs at a constant rate.
 */
#ifndef _VEXFS_COMPAT_CYCLES_H
#define _VEXFS_COMPAT_CYCLES_H

#include <linux/types.h>

#include "compat/compat.h"

/*
 * Reads are not ordered: the few instructions that may drift across do not matter,
 * and a fence would cost more than the read.
 */
#if defined(HAVE_TSC)
#include <asm/msr.h>
#include <asm/tsc.h>

static inline u64 vexfs_cycles(void)
{
	return rdtsc();
}

static inline bool vexfs_cycles_trusted(void)
{
	return !check_tsc_unstable();
}
#elif defined(CONFIG_X86_64)
/* User Mode Linux uses the counter of its host, whose properties it does not know. */
static inline u64 vexfs_cycles(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return (u64)high << 32 | low;
}

static inline bool vexfs_cycles_trusted(void)
{
	return true;
}
#else
#include <linux/timex.h>

static inline u64 vexfs_cycles(void)
{
	return get_cycles();
}

static inline bool vexfs_cycles_trusted(void)
{
	return true;
}
#endif

#endif
