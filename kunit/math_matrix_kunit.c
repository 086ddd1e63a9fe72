// SPDX-License-Identifier: GPL-2.0
/*
 * Every form of every variant in every shape, on every kind of input, against the
 * reference: keys near enough or exact, the same keys from every vector variant,
 * nothing read or written beyond the edges of a buffer.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/arch.h"
#include "math_check.h"
#include "suites.h"

enum { SCAN, GATHER, BLOCK, SHAPES };

static const char * const shape_names[] = { "scan", "gather", "block" };

/**
 * struct matrix_case - a parameter: one form, shape and kind of input
 * @variant: index
 * @form: index in the list of the variant
 * @shape: SCAN, GATHER or BLOCK
 * @kind: enum math_kind
 * @number: counts the cases
 */
struct matrix_case {
	u32 variant;
	u32 form;
	u32 shape;
	u32 kind;
	u32 number;
};

static struct math_world world;

static const struct vexfs_math_ops *form_of(const struct matrix_case *c)
{
	return &vexfs_variants[c->variant]->list[c->form];
}

static bool next_case(struct matrix_case *c)
{
	if (++c->kind < KINDS)
		return true;
	c->kind = 0;
	if (++c->shape < SHAPES)
		return true;
	c->shape = 0;
	if (++c->form < vexfs_variants[c->variant]->nr)
		return true;
	c->form = 0;
	return ++c->variant < VEXFS_VARIANTS;
}

/* Can this machine run it, and is there such a thing? */
static bool is_case(const struct matrix_case *c)
{
	const struct vexfs_math_ops *f = form_of(c);

	if (vexfs_cpu_lacks(vexfs_variants[c->variant]->needs | f->needs))
		return false;
	if (c->shape == BLOCK && !f->block_group)
		return false;
	return vexfs_test_kind_fits(c->kind, f->type);
}

/* One case after the other in one place: KUnit holds on to a single one. */
static const void *matrix_gen(VEXFS_GEN_TEST const void *prev, char *desc)
{
	static struct matrix_case c;
	const struct vexfs_math_ops *f;

	if (!prev) {
		memset(&c, 0, sizeof(c));
	} else {
		c.number++;
		if (!next_case(&c))
			return NULL;
	}
	while (!is_case(&c))
		if (!next_case(&c))
			return NULL;
	f = form_of(&c);
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s %s %s %s",
		 f->name, vexfs_type_name(f->type), vexfs_metric_name(f->metric),
		 shape_names[c.shape], vexfs_test_kind_name(c.kind));
	return &c;
}

/* Put @f in the place of the best entry, which was @best. Nothing else runs meanwhile. */
static void use_ops(struct vexfs_math_ops *ops, const struct vexfs_math_ops *f,
		    const struct vexfs_math_ops *best)
{
	*ops = *f;
	ops->codes = best->codes;
	ops->pace = best->pace;
}

/* Do all forms of this type give one key, or does the scalar one stand apart? */
static bool one_key(const struct vexfs_math_ops *f, const struct vexfs_math_variant *e)
{
	return f->type >= VEXFS_TYPE_I8 || e != vexfs_variants[0];
}

/* The keys of the other variants, which must be the same bit for bit. */
static void check_others(struct kunit *test, const struct vexfs_math_variant *mine,
			 const struct vexfs_math_ops *f)
{
	u32 keys[CHECK_ROWS];
	unsigned int i, row;

	for (i = 0; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *e = vexfs_variants[i];

		if (e == mine || e->lacks || !one_key(f, e) || !one_key(f, mine))
			continue;
		WRITE_ONCE(vexfs_variant_in_use, e);
		vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows, world.aux, world.n,
				keys);
		for (row = 0; row < world.n; row++)
			if (keys[row] != world.keys[row])
				KUNIT_FAIL(test, "dim %u, row %u: %s %08x, %s %08x\n",
					   world.sp.dim, row, f->name, world.keys[row],
					   e->name, keys[row]);
	}
}

/* Rows cut into parts must give the keys of rows in one piece. */
static void check_parts(struct kunit *test, struct vexfs_math_ops *w)
{
	struct vexfs_math_ops saved = *w;
	u32 keys[CHECK_ROWS];

	if (!w->fpu)
		return;
	w->pace.shape[VEXFS_SHAPE_SCAN].ps = U32_MAX;
	w->pace.part.ps = U32_MAX;
	vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows, world.aux, world.n, keys);
	*w = saved;
	if (memcmp(keys, world.keys, world.n * sizeof(u32)))
		KUNIT_FAIL(test, "dim %u: a row in parts has another key\n", world.sp.dim);
}

/* The loop that prefetches near, and the one that prefetches far: one key. */
static void check_ahead(struct kunit *test)
{
	u32 keys[CHECK_ROWS];

	vexfs_scan_far = !vexfs_scan_far;
	vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows, world.aux, world.n, keys);
	vexfs_scan_far = !vexfs_scan_far;
	if (memcmp(keys, world.keys, world.n * sizeof(u32)))
		KUNIT_FAIL(test, "dim %u: prefetching %s gives another key\n", world.sp.dim,
			   vexfs_scan_far ? "near" : "far");
}

static void run_scan(struct kunit *test, struct vexfs_math_variant *e,
		     const struct vexfs_math_ops *f)
{
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows,
						 world.aux, world.n, world.keys));
	vexfs_test_world_check(test, &world, "scan");
	check_ahead(test);
	check_parts(test, &e->ops[f->type][f->metric]);
	check_others(test, e, f);
}

/* Backwards and with the first row twice, so that no order is taken for granted. */
static void run_gather(struct kunit *test)
{
	const void *ptr[CHECK_ROWS + 1];
	u32 aux[CHECK_ROWS + 1], keys[CHECK_ROWS + 1];
	u32 n = world.n, i;

	for (i = 0; i < n; i++) {
		ptr[i] = world.ptr[n - 1 - i];
		aux[i] = world.aux[n - 1 - i];
	}
	ptr[n] = world.ptr[0];
	aux[n] = world.aux[0];
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_gather(&world.sp, world.query, world.q_aux, world.ptr,
						   world.aux, n, world.keys));
	vexfs_test_world_check(test, &world, "gather");
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_gather(&world.sp, world.query, world.q_aux, ptr, aux,
						   n + 1, keys));
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, keys[n - 1 - i], world.keys[i]);
	KUNIT_EXPECT_EQ(test, keys[n], world.keys[0]);
	vexfs_math_scan(&world.sp, world.query, world.q_aux, world.rows, world.aux, n, keys);
	KUNIT_EXPECT_EQ(test, 0, memcmp(keys, world.keys, n * sizeof(u32)));
}

/* Rows as queries against themselves; @exact are all keys, query by query. */
static void expect_hits(struct kunit *test, const struct vexfs_block_hit *hits, int found,
			const u32 *exact, const u32 *limits)
{
	static bool seen[CHECK_ROWS * CHECK_ROWS];
	u32 n = world.n, i;

	memset(seen, 0, sizeof(seen));

	for (i = 0; i < found; i++) {
		KUNIT_ASSERT_LT(test, hits[i].query, n);
		KUNIT_ASSERT_LT(test, hits[i].row, n);
		KUNIT_EXPECT_FALSE(test, seen[hits[i].query * n + hits[i].row]);
		seen[hits[i].query * n + hits[i].row] = true;
	}
	for (i = 0; i < n * n; i++)
		if (exact[i] <= limits[i / n] && !seen[i])
			KUNIT_FAIL(test, "dim %u: pair %u of %u with key %08x is missing\n",
				   world.sp.dim, i % n, i / n, exact[i]);
}

/* However the work is cut into sections, the hits are the same. */
static void run_block_cut(struct kunit *test, struct vexfs_math_ops *w, void *packed,
			  const void *codes, void *scratch, const u32 *exact, const u32 *limits,
			  struct vexfs_block_hit *hits)
{
	struct vexfs_block_room room = { hits, world.n * world.n, world.keys, scratch };
	static const u32 paces[] = { 1, 1000, 20000, 400000, U32_MAX };
	struct vexfs_pace *pack = codes || scratch ? &w->pace.code_pack : &w->pace.pack;
	struct vexfs_pace *block = codes || scratch ? &w->pace.code_block :
				   &w->pace.shape[VEXFS_SHAPE_BLOCK];
	u32 pack_ps = pack->ps, block_ps = block->ps, n = world.n, i;
	int found;

	for (i = 0; i < ARRAY_SIZE(paces); i++) {
		pack->ps = paces[i];
		block->ps = paces[i];
		KUNIT_ASSERT_EQ(test, 0, vexfs_math_block_pack(&world.sp, packed, world.rows,
							       world.aux, n));
		found = vexfs_math_block(&world.sp, packed, n, limits, world.rows, world.aux, n,
					 codes, &room);
		KUNIT_EXPECT_GE(test, found, 0);
		expect_hits(test, hits, found, exact, limits);
	}
	pack->ps = pack_ps;
	block->ps = block_ps;
}

static void run_block(struct kunit *test, struct vexfs_math_variant *e,
		      const struct vexfs_math_ops *f)
{
	static u32 exact[CHECK_ROWS * CHECK_ROWS], limits[CHECK_ROWS];
	static struct vexfs_block_hit hits[CHECK_ROWS * CHECK_ROWS];
	size_t bytes = vexfs_math_block_scratch(&world.sp, world.n);
	u32 n = world.n, q, wanted = 0;
	struct vexfs_block_room room = { hits, n * n, world.keys };
	void *packed, *scratch;
	int found;

	packed = kvmalloc(vexfs_math_block_bytes(&world.sp, n), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, packed);
	scratch = bytes ? kvmalloc(bytes, GFP_KERNEL) : NULL;
	KUNIT_ASSERT_TRUE(test, scratch || !bytes);
	for (q = 0; q < n; q++) {
		vexfs_math_scan(&world.sp, world.ptr[q], world.aux[q], world.rows, world.aux, n,
				exact + q * n);
		/* A row that really occurs: the limit itself must be found. */
		limits[q] = exact[q * n + (q * 5 + 1) % n];
	}
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_block_pack(&world.sp, packed, world.rows, world.aux, n));
	found = vexfs_math_block(&world.sp, packed, n, limits, world.rows, world.aux, n, NULL,
				 &room);
	KUNIT_EXPECT_GE(test, found, 0);
	expect_hits(test, hits, found, exact, limits);
	run_block_cut(test, &e->ops[f->type][f->metric], packed, NULL, NULL, exact, limits, hits);
	if (scratch) {
		run_block_cut(test, &e->ops[f->type][f->metric], packed, NULL, scratch, exact,
			      limits, hits);
		vexfs_math_code_rows(&world.sp, scratch, world.rows, world.aux, n);
		run_block_cut(test, &e->ops[f->type][f->metric], packed, scratch, NULL, exact,
			      limits, hits);
	}

	/* One place too few is told, and nothing is written behind the last. */
	for (q = 0; q < n * n; q++)
		wanted += exact[q] <= limits[q / n];
	hits[wanted - 1].row = ~0u;
	room.max_hits = wanted - 1;
	room.scratch = scratch;
	found = vexfs_math_block(&world.sp, packed, n, limits, world.rows, world.aux, n, NULL,
				 &room);
	KUNIT_EXPECT_EQ(test, found, -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, hits[wanted - 1].row, ~0u);
	kvfree(packed);
	kvfree(scratch);
}

/* A query against codes that one variant made and another reads, in sections of any size. */
static void run_codes(struct kunit *test)
{
	static const u32 paces[] = { 1, 400000, U32_MAX };
	static u32 exact[CHECK_ROWS];
	struct vexfs_math_variant *before = vexfs_variant();
	bool far = vexfs_scan_far;
	u32 bytes = vexfs_math_code_bytes(&world.sp), n = world.n, at, i, q, found;
	u16 near[CHECK_ROWS];
	void *codes, *query;

	if (!bytes)
		return;
	codes = kvmalloc(n * bytes, GFP_KERNEL);
	query = kvmalloc(vexfs_math_code_query_bytes(&world.sp), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, codes && query);
	for (at = 0; at < VEXFS_VARIANTS * ARRAY_SIZE(paces); at++) {
		struct vexfs_math_variant *writer = vexfs_variants[at % VEXFS_VARIANTS];
		struct vexfs_math_ops *ops = &before->ops[world.sp.type][world.sp.metric];
		struct vexfs_pace *pace = &ops->pace.code_scan;
		u32 ps = pace->ps;

		if (!vexfs_variant_usable(writer))
			continue;
		WRITE_ONCE(vexfs_variant_in_use, writer);
		vexfs_math_code_rows(&world.sp, codes, world.rows, world.aux, n);
		WRITE_ONCE(vexfs_variant_in_use, before);
		for (q = 0; q < n; q += q < 9 ? 1 : 10) {
			u32 limit;
			int got;

			vexfs_scan_far = q % 2;
			if (vexfs_math_code_query(&world.sp, query, world.ptr[q], world.aux[q]))
				break;
			vexfs_math_scan(&world.sp, world.ptr[q], world.aux[q], world.rows,
					world.aux, n, exact);
			limit = exact[(q * 5 + 1) % n];
			pace->ps = paces[at / VEXFS_VARIANTS];
			got = vexfs_math_code_scan(&world.sp, query, limit, codes, n, near, n);
			KUNIT_ASSERT_GE(test, got, 1);
			for (i = found = 0; i < n; i++) {
				bool named = found < got && near[found] == i;

				found += named;
				if (exact[i] <= limit && !named)
					KUNIT_FAIL(test, "dim %u: %s misses row %u with key %08x\n",
						   world.sp.dim, writer->name, i, exact[i]);
			}
			KUNIT_EXPECT_EQ(test, found, got);
			near[got - 1] = 0xffff;
			KUNIT_EXPECT_EQ(test, -EOVERFLOW,
					vexfs_math_code_scan(&world.sp, query, limit, codes, n, near,
							     got - 1));
			KUNIT_EXPECT_EQ(test, near[got - 1], 0xffff);
		}
		pace->ps = ps;
	}
	vexfs_scan_far = far;
	kvfree(codes);
	kvfree(query);
}

/*
 * Every pair of a block is looked at, so that it has many rows and queries, more than a
 * tile and a group of them, at some dimensions only.
 */
static u32 all_rows_for(const struct matrix_case *c, u32 dim)
{
	if (c->shape != BLOCK)
		return FEW_ROWS;
	if (dim > SMALL_DIMS ? dim == 257 : dim % 26 == c->number % 26)
		return CHECK_ROWS;
	return vexfs_test_rows_for(dim);
}

static void run_dim(struct kunit *test, const struct matrix_case *c, u32 dim)
{
	struct vexfs_math_variant *e = vexfs_variants[c->variant];
	const struct vexfs_math_ops *f = form_of(c);
	struct vexfs_math_ops *ops = &e->ops[f->type][f->metric], best = *ops;
	struct vexfs_space sp;

	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&sp, f->type, f->metric, dim));
	WRITE_ONCE(vexfs_variant_in_use, e);
	vexfs_test_world_fill(test, &world, &sp, c->kind, vexfs_test_rows_for(dim),
			      all_rows_for(c, dim), dim % 3);
	use_ops(ops, f, &best);
	if (c->shape == SCAN) {
		run_scan(test, e, f);
		run_codes(test);
	} else if (c->shape == GATHER) {
		run_gather(test);
	} else {
		run_block(test, e, f);
	}
	*ops = best;
}

/*
 * The longest rows take as much time as all others together: they are left to the
 * kinds that strain them. Under emulation each case looks at some dimensions; all
 * cases together look at all.
 */
static bool skip_dim(const struct matrix_case *c, u32 dim)
{
	if (dim == VEXFS_DIM_MAX && c->kind != KIND_RANDOM && c->kind != KIND_EXTREME &&
	    c->kind != KIND_MIXED)
		return true;
	if (!vexfs_kunit_quick)
		return false;
	if (dim == VEXFS_DIM_MAX)
		return c->number % 60;
	return (dim + c->number) % (dim <= SMALL_DIMS ? 52 : 14);
}

static void matrix(struct kunit *test)
{
	const struct matrix_case *c = test->param_value;
	struct vexfs_math_variant *in_use = vexfs_variant_in_use;
	u32 i;

	for (i = 1; i <= SMALL_DIMS; i++)
		if (!skip_dim(c, i))
			run_dim(test, c, i);
	for (i = 0; i < LARGE_DIMS; i++)
		if (!skip_dim(c, vexfs_test_large_dims[i]))
			run_dim(test, c, vexfs_test_large_dims[i]);
	WRITE_ONCE(vexfs_variant_in_use, in_use);
}

static int matrix_suite_init(struct kunit_suite *suite)
{
	return vexfs_test_world_alloc(&world);
}

static void matrix_suite_exit(struct kunit_suite *suite)
{
	vexfs_test_world_free(&world);
}

static struct kunit_case matrix_cases[] = {
	KUNIT_CASE_PARAM(matrix, matrix_gen),
	{}
};

static struct kunit_suite matrix_suite = {
	.name = "vexfs_math_matrix",
	.suite_init = matrix_suite_init,
	.suite_exit = matrix_suite_exit,
	.test_cases = matrix_cases,
};
kunit_test_suite(matrix_suite);
