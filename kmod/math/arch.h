/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an architecture brings along: variants of its own behind the scalar one, and what
 * its processor can do and the system lets it do. An architecture without a directory
 * here has the scalar variant alone.
 */
#ifndef _VEXFS_MATH_ARCH_H
#define _VEXFS_MATH_ARCH_H

#ifdef __x86_64__
#include "math/x86/x86.h"
#else
#include <linux/types.h>

#define VEXFS_ARCH_VARIANTS	0
#define VEXFS_ARCH_LIST

static inline u32 vexfs_cpu_features(void)
{
	return 0;
}

static inline const char *vexfs_cpu_lacks(u32 needs)
{
	return NULL;
}

static inline bool vexfs_cpu_avoids(u32 needs)
{
	return false;
}

static inline void vexfs_cpu_tune(void)
{
}
#endif

#endif
