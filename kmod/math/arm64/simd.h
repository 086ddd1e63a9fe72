/* SPDX-License-Identifier: GPL-2.0 */
/* Vector registers of arm64; see math/simd.h. */
#ifndef _VEXFS_MATH_ARM64_SIMD_H
#define _VEXFS_MATH_ARM64_SIMD_H

#include <linux/types.h>

bool vexfs_simd_usable(void);
void vexfs_simd_begin(void);
void vexfs_simd_end(void);

#endif
