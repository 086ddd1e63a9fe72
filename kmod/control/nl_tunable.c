// SPDX-License-Identifier: GPL-2.0
/*
 * Settings over netlink: one, all, and changes of several that happen together or not at
 * all. tunables.h defines what the settings are.
 */
#include <linux/slab.h>

#include "control/netlink.h"
#include "control/tunables.h"
#include "stat/event.h"

static int put_knob(struct sk_buff *skb, const struct vexfs_knob *k)
{
	int err;

	err = nla_put_string(skb, VEXFS_A_TUNABLE_KEY, k->key) ?:
	      nla_put_string(skb, VEXFS_A_TUNABLE_DOC, k->doc);
	if (!err && k->read_only)
		err = nla_put_flag(skb, VEXFS_A_TUNABLE_READ_ONLY);
	if (!err && k->at_default)
		err = nla_put_flag(skb, VEXFS_A_TUNABLE_AT_DEFAULT);
	if (err)
		return err;
	if (k->word)
		return nla_put_string(skb, VEXFS_A_TUNABLE_TEXT, k->text) ?:
		       k->def_text ? nla_put_string(skb, VEXFS_A_TUNABLE_DEFAULT_TEXT,
						    k->def_text) : 0;
	return nla_put_s64(skb, VEXFS_A_TUNABLE_VALUE, k->value, VEXFS_A_TUNABLE_PAD) ?:
	       nla_put_s64(skb, VEXFS_A_TUNABLE_MIN_VALUE, k->min, VEXFS_A_TUNABLE_PAD) ?:
	       nla_put_s64(skb, VEXFS_A_TUNABLE_MAX_VALUE, k->max, VEXFS_A_TUNABLE_PAD) ?:
	       nla_put_s64(skb, VEXFS_A_TUNABLE_DEFAULT, k->def, VEXFS_A_TUNABLE_PAD) ?:
	       nla_put_string(skb, VEXFS_A_TUNABLE_UNIT, k->unit);
}

int vexfs_nl_tunable_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *key = info->attrs[VEXFS_A_TUNABLE_KEY];
	struct vexfs_knob *k;
	struct sk_buff *skb;
	void *hdr;
	int err, i;

	err = vexfs_may_look(req, VEXFS_LOOK_TOTALS, info->extack);
	if (err)
		return err;
	if (!key) {
		NL_SET_ERR_MSG(info->extack, "which setting? a dump gives all");
		return -EINVAL;
	}
	i = vexfs_knob_find(nla_data(key));
	if (i < 0) {
		NL_SET_ERR_MSG_ATTR(info->extack, key, "there is no such setting");
		return i;
	}
	k = kmalloc(sizeof(*k), GFP_KERNEL);
	skb = k ? vexfs_nl_answer(info, VEXFS_CMD_TUNABLE_GET, &hdr) : NULL;
	err = -ENOMEM;
	if (skb) {
		vexfs_knob_read(i, k);
		err = vexfs_nl_reply(skb, hdr, info, put_knob(skb, k));
	}
	kfree(k);
	return err;
}

int vexfs_nl_tunable_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vexfs_knob *k;
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_TOTALS, cb->extack);
	if (err)
		return err;
	k = kmalloc(sizeof(*k), GFP_KERNEL);
	if (!k)
		return -ENOMEM;
	for (; cb->args[0] < vexfs_knobs(); cb->args[0]++) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
					vexfs_family, NLM_F_MULTI,
					VEXFS_CMD_TUNABLE_GET);

		if (!hdr)
			break;
		vexfs_knob_read(cb->args[0], k);
		if (put_knob(skb, k)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	kfree(k);
	return skb->len;
}

/* One nest of the request; its attributes stay in the request. */
static int parse_setting(struct nlattr *nest, struct vexfs_setting *s,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VEXFS_A_SETTING_MAX + 1];
	int err;

	/* its attributes were checked with the request: its policy is nested in that of tune */
	err = nla_parse_nested(tb, VEXFS_A_SETTING_MAX, nest, NULL, extack);
	if (err)
		return err;
	if (!tb[VEXFS_A_SETTING_KEY]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a setting without a key");
		return -EINVAL;
	}
	if (!tb[VEXFS_A_SETTING_VALUE] == !tb[VEXFS_A_SETTING_TEXT]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a setting takes a value or a text");
		return -EINVAL;
	}
	s->key = nla_data(tb[VEXFS_A_SETTING_KEY]);
	s->word = tb[VEXFS_A_SETTING_TEXT];
	if (s->word)
		s->text = nla_data(tb[VEXFS_A_SETTING_TEXT]);
	else
		s->value = nla_get_s64(tb[VEXFS_A_SETTING_VALUE]);
	return 0;
}

int vexfs_nl_tunable_set_doit(struct sk_buff *req, struct genl_info *info)
{
	bool check_only = info->attrs[VEXFS_A_TUNE_CHECK_ONLY];
	bool defaults = info->attrs[VEXFS_A_TUNE_RESET_TO_DEFAULT];
	struct nlattr *nests[VEXFS_SETTINGS_MAX];
	struct vexfs_tune_fault fault;
	struct vexfs_setting *s;
	struct nlattr *a;
	unsigned int n = 0;
	int err, rem;

	err = vexfs_may_change(req, info->extack);
	if (err)
		return err;
	s = kcalloc(VEXFS_SETTINGS_MAX, sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(a) != VEXFS_A_TUNE_SETTING)
			continue;
		err = -E2BIG;
		if (n == VEXFS_SETTINGS_MAX)
			NL_SET_ERR_MSG_ATTR(info->extack, a, "too many settings at once");
		else
			err = parse_setting(a, &s[n], info->extack);
		if (err)
			goto out;
		nests[n++] = a;
	}
	if (!n && !defaults) {
		NL_SET_ERR_MSG(info->extack, "nothing to set");
		err = -EINVAL;
		goto out;
	}
	err = vexfs_tune(s, n, defaults, check_only, &fault);
	if (err && fault.setting < n) {
		vexfs_extack_fmt(info->extack, fault.why, "%.24s: %.50s", s[fault.setting].key,
				 fault.why);
		NL_SET_BAD_ATTR(info->extack, nests[fault.setting]);
	} else if (err) {
		vexfs_extack_fmt(info->extack, fault.why, "%s", fault.why);
	} else if (!check_only) {
		vexfs_event_raise(VEXFS_EVENT_TUNED, n, defaults, n ? s[0].key : "defaults");
	}
out:
	kfree(s);
	return err;
}
