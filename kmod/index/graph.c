// SPDX-License-Identifier: GPL-2.0
/*
 * The graph as an index of the store: slots that are stored or deleted become nodes or cease
 * to be. It belongs to the collection from attach to detach.
 */
#include <linux/wait_bit.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/graph_code.h"
#include "index/graph_edit.h"

/* Bytes of a graph without nodes. */
#define GRAPH_BYTES	(sizeof(struct vexfs_graph) + sizeof(struct graph_pick))

static void set_state(struct vexfs_graph *g, u32 slot, u8 state)
{
	vexfs_graph_pair_lock(g, slot, slot);
	WRITE_ONCE(vexfs_graph_node(g, slot)->state, state);
	vexfs_graph_pair_unlock(g, slot, slot);
}

static int op_insert(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		     struct vexfs_stack_mark *stack)
{
	struct vexfs_graph *g = index;
	u32 i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = vexfs_graph_ext_ensure(g, slots[i]);
	if (err)
		return err;
	/* Claims the slots, so that a build leaves them alone. */
	for (i = 0; i < n; i++)
		set_state(g, slots[i], GRAPH_JOINING);
	err = vexfs_graph_code_slots(g, slots, n);
	if (!err)
		return vexfs_graph_insert(g, slots, n, stack);
	for (i = 0; i < n; i++)
		set_state(g, slots[i], GRAPH_ABSENT);
	return err;
}

/* A delete must not fail: without memory it waits for the scratch that the graph keeps. */
static struct graph_pick *pick_get(struct vexfs_graph *g)
{
	struct graph_pick *pick = vexfs_pool_alloc(sizeof(*pick), VEXFS_GFP_SPARE);

	static_assert(sizeof(*pick) <= VEXFS_LARGE_BYTES);
	if (pick)
		return pick;
	mutex_lock(&g->spare_lock);
	return g->spare;
}

static void pick_put(struct vexfs_graph *g, struct graph_pick *pick)
{
	if (pick == g->spare)
		mutex_unlock(&g->spare_lock);
	else
		vexfs_pool_free(pick, sizeof(*pick));
}

static void op_remove(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		      struct vexfs_stack_mark *stack)
{
	struct vexfs_graph *g = index;
	struct graph_pick *pick = pick_get(g);
	u32 i;

	pick->stack = stack;
	/* The slots are DEAD; a build that has not claimed them yet will see that. */
	smp_mb();
	for (i = 0; i < n; i++) {
		struct graph_node *node;

		if (!vexfs_graph_ext_of(vexfs_extent(c, slots[i])))
			continue;
		node = vexfs_graph_node(g, slots[i]);
		/* A build has claimed the slot: wait until it has made the node. */
		wait_var_event(node, READ_ONCE(node->state) != GRAPH_JOINING);
		if (READ_ONCE(node->state) == GRAPH_PRESENT)
			vexfs_graph_delete(g, slots[i], pick);
		cond_resched();
	}
	pick_put(g, pick);
}

static void op_reuse(struct vexfs_collection *c, void *index, const u32 *slots, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (vexfs_extent(c, slots[i])->index)
			vexfs_graph_node_free(index, slots[i]);
}

static void op_part_free(struct vexfs_collection *c, void *index, struct vexfs_index_part *part)
{
	vexfs_graph_ext_free(index, container_of(part, struct graph_ext, part));
}

/* Bytes of the graph without its parts of the extents. */
static void graph_end(struct vexfs_graph *g)
{
	struct vexfs_collection *c = g->c;

	kvfree(g->spare);
	kvfree(g);
	vexfs_collection_uncharge(c, GRAPH_BYTES);
}

static struct vexfs_graph *graph_new(struct vexfs_collection *c)
{
	struct vexfs_graph *g;
	int err = vexfs_collection_charge(c, GRAPH_BYTES);

	if (err)
		return ERR_PTR(err);
	g = vexfs_user_alloc(sizeof(*g), VEXFS_GFP_USER | __GFP_ZERO);
	if (!g) {
		vexfs_collection_uncharge(c, GRAPH_BYTES);
		return ERR_PTR(-ENOMEM);
	}
	g->c = c;
	atomic64_set(&g->bytes, GRAPH_BYTES);
	g->spare = vexfs_user_alloc(sizeof(*g->spare), VEXFS_GFP_USER);
	if (!g->spare) {
		graph_end(g);
		return ERR_PTR(-ENOMEM);
	}
	return g;
}

static void op_free(struct vexfs_collection *c, void *index)
{
	graph_end(index);
}

static u64 op_bytes(struct vexfs_collection *c, void *index)
{
	struct vexfs_graph *g = index;

	return atomic64_read(&g->bytes);
}

static void op_stat(struct vexfs_collection *c, void *index, struct vexfs_stat *st)
{
	struct vexfs_graph *g = index;

	st->index = VEXFS_INDEX_GRAPH;
	st->m = g->m;
	st->ef_construction = g->efc;
	st->code = g->code;
	st->index_state = READ_ONCE(g->build.state);
	st->index_error = st->index_state == VEXFS_INDEX_STOPPED ? -READ_ONCE(g->build.err) : 0;
	st->index_done = atomic64_read(&g->count);
	st->index_bytes = op_bytes(c, g);
}

static const struct vexfs_index_ops graph_ops = {
	.name = "graph",
	.insert = op_insert,
	.remove = op_remove,
	.reuse = op_reuse,
	.part_free = op_part_free,
	.free = op_free,
	.bytes = op_bytes,
	.stat = op_stat,
};

struct vexfs_graph *vexfs_graph_from(const struct vexfs_index_ref *ref)
{
	return ref && ref->ops == &graph_ops ? ref->priv : NULL;
}

struct vexfs_graph *vexfs_graph_of(const struct vexfs_collection *c)
{
	return vexfs_graph_from(vexfs_index(c));
}
VEXFS_EXPORT_KUNIT(vexfs_graph_of);

/* The slot where searches start, or VEXFS_NO_SLOT. For tests. */
u32 vexfs_graph_entry(const struct vexfs_graph *g)
{
	return vexfs_graph_entry_slot(READ_ONCE(g->entry));
}
VEXFS_EXPORT_KUNIT(vexfs_graph_entry);

bool vexfs_graph_ready(const struct vexfs_graph *g)
{
	/* pairs with the last builder: all of the graph is there before it is ready */
	return smp_load_acquire(&g->build.state) == VEXFS_INDEX_READY;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_ready);

u64 vexfs_graph_count(const struct vexfs_graph *g)
{
	return atomic64_read(&g->count);
}

bool vexfs_graph_stopped(const struct vexfs_graph *g)
{
	return smp_load_acquire(&g->build.state) == VEXFS_INDEX_STOPPED;
}

bool vexfs_graph_like(const struct vexfs_graph *g, u32 m, u32 efc, u32 code)
{
	return (!m || m == g->m) && (!efc || efc == g->efc) && code == g->code;
}

int vexfs_graph_attach(struct vexfs_collection *c, u32 m, u32 efc, u32 code, bool build)
{
	struct vexfs_graph *g;
	u32 i;
	int err;

	m = m ?: VEXFS_GRAPH_M;
	efc = efc ?: max(VEXFS_GRAPH_EFC, m);
	if (m < VEXFS_GRAPH_M_MIN || m > VEXFS_GRAPH_M_MAX || efc > GRAPH_EF_MAX)
		return -EINVAL;
	g = graph_new(c);
	if (IS_ERR(g))
		return PTR_ERR(g);
	err = vexfs_graph_code_space(&c->space, code, &g->sp);
	if (err)
		goto free;
	g->m = m;
	g->cap = 2 * m;
	g->efc = efc;
	g->code = code;
	/* Only i8 codes of other metrics than cosine need one. */
	g->scale = code == VEXFS_CODE_I8 && c->space.metric != VEXFS_METRIC_COS ? 0 : 1;
	g->entry = GRAPH_NO_ENTRY;
	g->root = VEXFS_NO_SLOT;
	g->build.state = build ? VEXFS_INDEX_STOPPED : VEXFS_INDEX_READY;
	mutex_init(&g->tree_lock);
	mutex_init(&g->ext_lock);
	mutex_init(&g->spare_lock);
	for (i = 0; i < GRAPH_LOCKS; i++)
		spin_lock_init(&g->locks[i]);
	err = vexfs_index_attach(c, &g->ref, &graph_ops, g);
	if (!err)
		return 0;
free:
	graph_end(g);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_graph_attach);
