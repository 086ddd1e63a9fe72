/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types for the arithmetic in the kernel and in userspace, since the variant files compile in both.
 * Includes nothing but types.
 */
#ifndef _VEXFS_MATH_TYPES_H
#define _VEXFS_MATH_TYPES_H

#include <linux/types.h>
#include <linux/vexfs.h>

#ifndef __KERNEL__
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef __aligned
#define __aligned(x)	__attribute__((__aligned__(x)))
#endif
#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#else
#include <linux/errno.h>
#include <linux/string.h>
#endif

#endif
