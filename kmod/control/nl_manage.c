// SPDX-License-Identifier: GPL-2.0
/*
 * Actions: growing, draining and compacting the pools, self-test of the arithmetic, clearing the
 * stack records, draining and resetting the bridge.
 */
#include "bridge/control.h"
#include "control/netlink.h"
#include "math/math.h"
#include "mem/pool.h"
#include "mem/scratch.h"

#define GROW_PERCENT	50u
#define PPM_MAX		1000000u
#define DRAIN_MS	10000u
#define DRAIN_MS_MAX	60000u

static int grow(struct genl_info *info, u32 percent)
{
	int err;

	if (vexfs_pool_under_pressure()) {
		NL_SET_ERR_MSG(info->extack,
			       "the kernel has just wanted memory back: pools do not grow now");
		return -EBUSY;
	}
	err = vexfs_pool_grow(percent);
	if (err == -ENOMEM)
		NL_SET_ERR_MSG(info->extack, "that is more than a quarter of the memory available");
	else if (err == -E2BIG)
		NL_SET_ERR_MSG(info->extack, "that is more than pool_limit_mb allows");
	else if (err == -EINVAL)
		NL_SET_ERR_MSG(info->extack, "pools grow by 1 to 1000 percent");
	return err;
}

static int reset_pools(bool keep_hot, u32 *done)
{
	*done = vexfs_pool_drain(keep_hot);
	vexfs_pool_reset();
	return vexfs_pool_refill();
}

static int drain_bridge(struct genl_info *info, bool restart, u32 *done)
{
	struct nlattr *value = info->attrs[VEXFS_A_MANAGE_VALUE];
	u32 ms = value ? min(nla_get_u32(value), DRAIN_MS_MAX) : DRAIN_MS;
	int err = restart ? vexfs_bridge_restart(ms, done) : vexfs_bridge_drain(ms, done);

	if (err == -ETIME)
		NL_SET_ERR_MSG(info->extack, "some ops still run");
	else if (err == -EBUSY)
		NL_SET_ERR_MSG(info->extack, "the bridge is being drained already");
	else if (err == -ENOMEM)
		NL_SET_ERR_MSG(info->extack, "no memory for new workers; those that there are go on");
	return err;
}

static int manage(struct genl_info *info, u32 action, u32 *done)
{
	struct nlattr *value = info->attrs[VEXFS_A_MANAGE_VALUE];
	bool keep_hot = info->attrs[VEXFS_A_MANAGE_KEEP_HOT];

	switch (action) {
	case VEXFS_MANAGE_ACTION_POOL_GROW:
		return grow(info, value ? nla_get_u32(value) : GROW_PERCENT);
	case VEXFS_MANAGE_ACTION_POOL_DRAIN:
		*done = vexfs_pool_drain(keep_hot);
		return 0;
	case VEXFS_MANAGE_ACTION_POOL_REFILL:
		return vexfs_pool_refill();
	case VEXFS_MANAGE_ACTION_POOL_COMPACT:
		*done = vexfs_pool_compact(value ? min(nla_get_u32(value), PPM_MAX) : 0);
		return 0;
	case VEXFS_MANAGE_ACTION_POOL_RESET:
		return reset_pools(keep_hot, done);
	case VEXFS_MANAGE_ACTION_SIMD_RESTART:
		return vexfs_math_restart();
	case VEXFS_MANAGE_ACTION_STACK_CLEAR:
		vexfs_stack_clear();
		return 0;
	case VEXFS_MANAGE_ACTION_STACK_FORGET:
		vexfs_stack_forget();
		return 0;
	case VEXFS_MANAGE_ACTION_BRIDGE_DRAIN:
		return drain_bridge(info, false, done);
	case VEXFS_MANAGE_ACTION_BRIDGE_RESTART:
		return drain_bridge(info, true, done);
	case VEXFS_MANAGE_ACTION_BRIDGE_RESET:
		return vexfs_bridge_reset(keep_hot, done);
	default:
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VEXFS_A_MANAGE_ACTION],
				    "there is no such action");
		return -EOPNOTSUPP;
	}
}

int vexfs_nl_manage_doit(struct sk_buff *req, struct genl_info *info)
{
	struct sk_buff *skb;
	void *hdr;
	u32 done = 0;
	int err;

	err = vexfs_may_change(req, info->extack);
	if (err)
		return err;
	if (!info->attrs[VEXFS_A_MANAGE_ACTION]) {
		NL_SET_ERR_MSG(info->extack, "which action?");
		return -EINVAL;
	}
	/* Without memory for the answer nothing is done. */
	skb = vexfs_nl_answer(info, VEXFS_CMD_MANAGE, &hdr);
	if (!skb)
		return -ENOMEM;
	err = manage(info, nla_get_u32(info->attrs[VEXFS_A_MANAGE_ACTION]), &done);
	return vexfs_nl_reply(skb, hdr, info, err ?: nla_put_u32(skb, VEXFS_A_MANAGE_DONE, done));
}
