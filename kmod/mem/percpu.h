/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU statistics where several words change together. The owner has preemption off and
 * sets a flag; an interrupt that finds the flag set counts elsewhere. No shared cache line
 * is written and no interrupt is disabled. Single counters use raw_cpu_inc() and the like.
 */
#ifndef _VEXFS_MEM_PERCPU_H
#define _VEXFS_MEM_PERCPU_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Sets the flag. Returns false in an interrupt that found it set. */
static __always_inline bool vexfs_cpu_enter(u32 *busy)
{
	if (unlikely(READ_ONCE(*busy)))
		return false;
	WRITE_ONCE(*busy, 1);
	barrier();
	return true;
}

static __always_inline void vexfs_cpu_leave(u32 *busy)
{
	barrier();
	WRITE_ONCE(*busy, 0);
}

#endif
