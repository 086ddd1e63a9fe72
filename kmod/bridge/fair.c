// SPDX-License-Identifier: GPL-2.0
/*
 * Stride scheduling on a tree.
 */
#include <linux/kernel.h>

#include "bridge/fair.h"
#include "compat/compat.h"

/* Passes wrap around. The comparison is valid since passes of siblings stay close together. */
static bool behind(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static bool node_before(struct rb_node *a, const struct rb_node *b)
{
	return behind(rb_entry(a, struct vexfs_fair, node)->pass,
		      rb_entry(b, struct vexfs_fair, node)->pass);
}

void vexfs_fair_init(struct vexfs_fair *f, struct vexfs_fair *parent, u32 weight)
{
	RB_CLEAR_NODE(&f->node);
	f->children = RB_ROOT_CACHED;
	f->parent = parent;
	f->pass = parent ? parent->now : 0;
	f->now = 0;
	f->weight = weight;
}

static void fair_queue(struct vexfs_fair *f)
{
	rb_add_cached(&f->node, &f->parent->children, node_before);
}

static void fair_unqueue(struct vexfs_fair *f)
{
	rb_erase_cached(&f->node, &f->parent->children);
	RB_CLEAR_NODE(&f->node);
}

void vexfs_fair_start(struct vexfs_fair *leaf)
{
	struct vexfs_fair *f;

	for (f = leaf; f->parent && !vexfs_fair_works(f); f = f->parent) {
		if (behind(f->pass, f->parent->now))
			f->pass = f->parent->now;
		fair_queue(f);
	}
}

void vexfs_fair_stop(struct vexfs_fair *leaf)
{
	struct vexfs_fair *f;

	for (f = leaf; f->parent && vexfs_fair_works(f); f = f->parent) {
		fair_unqueue(f);
		if (!RB_EMPTY_ROOT(&f->parent->children.rb_root))
			break;
	}
}

struct vexfs_fair *vexfs_fair_next(const struct vexfs_fair *f)
{
	struct rb_node *first = rb_first_cached(&f->children);

	return first ? rb_entry(first, struct vexfs_fair, node) : NULL;
}

void vexfs_fair_charge(struct vexfs_fair *leaf, u32 cost)
{
	struct vexfs_fair *f;

	for (f = leaf; f->parent; f = f->parent) {
		const struct vexfs_fair *first = vexfs_fair_next(f->parent);
		const bool works = vexfs_fair_works(f);

		/* @f may be served out of turn and be far ahead, so only its first sibling counts */
		if (first && behind(f->parent->now, first->pass))
			f->parent->now = first->pass;
		if (works)
			fair_unqueue(f);
		f->pass += max((u64)cost * VEXFS_FAIR_SCALE / f->weight, 1ull);
		if (works)
			fair_queue(f);
	}
}
