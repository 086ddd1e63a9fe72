// SPDX-License-Identifier: GPL-2.0
/*
 * The stack budget: ops that deliberately go too deep are counted, recorded, and
 * continue; scratch memory comes from where the thresholds say.
 */
#include <kunit/test.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/scratch.h"
#include "stat/op.h"

static struct vexfs_stack_stats before;

static int stack_case_init(struct kunit *test)
{
	vexfs_stack_read(false, &before);
	return 0;
}

static struct vexfs_stack_stats stats_since(void)
{
	struct vexfs_stack_stats st;

	vexfs_stack_read(false, &st);
	st.violations -= before.violations;
	st.alarms -= before.alarms;
	st.scratch_stack -= before.scratch_stack;
	st.scratch_heap -= before.scratch_heap;
	st.scratch_large -= before.scratch_large;
	st.scratch_failed -= before.scratch_failed;
	st.scratch_bytes -= before.scratch_bytes;
	return st;
}

/* Recurses as deep as it is told, some 200 bytes per step, and measures there. */
static noinline u32 vexfs_kunit_recurse(struct vexfs_stack_mark *mark, u32 depth)
{
	u8 frame[160];
	u32 sum;

	frame[0] = depth;
	barrier_data(frame);
	if (mark->base - vexfs_stack_pointer() >= depth) {
		vexfs_stack_check(mark);
		return frame[0];
	}
	sum = vexfs_kunit_recurse(mark, depth);
	frame[159] = sum;
	barrier_data(frame);
	return sum + frame[159];
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
static noinline u8 vexfs_kunit_large_frame(struct vexfs_stack_mark *mark)
{
	u8 frame[3500];

	frame[0] = 1;
	barrier_data(frame);
	frame[3499] = 2;
	vexfs_stack_check(mark);
	return frame[0] + frame[3499];
}

#pragma GCC diagnostic pop

static void expect_record(struct kunit *test, const char *function, u32 no_less)
{
	struct vexfs_stack_record rec;
	char symbol[KSYM_SYMBOL_LEN];

	KUNIT_ASSERT_EQ(test, vexfs_stack_records(&rec, 1), 1);
	KUNIT_EXPECT_GE(test, rec.depth, no_less);
	KUNIT_EXPECT_LT(test, rec.depth, no_less + 1024);
	KUNIT_EXPECT_EQ(test, rec.pid, current->pid);
	KUNIT_EXPECT_STREQ(test, rec.comm, current->comm);
	KUNIT_EXPECT_STREQ(test, rec.op, vexfs_op_name(VEXFS_OP_CHECK));
	snprintf(symbol, sizeof(symbol), "%pS", (void *)rec.ip);
	if (IS_ENABLED(CONFIG_KALLSYMS))
		KUNIT_EXPECT_NOT_NULL(test, strstr(symbol, function));
}

static void recursion(struct kunit *test)
{
	struct vexfs_op_stats st;
	struct vexfs_op op;

	vexfs_op_begin(&op, VEXFS_OP_CHECK, VEXFS_PRIORITY_MEDIUM, 0);
	vexfs_kunit_recurse(&op.stack, 1024);
	KUNIT_EXPECT_GE(test, op.stack.deepest, 1024);
	KUNIT_EXPECT_EQ(test, stats_since().alarms, 0);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 0);
	vexfs_kunit_recurse(&op.stack, vexfs_stack_limit + 1);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 1);
	expect_record(test, "vexfs_kunit_recurse", vexfs_stack_limit + 1);
	/* The same depth again is not reported; a larger one is. */
	vexfs_kunit_recurse(&op.stack, vexfs_stack_limit + 1);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 1);
	vexfs_kunit_recurse(&op.stack, vexfs_stack_limit + 600);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 2);
	vexfs_op_end(&op, 0);
	KUNIT_ASSERT_EQ(test, vexfs_op_read(VEXFS_OP_CHECK, false, &st, NULL), 0);
	KUNIT_EXPECT_GE(test, st.stack_max, vexfs_stack_limit + 600);
	KUNIT_EXPECT_GE(test, stats_since().deepest, vexfs_stack_limit + 600);
}

static void large_frame(struct kunit *test)
{
	struct vexfs_op op;

	vexfs_op_begin(&op, VEXFS_OP_CHECK, VEXFS_PRIORITY_MEDIUM, 0);
	KUNIT_EXPECT_EQ(test, vexfs_kunit_large_frame(&op.stack), 3);
	vexfs_op_end(&op, 0);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 1);
	expect_record(test, "vexfs_kunit_large_frame", 3500);
}

static void alarm(struct kunit *test)
{
	u32 limit = vexfs_stack_limit, alarm_at = vexfs_stack_alarm;
	struct vexfs_op op;

	/* Far apart, so that frames of any compiler fit in between. */
	WRITE_ONCE(vexfs_stack_limit, 6000);
	WRITE_ONCE(vexfs_stack_alarm_at, 2000);
	vexfs_op_begin(&op, VEXFS_OP_CHECK, VEXFS_PRIORITY_MEDIUM, 0);
	vexfs_kunit_recurse(&op.stack, 2100);
	vexfs_kunit_recurse(&op.stack, 3000);
	vexfs_op_end(&op, 0);
	WRITE_ONCE(vexfs_stack_limit, limit);
	WRITE_ONCE(vexfs_stack_alarm_at, min(alarm_at, limit));
	KUNIT_EXPECT_EQ(test, stats_since().alarms, 1);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 0);
}

static int other_task(void *arg)
{
	vexfs_kunit_recurse(arg, 4000);
	return 0;
}

static void other_stacks(struct kunit *test)
{
	struct vexfs_stack_mark mark = {};
	struct task_struct *t;

	/* An op without a mark, or with that of another task, is not measured. */
	vexfs_stack_check(NULL);
	vexfs_stack_begin(&mark, "kunit");
	t = kthread_create(other_task, &mark, "vexfs_other");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	mark.task = t;
	KUNIT_EXPECT_EQ(test, kthread_stop(t), -EINTR);
	vexfs_stack_check(&mark);
	KUNIT_EXPECT_EQ(test, mark.deepest, 0);
	KUNIT_EXPECT_EQ(test, stats_since().violations, 0);
}

static void ring(struct kunit *test)
{
	struct vexfs_stack_record *rec;
	struct vexfs_stack_stats st;
	unsigned int i, n = VEXFS_STACK_RECORDS;

	rec = kunit_kcalloc(test, n + 1, sizeof(*rec), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rec);
	for (i = 0; i < n + 10; i++) {
		struct vexfs_stack_mark mark = {};

		vexfs_stack_begin(&mark, "kunit");
		vexfs_kunit_large_frame(&mark);
	}
	KUNIT_EXPECT_EQ(test, stats_since().violations, n + 10);
	KUNIT_EXPECT_EQ(test, vexfs_stack_records(rec, n + 1), n);
	for (i = 1; i < n; i++)
		KUNIT_EXPECT_EQ(test, rec[i].seq, rec[i - 1].seq - 1);
	/* A reset empties the list; the total stays. */
	vexfs_stack_reset();
	KUNIT_EXPECT_EQ(test, vexfs_stack_records(rec, n), 0);
	vexfs_stack_read(true, &st);
	KUNIT_EXPECT_EQ(test, st.violations, 0);
	KUNIT_EXPECT_EQ(test, st.deepest, 0);
	KUNIT_EXPECT_EQ(test, stats_since().violations, n + 10);
}

static void scratch(struct kunit *test)
{
	u32 threshold = vexfs_stack_heap_threshold;
	struct vexfs_stack_mark mark = {};
	struct vexfs_scratch s;
	static u8 local[600];
	void *p, *stack = PTR_ALIGN(&local[0], VEXFS_POOL_ALIGN);

	vexfs_stack_begin(&mark, "kunit");
	p = vexfs_scratch_get(&s, &mark, local, sizeof(local), threshold, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, p, stack);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, threshold));
	vexfs_scratch_put(&s);
	KUNIT_EXPECT_EQ(test, stats_since().scratch_stack, 1);

	/* Above the threshold, though it would fit. */
	p = vexfs_scratch_get(&s, &mark, local, sizeof(local), threshold + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_PTR_NE(test, p, stack);
	vexfs_scratch_put(&s);
	KUNIT_EXPECT_EQ(test, stats_since().scratch_heap, 1);
	KUNIT_EXPECT_EQ(test, mark.heap_gets, 1);
	KUNIT_EXPECT_EQ(test, mark.heap_bytes, threshold + 1);

	/* Not even if only the alignment is missing. */
	p = vexfs_scratch_get(&s, &mark, local, (u8 *)stack - local + 99, 100, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, p && s.from_pool);
	vexfs_scratch_put(&s);
	/* Does not fit, or there is no buffer on the stack. */
	p = vexfs_scratch_get(&s, &mark, local, 10, 11, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, p && s.from_pool);
	vexfs_scratch_put(&s);
	p = vexfs_scratch_get(&s, NULL, NULL, 0, 100000, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, p && s.from_pool);
	vexfs_scratch_put(&s);
	KUNIT_EXPECT_EQ(test, stats_since().scratch_large, 1);

	WRITE_ONCE(vexfs_stack_aggressive, 1);
	p = vexfs_scratch_get(&s, &mark, local, sizeof(local), 8, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, p && s.from_pool);
	vexfs_scratch_put(&s);
	WRITE_ONCE(vexfs_stack_aggressive, 0);
	WRITE_ONCE(vexfs_stack_optimize, 0);
	p = vexfs_scratch_get(&s, &mark, local, sizeof(local), threshold + 1, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, p, stack);
	vexfs_scratch_put(&s);
	WRITE_ONCE(vexfs_stack_optimize, 1);

	KUNIT_EXPECT_NULL(test, vexfs_scratch_get(&s, &mark, NULL, 0, SIZE_MAX, GFP_KERNEL));
	vexfs_scratch_put(&s);
	KUNIT_EXPECT_EQ(test, stats_since().scratch_failed, 1);
}

static struct kunit_case stack_cases[] = {
	KUNIT_CASE(recursion),
	KUNIT_CASE(large_frame),
	KUNIT_CASE(alarm),
	KUNIT_CASE(other_stacks),
	KUNIT_CASE(ring),
	KUNIT_CASE(scratch),
	{}
};

static struct kunit_suite stack_suite = {
	.name = "vexfs_stack",
	.init = stack_case_init,
	.test_cases = stack_cases,
};

kunit_test_suite(stack_suite);
