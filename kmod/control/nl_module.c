// SPDX-License-Identifier: GPL-2.0
/*
 * The module as a whole over netlink: version, health, resets, self-test.
 */
#include <linux/ktime.h>
#include <linux/utsname.h>
#include <linux/vexfs.h>

#include "control/look.h"
#include "control/netlink.h"
#include "control/summary.h"
#include "index/index.h"
#include "math/variant.h"
#include "math/proof.h"
#include "stat/counter.h"
#include "store/store.h"

static u64 loaded_ns;

static int put_verdict(struct sk_buff *skb)
{
	struct vexfs_verdict v;
	unsigned int i;
	int err;

	vexfs_judge(&v);
	err = nla_put_u32(skb, VEXFS_A_MODULE_POOL_HIT_PPM, v.hit_ppm);
	for (i = 0; !err && i < v.complaints; i++)
		err = nla_put_string(skb, VEXFS_A_MODULE_ATTENTION, v.complaint[i]);
	return err;
}

int vexfs_nl_module_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct sk_buff *skb;
	u64 changed;
	void *hdr;
	int err;

	err = vexfs_may_look(req, VEXFS_LOOK_TOTALS, info->extack);
	if (err)
		return err;
	skb = vexfs_nl_answer(info, VEXFS_CMD_MODULE_GET, &hdr);
	if (!skb)
		return -ENOMEM;
	err = nla_put_string(skb, VEXFS_A_MODULE_VERSION, VEXFS_VERSION) ?:
	      nla_put_u32(skb, VEXFS_A_MODULE_ABI, VEXFS_ABI) ?:
	      nla_put_u64_64bit(skb, VEXFS_A_MODULE_FEATURES, VEXFS_FEATURE_FILTER | vexfs_index_features(),
				VEXFS_A_MODULE_PAD) ?:
	      nla_put_string(skb, VEXFS_A_MODULE_SIMD, vexfs_variant()->name) ?:
	      nla_put_string(skb, VEXFS_A_MODULE_KERNEL, init_utsname()->release) ?:
	      nla_put_u64_64bit(skb, VEXFS_A_MODULE_UPTIME_NS, ktime_get_ns() - loaded_ns,
				VEXFS_A_MODULE_PAD) ?:
	      nla_put_u32(skb, VEXFS_A_MODULE_COLLECTIONS, vexfs_registry_count(&changed)) ?:
	      put_verdict(skb);
	return vexfs_nl_reply(skb, hdr, info, err);
}

int vexfs_nl_reset_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *subject = info->attrs[VEXFS_A_STATS_SUBJECT];
	int err;

	err = vexfs_may_change(req, info->extack);
	if (err)
		return err;
	if (!subject) {
		NL_SET_ERR_MSG(info->extack, "which subject? \"all\" is one");
		return -EINVAL;
	}
	err = vexfs_subject_reset(nla_data(subject));
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, subject, "no such subject");
	else if (err == -EOPNOTSUPP)
		NL_SET_ERR_MSG_ATTR(info->extack, subject, "this subject has nothing to reset");
	return err;
}

/* ---- self-test ---- */

struct selftest {
	struct sk_buff *skb;
	u32 failed;
	int err;
};

static void put_variant(const struct vexfs_math_variant *e, unsigned int cases, void *arg)
{
	struct selftest *t = arg;
	struct nlattr *nest = nla_nest_start(t->skb, VEXFS_A_SELFTEST_VARIANT);

	t->failed += !!e->failed;
	if (!nest || nla_put_string(t->skb, VEXFS_A_VARIANT_NAME, e->name) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_USABLE, !e->lacks) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_CASES, cases) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_FAILED, !!e->failed) ||
	    (!vexfs_variant_usable(e) &&
	     nla_put_string(t->skb, VEXFS_A_VARIANT_TROUBLE, e->lacks ?: e->failed)))
		t->err = -EMSGSIZE;
	else
		nla_nest_end(t->skb, nest);
}

int vexfs_nl_selftest_doit(struct sk_buff *req, struct genl_info *info)
{
	struct selftest t = {};
	void *hdr;
	int err;

	err = vexfs_may_change(req, info->extack);
	if (err)
		return err;
	t.skb = vexfs_nl_answer(info, VEXFS_CMD_SELFTEST, &hdr);
	if (!t.skb)
		return -ENOMEM;
	err = vexfs_math_selftest(put_variant, &t) ?: t.err ?:
	      nla_put_u32(t.skb, VEXFS_A_SELFTEST_FAILED, t.failed);
	return vexfs_nl_reply(t.skb, hdr, info, err);
}

void vexfs_nl_module_init(void)
{
	loaded_ns = ktime_get_ns();
}
