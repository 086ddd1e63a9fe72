/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events: rare things that an operator wants to hear of, in a bounded ring.
 * Raising one never sleeps and never waits for a reader; whoever reads too late
 * is told how many were lost.
 */
#ifndef _VEXFS_STAT_EVENT_H
#define _VEXFS_STAT_EVENT_H

#include <linux/types.h>

/* The kinds: id, name, what @a and @b mean, documentation. */
#define VEXFS_EVENTS(X)									\
	X(STACK, "stack-violation", "depth in bytes", "code address",			\
	  "an op went deeper than the stack limit")					\
	X(EXHAUSTED, "pool-exhausted", "bytes asked for", "buffers held",		\
	  "a pool could not serve a request, not even from its reserve")		\
	X(RESIZED, "pool-resized", "new size", "old size",				\
	  "a tier of the pools was given another size")					\
	X(SLOW, "slow-op", "nanoseconds", "limit in nanoseconds",			\
	  "an op took longer than slow_op_us")						\
	X(VARIANT, "variant-switched", "0", "0",					\
	  "another arithmetic variant is in use; subject names it")			\
	X(VARIANT_BAD, "variant-disabled", "0", "0",					\
	  "an arithmetic variant failed its self-test; subject names it")		\
	X(TUNED, "tunables-changed", "new value", "old value",				\
	  "a tunable was changed; subject names it")					\
	X(CREATED, "collection-created", "0", "0", "a collection was created")		\
	X(DROPPED, "collection-dropped", "0", "0", "a collection was dropped")

enum vexfs_event_kind {
#define X(id, name, a, b, doc) VEXFS_EVENT_##id,
	VEXFS_EVENTS(X)
#undef X
	VEXFS_EVENT_KINDS
};

#define VEXFS_EVENT_RING	512u	/* power of two */
#define VEXFS_EVENT_SUBJECT	64u

/**
 * struct vexfs_event - one event
 * @seq: its number, from 0 on since load, without gaps
 * @time_ns: when, on the monotonic clock
 * @a: see VEXFS_EVENTS
 * @b: see VEXFS_EVENTS
 * @kind: enum vexfs_event_kind
 * @pid: of the task that ran
 * @subject: which op, tier, variant, tunable or collection
 */
struct vexfs_event {
	u64 seq;
	u64 time_ns;
	u64 a;
	u64 b;
	u32 kind;
	s32 pid;
	char subject[VEXFS_EVENT_SUBJECT];
};

/* Any context but NMI. A kind that floods is thinned out, and what fell out counted. */
void vexfs_event_raise(enum vexfs_event_kind kind, u64 a, u64 b, const char *subject);

/**
 * vexfs_event_read() - the next events after a cursor
 * @cursor: 0 for the oldest there is; moved behind what was read
 * @ev: where they go
 * @max: room at @ev
 * @lost: events that were overwritten before this cursor came to them
 *
 * Return: how many were written to @ev.
 */
unsigned int vexfs_event_read(u64 *cursor, struct vexfs_event *ev, unsigned int max, u64 *lost);

/* The cursor behind the newest event. */
u64 vexfs_event_now(void);

/*
 * A sink hears every event from now on, in a worker, one after the other;
 * @lost counts what it missed before this one. One sink; NULL takes it away
 * and waits until it is not running.
 */
typedef void (*vexfs_event_sink)(const struct vexfs_event *ev, u64 lost);
void vexfs_event_set_sink(vexfs_event_sink sink);

#define VEXFS_EVENT_COUNTERS(X)								\
	X(raised, "events", COUNTER, "events raised")					\
	X(thinned, "events", COUNTER, "events that were counted and not kept, for their kind flooded") \
	X(overwritten, "events", COUNTER, "events that have left the ring")

struct vexfs_event_stats {
#define X(field, unit, kind, doc) u64 field;
	VEXFS_EVENT_COUNTERS(X)
#undef X
};

void vexfs_event_stats(struct vexfs_event_stats *st);
u64 vexfs_event_count(enum vexfs_event_kind kind);	/* raised, thinned ones included */
const char *vexfs_event_name(enum vexfs_event_kind kind);
const char *vexfs_event_doc(enum vexfs_event_kind kind);

struct seq_file;
void vexfs_event_show(struct seq_file *m);

int vexfs_event_init(void);
void vexfs_event_exit(void);

#endif
