// SPDX-License-Identifier: GPL-2.0
/*
 * Import and export: cuts conversions into FPU sections, several rows in one
 * where they are short, parts of a row where they are long. What is rounded and
 * what is refused is the variants' business.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/variant.h"
#include "math/run.h"

typedef int (*import_fn)(const struct vexfs_space *sp, void *row, const void *src,
			 u32 from, u32 count, struct vexfs_math_state *st);

/**
 * struct vectors - where the vectors of an import are
 * @at: the first
 * @step: bytes from one to the next
 * @paged: or in pages that may change meanwhile
 */
struct vectors {
	const void *at;
	size_t step;
	const struct vexfs_paged *paged;
};

static u32 units_of(u32 dims)
{
	return dims / VEXFS_CONVERT_UNIT + 1;
}

/* Components from @from on that the next section takes, of a row cut into parts. */
static u32 part_dims(const struct vexfs_pace *pace, u32 from, u32 dim)
{
	u32 parts = vexfs_fpu_items(pace, VEXFS_PART_DIMS / VEXFS_CONVERT_UNIT,
				    dim / VEXFS_PART_DIMS + 1);

	return min(parts * VEXFS_PART_DIMS, dim - from);
}

static noinline int import_parts(struct vexfs_math_conv *c, struct vexfs_pace *pace,
				 const struct vexfs_space *sp, import_fn fn, void *row,
				 u32 *aux, const void *src)
{
	struct vexfs_math_state st = {};
	u32 from, count;
	int err = 0;

	for (from = 0; !err && from < sp->dim; from += count) {
		u64 stamp;
		u32 ns;

		if (from)
			vexfs_fpu_rest();
		count = part_dims(pace, from, sp->dim);
		stamp = vexfs_fpu_begin();
		err = fn(sp, row, src, from, count, &st);
		if (!err && from + count == sp->dim)
			*aux = c->aux(sp, &st);
		ns = vexfs_fpu_end(stamp);
		/* What is refused may not have been looked at to its end. */
		if (!err)
			vexfs_fpu_learn(pace, units_of(count), ns);
	}
	return err;
}

/*
 * For conversions that may look twice at what they read: a vector in the row's own
 * type is copied to where its row will be, and is converted there.
 */
static const void *vector_at(const struct vexfs_space *sp, void *row, const struct vectors *v,
			     u32 i)
{
	size_t off, in_page, here;
	const void *const *page;

	if (!v->paged)
		return v->at + i * v->step;
	off = v->paged->off + (size_t)i * sp->row_bytes;
	page = &v->paged->page[off >> v->paged->shift];
	in_page = off & (((size_t)1 << v->paged->shift) - 1);
	here = min_t(size_t, ((size_t)1 << v->paged->shift) - in_page, sp->row_bytes);
	memcpy(row, *page + in_page, here);
	if (here < sp->row_bytes)
		memcpy(row + here, page[1], sp->row_bytes - here);
	return row;
}

/* @n short rows in one section. Returns how many are complete; less is -EDOM. */
static u32 import_rows(struct vexfs_math_conv *c, const struct vexfs_space *sp, import_fn fn,
		       void *rows, u32 *aux, const struct vectors *v, u32 first, u32 n, bool away)
{
	u32 i;

	if (v->paged && c->paged)
		return c->paged(sp, rows, aux, v->paged, first, n, away);
	if (!v->paged && c->rows)
		return c->rows(sp, rows, aux, v->at + first * v->step, v->step, n, away);
	for (i = 0; i < n; i++) {
		struct vexfs_math_state st = {};

		if (fn(sp, rows, vector_at(sp, rows, v, first + i), 0, sp->dim, &st))
			break;
		aux[i] = c->aux(sp, &st);
		rows += sp->stride;
	}
	return i;
}

static int import(const struct vexfs_space *sp, enum vexfs_move move, void *rows, u32 *aux,
		  const struct vectors *v, u32 n, u32 *bad, bool away)
{
	struct vexfs_math_conv *c = &vexfs_variant()->convert[sp->type];
	struct vexfs_pace *pace = &c->pace[move];
	import_fn fn = move == VEXFS_MOVE_FROM_F32 ? c->from_f32 : c->from_raw;
	u32 units = units_of(sp->dim);
	u32 done, m;

	if (unlikely(!vexfs_fpu_usable()))
		return vexfs_fpu_refuse();
	for (done = 0; done < n; done += m) {
		void *row = rows + (size_t)done * sp->stride;
		u32 good;

		if (done)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(pace, units, n - done);
		if (unlikely(m == 1 && !vexfs_fpu_fits(pace, units))) {
			good = !import_parts(c, pace, sp, fn, row, aux + done,
					     vector_at(sp, row, v, done));
		} else {
			u64 stamp = vexfs_fpu_begin();
			u32 ns;

			good = import_rows(c, sp, fn, row, aux + done, v, done, m, away);
			ns = vexfs_fpu_end(stamp);
			if (good == m)
				vexfs_fpu_learn(pace, (u64)m * units, ns);
		}
		if (good < m) {
			if (bad)
				*bad = done + good;
			return -EDOM;
		}
	}
	return 0;
}

int vexfs_math_import_f32(const struct vexfs_space *sp, void *rows, u32 *aux,
			  const void *src, size_t src_step, u32 n, u32 *bad)
{
	struct vectors v = { .at = src, .step = src_step };

	return import(sp, VEXFS_MOVE_FROM_F32, rows, aux, &v, n, bad, false);
}
VEXFS_EXPORT_KUNIT(vexfs_math_import_f32);

int vexfs_math_import_raw(const struct vexfs_space *sp, void *rows, u32 *aux,
			  const void *src, size_t src_step, u32 n, u32 *bad)
{
	struct vectors v = { .at = src, .step = src_step };

	return import(sp, VEXFS_MOVE_FROM_RAW, rows, aux, &v, n, bad, false);
}
VEXFS_EXPORT_KUNIT(vexfs_math_import_raw);

int vexfs_math_import_away(const struct vexfs_space *sp, bool raw, void *rows, u32 *aux,
			   const void *src, size_t src_step, u32 n, u32 *bad)
{
	struct vectors v = { .at = src, .step = src_step };

	return import(sp, raw ? VEXFS_MOVE_FROM_RAW : VEXFS_MOVE_FROM_F32, rows, aux, &v, n, bad,
		      true);
}
VEXFS_EXPORT_KUNIT(vexfs_math_import_away);

int vexfs_math_import_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
			    const struct vexfs_paged *src, u32 n, u32 *bad, bool away)
{
	struct vectors v = { .paged = src };

	return import(sp, VEXFS_MOVE_FROM_RAW, rows, aux, &v, n, bad, away);
}
VEXFS_EXPORT_KUNIT(vexfs_math_import_paged);

int vexfs_math_export_f32(const struct vexfs_space *sp, void *dst, const void *row, u32 aux)
{
	struct vexfs_math_conv *c = &vexfs_variant()->convert[sp->type];
	struct vexfs_pace *pace = &c->pace[VEXFS_MOVE_TO_F32];
	u32 from, count;

	if (unlikely(!vexfs_fpu_usable()))
		return vexfs_fpu_refuse();
	for (from = 0; from < sp->dim; from += count) {
		u64 stamp;

		if (from)
			vexfs_fpu_rest();
		count = vexfs_fpu_fits(pace, units_of(sp->dim - from)) ? sp->dim - from :
			part_dims(pace, from, sp->dim);
		stamp = vexfs_fpu_begin();
		c->to_f32(sp, dst, row, from, count);
		vexfs_fpu_learn(pace, units_of(count), vexfs_fpu_end(stamp));
	}
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_export_f32);
