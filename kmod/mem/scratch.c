// SPDX-License-Identifier: GPL-2.0
/*
 * The stack budget: records of ops that exceeded it, and scratch memory from the pools. Measuring
 * is inline in the header, since it has to be cheap; for an op inside its budget nothing here runs,
 * except to allocate memory.
 */
#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/pool_trace.h"
#include "mem/scratch.h"
#include "mem/tunable.h"

static int stack_apply(const struct vexfs_tunable *t, u32 v);

VEXFS_TUNABLE(stack_limit, 3072, 1024, 8192, "bytes",
	      "Stack an op may use before it counts as a violation", 0644,
	      .apply = stack_apply);
VEXFS_TUNABLE(stack_alarm, 2800, 512, 8192, "bytes",
	      "Stack an op may use before it counts as an alarm", 0644,
	      .apply = stack_apply);
VEXFS_TUNABLE(stack_heap_threshold, 512, 0, 1024, "bytes",
	      "Scratch above this comes from the pools", 0644);
static VEXFS_TUNABLE(stack_large_threshold, 4096, 1024, 65536, "bytes",
	      "Scratch above this does not touch the reserve of the pools", 0644);
VEXFS_TUNABLE(stack_aggressive, 0, 0, 1, "flag",
	      "Take all scratch from the pools", 0644);
VEXFS_TUNABLE(stack_optimize, 1, 0, 1, "flag",
	      "Heed the thresholds; with 0 scratch that fits the stack stays there", 0644);
static VEXFS_TUNABLE(stack_reuse, 0, 0, 1, "flag",
	      "Use a caller's buffer on the stack above the heap threshold, too", 0644);

/* Tests set these around a case. */
VEXFS_EXPORT_KUNIT(vexfs_stack_limit);
VEXFS_EXPORT_KUNIT(vexfs_stack_alarm);
VEXFS_EXPORT_KUNIT(vexfs_stack_heap_threshold);
VEXFS_EXPORT_KUNIT(vexfs_stack_aggressive);
VEXFS_EXPORT_KUNIT(vexfs_stack_optimize);

u32 vexfs_stack_alarm_at __read_mostly = 2800;
VEXFS_EXPORT_KUNIT(vexfs_stack_alarm_at);

/*
 * Served scratch. On x86 each update is one instruction, so any context may
 * count; elsewhere an interrupt or a move to another CPU may cost a count.
 */
struct scratch_cpu {
	u64 stack;
	u64 heap;
	u64 large;
	u64 failed;
	u64 bytes;
};

static DEFINE_PER_CPU(struct scratch_cpu, scratch_cpu);

/*
 * Violations and the newest records of them. The lock is raw and irq-safe: an
 * op may run anywhere. @violations is the number of the newest record.
 */
static DEFINE_RAW_SPINLOCK(record_lock);
static struct vexfs_stack_record records[VEXFS_STACK_RECORDS];
static u64 violations;
static u64 alarms;

/* Deepest op; raised with cmpxchg. */
static u32 deepest;
static u32 deepest_reset;

/* Counters at the last reset, and the number of the first record since; record_lock. */
static struct vexfs_stack_stats base;
static u64 records_from;

static void raise_to(u32 *max, u32 v)
{
	u32 old = READ_ONCE(*max);

	while (old < v && !try_cmpxchg(max, &old, v))
		;
}

void vexfs_stack_deep(struct vexfs_stack_mark *mark, unsigned long depth, unsigned long ip)
{
	struct vexfs_stack_record *r;
	unsigned long flags;

	if (depth <= READ_ONCE(vexfs_stack_limit)) {
		raw_spin_lock_irqsave(&record_lock, flags);
		/* One alarm per op, however often it is measured above the limit. */
		if (mark->deepest <= READ_ONCE(vexfs_stack_alarm_at))
			alarms++;
		raw_spin_unlock_irqrestore(&record_lock, flags);
		return;
	}
	raw_spin_lock_irqsave(&record_lock, flags);
	r = &records[violations++ % VEXFS_STACK_RECORDS];
	r->seq = violations;
	r->time_ns = ktime_get_mono_fast_ns();
	r->ip = ip;
	r->depth = depth;
	r->pid = task_pid_nr(current);
	memcpy(r->comm, current->comm, sizeof(r->comm));
	r->comm[sizeof(r->comm) - 1] = '\0';
	r->op = mark->name;
	raw_spin_unlock_irqrestore(&record_lock, flags);
	raise_to(&deepest, depth);
	raise_to(&deepest_reset, depth);
	trace_vexfs_stack_violation(mark->name, depth, READ_ONCE(vexfs_stack_limit));
	vexfs_mem_tell(VEXFS_NEWS_STACK, depth, ip, mark->name);
}
VEXFS_EXPORT_KUNIT(vexfs_stack_deep);

void vexfs_stack_end(const struct vexfs_stack_mark *mark)
{
	raise_to(&deepest, mark->deepest);
	raise_to(&deepest_reset, mark->deepest);
}
VEXFS_EXPORT_KUNIT(vexfs_stack_end);

void *vexfs_scratch_heap(struct vexfs_stack_mark *mark, size_t size, gfp_t gfp)
{
	void *p;

	raw_cpu_add(scratch_cpu.bytes, size);
	if (size > READ_ONCE(vexfs_stack_large_threshold)) {
		raw_cpu_inc(scratch_cpu.large);
		gfp |= __GFP_NOMEMALLOC;
	}
	p = vexfs_pool_alloc(size, gfp);
	if (!p) {
		raw_cpu_inc(scratch_cpu.failed);
		return NULL;
	}
	raw_cpu_inc(scratch_cpu.heap);
	if (mark) {
		mark->heap_gets++;
		mark->heap_bytes += size;
	}
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_scratch_heap);

/*
 * The caller's buffer is on the stack whether it is used or not: with stack_reuse it is,
 * as long as the op is not so deep that an alarm is near.
 */
static bool reuse_stack(const struct vexfs_stack_mark *mark)
{
	return READ_ONCE(vexfs_stack_reuse) && mark &&
	       mark->deepest < READ_ONCE(vexfs_stack_alarm_at) / 2;
}

void *vexfs_scratch_get(struct vexfs_scratch *s, struct vexfs_stack_mark *mark,
			void *local, size_t local_size, size_t size, gfp_t gfp)
{
	void *p = PTR_ALIGN(local, VEXFS_POOL_ALIGN);
	bool fits = local && size <= local_size && p - local <= local_size - size;

	vexfs_stack_check_at(mark, _RET_IP_);
	s->size = size;
	s->from_pool = !fits || (READ_ONCE(vexfs_stack_optimize) &&
				 (READ_ONCE(vexfs_stack_aggressive) ||
				  (size > READ_ONCE(vexfs_stack_heap_threshold) &&
				   !reuse_stack(mark))));
	if (s->from_pool) {
		s->p = vexfs_scratch_heap(mark, size, gfp);
		return s->p;
	}
	raw_cpu_add(scratch_cpu.bytes, size);
	raw_cpu_inc(scratch_cpu.stack);
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	s->p = p;
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_scratch_get);

void vexfs_scratch_put(struct vexfs_scratch *s)
{
	if (s->from_pool)
		vexfs_pool_free(s->p, s->size);
	s->p = NULL;
	s->from_pool = false;
}
VEXFS_EXPORT_KUNIT(vexfs_scratch_put);

static int stack_apply(const struct vexfs_tunable *t, u32 v)
{
	WRITE_ONCE(*t->value, v);
	/* One comparison tells whether a depth is of interest at all. */
	WRITE_ONCE(vexfs_stack_alarm_at, min(vexfs_stack_alarm, vexfs_stack_limit));
	return 0;
}

static void read_counters(struct vexfs_stack_stats *st)
{
	unsigned long flags;
	int cpu;

	memset(st, 0, sizeof(*st));
	raw_spin_lock_irqsave(&record_lock, flags);
	st->violations = violations;
	st->alarms = alarms;
	raw_spin_unlock_irqrestore(&record_lock, flags);
	for_each_possible_cpu(cpu) {
		const struct scratch_cpu *c = per_cpu_ptr(&scratch_cpu, cpu);

		st->scratch_stack += READ_ONCE(c->stack);
		st->scratch_heap += READ_ONCE(c->heap);
		st->scratch_large += READ_ONCE(c->large);
		st->scratch_failed += READ_ONCE(c->failed);
		st->scratch_bytes += READ_ONCE(c->bytes);
	}
}

void vexfs_stack_read(bool since_reset, struct vexfs_stack_stats *st)
{
	struct vexfs_stack_stats from = {};
	unsigned long flags;

	/* Before the counters, which only grow. */
	if (since_reset) {
		raw_spin_lock_irqsave(&record_lock, flags);
		from = base;
		raw_spin_unlock_irqrestore(&record_lock, flags);
	}
	read_counters(st);
	st->violations -= from.violations;
	st->alarms -= from.alarms;
	st->scratch_stack -= from.scratch_stack;
	st->scratch_heap -= from.scratch_heap;
	st->scratch_large -= from.scratch_large;
	st->scratch_failed -= from.scratch_failed;
	st->scratch_bytes -= from.scratch_bytes;
	st->deepest = since_reset ? READ_ONCE(deepest_reset) : READ_ONCE(deepest);
	st->limit = READ_ONCE(vexfs_stack_limit);
	st->alarm = READ_ONCE(vexfs_stack_alarm);
}
VEXFS_EXPORT_KUNIT(vexfs_stack_read);

unsigned int vexfs_stack_records(struct vexfs_stack_record *rec, unsigned int max)
{
	unsigned long flags;
	unsigned int n = 0;

	raw_spin_lock_irqsave(&record_lock, flags);
	while (n < max && n < VEXFS_STACK_RECORDS && violations - n > records_from) {
		rec[n] = records[(violations - n - 1) % VEXFS_STACK_RECORDS];
		n++;
	}
	raw_spin_unlock_irqrestore(&record_lock, flags);
	return n;
}
VEXFS_EXPORT_KUNIT(vexfs_stack_records);

void vexfs_stack_reset(void)
{
	struct vexfs_stack_stats now;
	unsigned long flags;

	read_counters(&now);
	raw_spin_lock_irqsave(&record_lock, flags);
	base = now;
	raw_spin_unlock_irqrestore(&record_lock, flags);
	vexfs_stack_forget();
}
VEXFS_EXPORT_KUNIT(vexfs_stack_reset);

void vexfs_stack_clear(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&record_lock, flags);
	base.violations = violations;
	base.alarms = alarms;
	raw_spin_unlock_irqrestore(&record_lock, flags);
}

void vexfs_stack_forget(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&record_lock, flags);
	records_from = violations;
	raw_spin_unlock_irqrestore(&record_lock, flags);
	WRITE_ONCE(deepest_reset, 0);
}

void vexfs_stack_show(struct seq_file *m)
{
	struct vexfs_stack_record *rec;
	const size_t bytes = VEXFS_STACK_RECORDS * sizeof(*rec);
	unsigned int i, n;

	seq_printf(m, "heap_threshold %u\nlarge_threshold %u\naggressive %u\n",
		   READ_ONCE(vexfs_stack_heap_threshold), READ_ONCE(vexfs_stack_large_threshold),
		   READ_ONCE(vexfs_stack_aggressive));

	rec = vexfs_pool_alloc(bytes, GFP_KERNEL);
	if (!rec)
		return;
	n = vexfs_stack_records(rec, VEXFS_STACK_RECORDS);
	seq_puts(m, "\n# violations since the last reset, newest first\n");
	seq_puts(m, "# number time_ns depth pid command op symbol\n");
	for (i = 0; i < n; i++)
		seq_printf(m, "%llu %llu %u %d %s %s %pS\n", rec[i].seq, rec[i].time_ns,
			   rec[i].depth, rec[i].pid, rec[i].comm, rec[i].op, (void *)rec[i].ip);
	vexfs_pool_free(rec, bytes);
}
