// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the variants: once at load, so that sections can be cut to the budget,
 * and in full whenever the bench file is read. Each measurement is one section of
 * the ordinary length, so preemption is never off for longer than in service.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "math/bits.h"
#include "math/proof.h"
#include "math/run.h"
#include "math/variant.h"

/* Rows of a measurement stay inside this, a part of the second level cache. */
#define ROWS_BYTES	(64u * 1024)
#define ROWS_MAX	256u
#define QUERIES		32u
#define QUERY_BYTES	4096u
#define PACKED_BYTES	(512u * 1024)

/* Number of measurements of each value; the best one counts. */
#define TRIES		7

/* Operations with a pace: the shapes, and conversions and packing of rows and queries. */
enum job {
	JOB_SCAN = VEXFS_SHAPE_SCAN,
	JOB_GATHER = VEXFS_SHAPE_GATHER,
	JOB_BLOCK = VEXFS_SHAPE_BLOCK,
	JOB_PACK,
	JOB_CODE_PACK,
	JOB_CODE_BLOCK,
	JOB_CODE_ROWS,
	JOB_CODE_SCAN,
	JOBS
};

/**
 * struct workbench - what is measured on
 * @rows: zeroes: no arithmetic here depends on the values
 * @queries: zeroes, for the same reason
 * @packed: the queries for the block shape
 * @codes: codes of the rows
 * @query: against codes
 * @ptr: rows for gather
 * @aux: of the rows and of the queries
 * @keys: results
 * @limits: of the block shape, none of which any row meets
 * @hit: none, therefore
 * @near: see @hit
 */
struct workbench {
	u8 rows[ROWS_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 queries[QUERIES * QUERY_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 packed[PACKED_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 codes[ROWS_BYTES] __aligned(VEXFS_ROW_ALIGN);
	u8 query[QUERY_BYTES] __aligned(VEXFS_ROW_ALIGN);
	const void *ptr[ROWS_MAX];
	u32 aux[ROWS_MAX];
	u32 keys[ROWS_MAX];
	u32 limits[QUERIES];
	struct vexfs_block_hit hit;
	u16 near;
};

static const char * const shape_names[] = {
	[VEXFS_SHAPE_SCAN] = "scan",
	[VEXFS_SHAPE_GATHER] = "gather",
	[VEXFS_SHAPE_BLOCK] = "block",
};

static struct vexfs_pace *pace_of(struct vexfs_math_ops *ops, enum job job)
{
	switch (job) {
	case JOB_PACK:
		return &ops->pace.pack;
	case JOB_CODE_PACK:
		return &ops->pace.code_pack;
	case JOB_CODE_BLOCK:
		return &ops->pace.code_block;
	case JOB_CODE_ROWS:
		return &ops->pace.code_rows;
	case JOB_CODE_SCAN:
		return &ops->pace.code_scan;
	default:
		return &ops->pace.shape[(enum vexfs_shape)job];
	}
}

/* @n rows, or queries. */
static void run_job(const struct vexfs_math_ops *ops, const struct vexfs_space *sp,
		    struct workbench *t, enum job job, u32 n)
{
	const struct vexfs_math_codes *codes = ops->codes;

	switch (job) {
	case JOB_SCAN:
		ops->scan(sp, t->queries, t->aux[0], t->rows, t->aux, n, t->keys);
		break;
	case JOB_GATHER:
		ops->gather(sp, t->queries, t->aux[0], t->ptr, t->aux, n, t->keys);
		break;
	case JOB_BLOCK:
		ops->block(sp, t->packed, QUERIES, 0, QUERIES, t->limits, t->rows, t->aux, n, 0,
			 &t->hit, 1);
		break;
	case JOB_PACK:
		ops->block_pack(sp, t->packed, t->queries, t->aux, QUERIES, 0, n);
		break;
	case JOB_CODE_PACK:
		codes->pack(sp, t->packed, t->queries, t->aux, QUERIES, 0, n);
		break;
	case JOB_CODE_BLOCK:
		codes->block(sp, t->packed, QUERIES, 0, QUERIES, t->limits, t->codes, n, 0, &t->hit,
			 1);
		break;
	case JOB_CODE_ROWS:
		codes->rows(sp, t->codes, t->rows, t->aux, n);
		break;
	default:
		codes->scan(sp, t->query, t->limits[0], t->codes, n, 0, &t->near, 1);
		break;
	}
}

static bool has_block(const struct vexfs_math_ops *ops, const struct vexfs_space *sp)
{
	return ops->block_group && sp->dim <= ops->block_max_dim &&
	       ops->block_bytes(sp, QUERIES) <= PACKED_BYTES;
}

static bool has_job(const struct vexfs_math_ops *ops, const struct vexfs_space *sp, enum job job)
{
	switch (job) {
	case JOB_SCAN:
	case JOB_GATHER:
		return true;
	case JOB_BLOCK:
	case JOB_PACK:
		return has_block(ops, sp);
	case JOB_CODE_PACK:
	case JOB_CODE_BLOCK:
		return ops->codes && ops->codes->group && vexfs_code_fits(sp) &&
		       ops->codes->bytes(sp, QUERIES) <= PACKED_BYTES;
	default:
		return ops->codes && vexfs_code_fits(sp);
	}
}

/* Packs all queries, a group in each section. */
static void pack_queries(const struct vexfs_math_ops *ops, const struct vexfs_space *sp,
			 struct workbench *t, enum job job, u32 group)
{
	u32 q;

	for (q = 0; q < QUERIES; q += group) {
		u64 stamp = vexfs_fpu_begin();
		u32 n = min(group, QUERIES - q);

		if (job == JOB_BLOCK)
			ops->block_pack(sp, t->packed, t->queries, t->aux, QUERIES, q, n);
		else
			ops->codes->pack(sp, t->packed, t->queries, t->aux, QUERIES, q, n);
		vexfs_fpu_end(stamp);
	}
}

/* Prepares the data of @job. */
static void prepare_job(const struct vexfs_math_ops *ops, const struct vexfs_space *sp,
		    struct workbench *t, enum job job, u32 rows)
{
	u64 stamp;
	u32 i;

	for (i = 0; i < ROWS_MAX; i++) {
		t->ptr[i] = t->rows + (i < rows ? i : 0) * sp->stride;
		/* A norm of 0 would let every pair pass. */
		t->aux[i] = sp->metric == VEXFS_METRIC_COS ? F32_ONE : 0;
	}
	switch (job) {
	case JOB_BLOCK:
		pack_queries(ops, sp, t, job, ops->block_group);
		break;
	case JOB_CODE_BLOCK:
		pack_queries(ops, sp, t, job, ops->codes->group);
		fallthrough;
	case JOB_CODE_SCAN:
		for (i = 0; i < rows; i++) {
			stamp = vexfs_fpu_begin();
			ops->codes->rows(sp, t->codes + i * vexfs_code_step(sp),
				       t->rows + i * sp->stride, t->aux + i, 1);
			vexfs_fpu_end(stamp);
		}
		stamp = vexfs_fpu_begin();
		ops->codes->query(sp, t->query, t->queries, t->aux[0]);
		vexfs_fpu_end(stamp);
		break;
	default:
		break;
	}
}

/* What an item counts for, see struct vexfs_math_paces. */
static u32 units_of(const struct vexfs_space *sp, enum job job)
{
	switch (job) {
	case JOB_BLOCK:
	case JOB_CODE_BLOCK:
		return vexfs_run_units(sp->stride) * QUERIES;
	case JOB_CODE_SCAN:
		return vexfs_run_units(vexfs_code_step(sp));
	default:
		return vexfs_run_units(sp->stride);
	}
}

/*
 * What a unit of work costs, in picoseconds; @tries sections of it, the best counts.
 * 0 when the clock measured nothing.
 */
static u32 measure_job(struct vexfs_math_ops *ops, const struct vexfs_space *sp,
		       struct workbench *t, enum job job, unsigned int tries)
{
	u32 most = min(ROWS_BYTES / sp->stride, ROWS_MAX), units = units_of(sp, job), n;
	u64 best = U64_MAX;

	prepare_job(ops, sp, t, job, most);
	while (tries--) {
		u64 stamp, from, ns;

		if (job == JOB_PACK)
			n = min(ops->block_group, QUERIES);
		else if (job == JOB_CODE_PACK)
			n = min(ops->codes->group, QUERIES);
		else
			n = vexfs_fpu_items(pace_of(ops, job), units, most);
		stamp = vexfs_fpu_begin();
		from = vexfs_clock();
		run_job(ops, sp, t, job, n);
		ns = vexfs_clock_ns(from, vexfs_clock());
		vexfs_fpu_end(stamp);
		if (ns)
			best = min(best, div64_u64(ns * 1000, (u64)n * units));
		cond_resched();
	}
	return best == U64_MAX ? 0 : clamp_t(u64, best, 1, U32_MAX);
}

/*
 * The dimensions that teach a pace: short rows, where the fixed cost of a row
 * decides, and longer ones. The slower of the two is believed.
 */
static void calibrate_work(struct vexfs_math_ops *ops, struct workbench *t, u32 type, u32 metric)
{
	static const u16 dims[] = { 32, 768 };
	struct vexfs_space sp;
	unsigned int i;
	enum job job;

	for (job = 0; job < JOBS; job++) {
		struct vexfs_pace *pace = pace_of(ops, job);
		u32 ps = 0, first;

		for (i = 0; i < ARRAY_SIZE(dims); i++) {
			vexfs_space_init(&sp, type, metric, dims[i]);
			if (!has_job(ops, &sp, job))
				continue;
			/* A short section says how much fits the ones that count. */
			first = ps ? 0 : measure_job(ops, &sp, t, job, 1);
			if (first)
				WRITE_ONCE(pace->ps, first);
			ps = max(ps, measure_job(ops, &sp, t, job, 2));
		}
		if (ps)
			WRITE_ONCE(pace->ps, ps);
	}
	WRITE_ONCE(ops->pace.part.ps, ops->pace.shape[VEXFS_SHAPE_SCAN].ps);
}

/* One vector each way; every section of a real call corrects what it finds. */
static void calibrate_convert(struct vexfs_math_conv *c, struct workbench *t, u32 type)
{
	struct vexfs_space sp;
	unsigned int move;

	vexfs_space_init(&sp, type, type == VEXFS_TYPE_B1 ? VEXFS_METRIC_HAMMING : VEXFS_METRIC_L2,
			 512);
	for (move = 0; move < VEXFS_MOVES; move++) {
		u64 best = U64_MAX, ns;
		unsigned int try;

		for (try = 0; try < 3; try++) {
			struct vexfs_math_state st = {};
			u64 stamp = vexfs_fpu_begin(), from = vexfs_clock();

			if (move == VEXFS_MOVE_FROM_F32)
				c->from_f32(&sp, t->rows, t->queries, 0, sp.dim, &st);
			else if (move == VEXFS_MOVE_FROM_RAW)
				c->from_raw(&sp, t->rows, t->queries, 0, sp.dim, &st);
			else
				c->to_f32(&sp, t->queries, t->rows, 0, sp.dim);
			ns = vexfs_clock_ns(from, vexfs_clock());
			vexfs_fpu_end(stamp);
			if (ns)
				best = min(best, ns);
		}
		if (best != U64_MAX)
			WRITE_ONCE(c->pace[move].ps,
				   clamp_t(u64, best * 1000 * VEXFS_CONVERT_UNIT / sp.dim, 1,
					   U32_MAX));
	}
}

int vexfs_math_calibrate(void)
{
	struct workbench *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	unsigned int i;
	u32 type, metric;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *v = vexfs_variants[i];

		if (!vexfs_variant_usable(v))
			continue;
		for (type = VEXFS_TYPE_F32; type < VEXFS_TYPES; type++) {
			calibrate_convert(&v->convert[type], t, type);
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				if (v->ops[type][metric].scan)
					calibrate_work(&v->ops[type][metric], t, type, metric);
		}
	}
	kvfree(t);
	return 0;
}

static void show_work(struct seq_file *m, struct vexfs_math_ops *ops, const struct vexfs_space *sp,
		 struct workbench *t, const char *variant)
{
	enum vexfs_shape shape;

	for (shape = 0; shape < VEXFS_SHAPES; shape++) {
		u64 ps, gbps;

		if (!has_job(ops, sp, (enum job)shape))
			continue;
		ps = (u64)measure_job(ops, sp, t, (enum job)shape, TRIES) *
		     vexfs_run_units(sp->stride);
		/* Bytes in a nanosecond are gigabytes in a second; two decimals. */
		gbps = ps ? div64_u64(sp->row_bytes * 100000ULL, ps) : 0;
		seq_printf(m, "%s %s %s %s %s %u %llu.%03llu %llu.%02llu\n", variant,
			   ops->name, vexfs_type_name(sp->type), vexfs_metric_name(sp->metric),
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
	const struct vexfs_math_ops *f;
	struct vexfs_space sp;
	unsigned int try, i;

	vexfs_space_init(&sp, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 16);
	f = &vexfs_variant()->ops[sp.type][sp.metric];
	t->ptr[0] = t->rows;
	for (try = 0; try < TRIES; try++) {
		from = vexfs_clock();
		for (i = 0; i < CALLS; i++)
			vexfs_fpu_end(vexfs_fpu_begin());
		empty = min(empty, vexfs_clock_ns(from, vexfs_clock()));

		from = vexfs_clock();
		for (i = 0; i < CALLS; i++)
			vexfs_math_gather(&sp, t->queries, 0, t->ptr, t->aux, 1, t->keys);
		call = min(call, vexfs_clock_ns(from, vexfs_clock()));

		stamp = vexfs_fpu_begin();
		from = vexfs_clock();
		for (i = 0; i < CALLS; i++)
			f->gather(&sp, t->queries, 0, t->ptr, t->aux, 1, t->keys);
		form = min(form, vexfs_clock_ns(from, vexfs_clock()));
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
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *v = vexfs_variants[i];

		if (!vexfs_variant_usable(v))
			continue;
		for (type = 0; type < VEXFS_TYPES; type++)
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				for (d = 0; d < ARRAY_SIZE(dims); d++)
					if (!vexfs_space_init(&sp, type, metric, dims[d]))
						show_work(m, &v->ops[type][metric], &sp, t,
						     v->name);
	}
	show_overhead(m, t);
	kvfree(t);
}
