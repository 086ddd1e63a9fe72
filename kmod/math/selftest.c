// SPDX-License-Identifier: GPL-2.0
/*
 * The self-test at load: every variant against the scalar one, on small integers,
 * whose sums are exact in every type and in every order of addition, so that
 * every key must be the same bit for bit. It goes through every loop that the variant
 * uses on this machine; the KUnit suites look at the rest. It must never decide which
 * variant is used; it only says which one must not be.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/fpu.h"
#include "math/proof.h"
#include "math/variant.h"

/*
 * Rows enough for every loop: several groups of eight, which gather prefetches, a
 * tile of 32, and rest that is worth a group; and fewer of them for rest that is not.
 */
#define ROWS		37u
static const u8 counts[] = { ROWS, 35, 17, 5, 1 };

/* Around the lengths at which loops end: lanes, registers, cache lines. */
#define DIM_MAX		257u
static const u16 dims[] = { 1, 3, 8, 15, 16, 17, 31, 32, 33, 64, 100, 129, DIM_MAX };

#define STRIDE_MAX	round_up(DIM_MAX * 4, VEXFS_ROW_ALIGN)

/* Queries of a block: more than a group of any form, and those with a limit. */
#define QUERIES		33u
static const u8 asking[] = { 0, 23, 24, QUERIES - 1 };
#define ASKING		ARRAY_SIZE(asking)

/* Row indices of a call start at this number. */
#define ROW_BASE	3u

/* Vectors in pages, the first one not at the beginning of its page. */
#define PAGE_SHIFT_HERE	12u
#define PAGES		12u
#define PAGE_OFF	52u

/**
 * struct workbench - what one comparison needs, too much for the stack
 * @rows: as the scalar variant imports them; the last one is the query
 * @other: as the variant under test does
 * @packed: its queries, and codes behind them
 * @pages: the vectors in their own type, in pages from the last to the first
 * @src: the components as floats
 * @raw: the vectors in their own type, one behind the other
 * @out: a vector as the scalar variant exports it
 * @other_out: as the variant under test does
 * @aux: of @rows
 * @other_aux: of @other
 * @want: keys of the scalar variant against the last row
 * @asked: against the rows that @asking says
 * @got: keys of the other
 * @limits: of the queries of a block
 * @hits: of its block shape
 * @near: of its scan of codes
 */
struct workbench {
	u8 rows[(ROWS + 1) * STRIDE_MAX] __aligned(VEXFS_ROW_ALIGN);
	u8 other[(ROWS + 1) * STRIDE_MAX] __aligned(VEXFS_ROW_ALIGN);
	u8 packed[128 * 1024] __aligned(VEXFS_ROW_ALIGN);
	u8 pages[PAGES << PAGE_SHIFT_HERE] __aligned(VEXFS_ROW_ALIGN);
	u32 src[(ROWS + 1) * DIM_MAX];
	u8 raw[(ROWS + 1) * DIM_MAX * 4];
	u32 out[DIM_MAX];
	u32 other_out[DIM_MAX];
	u32 aux[ROWS + 1];
	u32 other_aux[ROWS + 1];
	u32 want[ROWS];
	u32 asked[ASKING][ROWS];
	u32 got[ROWS];
	u32 limits[QUERIES];
	struct vexfs_block_hit hits[QUERIES * ROWS];
	u16 near[ROWS];
};

/* One reason for each variant, which fails once. */
static char reasons[VEXFS_VARIANTS][64];

#ifdef VEXFS_KUNIT
static char plant_name[16];
module_param_string(selftest_plant, plant_name, sizeof(plant_name), 0600);
MODULE_PARM_DESC(selftest_plant, "Test builds: a variant that the self-test finds wrong");

static void spoil(const struct vexfs_math_variant *v, u32 *key)
{
	if (!strcmp(plant_name, v->name))
		*key ^= 1;
}
#else
static void spoil(const struct vexfs_math_variant *v, u32 *key)
{
}
#endif

/* The bits of a small integer as f32. */
static u32 small_f32(int v)
{
	u32 m = abs(v), top;

	if (!m)
		return 0;
	top = fls(m) - 1;
	return (v < 0 ? BIT(31) : 0) | (127 + top) << 23 | (m << (23 - top) & 0x7fffff);
}

/*
 * Integers from -8 to 7, from 0 for unsigned types; the same at every load. No vector
 * is zero: what rules pairs out may name all those of one that is.
 */
static void make_source(struct workbench *t, u32 type, u32 dim)
{
	u32 seed = 12345 + dim, i;

	for (i = 0; i < (ROWS + 1) * dim; i++) {
		int v;

		seed = seed * 1664525 + 1013904223;
		v = (int)(seed >> 28) - (type == VEXFS_TYPE_U8 ? 0 : 8);
		t->src[i] = small_f32(v || i % dim ? v : 1);
	}
}

static const u8 *row_at(const u8 *rows, const struct vexfs_space *sp, u32 i)
{
	return rows + (size_t)i * sp->stride;
}

/* All rows from floats, one by one, or from their own type: every other one in place. */
static bool import_rows(const struct vexfs_math_variant *v, const struct vexfs_space *sp, bool raw,
			struct workbench *t, u8 *rows, u32 *aux)
{
	const struct vexfs_math_conv *c = &v->convert[sp->type];
	bool good = true;
	u32 i;

	for (i = 0; i <= ROWS && good; i++) {
		struct vexfs_math_state st = {};
		u8 *row = rows + i * sp->stride;
		u64 stamp = vexfs_fpu_begin();

		if (raw && i % 2)
			memcpy(row, t->raw + i * sp->row_bytes, sp->row_bytes);
		if (raw)
			good = !c->from_raw(sp, row, i % 2 ? row : t->raw + i * sp->row_bytes, 0,
					    sp->dim, &st);
		else
			good = !c->from_f32(sp, row, t->src + i * sp->dim, 0, sp->dim, &st);
		aux[i] = c->aux(sp, &st);
		vexfs_fpu_end(stamp);
	}
	return good;
}

/* Are the rows of the variant under test, all written anew, those of the scalar one? */
static bool same_rows(struct workbench *t, const struct vexfs_space *sp)
{
	bool same = !memcmp(t->rows, t->other, (ROWS + 1) * sp->stride) &&
		    !memcmp(t->aux, t->other_aux, sizeof(t->aux));

	memset(t->other, 0xff, sizeof(t->other));
	memset(t->other_aux, 0xff, sizeof(t->other_aux));
	return same;
}

/* The vectors in their own type: in one piece, and scattered over pages. */
static void make_raw(struct workbench *t, const struct vexfs_space *sp)
{
	u32 i, at, bytes = (ROWS + 1) * sp->row_bytes;

	for (i = 0; i <= ROWS; i++)
		memcpy(t->raw + i * sp->row_bytes, row_at(t->rows, sp, i), sp->row_bytes);
	for (i = 0; i < bytes; i++) {
		at = PAGE_OFF + i;
		t->pages[((PAGES - 1 - (at >> PAGE_SHIFT_HERE)) << PAGE_SHIFT_HERE) +
			 (at & ((1u << PAGE_SHIFT_HERE) - 1))] = t->raw[i];
	}
}

static bool import_paged(const struct vexfs_math_conv *c, const struct vexfs_space *sp,
			 struct workbench *t, bool away)
{
	const void *page[PAGES];
	struct vexfs_paged v = { .page = page, .shift = PAGE_SHIFT_HERE, .off = PAGE_OFF };
	u64 stamp;
	u32 i, n;

	for (i = 0; i < PAGES; i++)
		page[i] = t->pages + ((PAGES - 1 - i) << PAGE_SHIFT_HERE);
	stamp = vexfs_fpu_begin();
	n = c->paged(sp, t->other, t->other_aux, &v, 0, 1, away);
	n += c->paged(sp, t->other + sp->stride, t->other_aux + 1, &v, 1, ROWS, away);
	vexfs_fpu_end(stamp);
	return n == ROWS + 1;
}

static bool import_batch(const struct vexfs_math_conv *c, const struct vexfs_space *sp,
			 struct workbench *t, bool away)
{
	u64 stamp = vexfs_fpu_begin();
	u32 n = c->rows(sp, t->other, t->other_aux, t->src, sp->dim * 4, ROWS + 1, away);

	vexfs_fpu_end(stamp);
	return n == ROWS + 1;
}

static bool export_rows(const struct vexfs_math_variant *v, const struct vexfs_space *sp,
			struct workbench *t)
{
	u32 i;

	for (i = 0; i <= ROWS; i++) {
		const u8 *row = row_at(t->rows, sp, i);
		u64 stamp = vexfs_fpu_begin();

		vexfs_math_scalar.convert[sp->type].to_f32(sp, t->out, row, 0, sp->dim);
		v->convert[sp->type].to_f32(sp, t->other_out, row, 0, sp->dim);
		vexfs_fpu_end(stamp);
		if (memcmp(t->out, t->other_out, sp->dim * 4))
			return false;
	}
	return true;
}

/* Frames of their own: inlined into one function, their arrays exceed the frame limit. */
static noinline_for_stack const char *
check_convert(const struct vexfs_math_variant *v, const struct vexfs_space *sp, struct workbench *t)
{
	const struct vexfs_math_conv *c = &v->convert[sp->type];
	unsigned int away;

	same_rows(t, sp);
	if (!import_rows(v, sp, false, t, t->other, t->other_aux) || !same_rows(t, sp))
		return "import";
	if (!import_rows(v, sp, true, t, t->other, t->other_aux) || !same_rows(t, sp))
		return "import of its own type";
	for (away = 0; away < 2; away++) {
		if (c->rows && (!import_batch(c, sp, t, away) || !same_rows(t, sp)))
			return "import of a batch";
		if (c->paged && (!import_paged(c, sp, t, away) || !same_rows(t, sp)))
			return "import from pages";
	}
	return export_rows(v, sp, t) ? NULL : "export";
}

static u32 keys_by_scan(const struct vexfs_math_ops *f, const struct vexfs_space *sp,
			const struct workbench *t, u32 n, u32 *keys)
{
	return f->scan(sp, row_at(t->rows, sp, ROWS), t->aux[ROWS], t->rows, t->aux, n, keys);
}

/* Rows in another order than in memory. */
static u32 keys_by_gather(const struct vexfs_math_ops *f, const struct vexfs_space *sp,
			  const struct workbench *t, u32 n, u32 *keys)
{
	const void *rows[ROWS];
	u32 aux[ROWS], mixed[ROWS], i, wide;

	for (i = 0; i < n; i++) {
		rows[i] = row_at(t->rows, sp, n - 1 - i);
		aux[i] = t->aux[n - 1 - i];
	}
	wide = f->gather(sp, row_at(t->rows, sp, ROWS), t->aux[ROWS], rows, aux, n, mixed);
	for (i = 0; i < n; i++)
		keys[i] = mixed[n - 1 - i];
	return wide;
}

static u32 keys_by_parts(const struct vexfs_math_ops *f, const struct vexfs_space *sp,
			 const struct workbench *t, u32 n, u32 *keys)
{
	u32 i, from, to;

	for (i = 0; i < n; i++) {
		struct vexfs_math_state st = {};

		for (from = 0; from < sp->stride; from = to) {
			to = min(from + VEXFS_PART_BYTES, sp->stride);
			f->part(sp, row_at(t->rows, sp, ROWS), row_at(t->rows, sp, i), from, to,
				&st);
		}
		keys[i] = f->finish(sp, &st, t->aux[ROWS], t->aux[i]);
	}
	return 0;
}

static const struct {
	u32 (*keys)(const struct vexfs_math_ops *f, const struct vexfs_space *sp,
		    const struct workbench *t, u32 n, u32 *keys);
	const char *what;
} ways[] = {
	{ keys_by_scan, "scan" },
	{ keys_by_gather, "gather" },
	{ keys_by_parts, "a row in parts" },
};

static noinline_for_stack const char *
check_keys(const struct vexfs_math_variant *v, const struct vexfs_space *sp, struct workbench *t)
{
	const struct vexfs_math_ops *f = &v->ops[sp->type][sp->metric];
	unsigned int way, i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (way = 0; way < ARRAY_SIZE(ways); way++) {
			u64 stamp = vexfs_fpu_begin();
			u32 wide = ways[way].keys(f, sp, t, counts[i], t->got);

			vexfs_fpu_end(stamp);
			spoil(v, &t->got[0]);
			if (wide || memcmp(t->want, t->got, counts[i] * sizeof(u32)))
				return ways[way].what;
		}
	}
	return NULL;
}

/*
 * What rules rows out must name all that are near enough, and not so many others that
 * it is of no use.
 */
static bool names_enough(const u32 *keys, u32 limit, const struct vexfs_block_hit *hits, u32 found,
			 u32 query)
{
	u64 named = 0, near = 0;
	u32 i;

	BUILD_BUG_ON(ROWS > 64);
	for (i = 0; i < found; i++)
		if (hits[i].query == query && hits[i].row - ROW_BASE < ROWS)
			named |= BIT_ULL(hits[i].row - ROW_BASE);
	for (i = 0; i < ROWS; i++)
		if (keys[i] <= limit)
			near |= BIT_ULL(i);
	return !(near & ~named) && hweight64(named & ~near) <= ROWS / 3;
}

/* The queries of a block with a limit, by the hits of the others' none. */
static bool block_names_enough(const struct workbench *t, u32 found)
{
	unsigned int i;
	u32 hit;

	if (found > ARRAY_SIZE(t->hits))
		return false;
	for (hit = 0; hit < found; hit++)
		if (t->hits[hit].query >= QUERIES || !t->limits[t->hits[hit].query])
			return false;
	for (i = 0; i < ASKING; i++)
		if (!names_enough(t->asked[i], t->limits[asking[i]], t->hits, found, asking[i]))
			return false;
	return true;
}

/* Every pair that is near enough must be among the hits. */
static const char *check_block(const struct vexfs_math_ops *f, const struct vexfs_space *sp,
			       struct workbench *t)
{
	u32 q, m, found;
	u64 stamp;

	if (!f->block_group || sp->dim > f->block_max_dim)
		return NULL;
	if (f->block_bytes(sp, QUERIES) > sizeof(t->packed))
		return "the block shape wants too much memory";
	memset(t->packed, 0xff, f->block_bytes(sp, QUERIES));
	for (q = 0; q < QUERIES; q += m) {
		m = min(f->block_group, QUERIES - q);
		stamp = vexfs_fpu_begin();
		f->block_pack(sp, t->packed, t->rows, t->aux, QUERIES, q, m);
		vexfs_fpu_end(stamp);
	}
	stamp = vexfs_fpu_begin();
	found = f->block(sp, t->packed, QUERIES, 0, QUERIES, t->limits, t->rows, t->aux, ROWS,
			 ROW_BASE, t->hits, ARRAY_SIZE(t->hits));
	vexfs_fpu_end(stamp);
	return block_names_enough(t, found) ? NULL : "block";
}

/* The same, of rows and queries made of bytes; @codes are those of the rows. */
static const char *check_code_block(const struct vexfs_math_codes *r,
				     const struct vexfs_space *sp, struct workbench *t,
				     const u8 *codes)
{
	u32 q, m, found;
	u64 stamp;

	for (q = 0; q < QUERIES; q += m) {
		m = min(r->group, QUERIES - q);
		stamp = vexfs_fpu_begin();
		r->pack(sp, t->packed, t->rows, t->aux, QUERIES, q, m);
		vexfs_fpu_end(stamp);
	}
	stamp = vexfs_fpu_begin();
	found = r->block(sp, t->packed, QUERIES, 0, QUERIES, t->limits, codes, ROWS, ROW_BASE,
			 t->hits, ARRAY_SIZE(t->hits));
	vexfs_fpu_end(stamp);
	return block_names_enough(t, found) ? NULL : "block of codes";
}

/* A query against codes of rows. */
static const char *check_codes(const struct vexfs_math_codes *r, const struct vexfs_space *sp,
			       struct workbench *t)
{
	size_t bytes;
	u32 found, i;
	u64 stamp;
	u8 *codes;

	if (!r || !vexfs_code_fits(sp))
		return NULL;
	bytes = round_up(max(vexfs_code_query_bytes(sp), r->group ? r->bytes(sp, QUERIES) : 0),
			 VEXFS_ROW_ALIGN);
	if (bytes + ROWS * vexfs_code_step(sp) > sizeof(t->packed))
		return "codes want too much memory";
	codes = t->packed + bytes;
	memset(t->packed, 0xff, bytes + ROWS * vexfs_code_step(sp));
	stamp = vexfs_fpu_begin();
	r->rows(sp, codes, t->rows, t->aux, ROWS);
	vexfs_fpu_end(stamp);
	for (i = 0; i < ASKING; i++) {
		u32 q = asking[i], hit;

		stamp = vexfs_fpu_begin();
		r->query(sp, t->packed, row_at(t->rows, sp, q), t->aux[q]);
		found = r->scan(sp, t->packed, t->limits[q], codes, ROWS, ROW_BASE, t->near, ROWS);
		vexfs_fpu_end(stamp);
		for (hit = 0; hit < found && hit < ROWS; hit++)
			t->hits[hit] = (struct vexfs_block_hit){ q, t->near[hit] };
		if (found > ROWS || !names_enough(t->asked[i], t->limits[q], t->hits, found, q))
			return "codes";
	}
	return r->group ? check_code_block(r, sp, t, codes) : NULL;
}

/* The rows of a space and all that the scalar variant says of them. */
static noinline_for_stack bool make_reference(const struct vexfs_space *sp, struct workbench *t)
{
	const struct vexfs_math_ops *good = &vexfs_math_scalar.ops[sp->type][sp->metric];
	unsigned int i;
	u64 stamp;

	make_source(t, sp->type, sp->dim);
	if (!import_rows(&vexfs_math_scalar, sp, false, t, t->rows, t->aux))
		return false;
	make_raw(t, sp);
	stamp = vexfs_fpu_begin();
	keys_by_scan(good, sp, t, ROWS, t->want);
	vexfs_fpu_end(stamp);
	memset(t->limits, 0, sizeof(t->limits));
	for (i = 0; i < ASKING; i++) {
		u32 q = asking[i];

		stamp = vexfs_fpu_begin();
		good->scan(sp, row_at(t->rows, sp, q), t->aux[q], t->rows, t->aux, ROWS,
			   t->asked[i]);
		vexfs_fpu_end(stamp);
		/* A row that really occurs: the limit itself must be found. */
		t->limits[q] = t->asked[i][(q + 5) % ROWS];
	}
	return true;
}

/* Returns what is wrong, or NULL. */
static const char *check_form(const struct vexfs_math_variant *v, const struct vexfs_space *sp,
			      struct workbench *t)
{
	const struct vexfs_math_ops *ops = &v->ops[sp->type][sp->metric];

	return check_convert(v, sp, t) ?: check_keys(v, sp, t) ?: check_block(ops, sp, t) ?:
		check_codes(ops->codes, sp, t);
}

static bool any_usable(void)
{
	unsigned int i = VEXFS_VARIANTS;

	while (--i)
		if (vexfs_variant_usable(vexfs_variants[i]))
			return true;
	return false;
}

/* Compares all variants in one space; a variant that fails is disabled. */
static void check_space(const struct vexfs_space *sp, struct workbench *t, unsigned int *done)
{
	unsigned int i;

	if (!any_usable() || WARN_ON_ONCE(!make_reference(sp, t)))
		return;
	for (i = 1; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *v = vexfs_variants[i];
		const char *why;

		if (!vexfs_variant_usable(v))
			continue;
		why = check_form(v, sp, t);
		done[i]++;
		if (!why)
			continue;
		snprintf(reasons[i], sizeof(reasons[0]), "self-test: %s %s, %u: %s",
			 vexfs_type_name(sp->type), vexfs_metric_name(sp->metric), sp->dim, why);
		vexfs_variant_fail(v, reasons[i]);
	}
}

int vexfs_math_selftest(vexfs_selftest_report report, void *arg)
{
	struct workbench *t = kvmalloc(sizeof(*t), GFP_KERNEL);
	unsigned int done[VEXFS_VARIANTS] = {}, i;
	struct vexfs_space sp;
	u32 type, metric;

	if (!t)
		return -ENOMEM;
	for (type = 0; type < VEXFS_TYPES; type++) {
		for (metric = 0; metric < VEXFS_METRICS; metric++) {
			for (i = 0; i < ARRAY_SIZE(dims); i++) {
				if (vexfs_space_init(&sp, type, metric, dims[i]))
					break;
				check_space(&sp, t, done);
				cond_resched();
			}
		}
	}
	kvfree(t);
	for (i = 1; i < VEXFS_VARIANTS && report; i++)
		report(vexfs_variants[i], done[i], arg);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_selftest);

static void show_result(const struct vexfs_math_variant *v, unsigned int cases, void *arg)
{
	if (vexfs_variant_usable(v))
		seq_printf(arg, "%s ok, %u comparisons\n", v->name, cases);
	else
		seq_printf(arg, "%s %s\n", v->name, v->lacks ? v->lacks : v->failed);
}

void vexfs_math_show_selftest(struct seq_file *m)
{
	seq_printf(m, "%s is the reference\n", vexfs_math_scalar.name);
	if (vexfs_math_selftest(show_result, m))
		seq_puts(m, "no memory to run it in\n");
}
