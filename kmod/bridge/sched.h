/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scheduler of tickets: who of those that wait comes next. It knows nothing of what they
 * wait for, has no threads, no locks and no memory of its own, and never sleeps.
 *
 * A ticket stands for one op. It has a priority, a cost, a deadline or none, and belongs to
 * a client (an open descriptor), which belongs to a user. The order is decided from the top:
 *
 *  - among the three priorities by weight (4:2:1 unless it was changed), measured in cost, so
 *    that a low one gets its share under any flood of high ones;
 *  - at one priority among users, equally, however many descriptors one has;
 *  - among the clients of a user, equally;
 *  - of one client the ticket that is due first. One with a deadline is due then; one without
 *    is due @patience_ns after it was queued, so that it is not passed for ever by others that
 *    have deadlines. Without deadlines that is first in, first out.
 *
 * Cost is in units of the owner's choice (queries, say); it is charged when a ticket is
 * picked or taken along, and a ticket that was late or removed is not charged.
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
 * struct vexfs_sched_limits - how much may be queued; 0 for as much as one likes
 * @client: tickets of a client
 * @user: of a user
 * @total: of all
 */
struct vexfs_sched_limits {
	u32 client;
	u32 user;
	u32 total;
};

/**
 * struct vexfs_sched - tickets that wait
 * @root: shares of the priorities
 * @level: shares of users at each priority
 * @users: those that have clients here
 * @late: tickets with deadlines, by deadline
 * @limits: what may be queued; may be changed
 * @patience_ns: see above; may be changed
 * @numbers: of tickets, so that equal ones stay in order
 * @queued: tickets by priority
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
 * struct vexfs_sched_user - a user at one scheduler
 * @node: among its users
 * @uid: who
 * @clients: how many belong to it
 * @queued: tickets of all of them
 * @fair: its share at each priority
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
 * @user: whose; NULL while it has not joined
 * @queued: its tickets
 * @fair: its share at each priority
 * @tickets: its tickets at each priority, the one that is due first in front
 */
struct vexfs_sched_client {
	struct vexfs_sched_user *user;
	u32 queued;
	struct vexfs_fair fair[VEXFS_PRIORITIES];
	struct rb_root_cached tickets[VEXFS_PRIORITIES];
};

/**
 * struct vexfs_ticket - one op that waits, embedded in what its owner knows of the op
 * @node: among its client's
 * @late: among those with deadlines
 * @client: whose; NULL while it is not queued
 * @deadline_ns: on the clock of ktime_get_ns(); 0 for none
 * @due_ns: when it is due
 * @number: in the order of arrival
 * @cost: what it will be charged
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
/* Weight of a priority, 1 to VEXFS_FAIR_WEIGHT_MAX, from the next charge on. */
void vexfs_sched_weigh(struct vexfs_sched *s, u32 priority, u32 weight);

/*
 * A client of @uid comes. @spare is memory for a user, of which nothing need be set; it is
 * returned when @uid was there already, and NULL when it is in use.
 */
struct vexfs_sched_user *vexfs_sched_join(struct vexfs_sched *s, struct vexfs_sched_client *client,
					  kuid_t uid, struct vexfs_sched_user *spare);
/* It goes, without tickets. Returns memory of a user for which it was the last, or NULL. */
struct vexfs_sched_user *vexfs_sched_leave(struct vexfs_sched *s,
					   struct vexfs_sched_client *client);

/* Not queued. */
static inline void vexfs_ticket_init(struct vexfs_ticket *t)
{
	t->client = NULL;
}

static inline bool vexfs_ticket_queued(const struct vexfs_ticket *t)
{
	return t->client;
}

/* -EBUSY when it would be more than a limit. A @cost of 0 counts as 1. */
int vexfs_sched_add(struct vexfs_sched *s, struct vexfs_ticket *t,
		    struct vexfs_sched_client *client, u32 priority, u32 cost, u64 deadline_ns);

/* One that was queued before comes back to the place it had, whatever the limits. */
void vexfs_sched_return(struct vexfs_sched *s, struct vexfs_ticket *t,
			struct vexfs_sched_client *client);

/* The ticket that comes next; it stays queued. NULL when there is none. */
struct vexfs_ticket *vexfs_sched_peek(const struct vexfs_sched *s);
/* The next one of those at this priority. */
struct vexfs_ticket *vexfs_sched_peek_at(const struct vexfs_sched *s, u32 priority);
/* Queued no more, and its client is charged for it. */
void vexfs_sched_take(struct vexfs_sched *s, struct vexfs_ticket *t);
/* Both: the next one, no more queued. */
struct vexfs_ticket *vexfs_sched_pick(struct vexfs_sched *s);
/* Queued no more, and not charged. */
void vexfs_sched_remove(struct vexfs_sched *s, struct vexfs_ticket *t);
/* Work that turned out to cost more, or that was done without a ticket. */
void vexfs_sched_charge(struct vexfs_sched_client *client, u32 priority, u32 cost);

/* A ticket whose deadline has passed at @now_ns, removed; NULL when there is none left. */
struct vexfs_ticket *vexfs_sched_late(struct vexfs_sched *s, u64 now_ns);
/* When the next deadline passes; 0 for never. */
u64 vexfs_sched_next_deadline(const struct vexfs_sched *s);

/* Any ticket of a client, or of all with NULL, for those that remove them all; or NULL. */
struct vexfs_ticket *vexfs_sched_any(const struct vexfs_sched *s,
				     const struct vexfs_sched_client *client);

static inline u32 vexfs_sched_queued(const struct vexfs_sched *s)
{
	return s->queued[VEXFS_PRIORITY_MEDIUM] + s->queued[VEXFS_PRIORITY_HIGH] +
	       s->queued[VEXFS_PRIORITY_LOW];
}

#endif
