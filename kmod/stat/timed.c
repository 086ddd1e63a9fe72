// SPDX-License-Identifier: GPL-2.0
/* Times of parts of ops, added up. */
#include <linux/kernel.h>
#include <linux/mutex.h>

#include "compat/compat.h"
#include "stat/timed.h"

DEFINE_PER_CPU(struct vexfs_timed, vexfs_timed);
VEXFS_EXPORT_KUNIT(vexfs_timed);
DEFINE_PER_CPU(u32, vexfs_timed_turn);
VEXFS_EXPORT_KUNIT(vexfs_timed_turn);

/* Times at the last reset, and what guards them. */
static struct vexfs_timed base;
static DEFINE_MUTEX(base_lock);

static void sum_cpus(struct vexfs_timed *sum)
{
	unsigned int cpu;

	*sum = (struct vexfs_timed){ };
	for_each_possible_cpu(cpu) {
		const struct vexfs_timed *one = per_cpu_ptr(&vexfs_timed, cpu);

		sum->ops += READ_ONCE(one->ops);
		sum->in_ns += READ_ONCE(one->in_ns);
		sum->out_ns += READ_ONCE(one->out_ns);
		sum->buffers += READ_ONCE(one->buffers);
		sum->buffer_ns += READ_ONCE(one->buffer_ns);
	}
}

void vexfs_timed_read(bool since_reset, struct vexfs_timed *sum)
{
	/* A reset in between would leave less than nothing. */
	mutex_lock(&base_lock);
	sum_cpus(sum);
	if (since_reset) {
		sum->ops -= base.ops;
		sum->in_ns -= base.in_ns;
		sum->out_ns -= base.out_ns;
		sum->buffers -= base.buffers;
		sum->buffer_ns -= base.buffer_ns;
	}
	mutex_unlock(&base_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_timed_read);

void vexfs_timed_reset(void)
{
	mutex_lock(&base_lock);
	sum_cpus(&base);
	mutex_unlock(&base_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_timed_reset);
