// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of changes and its readers: order, bounds, what a reader is told that was too
 * slow, and reading with concurrent writers.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "store/ring.h"
#include "store/stream.h"
#include "suites.h"
#include "vectors.h"

static struct vexfs_cursor *watch_from(struct kunit *test, struct vexfs_collection *c, bool any,
				       u64 from, struct vexfs_stream_req *req)
{
	struct vexfs_cursor *cur = NULL;

	*req = (struct vexfs_stream_req){ .flags = any ? 0 : VEXFS_STREAM_FROM, .from = from };
	KUNIT_ASSERT_EQ(test, vexfs_cursor_open(c, req, &cur), 0);
	return cur;
}

/* All changes that are there now, @room at a time, into @to. */
static u32 read_all(struct vexfs_cursor *cur, struct vexfs_change *to, u32 most, u32 room)
{
	u32 n = 0;
	int got;

	while (n < most) {
		got = vexfs_cursor_read(cur, to + n, min(room, most - n));
		if (got <= 0)
			break;
		n += got;
	}
	return n;
}

/* ---- order ---- */

static void every_kind(struct kunit *test, struct vexfs_collection *c)
{
	static const u64 ids[] = { 103, 101 };
	struct vexfs_set set = { .what = VEXFS_SET_MODE, .mode = 0640 };
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_SET, .set = &set };
	u64 seq;

	/* a run, hashed ids, a group that replaces, deletions, settings */
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 100, 40, VEXFS_PUT_INSERT, &seq), 0);
	KUNIT_EXPECT_EQ(test, seq, 40);
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 1000003, 1, VEXFS_PUT_INSERT, NULL), 0);
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 100, 10, VEXFS_PUT_UPDATE, NULL), 0);
	KUNIT_EXPECT_EQ(test, vexfs_test_delete(c, ids, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_mutate(c, &m), 0);
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 103, 1, VEXFS_PUT_UPSERT, NULL), 0);
	/* a refused change is no change */
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 103, 1, VEXFS_PUT_INSERT, NULL), -EEXIST);
	KUNIT_EXPECT_EQ(test, vexfs_collection_drop(c->name, false), 0);
}

static void in_order(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "order", TEST_DIM, 0);
	struct vexfs_change *ch = kunit_kcalloc(test, 64, sizeof(*ch), GFP_KERNEL);
	static const u32 rooms[] = { 1, 7, 64 };
	struct vexfs_cursor *cur[ARRAY_SIZE(rooms)];
	struct vexfs_stream_req req;
	u32 i, j, n;

	KUNIT_ASSERT_NOT_NULL(test, ch);
	KUNIT_ASSERT_EQ(test, vexfs_collection_publish(c), 0);
	for (i = 0; i < ARRAY_SIZE(rooms); i++)
		cur[i] = watch_from(test, c, true, 0, &req);
	KUNIT_EXPECT_EQ(test, req.flags, VEXFS_STREAM_SNAPSHOT);
	KUNIT_EXPECT_FALSE(test, vexfs_cursor_ready(cur[0]));
	KUNIT_EXPECT_EQ(test, vexfs_cursor_read(cur[0], ch, 1), -EAGAIN);
	every_kind(test, c);
	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		KUNIT_EXPECT_TRUE(test, vexfs_cursor_ready(cur[i]));
		memset(ch, 0xff, 64 * sizeof(*ch));
		n = read_all(cur[i], ch, 64, rooms[i]);
		KUNIT_ASSERT_EQ(test, n, 56);
		for (j = 0; j < n; j++) {
			u64 id = j < 40 ? 100 + j : j == 40 ? 1000003 : j < 51 ? 100 + j - 41 :
				 j == 51 ? 103 : j == 52 ? 101 : j == 54 ? 103 : 0;
			u32 op = j < 41 || j == 54 ? VEXFS_CHANGE_INSERT :
				 j < 51 ? VEXFS_CHANGE_UPDATE : j < 53 ? VEXFS_CHANGE_DELETE :
				 j == 53 ? VEXFS_CHANGE_SET : VEXFS_CHANGE_DROP;

			KUNIT_EXPECT_EQ(test, ch[j].seq, j + 1);
			KUNIT_EXPECT_EQ(test, ch[j].op, op);
			KUNIT_EXPECT_EQ(test, ch[j].id, id);
		}
		/* after the drop there is an end, for ever */
		KUNIT_EXPECT_EQ(test, vexfs_cursor_read(cur[i], ch, 1), 0);
		KUNIT_EXPECT_TRUE(test, vexfs_cursor_ready(cur[i]));
		vexfs_cursor_close(cur[i]);
	}
	vexfs_test_collection_end(c);
}

/* A row is found by its change as long as that is the last one of its vector. */
static void rows_of_changes(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "rows", TEST_DIM, 0);
	struct vexfs_change ch[20];
	struct vexfs_stream_req req;
	struct vexfs_cursor *cur = watch_from(test, c, true, 0, &req);
	u32 i;

	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 1, 10, VEXFS_PUT_INSERT, NULL), 0);
	KUNIT_EXPECT_EQ(test, vexfs_test_put(c, 1, 5, VEXFS_PUT_UPDATE, NULL), 0);
	KUNIT_ASSERT_EQ(test, read_all(cur, ch, 20, 20), 15);
	for (i = 0; i < 15; i++) {
		int idx = vexfs_read_lock(c);
		const struct vexfs_extent *e = vexfs_slot_has(c, ch[i].slot, ch[i].seq);

		KUNIT_EXPECT_EQ_MSG(test, !!e, i >= 5, "change %u", i + 1);
		KUNIT_EXPECT_NULL(test, vexfs_slot_has(c, ch[i].slot, ch[i].seq + 100));
		vexfs_read_unlock(c, idx);
	}
	KUNIT_EXPECT_NULL(test, vexfs_slot_has(c, VEXFS_NO_SLOT, 1));
	KUNIT_EXPECT_NULL(test, vexfs_slot_has(c, VEXFS_SLOTS_MAX - 1, 1));
	vexfs_cursor_close(cur);
	vexfs_test_collection_end(c);
}

/* ---- bounds ---- */

static void bounded(struct kunit *test)
{
	static const struct {
		u32 dim;
		u32 entries;
	} sizes[] = { { 16, 32768 }, { 512, 32768 }, { 1024, 16384 }, { 20000, 512 }, { 65536, 512 } };
	struct vexfs_stream_req req;
	struct vexfs_cursor *first, *second;
	struct vexfs_collection *c;
	u64 without, with;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		c = vexfs_test_collection(test, "bounded", sizes[i].dim, 0);
		KUNIT_EXPECT_EQ(test, vexfs_ring_entries(c), sizes[i].entries);
		/* what a reader leaves behind is there from now on */
		vexfs_cursor_close(watch_from(test, c, true, 0, &req));
		KUNIT_EXPECT_PTR_EQ(test, c->ring, NULL);
		without = atomic64_read(&c->bytes);
		first = watch_from(test, c, true, 0, &req);
		KUNIT_EXPECT_EQ(test, req.entries, sizes[i].entries);
		KUNIT_ASSERT_NOT_NULL(test, c->ring);
		KUNIT_EXPECT_EQ(test, c->ring->mask, sizes[i].entries - 1);
		with = atomic64_read(&c->bytes);
		KUNIT_EXPECT_EQ(test, with - without, struct_size(c->ring, entry, req.entries));
		/* one ring for all readers, and the last of them takes it along */
		second = watch_from(test, c, true, 0, &req);
		KUNIT_EXPECT_EQ(test, atomic64_read(&c->bytes), with);
		vexfs_cursor_close(first);
		KUNIT_EXPECT_EQ(test, atomic64_read(&c->bytes), with);
		vexfs_cursor_close(second);
		KUNIT_EXPECT_EQ(test, atomic64_read(&c->bytes), without);
		KUNIT_EXPECT_PTR_EQ(test, c->ring, NULL);
		vexfs_test_collection_end(c);
	}
}

/* A watcher that is overtaken is told once, and goes on where the stream is. */
static void overflow(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "overflow", TEST_DIM, 0);
	struct vexfs_change *ch = kvcalloc(32768, sizeof(*ch), GFP_KERNEL);
	struct vexfs_cursor *slow, *quick, *late;
	struct vexfs_stream_req req;
	u32 entries, i, bad = 0;
	u64 at = 0;

	KUNIT_ASSERT_NOT_NULL(test, ch);
	slow = watch_from(test, c, true, 0, &req);
	quick = watch_from(test, c, true, 0, &req);
	entries = req.entries;
	KUNIT_ASSERT_EQ(test, entries, 32768);
	KUNIT_ASSERT_EQ(test, vexfs_test_put(c, 0, 512, VEXFS_PUT_INSERT, NULL), 0);
	/* the ring is full to the last entry, and nobody has lost anything */
	while (vexfs_seq(c) < entries)
		KUNIT_ASSERT_EQ(test, vexfs_test_put(c, 0, 512, VEXFS_PUT_UPDATE, NULL), 0);
	KUNIT_ASSERT_EQ(test, vexfs_seq(c), entries);
	KUNIT_EXPECT_EQ(test, read_all(quick, ch, 32768, 1000), 32768);
	for (i = 0; i < 32768; i++)
		bad += ch[i].seq != ++at || ch[i].op == VEXFS_CHANGE_LOST;
	KUNIT_EXPECT_EQ(test, bad, 0);
	/* one more overwrites the first */
	KUNIT_ASSERT_EQ(test, vexfs_test_put(c, 0, 1, VEXFS_PUT_UPDATE, NULL), 0);
	KUNIT_ASSERT_EQ(test, read_all(quick, ch, 2, 2), 1);
	KUNIT_EXPECT_EQ(test, ch[0].seq, entries + 1);
	KUNIT_ASSERT_EQ(test, read_all(slow, ch, 2, 2), 1);
	KUNIT_EXPECT_EQ(test, ch[0].op, VEXFS_CHANGE_LOST);
	KUNIT_EXPECT_EQ(test, ch[0].seq, entries + 1);
	KUNIT_EXPECT_EQ(test, vexfs_cursor_read(slow, ch, 1), -EAGAIN);
	KUNIT_ASSERT_EQ(test, vexfs_test_put(c, 7, 1, VEXFS_PUT_UPDATE, NULL), 0);
	KUNIT_ASSERT_EQ(test, read_all(slow, ch, 2, 2), 1);
	KUNIT_EXPECT_EQ(test, ch[0].op, VEXFS_CHANGE_UPDATE);
	KUNIT_EXPECT_EQ(test, ch[0].id, 7);
	/* who begins in the ring needs no snapshot, who begins before it does */
	late = watch_from(test, c, false, 2, &req);
	KUNIT_EXPECT_EQ(test, req.flags, VEXFS_STREAM_FROM);
	KUNIT_EXPECT_EQ(test, read_all(late, ch, 32768, 4096), 32768);
	KUNIT_EXPECT_EQ(test, ch[0].seq, 3);
	vexfs_cursor_close(late);
	late = watch_from(test, c, false, 1, &req);
	KUNIT_EXPECT_TRUE(test, req.flags & VEXFS_STREAM_SNAPSHOT);
	KUNIT_EXPECT_EQ(test, req.from, entries + 2);
	vexfs_cursor_close(late);
	req = (struct vexfs_stream_req){ .flags = VEXFS_STREAM_FROM, .from = entries + 3 };
	KUNIT_EXPECT_EQ(test, vexfs_cursor_open(c, &req, &late), -EINVAL);
	/* a watcher acknowledges nothing, and nobody stores what is not durable */
	KUNIT_EXPECT_EQ(test, vexfs_cursor_ack(quick, 1, 0), -EPERM);
	req = (struct vexfs_stream_req){ .flags = VEXFS_STREAM_STORAGE };
	KUNIT_EXPECT_EQ(test, vexfs_cursor_open(c, &req, &late), -EOPNOTSUPP);
	vexfs_cursor_close(slow);
	vexfs_cursor_close(quick);
	vexfs_test_collection_end(c);
	kvfree(ch);
}

/* ---- writers beside a reader ---- */

#define IDS	600u	/* of each writer */
#define WRITERS	3u

/**
 * struct writer - a task that replaces and deletes vectors of its own
 * @c: the collection
 * @first: its lowest id
 * @err: its first error
 * @rounds: how often it still goes over its ids
 * @task: the task
 */
struct writer {
	struct vexfs_collection *c;
	u64 first;
	int err;
	u32 rounds;
	struct task_struct *task;
};

static atomic_t at_work;

static int write_rounds(void *arg)
{
	struct writer *w = arg;
	u64 ids[50];
	u32 i;

	while (w->rounds-- && !w->err) {
		w->err = vexfs_test_put(w->c, w->first, IDS, VEXFS_PUT_UPSERT, NULL);
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			ids[i] = w->first + (w->rounds * 50 + i) % IDS;
		if (!w->err)
			w->err = vexfs_test_delete(w->c, ids, ARRAY_SIZE(ids), 0);
		cond_resched();
	}
	atomic_dec(&at_work);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/**
 * struct copy - what a reader knows of the collection
 * @seq: of the last change of each id
 * @slot: of that change
 * @op: which it was; 0: none was read
 * @at: the last change read
 * @wrong: changes that cannot be
 * @lost: how often the place was lost
 */
struct copy {
	u64 seq[WRITERS * IDS];
	u32 slot[WRITERS * IDS];
	u32 op[WRITERS * IDS];
	u64 at;
	u64 wrong;
	u32 lost;
};

static void copy_apply(struct copy *k, const struct vexfs_change *ch)
{
	if (ch->op == VEXFS_CHANGE_LOST) {
		k->wrong += ch->seq <= k->at;
		k->lost++;
		/* only what is read from here on is compared */
		memset(k->op, 0, sizeof(k->op));
	} else {
		bool had;

		k->wrong += ch->seq != k->at + 1 || ch->id >= WRITERS * IDS;
		if (ch->id >= WRITERS * IDS)
			return;
		had = k->op[ch->id] && k->op[ch->id] != VEXFS_CHANGE_DELETE;
		/* an insert where there is none, an update or a deletion where there is one */
		if (k->op[ch->id] || !k->lost)
			k->wrong += had == (ch->op == VEXFS_CHANGE_INSERT);
		k->seq[ch->id] = ch->seq;
		k->slot[ch->id] = ch->slot;
		k->op[ch->id] = ch->op;
	}
	k->at = ch->seq;
}

static u32 copy_differs(const struct copy *k, struct vexfs_collection *c)
{
	u32 i, differ = 0;
	int idx = vexfs_read_lock(c);

	for (i = 0; i < WRITERS * IDS; i++)
		if (k->op[i] && k->op[i] != VEXFS_CHANGE_DELETE)
			differ += !vexfs_slot_has(c, k->slot[i], k->seq[i]);
	vexfs_read_unlock(c, idx);
	return differ;
}

static void beside_writers(struct kunit *test)
{
	struct vexfs_collection *c = vexfs_test_collection(test, "beside", TEST_DIM, 0);
	struct copy *k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	static struct writer w[WRITERS];
	struct vexfs_stream_req req;
	struct vexfs_change ch[20];
	struct vexfs_cursor *cur;
	int n, busy;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, k);
	cur = watch_from(test, c, true, 0, &req);
	atomic_set(&at_work, WRITERS);
	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .c = c, .first = i * IDS, .rounds = vexfs_kunit_quick ? 10 : 60 };
		w[i].task = kthread_run(write_rounds, &w[i], "vexfs-writer");
		KUNIT_ASSERT_FALSE(test, IS_ERR(w[i].task));
	}
	do {
		busy = atomic_read(&at_work);
		n = vexfs_cursor_read(cur, ch, ARRAY_SIZE(ch));
		for (i = 0; n > 0 && i < n; i++)
			copy_apply(k, &ch[i]);
		cond_resched();
	} while (n > 0 || busy);
	for (i = 0; i < WRITERS; i++) {
		kthread_stop(w[i].task);
		KUNIT_EXPECT_EQ(test, w[i].err, 0);
	}
	KUNIT_EXPECT_EQ(test, k->wrong, 0);
	KUNIT_EXPECT_EQ(test, k->at, vexfs_seq(c));
	KUNIT_EXPECT_EQ(test, copy_differs(k, c), 0);
	kunit_info(test, "%llu changes, the place was lost %u times", k->at, k->lost);
	vexfs_cursor_close(cur);
	vexfs_test_collection_end(c);
}

static struct kunit_case stream_cases[] = {
	KUNIT_CASE(in_order),
	KUNIT_CASE(rows_of_changes),
	KUNIT_CASE(bounded),
	KUNIT_CASE(overflow),
	KUNIT_CASE(beside_writers),
	{}
};

static struct kunit_suite vexfs_stream_suite = {
	.name = "vexfs-stream",
	.test_cases = stream_cases,
};

kunit_test_suite(vexfs_stream_suite);
