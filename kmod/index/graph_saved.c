// SPDX-License-Identifier: GPL-2.0
/*
 * Saving a graph and taking it back. A node comes back as it joins: into the tree, then
 * linked, each step with both ends locked; only the walk that looks for neighbours is left
 * out, for they were saved. So the graph is sound at every moment, beside writers and
 * whatever the bytes say. Links are made when the second of the two nodes comes. Nodes are
 * saved by slot, which is mostly the order in which they joined: a node's parent mostly comes
 * before it. What is left out joins by the ordinary build.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/graph_code.h"
#include "index/graph_edit.h"
#include "index/graph_saved.h"

#define NO_PARENT	0xff
#define LINKS_MOST	(2 * GRAPH_LIST_MAX)	/* that a node has at a level, both ways */

/**
 * struct saved_node - what is saved of a node
 * @id: id of the node's vector
 * @seq: the change that stored the vector
 * @bytes: of all of it, a multiple of 8
 * @level: highest level
 * @parent: which of the links of level 0 leads to the parent; NO_PARENT
 * @pad: 0
 * @both: for each level, links that go both ways; their ids come first,
 * @out: then those that go away,
 * @in: then those that come in
 * @ids: ids of the neighbours, level after level
 */
struct saved_node {
	u64 id;
	u64 seq;
	u32 bytes;
	u8 level;
	u8 parent;
	u16 pad;
	u8 both[GRAPH_LEVELS];
	u8 out[GRAPH_LEVELS];
	u8 in[GRAPH_LEVELS];
	u64 ids[];
};

/* Level 0, and all others with m links each way. */
#define NODE_BYTES_MOST	(sizeof(struct saved_node) + \
			 (LINKS_MOST + (GRAPH_LEVELS - 1) * 2 * GRAPH_M_MAX) * sizeof(u64))

static_assert(VEXFS_GRAPH_SAVED_BYTES / NODE_BYTES_MOST >= 3);
static_assert(sizeof(struct saved_node) % 8 == 0);

/* ---- saving ---- */

/* The links of a level, ids behind those that are there. How many. */
static u32 save_level(struct vexfs_graph *g, struct graph_pick *p, u32 slot, u32 level,
		      struct saved_node *s, u64 *ids)
{
	u32 parent = READ_ONCE(vexfs_graph_node(g, slot)->parent);
	struct graph_list l;
	u32 i, n, nin, at = 0;

	vexfs_graph_pair_lock(g, slot, slot);
	vexfs_graph_list(g, slot, level, &l);
	n = vexfs_graph_snapshot(g, slot, level, p->list, NULL);
	nin = *l.nr;
	memcpy(p->around, l.in, nin * sizeof(u32));
	vexfs_graph_pair_unlock(g, slot, slot);

	/* the list that is compared with changes meanwhile: at worst a link is lost */
	for (i = 0; i < n; i++) {
		bool both;

		vexfs_graph_pair_lock(g, slot, p->list[i]);
		both = vexfs_graph_level(g, p->list[i]) >= level &&
		       vexfs_graph_linked(g, p->list[i], slot, level);
		vexfs_graph_pair_unlock(g, slot, p->list[i]);
		if (!both)
			continue;
		if (!level && p->list[i] == parent)
			s->parent = at;
		ids[at++] = vexfs_slot_id(g->c, p->list[i]);
		p->list[i] = VEXFS_NO_SLOT;
	}
	s->both[level] = at;
	for (i = 0; i < n; i++)
		if (p->list[i] != VEXFS_NO_SLOT)
			ids[at++] = vexfs_slot_id(g->c, p->list[i]);
	s->out[level] = at - s->both[level];
	for (i = 0; i < nin; i++)
		ids[at++] = vexfs_slot_id(g->c, p->around[i]);
	s->in[level] = nin;
	return at;
}

static u32 save_node(struct vexfs_graph *g, struct graph_pick *p, u32 slot,
		     const struct vexfs_span *span, struct saved_node *s)
{
	u32 level = vexfs_graph_level(g, slot), l, at = 0;

	memset(s, 0, sizeof(*s));
	s->id = vexfs_slot_id(g->c, slot);
	s->seq = READ_ONCE(span->from);
	s->level = level;
	s->parent = NO_PARENT;
	for (l = 0; l <= level; l++)
		at += save_level(g, p, slot, l, s, s->ids + at);
	s->bytes = sizeof(*s) + at * sizeof(u64);
	return s->bytes;
}

/* A node that was PRESENT when its vector was LIVE, in this read section. */
static bool is_node(const struct vexfs_extent *e, u32 row)
{
	const struct graph_ext *ge = vexfs_graph_ext_of(e);

	if (!ge || READ_ONCE(ge->nodes[row].state) != GRAPH_PRESENT)
		return false;
	/* pairs with join_group(): a node that is PRESENT has its levels */
	smp_rmb();
	return vexfs_graph_row_live(e, row);
}

#define SAVE_LOOKS	4096u	/* slots that are looked at in one read section */

int vexfs_graph_save(struct vexfs_collection *c, struct vexfs_graph_save *req, void *buf)
{
	struct graph_pick *p = vexfs_pool_alloc(sizeof(*p), VEXFS_GFP_USER);
	u32 end = vexfs_slots_end(c), looks, slot, at = 0;
	struct vexfs_graph *g;
	int idx;

	if (!p)
		return -ENOMEM;
	idx = vexfs_read_lock(c);
	g = vexfs_graph_of(c);
	slot = min_t(u64, req->cursor, end);
	if (g) {
		req->m = g->m;
		req->ef_construction = g->efc;
		req->code = g->code;
		req->scale = READ_ONCE(g->scale);
	}
	for (looks = 0; g && slot < end && looks < SAVE_LOOKS; slot++, looks++) {
		const struct vexfs_extent *e = vexfs_extent(c, slot);

		if (at + NODE_BYTES_MOST > VEXFS_GRAPH_SAVED_BYTES)
			break;
		if (!e || !is_node(e, slot - e->first))
			continue;
		at += save_node(g, p, slot, &e->spans[slot - e->first], buf + at);
		req->count++;
	}
	vexfs_read_unlock(c, idx);
	vexfs_pool_free(p, sizeof(*p));
	req->cursor = slot < end ? slot : 0;
	return g ? at : -ENOENT;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_save);

/* ---- loading ---- */

int vexfs_graph_load_begin(struct vexfs_collection *c, const struct vexfs_graph_load *req)
{
	struct vexfs_graph *g;
	int idx, err;

	err = vexfs_graph_attach(c, req->m, req->ef_construction, req->code, true);
	if (err)
		return err;
	idx = vexfs_read_lock(c);
	g = vexfs_graph_of(c);
	/* codes that were made by another scale would be compared with those of this */
	if (g && req->scale)
		cmpxchg(&g->scale, 0, req->scale);
	vexfs_read_unlock(c, idx);
	return 0;
}

/* The node at @buf, if it is all there and says how large it is. */
static const struct saved_node *node_at(const struct vexfs_graph *g, const void *buf, u32 len)
{
	const struct saved_node *s = buf;
	u32 l, links = 0;

	if (len < sizeof(*s) || s->level >= GRAPH_LEVELS || s->pad)
		return NULL;
	for (l = 0; l < GRAPH_LEVELS; l++) {
		u32 cap = l ? g->m : g->cap;

		if (l > s->level && (s->both[l] || s->out[l] || s->in[l]))
			return NULL;
		if (s->both[l] + s->out[l] > cap || s->in[l] > cap)
			return NULL;
		links += s->both[l] + s->out[l] + s->in[l];
	}
	if (s->parent != NO_PARENT && s->parent >= s->both[0])
		return NULL;
	if (s->bytes != sizeof(*s) + links * sizeof(u64) || s->bytes > len)
		return NULL;
	return s;
}

/**
 * struct loading - a node on its way back
 * @g: the graph
 * @pick: scratch, and keys of the neighbours
 * @s: the saved node
 * @slot: slot of the vector
 * @found: slots of the neighbours at a level; VEXFS_NO_SLOT for those that are not in
 */
struct loading {
	struct vexfs_graph *g;
	struct graph_pick *pick;
	const struct saved_node *s;
	u32 slot;
	u32 found[LINKS_MOST];
};

/*
 * Slots of neighbours: how many are in the graph. The distances of those are in pick->keys,
 * one after the other.
 */
static int neighbours(struct loading *w, const u64 *ids, u32 n, u32 level)
{
	struct vexfs_graph *g = w->g;
	struct graph_pick *p = w->pick;
	u32 i, m = 0;
	int err;

	vexfs_find_many(g->c, ids, n, w->found);
	for (i = 0; i < n; i++) {
		const struct vexfs_extent *e;

		if (w->found[i] == VEXFS_NO_SLOT)
			continue;
		e = vexfs_extent(g->c, w->found[i]);
		if (w->found[i] == w->slot || !is_node(e, w->found[i] - e->first) ||
		    vexfs_graph_level(g, w->found[i]) < level)
			w->found[i] = VEXFS_NO_SLOT;
		else
			p->around[m++] = w->found[i];
	}
	err = m ? vexfs_graph_keys_to(g, p, w->slot, p->around, m) : 0;
	return err ?: m;
}

/* A place in the tree: with the parent that it had, or with another neighbour. */
static bool load_tree(struct loading *w, u32 n)
{
	struct vexfs_graph *g = w->g;
	u32 i, j, parent = w->s->parent;

	if (parent < n && w->found[parent] != VEXFS_NO_SLOT) {
		for (i = 0, j = 0; i < parent; i++)
			j += w->found[i] != VEXFS_NO_SLOT;
		if (vexfs_graph_tree_join(g, w->slot, w->found[parent], w->pick->keys[j],
					  g->cap - 1, false))
			return true;
	}
	for (i = 0, j = 0; i < n; i++) {
		if (w->found[i] == VEXFS_NO_SLOT)
			continue;
		if (vexfs_graph_tree_join(g, w->slot, w->found[i], w->pick->keys[j++], g->m, false))
			return true;
	}
	return false;
}

static void load_links(struct loading *w, u32 level)
{
	u32 both = w->s->both[level], out = both + w->s->out[level];
	u32 n = out + w->s->in[level], i, j = 0;
	struct vexfs_graph *g = w->g;

	for (i = 0; i < n; i++) {
		u32 to = w->found[i], key;

		if (to == VEXFS_NO_SLOT)
			continue;
		key = w->pick->keys[j++];
		vexfs_graph_pair_lock(g, w->slot, to);
		if (i < both)
			vexfs_graph_link_both(g, w->slot, to, key, level);
		else if (i < out)
			vexfs_graph_link_one(g, w->slot, to, key, level);
		else
			vexfs_graph_link_one(g, to, w->slot, key, level);
		vexfs_graph_pair_unlock(g, w->slot, to);
	}
}

/*
 * The slot is JOINING, and ours. 1 when it is in, 0 when it is to join by the build. Once
 * it is PRESENT it stays, for it has its place in the tree next.
 */
static int join_saved(struct loading *w)
{
	const struct saved_node *s = w->s;
	struct vexfs_graph *g = w->g;
	struct graph_node *node = vexfs_graph_node(g, w->slot);
	bool first = READ_ONCE(g->root) == VEXFS_NO_SLOT;
	const u64 *ids = s->ids;
	int found, err;
	u32 l, n = s->both[0] + s->out[0] + s->in[0];

	/* distances may be those of codes */
	err = vexfs_graph_code_slots(g, &w->slot, 1);
	found = err ?: neighbours(w, ids, n, 0);
	if (found < 0 || (!found && !first))
		return min(found, 0);
	err = vexfs_graph_node_init(g, w->slot, s->level);
	if (err)
		return err;
	/* who sees it PRESENT sees what vexfs_graph_node_init() wrote */
	smp_store_release(&node->state, GRAPH_PRESENT);
	atomic64_inc(&g->count);
	if (!load_tree(w, n)) {
		vexfs_graph_tree_force(g, w->pick, w->slot);
		found = neighbours(w, ids, n, 0);
	}
	if (found > 0)
		load_links(w, 0);
	for (l = 1, ids += n; l <= s->level; l++, ids += n) {
		n = s->both[l] + s->out[l] + s->in[l];
		if (neighbours(w, ids, n, l) > 0)
			load_links(w, l);
	}
	if (s->level)
		vexfs_graph_entry_raise(g, w->slot);
	return 1;
}

static int load_node(struct loading *w)
{
	struct vexfs_collection *c = w->g->c;
	const struct vexfs_extent *e;
	int err;

	w->slot = vexfs_find(c, w->s->id);
	if (w->slot == VEXFS_NO_SLOT)
		return 0;
	e = vexfs_extent(c, w->slot);
	/* another vector than the one that was saved has other neighbours */
	if (READ_ONCE(e->spans[w->slot - e->first].from) != w->s->seq)
		return 0;
	err = vexfs_graph_claim(w->g, w->slot);
	if (err <= 0)
		return err;
	err = join_saved(w);
	vexfs_graph_claimed(w->g, w->slot);
	return err;
}

int vexfs_graph_load(struct vexfs_collection *c, const void *buf, u32 len, u32 *n)
{
	struct loading *w = vexfs_pool_alloc(sizeof(*w), VEXFS_GFP_USER);
	int idx, err = -ENOMEM;
	u32 at = 0;

	*n = 0;
	if (!w)
		return err;
	w->pick = vexfs_pool_alloc(sizeof(*w->pick), VEXFS_GFP_USER);
	if (!w->pick)
		goto free;
	w->pick->stack = NULL;
	for (err = 0; at < len && !err; at += w->s->bytes) {
		idx = vexfs_read_lock(c);
		w->g = vexfs_graph_of(c);
		err = !w->g ? -ENOENT : vexfs_graph_stopped(w->g) ? 0 : -EBUSY;
		w->s = err ? NULL : node_at(w->g, buf + at, len - at);
		if (!err)
			err = w->s ? load_node(w) : -EINVAL;
		vexfs_read_unlock(c, idx);
		if (err < 0)
			break;
		*n += err;
		err = fatal_signal_pending(current) ? -EINTR : 0;
		cond_resched();
	}
	vexfs_pool_free(w->pick, sizeof(*w->pick));
free:
	vexfs_pool_free(w, sizeof(*w));
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_load);
