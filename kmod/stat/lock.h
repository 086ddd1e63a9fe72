/* SPDX-License-Identifier: GPL-2.0 */
/* Spinlocks whose contention is counted, by class. subjects.c shows them as "lock". */
#ifndef _VEXFS_STAT_LOCK_H
#define _VEXFS_STAT_LOCK_H

#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

enum vexfs_lock_class {
	VEXFS_LOCK_IDS,		/* id map and sequence number of a collection */
	VEXFS_LOCK_SLOTS,	/* its free and its dead slots */
	VEXFS_LOCK_CLASSES
};

/**
 * struct vexfs_lock_counts - what one CPU has counted of a class
 * @acquired: how often a lock was taken
 * @contended: how often it was held by somebody else when it was asked for
 */
struct vexfs_lock_counts {
	u64 acquired;
	u64 contended;
};

DECLARE_PER_CPU(struct vexfs_lock_counts, vexfs_lock_counts[VEXFS_LOCK_CLASSES]);

/* Takes @lock, which is one of @class. */
static inline void vexfs_lock(spinlock_t *lock, enum vexfs_lock_class class)
{
	bool contended;

	/* lockdep does not check the order of a trylock */
	might_lock(lock);
	contended = !spin_trylock(lock);
	if (unlikely(contended)) {
		spin_lock(lock);
		raw_cpu_inc(vexfs_lock_counts[class].contended);
	}
	/* who holds a spinlock is not preempted, and no interrupt takes these */
	raw_cpu_inc(vexfs_lock_counts[class].acquired);
}

const char *vexfs_lock_class_name(unsigned int class);
/* All CPUs together, since load or since the last reset. May sleep. */
void vexfs_lock_read(enum vexfs_lock_class class, bool since_reset, struct vexfs_lock_counts *sum);
void vexfs_lock_reset(void);

#endif
