// SPDX-License-Identifier: GPL-2.0
/*
 * Which indexes exist, and the requests that create, build and drop the index of a collection.
 */
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph_saved.h"
#include "index/index.h"
#include "mem/pool.h"
#include "store/mutate.h"
#include "store/stream.h"

u64 vexfs_index_features(void)
{
	return VEXFS_FEATURE_GRAPH;
}

int vexfs_index_spec(const struct vexfs_create *req, struct vexfs_spec *spec)
{
	spec->index_kind = req->index;
	spec->code_bytes = vexfs_math_code_bytes(&spec->space);
	if (req->index != VEXFS_INDEX_NONE)
		return 0;
	if (req->m || req->ef_construction)
		return -EINVAL;
	if (req->code == VEXFS_CODE_NONE)
		return 0;
	if (req->code != VEXFS_CODE_I8 || !spec->code_bytes)
		return -EINVAL;
	spec->code = VEXFS_CODE_I8;
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_index_spec);

int vexfs_index_create(struct vexfs_collection *c, const struct vexfs_create *req)
{
	if (req->index == VEXFS_INDEX_NONE)
		return 0;
	if (req->index != VEXFS_INDEX_GRAPH)
		return -EINVAL;
	return vexfs_graph_attach(c, req->m, req->ef_construction, req->code, false);
}

/* The graph, for requests; it exists while index_lock is held. */
static struct vexfs_graph *graph_of(struct vexfs_collection *c)
{
	int idx = vexfs_read_lock(c);
	struct vexfs_graph *g = vexfs_graph_of(c);

	vexfs_read_unlock(c, idx);
	return g;
}

static int index_build(struct vexfs_collection *c, const struct vexfs_index_req *req)
{
	struct vexfs_graph *g = graph_of(c);
	int err;

	if (g && !vexfs_graph_like(g, req->m, req->ef_construction, req->code))
		return vexfs_graph_ready(g) ? -EEXIST : -EINVAL;
	if (!g) {
		err = vexfs_graph_attach(c, req->m, req->ef_construction, req->code, true);
		if (err)
			return err;
		g = graph_of(c);
	}
	return vexfs_graph_build(c, g);
}

/*
 * Waits for storage before the lock is taken: storage needs the lock to load a graph, which
 * it does before it attaches to the collection.
 */
static int await_storage(struct vexfs_collection *c, const struct vexfs_index_req *req)
{
	bool there = graph_of(c);
	int err;

	/* other requests change nothing that has to be stored */
	if (req->op == VEXFS_INDEX_OP_DROP ? !there : req->op != VEXFS_INDEX_OP_BUILD || there)
		return 0;
	err = vexfs_write_begin(c, 0, 0);
	if (!err)
		vexfs_write_end(c, 0);
	return err;
}

int vexfs_index_request(struct vexfs_collection *c, struct vexfs_index_req *req)
{
	struct vexfs_graph *g;
	u64 before;
	int err;

	req->seq = 0;

	if (req->op != VEXFS_INDEX_OP_BUILD && (req->m || req->ef_construction || req->code))
		return -EINVAL;
	/*
	 * One at a time. The longest of them waits until builders have finished their current
	 * vectors and readers have left.
	 */
	err = await_storage(c, req) ?: mutex_lock_interruptible(&c->index_lock);
	if (err)
		return err;
	g = graph_of(c);
	before = READ_ONCE(c->index_seq);
	switch (req->op) {
	case VEXFS_INDEX_OP_BUILD:
		err = index_build(c, req);
		break;
	case VEXFS_INDEX_OP_STOP:
		err = g ? vexfs_graph_stop(g) : -ENOENT;
		break;
	case VEXFS_INDEX_OP_DROP:
		err = g ? vexfs_graph_stop(g) : -ENOENT;
		if (!err)
			err = vexfs_index_detach(c);
		break;
	default:
		err = -EINVAL;
	}
	if (READ_ONCE(c->index_seq) != before)
		req->seq = READ_ONCE(c->index_seq);
	mutex_unlock(&c->index_lock);
	if (!err && req->seq)
		err = vexfs_durable_wait(c, req->seq, 0, false);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_index_request);

static int load_finish(struct vexfs_collection *c, struct vexfs_graph_load *req)
{
	struct vexfs_graph *g = graph_of(c);
	s64 left;

	if (!g)
		return -ENOENT;
	req->nodes = vexfs_graph_count(g);
	left = atomic64_read(&c->count) - req->nodes;
	req->left = max_t(s64, left, 0);
	return vexfs_graph_build(c, g);
}

int vexfs_index_load(struct vexfs_collection *c, struct vexfs_graph_load *req, const void *buf)
{
	int err = mutex_lock_interruptible(&c->index_lock);

	if (err)
		return err;
	switch (req->op) {
	case VEXFS_GRAPH_LOAD_BEGIN:
		err = vexfs_graph_load_begin(c, req);
		break;
	case VEXFS_GRAPH_LOAD_NODES:
		err = vexfs_graph_load(c, buf, req->len, &req->count);
		break;
	case VEXFS_GRAPH_LOAD_FINISH:
		err = load_finish(c, req);
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&c->index_lock);
	return err;
}

int vexfs_check(struct vexfs_collection *c, struct vexfs_check *check)
{
	struct vexfs_soundness *sound = vexfs_pool_alloc(sizeof(*sound), VEXFS_GFP_USER);
	u32 size = check->size;
	int err;

	if (!sound)
		return -ENOMEM;
	err = vexfs_check_store(c, sound);
	memset(check, 0, sizeof(*check));
	check->size = size;
	check->vectors = sound->vectors;
	check->faults = sound->faults;
	strscpy(check->report, sound->report, sizeof(check->report));
	vexfs_pool_free(sound, sizeof(*sound));
	return err ?: vexfs_graph_check(c, check);
}
