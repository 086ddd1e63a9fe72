/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events: rare things that an operator wants to know of, in a bounded ring.
 * Raising one never sleeps and never waits for a reader; whoever reads too late
 * is told how many were lost.
 */
#ifndef _VEXFS_STAT_EVENT_H
#define _VEXFS_STAT_EVENT_H

#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/uidgid.h>

/* Names, and the meanings of @a and @b, are in event.c. */
enum vexfs_event_kind {
	VEXFS_EVENT_STACK,
	VEXFS_EVENT_EXHAUSTED,
	VEXFS_EVENT_RESIZED,
	VEXFS_EVENT_SLOW,
	VEXFS_EVENT_VARIANT,
	VEXFS_EVENT_VARIANT_BAD,
	VEXFS_EVENT_TUNED,
	VEXFS_EVENT_CREATED,
	VEXFS_EVENT_DROPPED,
	VEXFS_EVENT_READONLY,
	VEXFS_EVENT_WRITABLE,
	VEXFS_EVENT_KINDS
};

#define VEXFS_EVENT_RING	512u	/* power of two */
#define VEXFS_EVENT_SUBJECT	64u

/**
 * struct vexfs_event - one event
 * @seq: its number, from 0 on since load, without gaps
 * @time_ns: when, on the monotonic clock
 * @a: see vexfs_event_a()
 * @b: see vexfs_event_b()
 * @kind: enum vexfs_event_kind
 * @pid: of the task that ran
 * @owner: who may be told besides those who may look at everything: the owner of the
 *	collection that it is about; INVALID_UID for nobody
 * @subject: which op, tier, variant, tunable or collection
 */
struct vexfs_event {
	u64 seq;
	u64 time_ns;
	u64 a;
	u64 b;
	u32 kind;
	s32 pid;
	kuid_t owner;
	char subject[VEXFS_EVENT_SUBJECT];
};

/* In any context except NMI. Above the limit of events per second a kind is only counted. */
void vexfs_event_raise(enum vexfs_event_kind kind, u64 a, u64 b, const char *subject);
/* An event about something that belongs to a user. */
void vexfs_event_raise_for(kuid_t owner, enum vexfs_event_kind kind, u64 a, u64 b,
			   const char *subject);

/**
 * vexfs_event_read() - the next events after a cursor
 * @cursor: 0 for the oldest there is; moved behind what was read
 * @ev: room for events
 * @max: number of events that fit @ev
 * @lost: events that were overwritten before this cursor came to them
 *
 * Return: how many were written to @ev.
 */
unsigned int vexfs_event_read(u64 *cursor, struct vexfs_event *ev, unsigned int max, u64 *lost);

/* The cursor after the newest event. */
u64 vexfs_event_now(void);

/*
 * A listener hears every event from now on, in a worker, one after the other: the action
 * is how many it missed before this one, the data the event. May sleep; whoever ignores
 * is not called any more when that returns. Neither may be called by a listener.
 */
void vexfs_event_listen(struct notifier_block *nb);
void vexfs_event_ignore(struct notifier_block *nb);

/* subjects.c explains each. */
struct vexfs_event_stats {
	u64 raised;
	u64 thinned;
	u64 overwritten;
};

void vexfs_event_stats(struct vexfs_event_stats *st);
u64 vexfs_event_count(enum vexfs_event_kind kind);	/* raised, including those that were only counted */
const char *vexfs_event_name(enum vexfs_event_kind kind);
const char *vexfs_event_doc(enum vexfs_event_kind kind);
#define VEXFS_EVENT_WHERE	160u
/*
 * An address of code does not leave the kernel: @b is 0 for whoever is told, and who may
 * look at everything gets the symbol. False when there is none to tell.
 */
static inline u64 vexfs_event_told_b(const struct vexfs_event *ev)
{
	return ev->kind == VEXFS_EVENT_STACK ? 0 : ev->b;
}

bool vexfs_event_where(const struct vexfs_event *ev, char where[VEXFS_EVENT_WHERE]);
/* Meanings of the two numbers of an event. */
const char *vexfs_event_a(enum vexfs_event_kind kind);
const char *vexfs_event_b(enum vexfs_event_kind kind);

#endif
