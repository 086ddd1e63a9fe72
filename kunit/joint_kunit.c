// SPDX-License-Identifier: GPL-2.0
/*
 * Joint searches: whatever is answered together has the answers that each would have got by
 * itself, bit for bit.
 */
#include <kunit/test.h>
#include <linux/filter.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/joint.h"
#include "index/vector.h"
#include "suites.h"
#include "vectors.h"

#define MEMBERS_MAX	24u
#define QUERIES_MAX	6u
#define K_MAX		40u
#define JOINT_ATTRS	8u

/**
 * struct member - a search that takes part, with room for two answers
 * @op: its op
 * @job: the search
 * @aux: of its queries
 * @self: ids to leave out
 * @results: its heaps
 * @alone: those of the answer that it gets by itself
 * @hits: of @results
 * @hits_alone: of @alone
 * @row: its queries
 */
struct member {
	struct vexfs_op op;
	struct vexfs_search_job job;
	u32 aux[QUERIES_MAX];
	u64 self[QUERIES_MAX];
	struct vexfs_topk results[QUERIES_MAX];
	struct vexfs_topk alone[QUERIES_MAX];
	struct vexfs_hit hits[QUERIES_MAX][K_MAX];
	struct vexfs_hit hits_alone[QUERIES_MAX][K_MAX];
	u8 row[QUERIES_MAX * 256] __aligned(VEXFS_ROW_ALIGN);
};

/**
 * struct joint_test - a collection that is searched
 * @c: the collection
 * @n: ids that it has had
 * @rnd: what decides
 * @filter: a filter, and the same again
 * @filtered: walks under a filter
 * @left: searches under a filter that a walk has left to a scan, at least in part
 * @staged: queries for which the method was called
 * @member: those that search
 */
struct joint_test {
	struct vexfs_collection *c;
	u32 n;
	struct rnd_state rnd;
	struct vexfs_attr_filter *filter[2];
	u32 filtered;
	u32 left;
	u32 staged;
	struct member member[MEMBERS_MAX];
};

static u32 below(struct joint_test *t, u32 n)
{
	return prandom_u32_state(&t->rnd) % n;
}

/*
 * Which vector an id has. Some are equal, so that ids decide. In a graph all of those are equal
 * that do not pass the filter: a walk to them finds nothing else, and leaves the query to a scan.
 */
static u64 place_of(const struct joint_test *t, u64 id)
{
	if (rcu_access_pointer(t->c->index) && id % 16 == 0)
		return 0;
	return id % (t->n - t->n / 8);
}

static struct joint_test *joint_test_new(struct kunit *test, struct vexfs_collection *c, u32 n)
{
	bool walks = rcu_access_pointer(c->index);
	/* half of the ids; 15 of 16 of them where walks should be cheaper than scans */
	const struct vexfs_filter_insn insns[] = {
		{ .code = BPF_LD | BPF_B | BPF_ABS, .k = 0 },
		{ .code = BPF_ALU | BPF_AND | BPF_K, .k = walks ? 15 : 1 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .k = 0, .jt = walks, .jf = !walks },
		{ .code = BPF_RET | BPF_K, .k = 1 },
		{ .code = BPF_RET | BPF_K, .k = 0 },
	};
	struct joint_test *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	float_bits v[TEST_DIM];
	u64 id, attrs;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->c = c;
	t->n = n;
	prandom_seed_state(&t->rnd, 20);
	for (i = 0; i < ARRAY_SIZE(t->filter) && c->attr_size; i++)
		KUNIT_ASSERT_EQ(test, 0, vexfs_attr_filter_create(insns, ARRAY_SIZE(insns), c->attr_size,
							     &t->filter[i], NULL, NULL));
	for (id = 0; id < n; id++) {
		struct vexfs_put_part p = { .flags = VEXFS_PUT_INSERT, .n = 1, .ids = &id,
					    .vectors = v, .attrs = c->attr_size ? &attrs : NULL };

		vexfs_test_vector(v, TEST_DIM, place_of(t, id), 0);
		attrs = id;
		KUNIT_ASSERT_EQ(test, 0, vexfs_put_vectors(c, &p));
	}
	for (id = 0; id < n; id += 9)
		KUNIT_ASSERT_EQ(test, 0, vexfs_test_delete(c, &id, 1, 0));
	return t;
}

static void joint_test_free(struct joint_test *t)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(t->filter); i++)
		vexfs_attr_filter_free(t->filter[i]);
	vexfs_test_collection_end(t->c);
	kvfree(t);
}

static struct joint_test *staged_for;

static void count_staged(struct vexfs_search_job *s)
{
	staged_for->staged += s->nq;
}

/* A search as somebody may ask for it; @like: what has to be the same to fit, or NULL. */
static void member_init(struct kunit *test, struct joint_test *t, struct member *m,
			const struct member *like)
{
	struct vexfs_search_job *s = &m->job;
	bool walks = rcu_access_pointer(t->c->index);
	u32 i;

	*s = (struct vexfs_search_job){
		.c = t->c,
		.op = &m->op,
		.nq = like && walks ? like->job.nq : 1 + below(t, QUERIES_MAX),
		.flags = !walks && below(t, 3) == 0 ? VEXFS_SEARCH_RANGE : 0,
		.queries = m->row,
		.aux = m->aux,
		.results = m->results,
		.stage = count_staged,
	};
	vexfs_op_begin(&m->op, VEXFS_OP_EXACT, 0, 0);
	if (like ? !!like->job.self : below(t, 4) == 0)
		s->self = m->self;
	if (t->filter[0] && (like ? !!like->job.filter : below(t, 3) == 0))
		s->filter = t->filter[below(t, 2)];
	for (i = 0; i < s->nq; i++) {
		float_bits v[TEST_DIM];
		u64 id = below(t, t->n);

		m->self[i] = id;
		vexfs_test_vector(v, TEST_DIM, place_of(t, id), below(t, 4) == 0);
		KUNIT_ASSERT_EQ(test, 0, vexfs_vector_import(t->c, VEXFS_FORMAT_F32,
							     m->row + i * t->c->space.stride,
							     &m->aux[i], v, 1, NULL));
	}
}

static void member_results(struct joint_test *t, struct member *m, struct vexfs_topk *results,
			   struct vexfs_hit (*hits)[K_MAX], u32 k, u32 radius)
{
	u32 i;

	for (i = 0; i < m->job.nq; i++) {
		vexfs_topk_init(&results[i], hits[i], k, m->job.flags & VEXFS_SEARCH_RANGE ?
				radius : ~0u);
		results[i].want_more = m->job.flags & VEXFS_SEARCH_RANGE;
	}
}

static int search_alone(struct member *m)
{
	struct vexfs_search_job s = m->job;
	int err;

	s.results = m->alone;
	s.stage = NULL;
	s.next = NULL;
	err = vexfs_search(&s);
	return err;
}

static void compare_member(struct kunit *test, struct joint_test *t, const struct member *m, u64 seq)
{
	u32 q, i;

	KUNIT_EXPECT_EQ(test, seq, m->job.seq);
	KUNIT_EXPECT_NE(test, 0u, m->job.plan);
	for (q = 0; q < m->job.nq; q++) {
		const struct vexfs_topk *a = &m->results[q], *b = &m->alone[q];

		KUNIT_ASSERT_EQ(test, a->n, b->n);
		KUNIT_ASSERT_EQ(test, a->more, b->more);
		KUNIT_ASSERT_PTR_EQ(test, a->hits, &m->hits[q][0]);
		for (i = 0; i < a->n; i++) {
			KUNIT_ASSERT_EQ(test, a->hits[i].id, b->hits[i].id);
			KUNIT_ASSERT_EQ(test, a->hits[i].key, b->hits[i].key);
		}
	}
}

/* How a member of a mix under a filter was answered, in a graph. */
static void note_plan(struct joint_test *t, const struct member *m)
{
	u32 q;

	if (!m->job.filter || !rcu_access_pointer(t->c->index))
		return;
	t->filtered += m->job.plan == VEXFS_PLAN_GRAPH_FILTER;
	for (q = 0; q < m->job.nq; q++)
		t->left += m->results[q].left;
}

/* One mix of members, together and each alone. */
static void one_mix(struct kunit *test, struct joint_test *t, u32 ef, u32 most_k)
{
	u32 members = 2 + below(t, MEMBERS_MAX - 1), queries = 0, common = 1 + below(t, most_k), i;
	bool walks = rcu_access_pointer(t->c->index);
	u64 distances = 0, counted = 0;

	for (i = 0; i < members; i++) {
		struct member *m = &t->member[i];
		u32 k = 1 + below(t, most_k), radius = 0;

		member_init(test, t, m, i ? &t->member[0] : NULL);
		m->job.ef = ef;
		if (walks && m->job.filter)
			k = common;
		if (m->job.flags & VEXFS_SEARCH_RANGE) {
			/* as far as the nearest, or a bit further */
			member_results(t, m, m->alone, m->hits_alone, K_MAX, ~0u);
			KUNIT_ASSERT_EQ(test, 0, search_alone(m));
			radius = m->alone[0].n ? m->alone[0].hits[below(t, m->alone[0].n)].key : 5;
		}
		member_results(t, m, m->results, m->hits, k, radius);
		member_results(t, m, m->alone, m->hits_alone, k, radius);
		KUNIT_ASSERT_EQ(test, 0, search_alone(m));
		m->op.distances = 0;
		m->job.next = i + 1 < members ? &t->member[i + 1].job : NULL;
		queries += m->job.nq;
		KUNIT_ASSERT_TRUE(test, vexfs_jobs_fit(&t->member[0].job, &m->job));
	}
	t->staged = 0;
	staged_for = t;
	KUNIT_ASSERT_EQ(test, 0, vexfs_search_joint(&t->member[0].job));
	KUNIT_EXPECT_EQ(test, queries, t->staged);
	for (i = 0; i < members; i++) {
		compare_member(test, t, &t->member[i], vexfs_seq(t->c));
		note_plan(t, &t->member[i]);
		distances += atomic64_read(&t->member[i].job.distances);
		counted += t->member[i].op.distances;
	}
	KUNIT_EXPECT_EQ(test, distances, counted);
	KUNIT_EXPECT_GT(test, distances, 0ull);
}

static void mixes(struct kunit *test, struct vexfs_collection *c, u32 n, u32 rounds, u32 ef,
		  u32 most_k)
{
	struct joint_test *t = joint_test_new(test, c, n / (vexfs_kunit_quick ? 4 : 1));

	for (rounds /= vexfs_kunit_quick ? 250 : 1; rounds; rounds--)
		one_mix(test, t, ef, most_k);
	if (t->filter[0] && rcu_access_pointer(c->index) && !vexfs_kunit_quick) {
		KUNIT_EXPECT_GT(test, t->filtered, 100u);
		KUNIT_EXPECT_GT(test, t->left, 10u);
	}
	joint_test_free(t);
}

static void exact_mixes(struct kunit *test)
{
	mixes(test, vexfs_test_collection(test, "joint-f32", TEST_DIM, JOINT_ATTRS), 3000, 1000, 0, K_MAX);
	mixes(test, vexfs_test_collection_coded(test, "joint-coded", VEXFS_TYPE_F32, VEXFS_METRIC_COS,
						TEST_DIM, JOINT_ATTRS), 3000, 500, 0, K_MAX);
	mixes(test, vexfs_test_collection_of(test, "joint-i8", VEXFS_TYPE_I8, VEXFS_METRIC_L1,
					     TEST_DIM, JOINT_ATTRS), 700, 500, 0, K_MAX);
	mixes(test, vexfs_test_collection_of(test, "joint-b1", VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING,
					     TEST_DIM, 0), 300, 500, 0, K_MAX);
}

static struct vexfs_collection *graph_collection(struct kunit *test, u32 code)
{
	struct vexfs_spec *spec = kunit_kzalloc(test, sizeof(*spec), GFP_KERNEL);
	struct vexfs_collection *c = NULL;

	KUNIT_ASSERT_NOT_NULL(test, spec);
	KUNIT_ASSERT_EQ(test, 0, vexfs_space_init(&spec->space, VEXFS_TYPE_F32, VEXFS_METRIC_L2,
						  TEST_DIM));
	strscpy(spec->name, "joint-graph", sizeof(spec->name));
	spec->mode = 0600;
	spec->attr_size = JOINT_ATTRS;
	spec->index_kind = VEXFS_INDEX_GRAPH;
	KUNIT_ASSERT_EQ(test, 0, vexfs_collection_create(spec, &c));
	KUNIT_ASSERT_EQ(test, 0, vexfs_graph_attach(c, 8, 40, code, false));
	return c;
}

static void graph_mixes(struct kunit *test)
{
	const u32 n = vexfs_kunit_quick ? 1200 : 6000;

	/* walks that keep 40, whatever k is up to that; and some that a scan answers */
	mixes(test, graph_collection(test, VEXFS_CODE_NONE), n, 800, 40, K_MAX);
	mixes(test, graph_collection(test, VEXFS_CODE_I8), n, 400, 40, K_MAX);
}

/* What would not be answered as it is alone does not fit. */
static void misfits(struct kunit *test)
{
	struct joint_test *t = joint_test_new(test, vexfs_test_collection(test, "joint", TEST_DIM,
									  JOINT_ATTRS), 100);
	struct joint_test *g = joint_test_new(test, graph_collection(test, VEXFS_CODE_NONE), 100);
	struct member *a = &t->member[0], *b = &t->member[1];
	struct member *x = &g->member[0], *y = &g->member[1];

	member_init(test, t, a, NULL);
	member_init(test, t, b, a);
	member_results(t, a, a->results, a->hits, 10, ~0u);
	member_results(t, b, b->results, b->hits, 20, ~0u);
	KUNIT_EXPECT_TRUE(test, vexfs_jobs_fit(&a->job, &b->job));
	b->job.filter = t->filter[0];
	a->job.filter = NULL;
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&a->job, &b->job));
	a->job.filter = t->filter[1];
	KUNIT_EXPECT_TRUE(test, vexfs_jobs_fit(&a->job, &b->job));
	b->job.self = a->job.self ? NULL : b->self;
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&a->job, &b->job));

	member_init(test, g, x, NULL);
	member_init(test, g, y, x);
	x->job.filter = NULL;
	y->job.filter = NULL;
	member_results(g, x, x->results, x->hits, 10, ~0u);
	member_results(g, y, y->results, y->hits, 20, ~0u);
	/* the same number of candidates, until k is more */
	KUNIT_EXPECT_TRUE(test, vexfs_jobs_fit(&x->job, &y->job));
	x->job.ef = 15;
	y->job.ef = 15;
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&x->job, &y->job));
	x->job.ef = 20;
	KUNIT_EXPECT_TRUE(test, vexfs_jobs_fit(&x->job, &y->job));
	y->job.flags |= VEXFS_SEARCH_EXACT;
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&x->job, &y->job));
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&a->job, &x->job));
	/* with a filter also the number of results */
	x->job.flags = 0;
	y->job.flags = 0;
	x->job.filter = g->filter[0];
	y->job.filter = g->filter[1];
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&x->job, &y->job));
	member_results(g, y, y->results, y->hits, 10, ~0u);
	y->job.ef = 20;
	KUNIT_EXPECT_TRUE(test, vexfs_jobs_fit(&x->job, &y->job));
	y->job.filter = NULL;
	KUNIT_EXPECT_FALSE(test, vexfs_jobs_fit(&x->job, &y->job));
	joint_test_free(g);
	joint_test_free(t);
}

/* One that fails has answered nobody, and each can be answered after that. */
static void failed_together(struct kunit *test)
{
	struct joint_test *t = joint_test_new(test, vexfs_test_collection(test, "joint", TEST_DIM,
									  JOINT_ATTRS), 500);
	u32 i;

	for (i = 0; i < 5; i++) {
		struct member *m = &t->member[i];

		member_init(test, t, m, i ? &t->member[0] : NULL);
		m->job.flags = 0;
		member_results(t, m, m->results, m->hits, 10, ~0u);
		member_results(t, m, m->alone, m->hits_alone, 10, ~0u);
		KUNIT_ASSERT_EQ(test, 0, search_alone(m));
		m->op.deadline_ns = 1;
		m->job.next = i < 4 ? &t->member[i + 1].job : NULL;
	}
	t->staged = 0;
	staged_for = t;
	KUNIT_EXPECT_EQ(test, -ETIME, vexfs_search_joint(&t->member[0].job));
	KUNIT_EXPECT_EQ(test, 0u, t->staged);
	KUNIT_EXPECT_EQ(test, 1ull, t->member[0].op.deadline_ns);
	/* the last of the deadlines is what counts */
	t->member[3].op.deadline_ns = 0;
	KUNIT_EXPECT_EQ(test, 0, vexfs_search_joint(&t->member[0].job));
	for (i = 0; i < 5; i++)
		compare_member(test, t, &t->member[i], vexfs_seq(t->c));
	joint_test_free(t);
}

/*
 * A signal that a program handles ends a search of its own, and not one that answers others, too.
 * A fatal one ends both.
 */
static void signalled(struct kunit *test, struct joint_test *t)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		struct member *m = &t->member[i];

		member_init(test, t, m, i ? &t->member[0] : NULL);
		m->job.flags = 0;
		m->job.filter = NULL;
		member_results(t, m, m->results, m->hits, 10, ~0u);
		member_results(t, m, m->alone, m->hits_alone, 10, ~0u);
		KUNIT_ASSERT_EQ(test, 0, search_alone(m));
		m->job.next = i < 4 ? &t->member[i + 1].job : NULL;
	}
	staged_for = t;
	allow_kernel_signal(SIGUSR1);
	allow_kernel_signal(SIGKILL);
	send_sig(SIGUSR1, current, 1);
	KUNIT_EXPECT_TRUE(test, signal_pending(current));
	KUNIT_EXPECT_EQ(test, 0, vexfs_search_joint(&t->member[0].job));
	for (i = 0; i < 5; i++)
		compare_member(test, t, &t->member[i], vexfs_seq(t->c));
	member_results(t, &t->member[0], t->member[0].alone, t->member[0].hits_alone, 10, ~0u);
	KUNIT_EXPECT_EQ(test, -EINTR, search_alone(&t->member[0]));
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, vexfs_search_joint(&t->member[0].job));
	flush_signals(current);
	disallow_signal(SIGUSR1);
	disallow_signal(SIGKILL);
	joint_test_free(t);
}

static void signal_to_a_leader(struct kunit *test)
{
	signalled(test, joint_test_new(test, vexfs_test_collection(test, "joint", TEST_DIM,
								   JOINT_ATTRS), 500));
	signalled(test, joint_test_new(test, graph_collection(test, VEXFS_CODE_NONE), 500));
}

static struct kunit_case joint_cases[] = {
	KUNIT_CASE_SLOW(exact_mixes),
	KUNIT_CASE_SLOW(graph_mixes),
	KUNIT_CASE(misfits),
	KUNIT_CASE(failed_together),
	KUNIT_CASE(signal_to_a_leader),
	{}
};

static struct kunit_suite joint_suite = {
	.name = "vexfs_joint",
	.test_cases = joint_cases,
};

kunit_test_suite(joint_suite);
