// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing the variant: what is refused, switching while others compute, and the
 * self-test, which must find a fault that was planted. Keys and spaces come along,
 * since both are the same whatever was chosen.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/proof.h"
#include "math_check.h"
#include "suites.h"

#define WORKERS		3u
#define WORK_ROWS	64u
#define WORK_DIM	200u

/* Back to what was asked for before the case; the suite leaves no trace. */
static void restore(const struct vexfs_math_variant *in_use, bool was_auto)
{
	vexfs_variant_select(was_auto ? "auto" : in_use->name);
}

static void select_refuses(struct kunit *test)
{
	struct vexfs_math_variant *in_use = vexfs_variant();
	bool was_auto = vexfs_variant_is_auto();
	u32 i;

	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_variant_select("altivec"));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_variant_select(""));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_variant_select("scalar2"));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_variant_select("scalar avx2"));
	KUNIT_EXPECT_PTR_EQ(test, in_use, vexfs_variant());
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *e = vexfs_variants[i];

		if (vexfs_variant_usable(e)) {
			KUNIT_EXPECT_EQ(test, 0, vexfs_variant_select(e->name));
			KUNIT_EXPECT_PTR_EQ(test, e, vexfs_variant());
			KUNIT_EXPECT_FALSE(test, vexfs_variant_is_auto());
		} else {
			KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vexfs_variant_select(e->name));
			KUNIT_EXPECT_PTR_NE(test, e, vexfs_variant());
		}
	}
	KUNIT_EXPECT_EQ(test, 0, vexfs_variant_select("auto\n"));
	KUNIT_EXPECT_TRUE(test, vexfs_variant_is_auto());
	restore(in_use, was_auto);
}

/* One that the kernel advises against is taken when it is asked for, and only then. */
static void avoided_variant_needs_parameter(struct kunit *test)
{
	struct vexfs_math_variant *in_use = vexfs_variant(), *best;
	bool was_auto = vexfs_variant_is_auto();

	KUNIT_ASSERT_EQ(test, 0, vexfs_variant_select("auto"));
	best = vexfs_variant();
	if (best != vexfs_variants[0]) {
		best->avoided = true;
		KUNIT_EXPECT_EQ(test, 0, vexfs_variant_select("auto"));
		KUNIT_EXPECT_TRUE(test, vexfs_variant() < best);
		KUNIT_EXPECT_EQ(test, 0, vexfs_variant_select(best->name));
		KUNIT_EXPECT_PTR_EQ(test, best, vexfs_variant());
		best->avoided = false;
	}
	restore(in_use, was_auto);
}

/*
 * Faults for the self-test to find: each function of a form, of codes and of a conversion
 * has one that does the same and then spoils a place. Those on @count rows spoil the one
 * at @at, so that every loop that rows go through is spoiled once.
 */
enum fault {
	FAULT_SCAN,
	FAULT_GATHER,
	FAULT_BY_ROW,	/* those up to here have a count */
	FAULT_PART = FAULT_BY_ROW,
	FAULT_FINISH,
	FAULT_PACK,
	FAULT_BLOCK,
	FAULT_CODE_ROWS,
	FAULT_CODE_QUERY,
	FAULT_CODE_SCAN,
	FAULT_CODE_PACK,
	FAULT_CODE_BLOCK,
	FAULT_FROM_F32,
	FAULT_FROM_RAW,
	FAULT_AUX,
	FAULT_ROWS,
	FAULT_ROWS_AWAY,
	FAULT_PAGED,
	FAULT_PAGED_AWAY,
	FAULT_TO_F32,
	FAULTS
};

static const char * const fault_names[] = {
	"scan", "gather", "part", "finish", "pack", "block", "code rows", "code query",
	"code scan", "code pack", "code block", "from f32", "from raw", "aux", "rows",
	"rows away", "paged", "paged away", "to f32",
};

/* A group, the one before the last, the rest, rests that are no group, a single row. */
static const struct {
	u8 count;
	u8 at;
} places[] = { { 37, 0 }, { 37, 21 }, { 37, 36 }, { 35, 34 }, { 17, 16 }, { 17, 9 }, { 5, 3 },
	       { 1, 0 } };

static struct {
	struct vexfs_math_codes codes;
	struct vexfs_math_ops good;
	struct vexfs_math_conv good_conv;
	u32 count;
	u32 at;
	bool away;
} planted;

static u32 bad_scan(const struct vexfs_space *sp, const void *q, u32 q_aux, const void *rows,
		    const u32 *aux, u32 n, u32 *keys)
{
	u32 wide = planted.good.scan(sp, q, q_aux, rows, aux, n, keys);

	if (n == planted.count)
		keys[planted.at] ^= 1;
	return wide;
}

static u32 bad_gather(const struct vexfs_space *sp, const void *q, u32 q_aux,
		      const void *const *rows, const u32 *aux, u32 n, u32 *keys)
{
	u32 wide = planted.good.gather(sp, q, q_aux, rows, aux, n, keys);

	if (n == planted.count)
		keys[planted.at] ^= 1;
	return wide;
}

static void bad_part(const struct vexfs_space *sp, const void *q, const void *row, u32 from,
		     u32 to, struct vexfs_math_state *st)
{
	planted.good.part(sp, q, row, from, to, st);
	st->bytes[2] ^= 0x80;
}

static u32 bad_finish(const struct vexfs_space *sp, const struct vexfs_math_state *st, u32 q_aux,
		      u32 aux)
{
	return planted.good.finish(sp, st, q_aux, aux) ^ 1;
}

static void bad_pack(const struct vexfs_space *sp, void *packed, const void *queries,
		     const u32 *q_aux, u32 nq, u32 first, u32 count)
{
	planted.good.block_pack(sp, packed, queries, q_aux, nq, first, count);
	if (first)
		memset(packed + planted.good.block_bytes(sp, first), 0x4f, 4);
}

static u32 bad_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
		     u32 count, const u32 *limits, const void *rows, const u32 *aux, u32 n,
		     u32 row_base, struct vexfs_block_hit *hits, u32 max)
{
	u32 found = planted.good.block(sp, packed, nq, first, count, limits, rows, aux, n,
					     row_base, hits, max);

	return found ? found - 1 : 0;
}

static void bad_code_rows(const struct vexfs_space *sp, void *out, const void *rows,
			  const u32 *aux, u32 n)
{
	planted.good.codes->rows(sp, out, rows, aux, n);
	((u8 *)out)[(n - 1) * vexfs_code_step(sp) + VEXFS_CODE_HEAD] ^= 0x80;
}

static void bad_code_query(const struct vexfs_space *sp, void *out, const void *q, u32 q_aux)
{
	planted.good.codes->query(sp, out, q, q_aux);
	((u8 *)out)[VEXFS_CODE_QUERY_HEAD + VEXFS_CODE_HEAD] ^= 0x80;
}

static u32 bad_code_scan(const struct vexfs_space *sp, const void *query, u32 limit,
			 const void *codes, u32 n, u32 row_base, u16 *near, u32 max)
{
	u32 found = planted.good.codes->scan(sp, query, limit, codes, n, row_base, near, max);

	return found ? found - 1 : 0;
}

static void bad_code_pack(const struct vexfs_space *sp, void *packed, const void *queries,
			  const u32 *q_aux, u32 nq, u32 first, u32 count)
{
	planted.good.codes->pack(sp, packed, queries, q_aux, nq, first, count);
	if (first)
		((u8 *)packed)[planted.good.codes->bytes(sp, first)] ^= 0x80;
}

static u32 bad_code_block(const struct vexfs_space *sp, const void *packed, u32 nq, u32 first,
			  u32 count, const u32 *limits, const void *codes, u32 n, u32 row_base,
			  struct vexfs_block_hit *hits, u32 max)
{
	u32 found = planted.good.codes->block(sp, packed, nq, first, count, limits, codes, n,
					      row_base, hits, max);

	return found ? found - 1 : 0;
}

static int bad_from_f32(const struct vexfs_space *sp, void *row, const void *src, u32 from,
			u32 count, struct vexfs_math_state *st)
{
	int err = planted.good_conv.from_f32(sp, row, src, from, count, st);

	*(u8 *)row ^= 1;
	return err;
}

static int bad_from_raw(const struct vexfs_space *sp, void *row, const void *src, u32 from,
			u32 count, struct vexfs_math_state *st)
{
	int err = planted.good_conv.from_raw(sp, row, src, from, count, st);

	*(u8 *)row ^= 1;
	return err;
}

static u32 bad_aux(const struct vexfs_space *sp, const struct vexfs_math_state *st)
{
	return planted.good_conv.aux(sp, st) ^ 1;
}

static u32 bad_rows(const struct vexfs_space *sp, void *rows, u32 *aux, const void *src,
		    size_t src_step, u32 n, bool away)
{
	u32 done = planted.good_conv.rows(sp, rows, aux, src, src_step, n, away);

	if (away == planted.away)
		*(u8 *)(rows + (n - 1) * sp->stride) ^= 1;
	return done;
}

static u32 bad_paged(const struct vexfs_space *sp, void *rows, u32 *aux,
		     const struct vexfs_paged *src, u32 first, u32 n, bool away)
{
	u32 done = planted.good_conv.paged(sp, rows, aux, src, first, n, away);

	if (away == planted.away)
		aux[n - 1] ^= 1;
	return done;
}

static void bad_to_f32(const struct vexfs_space *sp, void *dst, const void *row, u32 from,
		       u32 count)
{
	planted.good_conv.to_f32(sp, dst, row, from, count);
	((u8 *)dst)[4 * (from + count) - 1] ^= 1;
}

/* Each of these is false where there is nothing to spoil. */
static bool plant_ops(struct vexfs_math_ops *w, enum fault fault)
{
	switch (fault) {
	case FAULT_SCAN:
		w->scan = bad_scan;
		break;
	case FAULT_GATHER:
		w->gather = bad_gather;
		break;
	case FAULT_PART:
		w->part = bad_part;
		break;
	case FAULT_FINISH:
		w->finish = bad_finish;
		break;
	case FAULT_PACK:
		w->block_pack = bad_pack;
		if (!w->block_group)
			return false;
		break;
	case FAULT_BLOCK:
		w->block = bad_block;
		if (!w->block_group)
			return false;
		break;
	default:
		break;
	}
	return true;
}

static bool plant_codes(struct vexfs_math_codes *r, enum fault fault)
{
	switch (fault) {
	case FAULT_CODE_ROWS:
		r->rows = bad_code_rows;
		break;
	case FAULT_CODE_QUERY:
		r->query = bad_code_query;
		break;
	case FAULT_CODE_SCAN:
		r->scan = bad_code_scan;
		break;
	case FAULT_CODE_PACK:
		r->pack = bad_code_pack;
		if (!r->group)
			return false;
		break;
	case FAULT_CODE_BLOCK:
		r->block = bad_code_block;
		if (!r->group)
			return false;
		break;
	default:
		break;
	}
	return true;
}

static bool plant_conv(struct vexfs_math_conv *v, enum fault fault)
{
	switch (fault) {
	case FAULT_FROM_F32:
		v->from_f32 = bad_from_f32;
		break;
	case FAULT_FROM_RAW:
		v->from_raw = bad_from_raw;
		break;
	case FAULT_AUX:
		v->aux = bad_aux;
		break;
	case FAULT_ROWS:
	case FAULT_ROWS_AWAY:
		if (!v->rows)
			return false;
		v->rows = bad_rows;
		break;
	case FAULT_PAGED:
	case FAULT_PAGED_AWAY:
		if (!v->paged)
			return false;
		v->paged = bad_paged;
		break;
	case FAULT_TO_F32:
		v->to_f32 = bad_to_f32;
		break;
	default:
		break;
	}
	return true;
}

static bool plant(struct vexfs_math_ops *w, struct vexfs_math_conv *c, enum fault fault)
{
	struct vexfs_math_ops f = *w;
	struct vexfs_math_conv v = *c;
	bool codes = fault >= FAULT_CODE_ROWS && fault <= FAULT_CODE_BLOCK;

	planted.away = fault == FAULT_ROWS_AWAY || fault == FAULT_PAGED_AWAY;
	planted.good = *w;
	planted.good_conv = *c;
	planted.codes = w->codes ? *w->codes : (struct vexfs_math_codes){};
	if (!plant_ops(&f, fault) || (codes && !w->codes) || !plant_codes(&planted.codes, fault) ||
	    !plant_conv(&v, fault))
		return false;
	if (f.codes)
		f.codes = &planted.codes;
	*w = f;
	*c = v;
	return true;
}

/* Is the variant disabled by the self-test while the fault is there, and only then? */
static void find_fault(struct kunit *test, struct vexfs_math_variant *e, u32 type, u32 metric,
		       enum fault fault, u32 place)
{
	struct vexfs_math_ops *w = &e->ops[type][metric];
	struct vexfs_math_conv *c = &e->convert[type];

	planted.count = places[place].count;
	planted.at = places[place].at;
	if (!plant(w, c, fault))
		return;
	KUNIT_EXPECT_EQ(test, 0, vexfs_math_selftest(NULL, NULL));
	*w = planted.good;
	*c = planted.good_conv;
	if (!e->failed)
		KUNIT_FAIL(test, "%s %s %s: a fault in %s, row %u of %u, was not found\n",
			   e->name, vexfs_type_name(type), vexfs_metric_name(metric),
			   fault_names[fault], planted.at, planted.count);
	e->failed = NULL;
}

/* A variant with a fault is found, disabled, and refused from then on. */
static void failed_is_refused(struct kunit *test, struct vexfs_math_variant *e)
{
	struct vexfs_math_ops *w = &e->ops[VEXFS_TYPE_F32][VEXFS_METRIC_L2];
	struct vexfs_math_conv *c = &e->convert[VEXFS_TYPE_F32];

	KUNIT_ASSERT_EQ(test, 0, vexfs_variant_select(e->name));
	planted.count = places[0].count;
	planted.at = places[0].at;
	plant(w, c, FAULT_SCAN);
	KUNIT_EXPECT_EQ(test, 0, vexfs_math_selftest(NULL, NULL));
	*w = planted.good;
	*c = planted.good_conv;
	KUNIT_EXPECT_NOT_NULL(test, e->failed);
	KUNIT_EXPECT_FALSE(test, vexfs_variant_usable(e));
	KUNIT_EXPECT_PTR_NE(test, e, vexfs_variant());
	KUNIT_EXPECT_TRUE(test, vexfs_variant_is_auto());
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vexfs_variant_select(e->name));

	/* Without the fault it is as good as before. */
	e->failed = NULL;
	KUNIT_EXPECT_EQ(test, 0, vexfs_math_selftest(NULL, NULL));
	KUNIT_EXPECT_NULL(test, e->failed);
}

static void planted_fault_is_found(struct kunit *test)
{
	static const struct {
		u8 type;
		u8 metric;
	} spaces[] = {
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F32, VEXFS_METRIC_COS },
		{ VEXFS_TYPE_F16, VEXFS_METRIC_IP }, { VEXFS_TYPE_BF16, VEXFS_METRIC_COS },
		{ VEXFS_TYPE_I8, VEXFS_METRIC_L2 }, { VEXFS_TYPE_U8, VEXFS_METRIC_L1 },
		{ VEXFS_TYPE_U8, VEXFS_METRIC_IP }, { VEXFS_TYPE_B1, VEXFS_METRIC_JACCARD },
	};
	struct vexfs_math_variant *in_use = vexfs_variant(), *e;
	bool was_auto = vexfs_variant_is_auto();
	const char *aside[VEXFS_VARIANTS];
	u32 i, s, fault, place;

	BUILD_BUG_ON(ARRAY_SIZE(fault_names) != FAULTS);
	for (i = 1; i < VEXFS_VARIANTS; i++) {
		e = vexfs_variants[i];
		if (!vexfs_variant_usable(e))
			continue;
		failed_is_refused(test, e);
		/* The others do not take part: it is long enough with one. */
		for (s = 1; s < VEXFS_VARIANTS; s++) {
			aside[s] = vexfs_variants[s]->failed;
			if (s != i)
				vexfs_variants[s]->failed = "not its turn";
		}
		for (s = 0; s < ARRAY_SIZE(spaces); s++)
			for (fault = 0; fault < FAULTS; fault++)
				for (place = 0; place < (fault < FAULT_BY_ROW ?
							 ARRAY_SIZE(places) : 1); place++)
					if (!vexfs_kunit_quick || (s + fault + place) % 40 == 0)
						find_fault(test, e, spaces[s].type,
							   spaces[s].metric, fault, place);
		for (s = 1; s < VEXFS_VARIANTS; s++)
			vexfs_variants[s]->failed = aside[s];
	}
	restore(in_use, was_auto);
}

/**
 * struct worker - one thread that computes while variants change
 * @task: the thread
 * @int_sp: integer space, keys always the same
 * @float_sp: float space, keys of the scalar variant or of the vector ones
 * @ints: query and rows
 * @int_aux: auxiliaries of @ints
 * @floats: query and rows
 * @float_aux: auxiliaries of @floats
 * @int_keys: the expected keys
 * @float_keys: what must come out, by scalar or by vector
 * @packed: room for two packed queries
 * @rounds: done
 * @wrong: keys that were none of those
 * @err: last error of a call
 */
struct worker {
	struct task_struct *task;
	struct vexfs_space int_sp;
	struct vexfs_space float_sp;
	void *ints;
	u32 *int_aux;
	void *floats;
	u32 *float_aux;
	u32 int_keys[WORK_ROWS];
	u32 float_keys[2][WORK_ROWS];
	void *packed;
	u64 rounds;
	u64 wrong;
	int err;
};

static int compute_both(const struct worker *w, u32 *ints, u32 *floats)
{
	int err = vexfs_math_scan(&w->int_sp, w->ints, w->int_aux[0], w->ints + w->int_sp.stride,
				  w->int_aux + 1, WORK_ROWS, ints);

	return err ?: vexfs_math_scan(&w->float_sp, w->floats, w->float_aux[0],
				      w->floats + w->float_sp.stride, w->float_aux + 1, WORK_ROWS,
				      floats);
}

/* Every call is answered by one variant, so all keys of a call are of one kind. */
static void one_round(struct worker *w)
{
	struct vexfs_block_hit hits[2];
	u32 ints[WORK_ROWS], floats[WORK_ROWS], limits[2] = { ~0u - 1, 0 }, keys[2];
	struct vexfs_block_room room = { hits, 2, keys };
	int err = compute_both(w, ints, floats);

	if (err)
		w->err = err;
	w->wrong += memcmp(ints, w->int_keys, sizeof(ints)) != 0;
	w->wrong += memcmp(floats, w->float_keys[0], sizeof(floats)) &&
		    memcmp(floats, w->float_keys[1], sizeof(floats));

	/* Packed by one variant, perhaps used while another one is in use. */
	err = vexfs_math_block_pack(&w->float_sp, w->packed, w->floats, w->float_aux, 2);
	if (!err)
		err = vexfs_math_block(&w->float_sp, w->packed, 2, limits, w->floats, w->float_aux,
				       2, NULL, &room);
	if (err < 0)
		w->err = err;
	else
		w->wrong += err != 2 || hits[0].query || hits[1].query;
	w->rounds++;
}

static int work(void *data)
{
	struct worker *w = data;

	while (!kthread_should_stop()) {
		one_round(w);
		cond_resched();
	}
	return 0;
}

static void *make_rows(struct kunit *test, const struct vexfs_space *sp, u32 **aux)
{
	u32 raw = vexfs_test_raw_bytes(sp->type, sp->dim), i;
	void *rows = kunit_kzalloc(test, (WORK_ROWS + 2) * sp->stride, GFP_KERNEL);
	void *src = kunit_kzalloc(test, raw, GFP_KERNEL);
	u64 seed = sp->type;

	*aux = kunit_kzalloc(test, (WORK_ROWS + 1) * sizeof(u32), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, rows && src && *aux);
	rows = PTR_ALIGN(rows, VEXFS_ROW_ALIGN);
	for (i = 0; i <= WORK_ROWS; i++) {
		vexfs_test_fill(src, sp->type, sp->dim, KIND_RANDOM, &seed);
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_import_raw(sp, rows + i * sp->stride, *aux + i,
							       src, raw, 1, NULL));
	}
	return rows;
}

static void set_up_worker(struct kunit *test, struct worker *w)
{
	u32 keys[WORK_ROWS];

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&w->int_sp, VEXFS_TYPE_I8, VEXFS_METRIC_IP,
						  WORK_DIM));
	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&w->float_sp, VEXFS_TYPE_F32, VEXFS_METRIC_COS,
						  WORK_DIM));
	w->ints = make_rows(test, &w->int_sp, &w->int_aux);
	w->floats = make_rows(test, &w->float_sp, &w->float_aux);
	w->packed = kunit_kzalloc(test, vexfs_math_block_bytes(&w->float_sp, 2) + VEXFS_ROW_ALIGN,
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w->packed);
	w->packed = PTR_ALIGN(w->packed, VEXFS_ROW_ALIGN);
	vexfs_variant_select("scalar");
	KUNIT_ASSERT_EQ(test, 0, compute_both(w, w->int_keys, w->float_keys[0]));
	vexfs_variant_select("auto");
	KUNIT_ASSERT_EQ(test, 0, compute_both(w, keys, w->float_keys[1]));
	KUNIT_ASSERT_EQ(test, 0, memcmp(keys, w->int_keys, sizeof(keys)));
}

static void switch_under_load(struct kunit *test)
{
	struct worker *workers = kunit_kzalloc(test, WORKERS * sizeof(*workers), GFP_KERNEL);
	struct vexfs_math_variant *in_use = vexfs_variant();
	bool was_auto = vexfs_variant_is_auto();
	u32 switches = vexfs_kunit_quick ? 500 : 5000, i;

	KUNIT_ASSERT_NOT_NULL(test, workers);
	for (i = 0; i < WORKERS; i++)
		set_up_worker(test, &workers[i]);
	for (i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		w->task = kthread_run(work, w, "vexfs-switch/%u", i);
		if (IS_ERR(w->task)) {
			w->task = NULL;
			KUNIT_FAIL(test, "no thread\n");
		}
	}
	for (i = 0; i < switches; i++) {
		struct vexfs_math_variant *e = vexfs_variants[i % VEXFS_VARIANTS];

		if (vexfs_variant_usable(e))
			vexfs_variant_select(e->name);
		cond_resched();
		if (i % 100 == 0)
			usleep_range(1000, 2000);
	}
	for (i = 0; i < WORKERS; i++) {
		if (!workers[i].task)
			continue;
		kthread_stop(workers[i].task);
		KUNIT_EXPECT_GT(test, workers[i].rounds, 0);
		KUNIT_EXPECT_EQ(test, workers[i].wrong, 0);
		KUNIT_EXPECT_EQ(test, workers[i].err, 0);
	}
	restore(in_use, was_auto);
}

/* Keys sort as the numbers do; every f32 comes back, and the two zeroes are one. */
static void keys_sort_as_distances(struct kunit *test)
{
	static const u32 ascending[] = {
		0xff800000, 0xff7fffff, 0xc2280000, 0xbf800001, 0xbf800000, 0xbf7fffff, 0x80800000,
		0x807fffff, 0x80000002, 0x80000001, 0x00000000, 0x00000001, 0x00000002, 0x007fffff,
		0x00800000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x42280000, 0x7f7fffff, 0x7f800000,
	};
	u64 seed = 7;
	u32 i, bits;

	for (i = 0; i < ARRAY_SIZE(ascending); i++) {
		u32 key = vexfs_key_from_f32(ascending[i]);

		KUNIT_EXPECT_EQ(test, vexfs_key_to_f32(key), ascending[i]);
		KUNIT_EXPECT_NE(test, key, VEXFS_KEY_WIDE);
		if (i)
			KUNIT_EXPECT_LT(test, vexfs_key_from_f32(ascending[i - 1]), key);
	}
	KUNIT_EXPECT_EQ(test, vexfs_key_from_f32(0x80000000), vexfs_key_from_f32(0));
	for (i = 0; i < 100000; i++) {
		bits = vexfs_test_random(&seed) | (i & 1) << 31;
		if (bits != 0x80000000 && vexfs_key_to_f32(vexfs_key_from_f32(bits)) != bits)
			KUNIT_FAIL(test, "%08x does not come back\n", bits);
		/* The next number away from zero is the next key away from the middle. */
		if ((bits & 0x7fffffff) < 0x7f800000 && bits != 0x80000000 &&
		    vexfs_key_from_f32(bits + 1) !=
		    vexfs_key_from_f32(bits) + (bits >> 31 ? -1 : 1))
			KUNIT_FAIL(test, "%08x and its neighbour do not sort\n", bits);
	}
}

static void spaces(struct kunit *test)
{
	static const struct {
		u32 type;
		u32 metrics;	/* bits */
	} legal[] = {
		{ VEXFS_TYPE_F32, 0x1e }, { VEXFS_TYPE_F16, 0x0e }, { VEXFS_TYPE_BF16, 0x0e },
		{ VEXFS_TYPE_I8, 0x1e }, { VEXFS_TYPE_U8, 0x1e }, { VEXFS_TYPE_B1, 0x60 },
	};
	struct vexfs_space sp;
	u32 i, metric;

	for (i = 0; i < ARRAY_SIZE(legal); i++) {
		for (metric = 0; metric < 40; metric++) {
			int err = vexfs_space_init(&sp, legal[i].type, metric, 100);

			KUNIT_EXPECT_EQ(test, err,
					metric < 32 && legal[i].metrics >> metric & 1 ? 0 : -EINVAL);
			if (err)
				continue;
			KUNIT_EXPECT_EQ(test, sp.row_bytes, vexfs_test_raw_bytes(sp.type, 100));
			KUNIT_EXPECT_EQ(test, sp.stride % VEXFS_ROW_ALIGN, 0);
			KUNIT_EXPECT_GE(test, sp.stride, sp.row_bytes);
			KUNIT_EXPECT_LT(test, sp.stride, sp.row_bytes + VEXFS_ROW_ALIGN);
		}
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_space_init(&sp, 0, VEXFS_METRIC_L2, 100));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_space_init(&sp, VEXFS_TYPES, VEXFS_METRIC_L2, 100));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_space_init(&sp, ~0u, VEXFS_METRIC_L2, 100));
	KUNIT_EXPECT_EQ(test, -EINVAL, vexfs_space_init(&sp, 1, VEXFS_METRIC_L2, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vexfs_space_init(&sp, 1, VEXFS_METRIC_L2, VEXFS_DIM_MAX + 1));
	KUNIT_EXPECT_EQ(test, 0, vexfs_space_init(&sp, 1, VEXFS_METRIC_L2, VEXFS_DIM_MAX));
}

static struct kunit_case switch_cases[] = {
	KUNIT_CASE(select_refuses),
	KUNIT_CASE(avoided_variant_needs_parameter),
	KUNIT_CASE(planted_fault_is_found),
	KUNIT_CASE(switch_under_load),
	KUNIT_CASE(keys_sort_as_distances),
	KUNIT_CASE(spaces),
	{}
};

static struct kunit_suite switch_suite = {
	.name = "vexfs_math_switch",
	.test_cases = switch_cases,
};
kunit_test_suite(switch_suite);
