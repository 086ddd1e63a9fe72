// SPDX-License-Identifier: GPL-2.0
/*
 * Selects the best entries of a variant for the features of the processor.
 */
#include "ops.h"

const struct vexfs_math_ops *vexfs_math_find_ops(const struct vexfs_math_variant *v, u32 cpu,
						   u32 type, u32 metric)
{
	const struct vexfs_math_ops *best = NULL;
	u32 i;

	for (i = 0; i < v->nr; i++) {
		const struct vexfs_math_ops *f = &v->list[i];

		if (f->type == type && f->metric == metric && (f->needs & cpu) == f->needs)
			best = f;
	}
	return best;
}

const struct vexfs_math_conv *vexfs_math_find_conv(const struct vexfs_math_variant *v, u32 cpu,
						   u32 type)
{
	const struct vexfs_math_conv *best = NULL;
	u32 i;

	for (i = 0; i < v->nr_convs; i++) {
		const struct vexfs_math_conv *c = &v->convs[i];

		if (c->type == type && (c->needs & cpu) == c->needs)
			best = c;
	}
	return best;
}

const struct vexfs_math_codes *vexfs_math_find_codes(const struct vexfs_math_variant *v, u32 cpu,
						     u32 type, u32 metric)
{
	const struct vexfs_space sp = { .type = type, .metric = metric };
	const struct vexfs_math_codes *r = v->codes;

	return r && (r->needs & cpu) == r->needs && vexfs_code_fits(&sp) ? r : NULL;
}
