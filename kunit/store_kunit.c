// SPDX-License-Identifier: GPL-2.0
/*
 * The store: slots and extents, the id map, the life of a slot, errors. Contents are
 * checked against a simple table.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "index/vector.h"
#include "store/internal.h"
#include "store/name.h"
#include "suites.h"
#include "vectors.h"

/* ---- slots ---- */

static void extents_tile(struct kunit *test)
{
	static const u8 shifts[][2] = { { 6, 15 }, { 5, 12 }, { 0, 9 }, { 4, 4 }, { 0, 0 } };
	struct vexfs_collection *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	u32 i, slot, number;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		c->small_shift = shifts[i][0];
		c->full_shift = shifts[i][1];
		for (number = 0, slot = 0; number < 40; number++) {
			u32 rows = vexfs_extent_rows(c, number);

			KUNIT_ASSERT_EQ(test, vexfs_extent_first(c, number), slot);
			KUNIT_ASSERT_EQ(test, vexfs_extent_number(c, slot), number);
			KUNIT_ASSERT_EQ(test, vexfs_extent_number(c, slot + rows - 1), number);
			slot += rows;
		}
	}
}

/* ---- ids ---- */

/* Expected contents: the stored version by small number, or 0. */
struct oracle {
	u32 n;
	u32 live;
	u64 (*id)(u32 i);
	u32 *version;
};

static u64 id_plain(u32 i)
{
	return i;
}

static u64 id_high(u32 i)
{
	return (u64)i << 40;
}

static u64 id_top(u32 i)
{
	return ~(u64)i;
}

static u64 id_mixed(u32 i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL;
}

static u64 id_odd(u32 i)
{
	return i + 777;
}

static int oracle_put(struct vexfs_collection *c, struct oracle *o, u32 i, u32 flags)
{
	u64 id = o->id(i);
	float_bits v[TEST_DIM];
	u32 version = o->version[i] + 1;
	struct vexfs_put_part p = {
		.flags = flags, .n = 1, .ids = &id, .vectors = v,
	};
	int err;

	vexfs_test_vector(v, TEST_DIM, id, version);
	err = vexfs_put_vectors(c, &p);
	if (!err) {
		o->live += !o->version[i];
		o->version[i] = version;
	}
	return err;
}

/* Neighbours in one request: if they are stored, they get a leaf of the id map. */
static void oracle_put_run(struct kunit *test, struct vexfs_collection *c, struct oracle *o,
			   u32 first, u32 n)
{
	u64 *ids = kunit_kcalloc(test, n, sizeof(*ids), GFP_KERNEL);
	float_bits *v = kunit_kcalloc(test, n, TEST_DIM * sizeof(*v), GFP_KERNEL);
	struct vexfs_put_part p = {
		.flags = VEXFS_PUT_UPSERT, .n = n, .ids = ids, .vectors = v,
	};
	u32 j;

	KUNIT_ASSERT_TRUE(test, ids && v);
	for (j = 0; j < n; j++) {
		/* the ids of some oracles are descending */
		u32 i = o->id(1) > o->id(0) ? first + j : first + n - 1 - j;

		ids[j] = o->id(i);
		o->live += !o->version[i];
		vexfs_test_vector(v + j * TEST_DIM, TEST_DIM, ids[j], ++o->version[i]);
	}
	KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
	KUNIT_ASSERT_EQ(test, p.done, n);
	kunit_kfree(test, v);
	kunit_kfree(test, ids);
}

static int oracle_delete(struct vexfs_collection *c, struct oracle *o, u32 i)
{
	u64 id = o->id(i);
	int err = vexfs_test_delete(c, &id, 1, 0);

	if (!err) {
		o->version[i] = 0;
		o->live--;
	}
	return err;
}

static void oracle_check(struct kunit *test, struct vexfs_collection *c, struct oracle *o)
{
	struct vexfs_soundness s;
	u32 i;

	for (i = 0; i < o->n; i++) {
		u64 id = o->id(i);
		float_bits v[TEST_DIM], got[TEST_DIM];
		s32 error = 1;
		struct vexfs_get_part g = {
			.n = 1, .ids = &id, .vectors = got, .errors = &error,
		};

		vexfs_get_vectors(c, &g);
		KUNIT_ASSERT_EQ_MSG(test, error, o->version[i] ? 0 : -ENOENT, "id %llu", id);
		if (error)
			continue;
		vexfs_test_vector(v, TEST_DIM, id, o->version[i]);
		KUNIT_ASSERT_EQ(test, memcmp(v, got, sizeof(v)), 0);
	}
	KUNIT_ASSERT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_ASSERT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	KUNIT_ASSERT_EQ(test, s.vectors, o->live);
	KUNIT_ASSERT_EQ(test, atomic64_read(&c->count), o->live);
}

static void random_life(struct kunit *test)
{
	static u64 (*const ids[])(u32) = { id_plain, id_high, id_top, id_mixed };
	u32 rounds = vexfs_kunit_quick ? 3000 : 40000, round, k;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 5);
	for (k = 0; k < ARRAY_SIZE(ids); k++) {
		struct vexfs_collection *c = vexfs_test_collection(test, "life", TEST_DIM, 0);
		struct oracle o = { .n = 700, .id = ids[k] };

		o.version = kunit_kcalloc(test, o.n, sizeof(*o.version), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, o.version);
		for (round = 0; round < rounds; round++) {
			u32 i = prandom_u32_state(&rnd) % o.n;
			bool there = o.version[i];

			if (!(prandom_u32_state(&rnd) % 500)) {
				oracle_put_run(test, c, &o, i, min(o.n - i, 200u));
				continue;
			}
			switch (prandom_u32_state(&rnd) % 4) {
			case 0:
				KUNIT_ASSERT_EQ(test, oracle_put(c, &o, i, VEXFS_PUT_INSERT),
						there ? -EEXIST : 0);
				break;
			case 1:
				KUNIT_ASSERT_EQ(test, oracle_put(c, &o, i, VEXFS_PUT_UPDATE),
						there ? 0 : -ENOENT);
				break;
			case 2:
				KUNIT_ASSERT_EQ(test, oracle_put(c, &o, i, VEXFS_PUT_UPSERT), 0);
				break;
			default:
				KUNIT_ASSERT_EQ(test, oracle_delete(c, &o, i), there ? 0 : -ENOENT);
			}
		}
		oracle_check(test, c, &o);
		vexfs_test_collection_end(c);
	}
}

/* The id map grows, splits and shrinks; its memory is freed. */
static void many_ids_like(struct kunit *test, u64 (*id)(u32 i))
{
	u32 n = vexfs_kunit_quick ? 20000 : 300000, at, i, m;
	struct vexfs_collection *c = vexfs_test_collection(test, "many", 4, 0);
	u64 *ids = vmalloc(VEXFS_RUN_MAX * sizeof(u64));
	float_bits *v = vmalloc(VEXFS_RUN_MAX * 4 * sizeof(*v));
	struct vexfs_soundness s;
	u64 full;

	KUNIT_ASSERT_TRUE(test, ids && v);
	for (at = 0; at < n; at += m) {
		struct vexfs_put_part p = { .flags = VEXFS_PUT_INSERT, .ids = ids, .vectors = v };

		m = p.n = min(VEXFS_RUN_MAX, n - at);
		for (i = 0; i < m; i++) {
			ids[i] = id(at + i);
			vexfs_test_vector(v + i * 4, 4, ids[i], 1);
		}
		KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
		KUNIT_ASSERT_EQ(test, p.done, m);
	}
	KUNIT_ASSERT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	KUNIT_EXPECT_EQ(test, s.vectors, n);
	full = atomic64_read(&c->bytes);
	for (at = 0; at < n; at += m) {
		m = min(VEXFS_RUN_MAX, n - at);
		for (i = 0; i < m; i++)
			ids[i] = id(at + i);
		KUNIT_ASSERT_EQ(test, vexfs_test_delete(c, ids, m, 0), 0);
	}
	vexfs_reap_slots(c);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	KUNIT_EXPECT_EQ(test, s.vectors, 0);
	KUNIT_EXPECT_LT(test, (u64)atomic64_read(&c->bytes), full / 10);
	vfree(v);
	vfree(ids);
	vexfs_test_collection_end(c);
}

static void many_ids(struct kunit *test)
{
	many_ids_like(test, id_mixed);
	many_ids_like(test, id_plain);
	/* leaves that begin and end inside a request */
	many_ids_like(test, id_odd);
}

/* Long runs of ascending ids, some of which are stored, or are no longer stored. */
static void counting(struct kunit *test)
{
	const u32 n = 3000, known = 37;
	struct vexfs_collection *c = vexfs_test_collection(test, "counting", 4, 0);
	struct vexfs_put_part p = { .flags = VEXFS_PUT_INSERT };
	struct vexfs_soundness s;
	float_bits *v = vmalloc(n * 4 * sizeof(*v));
	s32 *errors = vmalloc(n * sizeof(*errors));
	u64 *ids = vmalloc(n * sizeof(*ids));
	u32 i;

	KUNIT_ASSERT_TRUE(test, ids && v && errors);
	WRITE_ONCE(c->capacity, n + 500);
	p.ids = ids;
	p.vectors = v;
	p.errors = errors;
	for (i = 0; i < n; i++)
		vexfs_test_vector(v + i * 4, 4, i, 1);
	for (i = 0; i * known < n; i++)
		ids[i] = 1000 + i * known;
	p.n = i;
	KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
	for (i = 0; i < n; i++)
		ids[i] = 1000 + i;
	/* the first one exists: nothing is stored */
	p.n = n;
	KUNIT_EXPECT_EQ(test, vexfs_put_vectors(c, &p), -EEXIST);
	KUNIT_EXPECT_EQ(test, p.done, 0);
	KUNIT_EXPECT_EQ(test, p.tried, 1);
	p.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE;
	memset(errors, 0xff, n * sizeof(*errors));
	KUNIT_EXPECT_EQ(test, vexfs_put_vectors(c, &p), 0);
	KUNIT_EXPECT_EQ(test, p.tried, n);
	KUNIT_EXPECT_EQ(test, p.done, n - DIV_ROUND_UP(n, known));
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, errors[i], i % known ? 0 : -EEXIST);
	/* a hole of two leaves, filled again by a run that updates its surroundings */
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, ids + 400, 2000, 0), 0);
	p.flags = VEXFS_PUT_UPSERT;
	KUNIT_EXPECT_EQ(test, vexfs_put_vectors(c, &p), 0);
	KUNIT_EXPECT_EQ(test, p.done, n);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->count), n);
	/* space for 500 more */
	for (i = 0; i < n; i++)
		ids[i] = 1ULL << 40 | i;
	p.flags = VEXFS_PUT_INSERT;
	KUNIT_EXPECT_EQ(test, vexfs_put_vectors(c, &p), -ENOSPC);
	KUNIT_EXPECT_EQ(test, p.done, 500);
	KUNIT_EXPECT_EQ(test, p.tried, 501);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->count), n + 500);
	vexfs_reap_slots(c);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	KUNIT_EXPECT_EQ(test, s.vectors, n + 500);
	vfree(ids);
	vfree(errors);
	vfree(v);
	vexfs_test_collection_end(c);
}

/* ---- slots that die ---- */

static void grace_period(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "grace", TEST_DIM, 0);
	float_bits v[TEST_DIM];
	u64 id = 7, other = 8;
	struct vexfs_put_part p = { .flags = VEXFS_PUT_UPSERT, .n = 1, .ids = &id, .vectors = v };
	u32 slot, i;
	int idx;

	vexfs_test_vector(v, TEST_DIM, id, 1);
	KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
	idx = vexfs_read_lock(c);
	slot = vexfs_find(c, id);
	KUNIT_ASSERT_NE(test, slot, VEXFS_NO_SLOT);
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, &id, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_find(c, id), VEXFS_NO_SLOT);
	KUNIT_EXPECT_EQ(test, vexfs_slot_state(c, slot), VEXFS_SLOT_DEAD);
	/* others are stored and deleted; this slot must not be reused while we read it */
	p.ids = &other;
	for (i = 0; i < 2000; i++) {
		float_bits w[TEST_DIM];

		vexfs_test_vector(w, TEST_DIM, other, i);
		p.vectors = w;
		KUNIT_ASSERT_EQ(test, vexfs_put_vectors(c, &p), 0);
		KUNIT_ASSERT_NE(test, vexfs_find(c, other), slot);
	}
	KUNIT_EXPECT_EQ(test, memcmp(vexfs_slot_row(c, slot), v, sizeof(v)), 0);
	KUNIT_EXPECT_EQ(test, vexfs_slot_id(c, slot), id);
	vexfs_read_unlock(c, idx);
	vexfs_reap_slots(c);
	idx = vexfs_read_lock(c);
	KUNIT_EXPECT_EQ(test, vexfs_slot_state(c, slot), VEXFS_SLOT_FREE);
	vexfs_read_unlock(c, idx);
	vexfs_test_collection_end(c);
}

/* ---- errors ---- */

/* Writers that must not wait. */
static void write_try(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "try", TEST_DIM, 0);

	KUNIT_ASSERT_EQ(test, vexfs_write_try(c), 0);
	/* beside another one */
	KUNIT_EXPECT_EQ(test, vexfs_write_try(c), 0);
	vexfs_write_end(c, 0);
	vexfs_write_end(c, 0);
	down_write(&c->quiesce);
	KUNIT_EXPECT_EQ(test, vexfs_write_try(c), -EAGAIN);
	c->gated = true;
	up_write(&c->quiesce);
	KUNIT_EXPECT_EQ(test, vexfs_write_try(c), -EAGAIN);
	c->gated = false;
	vexfs_test_collection_end(c);
}

static void unused_slots(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "unused", TEST_DIM, 0);
	struct vexfs_run run;
	u32 slot, i;

	KUNIT_ASSERT_EQ(test, vexfs_write_begin(c, 10, 0), 0);
	KUNIT_ASSERT_EQ(test, vexfs_reserve(c, 10, &run), 0);
	KUNIT_ASSERT_EQ(test, run.n, 10);
	slot = vexfs_run_slot(&run);
	memset(vexfs_run_rows(c, &run), 0x55, run.n * c->space.stride);
	vexfs_unreserve(c, &run);
	/* the lowest slots are reused first, and their rows are cleared */
	KUNIT_ASSERT_EQ(test, vexfs_reserve(c, 10, &run), 0);
	KUNIT_EXPECT_EQ(test, vexfs_run_slot(&run), slot);
	for (i = 0; i < run.n * c->space.stride; i++)
		KUNIT_ASSERT_EQ(test, ((u8 *)vexfs_run_rows(c, &run))[i], 0);
	vexfs_unreserve(c, &run);
	vexfs_write_end(c, 10);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->count), 0);
	vexfs_test_collection_end(c);
}

static void refused_vectors(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "refused", TEST_DIM, 0);
	u32 n = 300, i, good;
	float_bits *v = vmalloc(n * TEST_DIM * sizeof(*v));
	u64 *ids = vmalloc(n * sizeof(*ids));
	s32 *errors = vmalloc(n * sizeof(*errors));
	struct vexfs_soundness s;

	KUNIT_ASSERT_TRUE(test, v && ids && errors);
	/* NaN in every seventh, a duplicate id in every eleventh */
	for (i = 0, good = 0; i < n; i++) {
		ids[i] = i % 11 == 10 ? i - 1 : i;
		vexfs_test_vector(v + i * TEST_DIM, TEST_DIM, i, 1);
		if (i % 7 == 6)
			v[i * TEST_DIM + i % TEST_DIM] = 0x7fc00000;
	}
	for (i = 0; i < n; i += VEXFS_RUN_MAX) {
		struct vexfs_put_part p = {
			.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE,
			.n = min(VEXFS_RUN_MAX, n - i), .ids = ids + i,
			.vectors = v + i * TEST_DIM, .errors = errors + i,
		};

		KUNIT_EXPECT_EQ(test, vexfs_put_vectors(c, &p), 0);
		KUNIT_EXPECT_EQ(test, p.tried, p.n);
		good += p.done;
	}
	for (i = 0; i < n; i++) {
		/* the one before it may have been refused, and left the id free */
		bool twice = i % 11 == 10 && (i - 1) % 7 != 6;
		s32 want = i % 7 == 6 ? -EDOM : twice ? -EEXIST : 0;

		KUNIT_ASSERT_EQ_MSG(test, errors[i], want, "vector %u", i);
		good -= !want;
	}
	KUNIT_EXPECT_EQ(test, good, 0);
	KUNIT_EXPECT_EQ(test, vexfs_check_store(c, &s), 0);
	KUNIT_EXPECT_EQ_MSG(test, s.faults, 0, "%s", s.report);
	vfree(errors);
	vfree(ids);
	vfree(v);
	vexfs_test_collection_end(c);
}

static void dropped(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "dropped", TEST_DIM, 0);
	struct oracle o = { .n = 1, .id = id_plain };
	u32 version = 0;

	o.version = &version;
	KUNIT_ASSERT_EQ(test, vexfs_collection_publish(c), 0);
	KUNIT_EXPECT_EQ(test, oracle_put(c, &o, 0, VEXFS_PUT_INSERT), 0);
	KUNIT_EXPECT_EQ(test, vexfs_collection_drop(c->name, false), 0);
	KUNIT_EXPECT_EQ(test, vexfs_collection_drop(c->name, false), -ENOENT);
	KUNIT_EXPECT_EQ(test, oracle_put(c, &o, 0, VEXFS_PUT_UPDATE), -ENOENT);
	vexfs_test_collection_end(c);
}

/* Undo applies to the collection, not to another one with its name. */
static void undone(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "undone", TEST_DIM, 0);
	struct vexfs_collection *next, *found;

	KUNIT_ASSERT_EQ(test, vexfs_collection_publish(c), 0);
	KUNIT_EXPECT_EQ(test, vexfs_collection_drop(c->name, false), 0);
	next = vexfs_test_collection(test, "undone", TEST_DIM, 0);
	KUNIT_ASSERT_EQ(test, vexfs_collection_publish(next), 0);
	KUNIT_EXPECT_EQ(test, vexfs_collection_undo(c), -ENOENT);
	KUNIT_EXPECT_EQ(test, vexfs_collection_open(next->name, VEXFS_MAY_READ, &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, next);
	vexfs_collection_put(found);
	KUNIT_EXPECT_EQ(test, vexfs_collection_undo(next), 0);
	vexfs_test_collection_end(c);
	vexfs_test_collection_end(next);
}

static atomic_t payers;

/* Holds more and less while others make somebody else pay. */
static int pay(void *arg)
{
	struct vexfs_collection *c = arg;
	u32 refused = 0;

	atomic_inc(&payers);
	while (!kthread_should_stop()) {
		refused += !!vexfs_collection_charge(c, 4096);
		vexfs_collection_uncharge(c, 4096);
		cond_resched();
	}
	return refused;
}

/*
 * Whatever an owner has paid is his to get back: an account that is not empty when its
 * last collection has gone warns.
 */
static void owners(struct kunit *test)
{
	struct vexfs_set set = { .size = sizeof(set), .what = VEXFS_SET_UID };
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_SET, .set = &set };
	struct vexfs_collection *c = vexfs_test_collection(test, "owners", TEST_DIM, 0);
	u64 held = atomic64_read(&c->bytes);
	struct task_struct *task[2];
	u32 i;

	atomic_set(&payers, 0);
	for (i = 0; i < ARRAY_SIZE(task); i++) {
		task[i] = kthread_run(pay, c, "vexfs-pay/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task[i]));
	}
	/* a thread that is stopped before its start never runs */
	while (atomic_read(&payers) < (int)ARRAY_SIZE(task))
		usleep_range(1000, 2000);
	for (i = 0; i < (vexfs_kunit_quick ? 400 : 20000); i++) {
		set.uid = 70000 + i % 3;
		KUNIT_ASSERT_EQ(test, vexfs_mutate(c, &m), 0);
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(task); i++)
		KUNIT_EXPECT_EQ(test, kthread_stop(task[i]), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->bytes), held);
	vexfs_test_collection_end(c);
}

/* ---- an index that only watches ---- */

/**
 * struct watcher - what an index was told
 * @state: by slot: 1 in the index, 2 removed, 0 reused
 * @wrong: calls that should not have been
 * @fail: refuse inserts
 * @detached: the end
 */
struct watcher {
	struct vexfs_index_ref ref;
	u8 state[16384];	/* slots are not reused while the reaper waits */
	u32 wrong;
	bool fail;
	bool detached;
};

static int watch_insert(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			struct vexfs_stack_mark *stack)
{
	struct watcher *w = index;
	u32 i;

	if (w->fail)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		w->wrong += w->state[slots[i]] != 0;
		w->wrong += vexfs_slot_state(c, slots[i]) != VEXFS_SLOT_FILLING;
		w->state[slots[i]] = 1;
	}
	return 0;
}

static void watch_remove(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			 struct vexfs_stack_mark *stack)
{
	struct watcher *w = index;
	u32 i;

	for (i = 0; i < n; i++) {
		w->wrong += w->state[slots[i]] != 1;
		w->wrong += vexfs_slot_state(c, slots[i]) != VEXFS_SLOT_DEAD;
		w->state[slots[i]] = 2;
	}
}

static void watch_reuse(struct vexfs_collection *c, void *index, const u32 *slots, u32 n)
{
	struct watcher *w = index;
	u32 i;

	for (i = 0; i < n; i++) {
		w->wrong += w->state[slots[i]] == 1;
		w->state[slots[i]] = 0;
	}
}

static void watch_free(struct vexfs_collection *c, void *index)
{
	((struct watcher *)index)->detached = true;
}

static const struct vexfs_index_ops watch_ops = {
	.name = "watcher",
	.insert = watch_insert,
	.remove = watch_remove,
	.reuse = watch_reuse,
	.free = watch_free,
};

static void watched(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "watched", TEST_DIM, 0);
	struct watcher *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct oracle o = { .n = 200, .id = id_mixed };
	u32 rounds = vexfs_kunit_quick ? 1000 : 10000, i, in = 0;
	struct vexfs_index_ref other;
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, w);
	o.version = kunit_kcalloc(test, o.n, sizeof(*o.version), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, o.version);
	KUNIT_ASSERT_EQ(test, vexfs_index_attach(c, &w->ref, &watch_ops, w), 0);
	KUNIT_EXPECT_EQ(test, vexfs_index_attach(c, &other, &watch_ops, w), -EBUSY);
	prandom_seed_state(&rnd, 6);
	while (rounds--) {
		bool there;

		i = prandom_u32_state(&rnd) % o.n;
		there = o.version[i];
		w->fail = prandom_u32_state(&rnd) % 16 == 0;
		if (prandom_u32_state(&rnd) % 3) {
			int err = oracle_put(c, &o, i, VEXFS_PUT_UPSERT);

			KUNIT_ASSERT_EQ(test, err, w->fail ? -ENOMEM : 0);
		} else {
			KUNIT_ASSERT_EQ(test, oracle_delete(c, &o, i), there ? 0 : -ENOENT);
		}
	}
	oracle_check(test, c, &o);
	for (i = 0; i < ARRAY_SIZE(w->state); i++)
		in += w->state[i] == 1;
	KUNIT_EXPECT_EQ(test, in, o.live);
	KUNIT_EXPECT_EQ(test, w->wrong, 0);
	vexfs_test_collection_end(c);
	KUNIT_EXPECT_TRUE(test, w->detached);
}

/* ---- an index that has a part of each extent ---- */

/**
 * struct parted - such an index
 * @ref: for the store
 * @made: number of parts made
 * @freed: number of parts freed
 * @wrong: parts that are another's
 * @gone: the end
 */
struct parted {
	struct vexfs_index_ref ref;
	u32 made;
	u32 freed;
	u32 wrong;
	bool gone;
};

static int parted_insert(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			 struct vexfs_stack_mark *stack)
{
	struct parted *p = index;
	u32 i;

	for (i = 0; i < n; i++) {
		struct vexfs_extent *e = vexfs_extent(c, slots[i]);
		struct vexfs_index_part *part = READ_ONCE(e->index);

		if (part) {
			p->wrong += part->owner != &p->ref;
			continue;
		}
		part = kzalloc(sizeof(*part), GFP_KERNEL);
		if (!part)
			return -ENOMEM;
		vexfs_index_part_add(&p->ref, e, part);
		p->made++;
	}
	return 0;
}

static void parted_remove(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
			  struct vexfs_stack_mark *stack)
{
}

static void parted_part_free(struct vexfs_collection *c, void *index,
			     struct vexfs_index_part *part)
{
	struct parted *p = index;

	p->wrong += part->owner != &p->ref || p->gone;
	p->freed++;
	kfree(part);
}

static void parted_free(struct vexfs_collection *c, void *index)
{
	struct parted *p = index;

	p->wrong += p->gone;
	p->gone = true;
}

static const struct vexfs_index_ops parted_ops = {
	.name = "parted",
	.insert = parted_insert,
	.remove = parted_remove,
	.part_free = parted_part_free,
	.free = parted_free,
};

/*
 * Indexes that come and go while extents do: those on their way out have parts of an index
 * that is off already, with another in its place.
 */
static void index_parts(struct kunit *test)
{
	const u32 n = 3000, rounds = 40;
	struct vexfs_collection *c = vexfs_test_collection(test, "parts", TEST_DIM, 0);
	struct parted *p = kunit_kcalloc(test, rounds, sizeof(*p), GFP_KERNEL);
	struct oracle o = { .n = n, .id = id_plain };
	u32 round, i;

	o.version = kunit_kcalloc(test, n, sizeof(*o.version), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, p && o.version);
	for (round = 0; round < rounds; round++) {
		KUNIT_ASSERT_EQ(test, vexfs_index_attach(c, &p[round].ref, &parted_ops, &p[round]),
				0);
		oracle_put_run(test, c, &o, 0, round % 5 ? 2500 : 300);
		for (i = round % 7 * 100; i < n; i++)
			if (o.version[i])
				KUNIT_ASSERT_EQ(test, oracle_delete(c, &o, i), 0);
		switch (round % 3) {
		case 1:
			/* slots are free, their extents on their way out */
			cancel_delayed_work_sync(&c->reaper);
			vexfs_reap_work(&c->reaper.work);
			break;
		case 2:
			KUNIT_ASSERT_EQ(test, vexfs_reap_slots(c), 0);
		}
		KUNIT_ASSERT_EQ(test, vexfs_index_detach(c), 0);
		KUNIT_EXPECT_EQ(test, vexfs_index_detach(c), -ENOENT);
	}
	oracle_check(test, c, &o);
	vexfs_test_collection_end(c);
	for (round = 0; round < rounds; round++) {
		KUNIT_EXPECT_GT(test, p[round].made, 0);
		KUNIT_EXPECT_EQ(test, p[round].made, p[round].freed);
		KUNIT_EXPECT_EQ(test, p[round].wrong, 0);
		KUNIT_EXPECT_TRUE(test, p[round].gone);
	}
}

/* ---- names ---- */

static void names(struct kunit *test)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "a", true }, { "", false }, { "a b", false }, { "a/b", false }, { ".", false },
		{ "..", false }, { ".a", false }, { "a.", true }, { "-", false }, { "-a", false },
		{ "a-", true }, { "Zz09._:+-", true }, { ":a", true }, { "+1", true }, { "_", true },
		{ "9", true }, { "a@b", false }, { "a%b", false }, { "\x7f", false },
		{ "\xc3\xa9", false }, { "\xe9", false }, { "\xff", false }, { "\t", false },
		{ "$(x)", false }, { "a\nb", false }, { "`x`", false }, { "{x}", false },
	};
	char name[VEXFS_NAME_SIZE];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(name, 0, sizeof(name));
		strscpy(name, cases[i].name, sizeof(name));
		KUNIT_EXPECT_EQ_MSG(test, vexfs_name_valid(name, sizeof(name)), cases[i].good,
				    "case %u", i);
	}
	memset(name, 'x', sizeof(name));
	KUNIT_EXPECT_FALSE(test, vexfs_name_valid(name, sizeof(name)));
	name[63] = 0;
	KUNIT_EXPECT_TRUE(test, vexfs_name_valid(name, sizeof(name)));
	name[5] = 0;
	KUNIT_EXPECT_FALSE(test, vexfs_name_valid(name, sizeof(name)));
	/* every byte alone and in the middle */
	for (i = 1; i < 256; i++) {
		bool letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') ||
			      (i >= '0' && i <= '9');

		memset(name, 0, sizeof(name));
		name[0] = i;
		KUNIT_EXPECT_EQ_MSG(test, vexfs_name_valid(name, sizeof(name)),
				    letter || i == '_' || i == ':' || i == '+', "byte %u", i);
		name[0] = 'a';
		name[1] = i;
		name[2] = 'a';
		KUNIT_EXPECT_EQ_MSG(test, vexfs_name_valid(name, sizeof(name)),
				    letter || i == '_' || i == ':' || i == '+' || i == '-' || i == '.',
				    "byte %u inside", i);
	}
}

static void layouts(struct kunit *test)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "", true }, { "lang:u8,year:u16@2", true }, { "a b/c", true },
		{ "\xc3\xa9", true }, { "\xe2\x82\xac", true }, { "\xf0\x9f\x8d\x8b", true },
		{ "\xc3", false }, { "\xf8\x88\x80\x80\x80", false }, { "\xc2\x85", false },
		{ "a\tb", false }, { "a\nb", false }, { "\x1b[2J", false }, { "\x7f", false },
		{ "\xc0\xaf", false }, { "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false },
		{ "a\xe2\x80\xae" "b", false }, { "\xe2\x81\xa6", false },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vexfs_layout_valid(cases[i].text, strlen(cases[i].text)),
				    cases[i].good, "case %u", i);
	KUNIT_EXPECT_FALSE(test, vexfs_layout_valid("a\0b", 3));
}

/* ---- counts of ops ---- */

static void count_here(void *arg)
{
	vexfs_collection_count(arg, VEXFS_COUNTED_SEARCH, false);
	vexfs_collection_count(arg, VEXFS_COUNTED_PUT, true);
}

static void op_counts(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "counts", TEST_DIM, 0);
	struct vexfs_counts n;
	unsigned int cpu, i;

	for (i = 0; i < 10; i++)
		for_each_online_cpu(cpu)
			smp_call_function_single(cpu, count_here, c, 1);
	vexfs_collection_count(c, VEXFS_COUNTED_DELETE, false);
	vexfs_collection_counts(c, &n);
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_SEARCH], 10 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_PUT], 10 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_ERROR], 10 * num_online_cpus());
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_DELETE], 1);
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_READ], 0);
	KUNIT_EXPECT_EQ(test, n.n[VEXFS_COUNTED_OTHER], 0);
	vexfs_test_collection_end(c);
}

static struct kunit_case store_cases[] = {
	KUNIT_CASE(extents_tile),
	KUNIT_CASE(random_life),
	KUNIT_CASE(many_ids),
	KUNIT_CASE(counting),
	KUNIT_CASE(grace_period),
	KUNIT_CASE(write_try),
	KUNIT_CASE(unused_slots),
	KUNIT_CASE(refused_vectors),
	KUNIT_CASE(dropped),
	KUNIT_CASE(undone),
	KUNIT_CASE(op_counts),
	KUNIT_CASE(owners),
	KUNIT_CASE(watched),
	KUNIT_CASE(index_parts),
	KUNIT_CASE(names),
	KUNIT_CASE(layouts),
	{ }
};

static struct kunit_suite store_suite = {
	.name = "vexfs-store",
	.test_cases = store_cases,
};
kunit_test_suite(store_suite);
