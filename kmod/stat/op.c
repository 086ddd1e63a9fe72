// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of ops. vexfs_op_end() is the one place where an op is counted;
 * it touches memory of its own CPU only. Reading adds the CPUs up and takes a
 * baseline off for those who ask since the last reset; nothing is ever zeroed
 * under a writer.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/percpu.h"
#include "mem/tunable.h"
#include "stat/event.h"
#include "stat/hist.h"
#include "stat/op.h"
#include "stat/op_priv.h"

/* The sums at the head of struct vexfs_op_stats. */
#define SUMS	(offsetof(struct vexfs_op_stats, rate_1s) / sizeof(u64))

/**
 * struct tally - what one CPU has counted of one kind
 * @busy: the owner is counting; an interrupt that finds it set counts elsewhere
 * @stack_max: deepest stack
 * @max_ns: slowest op
 * @sum: in the order of struct vexfs_op_stats
 * @err: errors by slot
 */
struct tally {
	u32 busy;
	u32 stack_max;
	u64 max_ns;
	u64 sum[SUMS];
	u64 err[VEXFS_ERR_SLOTS];
};

/**
 * struct kind_stats - statistics of one kind of op
 * @cpu: each CPU's tally, written by that CPU only with preemption off
 * @hist: latencies of the kind
 * @nested: tally of ops that ended inside another one's counting
 * @nested_lock: guards @nested; taken in interrupts
 * @base: sums at the last reset, under base_lock
 * @base_err: errors at the last reset
 * @base_hist: histogram at the last reset, or NULL
 */
struct kind_stats {
	struct tally __percpu *cpu;
	struct vexfs_hist hist;
	struct tally nested;
	raw_spinlock_t nested_lock;
	u64 base[SUMS];
	u64 base_err[VEXFS_ERR_SLOTS];
	struct vexfs_hist_data *base_hist;
};

static struct kind_stats kinds[VEXFS_OP_KINDS];
static DEFINE_MUTEX(base_lock);

VEXFS_TUNABLE(slow_op_us, 1000000, 0, 3600000000u, "us",
	      "An op that takes longer is reported as an event (0: never)", 0644);

VEXFS_TUNABLE(accounting, 1, 0, 1, "flag",
	      "Count ops and their latencies (0: to see what that costs; figures stand still)", 0644);

static void tally_op(struct tally *t, const struct vexfs_op *op, u64 ns, int err)
{
	const u64 add[SUMS] = {
		1, err < 0, op->items, ns, op->bytes_in, op->bytes_out, op->distances,
		op->stack.heap_gets, op->stack.heap_bytes,
	};
	unsigned int i;

	for (i = 0; i < SUMS; i++)
		WRITE_ONCE(t->sum[i], t->sum[i] + add[i]);
	if (unlikely(err < 0)) {
		i = vexfs_errno_slot(err);
		WRITE_ONCE(t->err[i], t->err[i] + 1);
	}
	if (unlikely(ns > t->max_ns))
		WRITE_ONCE(t->max_ns, ns);
	if (unlikely(op->stack.deepest > t->stack_max))
		WRITE_ONCE(t->stack_max, op->stack.deepest);
}

static void account_op(const struct vexfs_op *op, u64 ns, int err)
{
	struct kind_stats *a = &kinds[op->kind < VEXFS_OP_KINDS ? op->kind : 0];
	bool done = false;
	struct tally *t;

	preempt_disable();
	t = this_cpu_ptr(a->cpu);
	if (likely(vexfs_cpu_enter(&t->busy))) {
		tally_op(t, op, ns, err);
		vexfs_cpu_leave(&t->busy);
		done = true;
	}
	preempt_enable();
	if (unlikely(!done)) {
		unsigned long flags;

		raw_spin_lock_irqsave(&a->nested_lock, flags);
		tally_op(&a->nested, op, ns, err);
		raw_spin_unlock_irqrestore(&a->nested_lock, flags);
	}
	vexfs_hist_add(&a->hist, ns);
}

u64 vexfs_op_end(struct vexfs_op *op, int err)
{
	u32 limit = READ_ONCE(vexfs_slow_op_us);
	u64 ns = vexfs_op_ns(op);

	/* At least the frames of the caller, when no deeper point was measured. */
	vexfs_stack_check_at(&op->stack, _RET_IP_);
	if (likely(READ_ONCE(vexfs_accounting)))
		account_op(op, ns, err);
	vexfs_stack_end(&op->stack);
	if (unlikely(limit && ns > limit * 1000ULL))
		vexfs_event_raise(VEXFS_EVENT_SLOW, ns, limit * 1000ULL, vexfs_op_names[op->kind]);
	return ns;
}
VEXFS_EXPORT_KUNIT(vexfs_op_end);

void vexfs_op_record(enum vexfs_op_kind kind, u64 ns, int err)
{
	const struct vexfs_op op = { .kind = kind, .items = 1 };
	u32 limit = READ_ONCE(vexfs_slow_op_us);

	if (READ_ONCE(vexfs_accounting))
		account_op(&op, ns, err);
	if (unlikely(limit && ns > limit * 1000ULL))
		vexfs_event_raise(VEXFS_EVENT_SLOW, ns, limit * 1000ULL, vexfs_op_names[kind]);
}
VEXFS_EXPORT_KUNIT(vexfs_op_record);

void *vexfs_op_alloc_timed(struct vexfs_op *op, size_t size, gfp_t gfp)
{
	u64 start = vexfs_clock();
	void *p = vexfs_scratch_heap(&op->stack, size, gfp);

	vexfs_timed_add(buffer_ns, start);
	this_cpu_inc(vexfs_timed.buffers);
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_op_alloc_timed);

static void add_tally(const struct tally *t, struct vexfs_op_stats *st)
{
	u64 *sum = &st->count;
	unsigned int i;

	for (i = 0; i < SUMS; i++)
		sum[i] += READ_ONCE(t->sum[i]);
	for (i = 0; i < VEXFS_ERR_SLOTS; i++)
		st->err[i] += READ_ONCE(t->err[i]);
	st->max_ns = max(st->max_ns, READ_ONCE(t->max_ns));
	st->stack_max = max_t(u64, st->stack_max, READ_ONCE(t->stack_max));
}

/* Sums, errors and the two maxima, since load. Adds to @st. */
static void add_kind(struct kind_stats *a, struct vexfs_op_stats *st)
{
	unsigned long flags;
	int cpu;

	for_each_possible_cpu(cpu)
		add_tally(per_cpu_ptr(a->cpu, cpu), st);
	raw_spin_lock_irqsave(&a->nested_lock, flags);
	add_tally(&a->nested, st);
	raw_spin_unlock_irqrestore(&a->nested_lock, flags);
}

static void take_base_off(const struct kind_stats *a, struct vexfs_op_stats *st,
			  struct vexfs_hist_data *hist)
{
	u64 *sum = &st->count;
	unsigned int i;

	for (i = 0; i < SUMS; i++)
		sum[i] -= a->base[i];
	for (i = 0; i < VEXFS_ERR_SLOTS; i++)
		st->err[i] -= a->base_err[i];
	if (hist && a->base_hist)
		vexfs_hist_subtract(hist, a->base_hist);
}

void vexfs_op_sum(bool (*wanted)(unsigned int kind, unsigned int arg), unsigned int arg,
		  bool since_reset, struct vexfs_op_stats *st, struct vexfs_hist_data *hist)
{
	unsigned int kind;

	mutex_lock(&base_lock);
	for (kind = 0; kind < VEXFS_OP_KINDS; kind++) {
		struct kind_stats *a = &kinds[kind];

		if (!wanted(kind, arg))
			continue;
		add_kind(a, st);
		if (hist)
			vexfs_hist_read(&a->hist, hist);
		if (since_reset)
			take_base_off(a, st, hist);
	}
	mutex_unlock(&base_lock);
}

u64 vexfs_op_count(unsigned int kind)
{
	struct kind_stats *a = &kinds[kind];
	u64 n = READ_ONCE(a->nested.sum[0]);
	int cpu;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu_ptr(a->cpu, cpu)->sum[0]);
	return n;
}
VEXFS_EXPORT_KUNIT(vexfs_op_count);

int vexfs_op_reset(void)
{
	struct vexfs_op_stats st;
	unsigned int kind;
	int err = 0;

	mutex_lock(&base_lock);
	/* Allocates all memory first, so that no reset is partial. */
	for (kind = 0; kind < VEXFS_OP_KINDS && !err; kind++) {
		struct kind_stats *a = &kinds[kind];

		if (!a->base_hist && vexfs_op_count(kind)) {
			a->base_hist = vexfs_hist_data_new();
			err = a->base_hist ? 0 : -ENOMEM;
		}
	}
	for (kind = 0; kind < VEXFS_OP_KINDS && !err; kind++) {
		struct kind_stats *a = &kinds[kind];

		/* Ops that came after the memory was taken belong to the next period. */
		if (!a->base_hist)
			continue;
		memset(&st, 0, sizeof(st));
		add_kind(a, &st);
		memcpy(a->base, &st, sizeof(a->base));
		memcpy(a->base_err, st.err, sizeof(a->base_err));
		memset(a->base_hist, 0, sizeof(*a->base_hist));
		vexfs_hist_read(&a->hist, a->base_hist);
	}
	mutex_unlock(&base_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_op_reset);

size_t vexfs_op_bytes(void)
{
	size_t bytes = sizeof(kinds);
	unsigned int kind;

	for (kind = 0; kind < VEXFS_OP_KINDS; kind++)
		bytes += num_possible_cpus() * sizeof(struct tally) +
			 vexfs_hist_bytes(&kinds[kind].hist) +
			 (kinds[kind].base_hist ? sizeof(struct vexfs_hist_data) : 0);
	return bytes;
}
VEXFS_EXPORT_KUNIT(vexfs_op_bytes);

void vexfs_op_exit(void)
{
	unsigned int kind;

	for (kind = 0; kind < VEXFS_OP_KINDS; kind++) {
		vexfs_hist_exit(&kinds[kind].hist);
		free_percpu(kinds[kind].cpu);
		kvfree(kinds[kind].base_hist);
	}
	memset(kinds, 0, sizeof(kinds));
}

int vexfs_op_init(void)
{
	unsigned int kind;

	for (kind = 0; kind < VEXFS_OP_KINDS; kind++) {
		struct kind_stats *a = &kinds[kind];

		raw_spin_lock_init(&a->nested_lock);
		a->cpu = alloc_percpu(struct tally);
		if (!a->cpu || vexfs_hist_init(&a->hist)) {
			vexfs_op_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
