// SPDX-License-Identifier: GPL-2.0
/*
 * The one owner of vexfs_simd_begin() and vexfs_simd_end(): opens and closes
 * sections, times each of them, and learns how much work fits the budget. It
 * knows nothing about what is computed inside.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "compat/compat.h"
#include "math/buckets.h"
#include "math/fpu.h"
#include "math/simd.h"

/*
 * The distribution has four buckets in each power of two, from 2^BUCKET_LOW ns
 * up. Everything shorter is in the first bucket, everything longer in the last.
 */
#define BUCKET_LOW	6
#define BUCKET_HIGH	24
#define BUCKETS		((BUCKET_HIGH - BUCKET_LOW) * 4 + 1)
/* The last one below 2^BUCKET_LOW, as vexfs_bucket_of() counts them. */
#define BUCKET_FIRST	((BUCKET_LOW - 1) * 4u - 1)

/*
 * Sections of one processor, named as in struct vexfs_fpu_totals. Written by that processor
 * only, with preemption off. An interrupt that counts a refusal may come in between: on x86
 * every update is one instruction; elsewhere a count may be lost. The raw forms are used
 * since the others disable interrupts where an update is not one instruction, which in User
 * Mode Linux is two system calls of the host each. @stretches of integer code are counted
 * beside the sections.
 */
struct fpu_cpu {
	u64 sections;
	u64 stretches;
	u64 ns;
	u64 longest_ns;
	u64 over;
	u64 refused;
	u64 without;
	u64 buckets[BUCKETS];
};

static DEFINE_PER_CPU(struct fpu_cpu, fpu_cpu);

u32 vexfs_fpu_budget __read_mostly = VEXFS_FPU_BUDGET_DEFAULT_US * 1000;
VEXFS_EXPORT_KUNIT(vexfs_fpu_budget);

int vexfs_fpu_set_budget(u32 us)
{
	if (us < VEXFS_FPU_BUDGET_MIN_US || us > VEXFS_FPU_BUDGET_MAX_US) {
		pr_err("fpu_budget_us is %u to %u, not %u\n", VEXFS_FPU_BUDGET_MIN_US,
		       VEXFS_FPU_BUDGET_MAX_US, us);
		return -EINVAL;
	}
	WRITE_ONCE(vexfs_fpu_budget, us * 1000);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_set_budget);

static int budget_set(const char *val, const struct kernel_param *kp)
{
	u32 us;
	int err = kstrtou32(val, 0, &us);

	return err ? err : vexfs_fpu_set_budget(us);
}

static int budget_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", vexfs_fpu_budget_ns() / 1000);
}

static const struct kernel_param_ops budget_ops = {
	.set = budget_set,
	.get = budget_get,
};

module_param_cb(fpu_budget_us, &budget_ops, NULL, 0644);
MODULE_PARM_DESC(fpu_budget_us, "Longest FPU section in microseconds, 5 to 500 (default 50)");

bool vexfs_fpu_usable(void)
{
	/* The architecture's test must not run in an NMI. */
	return !in_nmi() && !in_hardirq() && vexfs_simd_usable();
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_usable);

int vexfs_fpu_refuse(void)
{
	raw_cpu_inc(fpu_cpu.refused);
	return -EOPNOTSUPP;
}

void vexfs_fpu_went_without(void)
{
	raw_cpu_inc(fpu_cpu.without);
}

u64 vexfs_fpu_begin(void)
{
	u64 stamp;

	/* Not every architecture does: in User Mode Linux the next call is empty. */
	preempt_disable();
	stamp = vexfs_clock();
	vexfs_simd_begin();
	return stamp;
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_begin);

static unsigned int bucket_of(u32 ns)
{
	unsigned int bucket = vexfs_bucket_of(ns, 2);

	return clamp(bucket, BUCKET_FIRST, BUCKET_FIRST + BUCKETS - 1) - BUCKET_FIRST;
}

/* The shortest section that is too long for bucket @b. */
static u32 bucket_end(unsigned int b)
{
	return vexfs_bucket_low(BUCKET_FIRST + b + 1, 2);
}

u32 vexfs_fpu_end(u64 stamp)
{
	u64 end = vexfs_clock();
	u32 ns;

	/*
	 * Newer kernels run pending soft interrupts here; this time does not belong to the section.
	 */
	vexfs_simd_end();
	ns = min_t(u64, vexfs_clock_ns(stamp, end), U32_MAX);
	raw_cpu_inc(fpu_cpu.sections);
	raw_cpu_add(fpu_cpu.ns, ns);
	raw_cpu_inc(fpu_cpu.buckets[bucket_of(ns)]);
	if (unlikely(ns > raw_cpu_read(fpu_cpu.longest_ns)))
		raw_cpu_write(fpu_cpu.longest_ns, ns);
	if (unlikely(ns > vexfs_fpu_budget_ns()))
		raw_cpu_inc(fpu_cpu.over);
	preempt_enable();
	return ns;
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_end);

/* In an interrupt these are those of the task that was interrupted, and do not change. */
static unsigned long switches(void)
{
	return current->nvcsw + current->nivcsw;
}

struct vexfs_stretch vexfs_stretch_begin(void)
{
	return (struct vexfs_stretch){ .stamp = vexfs_clock(), .switches = switches() };
}

u32 vexfs_stretch_end(const struct vexfs_stretch *s)
{
	u64 end = vexfs_clock();

	raw_cpu_inc(fpu_cpu.stretches);
	if (switches() != s->switches)
		return 0;
	return min_t(u64, vexfs_clock_ns(s->stamp, end), U32_MAX);
}

/*
 * Work is planned for three quarters of the budget: rows that miss the cache
 * take longer than the ones before them.
 */
static u64 planned_ps(void)
{
	return vexfs_fpu_budget_ns() * 750ULL;
}

/* One second: keeps the product with VEXFS_FPU_ITEMS_MAX inside 64 bits. */
#define COST_MAX_PS	1000000000000ULL

u32 vexfs_fpu_items(const struct vexfs_pace *pace, u32 units, u32 left)
{
	u64 cost = min_t(u64, (u64)units * READ_ONCE(pace->ps), COST_MAX_PS);
	u64 plan = planned_ps();

	left = min(left, VEXFS_FPU_ITEMS_MAX);
	/* Small calls, the hot ones of a graph, need no division. */
	if (likely(left * cost <= plan))
		return left;
	return max_t(u64, div64_u64(plan, cost), 1);
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_items);

/* No unit takes longer than half a millisecond, not even under emulation. */
#define PACE_MAX	500000000u

bool vexfs_fpu_fits(const struct vexfs_pace *pace, u32 units)
{
	return (u64)units * READ_ONCE(pace->ps) <= planned_ps();
}

/* Two slow sections that are at most this many apart count as consecutive. */
#define DOUBT_NEAR	8u

/* The number of the section that just ended; those of other processors are far from it. */
static u32 run_number(void)
{
	u64 n = raw_cpu_read(fpu_cpu.sections) + raw_cpu_read(fpu_cpu.stretches);

	return (u32)n + hash_32(raw_smp_processor_id() + 1, 32);
}

/*
 * A soft interrupt that older kernels run inside, or a host that takes the processor
 * away, makes one section long and not the next one; slow memory makes all of them
 * long. So one that is slower than it should be is believed when another follows, and
 * then the quicker one of the two is. Together they count for a factor of two at most.
 * What was too slow a pace is mended by an eighth of the difference.
 */
void vexfs_fpu_correct(struct vexfs_pace *pace, u64 units, u32 ns)
{
	u32 old = clamp(READ_ONCE(pace->ps), 1u, PACE_MAX);
	u32 doubt = READ_ONCE(pace->doubt), now, seen;

	if (!ns)
		return;
	seen = clamp_t(u64, div64_u64(ns * 1000ULL, units), 1, PACE_MAX);
	if (seen <= old) {
		if (doubt)
			WRITE_ONCE(pace->doubt, 0);
		WRITE_ONCE(pace->ps, old - DIV_ROUND_UP(old - max(seen, old / 2), 8));
		return;
	}
	now = run_number();
	if (doubt > old && now - READ_ONCE(pace->doubt_at) <= DOUBT_NEAR)
		WRITE_ONCE(pace->ps, min3(seen, doubt, old * 2));
	WRITE_ONCE(pace->doubt, seen);
	WRITE_ONCE(pace->doubt_at, now);
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_correct);

void vexfs_fpu_rest(void)
{
	if (!in_task() || irqs_disabled() || preempt_count() || rcu_preempt_depth())
		return;
	cond_resched();
}

void vexfs_fpu_totals(struct vexfs_fpu_totals *t)
{
	int cpu;

	memset(t, 0, sizeof(*t));
	for_each_possible_cpu(cpu) {
		const struct fpu_cpu *c = per_cpu_ptr(&fpu_cpu, cpu);

		t->sections += READ_ONCE(c->sections);
		t->ns += READ_ONCE(c->ns);
		t->longest_ns = max(t->longest_ns, READ_ONCE(c->longest_ns));
		t->over += READ_ONCE(c->over);
		t->refused += READ_ONCE(c->refused);
		t->without += READ_ONCE(c->without);
	}
}
VEXFS_EXPORT_KUNIT(vexfs_fpu_totals);

void vexfs_fpu_show(struct seq_file *m)
{
	struct vexfs_fpu_totals t;
	unsigned int b;
	int cpu;

	vexfs_fpu_totals(&t);
	seq_printf(m, "budget_ns %u\nsections %llu\ntime_ns %llu\nlongest_ns %llu\n",
		   vexfs_fpu_budget_ns(), t.sections, t.ns, t.longest_ns);
	seq_printf(m, "over_budget %llu\nrefused %llu\nwithout_fpu %llu\n",
		   t.over, t.refused, t.without);
	for (b = 0; b < BUCKETS; b++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(&fpu_cpu, cpu)->buckets[b]);
		if (!sum)
			continue;
		if (b < BUCKETS - 1)
			seq_printf(m, "below_ns %u %llu\n", bucket_end(b), sum);
		else
			seq_printf(m, "above_ns %u %llu\n", bucket_end(b - 1), sum);
	}
}
