/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The k nearest of what is offered, in integers: a bounded heap of (key, id)
 * with the farthest on top. Equal keys are ordered by id, so that the result
 * does not depend on the order of the offers. Knows nothing of rows.
 */
#ifndef _VEXFS_INDEX_TOPK_H
#define _VEXFS_INDEX_TOPK_H

#include <linux/types.h>

/**
 * struct vexfs_hit - a candidate
 * @id: the user's id
 * @key: its distance
 * @slot: slot of the row
 */
struct vexfs_hit {
	u64 id;
	u32 key;
	u32 slot;
};

/**
 * struct vexfs_topk - the best so far
 * @hits: room for @k, a heap with the farthest first; sorted by vexfs_topk_sort()
 * @n: how many there are
 * @k: largest number of results
 * @limit: nothing above this key is wanted (a radius, or the farthest of a full
 *	heap); equal keys are decided by id
 * @radius: keys above it do not count at all
 * @want_more: a range search that must find out @more
 * @more: there were others within @radius
 * @left: nothing has been found, or not enough: another way has to answer
 * @after: only what comes after (@after_key, @after_id) counts
 */
struct vexfs_topk {
	struct vexfs_hit *hits;
	u32 n;
	u32 k;
	u32 limit;
	u32 radius;
	bool want_more;
	bool more;
	bool left;
	bool after;
	u32 after_key;
	u64 after_id;
};

static inline bool vexfs_hit_before(u32 key, u64 id, u32 key2, u64 id2)
{
	return key < key2 || (key == key2 && id < id2);
}

void vexfs_topk_init(struct vexfs_topk *t, struct vexfs_hit *hits, u32 k, u32 radius);
/* Empties the heap and keeps its settings. */
static inline void vexfs_topk_reset(struct vexfs_topk *t)
{
	t->n = 0;
	t->more = false;
	t->limit = t->radius;
}

/*
 * Can this candidate, not above @limit, change anything? One that is as far as the
 * farthest of a full heap must come before it by its id.
 */
static inline bool vexfs_topk_wants(const struct vexfs_topk *t, u32 key, u64 id)
{
	return t->n < t->k || (t->want_more && !t->more) ||
	       vexfs_hit_before(key, id, t->hits[0].key, t->hits[0].id);
}

/* For callers that have compared with @limit already. */
void vexfs_topk_offer(struct vexfs_topk *t, u32 key, u64 id, u32 slot);
/* Offers all candidates of @from to @t. */
void vexfs_topk_merge(struct vexfs_topk *t, const struct vexfs_topk *from);
/* Sorts the nearest first; nothing may be offered afterwards. */
void vexfs_topk_sort(struct vexfs_topk *t);
/*
 * After the sort: of hits with the same id (an update was seen from both sides)
 * one remains, the one for which @live says so, else the nearest. Returns how
 * many went.
 */
u32 vexfs_topk_unique(struct vexfs_topk *t, bool (*live)(void *arg, u32 slot), void *arg,
		      struct vexfs_hit *scratch);

#endif
