/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family: what its parts share. The tables of ops and the
 * policies are generated from docs/netlink/vexfs.yaml.
 */
#ifndef _VEXFS_NETLINK_H
#define _VEXFS_NETLINK_H

#include "compat/genl.h"
#include "control/vexfs_gen.h"

struct vexfs_event;

/* The family as the kernel knows it; the generated one may be a shadow of it. */
#define vexfs_family	vexfs_genl_family(&vexfs_nl_family)

/*
 * Who asked may look (root, the group of the device), or change (CAP_SYS_ADMIN
 * over the machine, for the store is the machine's). 0, or -EPERM with a sentence.
 */
int vexfs_nl_may_look(struct sk_buff *skb, struct netlink_ext_ack *extack);
int vexfs_nl_may_change(struct sk_buff *skb, struct netlink_ext_ack *extack);

/* Room for the largest message there is, or NULL. */
struct sk_buff *vexfs_nl_alloc(void);

/* Changes whenever a collection comes or goes; never 0. */
u32 vexfs_nl_generation(void);

/* A message of @cmd that answers @info, or NULL. @hdr is for genlmsg_end(). */
struct sk_buff *vexfs_nl_answer(struct genl_info *info, u8 cmd, void **hdr);
/* Sends it; a message that came out too large (@err) is dropped instead. */
int vexfs_nl_reply(struct sk_buff *skb, void *hdr, struct genl_info *info, int err);

/* The sink of events, see stat/event.h: tells the subscribers. */
void vexfs_nl_tell(const struct vexfs_event *ev, u64 lost);

int vexfs_nl_stats_init(void);
void vexfs_nl_stats_exit(void);

int vexfs_netlink_init(void);
void vexfs_netlink_exit(void);

#endif
