// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that users make the module hold, and the little that is left to them. It must
 * not know what the memory is for.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/page_counter.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "mem/user.h"

/* What is left of a cgroup's limit: one part in so many, but no more than this. */
#define ROOM_SHARE	32u
#define ROOM_PAGES	((2ul << 20) >> PAGE_SHIFT)

#ifdef CONFIG_MEMCG
/*
 * Pages that should be left when @more were taken and do not look so, in the cgroup or
 * one above it; 0 when there is room.
 */
static unsigned long room_wanted(unsigned long more)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(NULL), *m;
	unsigned long wanted = 0;

	for (m = memcg; m; m = parent_mem_cgroup(m)) {
		unsigned long limit = READ_ONCE(m->memory.max);
		unsigned long room = min(limit / ROOM_SHARE, ROOM_PAGES);

		if (page_counter_read(&m->memory) + more + room > limit)
			wanted = max(wanted, room);
	}
	mem_cgroup_put(memcg);
	return wanted;
}
#else
static unsigned long room_wanted(unsigned long more)
{
	return 0;
}
#endif

/*
 * Caches of files may fill what looks taken: a charge drives them out. It is one charge for
 * all pages, so that one that fails has taken nothing meanwhile, and no program of the
 * cgroup meets the limit because of it.
 */
bool vexfs_user_room(void)
{
	unsigned long wanted = room_wanted(0), p;
	unsigned int order;

	if (likely(!wanted))
		return true;
	for (order = get_order(wanted << PAGE_SHIFT);; order--) {
		p = __get_free_pages(VEXFS_GFP_SPARE, order);
		free_pages(p, order);
		if (p || !order)
			return p;
		/* the limit, or no such piece in the whole machine? */
		p = __get_free_pages(VEXFS_GFP_SPARE & ~__GFP_ACCOUNT, order);
		free_pages(p, order);
		if (p)
			return false;
	}
}
VEXFS_EXPORT_KUNIT(vexfs_user_room);

/*
 * Page by page up to the limit: who finds it reached must not stay there for long, for
 * a program of the cgroup that touches a new page meanwhile is killed when it has tried
 * for longer. So it is tried hard only where the limit is not what is in the way.
 */
void *vexfs_user_vmalloc(size_t bytes, gfp_t gfp)
{
	void *p = __vmalloc(bytes, (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY);

	if (!p && (gfp & __GFP_RETRY_MAYFAIL) && !room_wanted(bytes >> PAGE_SHIFT))
		p = __vmalloc(bytes, gfp);
	return p;
}

void *vexfs_user_alloc(size_t bytes, gfp_t gfp)
{
	gfp_t once = (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY;
	void *p;

	if (bytes <= PAGE_SIZE) {
		p = kmalloc(bytes, gfp);
	} else if (bytes <= INT_MAX) {
		/* kvmalloc() would try hard to have it in one piece */
		p = kvmalloc(bytes, once) ?: vexfs_user_vmalloc(bytes, gfp);
	} else {
		p = NULL;
	}
	if (p && !vexfs_user_room()) {
		kvfree(p);
		return NULL;
	}
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_user_alloc);
