// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the engines: once at load, so that sections can be cut to the budget,
 * and in full whenever the bench file is read. Each measurement is one section of
 * the ordinary length, so preemption is never off for longer than in service.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "math/engine.h"
#include "math/proof.h"
#include "math/run.h"

/* Rows of a measurement stay inside this, a part of the second level cache. */
#define ROWS_BYTES	(64u * 1024)
#define ROWS_MAX	256u
#define QUERIES		32u
#define QUERY_BYTES	4096u
#define PACKED_BYTES	(512u * 1024)

/* How often each figure is taken; the best one counts. */
#define TRIES		7

/**
 * struct workbench - what is measured on
 * @rows: zeroes: no arithmetic here depends on the values
 * @queries: likewise
 * @packed: the queries for the block shape
 * @ptr: rows for gather
 * @aux: of the rows and of the queries
 * @keys: results
 * @limits: of the block shape, none of which any row meets
 * @hit: none, therefore
 */
struct workbench {
	u8 rows[ROWS_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 queries[QUERIES * QUERY_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 packed[PACKED_BYTES] __aligned(VEXFS_ROW_ALIGN);
	const void *ptr[ROWS_MAX];
	u32 aux[ROWS_MAX];
	u32 keys[ROWS_MAX];
	u32 limits[QUERIES];
	struct vexfs_block_hit hit;
};

static const char * const shape_names[] = {
	[VEXFS_SHAPE_SCAN] = "scan",
	[VEXFS_SHAPE_GATHER] = "gather",
	[VEXFS_SHAPE_BLOCK] = "block",
};

static void compute(const struct vexfs_math_form *f, const struct vexfs_space *sp,
		    struct workbench *t, enum vexfs_shape shape, u32 n)
{
	switch (shape) {
	case VEXFS_SHAPE_SCAN:
		f->scan(sp, t->queries, 0, t->rows, t->aux, n, t->keys);
		break;
	case VEXFS_SHAPE_GATHER:
		f->gather(sp, t->queries, 0, t->ptr, t->aux, n, t->keys);
		break;
	default:
		f->block(sp, t->packed, QUERIES, 0, QUERIES, t->limits, t->rows, t->aux, n, 0,
			 &t->hit, 1);
		break;
	}
}

static bool has_shape(const struct vexfs_math_form *f, const struct vexfs_space *sp,
		      enum vexfs_shape shape)
{
	if (shape != VEXFS_SHAPE_BLOCK)
		return true;
	return f->block_group && sp->dim <= f->block_max_dim &&
	       f->block_bytes(sp, QUERIES) <= PACKED_BYTES;
}

static void pack(const struct vexfs_math_form *f, const struct vexfs_space *sp,
		 struct workbench *t)
{
	u32 q;

	for (q = 0; q < QUERIES; q += f->block_group) {
		u64 stamp = vexfs_fpu_begin();

		f->block_pack(sp, t->packed, t->queries, t->aux, QUERIES, q,
			      min(f->block_group, QUERIES - q));
		vexfs_fpu_end(stamp);
	}
}

/* A cost that a pace can hold. */
static u32 limit(u64 ps)
{
	return clamp_t(u64, ps, 1, U32_MAX);
}

/* What a unit of work costs, in picoseconds; @tries sections of it, the best counts. */
static u32 measure(struct vexfs_work *w, const struct vexfs_space *sp, struct workbench *t,
		   enum vexfs_shape shape, unsigned int tries)
{
	u32 units = vexfs_run_units(sp->stride) * (shape == VEXFS_SHAPE_BLOCK ? QUERIES : 1);
	u32 most = min(ROWS_BYTES / sp->stride, ROWS_MAX);
	u64 best = U64_MAX;
	u32 i, n;

	for (i = 0; i < most; i++)
		t->ptr[i] = t->rows + i * sp->stride;
	if (shape == VEXFS_SHAPE_BLOCK)
		pack(w->form, sp, t);
	while (tries--) {
		u64 stamp = vexfs_fpu_begin();
		u64 from, ps;

		n = vexfs_fpu_items(&w->pace[shape], units, most);
		from = vexfs_fpu_stamp();
		compute(w->form, sp, t, shape, n);
		ps = vexfs_fpu_stamp_ns(from, vexfs_fpu_stamp()) * 1000;
		vexfs_fpu_end(stamp);
		best = min(best, div64_u64(ps, (u64)n * units));
		cond_resched();
	}
	return limit(best);
}

/*
 * The dimensions that teach a pace: short rows, where the fixed cost of a row
 * decides, and longer ones. The slower of the two is believed.
 */
static void calibrate_work(struct vexfs_work *w, struct workbench *t, u32 type, u32 metric)
{
	static const u16 dims[] = { 32, 768 };
	enum vexfs_shape shape;
	struct vexfs_space sp;
	unsigned int i;

	for (shape = 0; shape < VEXFS_SHAPES; shape++) {
		u32 ps = 0;

		for (i = 0; i < ARRAY_SIZE(dims); i++) {
			vexfs_space_init(&sp, type, metric, dims[i]);
			if (!has_shape(w->form, &sp, shape))
				continue;
			/* A short section says how much fits the ones that count. */
			if (!ps)
				WRITE_ONCE(w->pace[shape].ps, measure(w, &sp, t, shape, 1));
			ps = max(ps, measure(w, &sp, t, shape, 2));
		}
		if (ps)
			WRITE_ONCE(w->pace[shape].ps, ps);
	}
	WRITE_ONCE(w->part.ps, w->pace[VEXFS_SHAPE_SCAN].ps);
}

/* One vector each way; every section of a real call corrects what it finds. */
static void calibrate_convert(struct vexfs_convert *c, struct workbench *t, u32 type)
{
	struct vexfs_space sp;
	unsigned int move;

	vexfs_space_init(&sp, type, type == VEXFS_TYPE_B1 ? VEXFS_METRIC_HAMMING : VEXFS_METRIC_L2,
			 512);
	for (move = 0; move < VEXFS_MOVES; move++) {
		u64 best = U64_MAX;
		unsigned int try;

		for (try = 0; try < 3; try++) {
			struct vexfs_math_state st = {};
			u64 stamp = vexfs_fpu_begin(), from = vexfs_fpu_stamp();

			if (move == VEXFS_MOVE_FROM_F32)
				c->conv->from_f32(&sp, t->rows, t->queries, 0, sp.dim, &st);
			else if (move == VEXFS_MOVE_FROM_RAW)
				c->conv->from_raw(&sp, t->rows, t->queries, 0, sp.dim, &st);
			else
				c->conv->to_f32(&sp, t->queries, t->rows, 0, sp.dim);
			best = min(best, vexfs_fpu_stamp_ns(from, vexfs_fpu_stamp()));
			vexfs_fpu_end(stamp);
		}
		WRITE_ONCE(c->pace[move].ps,
			   limit(best * 1000 * VEXFS_CONVERT_UNIT / sp.dim));
	}
}

int vexfs_math_calibrate(void)
{
	struct workbench *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	unsigned int i;
	u32 type, metric;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < VEXFS_ENGINES; i++) {
		struct vexfs_engine *e = &vexfs_engines[i];

		if (!vexfs_engine_usable(e))
			continue;
		for (type = VEXFS_TYPE_F32; type < VEXFS_TYPES; type++) {
			calibrate_convert(&e->convert[type], t, type);
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				if (e->work[type][metric].form)
					calibrate_work(&e->work[type][metric], t, type, metric);
		}
	}
	kvfree(t);
	return 0;
}

static void show(struct seq_file *m, struct vexfs_work *w, const struct vexfs_space *sp,
		 struct workbench *t, const char *variant)
{
	enum vexfs_shape shape;

	for (shape = 0; shape < VEXFS_SHAPES; shape++) {
		u64 ps, gbps;

		if (!has_shape(w->form, sp, shape))
			continue;
		ps = (u64)measure(w, sp, t, shape, TRIES) * vexfs_run_units(sp->stride);
		/* Bytes in a nanosecond are gigabytes in a second; two decimals. */
		gbps = div64_u64(sp->row_bytes * 100000ULL, ps);
		seq_printf(m, "%s %s %s %s %s %u %llu.%03llu %llu.%02llu\n", variant,
			   w->form->name, vexfs_type_name(sp->type), vexfs_metric_name(sp->metric),
			   shape_names[shape], sp->dim, ps / 1000, ps % 1000, gbps / 100,
			   gbps % 100);
	}
}

/* Calls in a row; preemption is on between them. */
#define CALLS	256u

/*
 * What a section costs beside the work in it: an empty one, and a gather of one
 * short row, as a call and as the form alone.
 */
static void show_overhead(struct seq_file *m, struct workbench *t)
{
	u64 empty = U64_MAX, call = U64_MAX, form = U64_MAX, from, stamp;
	const struct vexfs_math_form *f;
	struct vexfs_space sp;
	unsigned int try, i;

	vexfs_space_init(&sp, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 16);
	f = vexfs_engine()->work[sp.type][sp.metric].form;
	t->ptr[0] = t->rows;
	for (try = 0; try < TRIES; try++) {
		from = vexfs_fpu_stamp();
		for (i = 0; i < CALLS; i++)
			vexfs_fpu_end(vexfs_fpu_begin());
		empty = min(empty, vexfs_fpu_stamp_ns(from, vexfs_fpu_stamp()));

		from = vexfs_fpu_stamp();
		for (i = 0; i < CALLS; i++)
			vexfs_math_gather(&sp, t->queries, 0, t->ptr, t->aux, 1, t->keys);
		call = min(call, vexfs_fpu_stamp_ns(from, vexfs_fpu_stamp()));

		stamp = vexfs_fpu_begin();
		from = vexfs_fpu_stamp();
		for (i = 0; i < CALLS; i++)
			f->gather(&sp, t->queries, 0, t->ptr, t->aux, 1, t->keys);
		form = min(form, vexfs_fpu_stamp_ns(from, vexfs_fpu_stamp()));
		vexfs_fpu_end(stamp);
		cond_resched();
	}
	seq_printf(m, "\nns: empty section %llu, gather of one row of 16 f32 %llu, the form alone %llu\n",
		   empty / CALLS, call / CALLS, form / CALLS);
}

void vexfs_math_show_bench(struct seq_file *m)
{
	static const u16 dims[] = { 128, 768 };
	struct workbench *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	struct vexfs_space sp;
	unsigned int i, d;
	u32 type, metric;

	if (!t) {
		seq_puts(m, "no memory to measure in\n");
		return;
	}
	seq_puts(m, "variant form type metric shape dim ns_per_distance gb_per_s\n");
	for (i = 0; i < VEXFS_ENGINES; i++) {
		struct vexfs_engine *e = &vexfs_engines[i];

		if (!vexfs_engine_usable(e))
			continue;
		for (type = 0; type < VEXFS_TYPES; type++)
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				for (d = 0; d < ARRAY_SIZE(dims); d++)
					if (!vexfs_space_init(&sp, type, metric, dims[d]))
						show(m, &e->work[type][metric], &sp, t,
						     e->variant->name);
	}
	show_overhead(m, t);
	kvfree(t);
}
