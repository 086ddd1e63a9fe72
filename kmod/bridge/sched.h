/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scheduler of tickets: it decides which of the waiting ops comes next. It does not know what
 * they wait for, has no threads, no locks and no memory of its own, and never sleeps.
 *
 * A ticket stands for one op. It has a priority, a cost and an optional deadline. It belongs to
 * a client (an open descriptor), and the client to a user. The order is decided top down:
 *
 *  - the three priorities share by weight (4:2:1 by default), measured in cost, so that low
 *    priority keeps its share whatever the number of tickets of high priority;
 *  - within a priority, users have equal shares, however many descriptors they open;
 *  - the clients of a user have equal shares;
 *  - within a client, the ticket that is due first comes first. A ticket with a deadline is due
 *    then; one without is due @patience_ns after it was queued, so that tickets with deadlines
 *    cannot overtake it for ever. Without deadlines the order is first in, first out.
 *
 * The owner chooses the unit of cost (queries, for example). A ticket is charged when it is
 * picked or taken, and not when it expired or was removed.
 *
 * How to use it:
 *
 *	vexfs_sched_init(&s, &limits, patience_ns);
 *	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
 *	lock; spare = vexfs_sched_join(&s, &client, kuid, user); unlock; kfree(spare);
 *	lock; err = vexfs_sched_add(&s, &ticket, &client, priority, cost, deadline); unlock;
 *	lock; while ((t = vexfs_sched_late(&s, ktime_get_ns()))) ...; unlock;
 *	lock; t = vexfs_sched_pick(&s); unlock;
 *	lock; vexfs_sched_remove(&s, &ticket); unlock;			(cancel)
 *	lock; user = vexfs_sched_leave(&s, &client); unlock; kfree(user);
 *
 * All calls for one scheduler are serialised by its owner; a spinlock will do.
 */
#ifndef _VEXFS_BRIDGE_SCHED_H
#define _VEXFS_BRIDGE_SCHED_H

#include <linux/list.h>
#include <linux/uidgid.h>
#include <linux/vexfs.h>

#include "bridge/fair.h"

/* enum vexfs_priority is the index: medium, high, low. */
#define VEXFS_PRIORITIES	(VEXFS_PRIORITY_LOW + 1)

/**
 * struct vexfs_sched_limits - maximum number of queued tickets; 0 for unlimited
 * @client: limit of a client
 * @user: limit of a user
 * @total: limit of the scheduler
 */
struct vexfs_sched_limits {
	u32 client;
	u32 user;
	u32 total;
};

/**
 * struct vexfs_sched - a scheduler
 * @root: shares of the priorities
 * @level: shares of the users within each priority
 * @users: users with clients
 * @late: tickets with deadlines, by deadline
 * @limits: limits of queued tickets; may be changed at any time
 * @patience_ns: see above; may be changed at any time
 * @numbers: next ticket number; keeps tickets with the same due time in order
 * @queued: number of tickets by priority
 */
struct vexfs_sched {
	struct vexfs_fair root;
	struct vexfs_fair level[VEXFS_PRIORITIES];
	struct list_head users;
	struct rb_root_cached late;
	struct vexfs_sched_limits limits;
	u64 patience_ns;
	u64 numbers;
	u32 queued[VEXFS_PRIORITIES];
};

/**
 * struct vexfs_sched_user - a user of one scheduler
 * @node: in the scheduler's list of users
 * @uid: the user
 * @clients: number of its clients
 * @queued: number of tickets of all its clients
 * @fair: its share within each priority
 */
struct vexfs_sched_user {
	struct list_head node;
	kuid_t uid;
	u32 clients;
	u32 queued;
	struct vexfs_fair fair[VEXFS_PRIORITIES];
};

/**
 * struct vexfs_sched_client - a client of one scheduler
 * @user: its user; NULL before vexfs_sched_join()
 * @queued: number of its tickets
 * @fair: its share within each priority
 * @tickets: its tickets of each priority, ordered by due time
 */
struct vexfs_sched_client {
	struct vexfs_sched_user *user;
	u32 queued;
	struct vexfs_fair fair[VEXFS_PRIORITIES];
	struct rb_root_cached tickets[VEXFS_PRIORITIES];
};

/**
 * struct vexfs_ticket - one waiting op, embedded in the owner's structure
 * @node: in its client's tree of tickets
 * @late: in the scheduler's tree of deadlines
 * @client: its client; NULL while it is not queued
 * @deadline_ns: on the clock of ktime_get_ns(); 0 for none
 * @due_ns: time at which the op is due
 * @number: in the order of arrival
 * @cost: amount that will be charged
 * @priority: enum vexfs_priority
 */
struct vexfs_ticket {
	struct rb_node node;
	struct rb_node late;
	struct vexfs_sched_client *client;
	u64 deadline_ns;
	u64 due_ns;
	u64 number;
	u32 cost;
	u8 priority;
};

void vexfs_sched_init(struct vexfs_sched *s, const struct vexfs_sched_limits *limits,
		      u64 patience_ns);
/* Sets the weight of a priority, 1 to VEXFS_FAIR_WEIGHT_MAX, from the next charge on. */
void vexfs_sched_weigh(struct vexfs_sched *s, u32 priority, u32 weight);

/*
 * Adds a client of @uid. @spare is uninitialised memory for a user. It is returned when @uid was
 * known already; NULL is returned when it is in use now.
 */
struct vexfs_sched_user *vexfs_sched_join(struct vexfs_sched *s, struct vexfs_sched_client *client,
					  kuid_t uid, struct vexfs_sched_user *spare);
/* Removes a client without tickets. Returns the memory of its user if it was the last client. */
struct vexfs_sched_user *vexfs_sched_leave(struct vexfs_sched *s,
					   struct vexfs_sched_client *client);

/* Initialises a ticket that is not queued. */
static inline void vexfs_ticket_init(struct vexfs_ticket *t)
{
	t->client = NULL;
}

static inline bool vexfs_ticket_queued(const struct vexfs_ticket *t)
{
	return t->client;
}

/* Queues a ticket; -EBUSY when a limit is reached. A @cost of 0 counts as 1. */
int vexfs_sched_add(struct vexfs_sched *s, struct vexfs_ticket *t,
		    struct vexfs_sched_client *client, u32 priority, u32 cost, u64 deadline_ns);

/* Queues a ticket again at the place it had before, whatever the limits. */
void vexfs_sched_return(struct vexfs_sched *s, struct vexfs_ticket *t,
			struct vexfs_sched_client *client);

/* The next ticket, which stays queued. NULL when there is none. */
struct vexfs_ticket *vexfs_sched_peek(const struct vexfs_sched *s);
/* The next ticket of this priority, which stays queued. */
struct vexfs_ticket *vexfs_sched_peek_at(const struct vexfs_sched *s, u32 priority);
/* Removes a ticket and charges its client. */
void vexfs_sched_take(struct vexfs_sched *s, struct vexfs_ticket *t);
/* Takes the next ticket: vexfs_sched_peek() and vexfs_sched_take(). */
struct vexfs_ticket *vexfs_sched_pick(struct vexfs_sched *s);
/* Removes a ticket without charging for it. */
void vexfs_sched_remove(struct vexfs_sched *s, struct vexfs_ticket *t);
/* Charges for work that cost more than its ticket said, or that had no ticket. */
void vexfs_sched_charge(struct vexfs_sched_client *client, u32 priority, u32 cost);

/* Removes and returns a ticket whose deadline has passed at @now_ns; NULL when there is none. */
struct vexfs_ticket *vexfs_sched_late(struct vexfs_sched *s, u64 now_ns);
/* The next deadline; 0 when there is none. */
u64 vexfs_sched_next_deadline(const struct vexfs_sched *s);

/*
 * Any ticket of a client, or of all clients with NULL, or NULL when there is none. For callers
 * that remove all tickets.
 */
struct vexfs_ticket *vexfs_sched_any(const struct vexfs_sched *s,
				     const struct vexfs_sched_client *client);

static inline u32 vexfs_sched_queued(const struct vexfs_sched *s)
{
	return s->queued[VEXFS_PRIORITY_MEDIUM] + s->queued[VEXFS_PRIORITY_HIGH] +
	       s->queued[VEXFS_PRIORITY_LOW];
}

#endif
