/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/vexfs.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_VEXFS_GEN_H
#define _LINUX_VEXFS_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vexfs_netlink.h>

/* Common nested types */
extern const struct nla_policy vexfs_setting_nl_policy[VEXFS_A_SETTING_PAD + 1];

int vexfs_nl_module_get_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_collection_new_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_collection_set_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_collection_del_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_collection_get_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_collection_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int vexfs_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vexfs_nl_tunable_get_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_tunable_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vexfs_nl_tunable_set_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_reset_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_selftest_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_event_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vexfs_nl_subscribe_doit(struct sk_buff *skb, struct genl_info *info);
int vexfs_nl_counter_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vexfs_nl_latency_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vexfs_nl_manage_doit(struct sk_buff *skb, struct genl_info *info);

extern struct genl_family vexfs_nl_family;

#endif /* _LINUX_VEXFS_GEN_H */
