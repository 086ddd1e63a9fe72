// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search: compares one query with rows, either those of a chunk one after another or a
 * few by pointer, and offers what is near enough to the results. Which rows are compared is
 * not decided here.
 */
#include <linux/kernel.h>
#include <linux/prefetch.h>

#include "compat/compat.h"
#include "index/exact.h"

/* Index of the first of @keys from @i on that is not above @limit, or @n. Nearly all are above. */
static u32 next_near(const u32 *keys, u32 i, u32 n, u32 limit)
{
	const u64 l = limit;

	for (; i + 4 <= n; i += 4) {
		/* each difference is negative when its key is above */
		u64 above = (l - keys[i]) & (l - keys[i + 1]) & (l - keys[i + 2]) &
			    (l - keys[i + 3]);

		if (unlikely((s64)above >= 0))
			break;
	}
	while (i < n && keys[i] > limit)
		i++;
	return i;
}

/*
 * Offers the @n rows of w->where, whose ids are being prefetched. Coarse distances are often
 * equal: hundreds of rows may be as near as the last that counts.
 */
static void offer_near(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		u32 at = w->where[i];

		if (w->keys[at] <= w->results[q].limit)
			vexfs_exact_offer(w, q, e, row + at, w->keys[at]);
	}
}

int vexfs_exact_scan(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 i, near = 0;
	int err;

	err = vexfs_math_scan(&s->c->space, vexfs_job_query(s, q), s->aux[q],
			      e->rows + (size_t)row * s->c->space.stride, e->aux + row, n, w->keys);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		i = next_near(w->keys, i, n, w->results[q].limit);
		if (i == n || w->state[i] != VEXFS_SLOT_LIVE)
			continue;
		prefetch(&e->ids[row + i]);
		w->where[near++] = i;
		/* the first rows lower the limit, later ones seldom do */
		if (near == VEXFS_FILTER_RUN || w->results[q].n < w->results[q].k) {
			offer_near(w, q, e, row, near);
			near = 0;
		}
	}
	offer_near(w, q, e, row, near);
	return 0;
}

int vexfs_exact_gather(struct exact_work *w, u32 q, struct vexfs_extent *e, u32 row, u32 n)
{
	struct vexfs_search_job *s = w->run->s;
	u32 i;
	int err;

	err = vexfs_math_gather(&s->c->space, vexfs_job_query(s, q), s->aux[q], w->rows, w->aux,
				n, w->keys);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		if (w->keys[i] <= w->results[q].limit)
			vexfs_exact_offer(w, q, e, row + w->where[i], w->keys[i]);
	return 0;
}
