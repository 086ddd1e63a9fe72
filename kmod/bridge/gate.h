/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate of a collection: how many ops run in it at a time, who comes next when there are
 * more, and who shares a run with others.
 *
 * An op passes at once, in its caller's own context and for the price of an atomic, as long as
 * there are slots for it and nobody waits. Else it waits, and the scheduler says who comes next
 * (sched.h). There are VEXFS_GATE_SLOTS slots for each processor. An op that is long takes all
 * slots of the processors that it uses; a short one takes a single slot, since sleeping and
 * being woken would cost it more than it could gain. One that asks for a high priority does not
 * wait for those of lower ones to end: it has a slot beyond the others.
 *
 * Large requests have a lane of their own, so that single queries do not stand behind them.
 *
 * Sharing: whoever gets a slot becomes the leader of those that wait and that fit, runs their
 * work with its own, and wakes them with their results. Nobody waits for company while there is
 * a slot; only under load, when the last run was shared, does a leader wait for those that will
 * soon be back, for bridge_batch_timeout_us at most. A shared run that fails has answered
 * nobody: each of those that took part runs by itself then. So a leader that gets a signal, or
 * no memory, costs others a run and no error. Once it has been taken along, an op waits for the
 * end of that run whatever signals it gets: the leader writes to its memory. A run is bounded by
 * what the leader has room for. The leader pays for all: memory and processor time of the
 * run are those of its task.
 */
#ifndef _VEXFS_BRIDGE_GATE_H
#define _VEXFS_BRIDGE_GATE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "bridge/sched.h"
#include "bridge/urgent.h"

struct task_struct;
struct vexfs_gate;
struct vexfs_op;
struct vexfs_pass;

#define VEXFS_GATE_SLOTS	16u	/* of a processor */

enum vexfs_lane {
	VEXFS_LANE_FEW,		/* single queries, and a few */
	VEXFS_LANE_MANY,	/* large requests */
	VEXFS_LANES
};

/**
 * struct vexfs_share - how ops run, alone or together
 * @fits: may @b be answered in the run of @a? Called under a spinlock
 * @run: runs the ops of the list, whose members are struct vexfs_pass at @node; the first is
 *	the caller's own. 0: each has been answered, with its own @err; else none has
 */
struct vexfs_share {
	bool (*fits)(const struct vexfs_pass *a, const struct vexfs_pass *b);
	int (*run)(struct list_head *members);
};

enum vexfs_pass_state {
	VEXFS_PASS_WAITING,
	VEXFS_PASS_GRANTED,	/* has its slots */
	VEXFS_PASS_TAKEN,	/* a leader runs it */
	VEXFS_PASS_DONE,	/* and has answered it */
	VEXFS_PASS_AGAIN,	/* or has not */
	VEXFS_PASS_CANCELLED,
};

/**
 * struct vexfs_pass - an op at the gate; on the stack of its task
 * @op: priority and deadline
 * @share: how it runs
 * @lane: enum vexfs_lane
 * @want: slots that it takes when it leads; more than there are count as all
 * @items: queries that it carries, which is its cost
 * @room: most items of a run that it leads, its own included
 * @nonblock: -EAGAIN instead of waiting
 * @node: in the list of a run, or among those of its lane that may be taken along
 * @err: its outcome, set by @run
 *
 * What is above is set by the caller, what is below is the gate's own.
 *
 * @gate: where it is
 * @urgent: it, or an op that it takes along, has high priority
 * @beside: if not, what it is to those that have
 * @ticket: its place in the queue
 * @task: whose it is
 * @state: enum vexfs_pass_state
 * @alone: a run that it took part in has failed
 * @asked_ns: when it came, if it had to wait
 * @begun_ns: when it was granted or taken along
 * @taken: slots that it has: @run is to use no more processors than these. 0 for the one
 *	beyond the others, then it may use what it wants
 */
struct vexfs_pass {
	struct vexfs_op *op;
	const struct vexfs_share *share;
	u32 lane;
	u32 want;
	u32 items;
	u32 room;
	bool nonblock;
	struct list_head node;
	int err;

	struct vexfs_gate *gate;
	bool urgent;
	struct vexfs_urgent_run beside;
	struct vexfs_ticket ticket;
	struct task_struct *task;
	u32 state;
	bool alone;
	u64 asked_ns;
	u64 begun_ns;
	u32 taken;
};

/**
 * struct vexfs_gate_client - a descriptor at the gate of its collection
 * @gate: the gate; NULL while it has none
 * @uid: whose share it has
 * @lane: its place in each lane, from the first time on that it has to wait
 */
struct vexfs_gate_client {
	struct vexfs_gate *gate;
	kuid_t uid;
	struct vexfs_sched_client lane[VEXFS_LANES];
};

/*
 * Whose share the caller has: itself; in a user namespace whoever made the outermost one, so
 * that ids that it has been given there are no further shares.
 */
kuid_t vexfs_bridge_user(void);

/* @client, which is zeroed, goes through the gate of collection @serial from now on. -ENOMEM. */
int vexfs_gate_open(struct vexfs_gate_client *client, u64 serial);
/* No more: none of its ops is at the gate. Zeroed clients are fine. */
void vexfs_gate_close(struct vexfs_gate_client *client);

/*
 * Runs an op, when there is a slot for it or in the run of another. 0 or what @run says;
 * -EAGAIN for those that do not block; -EINTR and -ETIME, -EBUSY when more wait already than
 * may, -ENOMEM: nothing has run then.
 */
int vexfs_gate_run(struct vexfs_gate_client *client, struct vexfs_pass *p);

/*
 * Called by @run, for the op that leads it, between pieces of its work: pauses while ops of high
 * priority run and it has none (urgent.h). Returns early for a signal or when its deadline has
 * passed. May be called from threads that help; sleeps.
 */
void vexfs_gate_give_way(struct vexfs_pass *p);

/* ---- all gates ---- */

/* Nobody gets a slot until they are opened again; false when they were closed already. */
bool vexfs_gates_close(void);
/* Processors in use, or the slot beyond; 0: nothing runs. */
u32 vexfs_gates_busy(void);
/* Who waited goes on; with @forget as if there had been no load before. */
void vexfs_gates_open(bool forget);
/* Those that wait end with -ECANCELED; how many. */
u32 vexfs_gates_cancel(void);

#endif
