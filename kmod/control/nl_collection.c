// SPDX-License-Identifier: GPL-2.0
/*
 * Collections over netlink: made, changed, dropped and listed by whoever runs
 * the machine. Vectors never pass here.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vexfs.h>

#include "control/netlink.h"
#include "index/index.h"
#include "store/store.h"

static int put_collection(struct sk_buff *skb, const struct vexfs_stat *st)
{
	return nla_put_string(skb, VEXFS_A_COLLECTION_NAME, st->name) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_DIM, st->dim) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_TYPE, st->type) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_METRIC, st->metric) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_INDEX, st->index) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_MODE, st->mode) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_UID, st->uid) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_GID, st->gid) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_ATTR_SIZE, st->attr_size) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_CAPACITY, st->capacity,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_M, st->m) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_EF_CONSTRUCTION, st->ef_construction) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_CODE, st->code) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_COUNT, st->count,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_BYTES, st->bytes,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_ROW_BYTES, st->row_bytes) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_STRIDE, st->stride) ?:
	       nla_put_s64(skb, VEXFS_A_COLLECTION_CREATED, st->created,
			   VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_GENERATION, st->generation,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_INDEX_STATE, st->index_state) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_INDEX_DONE, st->index_done,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_INDEX_BYTES, st->index_bytes,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_INDEX_ERROR, st->index_error);
}

/* A name of the request as the store wants it: zeroes to the end. */
static int get_name(struct genl_info *info, char name[VEXFS_NAME_SIZE])
{
	if (!info->attrs[VEXFS_A_COLLECTION_NAME]) {
		NL_SET_ERR_MSG(info->extack, "which collection? the name is missing");
		return -EINVAL;
	}
	memset(name, 0, VEXFS_NAME_SIZE);
	nla_strscpy(name, info->attrs[VEXFS_A_COLLECTION_NAME], VEXFS_NAME_SIZE);
	return 0;
}

/* Says in words what the store found wrong. */
static int explain(struct genl_info *info, int err)
{
	struct nlattr *name = info->attrs[VEXFS_A_COLLECTION_NAME];

	switch (err) {
	case -ENOENT:
		NL_SET_ERR_MSG_ATTR(info->extack, name, "there is no collection of that name");
		break;
	case -EEXIST:
		NL_SET_ERR_MSG_ATTR(info->extack, name, "a collection of that name exists");
		break;
	case -EACCES:
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "owner and mode of the collection do not allow it");
		break;
	case -ENOSPC:
		NL_SET_ERR_MSG(info->extack, "a limit is reached: quota, capacity or collections");
		break;
	case -EINVAL:
		NL_SET_ERR_MSG(info->extack, "name, dimension, type and metric do not go together");
		break;
	}
	return err;
}

int vexfs_nl_collection_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct vexfs_collection *c;
	char name[VEXFS_NAME_SIZE];
	struct vexfs_stat st = {};
	struct sk_buff *skb;
	void *hdr;
	int err;

	err = vexfs_nl_may_look(req, info->extack) ?: get_name(info, name);
	if (err)
		return err;
	err = vexfs_collection_open(name, VEXFS_MAY_READ, &c);
	if (err)
		return explain(info, err);
	vexfs_collection_stat(c, &st);
	vexfs_collection_put(c);
	skb = vexfs_nl_answer(info, VEXFS_CMD_COLLECTION_GET, &hdr);
	return skb ? vexfs_nl_reply(skb, hdr, info, put_collection(skb, &st)) : -ENOMEM;
}

int vexfs_nl_collection_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	bool all = netlink_ns_capable(cb->skb, &init_user_ns, CAP_SYS_ADMIN);
	struct vexfs_collection *c;
	u64 cursor = cb->args[0];
	int err;

	err = vexfs_nl_may_look(cb->skb, cb->extack);
	if (err)
		return err;
	cb->seq = vexfs_nl_generation();
	while ((c = vexfs_collection_next(&cursor, all))) {
		struct vexfs_stat st = {};
		void *hdr;

		vexfs_collection_stat(c, &st);
		vexfs_collection_put(c);
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  vexfs_family, NLM_F_MULTI,
				  VEXFS_CMD_COLLECTION_GET);
		if (!hdr)
			break;
		if (put_collection(skb, &st)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genl_dump_check_consistent(cb, hdr);
		genlmsg_end(skb, hdr);
		cb->args[0] = cursor;
	}
	return skb->len;
}

static u32 get_u32(struct genl_info *info, int attr, u32 otherwise)
{
	return info->attrs[attr] ? nla_get_u32(info->attrs[attr]) : otherwise;
}

int vexfs_nl_collection_del_doit(struct sk_buff *req, struct genl_info *info)
{
	char name[VEXFS_NAME_SIZE];
	int err;

	err = vexfs_nl_may_change(req, info->extack) ?: get_name(info, name);
	return err ? err : explain(info, vexfs_collection_drop(name));
}

/* Owner and group are given after the fact, for they start as the caller's. */
static void get_set(struct genl_info *info, struct vexfs_set *set)
{
	struct nlattr **a = info->attrs;

	set->size = sizeof(*set);
	if (a[VEXFS_A_COLLECTION_MODE]) {
		set->what |= VEXFS_SET_MODE;
		set->mode = nla_get_u32(a[VEXFS_A_COLLECTION_MODE]);
	}
	if (a[VEXFS_A_COLLECTION_UID]) {
		set->what |= VEXFS_SET_UID;
		set->uid = nla_get_u32(a[VEXFS_A_COLLECTION_UID]);
	}
	if (a[VEXFS_A_COLLECTION_GID]) {
		set->what |= VEXFS_SET_GID;
		set->gid = nla_get_u32(a[VEXFS_A_COLLECTION_GID]);
	}
	if (a[VEXFS_A_COLLECTION_CAPACITY]) {
		set->what |= VEXFS_SET_CAPACITY;
		set->capacity = nla_get_u64(a[VEXFS_A_COLLECTION_CAPACITY]);
	}
	if (a[VEXFS_A_COLLECTION_LAYOUT]) {
		set->what |= VEXFS_SET_LAYOUT;
		set->layout_len = nla_len(a[VEXFS_A_COLLECTION_LAYOUT]);
	}
}

static int change(struct vexfs_collection *c, const struct vexfs_set *set, struct nlattr *layout)
{
	struct vexfs_mutation m = {
		.op = VEXFS_MUTATE_SET,
		.set = set,
		.set_layout = layout ? nla_data(layout) : NULL,
	};

	return vexfs_mutate(c, &m);
}

int vexfs_nl_collection_set_doit(struct sk_buff *req, struct genl_info *info)
{
	struct vexfs_set set = {};
	struct vexfs_collection *c;
	char name[VEXFS_NAME_SIZE];
	int err;

	err = vexfs_nl_may_change(req, info->extack) ?: get_name(info, name);
	if (err)
		return err;
	get_set(info, &set);
	if (!set.what) {
		NL_SET_ERR_MSG(info->extack, "nothing to change");
		return -EINVAL;
	}
	err = vexfs_collection_open(name, 0, &c);
	if (err)
		return explain(info, err);
	err = change(c, &set, info->attrs[VEXFS_A_COLLECTION_LAYOUT]);
	vexfs_collection_put(c);
	return explain(info, err);
}

static void get_index(struct genl_info *info, struct vexfs_create *req)
{
	req->index = get_u32(info, VEXFS_A_COLLECTION_INDEX, VEXFS_INDEX_NONE);
	req->m = get_u32(info, VEXFS_A_COLLECTION_M, 0);
	req->ef_construction = get_u32(info, VEXFS_A_COLLECTION_EF_CONSTRUCTION, 0);
	req->code = get_u32(info, VEXFS_A_COLLECTION_CODE, VEXFS_CODE_NONE);
}

static int get_spec(struct genl_info *info, struct vexfs_spec *spec)
{
	struct nlattr **a = info->attrs;
	int err;

	err = get_name(info, spec->name);
	if (err)
		return err;
	if (!a[VEXFS_A_COLLECTION_DIM] || !a[VEXFS_A_COLLECTION_TYPE] ||
	    !a[VEXFS_A_COLLECTION_METRIC]) {
		NL_SET_ERR_MSG(info->extack, "dimension, type and metric are needed");
		return -EINVAL;
	}
	err = vexfs_space_init(&spec->space, nla_get_u32(a[VEXFS_A_COLLECTION_TYPE]),
			       nla_get_u32(a[VEXFS_A_COLLECTION_METRIC]),
			       nla_get_u32(a[VEXFS_A_COLLECTION_DIM]));
	if (err)
		return explain(info, err);
	spec->mode = get_u32(info, VEXFS_A_COLLECTION_MODE, 0) ?: 0600;
	spec->attr_size = get_u32(info, VEXFS_A_COLLECTION_ATTR_SIZE, 0);
	if (a[VEXFS_A_COLLECTION_CAPACITY])
		spec->capacity = nla_get_u64(a[VEXFS_A_COLLECTION_CAPACITY]);
	if (a[VEXFS_A_COLLECTION_LAYOUT]) {
		spec->layout = nla_data(a[VEXFS_A_COLLECTION_LAYOUT]);
		spec->layout_len = nla_len(a[VEXFS_A_COLLECTION_LAYOUT]);
	}
	return 0;
}

int vexfs_nl_collection_new_doit(struct sk_buff *req, struct genl_info *info)
{
	struct vexfs_create req_index = {};
	struct vexfs_spec spec = {};
	struct vexfs_set set = {};
	struct vexfs_collection *c;
	int err;

	err = vexfs_nl_may_change(req, info->extack) ?: get_spec(info, &spec);
	if (err)
		return err;
	get_set(info, &set);
	set.what &= VEXFS_SET_UID | VEXFS_SET_GID;
	get_index(info, &req_index);
	err = vexfs_index_spec(&req_index, &spec) ?: vexfs_collection_create(&spec, &c);
	if (err)
		return explain(info, err);
	err = vexfs_index_create(c, &req_index) ?: vexfs_collection_publish(c);
	/* The owner of a collection that nobody knows yet is nobody's business. */
	if (!err && set.what)
		err = change(c, &set, NULL);
	vexfs_collection_put(c);
	return explain(info, err);
}
