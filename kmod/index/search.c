// SPDX-License-Identifier: GPL-2.0
/*
 * Which way a search goes. Decides, and does nothing itself.
 */
#include "compat/compat.h"
#include "index/graph.h"
#include "index/search.h"

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
