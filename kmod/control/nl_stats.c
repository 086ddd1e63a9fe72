// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics over netlink: one row, all rows, and those of the ops at intervals for
 * subscribers. The names and meanings of counters are defined in stat/.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "control/netlink.h"
#include "control/nl_subscribe.h"
#include "mem/tunable.h"
#include "stat/counter.h"

/**
 * struct stats_request - the rows that a request asks for
 * @subject: name of the subject, or NULL for all
 * @row: name of the instance, or NULL for all
 * @since_load: figures since the module was loaded, not since the last reset
 * @skip: rows already sent
 * @seen: rows walked over
 * @skb: the answer
 * @portid: of the socket that asked
 * @seq: number of the request
 * @flags: of the message's header
 * @cmd: of the message's header
 * @cb: the dump, or NULL
 * @values: buffer for one row
 */
struct stats_request {
	const char *subject;
	const char *row;
	bool since_load;
	unsigned long skip;
	unsigned long seen;
	struct sk_buff *skb;
	u32 portid;
	u32 seq;
	int flags;
	u8 cmd;
	struct netlink_callback *cb;
	u64 values[VEXFS_SUBJECT_COUNTERS_MAX];
};

static int put_counters(struct sk_buff *skb, const struct vexfs_subject *s, const u64 *values)
{
	unsigned int i;

	for (i = 0; i < s->counters_n; i++) {
		struct nlattr *nest = nla_nest_start(skb, VEXFS_A_STATS_COUNTER);

		if (!nest || nla_put_string(skb, VEXFS_A_COUNTER_NAME, s->counters[i].name) ||
		    nla_put_u64_64bit(skb, VEXFS_A_COUNTER_VALUE, values[i], VEXFS_A_COUNTER_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_row(struct stats_request *r, const struct vexfs_subject *s, unsigned int i)
{
	void *hdr;
	int err;

	err = s->read(i, !r->since_load, r->values);
	if (err)
		return err;
	hdr = genlmsg_put(r->skb, r->portid, r->seq, vexfs_family, r->flags, r->cmd);
	if (!hdr)
		return -EMSGSIZE;
	if (r->cb)
		genl_dump_check_consistent(r->cb, hdr);
	err = nla_put_string(r->skb, VEXFS_A_STATS_SUBJECT, s->name) ?:
	      nla_put_string(r->skb, VEXFS_A_STATS_ROW, s->instance(i)) ?:
	      nla_put_u64_64bit(r->skb, VEXFS_A_STATS_TIME_NS, ktime_get_ns(),
				VEXFS_A_STATS_PAD) ?:
	      put_counters(r->skb, s, r->values);
	if (err) {
		genlmsg_cancel(r->skb, hdr);
		return err;
	}
	genlmsg_end(r->skb, hdr);
	return 0;
}

static int put_subject(struct vexfs_subject *s, void *arg)
{
	struct stats_request *r = arg;
	unsigned int i, n;
	int err;

	if (r->subject && strcmp(r->subject, s->name))
		return 0;
	n = s->instances();
	for (i = 0; i < n; i++) {
		if (r->row && strcmp(r->row, s->instance(i)))
			continue;
		if (r->seen++ < r->skip)
			continue;
		err = put_row(r, s, i);
		if (err)
			return err;
		r->skip++;
	}
	return 0;
}

static int has_subject(struct vexfs_subject *s, void *arg)
{
	return !strcmp(s->name, arg);
}

int vexfs_nl_stats_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *subject = info->attrs[VEXFS_A_STATS_SUBJECT];
	struct nlattr *row = info->attrs[VEXFS_A_STATS_ROW];
	struct stats_request *r;
	int err;

	err = vexfs_may_look(req, VEXFS_LOOK_TOTALS, info->extack);
	if (err)
		return err;
	if (!subject || !row) {
		NL_SET_ERR_MSG(info->extack, "which subject and row? a dump gives all");
		return -EINVAL;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->subject = nla_data(subject);
	r->row = nla_data(row);
	r->since_load = info->attrs[VEXFS_A_STATS_SINCE_LOAD];
	r->portid = info->snd_portid;
	r->seq = info->snd_seq;
	r->cmd = VEXFS_CMD_STATS_GET;
	r->skb = vexfs_nl_alloc();
	err = r->skb ? vexfs_subject_walk(put_subject, r) : -ENOMEM;
	if (!err && !r->skip) {
		err = -ENOENT;
		if (vexfs_subject_walk(has_subject, (void *)r->subject))
			NL_SET_ERR_MSG_ATTR(info->extack, row, "the subject has no such row");
		else
			NL_SET_ERR_MSG_ATTR(info->extack, subject, "no such subject");
	}
	if (err)
		nlmsg_free(r->skb);
	else
		err = genlmsg_reply(r->skb, info);
	kfree(r);
	return err;
}

int vexfs_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = vexfs_genl_dump_attrs(cb);
	struct nlattr *subject = attrs[VEXFS_A_STATS_SUBJECT];
	struct stats_request *r;
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_TOTALS, cb->extack);
	if (err)
		return err;
	if (subject && !vexfs_subject_walk(has_subject, nla_data(subject))) {
		NL_SET_ERR_MSG_ATTR(cb->extack, subject, "no such subject");
		return -ENOENT;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	/* Rows appear and disappear with collections. */
	cb->seq = vexfs_nl_generation();
	r->subject = subject ? nla_data(subject) : NULL;
	r->since_load = attrs[VEXFS_A_STATS_SINCE_LOAD];
	r->skip = cb->args[0];
	r->skb = skb;
	r->portid = NETLINK_CB(cb->skb).portid;
	r->seq = cb->nlh->nlmsg_seq;
	r->flags = NLM_F_MULTI;
	r->cmd = VEXFS_CMD_STATS_GET;
	r->cb = cb;
	err = vexfs_subject_walk(put_subject, r);
	cb->args[0] = r->skip;
	kfree(r);
	/* This part of the dump is full: the rest follows in the next one. */
	if (err == -EMSGSIZE && skb->len)
		err = skb->len;
	return err < 0 ? err : skb->len;
}

/* ---- for subscribers ---- */

VEXFS_TUNABLE(stats_interval_ms, 1000, 100, 3600000, "ms",
	      "Interval at which subscribers get statistics", 0644);

static void send_stats(struct work_struct *work);
static DECLARE_DELAYED_WORK(stats_work, send_stats);

/* One message per row: a slow reader loses rows, not the whole set. */
static int send_subject(struct vexfs_subject *s, void *arg)
{
	struct stats_request *r = arg;
	unsigned int i, n = s->instances();

	if (strcmp(s->name, "op"))
		return 0;
	for (i = 0; i < n; i++) {
		r->skb = vexfs_nl_alloc();
		if (!r->skb)
			return -ENOMEM;
		if (put_row(r, s, i))
			nlmsg_free(r->skb);
		else
			vexfs_nl_tell_stats(r->skb);
	}
	return 0;
}

static void send_stats(struct work_struct *work)
{
	struct stats_request *r;

	if (vexfs_nl_wants_stats()) {
		r = kzalloc(sizeof(*r), GFP_KERNEL);
		if (r) {
			r->cmd = VEXFS_CMD_STATS_NTF;
			vexfs_subject_walk(send_subject, r);
			kfree(r);
		}
	}
	queue_delayed_work(system_dfl_wq, &stats_work,
			   msecs_to_jiffies(READ_ONCE(vexfs_stats_interval_ms)));
}

void vexfs_nl_stats_init(void)
{
	queue_delayed_work(system_dfl_wq, &stats_work, HZ);
}

void vexfs_nl_stats_exit(void)
{
	cancel_delayed_work_sync(&stats_work);
}
