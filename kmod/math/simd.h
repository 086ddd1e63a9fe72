/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vector registers in the kernel: may this context use them, begin, end. One directory
 * per architecture knows how; where there is none, floats are computed nowhere. Only
 * fpu.c calls these: it times each section and keeps it short.
 *
 * Between begin and end preemption is off, which the caller has seen to.
 */
#ifndef _VEXFS_MATH_SIMD_H
#define _VEXFS_MATH_SIMD_H

#include <linux/types.h>

#ifdef CONFIG_X86_64
#include "math/x86/simd.h"
#elif defined(CONFIG_ARM64) && defined(CONFIG_KERNEL_MODE_NEON)
#include "math/arm64/simd.h"
#else
static inline bool vexfs_simd_usable(void)
{
	return false;
}

static inline void vexfs_simd_begin(void)
{
}

static inline void vexfs_simd_end(void)
{
}
#endif

#endif
