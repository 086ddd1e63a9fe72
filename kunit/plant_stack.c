// SPDX-License-Identifier: GPL-2.0
/*
 * Planted ops that use too much stack, for scripts/profiling: by many calls of a small
 * function, or by few with large arrays. They begin as ops of vexfs do, measure as these do,
 * and stop beyond the limit, or go on until the kernel's guard page ends them. Nothing but a
 * lab may ever load this. Each kernel thread writes a line once its stack is above the limit,
 * with what is left of the stack. The scenario "hotspot" computes for two seconds in one function.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/scratch.h"

#define STOP_BELOW	8192	/* bytes of stack that are left when it stops */

static char *scenario = "deep_recursion";
module_param(scenario, charp, 0444);
MODULE_PARM_DESC(scenario, "deep_recursion, large_allocations or hotspot");

static bool overflow;
module_param(overflow, bool, 0444);
MODULE_PARM_DESC(overflow, "Do not stop: run into the guard page");

static struct vexfs_stack_mark plant_mark;
static bool plant_told;
static DECLARE_COMPLETION(plant_done);

static unsigned long plant_left(void)
{
	return vexfs_stack_pointer() - (unsigned long)task_stack_page(current);
}

/* True when it is time to go back. */
static noinline bool plant_stop(void)
{
	/* Beyond the limit each check reports; the guard page is to be hit by this module. */
	if (overflow && plant_told)
		return false;
	vexfs_stack_check(&plant_mark);
	if (!plant_told && plant_mark.deepest > READ_ONCE(vexfs_stack_limit)) {
		plant_told = true;
		pr_notice("vexfs_plant_stack: %s: violation at %u bytes, %lu bytes left\n",
			  scenario, plant_mark.deepest, plant_left());
	}
	return !overflow && plant_told && plant_left() < STOP_BELOW;
}

/* The frame must be in use after the call, or the compiler makes a loop of it. */
static noinline int plant_recurse(int depth)
{
	char frame[96];
	int ret;

	memset(frame, depth, sizeof(frame));
	OPTIMIZER_HIDE_VAR(depth);
	ret = plant_stop() ? depth : plant_recurse(depth + 1);
	barrier_data(frame);
	return ret + frame[depth % 96];
}

static noinline int plant_arrays(int depth)
{
	char frame[900];
	int ret;

	memset(frame, depth, sizeof(frame));
	OPTIMIZER_HIDE_VAR(depth);
	ret = plant_stop() ? depth : plant_arrays(depth + 1);
	barrier_data(frame);
	return ret + frame[depth % 900];
}

/* Two seconds of work of no use. */
static noinline u64 plant_hotspot(void)
{
	unsigned long end = jiffies + 2 * HZ;
	u64 v = 1;
	int i;

	while (time_before(jiffies, end)) {
		for (i = 0; i < 100000; i++) {
			v = v * 6364136223846793005ull + 1442695040888963407ull;
			OPTIMIZER_HIDE_VAR(v);
		}
		cond_resched();
	}
	return v;
}

static int plant_thread(void *unused)
{
	vexfs_stack_begin(&plant_mark, scenario);
	if (!strcmp(scenario, "large_allocations"))
		plant_arrays(1);
	else
		plant_recurse(1);
	vexfs_stack_end(&plant_mark);
	pr_notice("vexfs_plant_stack: %s: back, deepest %u bytes\n", scenario,
		  plant_mark.deepest);
	complete(&plant_done);
	return 0;
}

static int __init plant_stack_init(void)
{
	struct task_struct *task;

	if (!strcmp(scenario, "hotspot")) {
		pr_notice("vexfs_plant_stack: hotspot: %llu\n", plant_hotspot());
		return 0;
	}
	if (strcmp(scenario, "deep_recursion") && strcmp(scenario, "large_allocations"))
		return -EINVAL;
	if (overflow && !IS_ENABLED(CONFIG_VMAP_STACK)) {
		pr_err("vexfs_plant_stack: this kernel has no guard pages (CONFIG_VMAP_STACK)\n");
		return -EOPNOTSUPP;
	}
	task = kthread_run(plant_thread, NULL, "plant_stack");
	if (IS_ERR(task))
		return PTR_ERR(task);
	if (overflow)
		return 0;	/* the thread does not come back, and must not take us along */
	wait_for_completion(&plant_done);
	return 0;
}

static void __exit plant_stack_exit(void)
{
}

module_init(plant_stack_init);
module_exit(plant_stack_exit);
VEXFS_IMPORT_KUNIT;
MODULE_DESCRIPTION("Planted stack overflows, for the profiling environment of vexfs");
MODULE_LICENSE("GPL");
