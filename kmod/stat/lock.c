// SPDX-License-Identifier: GPL-2.0
/* Contention of spinlocks, added up. */
#include <linux/kernel.h>

#include "compat/compat.h"
#include "stat/lock.h"

DEFINE_PER_CPU(struct vexfs_lock_counts, vexfs_lock_counts[VEXFS_LOCK_CLASSES]);
VEXFS_EXPORT_KUNIT(vexfs_lock_counts);

const char *vexfs_lock_class_name(unsigned int class)
{
	static const char *const names[] = {
		[VEXFS_LOCK_IDS] = "ids", [VEXFS_LOCK_SLOTS] = "slots",
	};

	return class < ARRAY_SIZE(names) ? names[class] : NULL;
}

void vexfs_lock_read(enum vexfs_lock_class class, struct vexfs_lock_counts *sum)
{
	unsigned int cpu;

	*sum = (struct vexfs_lock_counts){ };
	for_each_possible_cpu(cpu) {
		const struct vexfs_lock_counts *one = per_cpu_ptr(&vexfs_lock_counts[class], cpu);

		sum->acquired += READ_ONCE(one->acquired);
		sum->contended += READ_ONCE(one->contended);
	}
}
VEXFS_EXPORT_KUNIT(vexfs_lock_read);
