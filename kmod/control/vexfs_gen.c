// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/vexfs.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "vexfs_gen.h"

#include <uapi/linux/vexfs_netlink.h>

/* Common nested types */
const struct nla_policy vexfs_setting_nl_policy[VEXFS_A_SETTING_PAD + 1] = {
	[VEXFS_A_SETTING_KEY] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_KEY_MAX, },
	[VEXFS_A_SETTING_VALUE] = { .type = NLA_S64, },
	[VEXFS_A_SETTING_TEXT] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_TEXT_MAX, },
};

/* VEXFS_CMD_COLLECTION_NEW - do */
static const struct nla_policy vexfs_collection_new_nl_policy[VEXFS_A_COLLECTION_LAYOUT + 1] = {
	[VEXFS_A_COLLECTION_NAME] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_NAME_MAX, },
	[VEXFS_A_COLLECTION_DIM] = NLA_POLICY_MIN(NLA_U32, 1),
	[VEXFS_A_COLLECTION_TYPE] = NLA_POLICY_RANGE(NLA_U32, 1, 6),
	[VEXFS_A_COLLECTION_METRIC] = NLA_POLICY_RANGE(NLA_U32, 1, 6),
	[VEXFS_A_COLLECTION_INDEX] = NLA_POLICY_MAX(NLA_U32, 1),
	[VEXFS_A_COLLECTION_MODE] = NLA_POLICY_MAX(NLA_U32, 511),
	[VEXFS_A_COLLECTION_UID] = { .type = NLA_U32, },
	[VEXFS_A_COLLECTION_GID] = { .type = NLA_U32, },
	[VEXFS_A_COLLECTION_ATTR_SIZE] = NLA_POLICY_MAX(NLA_U32, 64),
	[VEXFS_A_COLLECTION_CAPACITY] = { .type = NLA_U64, },
	[VEXFS_A_COLLECTION_M] = NLA_POLICY_MAX(NLA_U32, 64),
	[VEXFS_A_COLLECTION_EF_CONSTRUCTION] = NLA_POLICY_MAX(NLA_U32, 4096),
	[VEXFS_A_COLLECTION_CODE] = NLA_POLICY_MAX(NLA_U32, 3),
	[VEXFS_A_COLLECTION_LAYOUT] = NLA_POLICY_MAX_LEN(VEXFS_NL_LAYOUT_MAX),
};

/* VEXFS_CMD_COLLECTION_SET - do */
static const struct nla_policy vexfs_collection_set_nl_policy[VEXFS_A_COLLECTION_SERIAL + 1] = {
	[VEXFS_A_COLLECTION_NAME] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_NAME_MAX, },
	[VEXFS_A_COLLECTION_SERIAL] = { .type = NLA_U64, },
	[VEXFS_A_COLLECTION_MODE] = NLA_POLICY_MAX(NLA_U32, 511),
	[VEXFS_A_COLLECTION_UID] = { .type = NLA_U32, },
	[VEXFS_A_COLLECTION_GID] = { .type = NLA_U32, },
	[VEXFS_A_COLLECTION_CAPACITY] = { .type = NLA_U64, },
	[VEXFS_A_COLLECTION_LAYOUT] = NLA_POLICY_MAX_LEN(VEXFS_NL_LAYOUT_MAX),
};

/* VEXFS_CMD_COLLECTION_DEL - do */
static const struct nla_policy vexfs_collection_del_nl_policy[VEXFS_A_COLLECTION_SERIAL + 1] = {
	[VEXFS_A_COLLECTION_NAME] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_NAME_MAX, },
	[VEXFS_A_COLLECTION_SERIAL] = { .type = NLA_U64, },
};

/* VEXFS_CMD_COLLECTION_GET - do */
static const struct nla_policy vexfs_collection_get_nl_policy[VEXFS_A_COLLECTION_SERIAL + 1] = {
	[VEXFS_A_COLLECTION_NAME] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_NAME_MAX, },
	[VEXFS_A_COLLECTION_SERIAL] = { .type = NLA_U64, },
};

/* VEXFS_CMD_STATS_GET - do */
static const struct nla_policy vexfs_stats_get_do_nl_policy[VEXFS_A_STATS_SINCE_LOAD + 1] = {
	[VEXFS_A_STATS_SUBJECT] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_KEY_MAX, },
	[VEXFS_A_STATS_ROW] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_NAME_MAX, },
	[VEXFS_A_STATS_SINCE_LOAD] = { .type = NLA_FLAG, },
};

/* VEXFS_CMD_STATS_GET - dump */
static const struct nla_policy vexfs_stats_get_dump_nl_policy[VEXFS_A_STATS_SINCE_LOAD + 1] = {
	[VEXFS_A_STATS_SUBJECT] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_KEY_MAX, },
	[VEXFS_A_STATS_SINCE_LOAD] = { .type = NLA_FLAG, },
};

/* VEXFS_CMD_TUNABLE_GET - do */
static const struct nla_policy vexfs_tunable_get_nl_policy[VEXFS_A_TUNABLE_KEY + 1] = {
	[VEXFS_A_TUNABLE_KEY] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_KEY_MAX, },
};

/* VEXFS_CMD_TUNABLE_SET - do */
static const struct nla_policy vexfs_tunable_set_nl_policy[VEXFS_A_TUNE_RESET_TO_DEFAULT + 1] = {
	[VEXFS_A_TUNE_SETTING] = NLA_POLICY_NESTED(vexfs_setting_nl_policy),
	[VEXFS_A_TUNE_CHECK_ONLY] = { .type = NLA_FLAG, },
	[VEXFS_A_TUNE_RESET_TO_DEFAULT] = { .type = NLA_FLAG, },
};

/* VEXFS_CMD_RESET - do */
static const struct nla_policy vexfs_reset_nl_policy[VEXFS_A_STATS_SUBJECT + 1] = {
	[VEXFS_A_STATS_SUBJECT] = { .type = NLA_NUL_STRING, .len = VEXFS_NL_KEY_MAX, },
};

/* VEXFS_CMD_SUBSCRIBE - do */
static const struct nla_policy vexfs_subscribe_nl_policy[VEXFS_A_SUBSCRIPTION_STATS + 1] = {
	[VEXFS_A_SUBSCRIPTION_EVENTS] = { .type = NLA_FLAG, },
	[VEXFS_A_SUBSCRIPTION_STATS] = { .type = NLA_FLAG, },
};

/* VEXFS_CMD_MANAGE - do */
static const struct nla_policy vexfs_manage_nl_policy[VEXFS_A_MANAGE_KEEP_HOT + 1] = {
	[VEXFS_A_MANAGE_ACTION] = NLA_POLICY_MAX(NLA_U32, 10),
	[VEXFS_A_MANAGE_VALUE] = { .type = NLA_U32, },
	[VEXFS_A_MANAGE_KEEP_HOT] = { .type = NLA_FLAG, },
};

/* Ops table for vexfs */
static const struct genl_split_ops vexfs_nl_ops[] = {
	{
		.cmd	= VEXFS_CMD_MODULE_GET,
		.doit	= vexfs_nl_module_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_COLLECTION_NEW,
		.doit		= vexfs_nl_collection_new_doit,
		.policy		= vexfs_collection_new_nl_policy,
		.maxattr	= VEXFS_A_COLLECTION_LAYOUT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_COLLECTION_SET,
		.doit		= vexfs_nl_collection_set_doit,
		.policy		= vexfs_collection_set_nl_policy,
		.maxattr	= VEXFS_A_COLLECTION_SERIAL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_COLLECTION_DEL,
		.doit		= vexfs_nl_collection_del_doit,
		.policy		= vexfs_collection_del_nl_policy,
		.maxattr	= VEXFS_A_COLLECTION_SERIAL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_COLLECTION_GET,
		.doit		= vexfs_nl_collection_get_doit,
		.policy		= vexfs_collection_get_nl_policy,
		.maxattr	= VEXFS_A_COLLECTION_SERIAL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VEXFS_CMD_COLLECTION_GET,
		.dumpit	= vexfs_nl_collection_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VEXFS_CMD_STATS_GET,
		.doit		= vexfs_nl_stats_get_doit,
		.policy		= vexfs_stats_get_do_nl_policy,
		.maxattr	= VEXFS_A_STATS_SINCE_LOAD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_STATS_GET,
		.dumpit		= vexfs_nl_stats_get_dumpit,
		.policy		= vexfs_stats_get_dump_nl_policy,
		.maxattr	= VEXFS_A_STATS_SINCE_LOAD,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VEXFS_CMD_TUNABLE_GET,
		.doit		= vexfs_nl_tunable_get_doit,
		.policy		= vexfs_tunable_get_nl_policy,
		.maxattr	= VEXFS_A_TUNABLE_KEY,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VEXFS_CMD_TUNABLE_GET,
		.dumpit	= vexfs_nl_tunable_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VEXFS_CMD_TUNABLE_SET,
		.doit		= vexfs_nl_tunable_set_doit,
		.policy		= vexfs_tunable_set_nl_policy,
		.maxattr	= VEXFS_A_TUNE_RESET_TO_DEFAULT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VEXFS_CMD_RESET,
		.doit		= vexfs_nl_reset_doit,
		.policy		= vexfs_reset_nl_policy,
		.maxattr	= VEXFS_A_STATS_SUBJECT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VEXFS_CMD_SELFTEST,
		.doit	= vexfs_nl_selftest_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VEXFS_CMD_EVENT_GET,
		.dumpit	= vexfs_nl_event_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VEXFS_CMD_SUBSCRIBE,
		.doit		= vexfs_nl_subscribe_doit,
		.policy		= vexfs_subscribe_nl_policy,
		.maxattr	= VEXFS_A_SUBSCRIPTION_STATS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VEXFS_CMD_COUNTER_GET,
		.dumpit	= vexfs_nl_counter_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= VEXFS_CMD_LATENCY_GET,
		.dumpit	= vexfs_nl_latency_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VEXFS_CMD_MANAGE,
		.doit		= vexfs_nl_manage_doit,
		.policy		= vexfs_manage_nl_policy,
		.maxattr	= VEXFS_A_MANAGE_KEEP_HOT,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family vexfs_nl_family __ro_after_init = {
	.name		= VEXFS_FAMILY_NAME,
	.version	= VEXFS_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= vexfs_nl_ops,
	.n_split_ops	= ARRAY_SIZE(vexfs_nl_ops),
};
