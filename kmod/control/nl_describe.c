// SPDX-License-Identifier: GPL-2.0
/*
 * What an exporter needs beside the rows of statistics: the meaning of every counter,
 * from the tables that the counters come from, and the latency histograms of the ops,
 * cut coarsely enough for a message.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "control/netlink.h"
#include "stat/counter.h"
#include "stat/hist.h"
#include "stat/op.h"

/* An octave of a histogram goes out as so many buckets. */
#define PARTS		4u
#define PART_BUCKETS	(VEXFS_HIST_SUB / PARTS)
#define LATENCY_BUCKETS	(VEXFS_HIST_OCTAVES * PARTS)

/**
 * struct walk - a dump of the tables
 * @skb: the answer
 * @cb: state of the dump
 * @skip: counters already sent
 * @seen: counters walked over
 */
struct walk {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	unsigned long skip;
	unsigned long seen;
};

static void *dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, vexfs_family,
			   NLM_F_MULTI, cmd);
}

static int put_doc(struct walk *w, const struct vexfs_subject *s, const struct vexfs_counter *c)
{
	void *hdr = dump_put(w->skb, w->cb, VEXFS_CMD_COUNTER_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_string(w->skb, VEXFS_A_COUNTER_DOC_SUBJECT, s->name) ||
	    nla_put_string(w->skb, VEXFS_A_COUNTER_DOC_SUBJECT_DOC, s->doc) ||
	    nla_put_string(w->skb, VEXFS_A_COUNTER_DOC_NAME, c->name) ||
	    nla_put_string(w->skb, VEXFS_A_COUNTER_DOC_UNIT, c->unit) ||
	    nla_put_string(w->skb, VEXFS_A_COUNTER_DOC_DOC, c->doc) ||
	    (c->kind == VEXFS_GAUGE && nla_put_flag(w->skb, VEXFS_A_COUNTER_DOC_GAUGE))) {
		genlmsg_cancel(w->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(w->skb, hdr);
	return 0;
}

static int put_docs(struct vexfs_subject *s, void *arg)
{
	struct walk *w = arg;
	unsigned int i;
	int err;

	for (i = 0; i < s->counters_n; i++) {
		if (w->seen++ < w->skip)
			continue;
		err = put_doc(w, s, &s->counters[i]);
		if (err)
			return err;
		w->skip++;
	}
	return 0;
}

int vexfs_nl_counter_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct walk w = { .skb = skb, .cb = cb, .skip = cb->args[0] };
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_TOTALS, cb->extack);
	if (err)
		return err;
	err = vexfs_subject_walk(put_docs, &w);
	cb->args[0] = w.skip;
	return err && !skb->len ? err : skb->len;
}

static unsigned int coarsen(const struct vexfs_hist_data *hist, u64 *buckets)
{
	unsigned int i, n = 0;

	memset(buckets, 0, LATENCY_BUCKETS * sizeof(*buckets));
	for (i = 0; i < VEXFS_HIST_BUCKETS; i++) {
		buckets[i / PART_BUCKETS] += hist->bucket[i];
		if (hist->bucket[i])
			n = i / PART_BUCKETS + 1;
	}
	return n;
}

static int put_latency(struct sk_buff *skb, struct netlink_callback *cb, unsigned int kind,
		       struct vexfs_hist_data *hist, u64 *buckets)
{
	struct vexfs_op_stats st;
	unsigned int n;
	void *hdr;
	int err;

	err = vexfs_op_read(kind, false, &st, hist);
	if (err)
		return err;
	hdr = dump_put(skb, cb, VEXFS_CMD_LATENCY_GET);
	if (!hdr)
		return -EMSGSIZE;
	n = coarsen(hist, buckets);
	if (nla_put_string(skb, VEXFS_A_LATENCY_OP, vexfs_op_name(kind)) ||
	    nla_put_string(skb, VEXFS_A_LATENCY_CLASS, vexfs_class_name(vexfs_op_class(kind))) ||
	    nla_put_u64_64bit(skb, VEXFS_A_LATENCY_COUNT, hist->count, VEXFS_A_LATENCY_PAD) ||
	    nla_put_u64_64bit(skb, VEXFS_A_LATENCY_SUM_NS, st.ns, VEXFS_A_LATENCY_PAD) ||
	    nla_put(skb, VEXFS_A_LATENCY_BUCKETS, n * sizeof(*buckets), buckets)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int vexfs_nl_latency_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vexfs_hist_data *hist;
	u64 *buckets;
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_TOTALS, cb->extack);
	if (err)
		return err;
	hist = vexfs_hist_data_new();
	buckets = kcalloc(LATENCY_BUCKETS, sizeof(*buckets), GFP_KERNEL);
	err = hist && buckets ? 0 : -ENOMEM;
	for (; !err && cb->args[0] < VEXFS_OP_KINDS; cb->args[0]++) {
		err = put_latency(skb, cb, cb->args[0], hist, buckets);
		if (err)
			break;
	}
	kfree(buckets);
	kvfree(hist);
	return err && !skb->len ? err : skb->len;
}
