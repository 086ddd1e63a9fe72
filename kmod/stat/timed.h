/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Times of parts of ops: copying in and out, and taking buffers. One op in 64 is timed, for two
 * readings of the clock cost more than most of these parts. subjects.c shows them as "timed".
 */
#ifndef _VEXFS_STAT_TIMED_H
#define _VEXFS_STAT_TIMED_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "math/clock.h"

#define VEXFS_TIMED_EVERY	64u	/* a power of two */

/**
 * struct vexfs_timed - what one CPU has timed
 * @ops: ops that were timed
 * @in_ns: time they copied in
 * @out_ns: time they copied out
 * @buffers: buffers they took
 * @buffer_ns: time that took
 */
struct vexfs_timed {
	u64 ops;
	u64 in_ns;
	u64 out_ns;
	u64 buffers;
	u64 buffer_ns;
};

DECLARE_PER_CPU(struct vexfs_timed, vexfs_timed);
DECLARE_PER_CPU(u32, vexfs_timed_turn);

/* An op begins: is it to be timed? */
static inline bool vexfs_timed_begin(void)
{
	/* whether a turn is counted twice does not matter */
	if (likely(raw_cpu_inc_return(vexfs_timed_turn) % VEXFS_TIMED_EVERY))
		return false;
	this_cpu_inc(vexfs_timed.ops);
	return true;
}

/* Adds the time since @start, a reading of vexfs_clock(), to a member of struct vexfs_timed. */
#define vexfs_timed_add(member, start)	\
	this_cpu_add(vexfs_timed.member, vexfs_clock_ns(start, vexfs_clock()))

/* All CPUs together, since load or since the last reset. May sleep. */
void vexfs_timed_read(bool since_reset, struct vexfs_timed *sum);
void vexfs_timed_reset(void);

#endif
