// SPDX-License-Identifier: GPL-2.0
/*
 * Conversions of every variant: rounding against the reference, refusals, rows in parts,
 * sources and targets of any alignment that end at a guard page.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math_check.h"
#include "math_ref.h"
#include "suites.h"

#define ROWS	3u

enum { FROM_F32, FROM_RAW, PARTS, WAYS };

static const char * const way_names[] = { "from f32", "raw and back", "in parts" };

/**
 * struct convert_case - a parameter
 * @variant: index
 * @type: enum vexfs_type
 * @way: FROM_F32, FROM_RAW or PARTS
 * @kind: enum math_kind
 * @number: number of the case
 */
struct convert_case {
	u32 variant;
	u32 type;
	u32 way;
	u32 kind;
	u32 number;
};

/**
 * struct convert_world - buffers, each with guard pages
 * @src: source vectors
 * @rows: imported by the variant under test
 * @other: imported by the scalar one
 * @out: exported
 */
static struct convert_world {
	struct guarded src;
	struct guarded rows;
	struct guarded other;
	struct guarded out;
} world;

static bool next_case(struct convert_case *c)
{
	if (++c->kind < KINDS)
		return true;
	c->kind = 0;
	if (++c->way < WAYS)
		return true;
	c->way = 0;
	if (++c->type < VEXFS_TYPES)
		return true;
	c->type = VEXFS_TYPE_F32;
	return ++c->variant < VEXFS_VARIANTS;
}

static const void *convert_gen(VEXFS_GEN_TEST const void *prev, char *desc)
{
	static struct convert_case c;

	if (!prev) {
		c = (struct convert_case){ .type = VEXFS_TYPE_F32 };
	} else {
		c.number++;
		if (!next_case(&c))
			return NULL;
	}
	while (vexfs_variants[c.variant]->lacks ||
	       !vexfs_test_kind_fits(c.kind, c.way == FROM_F32 ? VEXFS_TYPE_F32 : c.type))
		if (!next_case(&c))
			return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s %s %s", vexfs_variants[c.variant]->name,
		 vexfs_type_name(c.type), way_names[c.way], vexfs_test_kind_name(c.kind));
	return &c;
}

static u32 metric_for(u32 type, u32 dim)
{
	if (type == VEXFS_TYPE_B1)
		return VEXFS_METRIC_JACCARD;
	/* The stored norm differs. */
	return dim % 2 ? VEXFS_METRIC_COS : VEXFS_METRIC_L2;
}

static u32 float_at(const void *p, u32 i)
{
	u32 bits;

	memcpy(&bits, p + 4 * (size_t)i, 4);
	return bits;
}

#define F32_ABS		0x7fffffffu
#define F32_INF		0x7f800000u
#define F16_MAX		0x477fe000u	/* 65504 as f32 */

/* What the reference makes of a vector; true if the type cannot hold a component. */
static bool expect(u32 type, const void *src, u32 dim, u32 *rounded)
{
	u32 most = type == VEXFS_TYPE_F16 ? F16_MAX : F32_INF - 1;
	bool bad = false;
	u32 from, to, i;
	u64 stamp;

	for (from = 0; from < dim; from = to) {
		to = min(from + REF_PART, dim);
		stamp = vexfs_fpu_begin();
		vexfs_ref_round_trip(type, src, from, to, rounded + from);
		vexfs_fpu_end(stamp);
		cond_resched();
	}
	for (i = 0; i < dim; i++)
		bad |= (rounded[i] & F32_ABS) > most;
	return bad;
}

/* Both variants produce the same rows, with zero padding. */
static void same_rows(struct kunit *test, const struct vexfs_space *sp, const u8 *rows,
		      const u8 *other, const u32 *aux, const u32 *other_aux, u32 n)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, 0, memcmp(rows, other, (size_t)sp->stride * n));
	KUNIT_EXPECT_EQ(test, 0, memcmp(aux, other_aux, n * sizeof(*aux)));
	for (i = 0; i < n; i++, rows += sp->stride)
		KUNIT_EXPECT_NULL(test, memchr_inv(rows + sp->row_bytes, 0,
						   sp->stride - sp->row_bytes));
}

static int import(const struct vexfs_space *sp, struct vexfs_math_variant *e, u32 way, void *rows,
		  u32 *aux, const void *src, u32 step, u32 n, u32 *bad)
{
	memset(rows, 0xff, (size_t)sp->stride * n);
	WRITE_ONCE(vexfs_variant_in_use, e);
	if (way == FROM_F32)
		return vexfs_math_import_f32(sp, rows, aux, src, step, n, bad);
	return vexfs_math_import_raw(sp, rows, aux, src, step, n, bad);
}

/* Imports and exports one vector of floats. */
static void check_f32(struct kunit *test, const struct vexfs_space *sp,
		      struct vexfs_math_variant *e, enum math_kind kind, u64 *seed)
{
	u32 step = sp->dim * 4, aux[ROWS], other_aux[ROWS], bad = ~0u, want_bad = ROWS;
	/* Odd addresses, so that alignment is not assumed. */
	void *src = guarded_tail(&world.src, step * ROWS) - (sp->dim % 3);
	void *rows = guarded_tail(&world.rows, (size_t)sp->stride * ROWS);
	void *other = guarded_tail(&world.other, (size_t)sp->stride * ROWS);
	void *out = guarded_tail(&world.out, step);
	u32 *rounded = world.out.area;
	u32 i, row;
	int err;

	for (row = 0; row < ROWS; row++) {
		vexfs_test_fill(src + row * step, VEXFS_TYPE_F32, sp->dim, kind, seed);
		if (expect(sp->type, src + row * step, sp->dim, rounded))
			want_bad = min(want_bad, row);
	}
	err = import(sp, e, FROM_F32, rows, aux, src, step, ROWS, &bad);
	KUNIT_EXPECT_EQ(test, err, want_bad < ROWS ? -EDOM : 0);
	KUNIT_EXPECT_EQ(test, bad, want_bad < ROWS ? want_bad : ~0u);
	err = import(sp, vexfs_variants[0], FROM_F32, other, other_aux, src, step, ROWS, NULL);
	KUNIT_EXPECT_EQ(test, err, want_bad < ROWS ? -EDOM : 0);
	same_rows(test, sp, rows, other, aux, other_aux, want_bad);

	WRITE_ONCE(vexfs_variant_in_use, e);
	for (row = 0; row < want_bad; row++) {
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_export_f32(sp, out, rows + row * sp->stride,
							       aux[row]));
		expect(sp->type, src + row * step, sp->dim, rounded);
		for (i = 0; i < sp->dim; i++) {
			/* Integers have one zero. */
			if (sp->type >= VEXFS_TYPE_I8 && rounded[i] == ~F32_ABS)
				rounded[i] = 0;
			if (float_at(out, i) != rounded[i])
				KUNIT_FAIL(test, "dim %u: %08x became %08x and not %08x\n", sp->dim,
					   float_at(src + row * step, i), float_at(out, i),
					   rounded[i]);
		}
	}
}

/* Raw components are imported; export and import must not change them. */
static void check_raw(struct kunit *test, const struct vexfs_space *sp,
		      struct vexfs_math_variant *e, enum math_kind kind, u64 *seed)
{
	u32 step = vexfs_test_raw_bytes(sp->type, sp->dim), aux[ROWS], other_aux[ROWS], row;
	void *src = guarded_tail(&world.src, step * ROWS);
	void *rows = guarded_tail(&world.rows, (size_t)sp->stride * ROWS);
	void *other = guarded_tail(&world.other, (size_t)sp->stride * ROWS);
	void *out = guarded_tail(&world.out, sp->dim * 4);

	for (row = 0; row < ROWS; row++)
		vexfs_test_fill(src + row * step, sp->type, sp->dim, kind, seed);
	KUNIT_ASSERT_EQ(test, 0, import(sp, e, FROM_RAW, rows, aux, src, step, ROWS, NULL));
	KUNIT_ASSERT_EQ(test, 0, import(sp, vexfs_variants[0], FROM_RAW, other, other_aux, src, step,
					ROWS, NULL));
	same_rows(test, sp, rows, other, aux, other_aux, ROWS);
	WRITE_ONCE(vexfs_variant_in_use, e);
	for (row = 0; row < ROWS; row++) {
		KUNIT_EXPECT_EQ(test, 0, memcmp(rows + row * sp->stride, src + row * step, step));
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_export_f32(sp, out, rows + row * sp->stride,
							       aux[row]));
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_import_f32(sp, other, other_aux, out,
							       sp->dim * 4, 1, NULL));
		KUNIT_EXPECT_EQ(test, 0, memcmp(rows + row * sp->stride, other, sp->stride));
		KUNIT_EXPECT_EQ(test, aux[row], other_aux[0]);
	}
}

/* A pace so slow that no row fits a section: parts must give the same row. */
static void check_parts(struct kunit *test, const struct vexfs_space *sp,
			struct vexfs_math_variant *e, enum math_kind kind, u64 *seed)
{
	struct vexfs_math_conv saved = e->convert[sp->type];
	u32 step = vexfs_test_raw_bytes(sp->type, sp->dim), aux, other_aux, move;
	void *src = guarded_tail(&world.src, step);
	void *rows = guarded_tail(&world.rows, sp->stride);
	void *other = guarded_tail(&world.other, sp->stride);
	void *out = guarded_tail(&world.out, sp->dim * 4);
	void *whole = world.out.area;

	vexfs_test_fill(src, sp->type, sp->dim, kind, seed);
	KUNIT_ASSERT_EQ(test, 0, import(sp, e, FROM_RAW, rows, &aux, src, step, 1, NULL));
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_export_f32(sp, whole, rows, aux));
	for (move = 0; move < VEXFS_MOVES; move++)
		e->convert[sp->type].pace[move].ps = U32_MAX;
	KUNIT_EXPECT_EQ(test, 0, import(sp, e, FROM_RAW, other, &other_aux, src, step, 1, NULL));
	same_rows(test, sp, rows, other, &aux, &other_aux, 1);
	KUNIT_EXPECT_EQ(test, 0, import(sp, e, FROM_F32, other, &other_aux, whole, sp->dim * 4, 1,
					NULL));
	same_rows(test, sp, rows, other, &aux, &other_aux, 1);
	KUNIT_EXPECT_EQ(test, 0, vexfs_math_export_f32(sp, out, rows, aux));
	KUNIT_EXPECT_EQ(test, 0, memcmp(out, whole, sp->dim * 4));
	e->convert[sp->type] = saved;
}

static void run_dim(struct kunit *test, const struct convert_case *c, u32 dim)
{
	struct vexfs_math_variant *e = vexfs_variants[c->variant];
	u64 seed = dim * 64 + c->type * 8 + c->kind;
	struct vexfs_space sp;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, c->type, metric_for(c->type, dim), dim));
	if (c->way == FROM_F32)
		check_f32(test, &sp, e, c->kind, &seed);
	else if (c->way == FROM_RAW)
		check_raw(test, &sp, e, c->kind, &seed);
	else
		check_parts(test, &sp, e, c->kind, &seed);
}

static void convert(struct kunit *test)
{
	const struct convert_case *c = test->param_value;
	struct vexfs_math_variant *in_use = vexfs_variant_in_use;
	u32 i;

	for (i = 1; i <= SMALL_DIMS; i++)
		if (!vexfs_kunit_quick || (i + c->number) % 26 == 0)
			run_dim(test, c, i);
	for (i = 0; i < LARGE_DIMS; i++) {
		/* Rows in parts must be long; other cases leave the longest out, which is slow. */
		if (vexfs_test_large_dims[i] == VEXFS_DIM_MAX &&
		    (vexfs_kunit_quick || c->way != PARTS))
			continue;
		if (!vexfs_kunit_quick || (i + c->number) % 6 == 0)
			run_dim(test, c, vexfs_test_large_dims[i]);
	}
	WRITE_ONCE(vexfs_variant_in_use, in_use);
}

/* NaN and infinity must be refused at every position of every row. */
static void refusals(struct kunit *test)
{
	static const u32 wrong[] = { 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001 };
	struct vexfs_math_variant *in_use = vexfs_variant_in_use;
	u32 dims[] = { 1, 7, 16, 33, 128, 257 };
	u32 aux[ROWS], e, type, d, w, at, bad;
	struct vexfs_space sp;

	for (e = 0; e < VEXFS_VARIANTS; e++) {
		if (vexfs_variants[e]->lacks)
			continue;
		for (type = VEXFS_TYPE_F32; type < VEXFS_TYPES; type++) {
			for (d = 0; d < ARRAY_SIZE(dims); d++) {
				u32 step = dims[d] * 4;
				void *src = guarded_tail(&world.src, step * ROWS);

				vexfs_space_init(&sp, type, metric_for(type, dims[d]), dims[d]);
				memset(src, 0, step * ROWS);
				for (at = 0; at < dims[d]; at += 1 + dims[d] / 5) {
					w = wrong[at % ARRAY_SIZE(wrong)];
					memcpy(src + step * 1 + at * 4, &w, 4);
					bad = ~0u;
					KUNIT_EXPECT_EQ(test, -EDOM,
							import(&sp, vexfs_variants[e], FROM_F32,
							       world.rows.area, aux, src, step,
							       ROWS, &bad));
					KUNIT_EXPECT_EQ(test, 1, bad);
					w = 0;
					memcpy(src + step * 1 + at * 4, &w, 4);
				}
			}
		}
	}
	WRITE_ONCE(vexfs_variant_in_use, in_use);
}

static void refusals_raw(struct kunit *test)
{
	static const struct {
		u32 type;
		u32 size;
		u32 bits;
	} wrong[] = {
		{ VEXFS_TYPE_F32, 4, 0x7fc00000 }, { VEXFS_TYPE_F32, 4, 0xff800000 },
		{ VEXFS_TYPE_F16, 2, 0x7c00 }, { VEXFS_TYPE_F16, 2, 0xfe01 },
		{ VEXFS_TYPE_BF16, 2, 0xff80 }, { VEXFS_TYPE_BF16, 2, 0x7f81 },
	};
	struct vexfs_math_variant *in_use = vexfs_variant_in_use;
	struct vexfs_space sp;
	u32 e, i, at, aux[2], bad;

	for (e = 0; e < VEXFS_VARIANTS; e++) {
		if (vexfs_variants[e]->lacks)
			continue;
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			for (at = 0; at < 100; at += 9) {
				u32 step = 100 * wrong[i].size;
				void *src = guarded_tail(&world.src, step * 2);

				vexfs_space_init(&sp, wrong[i].type, VEXFS_METRIC_L2, 100);
				memset(src, 0, step * 2);
				memcpy(src + step + at * wrong[i].size, &wrong[i].bits,
				       wrong[i].size);
				bad = ~0u;
				KUNIT_EXPECT_EQ(test, -EDOM,
						import(&sp, vexfs_variants[e], FROM_RAW,
						       world.rows.area, aux, src, step, 2, &bad));
				KUNIT_EXPECT_EQ(test, 1, bad);
			}
		}
	}
	WRITE_ONCE(vexfs_variant_in_use, in_use);
}

#define PAGES	5u	/* of the vectors in pages */

/* Pages in an order of their own; behind the last one is the guard page. */
static const void *const *scattered(void)
{
	static const u8 order[PAGES] = { 2, 0, 4, 1, 3 };
	static const void *page[PAGES];
	u32 i;

	for (i = 0; i < PAGES; i++)
		page[i] = guarded_tail(&world.src, PAGE_SIZE * (PAGES - order[i]));
	return page;
}

static void scatter(const void *const *page, size_t off, const void *from, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		((u8 *)page[(off + i) >> PAGE_SHIFT])[offset_in_page(off + i)] = ((u8 *)from)[i];
}

/* As many vectors as fit behind @off, one of them invalid if @bad is one. */
static void check_paged(struct kunit *test, const struct vexfs_space *sp,
			struct vexfs_math_variant *e, size_t off, u32 bad, bool away)
{
	u32 n = min_t(u32, (PAGES * PAGE_SIZE - off) / sp->row_bytes,
		      world.other.size / (sp->stride + 2 * sizeof(u32))), got_bad = ~0u, i;
	void *from = world.out.area, *other = world.other.area;
	u32 *aux = other + (size_t)n * sp->stride, *other_aux = aux + n;
	void *rows = guarded_tail(&world.rows, (size_t)sp->stride * n);
	struct vexfs_paged v = { .page = scattered(), .shift = PAGE_SHIFT, .off = off };
	u64 seed = off;
	int err;

	for (i = 0; i < n; i++)
		vexfs_test_fill(from + (size_t)i * sp->row_bytes, sp->type, sp->dim, KIND_RANDOM,
				&seed);
	if (bad < n && sp->type <= VEXFS_TYPE_BF16)
		/* all bits set is a NaN in each of them */
		memset(from + (size_t)bad * sp->row_bytes + (bad % sp->dim) * (sp->row_bytes / sp->dim),
		       0xff, sp->row_bytes / sp->dim);
	else
		bad = n;
	scatter(v.page, off, from, (size_t)n * sp->row_bytes);
	err = import(sp, vexfs_variants[0], FROM_RAW, other, other_aux, from, sp->row_bytes, bad, NULL);
	KUNIT_ASSERT_EQ(test, err, 0);
	memset(rows, 0xff, (size_t)sp->stride * n);
	WRITE_ONCE(vexfs_variant_in_use, e);
	err = vexfs_math_import_paged(sp, rows, aux, &v, n, &got_bad, away);
	KUNIT_EXPECT_EQ(test, err, bad < n ? -EDOM : 0);
	KUNIT_EXPECT_EQ(test, got_bad, bad < n ? bad : ~0u);
	same_rows(test, sp, rows, other, aux, other_aux, bad);
}

/* Vectors in user pages, across page boundaries and up to the last byte. */
static void paged(struct kunit *test)
{
	static const u32 dims[] = { 1, 7, 16, 33, 100, 128, 257, 500, 512 };
	struct vexfs_math_variant *in_use = vexfs_variant_in_use;
	struct vexfs_space sp;
	u32 e, type, d;

	for (e = 0; e < VEXFS_VARIANTS; e++) {
		if (vexfs_variants[e]->lacks)
			continue;
		for (type = VEXFS_TYPE_F32; type < VEXFS_TYPES; type++) {
			for (d = 0; d < ARRAY_SIZE(dims); d++) {
				u32 dim = type == VEXFS_TYPE_B1 ? dims[d] * 8 : dims[d], fit;

				vexfs_space_init(&sp, type, metric_for(type, dim), dim);
				fit = PAGES * PAGE_SIZE % sp.row_bytes;
				check_paged(test, &sp, vexfs_variants[e], 0, ~0u, true);
				/* the last one ends at the end of the memory */
				check_paged(test, &sp, vexfs_variants[e], fit, ~0u, false);
				check_paged(test, &sp, vexfs_variants[e], 4093, ~0u, true);
				check_paged(test, &sp, vexfs_variants[e], 52, 9, true);
				check_paged(test, &sp, vexfs_variants[e], 4092, 0, false);
			}
			cond_resched();
		}
	}
	WRITE_ONCE(vexfs_variant_in_use, in_use);
}

static int convert_suite_init(struct kunit_suite *suite)
{
	size_t most = VEXFS_DIM_MAX * sizeof(u32);

	if (vexfs_test_guarded_alloc(&world.src, most) ||
	    vexfs_test_guarded_alloc(&world.rows, most) ||
	    vexfs_test_guarded_alloc(&world.other, most) ||
	    vexfs_test_guarded_alloc(&world.out, 2 * most))
		return -ENOMEM;
	return 0;
}

static void convert_suite_exit(struct kunit_suite *suite)
{
	vexfs_test_guarded_free(&world.src);
	vexfs_test_guarded_free(&world.rows);
	vexfs_test_guarded_free(&world.other);
	vexfs_test_guarded_free(&world.out);
}

static struct kunit_case convert_cases[] = {
	KUNIT_CASE_PARAM(convert, convert_gen),
	KUNIT_CASE(refusals),
	KUNIT_CASE(refusals_raw),
	KUNIT_CASE(paged),
	{}
};

static struct kunit_suite convert_suite = {
	.name = "vexfs_math_convert",
	.suite_init = convert_suite_init,
	.suite_exit = convert_suite_exit,
	.test_cases = convert_cases,
};
kunit_test_suite(convert_suite);
