// SPDX-License-Identifier: GPL-2.0
/*
 * Collections over netlink: an administrator creates, changes, drops and lists them.
 * Vectors never pass here.
 */
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/vexfs.h>

#include "control/netlink.h"
#include "index/index.h"
#include "store/store.h"

static int put_place(struct sk_buff *skb, const struct vexfs_stat *st)
{
	return nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_SERIAL, st->serial,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_USER_NS, st->user_ns) ?:
	       (st->flags & VEXFS_STAT_ABANDONED ?
			nla_put_flag(skb, VEXFS_A_COLLECTION_ABANDONED) : 0);
}

static int put_counts(struct sk_buff *skb, const struct vexfs_counts *n)
{
	static const u8 attr[VEXFS_COUNTED] = {
		[VEXFS_COUNTED_OTHER] = VEXFS_A_COLLECTION_OTHERS,
		[VEXFS_COUNTED_SEARCH] = VEXFS_A_COLLECTION_SEARCHES,
		[VEXFS_COUNTED_READ] = VEXFS_A_COLLECTION_READS,
		[VEXFS_COUNTED_PUT] = VEXFS_A_COLLECTION_PUTS,
		[VEXFS_COUNTED_DELETE] = VEXFS_A_COLLECTION_DELETES,
		[VEXFS_COUNTED_ERROR] = VEXFS_A_COLLECTION_ERRORS,
	};
	unsigned int i;
	int err = 0;

	for (i = 0; i < VEXFS_COUNTED && !err; i++)
		err = nla_put_u64_64bit(skb, attr[i], n->n[i], VEXFS_A_COLLECTION_PAD);
	return err;
}

static int put_collection(struct sk_buff *skb, const struct vexfs_stat *st,
			  const struct vexfs_counts *n)
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
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_SEQ, st->seq,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_INDEX_STATE, st->index_state) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_INDEX_DONE, st->index_done,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u64_64bit(skb, VEXFS_A_COLLECTION_INDEX_BYTES, st->index_bytes,
				 VEXFS_A_COLLECTION_PAD) ?:
	       nla_put_u32(skb, VEXFS_A_COLLECTION_INDEX_ERROR, st->index_error) ?:
	       put_place(skb, st) ?:
	       put_counts(skb, n);
}

/* The name in the request, padded with zeroes as the store wants it. */
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

/* Adds the message that belongs to an error of the store. */
static int explain_error(struct genl_info *info, int err)
{
	struct nlattr *name = info->attrs[VEXFS_A_COLLECTION_NAME];

	switch (err) {
	case -ENOENT:
		NL_SET_ERR_MSG_ATTR(info->extack, name, "there is no collection of that name or number");
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

/*
 * The collection of a request, by serial number or by name, referenced. @look is what the
 * caller may read: a collection beyond that does not exist for it.
 */
static int find_collection(struct sk_buff *req, struct genl_info *info, enum vexfs_look look,
		struct vexfs_collection **out)
{
	struct nlattr *serial = info->attrs[VEXFS_A_COLLECTION_SERIAL];
	char name[VEXFS_NAME_SIZE];
	int err;

	if (serial && info->attrs[VEXFS_A_COLLECTION_NAME]) {
		NL_SET_ERR_MSG_ATTR(info->extack, serial, "a name or a serial number, not both");
		return -EINVAL;
	}
	if (serial) {
		*out = vexfs_collection_by_serial(nla_get_u64(serial));
		err = *out ? 0 : -ENOENT;
	} else {
		err = get_name(info, name);
		if (err)
			return err;
		err = vexfs_collection_open(name, look == VEXFS_LOOK_ALL ? 0 : VEXFS_MAY_READ, out);
	}
	if (!err && !vexfs_looks_at(req, look, *out)) {
		vexfs_collection_put(*out);
		err = -ENOENT;
	}
	return err ? explain_error(info, err) : 0;
}

int vexfs_nl_collection_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct vexfs_collection *c;
	struct vexfs_stat st = {};
	struct vexfs_counts n;
	struct sk_buff *skb;
	void *hdr;
	int err;

	err = vexfs_may_look(req, VEXFS_LOOK_OWN, info->extack) ?:
	      find_collection(req, info, vexfs_looks(req), &c);
	if (err)
		return err;
	vexfs_collection_stat(c, &st);
	vexfs_collection_counts(c, &n);
	vexfs_collection_put(c);
	skb = vexfs_nl_answer(info, VEXFS_CMD_COLLECTION_GET, &hdr);
	return skb ? vexfs_nl_reply(skb, hdr, info, put_collection(skb, &st, &n)) : -ENOMEM;
}

int vexfs_nl_collection_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	enum vexfs_look look = vexfs_looks(cb->skb);
	struct vexfs_collection *c;
	u64 cursor = cb->args[0];
	int err;

	err = vexfs_may_look(cb->skb, VEXFS_LOOK_OWN, cb->extack);
	if (err)
		return err;
	cb->seq = vexfs_nl_generation();
	while ((c = vexfs_collection_next(&cursor, look == VEXFS_LOOK_ALL ? VEXFS_SEE_ALL :
						   VEXFS_SEE_RUN))) {
		bool seen = vexfs_looks_at(cb->skb, look, c);
		struct vexfs_stat st = {};
		struct vexfs_counts n = {};
		void *hdr;

		if (seen) {
			vexfs_collection_stat(c, &st);
			vexfs_collection_counts(c, &n);
		}
		vexfs_collection_put(c);
		if (!seen)
			continue;
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  vexfs_family, NLM_F_MULTI,
				  VEXFS_CMD_COLLECTION_GET);
		if (!hdr)
			break;
		if (put_collection(skb, &st, &n)) {
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

/*
 * A request that waits would block registration of families, and with it generic netlink of the
 * whole machine; requests that may wait for storage are made by /dev/vexfs.
 */
static int may_not_wait(const struct vexfs_collection *c, struct genl_info *info)
{
	if (!vexfs_collection_durable(c))
		return 0;
	NL_SET_ERR_MSG(info->extack, "a durable collection is changed through " VEXFS_DEVICE);
	return -EOPNOTSUPP;
}

int vexfs_nl_collection_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct vexfs_collection *c;
	int err;

	err = vexfs_may_change(req, info->extack) ?: find_collection(req, info, VEXFS_LOOK_ALL, &c);
	if (err)
		return err;
	err = may_not_wait(c, info) ?: vexfs_collection_drop_this(c, false);
	vexfs_collection_put(c);
	return explain_error(info, err);
}

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

static int change_settings(struct vexfs_collection *c, const struct vexfs_set *set, struct nlattr *layout)
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
	int err;

	err = vexfs_may_change(req, info->extack);
	if (err)
		return err;
	get_set(info, &set);
	if (!set.what) {
		NL_SET_ERR_MSG(info->extack, "nothing to change");
		return -EINVAL;
	}
	err = find_collection(req, info, VEXFS_LOOK_ALL, &c);
	if (err)
		return err;
	err = may_not_wait(c, info) ?:
	      change_settings(c, &set, info->attrs[VEXFS_A_COLLECTION_LAYOUT]);
	vexfs_collection_put(c);
	return explain_error(info, err);
}

/* The ranges of type, metric and index were checked by the policy. */
static int get_create(struct genl_info *info, struct vexfs_create *req)
{
	struct nlattr **a = info->attrs;
	int err;

	err = get_name(info, req->name);
	if (err)
		return err;
	if (!a[VEXFS_A_COLLECTION_DIM] || !a[VEXFS_A_COLLECTION_TYPE] ||
	    !a[VEXFS_A_COLLECTION_METRIC]) {
		NL_SET_ERR_MSG(info->extack, "dimension, type and metric are needed");
		return -EINVAL;
	}
	req->dim = nla_get_u32(a[VEXFS_A_COLLECTION_DIM]);
	req->type = nla_get_u32(a[VEXFS_A_COLLECTION_TYPE]);
	req->metric = nla_get_u32(a[VEXFS_A_COLLECTION_METRIC]);
	req->mode = get_u32(info, VEXFS_A_COLLECTION_MODE, 0);
	req->attr_size = get_u32(info, VEXFS_A_COLLECTION_ATTR_SIZE, 0);
	if (a[VEXFS_A_COLLECTION_CAPACITY])
		req->capacity = nla_get_u64(a[VEXFS_A_COLLECTION_CAPACITY]);
	if (a[VEXFS_A_COLLECTION_LAYOUT])
		req->layout_len = nla_len(a[VEXFS_A_COLLECTION_LAYOUT]);
	req->index = get_u32(info, VEXFS_A_COLLECTION_INDEX, VEXFS_INDEX_NONE);
	req->m = get_u32(info, VEXFS_A_COLLECTION_M, 0);
	req->ef_construction = get_u32(info, VEXFS_A_COLLECTION_EF_CONSTRUCTION, 0);
	req->code = get_u32(info, VEXFS_A_COLLECTION_CODE, VEXFS_CODE_NONE);
	return 0;
}

/* The owner is set at creation, so that no other user can open the collection before. */
static int get_owner(struct genl_info *info, struct vexfs_owner *owner)
{
	struct nlattr *uid = info->attrs[VEXFS_A_COLLECTION_UID];
	struct nlattr *gid = info->attrs[VEXFS_A_COLLECTION_GID];

	owner->uid = uid ? make_kuid(current_user_ns(), nla_get_u32(uid)) : current_fsuid();
	owner->gid = gid ? make_kgid(current_user_ns(), nla_get_u32(gid)) : current_fsgid();
	if (!uid_valid(owner->uid)) {
		NL_SET_ERR_MSG_ATTR(info->extack, uid, "there is no such user here");
		return -EINVAL;
	}
	if (!gid_valid(owner->gid)) {
		NL_SET_ERR_MSG_ATTR(info->extack, gid, "there is no such group here");
		return -EINVAL;
	}
	return 0;
}

int vexfs_nl_collection_new_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *layout = info->attrs[VEXFS_A_COLLECTION_LAYOUT];
	struct vexfs_create create = {};
	struct vexfs_collection *c;
	struct vexfs_owner owner;
	int err;

	err = vexfs_may_change(req, info->extack) ?: get_create(info, &create) ?:
	      get_owner(info, &owner);
	if (err)
		return err;
	err = vexfs_index_collection(&create, layout ? nla_data(layout) : NULL, &owner, &c);
	if (!err)
		vexfs_collection_put(c);
	return explain_error(info, err);
}
