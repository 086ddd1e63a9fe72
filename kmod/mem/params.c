// SPDX-License-Identifier: GPL-2.0
/*
 * Tunables: how any of them is set, and the list of this room's. A value out
 * of bounds is refused with a line in the log, and nothing has changed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>

#include "compat/compat.h"
#include "mem/params.h"

/* One at a time, whichever way they come: sysfs, netlink, a configuration. */
static DEFINE_MUTEX(tunable_lock);

int vexfs_tunable_check(const struct vexfs_tunable *t, u32 v)
{
	if (v < t->min || v > t->max) {
		pr_err("%s is %u to %u %s, not %u\n", t->name, t->min, t->max, t->unit, v);
		return -EINVAL;
	}
	return t->check ? t->check(t, v) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tunable_check);

int vexfs_tunable_set(const struct vexfs_tunable *t, u32 v)
{
	int err;

	mutex_lock(&tunable_lock);
	err = vexfs_tunable_check(t, v);
	if (!err && t->apply)
		err = t->apply(t, v);
	else if (!err)
		WRITE_ONCE(*t->value, v);
	mutex_unlock(&tunable_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_tunable_set);

static int param_set(const char *val, const struct kernel_param *kp)
{
	u32 v;
	int err = kstrtou32(val, 0, &v);

	return err ? err : vexfs_tunable_set(kp->arg, v);
}

static int param_get(char *buf, const struct kernel_param *kp)
{
	const struct vexfs_tunable *t = kp->arg;

	return sysfs_emit(buf, "%u\n", READ_ONCE(*t->value));
}

const struct kernel_param_ops vexfs_tunable_param_ops = {
	.set = param_set,
	.get = param_get,
};

VEXFS_TUNABLE(pool_small, 128, 0, 1048576, "buffers",
	      "Buffers of 1 KiB that the pools keep", 0644,
	      .apply = vexfs_pool_apply_size);
VEXFS_TUNABLE(pool_medium, 64, 0, 1048576, "buffers",
	      "Buffers of 4 KiB that the pools keep", 0644,
	      .apply = vexfs_pool_apply_size);
VEXFS_TUNABLE(pool_large, 32, 0, 1048576, "buffers",
	      "Buffers of 16 KiB that the pools keep", 0644,
	      .apply = vexfs_pool_apply_size);
VEXFS_TUNABLE(pool_huge, 2, 0, 32, "buffers",
	      "Buffers of 64 KiB and of 512 KiB that the pools keep for each CPU, once wanted",
	      0444);
VEXFS_TUNABLE(pool_reserve, 4, 1, 1024, "buffers",
	      "Buffers of each tier kept for when memory is short", 0444);
VEXFS_TUNABLE(pool_limit_mb, 256, 1, 1048576, "MiB",
	      "Most memory that the tiers together may be told to keep", 0644,
	      .apply = vexfs_pool_apply_limit);
VEXFS_TUNABLE(pool_wait_ms, 1000, 0, 60000, "ms",
	      "How long a request that may sleep waits for a buffer when memory is short", 0644,
	      .apply = vexfs_pool_apply_wait);
VEXFS_TUNABLE(pool_enabled, 1, 0, 1, "flag",
	      "Keep buffers; with 0 every request goes to the slab allocator", 0644,
	      .apply = vexfs_pool_apply_enabled);
VEXFS_TUNABLE(pool_debug, 0, 0, 1, "flag",
	      "Watch the pools for double frees, foreign pointers and overruns", 0444);
VEXFS_TUNABLE(pool_auto, 1, 0, 1, "flag",
	      "Let a worker keep hit rate and utilisation of the pools", 0644,
	      .apply = vexfs_pool_apply_auto);
VEXFS_TUNABLE(pool_min_hit_pct, 90, 1, 100, "percent",
	      "Hit rate below which the worker makes a tier larger", 0644);
VEXFS_TUNABLE(pool_max_use_pct, 80, 10, 100, "percent",
	      "Utilisation above which the worker makes a tier larger", 0644);
VEXFS_TUNABLE(pool_compaction, 1, 0, 1, "flag",
	      "Let the worker compact tiers", 0644);
VEXFS_TUNABLE(pool_compact_pct, 70, 1, 100, "percent",
	      "Fragmentation above which a tier is compacted", 0644);
VEXFS_TUNABLE(stack_limit, 3072, 1024, 8192, "bytes",
	      "Stack an op may use before it counts as a violation", 0644,
	      .apply = vexfs_stack_apply);
VEXFS_TUNABLE(stack_alarm, 2800, 512, 8192, "bytes",
	      "Stack an op may use before it counts as an alarm", 0644,
	      .apply = vexfs_stack_apply);
VEXFS_TUNABLE(stack_heap_threshold, 512, 0, 1024, "bytes",
	      "Scratch above this comes from the pools", 0644);
VEXFS_TUNABLE(stack_large_threshold, 4096, 1024, 65536, "bytes",
	      "Scratch above this does not touch the reserve of the pools", 0644);
VEXFS_TUNABLE(stack_aggressive, 0, 0, 1, "flag",
	      "Take all scratch from the pools", 0644);
VEXFS_TUNABLE(stack_optimize, 1, 0, 1, "flag",
	      "Heed the thresholds; with 0 scratch that fits the stack stays there", 0644);

/* Tests set these around a case. */
VEXFS_EXPORT_KUNIT(vexfs_pool_huge);
VEXFS_EXPORT_KUNIT(vexfs_stack_limit);
VEXFS_EXPORT_KUNIT(vexfs_stack_alarm);
VEXFS_EXPORT_KUNIT(vexfs_stack_heap_threshold);
VEXFS_EXPORT_KUNIT(vexfs_stack_aggressive);
VEXFS_EXPORT_KUNIT(vexfs_stack_optimize);
