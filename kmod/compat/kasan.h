/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marks for KASAN on memory that an allocator of ours keeps for itself. The
 * kernel has kasan_mempool_poison_object() for that, on newer kernels only and not
 * for modules; kasan_poison() is exported by all, but declared to none. Nothing
 * of this is left in a kernel without KASAN.
 */
#ifndef _VEXFS_COMPAT_KASAN_H
#define _VEXFS_COMPAT_KASAN_H

#include <linux/align.h>
#include <linux/kasan-checks.h>
#include <linux/types.h>

#ifdef CONFIG_KASAN_GENERIC

#define VEXFS_KASAN_GRANULE	8u	/* bytes that a mark stands for */
#define VEXFS_KASAN_FREE	0xfb	/* reported as a use after free */
#define VEXFS_KASAN_REDZONE	0xfc	/* reported as out of bounds */

void kasan_poison(const void *addr, size_t size, u8 value, bool init);

/* @size bytes of a buffer of @bytes are in use, and what is behind them is not. */
static inline void vexfs_kasan_take(void *p, size_t size, size_t bytes)
{
	size_t used = ALIGN(size, VEXFS_KASAN_GRANULE);

	kasan_poison(p, used, 0, false);
	if (used < bytes)
		kasan_poison(p + used, bytes - used, VEXFS_KASAN_REDZONE, false);
}

/* Nobody uses it; its first @link bytes stay writable, for whoever chains it. */
static inline void vexfs_kasan_rest(void *p, size_t link, size_t bytes)
{
	kasan_poison(p, link, 0, false);
	kasan_poison(p + link, bytes - link, VEXFS_KASAN_FREE, false);
}

#else

static inline void vexfs_kasan_take(void *p, size_t size, size_t bytes)
{
}

static inline void vexfs_kasan_rest(void *p, size_t link, size_t bytes)
{
}

#endif

#endif
