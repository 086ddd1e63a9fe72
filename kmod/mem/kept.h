/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers that are larger than all tiers, kept for the next op: the blocks of a search of
 * several queries, above all. For this room and its tests; others use pool.h.
 *
 * A buffer is made when it is first wanted and belongs to the module, as those of the
 * tiers do: it is charged to nobody, and there are only so many. No lock: a bit says
 * whose turn it is. Any context that may sleep takes them, any may give them back.
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
/* False: @p is no kept buffer, and the caller's to free. */
bool vexfs_kept_free(void *p, size_t size);

/* Idle buffers that hold memory, and their bytes. */
u32 vexfs_kept_idle(u64 *bytes);
/* Gives up at most @max idle ones. Number given up. */
u32 vexfs_kept_shrink(u32 max);

/* Off: none is handed out, and idle ones are given up. Off until it is switched on. */
void vexfs_kept_enable(bool enable);

/* @debug: none is kept, so that what watches buffers for misuse sees new ones. */
void vexfs_kept_init(bool debug);
/* Every buffer must have come home. */
void vexfs_kept_exit(void);

#endif
