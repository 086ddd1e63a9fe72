/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of this room's tunables. Read them with READ_ONCE(); they are
 * written by params.c and nowhere else.
 */
#ifndef _VEXFS_MEM_PARAMS_H
#define _VEXFS_MEM_PARAMS_H

#include "mem/tunable.h"

extern u32 vexfs_pool_small;
extern u32 vexfs_pool_medium;
extern u32 vexfs_pool_large;
extern u32 vexfs_pool_huge;
extern u32 vexfs_pool_reserve;
extern u32 vexfs_pool_limit_mb;
extern u32 vexfs_pool_wait_ms;
extern u32 vexfs_pool_enabled;
extern u32 vexfs_pool_debug;
extern u32 vexfs_pool_auto;
extern u32 vexfs_pool_min_hit_pct;
extern u32 vexfs_pool_max_use_pct;
extern u32 vexfs_pool_compaction;
extern u32 vexfs_pool_compact_pct;
extern u32 vexfs_stack_limit;
extern u32 vexfs_stack_alarm;
extern u32 vexfs_stack_heap_threshold;
extern u32 vexfs_stack_large_threshold;
extern u32 vexfs_stack_aggressive;
extern u32 vexfs_stack_optimize;

/*
 * What makes a value effective: each stores the value, or refuses it. Before
 * the room is up they only store it.
 */
int vexfs_pool_apply_size(const struct vexfs_tunable *t, u32 v);
int vexfs_pool_apply_limit(const struct vexfs_tunable *t, u32 v);
int vexfs_pool_apply_enabled(const struct vexfs_tunable *t, u32 v);
int vexfs_pool_apply_wait(const struct vexfs_tunable *t, u32 v);
int vexfs_pool_apply_auto(const struct vexfs_tunable *t, u32 v);
int vexfs_stack_apply(const struct vexfs_tunable *t, u32 v);

#endif
