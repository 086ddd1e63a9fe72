// SPDX-License-Identifier: GPL-2.0
/*
 * Collections as a whole: info, create, attach, drop, list, stat, set, check, index. No
 * vectors pass here.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "index/index.h"
#include "math/variant.h"
#include "mem/pool.h"

/* ---- info, create, attach, drop ---- */

int vexfs_handle_info(struct vexfs_request *r)
{
	struct vexfs_info *info = &r->h.info;

	*info = (struct vexfs_info){
		.size = info->size,
		.abi = VEXFS_ABI,
		.features = VEXFS_FEATURE_FILTER | vexfs_index_features(),
	};
	strscpy(info->version, VEXFS_VERSION, sizeof(info->version));
	strscpy(info->simd, vexfs_variant()->name, sizeof(info->simd));
	return 0;
}

/* Checks members that only a collection that is being restored may set. */
static int restore_valid(const struct vexfs_create *req)
{
	if (!(req->flags & VEXFS_CREATE_RESTORE))
		return req->uid || req->gid || req->seq || req->created ? -EINVAL : 0;
	if (req->flags & VEXFS_CREATE_DETACHED || req->durability == VEXFS_DURABILITY_NONE)
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* A new collection as the request describes it, published and referenced. */
static int create_collection(struct vexfs_request *r, struct vexfs_collection **out)
{
	struct vexfs_create *req = &r->h.create;
	bool restore = req->flags & VEXFS_CREATE_RESTORE;
	struct vexfs_owner owner;
	const void *text = NULL;
	void *layout;
	int err;

	if (restore) {
		owner.uid = make_kuid(current_user_ns(), req->uid);
		owner.gid = make_kgid(current_user_ns(), req->gid);
	}

	layout = vexfs_pool_alloc(VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
	if (!layout)
		return -ENOMEM;
	if (req->layout_len)
		text = vexfs_read_at(r, layout, req->layout, req->layout_len);
	err = PTR_ERR_OR_ZERO(text);
	if (!err)
		err = vexfs_index_collection(req, text, restore ? &owner : NULL, out);
	vexfs_pool_free(layout, VEXFS_LAYOUT_MAX);
	return err;
}

int vexfs_handle_create(struct vexfs_request *r)
{
	const struct vexfs_create *req = &r->h.create;
	bool attach = !(req->flags & VEXFS_CREATE_DETACHED);
	struct vexfs_collection *c;
	int err;

	if (attach && READ_ONCE(r->client->c))
		return -EBUSY;
	if (req->flags & ~(VEXFS_CREATE_DETACHED | VEXFS_CREATE_RESTORE) || req->pad0 ||
	    req->pad1)
		return -EINVAL;
	err = restore_valid(req);
	if (err)
		return err;
	if (req->layout_len > VEXFS_LAYOUT_MAX)
		return -E2BIG;
	err = create_collection(r, &c);
	if (err)
		return err;
	if (attach)
		err = vexfs_client_attach(r->client, c, r->client->opened);
	if (err)
		vexfs_collection_undo(c);
	if (err || !attach)
		vexfs_collection_put(c);
	return err;
}

int vexfs_handle_attach(struct vexfs_request *r)
{
	const struct vexfs_attach *req = &r->h.attach;
	struct vexfs_collection *c;
	u32 may;
	int err;

	if (req->flags & ~(VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE | VEXFS_ATTACH_SERIAL))
		return -EINVAL;
	if (req->flags & VEXFS_ATTACH_SERIAL ? !!memchr_inv(req->name, 0, sizeof(req->name)) :
					       !!req->serial)
		return -EINVAL;
	may = (req->flags & VEXFS_ATTACH_READ ? VEXFS_MAY_READ : 0) |
	      (req->flags & VEXFS_ATTACH_WRITE ? VEXFS_MAY_WRITE : 0);
	if (!may)
		return -EINVAL;
	if (READ_ONCE(r->client->c))
		return -EBUSY;
	if (may & ~r->client->opened)
		err = -EACCES;
	else if (req->flags & VEXFS_ATTACH_SERIAL)
		err = vexfs_collection_open_serial(req->serial, may, &c);
	else
		err = vexfs_collection_open(req->name, may, &c);
	if (err)
		return err;
	err = vexfs_client_attach(r->client, c, may);
	if (err)
		vexfs_collection_put(c);
	return err;
}

int vexfs_handle_drop(struct vexfs_request *r)
{
	const struct vexfs_drop *req = &r->h.drop;

	bool empty = req->flags & VEXFS_DROP_EMPTY;

	if (req->flags & ~(VEXFS_DROP_SERIAL | VEXFS_DROP_EMPTY))
		return -EINVAL;
	if (!(req->flags & VEXFS_DROP_SERIAL))
		return req->serial ? -EINVAL : vexfs_collection_drop(req->name, empty);
	return memchr_inv(req->name, 0, sizeof(req->name)) ? -EINVAL :
		vexfs_collection_drop_serial(req->serial, empty);
}

/* ---- list ---- */

/* A row of the list, in as many bytes as the program's rows have. */
static int list_row(struct vexfs_collection *c, u64 row, u32 row_bytes)
{
	struct vexfs_stat st;
	u32 known = min_t(u32, row_bytes, sizeof(st));

	vexfs_collection_stat(c, &st);
	st.layout_len = 0;
	if (copy_to_user(u64_to_user_ptr(row), &st, known))
		return -EFAULT;
	return clear_user(u64_to_user_ptr(row + known), row_bytes - known) ? -EFAULT : 0;
}

int vexfs_handle_list(struct vexfs_request *r)
{
	struct vexfs_list *req = &r->h.list;
	enum vexfs_see see = req->flags & VEXFS_LIST_ALL ? VEXFS_SEE_RUN : VEXFS_SEE_READABLE;
	u64 cursor = req->cursor;
	u32 n = 0;
	int err = 0;

	if (req->flags & ~(VEXFS_LIST_ALL | VEXFS_LIST_UNSTORED) || req->stat_size < sizeof(u32))
		return -EINVAL;
	if (req->flags & VEXFS_LIST_UNSTORED) {
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		see = VEXFS_SEE_UNSTORED;
	}
	if (req->stat_size > PAGE_SIZE)
		return -E2BIG;
	if (!req->count)
		return -EINVAL;
	while (n < req->count && !err) {
		struct vexfs_collection *c = vexfs_collection_next(&cursor, see);

		if (!c) {
			cursor = 0;
			break;
		}
		err = list_row(c, vexfs_at(req->stats, n, req->stat_size), req->stat_size);
		vexfs_collection_put(c);
		n++;
		/* what has been written so far is a valid result */
		if (!err && vexfs_request_interrupted(r))
			break;
	}
	if (err)
		return err;
	r->op.items = n;
	req->count = n;
	req->cursor = cursor;
	return 0;
}

/* ---- stat ---- */

int vexfs_handle_stat(struct vexfs_request *r)
{
	/* also says of a dropped collection that it is */
	struct vexfs_collection *c = smp_load_acquire(&r->client->c);
	struct vexfs_stat *st = &r->h.stat;
	u32 size = st->size, max = min(st->layout_len, VEXFS_LAYOUT_MAX);
	u64 layout = st->layout;
	void *buf;
	u32 len;
	int err = 0;

	if (!c)
		return -ENOTCONN;
	if (st->flags || st->pad0)
		return -EINVAL;
	vexfs_collection_stat(c, st);
	st->size = size;
	st->layout = layout;
	if (!layout || !max)
		return 0;
	buf = vexfs_op_alloc(&r->op, VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
	if (!buf)
		return -ENOMEM;
	len = vexfs_collection_layout(c, buf, max);
	st->layout_len = len;
	err = vexfs_copy_out(r, layout, buf, min(len, max));
	vexfs_pool_free(buf, VEXFS_LAYOUT_MAX);
	return err;
}

/* ---- set ---- */

int vexfs_handle_set(struct vexfs_request *r)
{
	/* permission is checked against the collection's owner as it is now */
	struct vexfs_collection *c = vexfs_client_collection(r->client, 0);
	struct vexfs_set *req = &r->h.set;
	struct vexfs_mutation m = { .op = VEXFS_MUTATE_SET, .set = req };
	const u32 known = VEXFS_SET_MODE | VEXFS_SET_UID | VEXFS_SET_GID | VEXFS_SET_CAPACITY |
			  VEXFS_SET_LAYOUT | VEXFS_SET_DURABILITY;
	void *layout = NULL;
	int err = 0;

	if (IS_ERR(c))
		return PTR_ERR(c);
	req->seq = 0;
	if (!req->what || req->what & ~known || req->pad1)
		return -EINVAL;
	if (req->durability && !(req->what & VEXFS_SET_DURABILITY))
		return -EINVAL;
	if ((req->what & VEXFS_SET_LAYOUT) && req->layout_len) {
		if (req->layout_len > VEXFS_LAYOUT_MAX)
			return -E2BIG;
		layout = vexfs_op_alloc(&r->op, VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
		if (!layout)
			return -ENOMEM;
		err = vexfs_copy_in(r, layout, req->layout, req->layout_len);
		m.set_layout = layout;
	}
	if (!err)
		err = vexfs_mutate(c, &m);
	req->seq = m.seq;
	vexfs_pool_free(layout, VEXFS_LAYOUT_MAX);
	return err;
}

/* ---- check and index ---- */

int vexfs_handle_check(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);

	if (IS_ERR(c))
		return PTR_ERR(c);
	return r->h.check.flags ? -EINVAL : vexfs_check(c, &r->h.check);
}

int vexfs_handle_index(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_WRITE);

	if (IS_ERR(c))
		return PTR_ERR(c);
	return r->h.index.pad ? -EINVAL : vexfs_index_request(c, &r->h.index);
}
