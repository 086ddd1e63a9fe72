/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shares: a tree in which those that have work are served in proportion to their weights.
 * Each node has a virtual time, its pass, that grows by what it was served over its weight;
 * of the children with work, the one that is furthest behind comes next (stride scheduling).
 * A node without work saves nothing up: when it gets some, it begins where its siblings are.
 *
 * Nothing is allocated or locked here: nodes lie in what they stand for, and whoever owns the
 * tree has a lock for it.
 */
#ifndef _VEXFS_BRIDGE_FAIR_H
#define _VEXFS_BRIDGE_FAIR_H

#include <linux/rbtree.h>
#include <linux/types.h>

/* What a node of weight 1 is charged for each unit of cost. */
#define VEXFS_FAIR_SCALE	1024u
#define VEXFS_FAIR_WEIGHT_MAX	1000u

/**
 * struct vexfs_fair - a node of the tree
 * @node: among its parent's children that have work
 * @children: of its own children those that have work, the one furthest behind first
 * @parent: NULL for the root
 * @pass: what it was served, over its weight. It wraps around
 * @now: the pass of the child that was furthest behind when one was served last: where newcomers
 *	begin
 * @weight: 1 to VEXFS_FAIR_WEIGHT_MAX
 */
struct vexfs_fair {
	struct rb_node node;
	struct rb_root_cached children;
	struct vexfs_fair *parent;
	u64 pass;
	u64 now;
	u32 weight;
};

/* A node without work. It belongs to @parent for good. */
void vexfs_fair_init(struct vexfs_fair *f, struct vexfs_fair *parent, u32 weight);

static inline bool vexfs_fair_works(const struct vexfs_fair *f)
{
	return !RB_EMPTY_NODE(&f->node);
}

/* A leaf has got work: so have its ancestors. No effect when it had some. */
void vexfs_fair_start(struct vexfs_fair *leaf);
/* A leaf has no more work; nor have ancestors whose last child with work it was. */
void vexfs_fair_stop(struct vexfs_fair *leaf);
/* The child of @f that comes next, or NULL. */
struct vexfs_fair *vexfs_fair_next(const struct vexfs_fair *f);
/* A leaf, and with it its ancestors, is served work of this cost; it need not have more. */
void vexfs_fair_charge(struct vexfs_fair *leaf, u32 cost);

#endif
