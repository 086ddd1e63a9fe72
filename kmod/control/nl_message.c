// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of the family, for several of its operations.
 */
#include <linux/vexfs.h>

#include "control/netlink.h"
#include "stat/event.h"
#include "store/store.h"

/* A row of statistics is the largest message. */
#define ANSWER_BYTES	8192

struct sk_buff *vexfs_nl_alloc(void)
{
	return nlmsg_new(ANSWER_BYTES, GFP_KERNEL);
}

u32 vexfs_nl_generation(void)
{
	u64 changed;

	vexfs_registry_count(&changed);
	return (u32)changed + 1 ?: 1;
}

struct sk_buff *vexfs_nl_answer(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *skb = vexfs_nl_alloc();

	if (!skb)
		return NULL;
	*hdr = genlmsg_put(skb, info->snd_portid, info->snd_seq,
			   vexfs_family, 0, cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

int vexfs_nl_reply(struct sk_buff *skb, void *hdr, struct genl_info *info, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* Attributes that reveal other users: numbers of events, and pids of other namespaces. */
static int put_event_all(struct sk_buff *skb, const struct vexfs_event *ev, u64 lost)
{
	char where[VEXFS_EVENT_WHERE];

	return nla_put_u64_64bit(skb, VEXFS_A_EVENT_SEQ, ev->seq, VEXFS_A_EVENT_PAD) ?:
	       nla_put_s32(skb, VEXFS_A_EVENT_PID, ev->pid) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_EVENT_LOST, lost, VEXFS_A_EVENT_PAD) ?:
	       (vexfs_event_where(ev, where) ?
			nla_put_string(skb, VEXFS_A_EVENT_WHERE, where) : 0);
}

int vexfs_nl_put_event(struct sk_buff *skb, const struct vexfs_event *ev, u64 lost,
		       enum vexfs_look look)
{
	return nla_put_string(skb, VEXFS_A_EVENT_KIND, vexfs_event_name(ev->kind)) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_EVENT_TIME_NS, ev->time_ns, VEXFS_A_EVENT_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_EVENT_A, ev->a, VEXFS_A_EVENT_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_EVENT_B, vexfs_event_told_b(ev),
				 VEXFS_A_EVENT_PAD) ?:
	       nla_put_string(skb, VEXFS_A_EVENT_SUBJECT, ev->subject) ?:
	       (look == VEXFS_LOOK_ALL ? put_event_all(skb, ev, lost) : 0);
}
