// SPDX-License-Identifier: GPL-2.0
/*
 * The graph against a brute-force oracle: many small random graphs of every type and
 * metric, with interleaved inserts, updates and deletes, and the checker after every
 * step. A walk whose candidate list is as long as the number of vectors must find exactly
 * what a scan finds, since every node is reachable.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_edit.h"
#include "index/index.h"
#include "index/vector.h"
#include "suites.h"
#include "vectors.h"

#define IDS_MAX		2048u
#define DIM_MAX		64u

/* Distributions of the components. */
enum shape {
	SHAPE_RANDOM,
	SHAPE_FEW,		/* few different vectors, repeated */
	SHAPE_EQUAL,		/* all equal */
	SHAPE_LINE,		/* on a line */
	SHAPES
};

/**
 * struct world - a collection with a graph, and its expected contents
 * @c: the collection
 * @g: its graph
 * @there: by id: is it stored?
 * @n: number of stored ids
 * @ids: ids are below this
 * @shape: of the vectors
 * @rnd: random numbers
 * @vectors: buffer for a batch
 * @batch: ids of a batch
 * @hits: buffer for results
 */
struct world {
	struct vexfs_collection *c;
	struct vexfs_graph *g;
	bool there[IDS_MAX];
	u32 n;
	u32 ids;
	enum shape shape;
	struct rnd_state rnd;
	u32 vectors[64 * DIM_MAX];
	u64 batch[64];
	struct vexfs_hit hits[2][IDS_MAX];
	u8 row[1024] __aligned(VEXFS_ROW_ALIGN);
};

static u32 below(struct world *w, u32 n)
{
	return prandom_u32_state(&w->rnd) % n;
}

/* Converts a small integer to float without an FPU. */
static u32 f32_of(s32 v)
{
	u32 a = abs(v), top;

	if (!v)
		return 0;
	top = fls(a) - 1;
	return (v < 0 ? 0x80000000u : 0) | (127 + top) << 23 | (a << (23 - top) & 0x7fffff);
}

static void make_vector(struct world *w, u32 *v)
{
	u32 dim = w->c->space.dim, i;
	s32 at = (s32)below(w, 200) - 100;

	switch (w->shape) {
	case SHAPE_FEW:
		at = below(w, 5) + 1;
		for (i = 0; i < dim; i++)
			v[i] = f32_of((at * (s32)(i + 3)) % 23 - 11);
		break;
	case SHAPE_EQUAL:
		for (i = 0; i < dim; i++)
			v[i] = f32_of(i % 3 + 1);
		break;
	case SHAPE_LINE:
		for (i = 0; i < dim; i++)
			v[i] = f32_of(at);
		break;
	default:
		for (i = 0; i < dim; i++)
			v[i] = f32_of((s32)below(w, 255) - 127);
	}
	/* unsigned bytes accept everything, but saturate: stay in range */
	for (i = 0; i < dim; i++)
		if (w->c->space.type == VEXFS_TYPE_U8)
			v[i] &= 0x7fffffff;
}

static void world_init(struct kunit *test, struct world *w, u32 type, u32 metric, u32 dim, u32 m,
		       u32 efc, u32 code)
{
	struct vexfs_spec spec = { .name = "graph-kunit", .mode = 0600,
				   .index_kind = VEXFS_INDEX_GRAPH };
	int idx;

	KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec.space, type, metric, dim), 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_create(&spec, &w->c), 0);
	KUNIT_ASSERT_EQ(test, vexfs_graph_attach(w->c, m, efc, code, false), 0);
	idx = vexfs_read_lock(w->c);
	w->g = vexfs_graph_of(w->c);
	vexfs_read_unlock(w->c, idx);
	memset(w->there, 0, sizeof(w->there));
	w->n = 0;
}

static void world_exit(struct world *w)
{
	vexfs_collection_put(w->c);
	w->c = NULL;
}

/* Stores or updates @n vectors whose ids are in w->batch. */
static void put_vector(struct kunit *test, struct world *w, u32 n)
{
	struct vexfs_put_part part = { .flags = VEXFS_PUT_UPSERT, .n = n, .ids = w->batch,
				       .vectors = w->vectors };
	u32 i;

	for (i = 0; i < n; i++)
		make_vector(w, w->vectors + i * w->c->space.dim);
	KUNIT_EXPECT_EQ(test, vexfs_put_vectors(w->c, &part), 0);
	KUNIT_ASSERT_EQ(test, part.done, n);
	for (i = 0; i < n; i++) {
		w->n += !w->there[w->batch[i]];
		w->there[w->batch[i]] = true;
	}
}

static void take_away(struct kunit *test, struct world *w, u32 n)
{
	u32 i;

	KUNIT_ASSERT_EQ(test, vexfs_test_delete(w->c, w->batch, n, 0), 0);
	for (i = 0; i < n; i++)
		w->there[w->batch[i]] = false;
	w->n -= n;
}

/* Draws at most @n distinct ids that are stored, or that are not. */
static u32 pick_ids(struct world *w, u32 n, bool there)
{
	u32 first = below(w, w->ids), i, found = 0;

	for (i = 0; i < w->ids && found < n; i++)
		if (w->there[(first + i) % w->ids] == there)
			w->batch[found++] = (first + i) % w->ids;
	return found;
}

static void check_graph(struct kunit *test, struct world *w)
{
	struct vexfs_check check = {};
	struct vexfs_stat st = {};

	KUNIT_EXPECT_EQ(test, vexfs_graph_check(w->c, &check), 0);
	vexfs_collection_stat(w->c, &st);
	KUNIT_EXPECT_EQ_MSG(test, check.faults, 0, "%s", check.report);
	KUNIT_EXPECT_EQ(test, check.reachable, w->n);
	KUNIT_EXPECT_EQ(test, st.index_done, w->n);
}

static int ask(struct world *w, struct vexfs_topk *t, int which, u32 k, u32 ef, u32 aux)
{
	struct vexfs_op op;
	struct vexfs_search_job s = { .c = w->c, .op = &op, .nq = 1, .queries = w->row,
				      .aux = &aux, .results = t };
	int idx, err;

	vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
	vexfs_topk_init(t, w->hits[which], k, ~0u);
	idx = vexfs_read_lock(w->c);
	s.seq = vexfs_seq(w->c);
	err = ef ? vexfs_graph_answer(w->g, &s, ef) : vexfs_search_exact(&s);
	vexfs_read_unlock(w->c, idx);
	vexfs_op_end(&op, err);
	return err;
}

/*
 * Compares a walk that keeps everything with the oracle; or counts how many of k a
 * smaller one finds.
 */
static u32 compare(struct kunit *test, struct world *w, u32 k, u32 ef)
{
	struct vexfs_topk walk, oracle;
	u32 aux, i, j, same = 0;

	make_vector(w, w->vectors);
	KUNIT_ASSERT_EQ(test, vexfs_vector_import(w->c, VEXFS_FORMAT_F32, w->row, &aux, w->vectors,
						  1, NULL), 0);
	KUNIT_ASSERT_EQ(test, ask(w, &oracle, 0, k, 0, aux), 0);
	KUNIT_ASSERT_EQ(test, oracle.n, min(k, w->n));
	KUNIT_ASSERT_EQ(test, ask(w, &walk, 1, k, ef, aux), 0);
	KUNIT_ASSERT_EQ(test, walk.n, oracle.n);
	for (i = 0; i < walk.n; i++)
		for (j = 0; j < oracle.n; j++)
			same += walk.hits[i].key == oracle.hits[j].key &&
				walk.hits[i].id == oracle.hits[j].id;
	return same;
}

static void compare_all(struct kunit *test, struct world *w)
{
	u32 k = below(w, 20) + 1;

	KUNIT_EXPECT_EQ(test, compare(test, w, k, max(k, w->n)), min(k, w->n));
}

static void step(struct kunit *test, struct world *w)
{
	u32 n = below(w, 40) + 1;

	switch (below(w, 5)) {
	case 0:
	case 1:
		n = pick_ids(w, n, false);
		break;
	case 2:
		n = pick_ids(w, n, true);
		break;
	default:
		n = pick_ids(w, n, true);
		if (n)
			take_away(test, w, n);
		n = 0;
	}
	if (n)
		put_vector(test, w, n);
	if (!below(w, 4))
		vexfs_reap_slots(w->c);
	check_graph(test, w);
	compare_all(test, w);
}

/* Every type with every metric that is valid for it. */
static const struct { u8 type, metric; } kinds[] = {
	{ VEXFS_TYPE_F32, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F32, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_F32, VEXFS_METRIC_COS }, { VEXFS_TYPE_F32, VEXFS_METRIC_L1 },
	{ VEXFS_TYPE_F16, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F16, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_F16, VEXFS_METRIC_COS }, { VEXFS_TYPE_BF16, VEXFS_METRIC_L2 },
	{ VEXFS_TYPE_BF16, VEXFS_METRIC_IP }, { VEXFS_TYPE_BF16, VEXFS_METRIC_COS },
	{ VEXFS_TYPE_I8, VEXFS_METRIC_L2 }, { VEXFS_TYPE_I8, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_I8, VEXFS_METRIC_COS }, { VEXFS_TYPE_I8, VEXFS_METRIC_L1 },
	{ VEXFS_TYPE_U8, VEXFS_METRIC_L2 }, { VEXFS_TYPE_U8, VEXFS_METRIC_IP },
	{ VEXFS_TYPE_U8, VEXFS_METRIC_COS }, { VEXFS_TYPE_U8, VEXFS_METRIC_L1 },
	{ VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING }, { VEXFS_TYPE_B1, VEXFS_METRIC_JACCARD },
};

static struct world *world_new(struct kunit *test, u64 seed)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w) + VEXFS_ROW_ALIGN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	/* the row in it must be aligned */
	w = PTR_ALIGN(w, VEXFS_ROW_ALIGN);
	prandom_seed_state(&w->rnd, seed);
	return w;
}

static void graphs_of_kinds(struct kunit *test)
{
	static const u32 dims[] = { 1, 2, 7, 16, 64 };
	static const u32 ms[] = { 2, 3, 5, 8, 16, 64 };
	struct world *w = world_new(test, 1);
	u32 rounds = vexfs_kunit_quick ? 1 : 50, r, k, steps;

	for (r = 0; r < rounds; r++) {
		for (k = 0; k < ARRAY_SIZE(kinds); k++) {
			w->shape = below(w, SHAPES);
			w->ids = below(w, 8) ? below(w, 60) + 1 : below(w, 250) + 1;
			world_init(test, w, kinds[k].type, kinds[k].metric,
				   dims[below(w, ARRAY_SIZE(dims))], ms[below(w, ARRAY_SIZE(ms))],
				   below(w, 60) + 4, VEXFS_CODE_NONE);
			check_graph(test, w);
			for (steps = below(w, 12); steps; steps--)
				step(test, w);
			world_exit(w);
		}
		cond_resched();
	}
}

static void codes(struct kunit *test)
{
	static const u8 metrics[] = { VEXFS_METRIC_L2, VEXFS_METRIC_IP, VEXFS_METRIC_COS };
	struct world *w = world_new(test, 2);
	u32 code, m, steps;

	for (code = VEXFS_CODE_I8; code <= VEXFS_CODE_B1; code++) {
		for (m = 0; m < ARRAY_SIZE(metrics); m++) {
			u32 found = 0, asked = 0, i;

			if (code == VEXFS_CODE_B1 && metrics[m] == VEXFS_METRIC_L2)
				continue;
			w->shape = SHAPE_RANDOM;
			w->ids = 200;
			world_init(test, w, VEXFS_TYPE_F32, metrics[m], 24, 8, 60, code);
			for (steps = 0; steps < (vexfs_kunit_quick > 1 ? 6 : 12); steps++) {
				u32 n = pick_ids(w, 40, steps % 3 == 2);

				if (steps % 3 == 2 && n)
					take_away(test, w, n / 2);
				else if (n)
					put_vector(test, w, n);
				check_graph(test, w);
			}
			/*
			 * Survivors are ranked by the rows: i8 and bf16 codes miss almost
			 * nothing.
			 */
			for (i = 0; i < 20; i++, asked += min(5u, w->n))
				found += compare(test, w, 5, w->n);
			KUNIT_EXPECT_GE_MSG(test, found * 10, asked * (code == VEXFS_CODE_B1 ? 5 : 9),
					    "code %u metric %u: %u of %u", code, metrics[m], found,
					    asked);
			world_exit(w);
		}
	}
}

/* Deletes the entry point repeatedly, down to the last vector; then the graph starts again. */
static void entry_deleted(struct kunit *test)
{
	u32 rounds = vexfs_kunit_quick > 1 ? 1 : 3, round, n;
	struct world *w = world_new(test, 3);

	w->shape = SHAPE_RANDOM;
	w->ids = 150;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 8, 4, 20, VEXFS_CODE_NONE);
	for (round = 0; round < rounds; round++) {
		while ((n = pick_ids(w, 50, false)))
			put_vector(test, w, n);
		while (w->n) {
			u32 slot = vexfs_graph_entry(w->g);
			int idx = vexfs_read_lock(w->c);

			KUNIT_ASSERT_NE(test, slot, VEXFS_NO_SLOT);
			w->batch[0] = vexfs_slot_id(w->c, slot);
			vexfs_read_unlock(w->c, idx);
			take_away(test, w, 1);
			if (vexfs_kunit_quick < 2 || w->n % 8 == 0)
				check_graph(test, w);
			if (w->n % 16 == 0)
				compare_all(test, w);
		}
		KUNIT_EXPECT_EQ(test, vexfs_graph_entry(w->g), VEXFS_NO_SLOT);
		vexfs_reap_slots(w->c);
	}
	world_exit(w);
}

/* All vectors have links to a hub, which is then deleted. */
static void hub_deleted(struct kunit *test)
{
	struct world *w = world_new(test, 4);
	u32 i;

	w->shape = SHAPE_EQUAL;
	w->ids = 400;
	world_init(test, w, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 4, 2, 8, VEXFS_CODE_NONE);
	while ((i = pick_ids(w, 64, false)))
		put_vector(test, w, i);
	check_graph(test, w);
	for (i = 0; i < 399; i++) {
		w->batch[0] = i;
		take_away(test, w, 1);
		if (vexfs_kunit_quick < 2 || i % 8 == 0)
			check_graph(test, w);
		if (i % 50 == 0)
			compare_all(test, w);
	}
	world_exit(w);
}

/*
 * A put that is longer than an index takes at once, as if the index had been created in
 * its middle.
 */
static void long_put(struct kunit *test)
{
	const u32 n = 1000;
	struct world *w = world_new(test, 6);
	u32 *v = kunit_kcalloc(test, n, 4 * sizeof(*v), GFP_KERNEL);
	u64 *ids = kunit_kcalloc(test, n, sizeof(*ids), GFP_KERNEL);
	struct vexfs_put_part part = { .flags = VEXFS_PUT_UPSERT, .n = n, .ids = ids,
				       .vectors = v };
	u32 i;

	KUNIT_ASSERT_TRUE(test, v && ids);
	w->shape = SHAPE_RANDOM;
	w->ids = n;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 4, 4, 16, VEXFS_CODE_NONE);
	for (i = 0; i < n; i++) {
		ids[i] = i;
		make_vector(w, v + i * 4);
		w->there[i] = true;
	}
	w->n = n;
	/* the second time all of them are updated */
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, vexfs_put_vectors(w->c, &part), 0);
		KUNIT_EXPECT_EQ(test, part.done, n);
		check_graph(test, w);
		compare_all(test, w);
	}
	world_exit(w);
}

/* Recall of a larger graph after many turnovers equals that of a fresh one. */
static void recall_after_turnover(struct kunit *test)
{
	u32 rounds = vexfs_kunit_quick ? 1 : 4, r, n, i, fresh = 0, churned = 0;
	struct world *w = world_new(test, 5);

	w->shape = SHAPE_RANDOM;
	w->ids = vexfs_kunit_quick ? 200 : 2000;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 32, 8, 60, VEXFS_CODE_NONE);
	while ((n = pick_ids(w, 64, false)))
		put_vector(test, w, n);
	for (i = 0; i < 300; i++)
		fresh += compare(test, w, 10, 40);
	for (r = 0; r < rounds * w->ids / 50; r++) {
		n = pick_ids(w, 50, true);
		take_away(test, w, n);
		n = pick_ids(w, 50, false);
		put_vector(test, w, n);
		if (r % 10 == 0)
			vexfs_reap_slots(w->c);
	}
	check_graph(test, w);
	for (i = 0; i < 300; i++)
		churned += compare(test, w, 10, 40);
	kunit_info(test, "recall@10 at ef 40: fresh %u, after %u turnovers %u of 3000", fresh,
		   rounds, churned);
	/*
	 * Random vectors without structure are the hardest to repair. The limit is 50
	 * misses more; chance alone makes a difference of about 20, since vectors and
	 * queries differ.
	 */
	KUNIT_EXPECT_GE(test, fresh, 2700);
	KUNIT_EXPECT_GE(test, churned + 130, fresh);
	world_exit(w);
}

/*
 * Inner product is not a metric: with bytes, which are never negative, the longest
 * vectors are nearest to everything, and the walk must get from one to the next.
 */
static void inner_product(struct kunit *test)
{
	static const u8 types[] = { VEXFS_TYPE_U8, VEXFS_TYPE_I8, VEXFS_TYPE_F16, VEXFS_TYPE_F32 };
	struct world *w = world_new(test, 8);
	u32 t, n, i, found;

	w->shape = SHAPE_RANDOM;
	w->ids = vexfs_kunit_quick ? 200 : 2000;
	for (t = 0; t < ARRAY_SIZE(types); t++) {
		world_init(test, w, types[t], VEXFS_METRIC_IP, 24, 16, 100, VEXFS_CODE_NONE);
		while ((n = pick_ids(w, 64, false)))
			put_vector(test, w, n);
		check_graph(test, w);
		for (found = 0, i = 0; i < 100; i++)
			found += compare(test, w, 10, 64);
		kunit_info(test, "type %u: recall@10 at ef 64: %u of 1000", types[t], found);
		KUNIT_EXPECT_GE(test, found, 970);
		world_exit(w);
	}
}

/* Parameters at and beyond their limits. */
static void limits(struct kunit *test)
{
	struct vexfs_spec spec = { .name = "graph-kunit", .mode = 0600 };
	struct vexfs_collection *c;

	KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec.space, VEXFS_TYPE_F32, VEXFS_METRIC_L1, 3), 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_create(&spec, &c), 0);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 1, 0, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 65, 0, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 16, 4097, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 16, 200, VEXFS_CODE_B1, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 16, 200, VEXFS_CODE_B1 + 1, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 64, 4096, 0, false), 0);
	KUNIT_EXPECT_EQ(test, vexfs_graph_attach(c, 16, 200, 0, false), -EBUSY);
	vexfs_collection_put(c);
}

/* A graph for existing vectors: build, stop, continue, drop. */
static void build_graph(struct kunit *test)
{
	struct vexfs_spec spec = { .name = "graph-kunit", .mode = 0600 };
	struct vexfs_index_req req = { .op = VEXFS_INDEX_OP_BUILD, .m = 8, .ef_construction = 40 };
	struct world *w = world_new(test, 6);
	int err, idx, tries;
	u32 n;

	w->shape = SHAPE_RANDOM;
	w->ids = vexfs_kunit_quick > 1 ? 500 : 1500;
	KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec.space, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 16), 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_create(&spec, &w->c), 0);
	while ((n = pick_ids(w, 64, false)))
		put_vector(test, w, n);
	KUNIT_ASSERT_EQ(test, vexfs_index_request(w->c, &req), 0);
	req.op = VEXFS_INDEX_OP_STOP;
	req.m = 0;
	req.ef_construction = 0;
	KUNIT_ASSERT_EQ(test, vexfs_index_request(w->c, &req), 0);
	/* writers without a build, and during one */
	for (n = 0; n < 20; n++) {
		u32 m = pick_ids(w, 40, true);

		take_away(test, w, m);
		m = pick_ids(w, 30, false);
		put_vector(test, w, m);
		if (n == 10) {
			req.op = VEXFS_INDEX_OP_BUILD;
			err = vexfs_index_request(w->c, &req);
			KUNIT_ASSERT_TRUE(test, !err || err == -EEXIST);
		}
	}
	idx = vexfs_read_lock(w->c);
	w->g = vexfs_graph_of(w->c);
	for (tries = 0; tries < 60000 && !vexfs_graph_ready(w->g); tries++)
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_TRUE(test, vexfs_graph_ready(w->g));
	vexfs_read_unlock(w->c, idx);
	check_graph(test, w);
	compare_all(test, w);
	KUNIT_EXPECT_EQ(test, vexfs_index_request(w->c, &req), -EEXIST);
	req.op = VEXFS_INDEX_OP_DROP;
	KUNIT_EXPECT_EQ(test, vexfs_index_request(w->c, &req), 0);
	KUNIT_EXPECT_EQ(test, vexfs_index_request(w->c, &req), -ENOENT);
	world_exit(w);
}

static void wait_ready(struct kunit *test, struct world *w)
{
	struct vexfs_stat st = {};
	int tries;

	for (tries = 0; tries < 60000; tries++) {
		vexfs_collection_stat(w->c, &st);
		if (st.index_state == VEXFS_INDEX_READY)
			break;
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_ASSERT_EQ(test, st.index_state, VEXFS_INDEX_READY);
}

/*
 * A vector is deleted while the build inserts it: its node is no longer in the graph when
 * it would become the entry point.
 */
static void entry_point_after_deletion(struct kunit *test)
{
	struct world *w = world_new(test, 9);
	bool stays = true;
	u32 higher = 0, n;

	w->shape = SHAPE_RANDOM;
	w->ids = 300;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 8, 2, 20, VEXFS_CODE_NONE);
	while ((n = pick_ids(w, 50, false)))
		put_vector(test, w, n);
	while (stays && w->n > 1) {
		int idx = vexfs_read_lock(w->c);
		u32 slot = vexfs_graph_entry(w->g), level = vexfs_graph_level(w->g, slot), now;

		w->batch[0] = vexfs_slot_id(w->c, slot);
		take_away(test, w, 1);
		now = vexfs_graph_entry(w->g);
		vexfs_graph_entry_raise(w->g, slot);
		stays = vexfs_graph_entry(w->g) == now;
		KUNIT_EXPECT_TRUE(test, stays);
		higher += level > vexfs_graph_level(w->g, now);
		vexfs_read_unlock(w->c, idx);
	}
	/* otherwise nothing was tested */
	KUNIT_EXPECT_TRUE(test, !stays || higher > 2);
	if (stays) {
		vexfs_reap_slots(w->c);
		check_graph(test, w);
	}
	world_exit(w);
}

/* A build that fails has removed some nodes again; the next one inserts them. */
static void build_after_failure(struct kunit *test)
{
	struct vexfs_index_req req = { .op = VEXFS_INDEX_OP_BUILD };
	struct graph_pick *pick = kunit_kzalloc(test, sizeof(*pick), GFP_KERNEL);
	struct world *w = world_new(test, 10);
	u32 n, i;
	int idx;

	KUNIT_ASSERT_NOT_NULL(test, pick);
	w->shape = SHAPE_RANDOM;
	w->ids = 300;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 8, 4, 20, VEXFS_CODE_NONE);
	while ((n = pick_ids(w, 50, false)))
		put_vector(test, w, n);
	n = pick_ids(w, 40, true);
	idx = vexfs_read_lock(w->c);
	for (i = 0; i < n; i++)
		vexfs_graph_delete(w->g, vexfs_find(w->c, w->batch[i]), pick);
	WRITE_ONCE(w->g->build.err, -ENOMEM);
	WRITE_ONCE(w->g->build.state, VEXFS_INDEX_STOPPED);
	vexfs_read_unlock(w->c, idx);
	/* some are deleted before the next build, some during it */
	take_away(test, w, n / 4);
	KUNIT_ASSERT_EQ(test, vexfs_index_request(w->c, &req), 0);
	n = pick_ids(w, 10, true);
	take_away(test, w, n);
	wait_ready(test, w);
	check_graph(test, w);
	compare_all(test, w);
	world_exit(w);
}

/* ---- concurrency ---- */

/**
 * struct churner - a task that stores and deletes its own ids repeatedly
 * @w: where
 * @first: its first id
 * @n: number of its ids
 * @rounds: rounds to do
 * @all: it deletes all of them, not half
 * @err: its error
 * @done: completes when it has ended
 */
struct churner {
	struct world *w;
	u32 first;
	u32 n;
	u32 rounds;
	bool all;
	int err;
	struct completion done;
};

static int churn(void *arg)
{
	struct churner *ch = arg;
	u32 dim = ch->w->c->space.dim, r, i;
	u64 *ids = kmalloc_array(ch->n, sizeof(*ids), GFP_KERNEL);
	s8 *v = kmalloc_array(ch->n, dim, GFP_KERNEL);
	struct vexfs_put_part part = { .flags = VEXFS_PUT_UPSERT, .format = VEXFS_FORMAT_RAW,
				       .n = ch->n, .ids = ids, .vectors = v };

	if (!ids || !v)
		ch->err = -ENOMEM;
	for (r = 0; r < ch->rounds && !ch->err; r++) {
		for (i = 0; i < ch->n; i++)
			ids[i] = ch->first + (i + r * 7) % ch->n;
		get_random_bytes(v, ch->n * dim);
		ch->err = vexfs_put_vectors(ch->w->c, &part);
		if (ch->err || r + 1 == ch->rounds)
			break;
		ch->err = vexfs_test_delete(ch->w->c, ids, ch->all ? ch->n : ch->n / 2, 0);
	}
	kfree(v);
	kfree(ids);
	complete(&ch->done);
	return 0;
}

/* Writers on every CPU, with concurrent searches and checks: the graph is sound at all times. */
static void concurrent_churn(struct kunit *test)
{
	struct world *w = world_new(test, 7);
	struct churner ch[4];
	struct vexfs_topk t;
	u32 i, alive, aux;

	w->shape = SHAPE_RANDOM;
	w->ids = 400;
	world_init(test, w, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 16, 6, 30, VEXFS_CODE_NONE);
	make_vector(w, w->vectors);
	KUNIT_ASSERT_EQ(test, vexfs_vector_import(w->c, VEXFS_FORMAT_F32, w->row, &aux, w->vectors,
						  1, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(ch); i++) {
		struct task_struct *task;

		ch[i] = (struct churner) { .w = w, .first = i * 100, .n = 100,
					   .rounds = vexfs_kunit_quick ? 3 : 60 };
		init_completion(&ch[i].done);
		task = kthread_run(churn, &ch[i], "graph-churn/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	do {
		struct vexfs_check check = {};

		KUNIT_EXPECT_EQ(test, vexfs_graph_check(w->c, &check), 0);
		KUNIT_EXPECT_EQ_MSG(test, check.faults, 0, "%s", check.report);
		KUNIT_EXPECT_GE(test, ask(w, &t, 0, 10, 64, aux), 0);
		for (alive = 0, i = 0; i < ARRAY_SIZE(ch); i++)
			alive += !completion_done(&ch[i].done);
		cond_resched();
	} while (alive);
	for (i = 0; i < ARRAY_SIZE(ch); i++)
		KUNIT_EXPECT_EQ(test, ch[i].err, 0);
	/* the last round of each stored everything again */
	w->n = 400;
	memset(w->there, true, 400);
	check_graph(test, w);
	compare_all(test, w);
	world_exit(w);
}

/**
 * struct caller - a task that makes one request
 * @c: the collection
 * @req: a request for its index; without ->op it stores a vector
 * @err: its result
 * @done: completes when it has ended
 */
struct caller {
	struct vexfs_collection *c;
	struct vexfs_index_req req;
	int err;
	struct completion done;
};

static int call(void *arg)
{
	struct caller *caller = arg;
	u32 v[DIM_MAX] = { };
	u64 id = 1;
	struct vexfs_put_part part = { .flags = VEXFS_PUT_UPSERT, .n = 1, .ids = &id,
				       .vectors = v };

	caller->err = caller->req.op ? vexfs_index_request(caller->c, &caller->req) :
		      vexfs_put_vectors(caller->c, &part);
	complete_all(&caller->done);
	return 0;
}

static void call_start(struct kunit *test, struct caller *caller, struct vexfs_collection *c,
		       u32 op)
{
	*caller = (struct caller) { .c = c, .req.op = op };
	init_completion(&caller->done);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(call, caller, "graph-caller")));
}

/* A reader that does not end delays the drop of the index it reads, and nothing else. */
static void drop_beside_reader(struct kunit *test)
{
	static const u32 ops[] = { 0, VEXFS_INDEX_OP_BUILD, 0 };
	struct world *w = world_new(test, 11), *other = world_new(test, 12);
	struct caller drop, callers[ARRAY_SIZE(ops)];
	u32 i, n;
	int idx;

	w->shape = other->shape = SHAPE_RANDOM;
	w->ids = other->ids = 100;
	world_init(test, w, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 8, 4, 20, VEXFS_CODE_NONE);
	n = pick_ids(w, 50, false);
	put_vector(test, w, n);
	world_init(test, other, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 8, 4, 20, VEXFS_CODE_NONE);
	idx = vexfs_read_lock(w->c);
	call_start(test, &drop, w->c, VEXFS_INDEX_OP_DROP);
	while (vexfs_graph_of(w->c))
		schedule_timeout_uninterruptible(1);
	/* writers of this collection, and requests for the index of another one */
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		call_start(test, &callers[i], i ? other->c : w->c, ops[i]);
		KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&callers[i].done, 60 * HZ), 0);
		KUNIT_EXPECT_EQ(test, callers[i].err, ops[i] ? -EEXIST : 0);
	}
	KUNIT_EXPECT_FALSE(test, completion_done(&drop.done));
	vexfs_read_unlock(w->c, idx);
	wait_for_completion(&drop.done);
	KUNIT_EXPECT_EQ(test, drop.err, 0);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		wait_for_completion(&callers[i].done);
	world_exit(other);
	world_exit(w);
}

/* Walks through the current graph, with the longest candidate list. */
static void walk_around(struct kunit *test, struct world *w, u32 aux)
{
	struct vexfs_topk t;
	struct vexfs_op op;
	struct vexfs_search_job s = { .c = w->c, .op = &op, .nq = 1, .queries = w->row,
				      .aux = &aux, .results = &t };
	int idx, err = 0;

	vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
	vexfs_topk_init(&t, w->hits[0], 10, ~0u);
	idx = vexfs_read_lock(w->c);
	w->g = vexfs_graph_of(w->c);
	if (w->g)
		err = vexfs_graph_answer(w->g, &s, 30);
	vexfs_read_unlock(w->c, idx);
	vexfs_op_end(&op, err);
	KUNIT_EXPECT_GE(test, err, 0);
}

#define CHURNERS	3

/*
 * Graphs are created, built and dropped while vectors are stored and deleted, and extents
 * with them. Lists of two make many levels and an entry point that changes all the time.
 */
static void index_among_writers(struct kunit *test)
{
	struct vexfs_spec spec = { .name = "graph-kunit", .mode = 0600 };
	struct vexfs_index_req build = { .op = VEXFS_INDEX_OP_BUILD, .m = 2, .ef_construction = 8 };
	struct vexfs_index_req go_on[] = { { .op = VEXFS_INDEX_OP_STOP },
					   { .op = VEXFS_INDEX_OP_DROP } };
	struct world *w = world_new(test, 13);
	struct churner *ch = kunit_kcalloc(test, CHURNERS, sizeof(*ch), GFP_KERNEL);
	u32 i, alive, aux, round = 0;
	u64 plain;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, ch);
	w->shape = SHAPE_RANDOM;
	w->ids = 300;
	KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec.space, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 1024), 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_create(&spec, &w->c), 0);
	memset(w->row, 1, sizeof(w->row));
	aux = 0;
	for (i = 0; i < CHURNERS; i++) {
		struct task_struct *task;

		ch[i] = (struct churner) { .w = w, .first = i * 100, .n = 100, .all = true,
					   .rounds = vexfs_kunit_quick ? 5 : 60 };
		init_completion(&ch[i].done);
		task = kthread_run(churn, &ch[i], "graph-churn/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	do {
		struct vexfs_check check = {};

		err = vexfs_index_request(w->c, &build);
		KUNIT_EXPECT_TRUE(test, !err || err == -EEXIST || err == -EBUSY);
		for (i = 0; i < below(w, 4); i++)
			walk_around(test, w, aux);
		if (!below(w, 4)) {
			KUNIT_EXPECT_EQ(test, vexfs_graph_check(w->c, &check), 0);
			KUNIT_EXPECT_EQ_MSG(test, check.faults, 0, "%s", check.report);
		}
		err = vexfs_index_request(w->c, &go_on[round++ % 3 == 2]);
		KUNIT_EXPECT_EQ(test, err, 0);
		for (alive = 0, i = 0; i < CHURNERS; i++)
			alive += !completion_done(&ch[i].done);
		cond_resched();
	} while (alive);
	for (i = 0; i < CHURNERS; i++)
		KUNIT_EXPECT_EQ(test, ch[i].err, 0);
	vexfs_index_request(w->c, &go_on[1]);
	vexfs_reap_slots(w->c);
	plain = atomic64_read(&w->c->bytes);
	KUNIT_EXPECT_EQ(test, vexfs_index_request(w->c, &build), 0);
	wait_ready(test, w);
	w->n = 300;
	memset(w->there, true, 300);
	check_graph(test, w);
	KUNIT_EXPECT_GT(test, (u64)atomic64_read(&w->c->bytes), plain);
	KUNIT_EXPECT_EQ(test, vexfs_index_request(w->c, &go_on[1]), 0);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&w->c->bytes), plain);
	world_exit(w);
}

static struct kunit_case graph_cases[] = {
	KUNIT_CASE(limits),
	KUNIT_CASE(entry_deleted),
	KUNIT_CASE(hub_deleted),
	KUNIT_CASE(long_put),
	KUNIT_CASE(graphs_of_kinds),
	KUNIT_CASE(codes),
	KUNIT_CASE(build_graph),
	KUNIT_CASE(concurrent_churn),
	KUNIT_CASE(entry_point_after_deletion),
	KUNIT_CASE(build_after_failure),
	KUNIT_CASE(drop_beside_reader),
	KUNIT_CASE(index_among_writers),
	KUNIT_CASE(recall_after_turnover),
	KUNIT_CASE(inner_product),
	{}
};

static struct kunit_suite graph_suite = {
	.name = "graph",
	.test_cases = graph_cases,
};

kunit_test_suite(graph_suite);
