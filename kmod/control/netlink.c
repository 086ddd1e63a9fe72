// SPDX-License-Identifier: GPL-2.0
/*
 * The family: what is loaded, resets, the self-test, and what happened. Nothing here
 * touches vectors.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/utsname.h>
#include <linux/vexfs.h>

#include "control/look.h"
#include "control/netlink.h"
#include "control/nl_subscribe.h"
#include "control/summary.h"
#include "index/index.h"
#include "math/engine.h"
#include "math/proof.h"
#include "stat/counter.h"
#include "stat/event.h"
#include "store/store.h"

/* A row of the account is the largest thing that is sent. */
#define ANSWER_BYTES	8192

static u64 loaded_ns;

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
	      nla_put_string(skb, VEXFS_A_MODULE_SIMD, vexfs_engine()->variant->name) ?:
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

/* What tells of others: how many events there were, and processes elsewhere. */
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

int vexfs_nl_event_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	enum vexfs_look look = vexfs_looks(cb->skb);
	kuid_t uid = vexfs_looks_as(cb->skb);
	u64 cursor = cb->args[0], lost;
	struct vexfs_event ev;
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_OWN, cb->extack);
	if (err)
		return err;
	while (vexfs_event_read(&cursor, &ev, 1, &lost)) {
		void *hdr;

		if (!vexfs_looks_at_event(look, uid, &ev)) {
			cb->args[0] = cursor;
			continue;
		}
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  vexfs_family, NLM_F_MULTI, VEXFS_CMD_EVENT_GET);
		if (!hdr)
			break;
		if (vexfs_nl_put_event(skb, &ev, lost, look)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = cursor;
	}
	return skb->len;
}

/* ---- self-test ---- */

struct selftest {
	struct sk_buff *skb;
	u32 failed;
	int err;
};

static void put_variant(const struct vexfs_engine *e, unsigned int cases, void *arg)
{
	struct selftest *t = arg;
	struct nlattr *nest = nla_nest_start(t->skb, VEXFS_A_SELFTEST_VARIANT);

	t->failed += !!e->failed;
	if (!nest || nla_put_string(t->skb, VEXFS_A_VARIANT_NAME, e->variant->name) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_USABLE, !e->lacks) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_CASES, cases) ||
	    nla_put_u32(t->skb, VEXFS_A_VARIANT_FAILED, !!e->failed) ||
	    (!vexfs_engine_usable(e) &&
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

/* ---- events ---- */

static int hear_event(struct notifier_block *nb, unsigned long lost, void *ev)
{
	vexfs_nl_tell(ev, lost);
	return NOTIFY_OK;
}

static struct notifier_block event_listener = { .notifier_call = hear_event };

int vexfs_netlink_init(void)
{
	int err;

	loaded_ns = ktime_get_ns();
	err = vexfs_nl_subscribe_init();
	if (err)
		return err;
	err = vexfs_genl_register(&vexfs_nl_family);
	if (err) {
		vexfs_nl_subscribe_exit();
		return err;
	}
	vexfs_nl_stats_init();
	vexfs_event_listen(&event_listener);
	return 0;
}

void vexfs_netlink_exit(void)
{
	vexfs_event_ignore(&event_listener);
	vexfs_nl_stats_exit();
	vexfs_genl_unregister(&vexfs_nl_family);
	vexfs_nl_subscribe_exit();
}

MODULE_ALIAS_GENL_FAMILY(VEXFS_FAMILY_NAME);
