// SPDX-License-Identifier: GPL-2.0
/*
 * Ops that hold no slot: those of lower priority give way while others of high priority use all
 * processors, are not shut out, and leave nothing behind.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>

#include "bridge/config.h"
#include "bridge/direct.h"
#include "compat/compat.h"
#include "suites.h"

#define SOON_NS	(20ull * NSEC_PER_SEC)

/**
 * struct direct_test - a collection, and ops in it
 * @client: their descriptor
 * @high: ops of high priority, one for each processor
 * @n: number of ops
 */
struct direct_test {
	struct vexfs_gate_client client;
	struct vexfs_direct *high;
	u32 n;
};

static int direct_test_init(struct kunit *test)
{
	struct direct_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->n = num_online_cpus();
	t->high = kunit_kcalloc(test, t->n, sizeof(*t->high), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->high);
	KUNIT_ASSERT_EQ(test, 0, vexfs_gate_open(&t->client, U64_MAX - 21));
	for (i = 0; i < t->n; i++)
		vexfs_direct_enter(&t->high[i], &t->client, VEXFS_PRIORITY_HIGH);
	test->priv = t;
	return 0;
}

static void direct_test_exit(struct kunit *test)
{
	struct direct_test *t = test->priv;

	WRITE_ONCE(vexfs_bridge_priority, 1);
	vexfs_gate_close(&t->client);
}

static void high_busy(struct direct_test *t, bool busy)
{
	u32 i;

	for (i = 0; i < t->n; i++)
		vexfs_direct_busy(&t->high[i], busy);
}

/* Asks until the answer is @want, for a bounded time. */
static bool comes_to(struct vexfs_direct *d, bool want)
{
	u64 end = ktime_get_ns() + SOON_NS;

	while (vexfs_direct_waits(d) != want) {
		if (ktime_get_ns() > end)
			return false;
		usleep_range(50, 100);
	}
	return true;
}

/* Nobody has high priority any more, and it is not just its turn. */
static bool comes_to_rest(struct vexfs_direct *d)
{
	u64 end = ktime_get_ns() + SOON_NS;

	while (vexfs_direct_waits(d) || vexfs_urgent_any(d->urgent)) {
		if (ktime_get_ns() > end)
			return false;
		usleep_range(50, 100);
	}
	return true;
}

static void nobody_waits_alone(struct kunit *test)
{
	struct direct_test *t = test->priv;
	struct vexfs_direct d;
	u32 priority;

	for (priority = 0; priority < VEXFS_PRIORITIES; priority++) {
		vexfs_direct_enter(&d, &t->client, priority);
		vexfs_direct_busy(&d, true);
		/* the op of high priority before keeps its turn for as long as it took */
		KUNIT_EXPECT_TRUE(test, comes_to(&d, false));
		vexfs_direct_busy(&d, false);
		vexfs_direct_leave(&d);
	}
	vexfs_direct_none(&d);
	KUNIT_EXPECT_FALSE(test, vexfs_direct_waits(&d));
	vexfs_direct_leave(&d);
}

/* Where high priority uses all processors, the others get turns. */
static void lower_priority_gives_way(struct kunit *test)
{
	const u32 lower[] = { VEXFS_PRIORITY_LOW, VEXFS_PRIORITY_MEDIUM };
	struct direct_test *t = test->priv;
	struct vexfs_direct d;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lower); i++) {
		vexfs_direct_enter(&d, &t->client, lower[i]);
		KUNIT_EXPECT_EQ(test, lower[i] == VEXFS_PRIORITY_LOW, vexfs_direct_brief(&d));
		high_busy(t, true);
		KUNIT_EXPECT_TRUE(test, vexfs_direct_brief(&d));
		KUNIT_EXPECT_FALSE(test, vexfs_direct_waits(&t->high[0]));
		KUNIT_EXPECT_FALSE(test, vexfs_direct_brief(&t->high[0]));
		KUNIT_EXPECT_TRUE(test, comes_to(&d, true));
		vexfs_direct_pause(&d);
		KUNIT_EXPECT_TRUE(test, comes_to(&d, false));
		KUNIT_EXPECT_TRUE(test, comes_to(&d, true));
		high_busy(t, false);
		KUNIT_EXPECT_TRUE(test, comes_to_rest(&d));
		vexfs_direct_leave(&d);
		KUNIT_EXPECT_EQ(test, 0u, t->client.urgent->others);
		KUNIT_EXPECT_EQ(test, 0u, t->client.urgent->cpus);
	}
}

/* One that ends in its turn makes room for the next. */
static void leaving_makes_room(struct kunit *test)
{
	struct direct_test *t = test->priv;
	struct vexfs_direct a, b;

	vexfs_direct_enter(&a, &t->client, VEXFS_PRIORITY_MEDIUM);
	vexfs_direct_enter(&b, &t->client, VEXFS_PRIORITY_MEDIUM);
	high_busy(t, true);
	KUNIT_EXPECT_TRUE(test, comes_to(&a, true));
	KUNIT_EXPECT_TRUE(test, comes_to(&a, false));
	KUNIT_EXPECT_TRUE(test, vexfs_direct_waits(&b));
	vexfs_direct_leave(&a);
	KUNIT_EXPECT_TRUE(test, comes_to(&b, false));
	high_busy(t, false);
	vexfs_direct_leave(&b);
	KUNIT_EXPECT_EQ(test, 0u, t->client.urgent->others);
}

static void without_priorities(struct kunit *test)
{
	struct direct_test *t = test->priv;
	struct vexfs_direct high, low;

	WRITE_ONCE(vexfs_bridge_priority, 0);
	vexfs_direct_enter(&high, &t->client, VEXFS_PRIORITY_HIGH);
	vexfs_direct_enter(&low, &t->client, VEXFS_PRIORITY_LOW);
	vexfs_direct_busy(&high, true);
	KUNIT_EXPECT_FALSE(test, vexfs_urgent_any(t->client.urgent));
	KUNIT_EXPECT_FALSE(test, vexfs_direct_waits(&low));
	vexfs_direct_busy(&high, false);
}

static struct kunit_case direct_cases[] = {
	KUNIT_CASE(nobody_waits_alone),
	KUNIT_CASE(lower_priority_gives_way),
	KUNIT_CASE(leaving_makes_room),
	KUNIT_CASE(without_priorities),
	{}
};

static struct kunit_suite direct_suite = {
	.name = "vexfs_direct",
	.init = direct_test_init,
	.exit = direct_test_exit,
	.test_cases = direct_cases,
};

kunit_test_suite(direct_suite);
