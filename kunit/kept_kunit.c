// SPDX-License-Identifier: GPL-2.0
/*
 * Cached huge buffers: the next op gets the buffer of the last one, their number is
 * limited, and they are freed under memory pressure.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/kept.h"
#include "mem/pool.h"

#define BLOCK	(300u << 10)
#define MOST	80u	/* more than are ever cached of a size */

static void *held[MOST];

static struct vexfs_pool_stats huge_now(void)
{
	struct vexfs_pool_stats st;

	vexfs_pool_read(VEXFS_TIER_HUGE, false, &st);
	return st;
}

static bool none_kept(struct kunit *test)
{
	bool hit;
	void *p = vexfs_kept_alloc(BLOCK, GFP_KERNEL, &hit);

	if (p)
		vexfs_kept_free(p, BLOCK);
	return !p;
}

static void build_twice(struct kunit *test)
{
	struct vexfs_pool_stats before, st;
	unsigned int i;
	void *p;

	if (none_kept(test))
		kunit_skip(test, "this kernel or this load keeps none");
	p = vexfs_pool_alloc(BLOCK, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x5a, BLOCK);
	vexfs_pool_free(p, BLOCK);
	before = huge_now();
	for (i = 0; i < 10; i++) {
		p = vexfs_pool_alloc(BLOCK - i, GFP_KERNEL_ACCOUNT | (i & 1 ? __GFP_ZERO : 0));
		KUNIT_ASSERT_NOT_NULL(test, p);
		if (i & 1)
			KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, BLOCK - i));
		memset(p, 0x5a, BLOCK - i);
		vexfs_pool_free(p, BLOCK - i);
	}
	st = huge_now();
	KUNIT_EXPECT_GE(test, st.hits - before.hits, 10);
	KUNIT_EXPECT_EQ(test, st.allocs, st.hits + st.misses);
	KUNIT_EXPECT_GE(test, st.held, 1);
	KUNIT_EXPECT_GE(test, st.held_bytes, BLOCK);
}

static void bounded(struct kunit *test)
{
	u32 most = min(vexfs_pool_huge * num_online_cpus(), 64u);
	unsigned int i, j, n = 0;
	u64 bytes;
	bool hit;

	for (i = 0; i < MOST; i++) {
		held[i] = vexfs_pool_alloc(BLOCK, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, held[i]);
		*(u32 *)held[i] = i;
		*(u32 *)(held[i] + BLOCK - 4) = i;
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_PTR_NE(test, held[i], held[j]);
	}
	/* All are in use: one kind of allocation fails, the other falls back. */
	KUNIT_EXPECT_NULL(test, vexfs_kept_alloc(BLOCK, GFP_KERNEL, &hit));
	for (i = 0; i < MOST; i++) {
		KUNIT_EXPECT_EQ(test, *(u32 *)held[i], i);
		KUNIT_EXPECT_EQ(test, *(u32 *)(held[i] + BLOCK - 4), i);
		vexfs_pool_free(held[i], BLOCK);
	}
	n = vexfs_kept_idle(&bytes);
	KUNIT_EXPECT_LE(test, n, 2 * most);
	KUNIT_EXPECT_LE(test, bytes, (u64)most * ((64 + 512) << 10));
	KUNIT_EXPECT_NULL(test, vexfs_kept_alloc((512 << 10) + 1, GFP_KERNEL, &hit));
	KUNIT_EXPECT_NULL(test, vexfs_kept_alloc(BLOCK, GFP_ATOMIC, &hit));
	KUNIT_EXPECT_FALSE(test, vexfs_kept_free(&bytes, BLOCK));
	KUNIT_EXPECT_FALSE(test, vexfs_kept_free(&bytes, 1 << 20));
}

static void pressure(struct kunit *test)
{
	u64 bytes, after;
	u32 n, done;
	void *p;

	if (none_kept(test))
		kunit_skip(test, "this kernel or this load keeps none");
	p = vexfs_pool_alloc(BLOCK, GFP_KERNEL);
	vexfs_pool_free(p, BLOCK);
	n = vexfs_kept_idle(&bytes);
	KUNIT_EXPECT_GE(test, n, 1);
	/* A buffer in use stays. */
	p = vexfs_pool_alloc(BLOCK, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x5a, BLOCK);
	done = vexfs_kept_shrink(U32_MAX);
	KUNIT_EXPECT_LE(test, done, n);
	KUNIT_EXPECT_EQ(test, vexfs_kept_idle(&after), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, BLOCK));
	vexfs_pool_free(p, BLOCK);
	KUNIT_EXPECT_EQ(test, vexfs_kept_idle(&after), 1);
}

static atomic_t stormers;

/* Two tasks allocate and free while a third frees idle buffers. */
static int storm(void *arg)
{
	unsigned int i, bad = 0;

	atomic_inc(&stormers);
	for (i = 0; i < 2000; i++) {
		u32 *p = vexfs_pool_alloc(i & 1 ? BLOCK : 40000, GFP_KERNEL);

		if (p) {
			p[0] = i ^ (u32)(unsigned long)arg;
			p[9999] = p[0];
			cond_resched();
			bad += p[0] != p[9999] || p[0] != (i ^ (u32)(unsigned long)arg);
			vexfs_pool_free(p, i & 1 ? BLOCK : 40000);
		}
		if (!(i % 7) && arg == (void *)3)
			vexfs_kept_shrink(U32_MAX);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return bad;
}

static void together(struct kunit *test)
{
	struct task_struct *task[3];
	unsigned long i;

	atomic_set(&stormers, 0);
	for (i = 0; i < 3; i++) {
		task[i] = kthread_run(storm, (void *)(i + 1), "vexfs-kept/%lu", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task[i]));
	}
	/* a thread that is stopped before its start never runs */
	while (atomic_read(&stormers) < 3)
		usleep_range(1000, 2000);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kthread_stop(task[i]), 0);
}

static struct kunit_case kept_cases[] = {
	KUNIT_CASE(build_twice),
	KUNIT_CASE(bounded),
	KUNIT_CASE(pressure),
	KUNIT_CASE(together),
	{}
};

static struct kunit_suite vexfs_kept_suite = {
	.name = "vexfs-kept",
	.test_cases = kept_cases,
};

kunit_test_suite(vexfs_kept_suite);
