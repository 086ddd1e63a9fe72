// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of the arithmetic: says which spaces there are and what a key
 * is, and brings the room up and down. No distance is computed here.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "math/fpu.h"
#include "math/math.h"

/* Metrics a type goes with, as bits. */
static const u8 metrics_of[] = {
	[VEXFS_TYPE_F32] = BIT(VEXFS_METRIC_L2) | BIT(VEXFS_METRIC_IP) | BIT(VEXFS_METRIC_COS) |
			   BIT(VEXFS_METRIC_L1),
	[VEXFS_TYPE_F16] = BIT(VEXFS_METRIC_L2) | BIT(VEXFS_METRIC_IP) | BIT(VEXFS_METRIC_COS),
	[VEXFS_TYPE_BF16] = BIT(VEXFS_METRIC_L2) | BIT(VEXFS_METRIC_IP) | BIT(VEXFS_METRIC_COS),
	[VEXFS_TYPE_I8] = BIT(VEXFS_METRIC_L2) | BIT(VEXFS_METRIC_IP) | BIT(VEXFS_METRIC_COS) |
			  BIT(VEXFS_METRIC_L1),
	[VEXFS_TYPE_U8] = BIT(VEXFS_METRIC_L2) | BIT(VEXFS_METRIC_IP) | BIT(VEXFS_METRIC_COS) |
			  BIT(VEXFS_METRIC_L1),
	[VEXFS_TYPE_B1] = BIT(VEXFS_METRIC_HAMMING) | BIT(VEXFS_METRIC_JACCARD),
};

static const u8 bits_of[] = {
	[VEXFS_TYPE_F32] = 32,
	[VEXFS_TYPE_F16] = 16,
	[VEXFS_TYPE_BF16] = 16,
	[VEXFS_TYPE_I8] = 8,
	[VEXFS_TYPE_U8] = 8,
	[VEXFS_TYPE_B1] = 1,
};

int vexfs_space_init(struct vexfs_space *sp, u32 type, u32 metric, u32 dim)
{
	if (type >= ARRAY_SIZE(metrics_of) || metric > VEXFS_METRIC_JACCARD ||
	    !(metrics_of[type] & BIT(metric)))
		return -EINVAL;
	if (!dim || dim > VEXFS_DIM_MAX)
		return -EINVAL;
	sp->type = type;
	sp->metric = metric;
	sp->dim = dim;
	sp->row_bytes = DIV_ROUND_UP(dim * bits_of[type], 8);
	sp->stride = round_up(sp->row_bytes, VEXFS_ROW_ALIGN);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_space_init);

#define F32_SIGN	0x80000000u

/* Positive numbers go above the middle in their order, negative below in reverse. */
u32 vexfs_key_from_f32(u32 f32_bits)
{
	if (!(f32_bits & F32_SIGN))
		return f32_bits | F32_SIGN;
	if (f32_bits == F32_SIGN)
		return F32_SIGN;
	return ~f32_bits;
}
VEXFS_EXPORT_KUNIT(vexfs_key_from_f32);

u32 vexfs_key_to_f32(u32 key)
{
	return key & F32_SIGN ? key & ~F32_SIGN : ~key;
}
VEXFS_EXPORT_KUNIT(vexfs_key_to_f32);

int vexfs_math_init(void)
{
	return vexfs_fpu_init();
}

void vexfs_math_exit(void)
{
}
