/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family: what its parts share. The tables of ops and the
 * policies are generated from docs/netlink/vexfs.yaml.
 */
#ifndef _VEXFS_NETLINK_H
#define _VEXFS_NETLINK_H

#include "compat/genl.h"
#include "control/look.h"
#include "control/vexfs_gen.h"

struct vexfs_event;

/* The family as the kernel knows it; the generated one may be a shadow of it. */
#define vexfs_family	vexfs_genl_family(&vexfs_nl_family)

/* A message with room for the largest answer, or NULL. */
struct sk_buff *vexfs_nl_alloc(void);

/* Changes whenever a collection is created or dropped; never 0. */
u32 vexfs_nl_generation(void);

/* A message of @cmd that answers @info, or NULL. @hdr is for genlmsg_end(). */
struct sk_buff *vexfs_nl_answer(struct genl_info *info, u8 cmd, void **hdr);
/* Sends it; a message that came out too large (@err) is dropped instead. */
int vexfs_nl_reply(struct sk_buff *skb, void *hdr, struct genl_info *info, int err);

/* Attributes of an event, as much of it as @look allows. */
int vexfs_nl_put_event(struct sk_buff *skb, const struct vexfs_event *ev, u64 lost,
		       enum vexfs_look look);

void vexfs_nl_module_init(void);
void vexfs_nl_stats_init(void);
void vexfs_nl_stats_exit(void);
void vexfs_nl_event_init(void);
void vexfs_nl_event_exit(void);

int vexfs_netlink_init(void);
void vexfs_netlink_exit(void);

#endif
