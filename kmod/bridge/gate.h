/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate of a collection limits how many ops run in it at a time, orders those that wait, and
 * lets several of them share one run.
 *
 * While there are free slots and no op waits, an op starts at once in its caller's context; this
 * costs one atomic operation. Otherwise it waits, and the scheduler (sched.h) decides the order.
 * There are VEXFS_GATE_SLOTS slots per processor. A long op takes all slots of the processors
 * that it uses. A short op takes a single slot: to sleep and to be woken would cost it more than
 * a shorter wait could gain. An op of high priority need not wait until ops of lower priority
 * end: one additional slot of each lane is reserved for high priority.
 *
 * Large requests have a lane of their own, so that single queries do not queue behind them.
 *
 * Shared runs: an op that gets a slot becomes the leader. It takes along waiting ops that fit,
 * runs their work with its own, and wakes them with their results. While slots are free, no op
 * waits in order to share. Under load, when the last run was shared, a leader waits for the
 * members of that run to submit again, for bridge_batch_timeout_us at most. A shared run that
 * fails has answered no member, and each member then runs alone. Thus a leader that is killed
 * or runs out of memory costs the others a second run, not an error. An op that was taken
 * along waits for the end of that run and ignores signals, since the leader writes to its
 * memory. The leader's @room bounds the size of a run. Memory and processor time of a run are
 * charged to the leader's task.
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

#define VEXFS_GATE_SLOTS	16u	/* per processor */

enum vexfs_lane {
	VEXFS_LANE_FEW,		/* one query or a few */
	VEXFS_LANE_MANY,	/* large requests */
	VEXFS_LANES
};

/**
 * struct vexfs_share - methods to run ops, alone or together
 * @fits: true when @b may be answered in the run of @a. Called under a spinlock
 * @run: runs the ops of the list, which links struct vexfs_pass by @node. The first one belongs
 *	to the caller. Returns 0 when each op has been answered, with its own @err; any other
 *	value means that none was answered
 */
struct vexfs_share {
	bool (*fits)(const struct vexfs_pass *a, const struct vexfs_pass *b);
	int (*run)(struct list_head *members);
};

enum vexfs_pass_state {
	VEXFS_PASS_WAITING,
	VEXFS_PASS_GRANTED,	/* has its slots */
	VEXFS_PASS_TAKEN,	/* a leader runs it */
	VEXFS_PASS_DONE,	/* the leader has answered it */
	VEXFS_PASS_AGAIN,	/* the shared run failed: it must run alone */
	VEXFS_PASS_CANCELLED,
};

/**
 * struct vexfs_pass - an op at the gate; memory of its task, for the time of vexfs_gate_run()
 * @op: priority and deadline
 * @share: methods to run it
 * @lane: enum vexfs_lane
 * @want: slots that it takes as a leader; limited to the number of slots that exist
 * @items: number of queries, which is its cost
 * @room: maximum number of items of a run that it leads, its own included
 * @nonblock: return -EAGAIN instead of waiting
 * @node: in the list of a run, or in the lane's list of ops that may be taken along
 * @err: result, set by @run
 *
 * The caller sets the members above; the gate owns those below.
 *
 * @gate: the gate at which the op is
 * @urgent: it, or an op that it takes along, has high priority
 * @beside: if not, what it is to those that have
 * @ticket: its place in the queue
 * @task: the task that waits
 * @state: enum vexfs_pass_state
 * @alone: a shared run that it took part in has failed
 * @asked_ns: when it began to wait
 * @begun_ns: when it was granted or taken along
 * @taken: slots that it holds; @run must not use more processors than these cover. 0 when it
 *	holds the additional slot for high priority; @run is not limited then
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
 * @urgent: of the gate; for ops that hold no slot (direct.h)
 * @uid: the user that it counts for
 * @lane: its scheduler client in each lane; joined when it has to wait for the first time
 */
struct vexfs_gate_client {
	struct vexfs_gate *gate;
	struct vexfs_urgent *urgent;
	kuid_t uid;
	struct vexfs_sched_client lane[VEXFS_LANES];
};

/*
 * The user that the caller counts for: its own uid. In a user namespace it is the owner of the
 * outermost one, so that uids mapped into it get no additional shares.
 */
kuid_t vexfs_bridge_user(void);

/* Attaches @client, which is zeroed, to the gate of collection @serial. 0 or -ENOMEM. */
int vexfs_gate_open(struct vexfs_gate_client *client, u64 serial);
/* Detaches @client; none of its ops may be at the gate. A zeroed client is allowed. */
void vexfs_gate_close(struct vexfs_gate_client *client);

/*
 * Runs an op when it gets a slot, or in the run of another op. Returns the result of @run, or an
 * error when nothing has run: -EAGAIN when a nonblocking op would wait, -EINTR, -ETIME when its
 * deadline passed, -EBUSY when the limit of waiting ops is reached, -ECANCELED, -ENOMEM.
 */
int vexfs_gate_run(struct vexfs_gate_client *client, struct vexfs_pass *p);

/*
 * Called by @run, for the op that leads it, between pieces of its work. False: go on. True: it
 * has slept for a moment because ops of high priority run and this one has none (urgent.h); ask
 * again, unless there is a reason to give up. May be called from threads that help.
 */
bool vexfs_gate_give_way(struct vexfs_pass *p);

/* ---- all gates ---- */

/* Grants no slot until vexfs_gates_open(). Returns false when the gates were closed already. */
bool vexfs_gates_close(void);
/* Number of processors in use, additional slots included. 0 when nothing runs. */
u32 vexfs_gates_busy(void);
/* Grants slots again. With @forget, measurements of earlier runs are cleared. */
void vexfs_gates_open(bool forget);
/* Ends waiting ops with -ECANCELED; returns their number. */
u32 vexfs_gates_cancel(void);

#endif
