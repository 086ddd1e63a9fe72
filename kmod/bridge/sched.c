// SPDX-License-Identifier: GPL-2.0
/*
 * The order of tickets.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/ktime.h>

#include "bridge/sched.h"
#include "compat/compat.h"

static const u32 default_weights[VEXFS_PRIORITIES] = {
	[VEXFS_PRIORITY_HIGH] = 4,
	[VEXFS_PRIORITY_MEDIUM] = 2,
	[VEXFS_PRIORITY_LOW] = 1,
};

void vexfs_sched_init(struct vexfs_sched *s, const struct vexfs_sched_limits *limits,
		      u64 patience_ns)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	vexfs_fair_init(&s->root, NULL, 1);
	for (i = 0; i < VEXFS_PRIORITIES; i++)
		vexfs_fair_init(&s->level[i], &s->root, default_weights[i]);
	INIT_LIST_HEAD(&s->users);
	s->late = RB_ROOT_CACHED;
	s->limits = *limits;
	s->patience_ns = patience_ns;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_init);

void vexfs_sched_weigh(struct vexfs_sched *s, u32 priority, u32 weight)
{
	s->level[priority].weight = clamp(weight, 1u, VEXFS_FAIR_WEIGHT_MAX);
}
VEXFS_EXPORT_KUNIT(vexfs_sched_weigh);

/* ---- users and clients ---- */

struct vexfs_sched_user *vexfs_sched_join(struct vexfs_sched *s, struct vexfs_sched_client *client,
					  kuid_t uid, struct vexfs_sched_user *spare)
{
	struct vexfs_sched_user *u;
	u32 i;

	list_for_each_entry(u, &s->users, node)
		if (uid_eq(u->uid, uid))
			goto found;
	u = spare;
	spare = NULL;
	u->uid = uid;
	u->clients = 0;
	u->queued = 0;
	for (i = 0; i < VEXFS_PRIORITIES; i++)
		vexfs_fair_init(&u->fair[i], &s->level[i], 1);
	list_add(&u->node, &s->users);
found:
	u->clients++;
	client->user = u;
	client->queued = 0;
	for (i = 0; i < VEXFS_PRIORITIES; i++) {
		vexfs_fair_init(&client->fair[i], &u->fair[i], 1);
		client->tickets[i] = RB_ROOT_CACHED;
	}
	return spare;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_join);

struct vexfs_sched_user *vexfs_sched_leave(struct vexfs_sched *s, struct vexfs_sched_client *client)
{
	struct vexfs_sched_user *u = client->user;

	if (!u)
		return NULL;
	client->user = NULL;
	if (--u->clients)
		return NULL;
	list_del(&u->node);
	return u;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_leave);

/* ---- tickets ---- */

static struct vexfs_ticket *ticket_of(const struct rb_node *node)
{
	return rb_entry_safe(node, struct vexfs_ticket, node);
}

static bool due_before(struct rb_node *a, const struct rb_node *b)
{
	const struct vexfs_ticket *x = ticket_of(a), *y = ticket_of(b);

	return x->due_ns < y->due_ns || (x->due_ns == y->due_ns && x->number < y->number);
}

static bool late_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vexfs_ticket, late)->deadline_ns <
	       rb_entry(b, struct vexfs_ticket, late)->deadline_ns;
}

/* True when one more ticket would exceed the limit. */
static bool full(u32 queued, u32 limit)
{
	return limit && queued >= limit;
}

int vexfs_sched_add(struct vexfs_sched *s, struct vexfs_ticket *t,
		    struct vexfs_sched_client *client, u32 priority, u32 cost, u64 deadline_ns)
{
	u64 now = ktime_get_ns();

	if (full(client->queued, s->limits.client) || full(client->user->queued, s->limits.user) ||
	    full(vexfs_sched_queued(s), s->limits.total))
		return -EBUSY;
	t->deadline_ns = deadline_ns;
	t->due_ns = deadline_ns ?: now + s->patience_ns;
	t->number = s->numbers++;
	t->cost = max(cost, 1u);
	t->priority = priority;
	vexfs_sched_return(s, t, client);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_add);

void vexfs_sched_return(struct vexfs_sched *s, struct vexfs_ticket *t,
			struct vexfs_sched_client *client)
{
	t->client = client;
	rb_add_cached(&t->node, &client->tickets[t->priority], due_before);
	if (t->deadline_ns)
		rb_add_cached(&t->late, &s->late, late_before);
	vexfs_fair_start(&client->fair[t->priority]);
	client->queued++;
	client->user->queued++;
	s->queued[t->priority]++;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_return);

void vexfs_sched_remove(struct vexfs_sched *s, struct vexfs_ticket *t)
{
	struct vexfs_sched_client *client = t->client;
	struct rb_root_cached *tickets = &client->tickets[t->priority];

	rb_erase_cached(&t->node, tickets);
	if (t->deadline_ns)
		rb_erase_cached(&t->late, &s->late);
	if (RB_EMPTY_ROOT(&tickets->rb_root))
		vexfs_fair_stop(&client->fair[t->priority]);
	client->queued--;
	client->user->queued--;
	s->queued[t->priority]--;
	t->client = NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_remove);

void vexfs_sched_charge(struct vexfs_sched_client *client, u32 priority, u32 cost)
{
	vexfs_fair_charge(&client->fair[priority], cost);
}
VEXFS_EXPORT_KUNIT(vexfs_sched_charge);

struct vexfs_ticket *vexfs_sched_peek_at(const struct vexfs_sched *s, u32 priority)
{
	struct vexfs_fair *user = vexfs_fair_next(&s->level[priority]), *leaf;

	if (!user)
		return NULL;
	leaf = vexfs_fair_next(user);
	return ticket_of(rb_first_cached(&container_of(leaf, struct vexfs_sched_client,
						       fair[priority])->tickets[priority]));
}
VEXFS_EXPORT_KUNIT(vexfs_sched_peek_at);

struct vexfs_ticket *vexfs_sched_peek(const struct vexfs_sched *s)
{
	struct vexfs_fair *level = vexfs_fair_next(&s->root);

	return level ? vexfs_sched_peek_at(s, level - s->level) : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_peek);

void vexfs_sched_take(struct vexfs_sched *s, struct vexfs_ticket *t)
{
	vexfs_sched_charge(t->client, t->priority, t->cost);
	vexfs_sched_remove(s, t);
}
VEXFS_EXPORT_KUNIT(vexfs_sched_take);

struct vexfs_ticket *vexfs_sched_pick(struct vexfs_sched *s)
{
	struct vexfs_ticket *t = vexfs_sched_peek(s);

	if (t)
		vexfs_sched_take(s, t);
	return t;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_pick);

/* ---- deadlines ---- */

u64 vexfs_sched_next_deadline(const struct vexfs_sched *s)
{
	struct rb_node *first = rb_first_cached(&s->late);

	return first ? rb_entry(first, struct vexfs_ticket, late)->deadline_ns : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_next_deadline);

struct vexfs_ticket *vexfs_sched_late(struct vexfs_sched *s, u64 now_ns)
{
	struct rb_node *first = rb_first_cached(&s->late);
	struct vexfs_ticket *t;

	if (!first)
		return NULL;
	t = rb_entry(first, struct vexfs_ticket, late);
	if (t->deadline_ns > now_ns)
		return NULL;
	vexfs_sched_remove(s, t);
	return t;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_late);

struct vexfs_ticket *vexfs_sched_any(const struct vexfs_sched *s,
				     const struct vexfs_sched_client *client)
{
	u32 i;

	if (!client)
		return vexfs_sched_peek(s);
	for (i = 0; i < VEXFS_PRIORITIES; i++)
		if (!RB_EMPTY_ROOT(&client->tickets[i].rb_root))
			return ticket_of(rb_first_cached(&client->tickets[i]));
	return NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_sched_any);
