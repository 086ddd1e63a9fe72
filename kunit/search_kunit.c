// SPDX-License-Identifier: GPL-2.0
/*
 * Top-k, filters and exact search against simple references: sort everything, interpret
 * the program, compare every vector.
 */
#include <kunit/test.h>
#include <linux/filter.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "index/exact.h"
#include "index/index.h"
#include "index/search.h"
#include "index/vector.h"
#include "math/ops.h"
#include "mem/pool.h"
#include "suites.h"
#include "vectors.h"

/* ---- top-k ---- */

static int by_key_and_id(const void *a, const void *b)
{
	const struct vexfs_hit *x = a, *y = b;

	if (vexfs_hit_before(x->key, x->id, y->key, y->id))
		return -1;
	return vexfs_hit_before(y->key, y->id, x->key, x->id);
}

static void topk_sorts(struct kunit *test)
{
	const u32 most = 600;
	struct vexfs_hit *all = kunit_kcalloc(test, most, sizeof(*all), GFP_KERNEL);
	struct vexfs_hit *heap = kunit_kcalloc(test, most, sizeof(*heap), GFP_KERNEL);
	struct vexfs_hit *half = kunit_kcalloc(test, most, sizeof(*half), GFP_KERNEL);
	u32 rounds = vexfs_kunit_quick ? 100 : 2000, n, k, i, radius, want;
	struct vexfs_topk t, u;
	struct rnd_state rnd;

	KUNIT_ASSERT_TRUE(test, all && heap && half);
	prandom_seed_state(&rnd, 11);
	while (rounds--) {
		n = prandom_u32_state(&rnd) % most;
		k = 1 + prandom_u32_state(&rnd) % 64;
		/* few keys, so that ids decide */
		radius = prandom_u32_state(&rnd) % 2 ? ~0u : 20;
		vexfs_topk_init(&t, heap, k, radius);
		vexfs_topk_init(&u, half, k, radius);
		t.want_more = u.want_more = prandom_u32_state(&rnd) % 2;
		for (i = 0; i < n; i++) {
			all[i].key = prandom_u32_state(&rnd) % 40;
			all[i].id = prandom_u32_state(&rnd);
			if (all[i].key <= (i % 2 ? t : u).limit)
				vexfs_topk_offer(i % 2 ? &t : &u, all[i].key, all[i].id, i);
		}
		vexfs_topk_merge(&t, &u);
		vexfs_topk_sort(&t);
		sort(all, n, sizeof(*all), by_key_and_id, NULL);
		for (want = 0; want < n && all[want].key <= radius; want++)
			;
		KUNIT_ASSERT_EQ(test, t.n, min(want, k));
		for (i = 0; i < t.n; i++) {
			KUNIT_ASSERT_EQ(test, heap[i].key, all[i].key);
			KUNIT_ASSERT_EQ(test, heap[i].id, all[i].id);
		}
		if (t.want_more)
			KUNIT_ASSERT_EQ(test, t.more, want > k);
	}
}

static bool odd_slot(void *arg, u32 slot)
{
	return slot & 1;
}

static void topk_unique(struct kunit *test)
{
	struct vexfs_hit hits[6] = {
		{ 1, 10, 2 }, { 2, 11, 4 }, { 1, 12, 3 }, { 3, 13, 6 }, { 3, 14, 8 }, { 4, 15, 10 },
	}, scratch[6];
	struct vexfs_topk t = { .hits = hits, .n = 6, .k = 6 };

	KUNIT_EXPECT_EQ(test, vexfs_topk_unique(&t, odd_slot, NULL, scratch), 2);
	KUNIT_ASSERT_EQ(test, t.n, 4);
	KUNIT_EXPECT_EQ(test, hits[0].id, 2);
	/* of id 1 the live slot, of id 3 the nearest */
	KUNIT_EXPECT_EQ(test, hits[1].slot, 3);
	KUNIT_EXPECT_EQ(test, hits[2].slot, 6);
	KUNIT_EXPECT_EQ(test, hits[3].id, 4);
}

/* ---- filters ---- */

/* Interprets a program without backward jumps, by definition. */
static bool by_hand(const struct vexfs_filter_insn *p, const u8 *record, u32 len)
{
	u32 a = 0, x = 0, mem[16] = { }, k;

	for (;; p++) {
		k = p->k;
		switch (p->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = get_unaligned_be32(record + k);
			break;
		case BPF_LD | BPF_H | BPF_ABS:
			a = get_unaligned_be16(record + k);
			break;
		case BPF_LD | BPF_B | BPF_ABS:
			a = record[k];
			break;
		case BPF_LD | BPF_W | BPF_LEN:
			a = len;
			break;
		case BPF_LDX | BPF_IMM:
			x = k;
			break;
		case BPF_ST:
			mem[k] = a;
			break;
		case BPF_LDX | BPF_MEM:
			x = mem[k];
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_ADD | BPF_X:
			a += x;
			break;
		case BPF_ALU | BPF_SUB | BPF_K:
			a -= k;
			break;
		case BPF_ALU | BPF_MUL | BPF_K:
			a *= k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= k;
			break;
		case BPF_ALU | BPF_XOR | BPF_X:
			a ^= x;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			a >>= k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			p += a > k ? p->jt : p->jf;
			break;
		case BPF_JMP | BPF_JEQ | BPF_X:
			p += a == x ? p->jt : p->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			p += a & k ? p->jt : p->jf;
			break;
		case BPF_RET | BPF_A:
			return a;
		default:
			return k;
		}
	}
}

static void random_insn(struct rnd_state *rnd, struct vexfs_filter_insn *i, u32 left, u32 size)
{
	static const u16 codes[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_IMM, BPF_ST, BPF_MISC | BPF_TAX,
		BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_XOR | BPF_X, BPF_ALU | BPF_RSH | BPF_K,
		BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JEQ | BPF_X, BPF_JMP | BPF_JSET | BPF_K,
	};
	u32 r = prandom_u32_state(rnd);

	*i = (struct vexfs_filter_insn) { .code = codes[r % ARRAY_SIZE(codes)] };
	r = prandom_u32_state(rnd);
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		if (BPF_MODE(i->code) == BPF_ABS)
			i->k = r % (size - 3);
		break;
	case BPF_ST:
		i->k = r % 16;
		break;
	case BPF_JMP:
		i->jt = r % left;
		i->jf = (r >> 8) % left;
		i->k = r >> 16 & 0x1ff;
		break;
	case BPF_ALU:
		i->k = BPF_OP(i->code) == BPF_RSH ? r % 32 : r % 1000;
		break;
	default:
		i->k = r;
	}
}

static void filter_programs(struct kunit *test)
{
	u32 rounds = vexfs_kunit_quick ? 30 : 5000, i, kept = 0, ran = 0;
	struct vexfs_filter_insn p[24];
	struct rnd_state rnd;
	u8 records[16][20];
	u16 pass[16];

	prandom_seed_state(&rnd, 12);
	while (rounds--) {
		u32 len = 3 + prandom_u32_state(&rnd) % (ARRAY_SIZE(p) - 3), n, at;
		struct vexfs_attr_filter *f = NULL;

		for (i = 0; i + 2 < len; i++)
			random_insn(&rnd, &p[i], len - i - 1, sizeof(records[0]));
		p[len - 2] = (struct vexfs_filter_insn) { .code = BPF_RET | BPF_A };
		p[len - 1] = (struct vexfs_filter_insn) { .code = BPF_RET | BPF_K };
		prandom_bytes_state(&rnd, records, sizeof(records));
		KUNIT_ASSERT_EQ(test, 0, vexfs_attr_filter_create(p, len, sizeof(records[0]), &f,
								  NULL, NULL));
		n = vexfs_attr_filter_run(f, records, sizeof(records[0]), ARRAY_SIZE(records), pass);
		for (i = 0, at = 0; i < ARRAY_SIZE(records); i++) {
			bool keeps = by_hand(p, records[i], sizeof(records[0]));

			KUNIT_ASSERT_EQ(test, at < n && pass[at] == i, keeps);
			at += keeps;
			kept += keeps;
			ran++;
		}
		vexfs_attr_filter_free(f);
	}
	/* programs with equal results would test little */
	KUNIT_EXPECT_GT(test, kept, ran / 10);
	KUNIT_EXPECT_LT(test, kept, ran - ran / 10);
}

static void filter_refuses(struct kunit *test)
{
	static const struct vexfs_filter_insn bad[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 17 }, { BPF_LD | BPF_W | BPF_ABS, 0, 0, 20 },
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, 19 }, { BPF_LD | BPF_B | BPF_ABS, 0, 0, 20 },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, SKF_AD_OFF },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, SKF_LL_OFF },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, SKF_NET_OFF },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, ~0u }, { BPF_LD | BPF_W | BPF_IND, 0, 0, 0 },
		{ BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0 }, { 0x7fff, 0, 0, 0 },
		{ BPF_LD | BPF_MEM, 0, 0, 16 }, { BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0 },
		{ BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_JMP | BPF_JA, 0, 0, ~0u },
		{ BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32 },
	};
	struct vexfs_filter_insn p[2] = { { }, { .code = BPF_RET | BPF_K } };
	struct vexfs_attr_filter *f = NULL;
	const char *why;
	u32 i, where;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		why = NULL;
		p[0] = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    vexfs_attr_filter_create(p, 2, 20, &f, &why, &where), "case %u", i);
		KUNIT_EXPECT_NOT_NULL(test, why);
	}
	KUNIT_EXPECT_EQ(test, vexfs_attr_filter_create(p, 0, 20, &f, &why, &where), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_attr_filter_create(p, VEXFS_FILTER_MAX + 1, 20, &f, NULL, NULL),
			-E2BIG);
	/* nothing can be loaded without a record */
	p[0] = (struct vexfs_filter_insn) { BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 };
	KUNIT_EXPECT_EQ(test, vexfs_attr_filter_create(p, 2, 0, &f, NULL, NULL), -EINVAL);
}

/* ---- exact search ---- */

#define MOST_K		40u
#define MOST_QUERIES	24u

/**
 * struct bench_of - a collection, its ids, and room for answers
 * @c: the collection
 * @n: ids there may be
 * @version: of each, 0 for one that is not there
 * @all: every vector, by distance
 * @queries: rows
 * @aux: auxiliaries of the rows
 * @hits: of the results
 * @results: heaps
 * @plan: of the last search
 */
struct bench_of {
	struct vexfs_collection *c;
	u32 n;
	u32 *version;
	struct vexfs_hit *all;
	void *queries;
	u32 aux[MOST_QUERIES];
	struct vexfs_hit *hits;
	struct vexfs_topk results[MOST_QUERIES];
	u32 plan;
};

static void put_one(struct kunit *test, struct bench_of *b, u64 id)
{
	float_bits *v = vmalloc(b->c->space.dim * 4);
	u8 attrs[4] = { id & 3, id & 7, 0, 0 };
	struct vexfs_put_part p = {
		.flags = VEXFS_PUT_UPSERT, .n = 1, .ids = &id, .vectors = v, .attrs = attrs,
	};

	KUNIT_ASSERT_NOT_NULL(test, v);
	/* few different vectors, so that there are ties */
	vexfs_test_vector(v, b->c->space.dim, id % 97, ++b->version[id]);
	KUNIT_ASSERT_EQ(test, vexfs_put_vectors(b->c, &p), 0);
	vfree(v);
}

static void query(struct kunit *test, struct bench_of *b, u32 i, u32 seed)
{
	float_bits *v = vmalloc(b->c->space.dim * 4);

	KUNIT_ASSERT_NOT_NULL(test, v);
	vexfs_test_vector(v, b->c->space.dim, seed % 150, 1);
	KUNIT_ASSERT_EQ(test, vexfs_vector_import(b->c, VEXFS_FORMAT_F32,
						  b->queries + i * b->c->space.stride, &b->aux[i],
						  v, 1, NULL), 0);
	vfree(v);
}

/* Compares every vector; @all is sorted. Returns their number. */
static u32 brute_force(struct kunit *test, struct bench_of *b, u32 q, bool filtered, u64 self)
{
	struct vexfs_collection *c = b->c;
	int idx = vexfs_read_lock(c);
	u32 n = 0, i;

	for (i = 0; i < b->n; i++) {
		u32 slot = b->version[i] ? vexfs_find(c, i) : VEXFS_NO_SLOT;
		const void *row;
		u32 aux;

		if (slot == VEXFS_NO_SLOT || (filtered && (i & 7) != 3) || i == self)
			continue;
		row = vexfs_slot_row(c, slot);
		aux = vexfs_slot_aux(c, slot);
		KUNIT_EXPECT_EQ(test, vexfs_math_gather(&c->space, b->queries + q * c->space.stride,
							b->aux[q], &row, &aux, 1, &b->all[n].key), 0);
		b->all[n++].id = i;
	}
	vexfs_read_unlock(c, idx);
	sort(b->all, n, sizeof(*b->all), by_key_and_id, NULL);
	return n;
}

static void compare(struct kunit *test, struct bench_of *b, u32 q, u32 n, u32 from)
{
	struct vexfs_topk *t = &b->results[q];
	u32 i;

	KUNIT_ASSERT_EQ(test, t->n, min(t->k, n - from));
	for (i = 0; i < t->n; i++) {
		KUNIT_ASSERT_EQ(test, t->hits[i].id, b->all[from + i].id);
		KUNIT_ASSERT_EQ(test, t->hits[i].key, b->all[from + i].key);
	}
}

/* An exact search at the current sequence number. */
static int exact_now(struct vexfs_search_job *job)
{
	int idx = vexfs_read_lock(job->c);
	int err;

	job->seq = vexfs_seq(job->c);
	err = vexfs_search_exact(job);
	vexfs_read_unlock(job->c, idx);
	return err;
}

static int run_search(struct bench_of *b, u32 nq, const struct vexfs_attr_filter *f,
		      const u64 *self)
{
	struct vexfs_op op;
	struct vexfs_search_job job = {
		.c = b->c, .op = &op, .nq = nq, .queries = b->queries, .aux = b->aux,
		.self = self, .filter = f, .results = b->results,
	};
	int err;

	vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
	err = exact_now(&job);
	vexfs_op_end(&op, err);
	b->plan = job.plan;
	return err;
}

static void search_rounds(struct kunit *test, struct bench_of *b, u32 rounds)
{
	/* keeps ids that are 3 modulo 8 */
	static const struct vexfs_filter_insn insns[] = {
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 1 }, { BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 3 },
		{ BPF_RET | BPF_K, 0, 0, 0 }, { BPF_RET | BPF_K, 0, 0, 1 },
	};
	struct vexfs_attr_filter *f = NULL;
	struct rnd_state rnd;
	u64 self[MOST_QUERIES];
	u32 i, q, round;

	KUNIT_ASSERT_EQ(test, vexfs_attr_filter_create(insns, 4, 4, &f, NULL, NULL), 0);
	prandom_seed_state(&rnd, b->n);
	for (round = 0; round < rounds; round++) {
		u32 nq = round % 2 ? 1 + prandom_u32_state(&rnd) % MOST_QUERIES : 1;
		u32 k = 1 + prandom_u32_state(&rnd) % MOST_K;
		bool filtered = prandom_u32_state(&rnd) % 3 == 0;

		for (i = 0; i < b->n / 8; i++) {
			u64 id = prandom_u32_state(&rnd) % b->n;

			if (prandom_u32_state(&rnd) % 3 || !b->version[id]) {
				put_one(test, b, id);
			} else {
				KUNIT_ASSERT_EQ(test, vexfs_test_delete(b->c, &id, 1, 0), 0);
				b->version[id] = 0;
			}
		}
		for (q = 0; q < nq; q++) {
			query(test, b, q, prandom_u32_state(&rnd));
			self[q] = prandom_u32_state(&rnd) % b->n;
			vexfs_topk_init(&b->results[q], b->hits + q * MOST_K, k, ~0u);
		}
		KUNIT_ASSERT_EQ(test, run_search(b, nq, filtered ? f : NULL, self), 0);
		for (q = 0; q < nq; q++)
			compare(test, b, q, brute_force(test, b, q, filtered, self[q]), 0);
	}
	vexfs_attr_filter_free(f);
}

/* A range in parts: each continues where the previous one ended. */
static void search_range(struct kunit *test, struct bench_of *b)
{
	struct vexfs_topk *t = &b->results[0];
	u32 n, radius, within, from = 0;

	query(test, b, 0, 5);
	n = brute_force(test, b, 0, false, ~0ULL);
	if (!n)
		return;
	radius = b->all[n / 2].key;
	for (within = n / 2; within < n && b->all[within].key == radius; within++)
		;
	do {
		struct vexfs_hit last = from ? b->all[from - 1] : (struct vexfs_hit) { };

		vexfs_topk_init(t, b->hits, 7, radius);
		t->want_more = true;
		t->after = from;
		t->after_key = last.key;
		t->after_id = last.id;
		KUNIT_ASSERT_EQ(test, run_search(b, 1, NULL, NULL), 0);
		compare(test, b, 0, within, from);
		from += t->n;
		KUNIT_ASSERT_EQ(test, t->more, from < within);
	} while (t->more);
}

static void exact_case(struct kunit *test, u32 type, u32 metric, u32 dim, u32 n, bool coded)
{
	struct bench_of *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	void *code_query;

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->c = (coded ? vexfs_test_collection_coded :
			vexfs_test_collection_of)(test, "exact", type, metric,
										dim, 4);
	b->n = n;
	b->version = kunit_kcalloc(test, n, sizeof(*b->version), GFP_KERNEL);
	b->all = kunit_kcalloc(test, n, sizeof(*b->all), GFP_KERNEL);
	b->hits = kunit_kcalloc(test, MOST_QUERIES * MOST_K, sizeof(*b->hits), GFP_KERNEL);
	b->queries = vmalloc(MOST_QUERIES * b->c->space.stride);
	code_query = vmalloc(vexfs_math_code_query_bytes(&b->c->space));
	KUNIT_ASSERT_TRUE(test, b->version && b->all && b->hits && b->queries && code_query);
	search_rounds(test, b, vexfs_kunit_quick ? 1 : 12);
	search_range(test, b);
	/*
	 * A range search of one query without a filter: by codes if this machine can. A
	 * single vector may be gone by now, and then there is nothing to scan.
	 */
	if (!coded || vexfs_math_code_query(&b->c->space, code_query, b->queries, b->aux[0]))
		KUNIT_EXPECT_NE(test, b->plan, VEXFS_PLAN_SCAN_CODES);
	else if (n > 1)
		KUNIT_EXPECT_EQ(test, b->plan, VEXFS_PLAN_SCAN_CODES);
	vfree(code_query);
	vfree(b->queries);
	vexfs_test_collection_end(b->c);
}

static void restore_search_codes(void *value)
{
	WRITE_ONCE(vexfs_search_codes, (uintptr_t)value);
}

static void exact_search(struct kunit *test)
{
	static const u8 spaces[][2] = {
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2 }, { VEXFS_TYPE_F32, VEXFS_METRIC_IP },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_COS }, { VEXFS_TYPE_F32, VEXFS_METRIC_L1 },
		{ VEXFS_TYPE_F16, VEXFS_METRIC_L2 }, { VEXFS_TYPE_BF16, VEXFS_METRIC_IP },
		{ VEXFS_TYPE_BF16, VEXFS_METRIC_L2 }, { VEXFS_TYPE_I8, VEXFS_METRIC_L2 },
		{ VEXFS_TYPE_I8, VEXFS_METRIC_COS }, { VEXFS_TYPE_U8, VEXFS_METRIC_L2 },
		{ VEXFS_TYPE_U8, VEXFS_METRIC_L1 }, { VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING },
		{ VEXFS_TYPE_B1, VEXFS_METRIC_JACCARD },
	};
	static const u32 sizes[] = { 1, 30, 2400 };
	const u32 search_codes = READ_ONCE(vexfs_search_codes);
	u32 i, j;

	/*
	 * Rows only: from 2,048 slots on searches would make codes. How many slots the
	 * churn takes depends on when the reaper runs.
	 */
	WRITE_ONCE(vexfs_search_codes, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, restore_search_codes,
							(void *)(uintptr_t)search_codes), 0);
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		for (j = 0; j < (vexfs_kunit_quick ? 2 : ARRAY_SIZE(sizes)); j++)
			exact_case(test, spaces[i][0], spaces[i][1], j ? 19 : 3, sizes[j], false);
	/* rows so long that a chunk has few of them */
	exact_case(test, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 5000, 60, false);
}

/* With codes beside the rows every answer is the same as without. */
static void exact_codes(struct kunit *test)
{
	static const u32 sizes[] = { 1, 400, 3000 };
	u32 type, metric, j;

	for (type = VEXFS_TYPE_F32; type <= VEXFS_TYPE_BF16; type++)
		for (metric = VEXFS_METRIC_L2; metric <= VEXFS_METRIC_COS; metric++)
			for (j = 0; j < (vexfs_kunit_quick ? 2 : ARRAY_SIZE(sizes)); j++)
				exact_case(test, type, metric, j ? 83 : 3, sizes[j], true);
	exact_case(test, VEXFS_TYPE_F32, VEXFS_METRIC_L2, VEXFS_CODE_MAX_DIM, 60, true);
}

/* Codes are for some spaces only, and only without an index. */
static void exact_codes_refused(struct kunit *test)
{
	static const struct {
		u8 type, metric, index;
		u32 dim, code, m;
		int want;
	} cases[] = {
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, 16, VEXFS_CODE_I8, 0, 0 },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, 16, VEXFS_CODE_NONE, 0, 0 },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L1, 0, 16, VEXFS_CODE_I8, 0, -EINVAL },
		{ VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0, 16, VEXFS_CODE_I8, 0, -EINVAL },
		{ VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING, 0, 16, VEXFS_CODE_I8, 0, -EINVAL },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, 16, VEXFS_CODE_BF16, 0, -EINVAL },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_COS, 0, 16, VEXFS_CODE_B1, 0, -EINVAL },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, 16, 77, 0, -EINVAL },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, 16, VEXFS_CODE_I8, 16, -EINVAL },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, VEXFS_CODE_MAX_DIM, VEXFS_CODE_I8, 0, 0 },
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0, VEXFS_CODE_MAX_DIM + 1, VEXFS_CODE_I8, 0,
		  -EINVAL },
		/* the graph has codes of its own */
		{ VEXFS_TYPE_F32, VEXFS_METRIC_L2, VEXFS_INDEX_GRAPH, 16, VEXFS_CODE_I8, 0, 0 },
	};
	struct vexfs_spec *spec = kunit_kzalloc(test, sizeof(*spec), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, spec);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vexfs_create req = {
			.index = cases[i].index, .code = cases[i].code, .m = cases[i].m,
		};
		bool codes = !cases[i].want && !cases[i].index && cases[i].code;

		memset(spec, 0, sizeof(*spec));
		KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec->space, cases[i].type,
						       cases[i].metric, cases[i].dim), 0);
		KUNIT_EXPECT_EQ_MSG(test, vexfs_index_spec(&req, spec), cases[i].want, "case %u", i);
		if (!cases[i].want)
			KUNIT_EXPECT_EQ_MSG(test, !!spec->code, codes, "case %u", i);
	}
}

/* Thousands of equal vectors, and others that bytes cannot distinguish. */
static void exact_codes_useless(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection_coded(test, "alike", VEXFS_TYPE_F32,
								 VEXFS_METRIC_L2, TEST_DIM, 0);
	const u32 n = vexfs_kunit_quick ? 3000 : 9000, same = 64;
	float_bits *v = kunit_kzalloc(test, same * c->space.stride, GFP_KERNEL);
	struct bench_of *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct vexfs_hit hits[8];
	u64 ids[64], at;
	u32 i;

	KUNIT_ASSERT_TRUE(test, v && b);
	b->c = c;
	b->queries = vmalloc(c->space.stride);
	KUNIT_ASSERT_NOT_NULL(test, b->queries);
	for (i = 0; i < same; i++)
		vexfs_test_vector(v + i * TEST_DIM, TEST_DIM, 1, 1);
	for (at = 0; at < n; at += same) {
		struct vexfs_put_part p = { .flags = VEXFS_PUT_INSERT, .n = same, .ids = ids,
					    .vectors = v };

		/* the smallest ids come last */
		for (i = 0; i < same; i++)
			ids[i] = n + same - at - i;
		KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
	}
	query(test, b, 0, 1);
	vexfs_topk_init(&b->results[0], hits, ARRAY_SIZE(hits), ~0u);
	KUNIT_ASSERT_EQ(test, run_search(b, 1, NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, b->results[0].n, ARRAY_SIZE(hits));
	for (i = 1; i < ARRAY_SIZE(hits); i++)
		KUNIT_EXPECT_EQ(test, hits[i].id, hits[0].id + i);
	KUNIT_EXPECT_EQ(test, hits[0].id, ids[same - 1]);
	vfree(b->queries);
	vexfs_test_collection_end(c);
}

/* Can this machine's arithmetic compare so many queries with codes? */
static bool compares_codes(struct kunit *test, struct bench_of *b, u32 nq)
{
	const struct vexfs_space *sp = &b->c->space;
	void *room = vmalloc(max(vexfs_math_block_bytes(sp, nq), vexfs_math_code_query_bytes(sp)));
	bool can;

	KUNIT_ASSERT_NOT_NULL(test, room);
	if (nq == 1)
		can = !vexfs_math_code_query(sp, room, b->queries, b->aux[0]);
	else
		can = !vexfs_math_block_pack(sp, room, b->queries, b->aux, nq) &&
		      vexfs_math_block_coded(room);
	vfree(room);
	return can;
}

/*
 * Codes that searches make: answers before, during and afterwards equal those of the
 * rows, for rows that existed before, were added, removed or replaced.
 */
static void codes_later(struct kunit *test, u32 nq)
{
	const u32 n = vexfs_kunit_quick ? 2300 : 6000, step = vexfs_kunit_quick ? nq : 5;
	struct bench_of *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	u64 before, after;
	u32 i, q;

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->c = vexfs_test_collection_of(test, "later", VEXFS_TYPE_F32, VEXFS_METRIC_COS, 83, 4);
	b->n = n;
	b->version = kunit_kcalloc(test, n, sizeof(*b->version), GFP_KERNEL);
	b->all = kunit_kcalloc(test, n, sizeof(*b->all), GFP_KERNEL);
	b->hits = kunit_kcalloc(test, MOST_QUERIES * MOST_K, sizeof(*b->hits), GFP_KERNEL);
	b->queries = vmalloc(MOST_QUERIES * b->c->space.stride);
	KUNIT_ASSERT_TRUE(test, b->version && b->all && b->hits && b->queries);
	for (i = 0; i < n; i++)
		put_one(test, b, i);
	before = atomic64_read(&b->c->bytes);
	for (i = 0; i < 12; i++) {
		for (q = 0; q < nq; q++) {
			query(test, b, q, i + q);
			vexfs_topk_init(&b->results[q], b->hits + q * MOST_K, MOST_K, ~0u);
		}
		KUNIT_ASSERT_EQ(test, run_search(b, nq, NULL, NULL), 0);
		/* comparing takes longest: of a few, another one each time */
		for (q = 5 * i % step; q < nq; q += step)
			compare(test, b, q, brute_force(test, b, q, false, ~0ULL), 0);
		if (nq > 1 || !i)
			KUNIT_EXPECT_EQ(test, b->plan, nq > 1 ? VEXFS_PLAN_BLOCK : VEXFS_PLAN_SCAN);
	}
	after = atomic64_read(&b->c->bytes);
	if (compares_codes(test, b, nq)) {
		if (nq == 1)
			KUNIT_EXPECT_EQ(test, b->plan, VEXFS_PLAN_SCAN_CODES);
		KUNIT_EXPECT_GE(test, after, before + (u64)n * b->c->code_bytes);
	} else {
		KUNIT_EXPECT_EQ(test, after, before);
	}
	search_rounds(test, b, vexfs_kunit_quick ? 1 : 12);
	search_range(test, b);
	vfree(b->queries);
	vexfs_test_collection_end(b->c);
}

static void exact_codes_later(struct kunit *test)
{
	codes_later(test, 1);
}

/* Many queries at a time, as a crowd that shares its searches has them. */
static void exact_codes_later_by_blocks(struct kunit *test)
{
	codes_later(test, MOST_QUERIES);
}

static void exact_empty(struct kunit *test)
{
	struct bench_of *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct vexfs_hit hit;

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->c = vexfs_test_collection(test, "empty", TEST_DIM, 4);
	b->queries = vmalloc(b->c->space.stride);
	KUNIT_ASSERT_NOT_NULL(test, b->queries);
	query(test, b, 0, 1);
	vexfs_topk_init(&b->results[0], &hit, 1, ~0u);
	KUNIT_EXPECT_EQ(test, run_search(b, 1, NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, b->results[0].n, 0);
	vfree(b->queries);
	vexfs_test_collection_end(b->c);
}

/* ---- one sequence number ---- */

#define MOVING	8u	/* ids that writers change all the time */
#define STILL	8u	/* ids that do not change, farther away */
#define FILLER	20000u	/* all ids; the others are farther still: a search takes a while */

/**
 * struct unrest - writers that run during a search
 * @c: the collection
 * @delete: they delete and insert instead of updating
 * @stop: they are to end
 * @writes: number of their writes
 * @err: error of one of them
 */
struct unrest {
	struct vexfs_collection *c;
	bool delete;
	bool stop;
	atomic64_t writes;
	int err;
};

#define AT_ONCE	32u	/* vectors of a put */

/* Vectors of ids: constant distance from zero, which identifies ids. */
static int put_at(struct vexfs_collection *c, const u64 *ids, u32 n)
{
	static const size_t bytes = AT_ONCE * TEST_DIM * sizeof(float_bits);
	float_bits *v = kzalloc(bytes, GFP_KERNEL);
	struct vexfs_put_part p = { .flags = VEXFS_PUT_UPSERT, .n = n, .ids = ids, .vectors = v };
	int err;
	u32 i;

	if (!v)
		return -ENOMEM;
	/* 2^id, exactly, and 2^20 for the fillers */
	for (i = 0; i < n; i++)
		v[i * TEST_DIM] = (127 + (u32)min_t(u64, ids[i], 20)) << 23;
	err = vexfs_put_vectors(c, &p);
	kfree(v);
	return err;
}

static int unrest_thread(void *arg)
{
	struct unrest *u = arg;
	u64 ids[AT_ONCE];
	u32 n = u->delete ? MOVING : AT_ONCE, i;
	int err = 0;

	for (i = 0; i < n; i++)
		ids[i] = i % MOVING;
	while (!READ_ONCE(u->stop) && !err) {
		if (u->delete)
			err = vexfs_test_delete(u->c, ids, n, 0);
		if (!err)
			err = put_at(u->c, ids, n);
		atomic64_add(n, &u->writes);
		cond_resched();
	}
	WRITE_ONCE(u->err, err);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return err;
}

/*
 * Searches while a writer replaces the nearest ids continuously, thousands of times
 * during each. The other ids must all be found; and an id that is only updated has
 * exactly one version at any time.
 */
static void search_in_unrest(struct kunit *test, struct vexfs_collection *c, bool delete)
{
	struct unrest u = { .c = c, .delete = delete };
	struct vexfs_hit hits[MOVING + STILL];
	u32 rounds = vexfs_kunit_quick ? 6 : 400, round, i, still, wrong = 0;
	struct vexfs_topk top;
	struct vexfs_op op;
	struct task_struct *writer;
	u8 *q = kunit_kzalloc(test, c->space.stride + 64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, q);
	q = PTR_ALIGN(q, 64);
	writer = kthread_run(unrest_thread, &u, "vexfs-unrest");
	KUNIT_ASSERT_FALSE(test, IS_ERR(writer));
	/* it has started */
	while (!atomic64_read(&u.writes))
		schedule_timeout_uninterruptible(1);
	for (round = 0; round < rounds; round++) {
		const u32 aux = 0;
		struct vexfs_search_job job = {
			.c = c, .op = &op, .nq = 1, .queries = q, .aux = &aux, .results = &top,
		};
		u32 seen[MOVING] = { };

		vexfs_topk_init(&top, hits, MOVING + STILL, ~0u);
		vexfs_op_begin(&op, VEXFS_OP_EXACT, 0, 0);
		KUNIT_EXPECT_EQ(test, exact_now(&job), 0);
		vexfs_op_end(&op, 0);
		for (i = still = 0; i < top.n; i++) {
			if (hits[i].id < MOVING)
				seen[hits[i].id]++;
			else if (hits[i].id < MOVING + STILL)
				still += hits[i].id == MOVING + still;
		}
		wrong += still != STILL;
		for (i = 0; i < MOVING; i++)
			wrong += delete ? seen[i] > 1 : seen[i] != 1;
		cond_resched();
	}
	WRITE_ONCE(u.stop, true);
	kthread_stop(writer);
	KUNIT_EXPECT_EQ(test, u.err, 0);
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "in %u searches with %lld writes", rounds,
			    atomic64_read(&u.writes));
	kunit_info(test, "%u searches, %lld writes", rounds, atomic64_read(&u.writes));
}

static void one_moment(struct kunit *test, struct vexfs_collection *c)
{
	struct vexfs_soundness s;
	u64 ids[AT_ONCE], id;
	u32 n;

	/* moving and static ids are last, where a search arrives last */
	for (id = FILLER; id; id -= n) {
		for (n = 0; n < min_t(u64, id, AT_ONCE); n++)
			ids[n] = id - 1 - n;
		KUNIT_ASSERT_EQ(test, put_at(c, ids, n), 0);
	}
	search_in_unrest(test, c, false);
	search_in_unrest(test, c, true);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	vexfs_test_collection_end(c);
}

static void exact_one_sequence(struct kunit *test)
{
	one_moment(test, vexfs_test_collection(test, "unrest", TEST_DIM, 0));
}

static void exact_one_sequence_codes(struct kunit *test)
{
	one_moment(test, vexfs_test_collection_coded(test, "unrest", VEXFS_TYPE_F32, VEXFS_METRIC_L2,
						     TEST_DIM, 0));
}

static struct kunit_case search_cases[] = {
	KUNIT_CASE(topk_sorts),
	KUNIT_CASE(topk_unique),
	KUNIT_CASE(filter_programs),
	KUNIT_CASE(filter_refuses),
	KUNIT_CASE(exact_search),
	KUNIT_CASE(exact_codes),
	KUNIT_CASE(exact_codes_refused),
	KUNIT_CASE(exact_codes_useless),
	KUNIT_CASE(exact_codes_later),
	KUNIT_CASE(exact_codes_later_by_blocks),
	KUNIT_CASE(exact_empty),
	KUNIT_CASE(exact_one_sequence),
	KUNIT_CASE(exact_one_sequence_codes),
	{ }
};

static struct kunit_suite search_suite = {
	.name = "vexfs-search",
	.test_cases = search_cases,
};
kunit_test_suite(search_suite);
