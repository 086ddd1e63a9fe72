/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers that are larger than all tiers and kept for the next op: above all the blocks of a
 * search of several queries. For this directory and its tests; others use pool.h.
 *
 * A buffer is allocated when it is first wanted. It belongs to the module, as buffers of the
 * tiers do, and is charged to no cgroup. Their number is limited. There is no lock: a bit
 * reserves a buffer. Allocation may sleep; a buffer can be freed in any context.
 */
#ifndef _VEXFS_MEM_KEPT_H
#define _VEXFS_MEM_KEPT_H

#include <linux/gfp.h>
#include <linux/types.h>

/* Tunable: buffers of each size and CPU. */
extern u32 vexfs_pool_huge;

/**
 * vexfs_kept_alloc() - a kept buffer of at least @size bytes
 * @size: bytes wanted
 * @gfp: of the request; __GFP_ZERO clears @size bytes
 * @hit: set: whether the buffer was there, and did not have to be made
 *
 * Return: the buffer; NULL when all are taken, none is so large, or memory is short.
 */
void *vexfs_kept_alloc(size_t size, gfp_t gfp, bool *hit);
/* Returns false when @p is no kept buffer: the caller frees it. */
bool vexfs_kept_free(void *p, size_t size);

/* Idle buffers that hold memory, and their bytes. */
u32 vexfs_kept_idle(u64 *bytes);
/* Frees at most @max idle buffers. Returns how many. */
u32 vexfs_kept_shrink(u32 max);

/* Off: none is handed out, and idle ones are given up. Off until it is switched on. */
void vexfs_kept_enable(bool enable);

/* @debug: none is kept, so that what watches buffers for misuse sees new ones. */
void vexfs_kept_init(bool debug);
/* Every buffer must have been freed. */
void vexfs_kept_exit(void);

#endif
