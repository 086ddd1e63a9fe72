/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Giving way: while ops of high priority run in a collection, only as many runs of lower
 * priority go on there as there are processors left.
 *
 * A slot alone does not help an op of high priority: the processors are busy with other runs, and
 * the system's scheduler treats all of them alike. So a run of lower priority asks between two
 * pieces of its work whether it may go on, and pauses if not. It is not shut out where high
 * priority takes all processors: time is divided into turns, as many for high priority as its
 * weight says, and then as many for one of the others as its weight says.
 *
 * Callers of high priority often come again at once. The others wait for that for as long as
 * the last op of high priority took, for VEXFS_URGENT_REST_NS at most.
 */
#ifndef _VEXFS_BRIDGE_URGENT_H
#define _VEXFS_BRIDGE_URGENT_H

#include <linux/compiler.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * One turn of weight 1. Short, so that a turn of the others does not fall on the whole of an op of
 * high priority, and not shorter than a few chunks of rows, between which they ask.
 */
#define VEXFS_URGENT_TURN_NS	125000u

/* For so long at most the others wait for the next op of high priority. */
#define VEXFS_URGENT_REST_NS	500000u

/* One step of a pause: between two of them a run looks for reasons to give up. */
#define VEXFS_URGENT_PAUSE_US	500u
/* A pause until a turn begins may be longer by this. */
#define VEXFS_URGENT_SLACK_US	10u

/**
 * struct vexfs_urgent - runs of high priority in a collection, and those that go on beside them
 * @lock: of what follows; @any is read without it, by runs that ask again soon
 * @any: there are some, or were a moment ago
 * @running: how many are under way
 * @cpus: processors that these use
 * @last: processors that the last one used
 * @others: processors that runs of lower priority use which were admitted
 * @from_ns: when the turns began: with the first of them after a rest
 * @until_ns: until when others still give way after the last of them
 */
struct vexfs_urgent {
	spinlock_t lock;
	bool any;
	u32 running;
	u32 cpus;
	u32 last;
	u32 others;
	u64 from_ns;
	u64 until_ns;
};

/**
 * struct vexfs_urgent_run - a run of lower priority
 * @cpus: processors that it uses, 1 or more
 * @weight: weight of the run's priority
 * @admitted: it is among @others; under the lock
 */
struct vexfs_urgent_run {
	u32 cpus;
	u32 weight;
	bool admitted;
};

void vexfs_urgent_init(struct vexfs_urgent *u);

/* A run of high priority begins, on @cpus processors. */
void vexfs_urgent_begin(struct vexfs_urgent *u, u32 cpus, u64 now_ns);
/* It ends; @begun_ns is when it began. */
void vexfs_urgent_end(struct vexfs_urgent *u, u32 cpus, u64 begun_ns, u64 now_ns);

/*
 * May a run of lower priority go on? @cpus: processors that there are; @high: the weight of
 * high priority. Threads of one run may ask at the same time.
 */
bool vexfs_urgent_admit(struct vexfs_urgent *u, struct vexfs_urgent_run *r, u32 cpus, u32 high,
			u64 now_ns);
/* Time until the next turn of a run of weight @own begins. */
u64 vexfs_urgent_turn_in(struct vexfs_urgent *u, u32 high, u32 own, u64 now_ns);
/* It has ended. */
void vexfs_urgent_leave(struct vexfs_urgent *u, struct vexfs_urgent_run *r);

/* False: a run need not ask. */
static inline bool vexfs_urgent_any(const struct vexfs_urgent *u)
{
	return READ_ONCE(u->any);
}

#endif
