// SPDX-License-Identifier: GPL-2.0
/*
 * The self-test at load: every engine against the scalar one, on small integers,
 * whose sums are exact in every type and in every order of addition, so that
 * every key must be the same bit for bit. The KUnit suites look at the rest. It
 * must never decide which engine is used; it only says which one must not be.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/engine.h"
#include "math/proof.h"

#define ROWS		6u
#define DIM_MAX		257u

/* Around the lengths at which loops end: lanes, registers, cache lines. */
static const u16 dims[] = { 1, 3, 8, 15, 16, 17, 31, 32, 33, 64, 100, 129, DIM_MAX };

#define STRIDE_MAX	round_up(DIM_MAX * 4, VEXFS_ROW_ALIGN)

/**
 * struct workbench - what one comparison needs, too much for the stack
 * @rows: as the scalar engine imports them; the last one is the query
 * @other: as the engine under test does
 * @packed: its queries
 * @src: the components as floats
 * @aux: of @rows
 * @other_aux: of @other
 * @want: keys of the scalar engine
 * @got: keys of the other
 * @hits: of its block shape
 */
struct workbench {
	u8 rows[(ROWS + 1) * STRIDE_MAX] __aligned(VEXFS_ROW_ALIGN);
	u8 other[(ROWS + 1) * STRIDE_MAX] __aligned(VEXFS_ROW_ALIGN);
	u8 packed[64 * 1024] __aligned(VEXFS_ROW_ALIGN);
	u32 src[(ROWS + 1) * DIM_MAX];
	u32 aux[ROWS + 1];
	u32 other_aux[ROWS + 1];
	u32 want[ROWS];
	u32 got[ROWS];
	struct vexfs_block_hit hits[ROWS];
};

/* One reason for each engine; an engine fails once. */
static char reasons[VEXFS_ENGINES][64];

#ifdef VEXFS_KUNIT
static const char *planted;

void vexfs_math_selftest_plant(const char *variant)
{
	WRITE_ONCE(planted, variant);
}
VEXFS_EXPORT_KUNIT(vexfs_math_selftest_plant);

static char plant_name[16];
module_param_string(selftest_plant, plant_name, sizeof(plant_name), 0600);
MODULE_PARM_DESC(selftest_plant, "Test builds: a variant that the self-test finds wrong");

static void spoil(const struct vexfs_engine *e, u32 *key)
{
	const char *p = READ_ONCE(planted);

	if ((p && !strcmp(p, e->variant->name)) || !strcmp(plant_name, e->variant->name))
		*key ^= 1;
}
#else
static void spoil(const struct vexfs_engine *e, u32 *key)
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

/* Integers from -8 to 7, from 0 for unsigned types; the same at every load. */
static void make_source(struct workbench *t, u32 type, u32 dim)
{
	u32 seed = 12345 + dim, i;

	for (i = 0; i < (ROWS + 1) * dim; i++) {
		seed = seed * 1664525 + 1013904223;
		t->src[i] = small_f32((int)(seed >> 28) - (type == VEXFS_TYPE_U8 ? 0 : 8));
	}
}

static const char *import_rows(const struct vexfs_engine *e, const struct vexfs_space *sp,
			       const u32 *src, u8 *rows, u32 *aux)
{
	const struct vexfs_math_conv *c = e->convert[sp->type].conv;
	const char *why = NULL;
	u64 stamp = vexfs_fpu_begin();
	u32 i;

	for (i = 0; i <= ROWS && !why; i++) {
		struct vexfs_math_state st = {};

		if (c->from_f32(sp, rows + i * sp->stride, src + i * sp->dim, 0, sp->dim, &st))
			why = "a vector was refused";
		else
			aux[i] = c->aux(sp, &st);
	}
	vexfs_fpu_end(stamp);
	return why;
}

static void keys_by_scan(const struct vexfs_math_form *f, const struct vexfs_space *sp,
			 const struct workbench *t, u32 *keys)
{
	f->scan(sp, t->rows + ROWS * sp->stride, t->aux[ROWS], t->rows, t->aux, ROWS, keys);
}

static void keys_by_gather(const struct vexfs_math_form *f, const struct vexfs_space *sp,
			   const struct workbench *t, u32 *keys)
{
	const void *rows[ROWS];
	u32 i;

	for (i = 0; i < ROWS; i++)
		rows[i] = t->rows + i * sp->stride;
	f->gather(sp, t->rows + ROWS * sp->stride, t->aux[ROWS], rows, t->aux, ROWS, keys);
}

static void keys_by_parts(const struct vexfs_math_form *f, const struct vexfs_space *sp,
			  const struct workbench *t, u32 *keys)
{
	u32 i, from, to;

	for (i = 0; i < ROWS; i++) {
		struct vexfs_math_state st = {};

		for (from = 0; from < sp->stride; from = to) {
			to = min(from + VEXFS_PART_BYTES, sp->stride);
			f->part(sp, t->rows + ROWS * sp->stride, t->rows + i * sp->stride, from, to,
				&st);
		}
		keys[i] = f->finish(sp, &st, t->aux[ROWS], t->aux[i]);
	}
}

static const struct {
	void (*keys)(const struct vexfs_math_form *f, const struct vexfs_space *sp,
		     const struct workbench *t, u32 *keys);
	const char *what;
} ways[] = {
	{ keys_by_scan, "scan" },
	{ keys_by_gather, "gather" },
	{ keys_by_parts, "a row in parts" },
};

static bool has_all(const struct workbench *t, u32 limit, u32 found)
{
	u32 i, j;

	for (i = 0; i < ROWS; i++) {
		if (t->want[i] > limit)
			continue;
		for (j = 0; j < found && t->hits[j].row != i; j++)
			;
		if (j == found)
			return false;
	}
	return true;
}

/* The same, of rows and a query made of bytes. */
static const char *check_rough(const struct vexfs_math_rough *r, const struct vexfs_space *sp,
			       struct workbench *t)
{
	size_t bytes = r->group ? round_up(r->bytes(sp, 1), VEXFS_ROW_ALIGN) : 0;
	u32 limit = t->want[ROWS / 2], found;
	u64 stamp;

	if (!r->group)
		return NULL;
	if (bytes + ROWS * vexfs_code_step(sp) > sizeof(t->packed))
		return "the rough block wants too much memory";
	stamp = vexfs_fpu_begin();
	r->pack(sp, t->packed, t->rows + ROWS * sp->stride, &t->aux[ROWS], 1, 0, 1);
	r->rows(sp, t->packed + bytes, t->rows, t->aux, ROWS);
	found = r->block(sp, t->packed, 1, 0, 1, &limit, t->packed + bytes, ROWS, 0, t->hits,
			 ROWS);
	vexfs_fpu_end(stamp);
	return has_all(t, limit, found) ? NULL : "rough block";
}

/* A query against codes of rows. */
static const char *check_codes(const struct vexfs_math_rough *r, const struct vexfs_space *sp,
			       struct workbench *t)
{
	size_t bytes = vexfs_code_query_bytes(sp);
	u32 limit = t->want[ROWS / 2], found, i;
	u16 near[ROWS];
	u64 stamp;

	if (!r || !vexfs_code_fits(sp))
		return NULL;
	if (bytes + ROWS * vexfs_code_step(sp) > sizeof(t->packed))
		return "codes want too much memory";
	stamp = vexfs_fpu_begin();
	r->query(sp, t->packed, t->rows + ROWS * sp->stride, t->aux[ROWS]);
	r->rows(sp, t->packed + bytes, t->rows, t->aux, ROWS);
	found = r->scan(sp, t->packed, limit, t->packed + bytes, ROWS, 0, near, ROWS);
	vexfs_fpu_end(stamp);
	for (i = 0; i < found && i < ROWS; i++)
		t->hits[i] = (struct vexfs_block_hit){ 0, near[i] };
	return has_all(t, limit, found) ? check_rough(r, sp, t) : "codes";
}

/* Every pair that is near enough must be among the hits. */
static const char *check_block(const struct vexfs_math_form *f, const struct vexfs_space *sp,
			       struct workbench *t)
{
	u32 limit = t->want[ROWS / 2], found;
	u64 stamp;

	if (!f->block_group || sp->dim > f->block_max_dim)
		return NULL;
	if (f->block_bytes(sp, 1) > sizeof(t->packed))
		return "the block shape wants too much memory";
	stamp = vexfs_fpu_begin();
	f->block_pack(sp, t->packed, t->rows + ROWS * sp->stride, &t->aux[ROWS], 1, 0, 1);
	found = f->block(sp, t->packed, 1, 0, 1, &limit, t->rows, t->aux, ROWS, 0, t->hits, ROWS);
	vexfs_fpu_end(stamp);
	return has_all(t, limit, found) ? NULL : "block";
}

/* Returns what is wrong, or NULL. */
static const char *check_form(const struct vexfs_engine *e, const struct vexfs_space *sp,
			      struct workbench *t)
{
	const struct vexfs_math_form *good = vexfs_engines[0].work[sp->type][sp->metric].form;
	const struct vexfs_math_form *f = e->work[sp->type][sp->metric].form;
	const char *why;
	unsigned int way;
	u64 stamp;

	make_source(t, sp->type, sp->dim);
	memset(t->other, 0xff, sizeof(t->other));
	why = import_rows(&vexfs_engines[0], sp, t->src, t->rows, t->aux);
	if (!why)
		why = import_rows(e, sp, t->src, t->other, t->other_aux);
	if (why)
		return why;
	if (memcmp(t->rows, t->other, (ROWS + 1) * sp->stride) ||
	    memcmp(t->aux, t->other_aux, sizeof(t->aux)))
		return "import";

	stamp = vexfs_fpu_begin();
	keys_by_scan(good, sp, t, t->want);
	vexfs_fpu_end(stamp);
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		stamp = vexfs_fpu_begin();
		ways[way].keys(f, sp, t, t->got);
		vexfs_fpu_end(stamp);
		spoil(e, &t->got[0]);
		if (memcmp(t->want, t->got, sizeof(t->want)))
			return ways[way].what;
	}
	return check_block(f, sp, t) ?: check_codes(e->work[sp->type][sp->metric].rough, sp, t);
}

/* Returns how many comparisons were made; the engine may have failed one. */
static unsigned int check_engine(struct vexfs_engine *e, struct workbench *t)
{
	char *reason = reasons[e - vexfs_engines];
	struct vexfs_space sp;
	unsigned int done = 0, i;
	u32 type, metric;

	for (type = 0; type < VEXFS_TYPES; type++) {
		for (metric = 0; metric < VEXFS_METRICS; metric++) {
			for (i = 0; i < ARRAY_SIZE(dims); i++) {
				const char *why;

				if (vexfs_space_init(&sp, type, metric, dims[i]))
					break;
				why = check_form(e, &sp, t);
				done++;
				if (!why)
					continue;
				snprintf(reason, sizeof(reasons[0]), "self-test: %s %s, %u: %s",
					 vexfs_type_name(type), vexfs_metric_name(metric), sp.dim,
					 why);
				vexfs_engine_fail(e, reason);
				return done;
			}
			cond_resched();
		}
	}
	return done;
}

int vexfs_math_selftest(vexfs_selftest_report report, void *arg)
{
	struct workbench *t = kvmalloc(sizeof(*t), GFP_KERNEL);
	unsigned int i;

	if (!t)
		return -ENOMEM;
	for (i = 1; i < VEXFS_ENGINES; i++) {
		struct vexfs_engine *e = &vexfs_engines[i];
		unsigned int done = 0;

		if (vexfs_engine_usable(e))
			done = check_engine(e, t);
		if (report)
			report(e, done, arg);
	}
	kvfree(t);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_selftest);

static void show_result(const struct vexfs_engine *e, unsigned int cases, void *arg)
{
	if (vexfs_engine_usable(e))
		seq_printf(arg, "%s ok, %u comparisons\n", e->variant->name, cases);
	else
		seq_printf(arg, "%s %s\n", e->variant->name, e->lacks ? e->lacks : e->failed);
}

void vexfs_math_show_selftest(struct seq_file *m)
{
	seq_printf(m, "%s is the reference\n", vexfs_engines[0].variant->name);
	if (vexfs_math_selftest(show_result, m))
		seq_puts(m, "no memory to run it in\n");
}
