// SPDX-License-Identifier: GPL-2.0
/*
 * Which way a search goes. Decides, and does nothing itself.
 */
#include "index/search.h"

int vexfs_search(struct vexfs_search_job *s)
{
	return vexfs_search_exact(s);
}
