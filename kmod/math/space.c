// SPDX-License-Identifier: GPL-2.0
/*
 * Valid combinations of type, metric and dimension, and keys. Integer arithmetic only, callable in
 * any context, the same on every processor.
 */
#ifdef __KERNEL__
#include "compat/compat.h"
#else
#define VEXFS_EXPORT_KUNIT(sym)
#endif
#include "bits.h"
#include "ops.h"

int vexfs_space_init(struct vexfs_space *sp, u32 type, u32 metric, u32 dim)
{
	static const u8 bits[] = {
		[VEXFS_TYPE_F32] = 32, [VEXFS_TYPE_F16] = 16, [VEXFS_TYPE_BF16] = 16,
		[VEXFS_TYPE_I8] = 8, [VEXFS_TYPE_U8] = 8, [VEXFS_TYPE_B1] = 1,
	};
	bool ok;

	if (type < VEXFS_TYPE_F32 || type > VEXFS_TYPE_B1 || !dim || dim > VEXFS_DIM_MAX)
		return -EINVAL;

	switch (metric) {
	case VEXFS_METRIC_L2:
	case VEXFS_METRIC_IP:
	case VEXFS_METRIC_COS:
		ok = type != VEXFS_TYPE_B1;
		break;
	case VEXFS_METRIC_L1:
		ok = type == VEXFS_TYPE_F32 || type == VEXFS_TYPE_I8 || type == VEXFS_TYPE_U8;
		break;
	case VEXFS_METRIC_HAMMING:
	case VEXFS_METRIC_JACCARD:
		ok = type == VEXFS_TYPE_B1;
		break;
	default:
		ok = false;
	}
	if (!ok)
		return -EINVAL;

	sp->type = (u8)type;
	sp->metric = (u8)metric;
	sp->dim = dim;
	sp->row_bytes = (dim * bits[type] + 7) / 8;
	sp->stride = (sp->row_bytes + VEXFS_ROW_ALIGN - 1) & ~(VEXFS_ROW_ALIGN - 1);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_space_init);

u32 vexfs_key_from_f32(u32 f32_bits)
{
	return f32_to_key(f32_bits);
}
VEXFS_EXPORT_KUNIT(vexfs_key_from_f32);

u32 vexfs_key_to_f32(u32 key)
{
	return key_to_f32(key);
}
VEXFS_EXPORT_KUNIT(vexfs_key_to_f32);
