// SPDX-License-Identifier: GPL-2.0
/*
 * A planted failing KUnit case beside one that passes. It exists to show that a
 * failure is noticed and named; no test run counts it.
 */
#include <kunit/test.h>
#include <linux/module.h>

static void plant_passes(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, true);
}

static void plant_fails(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, 2);
}

static struct kunit_case plant_cases[] = {
	KUNIT_CASE(plant_passes),
	KUNIT_CASE(plant_fails),
	{}
};

static struct kunit_suite plant_suite = {
	.name = "plant",
	.test_cases = plant_cases,
};
kunit_test_suite(plant_suite);

MODULE_DESCRIPTION("A planted failing KUnit case, for the self-test of the labs");
MODULE_LICENSE("GPL");
