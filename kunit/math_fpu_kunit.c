// SPDX-License-Identifier: GPL-2.0
/*
 * FPU sections: the budget and how paces adapt, and the contexts in which the arithmetic
 * may be called: sections of others, interrupts, locks held.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

#include "compat/compat.h"
#include "math/fpu.h"
#include "math_check.h"
#include "suites.h"

static struct math_world world;

static void items_fit_the_budget(struct kunit *test)
{
	static const u32 costs[] = { 1, 100, 640, 20000, 1000000, U32_MAX };
	static const u32 units[] = { 1, 9, 65, 4097, 1u << 24 };
	static const u32 lefts[] = { 0, 1, 7, 1000, 65536, U32_MAX };
	u64 budget_ps = vexfs_fpu_budget_ns() * 1000ULL;
	u32 c, u, l;

	for (c = 0; c < ARRAY_SIZE(costs); c++) {
		for (u = 0; u < ARRAY_SIZE(units); u++) {
			for (l = 0; l < ARRAY_SIZE(lefts); l++) {
				struct vexfs_pace pace = { .ps = costs[c] };
				u32 n = vexfs_fpu_items(&pace, units[u], lefts[l]);

				KUNIT_EXPECT_LE(test, n, lefts[l]);
				KUNIT_EXPECT_LE(test, n, VEXFS_FPU_ITEMS_MAX);
				if (lefts[l])
					KUNIT_EXPECT_GE(test, n, 1);
				/* One item is done whatever it costs. */
				if (n > 1)
					KUNIT_EXPECT_LE(test, (u64)n * units[u] * costs[c],
							budget_ps);
			}
		}
	}
}

/* From any first estimate, sections end up below the budget, but not far below. */
static void paces_adapt(struct kunit *test)
{
	static const u32 truths[] = { 20, 640, 15000, 900000 };
	static const u32 guesses[] = { 1, 640, 20000, 50000000 };
	u32 budget = vexfs_fpu_budget_ns();
	u32 t, g, i, n = 0, ns = 0;

	for (t = 0; t < ARRAY_SIZE(truths); t++) {
		for (g = 0; g < ARRAY_SIZE(guesses); g++) {
			struct vexfs_pace pace = { .ps = guesses[g] };

			for (i = 0; i < 400; i++) {
				n = vexfs_fpu_items(&pace, 9, U32_MAX);
				ns = n * 9ULL * truths[t] / 1000;
				vexfs_fpu_learn(&pace, n * 9ULL, ns);
			}
			KUNIT_EXPECT_LE(test, ns, budget);
			if (n > 1 && n < VEXFS_FPU_ITEMS_MAX)
				KUNIT_EXPECT_GE(test, ns, budget / 4);
		}
	}
}

/*
 * The effect of a call of @items, of 9 units each, on a pace if a unit takes @truth_ps.
 * Returns the number of sections over the budget.
 */
static u32 simulate(struct vexfs_pace *pace, u32 items, u32 truth_ps)
{
	u32 done, n, ns, over = 0;

	for (done = 0; done < items; done += n) {
		n = vexfs_fpu_items(pace, 9, items - done);
		ns = n * 9ULL * truth_ps / 1000;
		vexfs_fpu_learn(pace, n * 9ULL, ns);
		over += ns > vexfs_fpu_budget_ns();
	}
	return over;
}

/*
 * Memory that becomes a hundred times slower, in calls that fit one section; and then as
 * fast as before.
 */
static void pace_follows_slow_memory(struct kunit *test)
{
	struct vexfs_pace pace = { .ps = 640 };
	u32 i, usual, over = 0, late = 0;

	preempt_disable();
	usual = vexfs_fpu_items(&pace, 9, 1000);
	for (i = 0; i < 100; i++) {
		u32 n = simulate(&pace, 1000, 64000);

		over += n;
		late += i >= 10 ? n : 0;
	}
	preempt_enable();
	KUNIT_EXPECT_EQ(test, usual, 1000);
	KUNIT_EXPECT_GE(test, over, 1);
	KUNIT_EXPECT_LE(test, over, 10);
	KUNIT_EXPECT_EQ(test, late, 0);

	for (i = 0; i < 100; i++)
		over = simulate(&pace, 1000, 640);
	KUNIT_EXPECT_EQ(test, over, 0);
	KUNIT_EXPECT_EQ(test, vexfs_fpu_items(&pace, 9, 1000), 1000);
}

/* A clock that went back, or a task that was scheduled out, is not a sample. */
static void empty_section_is_no_sample(struct kunit *test)
{
	struct vexfs_pace pace = { .ps = 640 };
	u32 n = vexfs_fpu_items(&pace, 9, U32_MAX), i;

	for (i = 0; i < 100; i++)
		vexfs_fpu_learn(&pace, n * 9ULL, 0);
	KUNIT_EXPECT_EQ(test, pace.ps, 640);
}

/* An interrupt in one section, or in every third, must not make the others short. */
static void single_long_section_is_ignored(struct kunit *test)
{
	struct vexfs_pace pace = { .ps = 640 };
	u32 usual = vexfs_fpu_items(&pace, 9, U32_MAX), n, i;

	vexfs_fpu_learn(&pace, usual * 9ULL, 100000000);
	KUNIT_EXPECT_EQ(test, pace.ps, 640);
	for (i = 1; i < 300; i++) {
		n = vexfs_fpu_items(&pace, 9, U32_MAX);
		vexfs_fpu_learn(&pace, n * 9ULL, i % 3 ? n * 9 * 640ULL / 1000 : 100000000);
		KUNIT_EXPECT_GE(test, vexfs_fpu_items(&pace, 9, U32_MAX), usual * 9 / 10);
	}
}

/*
 * Short calls that are rarely interrupted: long sections confirm each other only if they
 * are near.
 */
static void distant_long_sections_are_ignored(struct kunit *test)
{
	struct vexfs_pace pace = { .ps = 640 };
	u32 i;

	preempt_disable();
	for (i = 0; i < 400; i++) {
		if (i % 20)
			vexfs_fpu_learn(&pace, 9, 100);
		else
			vexfs_fpu_learn(&pace, 9, 100000);
		vexfs_fpu_end(vexfs_fpu_begin());
	}
	KUNIT_EXPECT_EQ(test, pace.ps, 640);
	for (i = 0; i < 40; i++) {
		vexfs_fpu_learn(&pace, 9, 100000);
		vexfs_fpu_end(vexfs_fpu_begin());
	}
	preempt_enable();
	KUNIT_EXPECT_GT(test, pace.ps, 1000000);
}

static void budget_has_bounds(struct kunit *test)
{
	u32 us = vexfs_fpu_budget_ns() / 1000;

	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_fpu_set_budget(VEXFS_FPU_BUDGET_MIN_US - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_fpu_set_budget(VEXFS_FPU_BUDGET_MAX_US + 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_fpu_set_budget(0));
	KUNIT_EXPECT_EQ(test, us * 1000, vexfs_fpu_budget_ns());
	KUNIT_EXPECT_EQ(test, 0, vexfs_fpu_set_budget(VEXFS_FPU_BUDGET_MIN_US));
	KUNIT_EXPECT_EQ(test, VEXFS_FPU_BUDGET_MIN_US * 1000, vexfs_fpu_budget_ns());
	KUNIT_EXPECT_EQ(test, 0, vexfs_fpu_set_budget(us));
}

/* The longest calls: rows of VEXFS_DIM_MAX components, repeated. */
enum long_call { LONG_SCAN, LONG_GATHER, LONG_IMPORT, LONG_EXPORT, LONG_BLOCK, LONG_CALLS };

static const char * const long_names[] = { "scan", "gather", "import", "export", "block" };

struct long_case {
	u32 call;
	u32 type;
};

static const void *long_gen(VEXFS_GEN_TEST const void *prev, char *desc)
{
	static const u32 types[] = { VEXFS_TYPE_F32, VEXFS_TYPE_BF16, VEXFS_TYPE_I8 };
	static struct long_case c;
	static u32 i;

	i = prev ? i + 1 : 0;
	if (i == LONG_CALLS * ARRAY_SIZE(types))
		return NULL;
	c.call = i % LONG_CALLS;
	c.type = types[i / LONG_CALLS];
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s", vexfs_type_name(c.type),
		 long_names[c.call]);
	return &c;
}

/*
 * The block shape at its longest: the maximum of queries and rows per call, with the
 * longest vectors that a form tiles.
 */
static void long_block(struct kunit *test, u32 type)
{
	const struct vexfs_math_ops *f = &vexfs_variant()->ops[type][VEXFS_METRIC_L2];
	u32 dim = f->block_group ? min(f->block_max_dim, 4096u) : 64;
	u32 nq = 64, n = vexfs_kunit_quick ? 32 : VEXFS_BLOCK_ROWS, i;
	u32 keys[VEXFS_BLOCK_KEYS];
	struct vexfs_block_hit hit;
	struct vexfs_block_room room = { &hit, 1, keys };
	struct vexfs_space sp;
	u32 *limits, *aux;
	void *rows, *packed, *scratch;

	vexfs_space_init(&sp, type, VEXFS_METRIC_L2, dim);
	scratch = kvmalloc(vexfs_math_block_scratch(&sp, n) ?: 1, GFP_KERNEL);
	rows = kvzalloc((size_t)sp.stride * n, GFP_KERNEL);
	packed = kvmalloc(vexfs_math_block_bytes(&sp, nq), GFP_KERNEL);
	limits = kunit_kzalloc(test, nq * sizeof(*limits), GFP_KERNEL);
	aux = kunit_kzalloc(test, n * sizeof(*aux), GFP_KERNEL);
	if (rows && packed && limits && aux && scratch) {
		/* No distance is below zero: there are no hits, with floats or with bytes. */
		for (i = 0; i < 6; i++) {
			KUNIT_EXPECT_EQ(test, 0,
					vexfs_math_block_pack(&sp, packed, rows, aux, min(n, nq)));
			room.scratch = i % 2 ? scratch : NULL;
			KUNIT_EXPECT_EQ(test, 0, vexfs_math_block(&sp, packed, min(n, nq), limits,
								  rows, aux, n, NULL, &room));
		}
	} else {
		KUNIT_FAIL(test, "no memory\n");
	}
	kvfree(rows);
	kvfree(packed);
	kvfree(scratch);
}

static void long_run(struct kunit *test, const struct long_case *c)
{
	u32 times = vexfs_kunit_quick ? 4 : 200, done;
	u32 raw = vexfs_test_raw_bytes(c->type, VEXFS_DIM_MAX);

	if (c->call == LONG_BLOCK) {
		long_block(test, c->type);
		return;
	}
	for (done = 0; done < times; done++) {
		switch (c->call) {
		case LONG_SCAN:
			vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows, world.aux,
					world.n, world.keys);
			break;
		case LONG_GATHER:
			vexfs_math_gather(&world.sp, world.query, world.q_aux, world.ptr, world.aux,
					  world.n, world.keys);
			break;
		case LONG_IMPORT:
			vexfs_math_import_raw(&world.sp, world.rows, world.aux,
					      guarded_tail(&world.src_area, raw * world.n), raw,
					      world.n, NULL);
			break;
		default:
			vexfs_math_export_f32(&world.sp, world.src_area.area, world.rows,
					      world.aux[0]);
			break;
		}
	}
}

/* The scalar variant computes distances of integer types without the FPU: no sections. */
static bool without_fpu(const struct long_case *c)
{
	return (c->call == LONG_SCAN || c->call == LONG_GATHER || c->call == LONG_BLOCK) &&
	       !vexfs_variant()->ops[c->type][VEXFS_METRIC_L2].fpu;
}

/*
 * A virtual processor may be preempted during a section, so a few may be long; most must
 * not be. An emulated one needs a budget that is not used up before anything was
 * computed.
 */
static void budget_is_kept(struct kunit *test)
{
	const struct long_case *c = test->param_value;
	struct vexfs_fpu_totals before, after;
	u32 us = vexfs_fpu_budget_ns() / 1000;
	struct vexfs_space sp;
	u64 sections, over;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, c->type, VEXFS_METRIC_L2, VEXFS_DIM_MAX));
	vexfs_test_world_fill(test, &world, &sp, KIND_RANDOM, vexfs_test_rows_for(VEXFS_DIM_MAX),
			      vexfs_test_rows_for(VEXFS_DIM_MAX), true);
	if (vexfs_kunit_quick)
		vexfs_fpu_set_budget(VEXFS_FPU_BUDGET_MAX_US);
	/* Once to adapt the pace, once to measure. */
	long_run(test, c);
	vexfs_fpu_totals(&before);
	long_run(test, c);
	vexfs_fpu_totals(&after);
	vexfs_fpu_set_budget(us);

	sections = after.sections - before.sections;
	over = after.over - before.over;
	kunit_info(test, "%llu sections, %llu over the budget, %llu ns on average\n", sections,
		   over, sections ? div64_u64(after.ns - before.ns, sections) : 0);
	if (without_fpu(c)) {
		KUNIT_EXPECT_EQ(test, sections, 0);
		return;
	}
	/* An emulated processor may need longer than any budget for the smallest piece of work. */
	KUNIT_EXPECT_GT(test, sections, 1);
	if (!vexfs_kunit_quick)
		KUNIT_EXPECT_LE(test, over * 3, sections);
}

/*
 * Replaces the real functions by work that takes as long as it is told. A call of
 * SLOW_ITEMS fits a section at first and must be cut to one item each when the work gets
 * slow.
 */
#define SLOW_ITEMS	10u

enum slow_call {
	SLOW_SCAN, SLOW_GATHER, SLOW_INTEGER, SLOW_BLOCK, SLOW_PACK, SLOW_CODE_ROWS,
	SLOW_CODE_SCAN, SLOW_CODE_PACK, SLOW_CODE_BLOCK, SLOW_FROM_F32, SLOW_FROM_RAW, SLOW_PAGED,
	SLOW_TO_F32, SLOW_CALLS
};

static const char * const slow_names[] = {
	"scan", "gather", "integer scan", "block", "pack", "code rows", "code scan", "code pack",
	"code block", "from f32", "from raw", "paged", "to f32",
};

static const void *slow_gen(VEXFS_GEN_TEST const void *prev, char *desc)
{
	static u32 call;

	call = prev ? call + 1 : 0;
	if (call == SLOW_CALLS)
		return NULL;
	strscpy(desc, slow_names[call], KUNIT_PARAM_DESC_SIZE);
	return &call;
}

static struct {
	u32 ns;		/* an item takes */
	u32 most;	/* items in one go */
} slow;

static void be_slow(u32 items)
{
	u64 from = vexfs_clock();

	slow.most = max(slow.most, items);
	while (vexfs_clock_ns(from, vexfs_clock()) < (u64)items * slow.ns)
		cpu_relax();
}

static u32 slow_scan(const struct vexfs_space *sp, const void *q, u32 q_aux, const void *rows,
		     const u32 *aux, u32 n, u32 *keys)
{
	memset(keys, 0, n * sizeof(*keys));
	be_slow(n);
	return 0;
}

static u32 slow_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,
		       const void *const *rows, const u32 *aux, u32 n, u32 *keys)
{
	memset(keys, 0, n * sizeof(*keys));
	be_slow(n);
	return 0;
}

#define SLOW_GROUP	4u

static size_t slow_bytes(const struct vexfs_space *sp, u32 nq)
{
	return 64;
}

static void slow_pack(const struct vexfs_space *sp, void *packed, const void *queries,
		      const u32 *q_aux, u32 nq, u32 first, u32 count)
{
	be_slow(DIV_ROUND_UP(count, SLOW_GROUP));
}

static u32 slow_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
		      u32 count, const u32 *limits, const void *rows, const u32 *aux, u32 n,
		      u32 row_base, struct vexfs_block_hit *hits, u32 max)
{
	be_slow(n);
	return 0;
}

static u32 slow_code_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
			   u32 count, const u32 *limits, const void *codes, u32 n, u32 row_base,
			   struct vexfs_block_hit *hits, u32 max)
{
	be_slow(n);
	return 0;
}

static void slow_code_rows(const struct vexfs_space *sp, void *out, const void *rows,
			   const u32 *aux, u32 n)
{
	be_slow(n);
}

static u32 slow_code_scan(const struct vexfs_space *sp, const void *query, u32 limit,
			  const void *codes, u32 n, u32 row_base, u16 *near, u32 max)
{
	be_slow(n);
	return 0;
}

static u32 slow_rows(const struct vexfs_space *sp, void *rows, u32 *aux, const void *src,
		     size_t src_step, u32 n, bool away)
{
	be_slow(n);
	return n;
}

static u32 slow_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
		      const struct vexfs_paged *src, u32 first, u32 n, bool away)
{
	be_slow(n);
	return n;
}

static void slow_to_f32(const struct vexfs_space *sp, void *dst, const void *row, u32 from,
			u32 count)
{
	be_slow(DIV_ROUND_UP(count, VEXFS_PART_DIMS));
}

static void call_slow(struct kunit *test, enum slow_call call, struct vexfs_space *sp, void *room)
{
	static const void *page[2];
	struct vexfs_paged paged = { .page = page, .shift = PAGE_SHIFT };
	u32 n = SLOW_ITEMS, limits[SLOW_ITEMS * SLOW_GROUP] = {};
	struct vexfs_block_hit hit;
	struct vexfs_block_room block_room = { &hit, 1, world.keys };
	u16 near[SLOW_ITEMS];
	int err = 0;

	page[0] = room;
	page[1] = room + PAGE_SIZE;
	switch (call) {
	case SLOW_SCAN:
	case SLOW_INTEGER:
		err = vexfs_math_scan(sp, world.query, world.q_aux, world.rows, world.aux, n,
				      world.keys);
		break;
	case SLOW_GATHER:
		err = vexfs_math_gather(sp, world.query, world.q_aux, world.ptr, world.aux, n,
					world.keys);
		break;
	case SLOW_PACK:
	case SLOW_CODE_PACK:
		err = vexfs_math_block_pack(sp, room, world.rows, world.aux, n * SLOW_GROUP);
		break;
	case SLOW_BLOCK:
	case SLOW_CODE_BLOCK:
		err = vexfs_math_block(sp, room, SLOW_GROUP, limits, world.rows, world.aux, n,
				       call == SLOW_CODE_BLOCK ? room : NULL, &block_room);
		break;
	case SLOW_CODE_ROWS:
		vexfs_math_code_rows(sp, room, world.rows, world.aux, n);
		break;
	case SLOW_CODE_SCAN:
		err = vexfs_math_code_scan(sp, room, 0, room, n, near, n);
		break;
	case SLOW_FROM_F32:
		err = vexfs_math_import_f32(sp, world.rows, world.aux, room, 4 * sp->dim, n, NULL);
		break;
	case SLOW_FROM_RAW:
		err = vexfs_math_import_raw(sp, world.rows, world.aux, room, 4 * sp->dim, n, NULL);
		break;
	case SLOW_PAGED:
		err = vexfs_math_import_paged(sp, world.rows, world.aux, &paged, n, NULL, false);
		break;
	default:
		err = vexfs_math_export_f32(sp, room, world.rows, 0);
		break;
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

/* Does the variant have this kind of work? */
static bool has_slow(const struct vexfs_math_variant *e, enum slow_call call)
{
	const struct vexfs_math_ops *w = &e->ops[VEXFS_TYPE_F32][VEXFS_METRIC_L2];

	switch (call) {
	case SLOW_BLOCK:
	case SLOW_PACK:
		return w->block_group;
	case SLOW_CODE_PACK:
	case SLOW_CODE_BLOCK:
		return w->block_group && w->codes && w->codes->group;
	case SLOW_CODE_ROWS:
	case SLOW_CODE_SCAN:
		return w->codes;
	case SLOW_PAGED:
		return e->convert[VEXFS_TYPE_F32].paged;
	default:
		return true;
	}
}

/* Replaces the functions that would be fast; the slow ones stay. */
static void make_slow(struct vexfs_math_ops *w, struct vexfs_math_conv *c, enum slow_call call)
{
	static struct vexfs_math_codes codes;
	const struct vexfs_pace quick = { .ps = 1000 };
	u32 i;

	for (i = 0; i < VEXFS_SHAPES; i++)
		w->pace.shape[i] = quick;
	for (i = 0; i < VEXFS_MOVES; i++)
		c->pace[i] = quick;
	w->pace.pack = quick;
	w->pace.code_block = quick;
	w->pace.code_pack = quick;
	w->pace.code_rows = quick;
	w->pace.code_scan = quick;
	w->scan = slow_scan;
	w->gather = slow_gather;
	if (w->block_group) {
		w->block_group = SLOW_GROUP;
		w->block_bytes = slow_bytes;
		w->block_pack = slow_pack;
		w->block = slow_block;
	}
	if (w->codes) {
		codes = *w->codes;
		codes.rows = slow_code_rows;
		codes.scan = slow_code_scan;
		if (codes.group) {
			codes.group = SLOW_GROUP;
			codes.bytes = slow_bytes;
			codes.pack = slow_pack;
			codes.block = slow_code_block;
		}
		w->codes = call == SLOW_PACK ? NULL : &codes;
	}
	c->rows = slow_rows;
	c->paged = c->paged ? slow_paged : NULL;
	c->to_f32 = slow_to_f32;
}

static void slow_work_is_cut(struct kunit *test)
{
	enum slow_call call = *(const u32 *)test->param_value;
	u32 type = call == SLOW_INTEGER ? VEXFS_TYPE_I8 : VEXFS_TYPE_F32, all = SLOW_ITEMS, i;
	struct vexfs_math_variant *e = call == SLOW_INTEGER ? vexfs_variants[0] : vexfs_variant();
	struct vexfs_math_ops *w = &e->ops[type][VEXFS_METRIC_L2], saved_work = *w;
	struct vexfs_math_conv *c = &e->convert[type], saved_convert = *c;
	struct vexfs_math_variant *in_use = vexfs_variant();
	struct vexfs_space sp;
	void *room;

	if (!has_slow(e, call))
		kunit_skip(test, "this variant has no such work");
	room = kvzalloc(256 * 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, room);
	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, type, VEXFS_METRIC_L2, 64));
	vexfs_test_world_fill(test, &world, &sp, KIND_RANDOM, 9, CHECK_ROWS, false);
	if (call == SLOW_TO_F32)
		KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, type, VEXFS_METRIC_L2,
							  4 * VEXFS_PART_DIMS));
	if (call == SLOW_TO_F32)
		all = 4;
	WRITE_ONCE(vexfs_variant_in_use, e);
	make_slow(w, c, call);
	slow.ns = 0;
	if (call == SLOW_BLOCK || call == SLOW_CODE_BLOCK)
		KUNIT_EXPECT_EQ(test, 0, vexfs_math_block_pack(&sp, room, world.rows, world.aux,
							       SLOW_GROUP));
	if (call == SLOW_CODE_SCAN)
		KUNIT_EXPECT_EQ(test, 0, vexfs_math_code_query(&sp, room, world.query,
							       world.q_aux));
	slow.most = 0;
	call_slow(test, call, &sp, room);
	KUNIT_EXPECT_EQ(test, slow.most, all);

	/* Two of them do not fit. */
	slow.ns = vexfs_fpu_budget_ns() / 2 - 1000;
	for (i = 0; i < 100; i++)
		call_slow(test, call, &sp, room);
	slow.most = 0;
	for (i = 0; i < 20; i++)
		call_slow(test, call, &sp, room);
	KUNIT_EXPECT_EQ(test, slow.most, 1);

	/* And fast again. */
	slow.ns = 0;
	slow.most = 0;
	for (i = 0; i < 10000 && slow.most < all; i++)
		call_slow(test, call, &sp, room);
	KUNIT_EXPECT_EQ(test, slow.most, all);
	*w = saved_work;
	*c = saved_convert;
	WRITE_ONCE(vexfs_variant_in_use, in_use);
	kvfree(room);
}

static u32 sleepy_scan(const struct vexfs_space *sp, const void *q, u32 q_aux, const void *rows,
		       const u32 *aux, u32 n, u32 *keys)
{
	unsigned long before = current->nvcsw;

	memset(keys, 0, n * sizeof(*keys));
	/* A timer that fires before the task has left its processor does not make it leave. */
	do
		usleep_range(200, 300);
	while (current->nvcsw == before);
	return 0;
}

/* Integer code may be scheduled out; the time of other tasks is not its time. */
static void scheduled_out_is_no_sample(struct kunit *test)
{
	struct vexfs_math_variant *in_use = vexfs_variant(), *e = vexfs_variants[0];
	struct vexfs_math_ops *w = &e->ops[VEXFS_TYPE_I8][VEXFS_METRIC_L2], saved = *w;
	u32 keys[CHECK_ROWS], i;
	struct vexfs_space sp;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 64));
	vexfs_test_world_fill(test, &world, &sp, KIND_RANDOM, 9, CHECK_ROWS, false);
	w->scan = sleepy_scan;
	/* Cut in two, and planned to be long. */
	w->pace.shape[VEXFS_SHAPE_SCAN].ps = vexfs_fpu_budget_ns() * 1000 / (2 * CHECK_ROWS);
	saved.pace.shape[VEXFS_SHAPE_SCAN] = w->pace.shape[VEXFS_SHAPE_SCAN];
	WRITE_ONCE(vexfs_variant_in_use, e);
	for (i = 0; i < 20; i++)
		vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n,
				keys);
	WRITE_ONCE(vexfs_variant_in_use, in_use);
	KUNIT_EXPECT_EQ(test, w->pace.shape[VEXFS_SHAPE_SCAN].ps,
			saved.pace.shape[VEXFS_SHAPE_SCAN].ps);
	*w = saved;
}

struct foreign {
	struct tasklet_struct tasklet;
	u64 began;
};

static void run_foreign(struct tasklet_struct *t)
{
	struct foreign *f = container_of(t, struct foreign, tasklet);

	WRITE_ONCE(f->began, vexfs_clock());
	mdelay(1);
}

/* A soft interrupt that was deferred by the section is not part of its time. */
static void section_ends_before_soft_interrupts(struct kunit *test)
{
	static struct foreign f;
	bool inside;
	u64 stamp;
	u32 ns;

	tasklet_setup(&f.tasklet, run_foreign);
	f.began = 0;
	stamp = vexfs_fpu_begin();
	tasklet_schedule(&f.tasklet);
	inside = READ_ONCE(f.began);
	ns = vexfs_fpu_end(stamp);
	while (!READ_ONCE(f.began))
		cond_resched();
	tasklet_kill(&f.tasklet);
	if (inside)
		kunit_skip(test, "soft interrupts run inside sections here");
	/* The pace of the clock may have been corrected in between. */
	KUNIT_EXPECT_LE(test, ns, vexfs_clock_ns(stamp, f.began) + 1000);
}

/* Without a usable cycle counter sections are timed in nanoseconds. */
static void kernel_clock_fallback(struct kunit *test)
{
	struct vexfs_clock saved;
	unsigned long flags;
	u64 from, took;
	u32 ns;

	local_irq_save(flags);
	saved = vexfs_the_clock;
	vexfs_the_clock = (struct vexfs_clock){ .pace = 1U << VEXFS_CLOCK_SHIFT };
	from = ktime_get_ns();
	ns = 0;
	do {
		u64 stamp = vexfs_fpu_begin();

		while (vexfs_clock() - stamp < 20000)
			cpu_relax();
		ns += vexfs_fpu_end(stamp);
	} while (ns < 100000);
	took = ktime_get_ns() - from;
	vexfs_the_clock = saved;
	local_irq_restore(flags);
	KUNIT_EXPECT_GE(test, ns, 100000);
	KUNIT_EXPECT_LE(test, ns, took);
}

/**
 * struct visit - the same gathers from another context
 * @work: for a hard interrupt
 * @timer: for a soft one
 * @float_sp: of a type that needs the FPU
 * @int_sp: of one that does not
 * @ints: an integer query and a row
 * @int_aux: auxiliaries of @ints
 * @floats: a float query and a row, both zero
 * @copy: what an import writes
 * @packed: the integer query for the block shape
 * @usable: what the arithmetic says of that context
 * @hard: was it a hard interrupt?
 * @float_err: result there
 * @int_err: result there
 * @block_err: result of the block shape
 * @import_err: result of an import
 * @float_key: key there
 * @int_key: key there
 * @visits: how often it ran
 */
struct visit {
	struct irq_work work;
	struct timer_list timer;
	struct vexfs_space float_sp;
	struct vexfs_space int_sp;
	u8 ints[2][64] __aligned(VEXFS_ROW_ALIGN);
	u8 floats[2][256] __aligned(VEXFS_ROW_ALIGN);
	u8 copy[64] __aligned(VEXFS_ROW_ALIGN);
	u8 packed[4096] __aligned(VEXFS_ROW_ALIGN);
	u32 int_aux[2];
	bool usable;
	bool hard;
	int float_err;
	int int_err;
	int block_err;
	int import_err;
	u32 float_key;
	u32 int_key;
	u32 visits;
};

static void do_visit(struct visit *v)
{
	const void *int_row = v->ints[1], *float_row = v->floats[1];
	struct vexfs_block_hit hit;
	u32 aux = 0, limit, key;
	struct vexfs_block_room room = { &hit, 1, &key };

	v->usable = vexfs_fpu_usable();
	v->hard = in_hardirq();
	v->float_err = vexfs_math_gather(&v->float_sp, v->floats[0], 0, &float_row, &aux, 1,
					 &v->float_key);
	v->int_err = vexfs_math_gather(&v->int_sp, v->ints[0], v->int_aux[0], &int_row,
				       &v->int_aux[1], 1, &v->int_key);
	limit = v->int_key;
	v->block_err = vexfs_math_block_pack(&v->int_sp, v->packed, v->ints[0], v->int_aux, 1);
	if (!v->block_err)
		v->block_err = vexfs_math_block(&v->int_sp, v->packed, 1, &limit, int_row,
						&v->int_aux[1], 1, NULL, &room);
	v->import_err = vexfs_math_import_raw(&v->int_sp, v->copy, &aux, int_row, 64, 1, NULL);
	/* who sees the visit sees what it found */
	smp_store_release(&v->visits, v->visits + 1);
}

static void visit_by_irq_work(struct irq_work *work)
{
	do_visit(container_of(work, struct visit, work));
}

static void visit_by_timer(struct timer_list *timer)
{
	do_visit(container_of(timer, struct visit, timer));
}

static struct visit *new_visit(struct kunit *test)
{
	struct visit *v = kunit_kzalloc(test, sizeof(*v) + VEXFS_ROW_ALIGN, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, v);
	v = PTR_ALIGN(v, VEXFS_ROW_ALIGN);
	v->work = IRQ_WORK_INIT_HARD(visit_by_irq_work);
	timer_setup(&v->timer, visit_by_timer, 0);
	vexfs_space_init(&v->float_sp, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 64);
	vexfs_space_init(&v->int_sp, VEXFS_TYPE_U8, VEXFS_METRIC_L2, 64);
	KUNIT_ASSERT_LE(test, vexfs_math_block_bytes(&v->int_sp, 1), sizeof(v->packed));
	/* 64 differences of 2: 256. */
	for (i = 0; i < 2; i++) {
		u8 src[64];

		memset(src, 3 + 2 * i, sizeof(src));
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_import_raw(&v->int_sp, v->ints[i],
							       &v->int_aux[i], src, 64, 1, NULL));
	}
	return v;
}

/* The keys of 256 and of 0. */
#define KEY_256		(0x43800000u | 0x80000000u)
#define KEY_0		0x80000000u

/* Waits without sleeping, so that it works inside a section, too. */
static bool wait_for_visit(struct visit *v, u32 visits)
{
	unsigned long end = jiffies + 10 * HZ;

	/* pairs with the release at the end of a visit */
	while (smp_load_acquire(&v->visits) < visits) {
		if (time_after(jiffies, end))
			return false;
		cpu_relax();
	}
	return true;
}

/* In every context the result is right, or the call returns an error. */
static void check_visit(struct kunit *test, const struct visit *v)
{
	if (v->usable)
		KUNIT_EXPECT_EQ(test, v->float_key, KEY_0);
	KUNIT_EXPECT_EQ(test, v->float_err, v->usable ? 0 : -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, v->import_err, v->usable ? 0 : -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, v->int_err, 0);
	KUNIT_EXPECT_EQ(test, v->int_key, KEY_256);
	KUNIT_EXPECT_EQ(test, v->block_err, 1);
}

static void hard_interrupt(struct kunit *test)
{
	struct visit *v = new_visit(test);
	struct vexfs_fpu_totals before, after;

	vexfs_fpu_totals(&before);
	irq_work_queue(&v->work);
	irq_work_sync(&v->work);
	vexfs_fpu_totals(&after);
	KUNIT_ASSERT_EQ(test, v->visits, 1);
	KUNIT_EXPECT_TRUE(test, v->hard);
	KUNIT_EXPECT_FALSE(test, v->usable);
	check_visit(test, v);
	KUNIT_EXPECT_GE(test, after.refused - before.refused, 2);
	if (vexfs_variant() != vexfs_variants[0])
		KUNIT_EXPECT_GE(test, after.without - before.without, 2);
}

static void soft_interrupt(struct kunit *test)
{
	struct visit *v = new_visit(test);

	mod_timer(&v->timer, jiffies + 1);
	KUNIT_EXPECT_TRUE(test, wait_for_visit(v, 1));
	timer_delete_sync(&v->timer);
	KUNIT_EXPECT_FALSE(test, v->hard);
	check_visit(test, v);
}

/* The code takes an NMI for what the preemption count says. */
static void nmi(struct kunit *test)
{
	struct visit *v = new_visit(test);
	unsigned long flags;

	local_irq_save(flags);
	__preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
	if (in_nmi())
		do_visit(v);
	__preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
	local_irq_restore(flags);
	KUNIT_ASSERT_EQ(test, v->visits, 1);
	KUNIT_EXPECT_FALSE(test, v->usable);
	check_visit(test, v);
}

/* An interrupt in the middle of a section, and the section's report afterwards. */
static void interrupt_in_a_section(struct kunit *test)
{
	struct visit *v = new_visit(test);
	bool came;
	u64 stamp;

	stamp = vexfs_fpu_begin();
	irq_work_queue(&v->work);
	came = wait_for_visit(v, 1);
	vexfs_fpu_end(stamp);
	irq_work_sync(&v->work);
	KUNIT_ASSERT_TRUE(test, came);
	KUNIT_EXPECT_FALSE(test, v->usable);
	check_visit(test, v);
}

static void section_in_a_section(struct kunit *test)
{
	struct visit *v = new_visit(test);
	u64 stamp = vexfs_fpu_begin();

	do_visit(v);
	vexfs_fpu_end(stamp);
	/* A real kernel forbids it; User Mode Linux has no such rule. */
	KUNIT_EXPECT_EQ(test, v->usable, IS_ENABLED(CONFIG_UML));
	check_visit(test, v);
}

/* Floats are computed while interrupts compute integers on top. */
static void interrupts_during_sections(struct kunit *test)
{
	u32 want[CHECK_ROWS], rounds = vexfs_kunit_quick ? 20 : 200, i, visits = 0;
	struct visit *v = new_visit(test);
	struct vexfs_space sp;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, VEXFS_TYPE_F32, VEXFS_METRIC_IP, 768));
	vexfs_test_world_fill(test, &world, &sp, KIND_RANDOM, vexfs_test_rows_for(768),
			      vexfs_test_rows_for(768), true);
	vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n, want);
	for (i = 0; i < rounds; i++) {
		if (irq_work_queue(&v->work))
			visits++;
		vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n,
				world.keys);
		KUNIT_ASSERT_EQ(test, 0, memcmp(want, world.keys, world.n * sizeof(u32)));
	}
	irq_work_sync(&v->work);
	KUNIT_EXPECT_EQ(test, v->visits, visits);
	check_visit(test, v);
}

/* Several sections in atomic context: no scheduling in between. */
static void long_call_in_atomic_context(struct kunit *test)
{
	static DEFINE_SPINLOCK(lock);
	u32 want[CHECK_ROWS], us = vexfs_fpu_budget_ns() / 1000;
	struct vexfs_space sp;
	unsigned long flags;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, VEXFS_TYPE_F16, VEXFS_METRIC_L2,
						  VEXFS_DIM_MAX));
	vexfs_test_world_fill(test, &world, &sp, KIND_RANDOM, vexfs_test_rows_for(VEXFS_DIM_MAX),
			      vexfs_test_rows_for(VEXFS_DIM_MAX), true);
	vexfs_fpu_set_budget(VEXFS_FPU_BUDGET_MIN_US);
	vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n, want);

	spin_lock_irqsave(&lock, flags);
	vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n, world.keys);
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, 0, memcmp(want, world.keys, world.n * sizeof(u32)));

	rcu_read_lock();
	vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n, world.keys);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 0, memcmp(want, world.keys, world.n * sizeof(u32)));

	preempt_disable();
	vexfs_math_scan(&sp, world.query, world.q_aux, world.rows, world.aux, world.n, world.keys);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, 0, memcmp(want, world.keys, world.n * sizeof(u32)));
	vexfs_fpu_set_budget(us);
}

static int fpu_suite_init(struct kunit_suite *suite)
{
	return vexfs_test_world_alloc(&world);
}

static void fpu_suite_exit(struct kunit_suite *suite)
{
	vexfs_test_world_free(&world);
}

static struct kunit_case fpu_cases[] = {
	KUNIT_CASE(items_fit_the_budget),
	KUNIT_CASE(paces_adapt),
	KUNIT_CASE(pace_follows_slow_memory),
	KUNIT_CASE(empty_section_is_no_sample),
	KUNIT_CASE(single_long_section_is_ignored),
	KUNIT_CASE(distant_long_sections_are_ignored),
	KUNIT_CASE_PARAM(slow_work_is_cut, slow_gen),
	KUNIT_CASE(scheduled_out_is_no_sample),
	KUNIT_CASE(section_ends_before_soft_interrupts),
	KUNIT_CASE(kernel_clock_fallback),
	KUNIT_CASE(budget_has_bounds),
	KUNIT_CASE_PARAM(budget_is_kept, long_gen),
	KUNIT_CASE(hard_interrupt),
	KUNIT_CASE(soft_interrupt),
	KUNIT_CASE(nmi),
	KUNIT_CASE(interrupt_in_a_section),
	KUNIT_CASE(section_in_a_section),
	KUNIT_CASE(interrupts_during_sections),
	KUNIT_CASE(long_call_in_atomic_context),
	{}
};

static struct kunit_suite fpu_suite = {
	.name = "vexfs_math_fpu",
	.suite_init = fpu_suite_init,
	.suite_exit = fpu_suite_exit,
	.test_cases = fpu_cases,
};
kunit_test_suite(fpu_suite);
