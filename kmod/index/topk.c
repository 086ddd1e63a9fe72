// SPDX-License-Identifier: GPL-2.0
/*
 * The k nearest of what is offered. A plain binary heap: for small k nearly all
 * offers fail the caller's comparison with the limit and never come here.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/topk.h"

static bool hit_farther(const struct vexfs_hit *a, const struct vexfs_hit *b)
{
	return vexfs_hit_before(b->key, b->id, a->key, a->id);
}

static void sift_down(struct vexfs_hit *h, u32 n, u32 i, struct vexfs_hit x)
{
	for (;;) {
		u32 child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && hit_farther(&h[child + 1], &h[child]))
			child++;
		if (!hit_farther(&h[child], &x))
			break;
		h[i] = h[child];
		i = child;
	}
	h[i] = x;
}

static void sift_up(struct vexfs_hit *h, u32 i, struct vexfs_hit x)
{
	while (i) {
		u32 parent = (i - 1) / 2;

		if (!hit_farther(&x, &h[parent]))
			break;
		h[i] = h[parent];
		i = parent;
	}
	h[i] = x;
}

void vexfs_topk_init(struct vexfs_topk *t, struct vexfs_hit *hits, u32 k, u32 radius)
{
	*t = (struct vexfs_topk) {
		.hits = hits,
		.k = k,
		.limit = radius,
		.radius = radius,
	};
}
VEXFS_EXPORT_KUNIT(vexfs_topk_init);

void vexfs_topk_offer(struct vexfs_topk *t, u32 key, u64 id, u32 slot)
{
	struct vexfs_hit x = { .id = id, .key = key, .slot = slot };

	if (key > t->radius)
		return;
	if (t->after && !vexfs_hit_before(t->after_key, t->after_id, key, id))
		return;
	if (t->n < t->k) {
		sift_up(t->hits, t->n++, x);
	} else {
		t->more = true;
		if (hit_farther(&t->hits[0], &x))
			sift_down(t->hits, t->n, 0, x);
	}
	/* until @more is known, each further candidate matters */
	if (t->n == t->k && (t->more || !t->want_more))
		t->limit = t->hits[0].key;
}
VEXFS_EXPORT_KUNIT(vexfs_topk_offer);

void vexfs_topk_merge(struct vexfs_topk *t, const struct vexfs_topk *from)
{
	u32 i;

	for (i = 0; i < from->n; i++)
		vexfs_topk_offer(t, from->hits[i].key, from->hits[i].id, from->hits[i].slot);
	t->more |= from->more;
}
VEXFS_EXPORT_KUNIT(vexfs_topk_merge);

void vexfs_topk_sort(struct vexfs_topk *t)
{
	u32 n;

	for (n = t->n; n > 1; n--) {
		struct vexfs_hit x = t->hits[n - 1];

		t->hits[n - 1] = t->hits[0];
		sift_down(t->hits, n - 1, 0, x);
	}
}
VEXFS_EXPORT_KUNIT(vexfs_topk_sort);

/* Heap sort by (id, rank); the rank is what @slot holds meanwhile. */
static bool id_above(const struct vexfs_hit *a, const struct vexfs_hit *b)
{
	return a->id > b->id || (a->id == b->id && a->slot > b->slot);
}

static void sort_by_id(struct vexfs_hit *h, u32 n)
{
	u32 start = n / 2, end = n;

	while (end > 1) {
		struct vexfs_hit x;
		u32 i, child;

		if (start) {
			x = h[--start];
		} else {
			end--;
			x = h[end];
			h[end] = h[0];
		}
		i = start;
		while ((child = 2 * i + 1) < end) {
			if (child + 1 < end && id_above(&h[child + 1], &h[child]))
				child++;
			if (!id_above(&h[child], &x))
				break;
			h[i] = h[child];
			i = child;
		}
		h[i] = x;
	}
}

u32 vexfs_topk_unique(struct vexfs_topk *t, bool (*live)(void *arg, u32 slot), void *arg,
		      struct vexfs_hit *scratch)
{
	u32 i, j, n = t->n, gone = 0;

	memcpy(scratch, t->hits, n * sizeof(*scratch));
	for (i = 0; i < n; i++)
		scratch[i].slot = i;
	sort_by_id(scratch, n);
	for (i = 0; i < n; i = j) {
		u32 keep = i;

		for (j = i + 1; j < n && scratch[j].id == scratch[i].id; j++)
			;
		if (j == i + 1)
			continue;
		while (keep < j && !live(arg, t->hits[scratch[keep].slot].slot))
			keep++;
		if (keep == j)
			keep = i;
		for (; i < j; i++) {
			if (i == keep)
				continue;
			t->hits[scratch[i].slot].slot = ~0u;
			gone++;
		}
	}
	if (!gone)
		return 0;
	for (i = 0, j = 0; i < n; i++)
		if (t->hits[i].slot != ~0u)
			t->hits[j++] = t->hits[i];
	t->n = j;
	return gone;
}
VEXFS_EXPORT_KUNIT(vexfs_topk_unique);
