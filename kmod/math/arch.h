/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface of an architecture: its variants besides the scalar one, and the features of the
 * processor that the system allows. Without a directory of its own an architecture has only the
 * scalar variant.
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
