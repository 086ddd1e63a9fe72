// SPDX-License-Identifier: GPL-2.0
/* Contention of spinlocks, added up. */
#include <linux/kernel.h>
#include <linux/mutex.h>

#include "compat/compat.h"
#include "stat/lock.h"

DEFINE_PER_CPU(struct vexfs_lock_counts, vexfs_lock_counts[VEXFS_LOCK_CLASSES]);
VEXFS_EXPORT_KUNIT(vexfs_lock_counts);

/* Counts at the last reset, and what guards them. */
static struct vexfs_lock_counts base[VEXFS_LOCK_CLASSES];
static DEFINE_MUTEX(base_lock);

const char *vexfs_lock_class_name(unsigned int class)
{
	static const char *const names[] = {
		[VEXFS_LOCK_IDS] = "ids", [VEXFS_LOCK_SLOTS] = "slots",
	};

	return class < ARRAY_SIZE(names) ? names[class] : NULL;
}

static void sum_cpus(enum vexfs_lock_class class, struct vexfs_lock_counts *sum)
{
	unsigned int cpu;

	*sum = (struct vexfs_lock_counts){ };
	for_each_possible_cpu(cpu) {
		const struct vexfs_lock_counts *one = per_cpu_ptr(&vexfs_lock_counts[class], cpu);

		sum->acquired += READ_ONCE(one->acquired);
		sum->contended += READ_ONCE(one->contended);
	}
}

void vexfs_lock_read(enum vexfs_lock_class class, bool since_reset, struct vexfs_lock_counts *sum)
{
	/* A reset in between would leave less than nothing. */
	mutex_lock(&base_lock);
	sum_cpus(class, sum);
	if (since_reset) {
		sum->acquired -= base[class].acquired;
		sum->contended -= base[class].contended;
	}
	mutex_unlock(&base_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_lock_read);

void vexfs_lock_reset(void)
{
	unsigned int class;

	mutex_lock(&base_lock);
	for (class = 0; class < VEXFS_LOCK_CLASSES; class++)
		sum_cpus(class, &base[class]);
	mutex_unlock(&base_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_lock_reset);
