/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The index of a collection as a table of methods: the store tells it which slots are added and
 * removed, and does not know what it does with them.
 */
#ifndef _VEXFS_STORE_INDEX_REF_H
#define _VEXFS_STORE_INDEX_REF_H

#include "store/extent.h"

/**
 * struct vexfs_index_ops - how an index follows a collection
 * @name: for messages
 * @insert: @n slots in FILLING, all columns written, are about to become LIVE.
 *	Called inside vexfs_read_lock(); may sleep. Either takes all of them and
 *	returns 0, or none and returns an errno, which refuses the vectors. A
 *	search that comes upon one of them before it is LIVE leaves it out of its
 *	answer, but may walk through it.
 * @remove: @n slots are DEAD (or were never LIVE, and will not be, after an
 *	insert that was followed by another failure). Called inside
 *	vexfs_read_lock(); may sleep; must not fail: afterwards no new reader can
 *	come to these slots through the index. May be called for a slot that the
 *	index does not have (a running build has not come to it yet): then the
 *	build must not add it later. Rows stay readable.
 * @reuse: no reader is left from before @remove; @n slots are about to be FREE.
 *	May be NULL. Called by the reaper, may sleep.
 * @part_free: the last reader of an extent without vectors has left, or the index was
 *	taken off the collection and its last reader has left: free @part. Slot numbers
 *	of the extent may come again with a new one. @index may be off the collection by
 *	then, with another in its place.
 * @free: the last reference and all parts are gone: free everything
 * @bytes: memory held
 * @stat: fill in the index's fields of struct vexfs_stat
 *
 * @stack is the op's, to be measured deep inside, or NULL. Slots come in the
 * order of the request, at most VEXFS_RUN_MAX in a call, and
 * calls for different slots run at the same time on different CPUs.
 */
struct vexfs_index_ops {
	const char *name;
	int (*insert)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		      struct vexfs_stack_mark *stack);
	void (*remove)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n,
		       struct vexfs_stack_mark *stack);
	void (*reuse)(struct vexfs_collection *c, void *index, const u32 *slots, u32 n);
	void (*part_free)(struct vexfs_collection *c, void *index, struct vexfs_index_part *part);
	void (*free)(struct vexfs_collection *c, void *index);
	u64 (*bytes)(struct vexfs_collection *c, void *index);
	void (*stat)(struct vexfs_collection *c, void *index, struct vexfs_stat *st);
};

/**
 * struct vexfs_index_ref - an index on a collection; a part of its own object
 * @garbage: for the grace period after detach
 * @refs: the collection, each of its parts, and vexfs_index_get()
 * @ops: operations of the index
 * @priv: private data of the index
 */
struct vexfs_index_ref {
	struct vexfs_garbage garbage;
	refcount_t refs;
	const struct vexfs_index_ops *ops;
	void *priv;
};

/**
 * struct vexfs_index_part - what an index keeps for an extent; embedded in its own object
 * @owner: the index
 */
struct vexfs_index_part {
	struct vexfs_index_ref *owner;
};

/*
 * Puts an index on a collection: from the return on every new slot goes through
 * ops->insert, every dead one through ops->remove. Slots that were LIVE before
 * are for the index to find (a build). @ref is a part of @priv, and not the caller's any
 * more when it succeeds. -EBUSY when there is one, -EINTR.
 *
 * After detach no op comes to the index any more. Those that are in it may go on; its
 * memory goes when they have left, and detach waits for that, but returns 0 early when
 * a signal comes. Nobody may work on the index then but from such an op (a build was
 * stopped). -ENOENT when there is none, -EINTR when it is still there.
 */
int vexfs_index_attach(struct vexfs_collection *c, struct vexfs_index_ref *ref,
		       const struct vexfs_index_ops *ops, void *priv);
int vexfs_index_detach(struct vexfs_collection *c);

/*
 * Keeps the index's own object, not its parts, across read sections: with the object
 * in hand see in each section whether it is vexfs_index() still. NULL when there is none.
 */
struct vexfs_index_ref *vexfs_index_get(struct vexfs_collection *c);
void vexfs_index_put(struct vexfs_collection *c, struct vexfs_index_ref *ref);

/* Inside vexfs_read_lock(), in which @ref is the index: @e gets its part. */
void vexfs_index_part_add(struct vexfs_index_ref *ref, struct vexfs_extent *e,
			  struct vexfs_index_part *part);

/* The index of a collection, or NULL; inside vexfs_read_lock(). */
static inline struct vexfs_index_ref *vexfs_index(const struct vexfs_collection *c)
{
	return srcu_dereference_check(c->index, &c->srcu, 1);
}

#endif
