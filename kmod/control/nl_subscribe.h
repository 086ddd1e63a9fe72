/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subscribers: sockets that are told of events and statistics as they come. A
 * multicast group has no door on all kernels, so each is told by itself, and only
 * what it may look at.
 */
#ifndef _VEXFS_NL_SUBSCRIBE_H
#define _VEXFS_NL_SUBSCRIBE_H

#include <linux/types.h>

struct sk_buff;
struct vexfs_event;

/* To all who want events and may look at this one; may sleep. */
void vexfs_nl_tell(const struct vexfs_event *ev, u64 lost);

bool vexfs_nl_wants_stats(void);
/* To all who want statistics; takes over @skb, a whole message. */
void vexfs_nl_tell_stats(struct sk_buff *skb);

int vexfs_nl_subscribe_init(void);
void vexfs_nl_subscribe_exit(void);

#endif
