/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this room has to tell. It knows nobody above it, so whoever wants to
 * hear installs a hook; without one, nothing is lost but the news.
 */
#ifndef _VEXFS_MEM_NOTIFY_H
#define _VEXFS_MEM_NOTIFY_H

#include <linux/types.h>

enum vexfs_mem_news {
	VEXFS_NEWS_STACK,	/* a: depth, b: address of the code, name: op */
	VEXFS_NEWS_EXHAUSTED,	/* a: bytes asked for, b: buffers held, name: tier */
	VEXFS_NEWS_RESIZED,	/* a: new size, b: old size, name: tier */
};

typedef void (*vexfs_mem_hook)(enum vexfs_mem_news what, u64 a, u64 b, const char *name);

/*
 * Install the hook, or NULL to take it away; returns when no call of the old
 * one is running. The hook is called in any context and must not sleep.
 */
void vexfs_mem_set_hook(vexfs_mem_hook hook);

/* For this room only. */
void vexfs_mem_tell(enum vexfs_mem_news what, u64 a, u64 b, const char *name);

#endif
