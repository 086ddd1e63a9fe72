/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of the memory layer. It does not know who listens: whoever wants to be told
 * registers with the chain.
 */
#ifndef _VEXFS_MEM_NOTIFY_H
#define _VEXFS_MEM_NOTIFY_H

#include <linux/notifier.h>
#include <linux/types.h>

/* The action of a call. */
enum vexfs_mem_news_kind {
	VEXFS_NEWS_STACK,	/* a: depth, b: address of the code, name: op */
	VEXFS_NEWS_EXHAUSTED,	/* a: bytes asked for, b: buffers held, name: tier */
	VEXFS_NEWS_RESIZED,	/* a: new size, b: old size, name: tier */
};

/* Its data. */
struct vexfs_mem_news {
	u64 a;
	u64 b;
	const char *name;
};

/* Called in any context. */
extern struct atomic_notifier_head vexfs_mem_chain;

static inline void vexfs_mem_tell(enum vexfs_mem_news_kind what, u64 a, u64 b, const char *name)
{
	struct vexfs_mem_news news = { .a = a, .b = b, .name = name };

	atomic_notifier_call_chain(&vexfs_mem_chain, what, &news);
}

#endif
