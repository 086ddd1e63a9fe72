// SPDX-License-Identifier: GPL-2.0
/*
 * Scan and gather: cuts one query against many rows into FPU sections, inside a
 * row where a row is too long, and finds another way where the FPU may not be
 * used. The distances themselves are the table's business.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/variant.h"
#include "math/run.h"

/**
 * struct batch - rows of one call, wherever they lie
 * @base: first of the rows one after another; NULL for rows by pointer
 * @rows: rows by pointer
 * @stride: bytes from row to row after @base
 */
struct batch {
	const void *base;
	const void *const *rows;
	u32 stride;
};

static const void *row_of(const struct batch *b, u32 i)
{
	return b->base ? b->base + (size_t)i * b->stride : b->rows[i];
}

/* The pace of the double precision path, for all types; not calibrated, since it is rare. */
static struct vexfs_pace wide_pace = { .ps = 50000 };

/* Rows @from to @from + @n through the loop of the table. */
static u32 compute(const struct vexfs_math_ops *ops, const struct vexfs_space *sp, const void *q,
		   u32 q_aux, const struct batch *b, const u32 *aux, u32 from, u32 n, u32 *keys)
{
	if (b->base)
		return ops->scan(sp, q, q_aux, b->base + (size_t)from * b->stride, aux + from, n,
			       keys + from);
	return ops->gather(sp, q, q_aux, b->rows + from, aux + from, n, keys + from);
}

/*
 * One row that is too long for a section: a part of it in each. The state
 * between two parts lies on the stack, so that nothing can fail here. What they took
 * together is what the row costs: perhaps it would fit a section by now.
 */
static noinline u32 compute_parts(struct vexfs_math_ops *ops, const struct vexfs_space *sp,
				  const void *q, u32 q_aux, const void *row, u32 aux,
				  enum vexfs_shape shape)
{
	struct vexfs_math_state st = {};
	u32 from = 0, key = 0;
	u64 took = 0;

	while (from < sp->stride) {
		u32 to = vexfs_run_part(&ops->pace.part, from, sp->stride);
		u64 stamp = vexfs_fpu_begin();
		u32 ns;

		ops->part(sp, q, row, from, to, &st);
		if (to == sp->stride)
			key = ops->finish(sp, &st, q_aux, aux);
		ns = vexfs_fpu_end(stamp);
		vexfs_fpu_learn(&ops->pace.part, vexfs_run_units(to - from), ns);
		took += ns;
		from = to;
		if (from < sp->stride)
			vexfs_fpu_rest();
	}
	vexfs_fpu_learn(&ops->pace.shape[shape], vexfs_run_units(sp->stride),
			min_t(u64, took, U32_MAX));
	return key;
}

/* Computes the keys that f32 could not hold again in double precision. They are rare. */
static noinline void compute_wide(const struct vexfs_space *sp, const void *q,
				  const struct batch *b, u32 n, u32 *keys)
{
	u32 i;

	for (i = 0; i < n; i++) {
		struct vexfs_math_state st = {};
		const void *row = row_of(b, i);
		u32 from = 0;

		if (keys[i] != VEXFS_KEY_WIDE)
			continue;
		while (from < sp->stride) {
			u32 to = vexfs_run_part(&wide_pace, from, sp->stride);
			u64 stamp = vexfs_fpu_begin();

			vexfs_wide_part(sp, q, row, from, to, &st);
			if (to == sp->stride)
				keys[i] = vexfs_wide_finish(sp, &st);
			vexfs_fpu_learn(&wide_pace, vexfs_run_units(to - from),
					vexfs_fpu_end(stamp));
			from = to;
			vexfs_fpu_rest();
		}
	}
}

/* Integer code needs no FPU section, but is cut the same way, so that it reschedules as often. */
static void compute_integer(struct vexfs_math_ops *ops, const struct vexfs_space *sp,
			    const void *q, u32 q_aux, const struct batch *b, const u32 *aux, u32 n, u32 *keys,
			    enum vexfs_shape shape)
{
	u32 units = vexfs_run_units(sp->stride);
	u32 done, m;

	for (done = 0; done < n; done += m) {
		struct vexfs_stretch s;

		if (done)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(&ops->pace.shape[shape], units, n - done);
		s = vexfs_stretch_begin();
		compute(ops, sp, q, q_aux, b, aux, done, m, keys);
		vexfs_fpu_learn(&ops->pace.shape[shape], (u64)m * units, vexfs_stretch_end(&s));
	}
}

static int distances(struct vexfs_math_variant *v, const struct vexfs_space *sp, const void *q,
		     u32 q_aux, const struct batch *b, const u32 *aux, u32 n, u32 *keys,
		     enum vexfs_shape shape)
{
	struct vexfs_math_ops *ops = &v->ops[sp->type][sp->metric];
	u32 units = vexfs_run_units(sp->stride);
	u32 wide = 0, done, m;

	if (ops->fpu && unlikely(!vexfs_fpu_usable())) {
		ops = &vexfs_math_scalar.ops[sp->type][sp->metric];
		if (ops->fpu)
			return vexfs_fpu_refuse();
		vexfs_fpu_went_without();
	}
	if (!ops->fpu) {
		compute_integer(ops, sp, q, q_aux, b, aux, n, keys, shape);
		return 0;
	}
	for (done = 0; done < n; done += m) {
		u64 stamp;

		if (done)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(&ops->pace.shape[shape], units, n - done);
		if (unlikely(m == 1 && !vexfs_fpu_fits(&ops->pace.shape[shape], units))) {
			keys[done] = compute_parts(ops, sp, q, q_aux, row_of(b, done), aux[done],
						   shape);
			wide += keys[done] == VEXFS_KEY_WIDE;
			continue;
		}
		stamp = vexfs_fpu_begin();
		wide += compute(ops, sp, q, q_aux, b, aux, done, m, keys);
		vexfs_fpu_learn(&ops->pace.shape[shape], (u64)m * units, vexfs_fpu_end(stamp));
	}
	if (unlikely(wide))
		compute_wide(sp, q, b, n, keys);
	return 0;
}

int vexfs_math_scan(const struct vexfs_space *sp, const void *q, u32 q_aux,
		    const void *rows, const u32 *aux, u32 n, u32 *keys)
{
	const struct batch b = { .base = rows, .stride = sp->stride };

	return distances(vexfs_variant(), sp, q, q_aux, &b, aux, n, keys, VEXFS_SHAPE_SCAN);
}
VEXFS_EXPORT_KUNIT(vexfs_math_scan);

int vexfs_math_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,
		      const void *const *rows, const u32 *aux, u32 n, u32 *keys)
{
	const struct batch b = { .rows = rows };

	return distances(vexfs_variant(), sp, q, q_aux, &b, aux, n, keys, VEXFS_SHAPE_GATHER);
}
VEXFS_EXPORT_KUNIT(vexfs_math_gather);
