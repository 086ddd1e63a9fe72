/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An op as the kernel runs it: what it is, how long it may take, and what it
 * has cost. Each op is counted once, in vexfs_op_end(), and nowhere else.
 */
#ifndef _VEXFS_STAT_OP_H
#define _VEXFS_STAT_OP_H

#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/vexfs.h>

#include "mem/scratch.h"
#include "math/clock.h"
#include "stat/rate.h"
#include "stat/timed.h"

/* Names and meanings of classes and kinds are in op_names.c. */
enum vexfs_class {
	VEXFS_CLASS_VECTOR,	/* exact ops */
	VEXFS_CLASS_SEMANTIC,	/* approximate ops over the graph */
	VEXFS_CLASS_FUSE,	/* requests served on a mount */
	VEXFS_CLASS_CONTROL,	/* all ops that do not use vectors */
	VEXFS_CLASS_COUNT
};

enum vexfs_op_kind {
	VEXFS_OP_PUT,
	VEXFS_OP_GET,
	VEXFS_OP_DELETE,
	VEXFS_OP_DISTANCE,
	VEXFS_OP_WALK,
	VEXFS_OP_EXACT,
	VEXFS_OP_RANGE,
	VEXFS_OP_EXACT_FILTERED,	/* rows that pass a filter are compared */
	VEXFS_OP_GRAPH,
	VEXFS_OP_FILTERED,		/* graph walked, results filtered */
	VEXFS_OP_BY_ID,			/* graph walked from a stored vector */
	VEXFS_OP_NEAR_DUP,
	VEXFS_OP_CLASSIFY,
	VEXFS_OP_FUSE,
	VEXFS_OP_CREATE,
	VEXFS_OP_ATTACH,
	VEXFS_OP_DROP,
	VEXFS_OP_LIST,
	VEXFS_OP_INFO,
	VEXFS_OP_SET,
	VEXFS_OP_INDEX,
	VEXFS_OP_CHECK,
	VEXFS_OP_MMAP,
	VEXFS_OP_KINDS
};

/* Errors that are counted by name, VEXFS_ERR_SLOTS - 1 of them; the rest is "other". */
#define VEXFS_ERR_SLOTS		18u

/**
 * struct vexfs_op - an op while it runs
 * @kind: enum vexfs_op_kind; may be changed until the op ends, for it is often
 *	known late which plan answers a search
 * @priority: enum vexfs_priority
 * @timed: its parts are timed
 * @shared: ops of other tasks are answered with it
 * @items: vectors or queries it carries
 * @start: when it began, a reading of vexfs_clock()
 * @deadline_ns: when it is to give up, on the monotonic clock; 0 for never
 * @bytes_in: bytes copied in
 * @bytes_out: bytes copied out
 * @distances: distances computed
 * @stack: where its stack began, and its use of the pools
 *
 * Lives where its owner puts it, on the stack as a rule, and belongs to one
 * task at a time.
 */
struct vexfs_op {
	u8 kind;
	u8 priority;
	bool timed;
	bool shared;
	u32 items;
	u64 start;
	u64 deadline_ns;
	u64 bytes_in;
	u64 bytes_out;
	u64 distances;
	struct vexfs_stack_mark stack;
};

/* Names by kind, for the inline functions below; others call vexfs_op_name(). */
extern const char *const vexfs_op_names[VEXFS_OP_KINDS];

const char *vexfs_op_name(unsigned int kind);
const char *vexfs_op_doc(unsigned int kind);
enum vexfs_class vexfs_op_class(unsigned int kind);
const char *vexfs_class_name(unsigned int class);
const char *vexfs_class_doc(unsigned int class);
const char *vexfs_errno_name(unsigned int slot);

/* The time @timeout_ns from now on the monotonic clock. */
static inline u64 vexfs_op_deadline(u64 timeout_ns)
{
	u64 now = ktime_get_ns();

	return timeout_ns < U64_MAX - now ? now + timeout_ns : U64_MAX;
}

/**
 * vexfs_op_begin() - an op begins
 * @op: the op; nothing of it need be set
 * @kind: enum vexfs_op_kind, as far as is known
 * @priority: enum vexfs_priority
 * @timeout_ns: how long it may take; 0 for as long as it likes
 *
 * Inlined, so that the stack is measured from the caller's frame on.
 */
static __always_inline void vexfs_op_begin(struct vexfs_op *op, enum vexfs_op_kind kind,
					   u8 priority, u64 timeout_ns)
{
	*op = (struct vexfs_op){
		.kind = kind,
		.priority = priority,
		.items = 1,
		.start = vexfs_clock(),
	};
	if (timeout_ns)
		op->deadline_ns = vexfs_op_deadline(timeout_ns);
	vexfs_stack_begin(&op->stack, vexfs_op_names[kind]);
}

/**
 * vexfs_op_end() - the op has ended, and is counted
 * @op: the op
 * @err: 0 or more for success, else -errno
 *
 * Any context but NMI.
 *
 * Return: how long it took, in nanoseconds.
 */
u64 vexfs_op_end(struct vexfs_op *op, int err);

/* Ends an op that has done nothing and is begun again elsewhere, where it is counted. */
static inline void vexfs_op_leave(struct vexfs_op *op)
{
	vexfs_stack_end(&op->stack);
}

/**
 * vexfs_op_record() - an op that ran elsewhere is accounted
 * @kind: enum vexfs_op_kind
 * @ns: duration of the op
 * @err: 0 or more for success, else -errno
 *
 * For what userspace did by itself. Any context but NMI.
 */
void vexfs_op_record(enum vexfs_op_kind kind, u64 ns, int err);

/* The parameter accounting: false while ops are not counted. */
extern u32 vexfs_accounting;

/* Time since the op began. */
static inline u64 vexfs_op_ns(const struct vexfs_op *op)
{
	return vexfs_clock_ns(op->start, vexfs_clock());
}

/**
 * vexfs_op_expired() - is it to give up?
 * @op: the op
 *
 * Costs a reading of the clock when the op has a deadline: ask once per block
 * of work, not per row. Whoever asks is deep inside the op, so the stack is
 * measured here as well.
 *
 * Return: 0, -ETIME when the deadline has passed, -EINTR when the task is
 * being killed.
 */
static __always_inline int vexfs_op_expired(struct vexfs_op *op)
{
	vexfs_stack_check(&op->stack);
	if (fatal_signal_pending(current))
		return -EINTR;
	if (op->deadline_ns && ktime_get_ns() >= op->deadline_ns)
		return -ETIME;
	return 0;
}

/*
 * Is it to end for a signal? Other tasks do not pay for signals that this one handles, so while it
 * works for them, too, only a fatal one counts.
 */
static inline bool vexfs_op_signalled(const struct vexfs_op *op)
{
	return unlikely(signal_pending(current)) && (!op->shared || fatal_signal_pending(current));
}

/* Slow path of vexfs_op_alloc(). */
void *vexfs_op_alloc_timed(struct vexfs_op *op, size_t size, gfp_t gfp);

/* Memory for an op, counted in its statistics. Freed with vexfs_pool_free(). */
static __always_inline void *vexfs_op_alloc(struct vexfs_op *op, size_t size, gfp_t gfp)
{
	vexfs_stack_check(&op->stack);
	if (unlikely(op->timed))
		return vexfs_op_alloc_timed(op, size, gfp);
	return vexfs_scratch_heap(&op->stack, size, gfp);
}

/**
 * struct vexfs_op_stats - statistics of one kind of op, or of a class
 *
 * subjects.c explains each. The first ones, up to and including
 * heap_bytes, are sums over ops; what follows is worked out when read.
 */
struct vexfs_op_stats {
	u64 count;
	u64 errors;
	u64 items;
	u64 ns;
	u64 bytes_in;
	u64 bytes_out;
	u64 distances;
	u64 heap_gets;
	u64 heap_bytes;
	u64 rate_1s;
	u64 rate_10s;
	u64 rate_60s;
	u64 mean_ns;
	u64 p50_ns;
	u64 p95_ns;
	u64 p99_ns;
	u64 p999_ns;
	u64 max_ns;
	u64 stack_max;
	u64 err[VEXFS_ERR_SLOTS];
};

struct vexfs_hist_data;

/*
 * Read without stopping anybody. May sleep; -ENOMEM. @hist, if not NULL, is
 * where the histogram goes (it is large). Percentiles are those since the last
 * reset or since load, like the sums.
 */
int vexfs_op_read(unsigned int kind, bool since_reset, struct vexfs_op_stats *st,
		  struct vexfs_hist_data *hist);
int vexfs_op_read_class(unsigned int class, bool since_reset, struct vexfs_op_stats *st,
			struct vexfs_hist_data *hist);
/* Of these the errors alone, without the work that percentiles are. */
int vexfs_op_read_errors(unsigned int kind, bool since_reset, u64 err[VEXFS_ERR_SLOTS]);
/* Ops of @kind since load; cheap. */
u64 vexfs_op_count(unsigned int kind);
/* Resets the values since the last reset; values since load continue. May sleep; -ENOMEM. */
int vexfs_op_reset(void);
/* Bytes of memory that the statistics take. */
size_t vexfs_op_bytes(void);

int vexfs_op_init(void);
void vexfs_op_exit(void);

#endif
