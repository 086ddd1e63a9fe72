// SPDX-License-Identifier: GPL-2.0
/*
 * Saving a graph and loading it, as requests.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "data/handlers.h"
#include "index/graph_saved.h"
#include "index/index.h"
#include "mem/pool.h"
#include "mem/user.h"

int vexfs_handle_graph_save(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_READ);
	struct vexfs_graph_save *req = &r->h.graph_save;
	u32 len = req->len, at = 0;
	int n = 0, err = 0;
	void *buf;

	static_assert(VEXFS_GRAPH_SAVE_MIN == VEXFS_GRAPH_SAVED_BYTES);
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (req->flags || len < VEXFS_GRAPH_SAVE_MIN)
		return -EINVAL;
	buf = vexfs_op_alloc(&r->op, VEXFS_GRAPH_SAVED_BYTES, VEXFS_GFP_USER);
	if (!buf)
		return -ENOMEM;
	req->count = 0;
	do {
		n = vexfs_graph_save(c, req, buf);
		err = n < 0 ? n : vexfs_copy_out(r, req->buf + at, buf, n);
		if (!err)
			at += n;
		cond_resched();
		/* what has been written so far is a valid result */
	} while (!err && req->cursor && len - at >= VEXFS_GRAPH_SAVED_BYTES &&
		 !vexfs_request_interrupted(r));
	vexfs_pool_free(buf, VEXFS_GRAPH_SAVED_BYTES);
	req->len = at;
	return err;
}

int vexfs_handle_graph_load(struct vexfs_request *r)
{
	struct vexfs_collection *c = vexfs_client_collection(r->client, VEXFS_MAY_WRITE);
	struct vexfs_graph_load *req = &r->h.graph_load;
	bool nodes = req->op == VEXFS_GRAPH_LOAD_NODES;
	void *buf = NULL;
	int err = 0;

	if (IS_ERR(c))
		return PTR_ERR(c);
	if (nodes ? !req->len || req->len > VEXFS_GRAPH_LOAD_MAX : req->len || req->buf)
		return -EINVAL;
	if (req->op != VEXFS_GRAPH_LOAD_BEGIN &&
	    (req->m || req->ef_construction || req->code || req->scale))
		return -EINVAL;
	if (nodes) {
		buf = vexfs_user_alloc(req->len, VEXFS_GFP_USER);
		if (!buf)
			return -ENOMEM;
		err = vexfs_copy_in(r, buf, req->buf, req->len);
	}
	if (!err)
		err = vexfs_index_load(c, req, buf);
	kvfree(buf);
	return err;
}
