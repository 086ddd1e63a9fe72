// SPDX-License-Identifier: GPL-2.0
/*
 * Subscribers of events and statistics.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "control/look.h"
#include "control/netlink.h"
#include "control/nl_subscribe.h"
#include "stat/event.h"

#define SUBSCRIBERS_MAX	4096u	/* all users together ... */
#define USER_MAX	64u	/* ... and each, but for those who may look at everything */

/**
 * struct subscriber - a socket
 * @node: link in the list of subscribers
 * @net: its network namespace. The socket holds it, and the entry goes with the socket
 * @portid: netlink port of the subscriber
 * @look: what the subscriber may see
 * @uid: the user whose events it may read besides
 * @events: the subscriber wants events
 * @stats: it wants statistics
 * @lost: events dropped for lack of buffer space since the last one delivered
 */
struct subscriber {
	struct list_head node;
	struct net *net;
	u32 portid;
	enum vexfs_look look;
	kuid_t uid;
	bool events;
	bool stats;
	u64 lost;
};

/* Protects the list and its entries. Closing a socket takes it. */
static DEFINE_MUTEX(subscribers_lock);
static LIST_HEAD(subscribers);
static u32 nsubscribers;

static struct subscriber *subscriber_find(const struct net *net, u32 portid)
{
	struct subscriber *s;

	list_for_each_entry(s, &subscribers, node)
		if (s->portid == portid && s->net == net)
			return s;
	return NULL;
}

static void subscriber_forget(struct subscriber *s)
{
	list_del(&s->node);
	nsubscribers--;
	kfree(s);
}

static bool subscriber_allowed(enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s;
	u32 n = 0;

	if (look == VEXFS_LOOK_ALL)
		return true;
	list_for_each_entry(s, &subscribers, node)
		n += uid_eq(s->uid, uid);
	return n < USER_MAX && nsubscribers < SUBSCRIBERS_MAX;
}

/* The socket's entry, or a new one. */
static struct subscriber *subscriber_enter(struct genl_info *info, enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s = subscriber_find(genl_info_net(info), info->snd_portid);

	if (s)
		return s;
	if (!subscriber_allowed(look, uid)) {
		NL_SET_ERR_MSG(info->extack, "there are too many subscribers");
		return ERR_PTR(-ENOSPC);
	}
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->net = genl_info_net(info);
	s->portid = info->snd_portid;
	list_add_tail(&s->node, &subscribers);
	nsubscribers++;
	return s;
}

static int subscriber_set(struct genl_info *info, enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s = subscriber_enter(info, look, uid);

	if (IS_ERR(s))
		return PTR_ERR(s);
	s->look = look;
	s->uid = uid;
	s->events = info->attrs[VEXFS_A_SUBSCRIPTION_EVENTS];
	s->stats = info->attrs[VEXFS_A_SUBSCRIPTION_STATS];
	if (!s->events && !s->stats)
		subscriber_forget(s);
	return 0;
}

int vexfs_nl_subscribe_doit(struct sk_buff *req, struct genl_info *info)
{
	bool stats = info->attrs[VEXFS_A_SUBSCRIPTION_STATS];
	int err;

	err = vexfs_may_look(req, stats ? VEXFS_LOOK_TOTALS : VEXFS_LOOK_OWN, info->extack);
	if (err)
		return err;
	mutex_lock(&subscribers_lock);
	err = subscriber_set(info, vexfs_looks(req), vexfs_looks_as(req));
	mutex_unlock(&subscribers_lock);
	return err;
}

/* Another socket may get the same port later: the entry goes with its own socket. */
static int socket_event(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct netlink_notify *n = data;
	struct subscriber *s;

	/* Nobody subscribes a socket that is being closed, so this test needs no lock. */
	if (what != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC || list_empty(&subscribers))
		return NOTIFY_DONE;
	mutex_lock(&subscribers_lock);
	s = subscriber_find(n->net, n->portid);
	if (s)
		subscriber_forget(s);
	mutex_unlock(&subscribers_lock);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = socket_event };

static void tell_event(struct subscriber *s, const struct vexfs_event *ev, u64 lost)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr = skb ? genlmsg_put(skb, 0, 0, vexfs_family, 0, VEXFS_CMD_EVENT_NTF) : NULL;

	s->lost += lost;
	if (!hdr || vexfs_nl_put_event(skb, ev, s->lost, s->look)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	/* A full socket reports ENOBUFS to its reader; the next event says how many are lost. */
	if (genlmsg_unicast(s->net, skb, s->portid))
		s->lost++;
	else
		s->lost = 0;
}

void vexfs_nl_tell(const struct vexfs_event *ev, u64 lost)
{
	struct subscriber *s;

	mutex_lock(&subscribers_lock);
	list_for_each_entry(s, &subscribers, node)
		if (s->events && vexfs_looks_at_event(s->look, s->uid, ev))
			tell_event(s, ev, lost);
	mutex_unlock(&subscribers_lock);
}

bool vexfs_nl_wants_stats(void)
{
	struct subscriber *s;
	bool wanted = false;

	mutex_lock(&subscribers_lock);
	list_for_each_entry(s, &subscribers, node)
		wanted |= s->stats;
	mutex_unlock(&subscribers_lock);
	return wanted;
}

void vexfs_nl_tell_stats(struct sk_buff *skb)
{
	struct subscriber *s;

	mutex_lock(&subscribers_lock);
	list_for_each_entry(s, &subscribers, node) {
		struct sk_buff *copy = s->stats ? skb_clone(skb, GFP_KERNEL) : NULL;

		if (copy)
			genlmsg_unicast(s->net, copy, s->portid);
	}
	mutex_unlock(&subscribers_lock);
	nlmsg_free(skb);
}

int vexfs_nl_subscribe_init(void)
{
	return netlink_register_notifier(&notifier);
}

void vexfs_nl_subscribe_exit(void)
{
	struct subscriber *s, *next;

	netlink_unregister_notifier(&notifier);
	mutex_lock(&subscribers_lock);
	list_for_each_entry_safe(s, next, &subscribers, node)
		subscriber_forget(s);
	mutex_unlock(&subscribers_lock);
}
