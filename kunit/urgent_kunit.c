// SPDX-License-Identifier: GPL-2.0
/*
 * Giving way: how many runs go on beside those of high priority, for how long the others pause,
 * and that nothing is left over. Time is an argument, so nothing here waits.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/prandom.h>

#include "bridge/urgent.h"
#include "compat/compat.h"
#include "suites.h"

#define TURN	((u64)VEXFS_URGENT_TURN_NS)
#define REST	((u64)VEXFS_URGENT_REST_NS)
#define HIGH	4u	/* weights */
#define MEDIUM	2u
#define LOW	1u
#define RUNS	12u
#define START	1000000000ull

/**
 * struct urgent_test - a collection, and runs of lower priority in it
 * @u: the collection's
 * @run: the runs
 */
struct urgent_test {
	struct vexfs_urgent u;
	struct vexfs_urgent_run run[RUNS];
};

static int urgent_test_init(struct kunit *test)
{
	struct urgent_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	vexfs_urgent_init(&t->u);
	for (i = 0; i < RUNS; i++) {
		t->run[i].cpus = 1;
		t->run[i].weight = i % 2 ? MEDIUM : LOW;
	}
	test->priv = t;
	return 0;
}

/* How many of the runs may go on. */
static u32 admitted(struct urgent_test *t, u32 cpus, u64 now)
{
	u32 i, n = 0;

	for (i = 0; i < RUNS; i++)
		n += vexfs_urgent_admit(&t->u, &t->run[i], cpus, HIGH, now);
	return n;
}

static void nobody_urgent(struct kunit *test)
{
	struct urgent_test *t = test->priv;

	KUNIT_EXPECT_FALSE(test, vexfs_urgent_any(&t->u));
	KUNIT_EXPECT_EQ(test, RUNS, admitted(t, 1, START));
}

static void processors_that_are_left(struct kunit *test)
{
	struct urgent_test *t = test->priv;

	vexfs_urgent_begin(&t->u, 1, START);
	KUNIT_EXPECT_TRUE(test, vexfs_urgent_any(&t->u));
	KUNIT_EXPECT_EQ(test, 6u, admitted(t, 8, START));
	/* those that go on are asked again, and do */
	KUNIT_EXPECT_EQ(test, 6u, admitted(t, 8, START + 1));
	vexfs_urgent_begin(&t->u, 2, START + 2);
	KUNIT_EXPECT_EQ(test, 2u, admitted(t, 8, START + 3));
	vexfs_urgent_end(&t->u, 1, START, START + 4);
	KUNIT_EXPECT_EQ(test, 4u, admitted(t, 8, START + 5));
	KUNIT_EXPECT_EQ(test, RUNS, admitted(t, 64, START + 6));
	/* one that is wider than what is left goes on when it is the only one */
	vexfs_urgent_leave(&t->u, &t->run[0]);
	t->run[0].cpus = 8;
	KUNIT_EXPECT_FALSE(test, vexfs_urgent_admit(&t->u, &t->run[0], 8, HIGH, START + 7));
}

static void wide_run_goes_on_alone(struct kunit *test)
{
	struct urgent_test *t = test->priv;

	t->run[0].cpus = 8;
	vexfs_urgent_begin(&t->u, 1, START);
	KUNIT_EXPECT_TRUE(test, vexfs_urgent_admit(&t->u, &t->run[0], 8, HIGH, START));
	KUNIT_EXPECT_FALSE(test, vexfs_urgent_admit(&t->u, &t->run[1], 8, HIGH, START));
	vexfs_urgent_leave(&t->u, &t->run[0]);
	KUNIT_EXPECT_TRUE(test, vexfs_urgent_admit(&t->u, &t->run[1], 8, HIGH, START));
}

/* Without processors that are left, time is divided as the weights say. */
static void turns_by_weight(struct kunit *test)
{
	struct urgent_test *t = test->priv;
	u32 weight[2] = { LOW, MEDIUM }, went[2] = { 0, 0 }, i, at;
	const u32 steps = 10;	/* of a turn */

	vexfs_urgent_begin(&t->u, 2, START);
	for (i = 0; i < 2; i++) {
		u32 most = (HIGH + weight[i]) * 100 * steps;

		for (at = 0; at < most; at++) {
			u64 now = START + at * TURN / steps;

			went[i] += vexfs_urgent_admit(&t->u, &t->run[i], 2, HIGH, now);
		}
		vexfs_urgent_leave(&t->u, &t->run[i]);
		KUNIT_EXPECT_EQ(test, weight[i] * 100 * steps, went[i]);
	}
	/* and then for one of them at a time */
	KUNIT_EXPECT_EQ(test, 0u, admitted(t, 2, START + TURN));
	KUNIT_EXPECT_EQ(test, 1u, admitted(t, 2, START + 4 * TURN));
}

/* A caller that comes again at once finds the others still waiting; for a while at most. */
static void waits_for_the_next(struct kunit *test)
{
	struct urgent_test *t = test->priv;

	vexfs_urgent_begin(&t->u, 1, START);
	vexfs_urgent_end(&t->u, 1, START, START + 1000);
	KUNIT_EXPECT_TRUE(test, vexfs_urgent_any(&t->u));
	KUNIT_EXPECT_EQ(test, 0u, admitted(t, 2, START + 1999));
	/* the turns go on where they were */
	vexfs_urgent_begin(&t->u, 1, START + 1999);
	KUNIT_EXPECT_EQ(test, 1u, admitted(t, 2, START + 4 * TURN));
	vexfs_urgent_end(&t->u, 1, START + 1999, START + 90 * TURN);
	KUNIT_EXPECT_EQ(test, 0u, admitted(t, 2, START + 90 * TURN + REST - 1));
	KUNIT_EXPECT_EQ(test, RUNS, admitted(t, 2, START + 90 * TURN + REST));
	KUNIT_EXPECT_FALSE(test, vexfs_urgent_any(&t->u));
	/* after a rest they begin anew */
	vexfs_urgent_begin(&t->u, 1, START + 96 * TURN);
	KUNIT_EXPECT_EQ(test, 0u, admitted(t, 2, START + 99 * TURN));
}

/* Who sleeps until its turn wakes at the first moment at which it may go on. */
static void turn_is_foretold(struct kunit *test)
{
	struct urgent_test *t = test->priv;
	struct rnd_state rnd;
	u32 i;

	prandom_seed_state(&rnd, 7);
	vexfs_urgent_begin(&t->u, 2, START);
	for (i = 0; i < 2000; i++) {
		struct vexfs_urgent_run *r = &t->run[i % 2];
		u64 now = START + prandom_u32_state(&rnd) % (100 * (u32)TURN);
		u64 at = now + vexfs_urgent_turn_in(&t->u, HIGH, r->weight, now);

		KUNIT_ASSERT_GT(test, at, now);
		KUNIT_ASSERT_LE(test, at, now + (HIGH + r->weight) * TURN);
		KUNIT_ASSERT_TRUE(test, vexfs_urgent_admit(&t->u, r, 2, HIGH, at));
		KUNIT_ASSERT_FALSE(test, vexfs_urgent_admit(&t->u, r, 2, HIGH, at - 1));
	}
	/* a clock that another processor has read a little later */
	KUNIT_EXPECT_EQ(test, HIGH * TURN, vexfs_urgent_turn_in(&t->u, HIGH, LOW, START - 1));
}

static bool only_one(const struct urgent_test *t, const struct vexfs_urgent_run *r)
{
	return t->u.others == r->cpus;
}

static void random_life(struct kunit *test)
{
	u32 rounds = vexfs_kunit_quick ? 20000 : 400000, running = 0, wrong = 0, i, most;
	struct urgent_test *t = test->priv;
	struct rnd_state rnd;
	u64 now = START;

	prandom_seed_state(&rnd, 5);
	for (i = 0; i < RUNS; i++)
		t->run[i].cpus = 1 + i % 3;
	while (rounds--) {
		struct vexfs_urgent_run *r = &t->run[prandom_u32_state(&rnd) % RUNS];
		u32 what = prandom_u32_state(&rnd) % 16;

		now += prandom_u32_state(&rnd) % (TURN / 4);
		if (what == 0 && running < 3) {
			vexfs_urgent_begin(&t->u, 2, now);
			running++;
		} else if (what == 1 && running) {
			vexfs_urgent_end(&t->u, 2, now - TURN, now);
			running--;
		} else if (what == 2) {
			vexfs_urgent_leave(&t->u, r);
		} else if (vexfs_urgent_admit(&t->u, r, 9, HIGH, now) && running) {
			/* whoever goes on fits into what is left, or is the only one */
			most = 9 > 4 * running ? 9 - 4 * running : 1;
			wrong += t->u.others > most && !only_one(t, r);
		}
	}
	KUNIT_EXPECT_EQ(test, 0u, wrong);
	while (running--)
		vexfs_urgent_end(&t->u, 2, now, now);
	for (i = 0; i < RUNS; i++)
		vexfs_urgent_leave(&t->u, &t->run[i]);
	KUNIT_EXPECT_EQ(test, 0u, t->u.others);
	KUNIT_EXPECT_EQ(test, 0u, t->u.cpus);
}

static struct kunit_case urgent_cases[] = {
	KUNIT_CASE(nobody_urgent),
	KUNIT_CASE(processors_that_are_left),
	KUNIT_CASE(wide_run_goes_on_alone),
	KUNIT_CASE(turns_by_weight),
	KUNIT_CASE(waits_for_the_next),
	KUNIT_CASE(turn_is_foretold),
	KUNIT_CASE(random_life),
	{}
};

static struct kunit_suite urgent_suite = {
	.name = "vexfs_urgent",
	.init = urgent_test_init,
	.test_cases = urgent_cases,
};

kunit_test_suite(urgent_suite);
