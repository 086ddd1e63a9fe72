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
 * @node: in subscribers
 * @net: its network namespace, which the socket holds; it is forgotten with the socket
 * @portid: its port
 * @look: what it may look at
 * @uid: whose events it may see, too
 * @events: it wants events
 * @stats: it wants statistics
 * @lost: events that found no room in its buffer since the last that did
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

/* Guards the list and what is in it. A socket that closes waits for it. */
static DEFINE_MUTEX(lock);
static LIST_HEAD(subscribers);
static u32 total;

static struct subscriber *find(const struct net *net, u32 portid)
{
	struct subscriber *s;

	list_for_each_entry(s, &subscribers, node)
		if (s->portid == portid && s->net == net)
			return s;
	return NULL;
}

static void forget(struct subscriber *s)
{
	list_del(&s->node);
	total--;
	kfree(s);
}

static bool room_for(enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s;
	u32 n = 0;

	if (look == VEXFS_LOOK_ALL)
		return true;
	list_for_each_entry(s, &subscribers, node)
		n += uid_eq(s->uid, uid);
	return n < USER_MAX && total < SUBSCRIBERS_MAX;
}

/* The socket's entry, or a new one. */
static struct subscriber *enter(struct genl_info *info, enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s = find(genl_info_net(info), info->snd_portid);

	if (s)
		return s;
	if (!room_for(look, uid)) {
		NL_SET_ERR_MSG(info->extack, "there are too many subscribers");
		return ERR_PTR(-ENOSPC);
	}
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->net = genl_info_net(info);
	s->portid = info->snd_portid;
	list_add_tail(&s->node, &subscribers);
	total++;
	return s;
}

static int subscribe(struct genl_info *info, enum vexfs_look look, kuid_t uid)
{
	struct subscriber *s = enter(info, look, uid);

	if (IS_ERR(s))
		return PTR_ERR(s);
	s->look = look;
	s->uid = uid;
	s->events = info->attrs[VEXFS_A_SUBSCRIPTION_EVENTS];
	s->stats = info->attrs[VEXFS_A_SUBSCRIPTION_STATS];
	if (!s->events && !s->stats)
		forget(s);
	return 0;
}

int vexfs_nl_subscribe_doit(struct sk_buff *req, struct genl_info *info)
{
	bool stats = info->attrs[VEXFS_A_SUBSCRIPTION_STATS];
	int err;

	err = vexfs_may_look(req, stats ? VEXFS_LOOK_TOTALS : VEXFS_LOOK_OWN, info->extack);
	if (err)
		return err;
	mutex_lock(&lock);
	err = subscribe(info, vexfs_looks(req), vexfs_looks_as(req));
	mutex_unlock(&lock);
	return err;
}

/* A port may come again with another socket: its entry goes with the one that had it. */
static int socket_event(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct netlink_notify *n = data;
	struct subscriber *s;

	/* Who is closing the socket is not subscribing by it. */
	if (what != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC || list_empty(&subscribers))
		return NOTIFY_DONE;
	mutex_lock(&lock);
	s = find(n->net, n->portid);
	if (s)
		forget(s);
	mutex_unlock(&lock);
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
	/* Whoever does not read is told so by its socket, and how many by the next event. */
	if (genlmsg_unicast(s->net, skb, s->portid))
		s->lost++;
	else
		s->lost = 0;
}

void vexfs_nl_tell(const struct vexfs_event *ev, u64 lost)
{
	struct subscriber *s;

	mutex_lock(&lock);
	list_for_each_entry(s, &subscribers, node)
		if (s->events && vexfs_looks_at_event(s->look, s->uid, ev))
			tell_event(s, ev, lost);
	mutex_unlock(&lock);
}

bool vexfs_nl_wants_stats(void)
{
	struct subscriber *s;
	bool wanted = false;

	mutex_lock(&lock);
	list_for_each_entry(s, &subscribers, node)
		wanted |= s->stats;
	mutex_unlock(&lock);
	return wanted;
}

void vexfs_nl_tell_stats(struct sk_buff *skb)
{
	struct subscriber *s;

	mutex_lock(&lock);
	list_for_each_entry(s, &subscribers, node) {
		struct sk_buff *copy = s->stats ? skb_clone(skb, GFP_KERNEL) : NULL;

		if (copy)
			genlmsg_unicast(s->net, copy, s->portid);
	}
	mutex_unlock(&lock);
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
	mutex_lock(&lock);
	list_for_each_entry_safe(s, next, &subscribers, node)
		forget(s);
	mutex_unlock(&lock);
}
