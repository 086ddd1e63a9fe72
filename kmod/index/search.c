// SPDX-License-Identifier: GPL-2.0
/*
 * Which way a search goes, and how much of it in one read section. Decides, and does
 * nothing itself.
 */
#include <linux/math64.h>
#include <linux/module.h>

#include "compat/compat.h"
#include "index/graph.h"
#include "index/search.h"
#include "mem/tunable.h"

/* Rows that many queries share cost as much as a candidate that a walk keeps. */
#define WALK_ROWS	512u
/* Fewer queries would share too little. */
#define WIDTH_LEAST	32u

static VEXFS_TUNABLE(search_section_mb, 131072, 1, 4294967295, "MiB",
		     "Bytes of rows, times queries, that a search compares at most in one read section",
		     0644);

u32 vexfs_search_width(struct vexfs_collection *c, u32 flags, u32 ef, u32 k)
{
	u64 most = (u64)READ_ONCE(vexfs_search_section_mb) << 20;
	u64 rows = vexfs_slots_end(c), walk = (u64)max3(ef, k, VEXFS_GRAPH_EF) * WALK_ROWS;

	if (rcu_access_pointer(c->index) && !(flags & VEXFS_SEARCH_NO_WALK))
		rows = min(rows, walk);
	return clamp_t(u64, div64_u64(most, max(rows, 1ull) * c->space.stride), WIDTH_LEAST,
		       VEXFS_QUERIES_MAX);
}
VEXFS_EXPORT_KUNIT(vexfs_search_width);

int vexfs_search(struct vexfs_search_job *s)
{
	int idx = vexfs_read_lock(s->c);
	struct vexfs_graph *g = vexfs_graph_of(s->c);
	int err = g ? vexfs_graph_search(g, s) : 1;

	if (err > 0)
		err = vexfs_search_exact(s);
	vexfs_read_unlock(s->c, idx);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_search);
