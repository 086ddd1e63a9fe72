// SPDX-License-Identifier: GPL-2.0
/*
 * Events: past ones as a dump, new ones for subscribers.
 */
#include <linux/notifier.h>
#include <linux/vexfs.h>

#include "control/look.h"
#include "control/netlink.h"
#include "control/nl_subscribe.h"
#include "stat/event.h"

int vexfs_nl_event_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	enum vexfs_look look = vexfs_looks(cb->skb);
	kuid_t uid = vexfs_looks_as(cb->skb);
	u64 cursor = cb->args[0], lost;
	struct vexfs_event ev;
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_OWN, cb->extack);
	if (err)
		return err;
	while (vexfs_event_read(&cursor, &ev, 1, &lost)) {
		void *hdr;

		if (!vexfs_looks_at_event(look, uid, &ev)) {
			cb->args[0] = cursor;
			continue;
		}
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  vexfs_family, NLM_F_MULTI, VEXFS_CMD_EVENT_GET);
		if (!hdr)
			break;
		if (vexfs_nl_put_event(skb, &ev, lost, look)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = cursor;
	}
	return skb->len;
}

static int event_heard(struct notifier_block *nb, unsigned long lost, void *ev)
{
	vexfs_nl_tell(ev, lost);
	return NOTIFY_OK;
}

static struct notifier_block event_listener = { .notifier_call = event_heard };

void vexfs_nl_event_init(void)
{
	vexfs_event_listen(&event_listener);
}

void vexfs_nl_event_exit(void)
{
	vexfs_event_ignore(&event_listener);
}
