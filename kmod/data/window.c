// SPDX-License-Identifier: GPL-2.0
/*
 * Long puts read vectors in the program's own pages instead of copying them first: the
 * pages are held, and each vector is read once, on its way into its row.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "data/window.h"
#include "mem/pool.h"
#include "store/store.h"

#define WINDOW_BYTES	(2u << 20)	/* of vectors in one window */
#define WINDOW_VECTOR	(PAGE_SIZE / 2)	/* most larger vectors cross a page boundary */

u32 vexfs_window_vectors(size_t bytes, u32 count)
{
	if (IS_ENABLED(CONFIG_HIGHMEM) || bytes > WINDOW_VECTOR ||
	    bytes * count < VEXFS_WINDOW_LEAST)
		return 0;
	return min3(count, VEXFS_RUN_LONG, (u32)(WINDOW_BYTES / bytes));
}

int vexfs_window_alloc(struct vexfs_window *w, struct vexfs_op *op, size_t bytes, u32 n)
{
	u32 pages = DIV_ROUND_UP(bytes * n, PAGE_SIZE) + 1;

	w->vector_bytes = bytes;
	w->held = 0;
	w->bytes = pages * sizeof(void *);
	w->pages = vexfs_op_alloc(op, w->bytes, VEXFS_GFP_USER);
	if (!w->pages)
		return -ENOMEM;
	w->paged.page = (const void **)w->pages;
	w->paged.shift = PAGE_SHIFT;
	return 0;
}

void vexfs_window_free(struct vexfs_window *w)
{
	vexfs_pool_free(w->pages, w->bytes);
}

int vexfs_window_open(struct vexfs_window *w, struct vexfs_op *op, u64 user, u32 n)
{
	unsigned long start = user;
	struct page **page = (struct page **)w->pages;
	size_t bytes = w->vector_bytes * n;
	int i, pages, held;

	if (start != user || !access_ok((void __user *)start, bytes))
		return -EFAULT;
	pages = DIV_ROUND_UP(offset_in_page(start) + bytes, PAGE_SIZE);
	/*
	 * References, not pins: the pages are only read, and for a short time. A program that
	 * writes to them meanwhile stores what it wrote. Pinning would count every page.
	 */
	held = get_user_pages_fast(start & PAGE_MASK, pages, 0, page);
	for (i = 0; i < held; i++)
		w->pages[i] = page_address(page[i]);
	w->held = max(held, 0);
	if (held < pages) {
		vexfs_window_close(w);
		return -EFAULT;
	}
	op->bytes_in += bytes;
	w->paged.off = offset_in_page(start);
	return 0;
}

void vexfs_window_close(struct vexfs_window *w)
{
	while (w->held)
		put_page(virt_to_page(w->pages[--w->held]));
}
