// SPDX-License-Identifier: GPL-2.0
/*
 * Starts and stops the memory layer, and reacts to memory pressure and CPU hotplug.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "compat/shrinker.h"
#include "mem/kept.h"
#include "mem/pool_priv.h"
#include "mem/tunable.h"

static VEXFS_TUNABLE(pool_reserve, 4, 1, 1024, "buffers",
	      "Buffers of each tier kept for when memory is short", 0444);
static VEXFS_TUNABLE(pool_debug, 0, 0, 1, "flag",
	      "Watch the pools for double frees, foreign pointers and overruns", 0444);

/* Memory pressure: idle buffers are freed first; they are allocated again when needed. */

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n;
	unsigned int i;
	u64 bytes;

	vexfs_pool_pressed();
	n = vexfs_kept_idle(&bytes);
	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		n += READ_ONCE(vexfs_tiers[i].idle_n);
	return n ?: SHRINK_EMPTY;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long done;
	unsigned int i;

	/* Large ones first: they give the most for the least. */
	done = vexfs_kept_shrink(min_t(unsigned long, sc->nr_to_scan, U32_MAX));
	for (i = VEXFS_TIER_HUGE; i-- && done < sc->nr_to_scan; )
		done += vexfs_tier_shrink(&vexfs_tiers[i], sc->nr_to_scan - done);
	return done ?: SHRINK_STOP;
}

static struct shrinker *shrinker;

/* One more CPU is about to share the tiers. */
static int cpu_prepare(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++)
		vexfs_tier_share(&vexfs_tiers[i], num_online_cpus() + 1);
	return 0;
}

/* Buffers in the magazines of an offline CPU go back to the stock. */
static int cpu_dead(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_tier_gather_dead(&vexfs_tiers[i], cpu);
		vexfs_tier_share(&vexfs_tiers[i], num_online_cpus());
	}
	return 0;
}

static int cpuhp_state;

int vexfs_mem_init(void)
{
	int err = vexfs_pool_sizes_init(vexfs_pool_debug, vexfs_pool_reserve);

	if (err)
		return err;
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "vexfs/pools:prepare", cpu_prepare,
					cpu_dead);
	if (err < 0)
		goto fail_sizes;
	cpuhp_state = err;
	err = -ENOMEM;
	shrinker = vexfs_shrinker_start("vexfs-pools", shrink_count, shrink_scan);
	if (!shrinker)
		goto fail_cpuhp;
	vexfs_pool_sizes_start();
	vexfs_pool_auto_start();
	return 0;
fail_cpuhp:
	cpuhp_remove_state_nocalls(cpuhp_state);
fail_sizes:
	vexfs_pool_sizes_exit();
	return err;
}

void vexfs_mem_exit(void)
{
	vexfs_pool_auto_stop();
	vexfs_pool_sizes_stop();
	vexfs_shrinker_stop(shrinker);
	cpuhp_remove_state_nocalls(cpuhp_state);
	vexfs_pool_sizes_exit();
}
