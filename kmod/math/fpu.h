/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FPU sections: the one owner of vexfs_simd_begin() and vexfs_simd_end(). Work
 * is cut so that a section stays under a budget, and every section is timed.
 * Nothing between begin and end may sleep, fault or take a lock that sleeps.
 */
#ifndef _VEXFS_FPU_H
#define _VEXFS_FPU_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "math/clock.h"
#include "math/ops.h"

struct seq_file;

/* Bounds of the parameter fpu_budget_us. */
#define VEXFS_FPU_BUDGET_MIN_US		5u
#define VEXFS_FPU_BUDGET_MAX_US		500u
#define VEXFS_FPU_BUDGET_DEFAULT_US	50u

/* Most items of work in one section, whatever they cost. */
#define VEXFS_FPU_ITEMS_MAX		65536u

/**
 * vexfs_fpu_usable - may the FPU be used in this context?
 *
 * Hard interrupts and NMIs never use it, even where the processor's state would
 * allow it: a budget of microseconds has no place there.
 */
bool vexfs_fpu_usable(void);

/* A float was asked for where the FPU may not be used; returns -EOPNOTSUPP. */
int vexfs_fpu_refuse(void);

/* Work was done by integer code because the FPU may not be used here. */
void vexfs_fpu_went_without(void);

/**
 * vexfs_fpu_begin - open a section; vexfs_fpu_usable() must hold
 *
 * Returns a stamp for vexfs_fpu_end(). Preemption is off until then.
 */
u64 vexfs_fpu_begin(void);

/**
 * vexfs_fpu_end - close a section and count it
 * @stamp: from vexfs_fpu_begin()
 *
 * Returns what the section took, in nanoseconds: without what the kernel does when it
 * is closed, for instance soft interrupts that had to wait for it.
 */
u32 vexfs_fpu_end(u64 stamp);

/**
 * struct vexfs_stretch - integer code at work, which needs no section
 * @stamp: time at which the code began
 * @switches: how often the task had been scheduled out by then
 */
struct vexfs_stretch {
	u64 stamp;
	unsigned long switches;
};

/* Integer code is cut like FPU sections. Begins a stretch. */
struct vexfs_stretch vexfs_stretch_begin(void);

/* Ends the stretch. Returns its nanoseconds, or 0 when other tasks ran meanwhile. */
u32 vexfs_stretch_end(const struct vexfs_stretch *s);

/**
 * vexfs_fpu_items - how many items to do in the next section
 * @pace: what a unit costs
 * @units: units in one item
 * @left: items that are left
 *
 * At least 1: an item is the smallest piece of work there is.
 */
u32 vexfs_fpu_items(const struct vexfs_pace *pace, u32 units, u32 left);

/* Does one item of @units fit a section as a whole? */
bool vexfs_fpu_fits(const struct vexfs_pace *pace, u32 units);

/* The budget in force, in nanoseconds. */
extern u32 vexfs_fpu_budget;

static inline u32 vexfs_fpu_budget_ns(void)
{
	return READ_ONCE(vexfs_fpu_budget);
}

/* The part of vexfs_fpu_learn() that few sections need. */
void vexfs_fpu_correct(struct vexfs_pace *pace, u64 units, u32 ns);

/**
 * vexfs_fpu_learn - correct a pace by a section that was measured
 * @pace: what a unit is believed to cost
 * @units: units the section did
 * @ns: what it took; 0 when nothing was measured
 *
 * For every section, whether its call was cut or fit one. Those planned to be short
 * teach nothing unless they ran long: fixed costs dominate them.
 */
static inline void vexfs_fpu_learn(struct vexfs_pace *pace, u64 units, u32 ns)
{
	u32 budget = vexfs_fpu_budget_ns();

	/* Half of what is planned for, in picoseconds. */
	if (unlikely(ns > budget || units * READ_ONCE(pace->ps) >= budget * 375ULL))
		vexfs_fpu_correct(pace, units, ns);
}

/**
 * vexfs_fpu_rest - between two sections: let others run, where that is allowed
 *
 * Does nothing in interrupts, with preemption or interrupts off, and inside an
 * RCU reader. A kernel without preemption counts cannot tell that a spinlock
 * is held, see math.h.
 */
void vexfs_fpu_rest(void);

/* Sets the budget from the next section on; -EINVAL outside the bounds above. */
int vexfs_fpu_set_budget(u32 us);

/**
 * struct vexfs_fpu_totals - all sections since load, all processors together
 * @sections: number of sections
 * @ns: time in sections
 * @longest_ns: longest section
 * @over: those longer than the budget of their time
 * @refused: calls refused where the FPU may not be used
 * @without: calls served by integer code there
 */
struct vexfs_fpu_totals {
	u64 sections;
	u64 ns;
	u64 longest_ns;
	u64 over;
	u64 refused;
	u64 without;
};

void vexfs_fpu_totals(struct vexfs_fpu_totals *t);

/* The file vexfs/fpu of debugfs. */
void vexfs_fpu_show(struct seq_file *m);

#endif
