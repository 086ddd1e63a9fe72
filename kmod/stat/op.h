/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An op as the kernel runs it: what it is, how long it may take, and what it
 * has cost. Each op is accounted once, in vexfs_op_end(), and nowhere else.
 */
#ifndef _VEXFS_STAT_OP_H
#define _VEXFS_STAT_OP_H

#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/vexfs.h>

#include "mem/scratch.h"
#include "stat/rate.h"

#define VEXFS_CLASSES(X)								\
	X(VECTOR, "vector", "exact ops: store, read, compare, search every row")	\
	X(SEMANTIC, "semantic", "approximate ops over the graph")			\
	X(FUSE, "fuse", "requests served on a mount")					\
	X(CONTROL, "control", "everything that is not done to vectors")

enum vexfs_class {
#define X(id, name, doc) VEXFS_CLASS_##id,
	VEXFS_CLASSES(X)
#undef X
	VEXFS_CLASS_COUNT
};

/* Id, name, class, documentation. Append only: userspace keeps histories by name. */
#define VEXFS_OPS(X)									\
	X(PUT, "put", VECTOR, "insert, update or upsert of vectors")			\
	X(GET, "get", VECTOR, "read of vectors by id")					\
	X(DELETE, "delete", VECTOR, "deletion of vectors by id")			\
	X(DISTANCE, "distance", VECTOR, "distances from a query to vectors by id")	\
	X(WALK, "walk", VECTOR, "a part of a walk over every vector")			\
	X(EXACT, "exact", VECTOR, "nearest neighbours by comparing every row")		\
	X(RANGE, "range", VECTOR, "all vectors within a radius")			\
	X(EXACT_FILTERED, "exact-filtered", VECTOR,					\
	  "nearest neighbours among the rows that pass a filter, by comparing them")	\
	X(GRAPH, "graph", SEMANTIC, "nearest neighbours by walking the graph")		\
	X(FILTERED, "filtered", SEMANTIC, "the same, results filtered on the way")	\
	X(BY_ID, "by-id", SEMANTIC, "nearest neighbours of a stored vector over the graph") \
	X(NEAR_DUP, "near-dup", SEMANTIC, "near-duplicates within a radius over the graph") \
	X(CLASSIFY, "classify", SEMANTIC, "majority among the neighbours")		\
	X(FUSE, "request", FUSE, "a request on a mount, whatever it asks")		\
	X(CREATE, "create", CONTROL, "a new collection")				\
	X(ATTACH, "attach", CONTROL, "a descriptor is attached to a collection")	\
	X(DROP, "drop", CONTROL, "a collection is dropped")				\
	X(LIST, "list", CONTROL, "a part of the list of collections")			\
	X(INFO, "info", CONTROL, "what the module or a collection is")			\
	X(SET, "set", CONTROL, "a change of a collection's properties")			\
	X(INDEX, "index", CONTROL, "a build of a graph, or its end")			\
	X(CHECK, "check", CONTROL, "a check of a whole collection")			\
	X(MMAP, "mmap", CONTROL, "rows are mapped")

enum vexfs_op_kind {
#define X(id, name, class, doc) VEXFS_OP_##id,
	VEXFS_OPS(X)
#undef X
	VEXFS_OP_KINDS
};

/* Errors that are counted by name; the rest count as "other". */
#define VEXFS_ERRNOS(X)									\
	X(ENOENT) X(EEXIST) X(EINVAL) X(E2BIG) X(EDOM) X(EACCES) X(EPERM) X(ENOSPC)	\
	X(ENOMEM) X(ETIME) X(EINTR) X(EOPNOTSUPP) X(EFAULT) X(EBUSY) X(EAGAIN)		\
	X(ENOTTY) X(ECANCELED)

enum vexfs_errno_slot {
#define X(e) VEXFS_ERR_##e,
	VEXFS_ERRNOS(X)
#undef X
	VEXFS_ERR_OTHER,
	VEXFS_ERR_SLOTS
};

/*
 * What is counted for each kind of op: field, unit, kind, and what it means.
 * See VEXFS_POOL_COUNTERS. The first ones are sums over ops, kept per CPU.
 */
#define VEXFS_OP_SUMS(X)								\
	X(count, "ops", COUNTER, "ops that have ended, errors included")		\
	X(errors, "ops", COUNTER, "ops that ended with an error")			\
	X(items, "items", COUNTER, "vectors or queries the ops carried")		\
	X(ns, "ns", COUNTER, "time the ops took, summed up")				\
	X(bytes_in, "bytes", COUNTER, "bytes copied in from users")			\
	X(bytes_out, "bytes", COUNTER, "bytes copied out to users")			\
	X(fpu_ns, "ns", COUNTER, "time spent in FPU sections")				\
	X(distances, "distances", COUNTER, "distances computed")			\
	X(heap_gets, "buffers", COUNTER, "buffers taken from the pools")		\
	X(heap_bytes, "bytes", COUNTER, "and their bytes")

#define VEXFS_OP_GAUGES(X)								\
	X(rate_1s, "mops/s", GAUGE, "thousandths of an op per second, last second")	\
	X(rate_10s, "mops/s", GAUGE, "the same over 10 seconds")			\
	X(rate_60s, "mops/s", GAUGE, "the same over 60 seconds")			\
	X(mean_ns, "ns", GAUGE, "mean time of an op")					\
	X(p50_ns, "ns", GAUGE, "median")						\
	X(p95_ns, "ns", GAUGE, "95th percentile")					\
	X(p99_ns, "ns", GAUGE, "99th percentile")					\
	X(p999_ns, "ns", GAUGE, "99.9th percentile")					\
	X(max_ns, "ns", GAUGE, "slowest")						\
	X(stack_max, "bytes", GAUGE, "deepest stack measured since load")

#define VEXFS_OP_COUNTERS(X)	VEXFS_OP_SUMS(X) VEXFS_OP_GAUGES(X)

/**
 * struct vexfs_op - an op while it runs
 * @kind: enum vexfs_op_kind; may be changed until the op ends, for it is often
 *	known late which plan answers a search
 * @priority: enum vexfs_priority
 * @items: vectors or queries it carries
 * @start_ns: when it began, on the monotonic clock
 * @deadline_ns: when it is to give up, on the monotonic clock; 0 for never
 * @bytes_in: bytes copied in
 * @bytes_out: bytes copied out
 * @fpu_ns: time spent in FPU sections
 * @distances: distances computed
 * @stack: where its stack began, and its use of the pools
 *
 * Lives where its owner puts it, on the stack as a rule, and belongs to one
 * task at a time.
 */
struct vexfs_op {
	u8 kind;
	u8 priority;
	u32 items;
	u64 start_ns;
	u64 deadline_ns;
	u64 bytes_in;
	u64 bytes_out;
	u64 fpu_ns;
	u64 distances;
	struct vexfs_stack_mark stack;
};

const char *vexfs_op_name(unsigned int kind);
const char *vexfs_op_doc(unsigned int kind);
enum vexfs_class vexfs_op_class(unsigned int kind);
const char *vexfs_class_name(unsigned int class);
const char *vexfs_class_doc(unsigned int class);
const char *vexfs_errno_name(unsigned int slot);

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
	u64 now = ktime_get_ns();

	*op = (struct vexfs_op){
		.kind = kind,
		.priority = priority,
		.items = 1,
		.start_ns = now,
	};
	if (timeout_ns)
		op->deadline_ns = timeout_ns < U64_MAX - now ? now + timeout_ns : U64_MAX;
	vexfs_stack_begin(&op->stack, vexfs_op_name(kind));
}

/* A task goes on with an op that another one began (a worker of the bridge). */
static __always_inline void vexfs_op_take_over(struct vexfs_op *op)
{
	vexfs_stack_begin(&op->stack, vexfs_op_name(op->kind));
}

/**
 * vexfs_op_end() - the op has ended, and is accounted
 * @op: the op
 * @err: 0 or more for success, else -errno
 *
 * Any context in which GFP_NOWAIT memory may be had.
 *
 * Return: how long it took, in nanoseconds.
 */
u64 vexfs_op_end(struct vexfs_op *op, int err);

/* Time since the op began. */
static inline u64 vexfs_op_ns(const struct vexfs_op *op)
{
	return ktime_get_ns() - op->start_ns;
}

/**
 * vexfs_op_expired() - is it to give up?
 * @op: the op
 *
 * Costs a reading of the clock when the op has a deadline: ask once per block
 * of work, not per row.
 *
 * Return: 0, -ETIME when the deadline has passed, -EINTR when the task is
 * being killed.
 */
static inline int vexfs_op_expired(const struct vexfs_op *op)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (op->deadline_ns && ktime_get_ns() >= op->deadline_ns)
		return -ETIME;
	return 0;
}

/* Memory for an op, counted as its own. Freed with vexfs_pool_free(). */
static inline void *vexfs_op_alloc(struct vexfs_op *op, size_t size, gfp_t gfp)
{
	op->stack.heap_gets++;
	op->stack.heap_bytes += size;
	return vexfs_pool_alloc(size, gfp);
}

/* The account of one kind, or of a class as a whole. */
struct vexfs_op_stats {
#define X(field, unit, kind, doc) u64 field;
	VEXFS_OP_COUNTERS(X)
#undef X
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
/* Ops of @kind since load; cheap. */
u64 vexfs_op_count(unsigned int kind);
/* Since-reset figures start anew; since-load figures go on. May sleep; -ENOMEM. */
int vexfs_op_reset(void);
/* Bytes of memory the account takes. */
size_t vexfs_op_bytes(void);

struct seq_file;
void vexfs_op_show(struct seq_file *m);
/* The file "stack": what mem knows, and the deepest of each kind of op. */
void vexfs_op_show_stack(struct seq_file *m);

int vexfs_stat_init(void);
void vexfs_stat_exit(void);

#endif
