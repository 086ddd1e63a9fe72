/* SPDX-License-Identifier: GPL-2.0 */
/* Shrinkers are allocated by newer kernels, and by their users before that. */
#ifndef _VEXFS_COMPAT_SHRINKER_H
#define _VEXFS_COMPAT_SHRINKER_H

#include <linux/shrinker.h>
#include <linux/slab.h>

#include "compat/compat.h"

typedef unsigned long (*vexfs_shrinker_fn)(struct shrinker *s, struct shrink_control *sc);

/* Registers a shrinker; NULL without memory. Active until it is freed. */
static inline struct shrinker *vexfs_shrinker_start(const char *name, vexfs_shrinker_fn count,
						    vexfs_shrinker_fn scan)
{
	struct shrinker *s;

#ifdef HAVE_SHRINKER_ALLOC
	s = shrinker_alloc(0, "%s", name);
#else
	s = kzalloc(sizeof(*s), GFP_KERNEL);
#endif
	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
#ifdef HAVE_SHRINKER_ALLOC
	shrinker_register(s);
#else
	if (register_shrinker(s, "%s", name)) {
		kfree(s);
		return NULL;
	}
#endif
	return s;
}

static inline void vexfs_shrinker_stop(struct shrinker *s)
{
#ifdef HAVE_SHRINKER_ALLOC
	shrinker_free(s);
#else
	unregister_shrinker(s);
	kfree(s);
#endif
}

#endif
