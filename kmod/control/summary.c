// SPDX-License-Identifier: GPL-2.0
/*
 * The health of the module. It is judged here and nowhere else; the debugfs file and the
 * netlink operation module-get, which "vexctl status" uses, only report it. Judging
 * reads statistics and changes nothing.
 */
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/utsname.h>

#include "control/summary.h"
#include "math/variant.h"
#include "math/fpu.h"
#include "mem/pool.h"
#include "mem/scratch.h"
#include "stat/op.h"
#include "store/store.h"

/* With at least this many requests, a hit rate below this limit is reported. */
#define HIT_PPM_MIN	850000
#define HITS_THAT_COUNT	1000

static void show_store(struct seq_file *m)
{
	struct vexfs_totals t;

	vexfs_store_totals(&t);
	seq_printf(m, "store %llu collections, %llu vectors, %llu bytes\n", t.collections, t.vectors,
		   t.bytes);
}

static void show_classes(struct seq_file *m)
{
	struct vexfs_op_stats *st = kmalloc(sizeof(*st), GFP_KERNEL);
	unsigned int i;

	for (i = 0; st && i < VEXFS_CLASS_COUNT; i++)
		if (!vexfs_op_read_class(i, true, st, NULL) && st->count)
			seq_printf(m, "%s %llu ops, %llu errors, %llu.%03llu ops/s, p50 %llu ns, p99 %llu ns\n",
				   vexfs_class_name(i), st->count, st->errors,
				   st->rate_10s / 1000, st->rate_10s % 1000, st->p50_ns,
				   st->p99_ns);
	kfree(st);
}

__printf(2, 3)
static void add_complaint(struct vexfs_verdict *v, const char *fmt, ...)
{
	va_list args;

	if (WARN_ON_ONCE(v->complaints == VEXFS_COMPLAINTS_MAX))
		return;
	va_start(args, fmt);
	vsnprintf(v->complaint[v->complaints++], VEXFS_COMPLAINT_TEXT, fmt, args);
	va_end(args);
}

static void judge_pools(struct vexfs_verdict *v)
{
	u64 hits = 0, misses = 0, failures = 0;
	struct vexfs_pool_stats st;
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_COUNT; i++) {
		vexfs_pool_read(i, true, &st);
		failures += st.failures;
		v->held_bytes += st.held_bytes;
		/* Requests above the largest tier are never served from a pool. */
		if (i == VEXFS_TIER_HUGE)
			continue;
		hits += st.hits;
		misses += st.misses;
	}
	v->hit_ppm = 1000000;
	if (hits + misses)
		v->hit_ppm = div64_u64(hits * 1000000, hits + misses);
	if (failures)
		add_complaint(v, "%llu requests to the pools got nothing: memory was short", failures);
	if (hits + misses >= HITS_THAT_COUNT && v->hit_ppm < HIT_PPM_MIN)
		add_complaint(v, "the pool hit rate %u.%06u is below %u.%02u: vexctl tune pool_auto=1",
			 v->hit_ppm / 1000000, v->hit_ppm % 1000000, HIT_PPM_MIN / 1000000,
			 HIT_PPM_MIN % 1000000 / 10000);
}

void vexfs_judge(struct vexfs_verdict *v)
{
	struct vexfs_stack_stats stack;

	memset(v, 0, sizeof(*v));
	vexfs_stack_read(true, &stack);
	if (stack.violations)
		add_complaint(v, "%llu stack violations: see /sys/kernel/debug/vexfs/stack",
			 stack.violations);
	judge_pools(v);
	if (!READ_ONCE(vexfs_accounting))
		add_complaint(v, "ops are not counted: vexctl tune accounting=1");
	if (vexfs_variant() == vexfs_variants[0])
		add_complaint(v, "the arithmetic runs without SIMD: vexctl tune simd=auto");
}

static void show_limits(struct seq_file *m)
{
	struct vexfs_stack_stats stack;
	struct vexfs_fpu_totals fpu;

	vexfs_stack_read(true, &stack);
	vexfs_fpu_totals(&fpu);
	seq_printf(m, "stack deepest %llu of %llu bytes, %llu violations\n", stack.deepest,
		   stack.limit, stack.violations);
	seq_printf(m, "fpu %llu sections, longest %llu ns, %llu over budget\n", fpu.sections,
		   fpu.longest_ns, fpu.over);
}

void vexfs_show_summary(struct seq_file *m)
{
	struct vexfs_verdict v;
	unsigned int i;

	vexfs_judge(&v);
	seq_printf(m, "vexfs %s on %s, arithmetic %s\n", VEXFS_VERSION, init_utsname()->release,
		   vexfs_variant()->name);
	show_store(m);
	show_classes(m);
	seq_printf(m, "pools hit rate %u.%06u, %llu bytes held\n", v.hit_ppm / 1000000,
		   v.hit_ppm % 1000000, v.held_bytes);
	show_limits(m);
	for (i = 0; i < v.complaints; i++)
		seq_printf(m, "attention: %s\n", v.complaint[i]);
	if (!v.complaints)
		seq_puts(m, "all is well\n");
}
