// SPDX-License-Identifier: GPL-2.0
/*
 * Codes that callers keep beside the rows: made a run at a time, and compared
 * with one query. Cuts the work into FPU sections; what a code is, and that no row
 * within the limit is lost, is the business of the variants.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/variant.h"
#include "math/run.h"

/**
 * struct query - what stands before a query against codes
 * @ops: of the variant that made it, which may be out of use meanwhile
 */
struct query {
	struct vexfs_math_ops *ops;
} __aligned(VEXFS_ROW_ALIGN);

size_t vexfs_math_code_bytes(const struct vexfs_space *sp)
{
	return vexfs_code_fits(sp) ? vexfs_code_step(sp) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_code_bytes);

size_t vexfs_math_code_query_bytes(const struct vexfs_space *sp)
{
	return sizeof(struct query) + vexfs_code_query_bytes(sp);
}
VEXFS_EXPORT_KUNIT(vexfs_math_code_query_bytes);

void vexfs_code_make(struct vexfs_math_ops *ops, const struct vexfs_space *sp, void *out,
		     const void *rows, const u32 *aux, u32 n)
{
	u32 units = vexfs_run_units(sp->stride), row, m;

	for (row = 0; row < n; row += m) {
		u64 stamp;

		if (row)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(&ops->pace.code_rows, units, n - row);
		stamp = vexfs_fpu_begin();
		ops->codes->rows(sp, out + (size_t)row * vexfs_code_step(sp),
				 rows + (size_t)row * sp->stride, aux + row, m);
		vexfs_fpu_learn(&ops->pace.code_rows, (u64)m * units, vexfs_fpu_end(stamp));
	}
	vexfs_fpu_rest();
}

void vexfs_math_code_blank(const struct vexfs_space *sp, void *codes, u32 n)
{
	/* a scale that is NaN: whoever compares lets it pass */
	memset(codes, 0xff, (size_t)n * vexfs_code_step(sp));
}

void vexfs_math_code_rows(const struct vexfs_space *sp, void *codes, const void *rows,
			  const u32 *aux, u32 n)
{
	struct vexfs_math_ops *ops = &vexfs_variant()->ops[sp->type][sp->metric];

	if (ops->codes && vexfs_fpu_usable())
		vexfs_code_make(ops, sp, codes, rows, aux, n);
	else
		vexfs_math_code_blank(sp, codes, n);
}
VEXFS_EXPORT_KUNIT(vexfs_math_code_rows);

int vexfs_math_code_query(const struct vexfs_space *sp, void *query, const void *q, u32 q_aux)
{
	struct vexfs_math_ops *ops = &vexfs_variant()->ops[sp->type][sp->metric];
	struct query *head = query;
	u64 stamp;

	if (!ops->codes || !vexfs_fpu_usable())
		return -EOPNOTSUPP;
	head->ops = ops;
	stamp = vexfs_fpu_begin();
	ops->codes->query(sp, head + 1, q, q_aux);
	vexfs_fpu_end(stamp);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_code_query);

int vexfs_math_code_scan(const struct vexfs_space *sp, const void *query, u32 limit,
			 const void *codes, u32 n, u16 *near, u32 max)
{
	const struct query *head = query;
	struct vexfs_math_ops *ops = head->ops;
	u32 units = vexfs_run_units(vexfs_code_step(sp));
	u32 row, m, found = 0;

	if (WARN_ON_ONCE(n > VEXFS_BLOCK_ROWS))
		return -EINVAL;
	if (unlikely(!vexfs_fpu_usable()))
		return vexfs_fpu_refuse();
	for (row = 0; row < n; row += m) {
		u64 stamp;
		u32 got;

		if (row)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(&ops->pace.code_scan, units, n - row);
		stamp = vexfs_fpu_begin();
		got = ops->codes->scan(sp, head + 1, limit,
				       codes + (size_t)row * vexfs_code_step(sp), m, row,
				       near + found, max - found);
		vexfs_fpu_learn(&ops->pace.code_scan, (u64)m * units, vexfs_fpu_end(stamp));
		if (got > max - found)
			return -EOVERFLOW;
		found += got;
	}
	return found;
}
VEXFS_EXPORT_KUNIT(vexfs_math_code_scan);
