/* SPDX-License-Identifier: GPL-2.0 */
/* Vector registers of x86; see math/simd.h. */
#ifndef _VEXFS_MATH_X86_SIMD_H
#define _VEXFS_MATH_X86_SIMD_H

#include <linux/types.h>
#include <asm/fpu/api.h>

static inline bool vexfs_simd_usable(void)
{
	return irq_fpu_usable();
}

static inline void vexfs_simd_begin(void)
{
	kernel_fpu_begin();
}

static inline void vexfs_simd_end(void)
{
	kernel_fpu_end();
}

#endif
