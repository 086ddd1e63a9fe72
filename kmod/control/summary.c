// SPDX-License-Identifier: GPL-2.0
/*
 * One screen that answers "is it well?", for whoever has only a shell. The same
 * judgement as "vexctl status", from the same figures.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/utsname.h>

#include "control/summary.h"
#include "math/engine.h"
#include "math/fpu.h"
#include "mem/pool.h"
#include "mem/scratch.h"
#include "stat/op.h"
#include "store/store.h"

/* Below this, and with that many requests, the hit rate calls for attention. */
#define HIT_PPM_MIN	850000
#define HITS_THAT_COUNT	1000

static void show_store(struct seq_file *m)
{
	struct vexfs_collection *c;
	u64 cursor = 0, vectors = 0, bytes = 0, changed;
	u32 n = vexfs_registry_count(&changed);

	while ((c = vexfs_collection_next(&cursor, true))) {
		vectors += atomic64_read(&c->count);
		bytes += atomic64_read(&c->bytes);
		vexfs_collection_put(c);
	}
	seq_printf(m, "store %u collections, %llu vectors, %llu bytes\n", n, vectors, bytes);
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

static unsigned int show_pools(struct seq_file *m)
{
	u64 hits = 0, misses = 0, held = 0, failures = 0, ppm = 1000000;
	struct vexfs_pool_stats st;
	unsigned int trouble = 0, i;

	for (i = 0; i < VEXFS_TIER_COUNT; i++) {
		vexfs_pool_read(i, true, &st);
		failures += st.failures;
		held += st.held_bytes;
		if (i == VEXFS_TIER_HUGE)
			continue;
		hits += st.hits;
		misses += st.misses;
	}
	if (hits + misses)
		ppm = div64_u64(hits * 1000000, hits + misses);
	seq_printf(m, "pools hit rate %llu.%06llu, %llu bytes held\n", ppm / 1000000,
		   ppm % 1000000, held);
	if (hits + misses >= HITS_THAT_COUNT && ppm < HIT_PPM_MIN) {
		seq_puts(m, "attention: the pool hit rate is low\n");
		trouble++;
	}
	if (failures) {
		seq_printf(m, "attention: %llu requests to the pools got nothing\n", failures);
		trouble++;
	}
	return trouble;
}

static unsigned int show_limits(struct seq_file *m)
{
	struct vexfs_stack_stats stack;
	struct vexfs_fpu_totals fpu;
	unsigned int trouble = 0;

	vexfs_stack_read(true, &stack);
	vexfs_fpu_totals(&fpu);
	seq_printf(m, "stack deepest %llu of %llu bytes, %llu violations\n", stack.deepest,
		   stack.limit, stack.violations);
	seq_printf(m, "fpu %llu sections, longest %llu ns, %llu over budget\n", fpu.sections,
		   fpu.longest_ns, fpu.over);
	if (stack.violations) {
		seq_printf(m, "attention: %llu stack violations\n", stack.violations);
		trouble++;
	}
	if (vexfs_engine() == &vexfs_engines[0]) {
		seq_puts(m, "attention: the arithmetic runs without SIMD\n");
		trouble++;
	}
	return trouble;
}

void vexfs_show_summary(struct seq_file *m)
{
	unsigned int trouble;

	seq_printf(m, "vexfs %s on %s, arithmetic %s\n", VEXFS_VERSION, init_utsname()->release,
		   vexfs_engine()->variant->name);
	show_store(m);
	show_classes(m);
	trouble = show_pools(m);
	trouble += show_limits(m);
	if (!trouble)
		seq_puts(m, "all is well\n");
}
