/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stride scheduling on a tree: nodes with work are served in proportion to their weights.
 * Each node has a virtual time, its pass, which grows by the cost of its work divided by its
 * weight. Among the children with work, the one with the lowest pass comes next. An idle node
 * collects no credit: when it gets work, its pass starts at that of its siblings.
 *
 * Nothing is allocated or locked here: nodes are embedded in the objects they stand for, and
 * the owner of the tree serialises all calls.
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
 * @children: its children that have work, the one with the lowest pass first
 * @parent: NULL for the root
 * @pass: cost of its work so far, divided by its weight. It wraps around
 * @now: lowest pass among the children when one was charged last. A child that gets work
 *	starts here
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

/* Initialises a node without work. Its parent never changes. */
void vexfs_fair_init(struct vexfs_fair *f, struct vexfs_fair *parent, u32 weight);

static inline bool vexfs_fair_works(const struct vexfs_fair *f)
{
	return !RB_EMPTY_NODE(&f->node);
}

/* Marks a leaf and its ancestors as having work. No effect when the leaf had work already. */
void vexfs_fair_start(struct vexfs_fair *leaf);
/* Marks a leaf as idle, and each ancestor that has no other child with work. */
void vexfs_fair_stop(struct vexfs_fair *leaf);
/* The child of @f to serve next, or NULL. */
struct vexfs_fair *vexfs_fair_next(const struct vexfs_fair *f);
/* Charges @cost to a leaf and its ancestors. The leaf may be idle. */
void vexfs_fair_charge(struct vexfs_fair *leaf, u32 cost);

#endif
