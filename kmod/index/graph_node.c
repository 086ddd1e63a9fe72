// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes and links: allocates the graph's part of an extent, and is the only
 * place that adds and takes away a link. It keeps both ends in step and knows
 * nothing about which links are good.
 */
#include <linux/mm.h>
#include <linux/string.h>

#include "index/graph_node.h"

static spinlock_t *lock_of(struct vexfs_graph *g, u32 slot)
{
	return &g->locks[(slot * 0x9e3779b1u >> 16) & (GRAPH_LOCKS - 1)];
}

void vexfs_graph_pair_lock(struct vexfs_graph *g, u32 a, u32 b)
{
	spinlock_t *la = lock_of(g, a), *lb = lock_of(g, b);

	if (la == lb) {
		spin_lock(la);
		return;
	}
	if (la > lb)
		swap(la, lb);
	spin_lock(la);
	spin_lock_nested(lb, SINGLE_DEPTH_NESTING);
}

void vexfs_graph_pair_unlock(struct vexfs_graph *g, u32 a, u32 b)
{
	spinlock_t *la = lock_of(g, a), *lb = lock_of(g, b);

	spin_unlock(la);
	if (la != lb)
		spin_unlock(lb);
}

static int find_link(const u32 *list, u32 n, u32 slot)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (list[i] == slot)
			return i;
	return -1;
}

static void out_add(struct graph_list *l, u32 slot, u32 key)
{
	l->keys[*l->n] = key;
	/* The data of @slot must be visible before the link to it. */
	smp_store_release(&l->links[*l->n], slot);
	(*l->n)++;
}

static void out_del(struct graph_list *l, u32 i)
{
	u32 last = *l->n - 1;

	/* A reader may see the last link twice, or end one link early. */
	WRITE_ONCE(l->links[i], l->links[last]);
	l->keys[i] = l->keys[last];
	WRITE_ONCE(l->links[last], VEXFS_NO_SLOT);
	*l->n = last;
}

static void in_add(struct graph_list *l, u32 slot)
{
	l->in[(*l->nr)++] = slot;
}

static void in_del(struct graph_list *l, u32 slot)
{
	int i = find_link(l->in, *l->nr, slot);

	if (WARN_ON_ONCE(i < 0))
		return;
	l->in[i] = l->in[--*l->nr];
}

/* Below, both ends are locked. */

bool vexfs_graph_linked(const struct vexfs_graph *g, u32 from, u32 to, u32 level)
{
	struct graph_list l;

	vexfs_graph_list(g, from, level, &l);
	return find_link(l.links, *l.n, to) >= 0;
}

bool vexfs_graph_tree_edge(const struct vexfs_graph *g, u32 a, u32 b)
{
	return READ_ONCE(vexfs_graph_node(g, a)->parent) == b ||
	       READ_ONCE(vexfs_graph_node(g, b)->parent) == a;
}

/*
 * Links @a and @b both ways; false when there is no room, or when one of them
 * is leaving.
 */
bool vexfs_graph_link_both(struct vexfs_graph *g, u32 a, u32 b, u32 key, u32 level)
{
	struct graph_list la, lb;
	bool ab, ba;

	if (!vexfs_graph_present(g, a) || !vexfs_graph_present(g, b))
		return false;
	vexfs_graph_list(g, a, level, &la);
	vexfs_graph_list(g, b, level, &lb);
	ab = find_link(la.links, *la.n, b) >= 0;
	ba = find_link(lb.links, *lb.n, a) >= 0;
	if ((!ab && *la.n == la.cap) || (!ba && *lb.n == lb.cap))
		return false;
	if (ab && ba)
		return true;
	if (ab)
		in_del(&lb, a);
	if (ba)
		in_del(&la, b);
	if (!ab)
		out_add(&la, b, key);
	if (!ba)
		out_add(&lb, a, key);
	return true;
}

/* Links @from to @to, one way unless the other exists. */
bool vexfs_graph_link_one(struct vexfs_graph *g, u32 from, u32 to, u32 key, u32 level)
{
	struct graph_list lf, lt;

	if (!vexfs_graph_present(g, from) || !vexfs_graph_present(g, to))
		return false;
	vexfs_graph_list(g, from, level, &lf);
	vexfs_graph_list(g, to, level, &lt);
	if (find_link(lf.links, *lf.n, to) >= 0)
		return true;
	if (*lf.n == lf.cap)
		return false;
	if (find_link(lt.links, *lt.n, from) >= 0) {
		in_del(&lf, to);
	} else {
		if (*lt.nr == lt.cap)
			return false;
		in_add(&lt, from);
	}
	out_add(&lf, to, key);
	return true;
}

/*
 * Takes the link from @from to @to away, if it is there. The way back stays as a
 * one-way link when @from has room to remember it. Tree edges are the caller's
 * business.
 */
void vexfs_graph_unlink(struct vexfs_graph *g, u32 from, u32 to, u32 level)
{
	struct graph_list lf, lt;
	int i, back;

	vexfs_graph_list(g, from, level, &lf);
	vexfs_graph_list(g, to, level, &lt);
	i = find_link(lf.links, *lf.n, to);
	if (i < 0)
		return;
	out_del(&lf, i);
	back = find_link(lt.links, *lt.n, from);
	if (back < 0)
		in_del(&lt, from);
	else if (*lf.nr < lf.cap)
		in_add(&lf, to);
	else
		out_del(&lt, back);
}

/* Copies a list; with the node locked, the copy is consistent. */
u32 vexfs_graph_snapshot(const struct vexfs_graph *g, u32 slot, u32 level, u32 *links, u32 *keys)
{
	struct graph_list l;
	u32 n;

	vexfs_graph_list(g, slot, level, &l);
	n = *l.n;
	memcpy(links, l.links, n * sizeof(*links));
	if (keys)
		memcpy(keys, l.keys, n * sizeof(*keys));
	return n;
}

/* Lists the nodes that point at @slot: one-way links first, then mutual ones. */
u32 vexfs_graph_snapshot_in(struct vexfs_graph *g, u32 slot, u32 level, u32 *in)
{
	struct graph_list l;
	u32 links[GRAPH_LIST_MAX];
	u32 i, n, nr;

	vexfs_graph_pair_lock(g, slot, slot);
	vexfs_graph_list(g, slot, level, &l);
	nr = *l.nr;
	memcpy(in, l.in, nr * sizeof(*in));
	n = *l.n;
	memcpy(links, l.links, n * sizeof(*links));
	vexfs_graph_pair_unlock(g, slot, slot);
	for (i = 0; i < n; i++) {
		vexfs_graph_pair_lock(g, slot, links[i]);
		if (vexfs_graph_linked(g, links[i], slot, level))
			in[nr++] = links[i];
		vexfs_graph_pair_unlock(g, slot, links[i]);
	}
	return nr;
}

static size_t ext_bytes(const struct vexfs_graph *g, u32 nrows)
{
	size_t bytes = sizeof(struct graph_ext) +
		       (size_t)nrows * (3 * g->cap * sizeof(u32) + sizeof(struct graph_node));

	if (g->code)
		bytes += (size_t)nrows * (g->sp.stride + sizeof(u32));
	return bytes;
}

/* The extent of @slot gets its part of the graph, if it has none yet. */
int vexfs_graph_ext_ensure(struct vexfs_graph *g, u32 slot)
{
	struct vexfs_extent *e = vexfs_extent(g->c, slot);
	struct graph_ext *ge;
	size_t lists, nodes;
	int err = 0;

	if (likely(vexfs_graph_ext_of(e)))
		return 0;
	mutex_lock(&g->ext_lock);
	if (e->index)
		goto unlock;
	err = -ENOMEM;
	ge = kzalloc(sizeof(*ge), VEXFS_GFP_USER);
	if (!ge)
		goto unlock;
	ge->nrows = e->nrows;
	ge->bytes = ext_bytes(g, e->nrows);
	err = vexfs_collection_charge(g->c, ge->bytes);
	if (err) {
		kfree(ge);
		goto unlock;
	}
	lists = (size_t)e->nrows * g->cap * sizeof(u32);
	nodes = (size_t)e->nrows * sizeof(*ge->nodes);
	ge->links = vexfs_user_alloc(lists, VEXFS_GFP_USER);
	ge->keys = vexfs_user_alloc(lists, VEXFS_GFP_USER);
	ge->in = vexfs_user_alloc(lists, VEXFS_GFP_USER);
	ge->nodes = vexfs_user_alloc(nodes, VEXFS_GFP_USER | __GFP_ZERO);
	ge->rows = e->rows;
	ge->aux = e->aux;
	if (g->code) {
		ge->codes = vexfs_user_alloc((size_t)e->nrows * g->sp.stride, VEXFS_GFP_USER);
		ge->code_aux = vexfs_user_alloc(e->nrows * sizeof(u32), VEXFS_GFP_USER | __GFP_ZERO);
		ge->rows = ge->codes;
		ge->aux = ge->code_aux;
	}
	if (!ge->links || !ge->keys || !ge->in || !ge->nodes ||
	    (g->code && (!ge->codes || !ge->code_aux))) {
		vexfs_collection_uncharge(g->c, ge->bytes);
		ge->bytes = 0;
		vexfs_graph_ext_free(g, ge);
		err = -ENOMEM;
		goto unlock;
	}
	memset(ge->links, 0xff, lists);
	atomic64_add(ge->bytes, &g->bytes);
	vexfs_index_part_add(&g->ref, e, &ge->part);
	err = 0;
unlock:
	mutex_unlock(&g->ext_lock);
	return err;
}

static size_t upper_bytes(const struct vexfs_graph *g, u32 level)
{
	struct graph_upper *up;

	return struct_size(up, lists, (size_t)level * 3 * g->m);
}

static struct graph_upper *upper_new(struct vexfs_graph *g, u32 level)
{
	size_t bytes = upper_bytes(g, level);
	struct graph_upper *up;
	int err = vexfs_collection_charge(g->c, bytes);

	if (err)
		return ERR_PTR(err);
	up = vexfs_user_alloc(bytes, VEXFS_GFP_USER | __GFP_ZERO);
	if (!up) {
		vexfs_collection_uncharge(g->c, bytes);
		return ERR_PTR(-ENOMEM);
	}
	memset(up->lists, 0xff, bytes - sizeof(*up));
	atomic64_add(bytes, &g->bytes);
	return up;
}

static void upper_free(struct vexfs_graph *g, struct graph_node *node)
{
	size_t bytes = upper_bytes(g, node->level);

	if (!node->upper)
		return;
	kvfree(node->upper);
	node->upper = NULL;
	node->level = 0;
	atomic64_sub(bytes, &g->bytes);
	vexfs_collection_uncharge(g->c, bytes);
}

/* @ge is not visible to anyone, not yet or no longer. */
void vexfs_graph_ext_free(struct vexfs_graph *g, struct graph_ext *ge)
{
	u32 i;

	for (i = 0; ge->nodes && i < ge->nrows; i++)
		upper_free(g, &ge->nodes[i]);
	if (ge->bytes) {
		vexfs_collection_uncharge(g->c, ge->bytes);
		atomic64_sub(ge->bytes, &g->bytes);
	}
	kvfree(ge->links);
	kvfree(ge->keys);
	kvfree(ge->in);
	kvfree(ge->nodes);
	kvfree(ge->codes);
	kvfree(ge->code_aux);
	kfree(ge);
}

/*
 * Makes a node of a slot whose extent has its part. It has no links yet. There may be
 * levels that a build has left when it failed.
 */
int vexfs_graph_node_init(struct vexfs_graph *g, u32 slot, u32 level)
{
	struct graph_node *node = vexfs_graph_node(g, slot);
	struct graph_upper *up = NULL;

	if (level) {
		up = upper_new(g, level);
		if (IS_ERR(up))
			return PTR_ERR(up);
	}
	upper_free(g, node);
	node->parent = VEXFS_NO_SLOT;
	node->kids = 0;
	node->n = 0;
	node->nr = 0;
	node->upper = up;
	node->level = level;
	return 0;
}

/* No reader is left that could reach the node. */
void vexfs_graph_node_free(struct vexfs_graph *g, u32 slot)
{
	struct graph_node *node = vexfs_graph_node(g, slot);

	upper_free(g, node);
	node->state = GRAPH_ABSENT;
}
