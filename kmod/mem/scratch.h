/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stack budget. An op notes where its stack began, deep points measure how
 * far it has come, and scratch memory above a threshold comes from the pools
 * instead of the stack. Too deep is counted and reported; it never stops an op.
 */
#ifndef _VEXFS_MEM_SCRATCH_H
#define _VEXFS_MEM_SCRATCH_H

#include <linux/compiler.h>
#include <linux/instruction_pointer.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "compat/stack.h"
#include "mem/pool.h"

/**
 * struct vexfs_stack_mark - the stack of one op
 * @base: stack pointer at entry; 0 for an op whose stack is not watched
 * @task: whose stack that is
 * @name: what the op is called in reports
 * @deepest: bytes below @base at the deepest point measured
 * @heap_gets: scratch taken from the pools
 * @heap_bytes: bytes of scratch taken from the pools
 *
 * Belongs to the op and is touched only by the task that runs it.
 */
struct vexfs_stack_mark {
	unsigned long base;
	const struct task_struct *task;
	const char *name;
	u32 deepest;
	u32 heap_gets;
	u64 heap_bytes;
};

/* Tunables of scratch.c; tests set them. Read with READ_ONCE(). */
extern u32 vexfs_stack_limit;
extern u32 vexfs_stack_alarm;
extern u32 vexfs_stack_heap_threshold;
extern u32 vexfs_stack_aggressive;
extern u32 vexfs_stack_optimize;

/* How many bytes may be used before the next report; read-mostly. */
extern u32 vexfs_stack_alarm_at;

/**
 * vexfs_stack_begin() - the op's stack begins here
 * @mark: the op's mark
 * @name: for reports; must stay valid
 */
static __always_inline void vexfs_stack_begin(struct vexfs_stack_mark *mark, const char *name)
{
	mark->base = (unsigned long)__builtin_frame_address(0);
	mark->task = current;
	mark->name = name;
}

void vexfs_stack_deep(struct vexfs_stack_mark *mark, unsigned long depth, unsigned long ip);

/**
 * vexfs_stack_check_at() - measure, on behalf of the code at @ip
 * @mark: the op's mark, or NULL
 * @ip: whom a report names
 */
static __always_inline void vexfs_stack_check_at(struct vexfs_stack_mark *mark, unsigned long ip)
{
	unsigned long depth;

	if (!mark || mark->task != current)
		return;
	depth = mark->base - vexfs_stack_pointer();
	/* On another stack, an interrupt's say, the difference means nothing. */
	if (depth <= mark->deepest || depth >= THREAD_SIZE)
		return;
	if (unlikely(depth > READ_ONCE(vexfs_stack_alarm_at)))
		vexfs_stack_deep(mark, depth, ip);
	mark->deepest = depth;
}

/* Measure here. Cheap enough for any function that calls no deeper of its own. */
#define vexfs_stack_check(mark)	vexfs_stack_check_at(mark, _THIS_IP_)

/**
 * vexfs_scratch_heap() - scratch from a pool
 * @mark: the op's mark, or NULL
 * @size: bytes needed; the same number goes to vexfs_pool_free()
 * @gfp: for the pool
 *
 * Large requests (above the large threshold) do not touch the pools' reserve, so
 * that they cannot starve small ones.
 *
 * Return: the memory, not cleared unless @gfp has __GFP_ZERO, or NULL.
 */
void *vexfs_scratch_heap(struct vexfs_stack_mark *mark, size_t size, gfp_t gfp);

/*
 * What a function offers of its stack, in a local array of u64: a row of 128 f32, wherever
 * its alignment begins.
 */
#define VEXFS_SCRATCH_LOCAL	(512 + VEXFS_POOL_ALIGN - sizeof(u64))

/**
 * struct vexfs_scratch - scratch memory of one function
 * @p: the memory
 * @size: bytes requested
 * @from_pool: where it came from
 */
struct vexfs_scratch {
	void *p;
	size_t size;
	bool from_pool;
};

/**
 * vexfs_scratch_get() - scratch from the stack when it is small, else from a pool
 * @s: what vexfs_scratch_put() needs to know
 * @mark: the op's mark, or NULL
 * @local: an array of the caller, or NULL
 * @local_size: size of @local
 * @size: bytes needed
 * @gfp: for the pool
 *
 * @local is used when @size fits it, is not above the heap threshold, and the
 * mode is not aggressive. Else as vexfs_scratch_heap().
 *
 * Return: the memory, aligned as buffers of the pools are, or NULL.
 */
void *vexfs_scratch_get(struct vexfs_scratch *s, struct vexfs_stack_mark *mark,
			void *local, size_t local_size, size_t size, gfp_t gfp);
void vexfs_scratch_put(struct vexfs_scratch *s);

/* Statistics; stat/subjects.c explains each. */
struct vexfs_stack_stats {
	u64 violations;
	u64 alarms;
	u64 scratch_stack;
	u64 scratch_heap;
	u64 scratch_large;
	u64 scratch_failed;
	u64 scratch_bytes;
	u64 deepest;
	u64 limit;
	u64 alarm;
};

#define VEXFS_STACK_RECORDS	64u

/**
 * struct vexfs_stack_record - one violation
 * @seq: its number, from 1 on since load
 * @time_ns: when, on the monotonic clock
 * @ip: the deep point that measured it (print with %pS)
 * @depth: bytes of stack
 * @pid: of the task, in the initial namespace
 * @comm: its command
 * @op: what the op is called
 */
struct vexfs_stack_record {
	u64 seq;
	u64 time_ns;
	unsigned long ip;
	u32 depth;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	const char *op;
};

void vexfs_stack_read(bool since_reset, struct vexfs_stack_stats *st);
/* The newest records, newest first; returns how many were written to @rec. */
unsigned int vexfs_stack_records(struct vexfs_stack_record *rec, unsigned int max);
void vexfs_stack_clear(void);	/* counts violations and alarms anew; records stay */
void vexfs_stack_forget(void);	/* the records, and how deep it has been; counts stay */
void vexfs_stack_reset(void);

/* An op that has ended: its depth goes into the overall maximum. */
void vexfs_stack_end(const struct vexfs_stack_mark *mark);

struct seq_file;
/* What the statistics do not hold: thresholds and records. */
void vexfs_stack_show(struct seq_file *m);

#endif
