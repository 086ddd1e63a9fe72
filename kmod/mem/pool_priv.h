/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of the pools, and used nowhere else.
 */
#ifndef _VEXFS_MEM_POOL_PRIV_H
#define _VEXFS_MEM_POOL_PRIV_H

#include "mem/notify.h"
#include "mem/pool.h"
#include "mem/tier.h"

/* There from vexfs_mem_init() to vexfs_mem_exit(). */
extern struct vexfs_tier vexfs_tiers[VEXFS_TIER_HUGE];

/**
 * struct vexfs_pool_round - what the worker found in its last round
 * @hit_ppm: hits of a million requests of the round
 * @use_ppm: most in use during the round, in millionths of the size
 * @calm: rounds in a row in which a smaller tier would have done
 */
struct vexfs_pool_round {
	u64 hit_ppm;
	u64 use_ppm;
	u32 calm;
};

/* pool_size.c: tiers as large as the parameters say, and kept buffers. */
int vexfs_pool_sizes_init(bool debug, u32 reserve);
void vexfs_pool_sizes_exit(void);
/* Between start and stop parameters take effect at once; otherwise they are only stored. */
void vexfs_pool_sizes_start(void);
void vexfs_pool_sizes_stop(void);
/* Each tier gets the size that @want says; @least is what was asked for by hand. */
void vexfs_pool_adjust(u32 (*want)(unsigned int tier, u32 size, u32 least));
/* Compacts tiers above @above_ppm for which @due, if any, is true. Returns how many. */
int vexfs_pool_compact_if(u32 above_ppm, bool (*due)(unsigned int tier));

/* pool_auto.c: the size a tier should have after a round with such a peak and so many hits. */
u32 vexfs_pool_judge(struct vexfs_pool_round *r, u32 size, u32 floor_size, u32 peak,
		     u64 allocs, u64 hits);
void vexfs_pool_last_round(enum vexfs_tier_id tier, struct vexfs_pool_round *r);
/* The kernel wants memory back. */
void vexfs_pool_pressed(void);
void vexfs_pool_auto_start(void);
void vexfs_pool_auto_stop(void);
extern u32 vexfs_pool_auto;

#endif
