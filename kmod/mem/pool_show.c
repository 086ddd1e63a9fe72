// SPDX-License-Identifier: GPL-2.0
/*
 * The pools as text: a table for people, whose columns keep their names and
 * their order for scripts. Nothing is computed here that is not shown.
 */
#include <linux/seq_file.h>

#include "mem/pool_priv.h"

static void show_table(struct seq_file *m, bool since_reset)
{
	struct vexfs_pool_stats st;
	unsigned int i;

	seq_puts(m, "tier      bytes     size     held   in_use     high  reserve");
	seq_puts(m, "       allocs         hits       misses  failures  hit_ppm  use_ppm frag_ppm\n");
	for (i = 0; i < VEXFS_TIER_COUNT; i++) {
		vexfs_pool_read(i, since_reset, &st);
		seq_printf(m, "%-8s %6zu %8llu %8llu %8llu %8llu %8llu", vexfs_pool_tier_name(i),
			   vexfs_pool_tier_bytes(i), st.size, st.held, st.in_use, st.high_water,
			   st.reserve);
		seq_printf(m, " %12llu %12llu %12llu %9llu %8llu %8llu %8llu\n", st.allocs,
			   st.hits, st.misses, st.failures, st.hit_ppm, st.use_ppm, st.frag_ppm);
	}
}

void vexfs_pool_show(struct seq_file *m)
{
	u64 sizes[VEXFS_POOL_SIZES];
	struct vexfs_pool_round r;
	struct vexfs_pool_stats st;
	unsigned int i;

	seq_puts(m, "# since the last reset\n");
	show_table(m, true);
	seq_puts(m, "\n# since load\n");
	show_table(m, false);

	seq_puts(m, "\n# events since load\n");
	seq_puts(m, "tier      resizes   shrunk  compactions reserve_used    waits   held_bytes\n");
	for (i = 0; i < VEXFS_TIER_COUNT; i++) {
		vexfs_pool_read(i, false, &st);
		seq_printf(m, "%-8s %8llu %8llu %12llu %12llu %8llu %12llu\n",
			   vexfs_pool_tier_name(i), st.resizes, st.shrunk, st.compactions,
			   st.reserve_used, st.waits, st.held_bytes);
	}

	seq_printf(m, "\n# last round of the worker (pool_auto=%u)\n", READ_ONCE(vexfs_pool_auto));
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
