/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink families as the newest kernels have them. The code that the
 * kernel's generator makes from our specification uses split ops; where the
 * kernel does not know them, that code fills shadows of the same shape, which
 * are turned into plain ops when the family is registered.
 */
#ifndef _VEXFS_COMPAT_GENL_H
#define _VEXFS_COMPAT_GENL_H

#include <net/genetlink.h>

#include "compat/compat.h"

#ifdef HAVE_GENL_SPLIT_OPS

#define vexfs_genl_family(f)		(f)
#define vexfs_genl_register(f)		genl_register_family(f)
#define vexfs_genl_unregister(f)	genl_unregister_family(f)

static inline struct nlattr **vexfs_genl_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->info.attrs;
}

#else

struct genl_split_ops {
	int (*doit)(struct sk_buff *skb, struct genl_info *info);
	int (*dumpit)(struct sk_buff *skb, struct netlink_callback *cb);
	const struct nla_policy *policy;
	unsigned int maxattr;
	u8 cmd;
	u8 flags;
};

struct vexfs_split_family {
	char name[GENL_NAMSIZ];
	unsigned int version;
	bool netnsok;
	bool parallel_ops;
	struct module *module;
	const struct genl_split_ops *split_ops;
	unsigned int n_split_ops;
	const struct genl_multicast_group *mcgrps;
	unsigned int n_mcgrps;
};

struct genl_family *vexfs_genl_family(const struct vexfs_split_family *f);
int vexfs_genl_register(const struct vexfs_split_family *f);
int vexfs_genl_unregister(const struct vexfs_split_family *f);

static inline struct nlattr **vexfs_genl_dump_attrs(struct netlink_callback *cb)
{
	return (struct nlattr **)genl_dumpit_info(cb)->attrs;
}

#define genl_family vexfs_split_family

#endif

#ifndef NLA_POLICY_MAX_LEN
#define NLA_POLICY_MAX_LEN(_len)	{ .type = NLA_BINARY, .len = (_len) }
#endif

/*
 * A refusal with figures in it, where the kernel can carry one; else the same
 * sentence without them.
 */
#ifdef HAVE_EXTACK_FMT
#define vexfs_extack_fmt(extack, plain, fmt, ...) \
	NL_SET_ERR_MSG_FMT(extack, fmt, ##__VA_ARGS__)
#else
#define vexfs_extack_fmt(extack, plain, fmt, ...)	\
do {							\
	if (extack)					\
		(extack)->_msg = (plain);		\
} while (0)
#endif

#endif
