/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subscribers: sockets that receive events and statistics as they come. Not all kernels
 * can restrict who joins a multicast group, so each socket gets its own messages, with no
 * more than it may read.
 */
#ifndef _VEXFS_NL_SUBSCRIBE_H
#define _VEXFS_NL_SUBSCRIBE_H

#include <linux/types.h>

struct sk_buff;
struct vexfs_event;

/* Sends an event to all who want events and may read this one. May sleep. */
void vexfs_nl_tell(const struct vexfs_event *ev, u64 lost);

bool vexfs_nl_wants_stats(void);
/* Sends @skb, a whole message, to all who want statistics, and frees it. */
void vexfs_nl_tell_stats(struct sk_buff *skb);

int vexfs_nl_subscribe_init(void);
void vexfs_nl_subscribe_exit(void);

#endif
