/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the files that cut work into sections measure it: units of 64 bytes of a
 * row, and one more for what a row costs whatever its length. For this directory
 * only.
 */
#ifndef _VEXFS_MATH_RUN_H
#define _VEXFS_MATH_RUN_H

#include <linux/minmax.h>

#include "math/fpu.h"
#include "math/variant.h"

static inline u32 vexfs_run_units(u32 bytes)
{
	return bytes / 64 + 1;
}

/* Where the next part of a row ends that started at byte @from of @stride. */
static inline u32 vexfs_run_part(const struct vexfs_pace *pace, u32 from, u32 stride)
{
	u32 parts = vexfs_fpu_items(pace, VEXFS_PART_BYTES / 64, stride / VEXFS_PART_BYTES + 1);

	return min(from + parts * VEXFS_PART_BYTES, stride);
}

/* Makes the codes of @n rows in as many sections as it takes, and rests. */
void vexfs_code_make(struct vexfs_math_ops *ops, const struct vexfs_space *sp, void *out,
		     const void *rows, const u32 *aux, u32 n);

#endif
