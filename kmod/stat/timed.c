// SPDX-License-Identifier: GPL-2.0
/* Times of parts of ops, added up. */
#include <linux/kernel.h>

#include "compat/compat.h"
#include "stat/timed.h"

DEFINE_PER_CPU(struct vexfs_timed, vexfs_timed);
VEXFS_EXPORT_KUNIT(vexfs_timed);
DEFINE_PER_CPU(u32, vexfs_timed_turn);
VEXFS_EXPORT_KUNIT(vexfs_timed_turn);

void vexfs_timed_read(struct vexfs_timed *sum)
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
VEXFS_EXPORT_KUNIT(vexfs_timed_read);
