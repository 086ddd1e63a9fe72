// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the module holds for users, and the room that is left in their cgroups. It
 * does not know what the memory is for.
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
#define CHUNK_ORDER	9u		/* of pages that are charged together */

#ifdef CONFIG_MEMCG
/*
 * @more pages and those that should be left then, if they do not look free in the cgroup or
 * one above it; 0 when they do.
 */
static unsigned long room_wanted(unsigned long more)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(NULL), *m;
	unsigned long wanted = 0;

	for (m = memcg; m; m = parent_mem_cgroup(m)) {
		unsigned long limit = READ_ONCE(m->memory.max);
		unsigned long room = min(limit / ROOM_SHARE, ROOM_PAGES);

		if (page_counter_read(&m->memory) + more + room > limit)
			wanted = max(wanted, more + room);
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

/* Pages held for a moment. */
struct chunk {
	struct chunk *next;
	unsigned int order;
};

static void chunks_free(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		free_pages((unsigned long)c, c->order);
		c = next;
	}
}

/*
 * Caches of files may fill what looks taken: charges drive them out. Each is for many
 * pages at once, so that one that fails has taken nothing. To allocate page by page until
 * there are no more would leave the cgroup at its limit for as long as it takes to give
 * them back, and a program of it that touches a new page meanwhile is killed.
 */
static bool reclaim_pages(unsigned long pages)
{
	unsigned int order = min_t(unsigned int, get_order(pages << PAGE_SHIFT), CHUNK_ORDER);
	struct chunk *held = NULL, *c;
	unsigned long other;

	while (pages) {
		c = (struct chunk *)__get_free_pages(VEXFS_GFP_SPARE, order);
		if (c) {
			c->next = held;
			c->order = order;
			held = c;
			pages -= min(pages, 1ul << order);
			continue;
		}
		/* the limit, or no such piece in the whole machine? */
		other = __get_free_pages(VEXFS_GFP_SPARE & ~__GFP_ACCOUNT, order);
		free_pages(other, order);
		if (other || !order)
			break;
		order--;
	}
	chunks_free(held);
	return !pages;
}

bool vexfs_user_room(size_t bytes)
{
	unsigned long wanted = room_wanted(PFN_UP(bytes));

	return likely(!wanted) || reclaim_pages(wanted);
}

/* Tried hard only where the limit is not what is in the way. */
void *vexfs_user_vmalloc(size_t bytes, gfp_t gfp)
{
	void *p = __vmalloc(bytes, (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY);

	if (!p && (gfp & __GFP_RETRY_MAYFAIL) && !room_wanted(PFN_UP(bytes)))
		p = __vmalloc(bytes, gfp);
	return p;
}

void *vexfs_user_alloc(size_t bytes, gfp_t gfp)
{
	gfp_t once = (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY;

	if (bytes > INT_MAX || !vexfs_user_room(bytes))
		return NULL;
	if (bytes <= PAGE_SIZE)
		return kmalloc(bytes, gfp);
	/* kvmalloc() would try hard to have it in one piece */
	return kvmalloc(bytes, once) ?: vexfs_user_vmalloc(bytes, gfp);
}
VEXFS_EXPORT_KUNIT(vexfs_user_alloc);
