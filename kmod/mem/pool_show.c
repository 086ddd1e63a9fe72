// SPDX-License-Identifier: GPL-2.0
/*
 * The pools as text for debugfs: what the worker found, and the sizes asked for.
 */
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "mem/pool_priv.h"

void vexfs_pool_show(struct seq_file *m)
{
	u64 sizes[VEXFS_POOL_SIZES];
	struct vexfs_pool_round r;
	unsigned int i;

	seq_printf(m, "# last round of the worker (pool_auto=%u)\n", READ_ONCE(vexfs_pool_auto));
	seq_puts(m, "tier      hit_ppm  use_ppm  calm_rounds\n");
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_pool_last_round(i, &r);
		seq_printf(m, "%-8s %8llu %8llu %12u\n", vexfs_pool_tier_name(i), r.hit_ppm,
			   r.use_ppm, r.calm);
	}

	seq_puts(m, "\n# requests by size since load\nup_to_bytes     requests\n");
	vexfs_pool_read_sizes(sizes);
	for (i = 0; i < VEXFS_POOL_SIZES; i++) {
		if (!sizes[i])
			continue;
		if (i < VEXFS_POOL_SIZES - 1)
			seq_printf(m, "%-11llu %12llu\n", 64ULL << i, sizes[i]);
		else
			seq_printf(m, "more        %12llu\n", sizes[i]);
	}
}
