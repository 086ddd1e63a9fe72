/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Figures that one CPU keeps for itself, where one instruction does not update
 * them all: the owner has preemption off and says that it is at work, and an
 * interrupt that finds it so leaves them alone and counts elsewhere. No shared
 * line is written and no interrupt disabled. Figures that one instruction does
 * update use raw_cpu_inc() and its like.
 */
#ifndef _VEXFS_MEM_PERCPU_H
#define _VEXFS_MEM_PERCPU_H

#include <linux/compiler.h>
#include <linux/types.h>

/* The owner comes; false when this is an interrupt and the owner at work. */
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
