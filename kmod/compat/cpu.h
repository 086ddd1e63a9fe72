/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Features of the processor: as the kernel knows them where it runs on the processor itself, else
 * as CPUID says.
 */
#ifndef _VEXFS_COMPAT_CPU_H
#define _VEXFS_COMPAT_CPU_H

#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#include "compat/compat.h"

/* Older kernels have no flag for processors that prefer 256-bit registers. */
static inline bool vexfs_cpu_prefers_ymm(void)
{
#ifdef X86_FEATURE_PREFER_YMM
	return boot_cpu_has(X86_FEATURE_PREFER_YMM);
#else
	return false;
#endif
}

#ifdef HAVE_CPU_HAS_XFEATURES
#include <asm/processor.h>

/* Are these state components (bits of XCR0) saved on a context switch? */
static inline bool vexfs_cpu_saves(u64 components)
{
	return cpu_has_xfeatures(components, NULL);
}

static inline bool vexfs_cpu_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD;
}

static inline u32 vexfs_cpu_family(void)
{
	return boot_cpu_data.x86;
}
#else
/* User Mode Linux: the host decides; XCR0 says what it saves. */
static inline bool vexfs_cpu_saves(u64 components)
{
	u32 low, high;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return false;
	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return (low & components) == components;
}

struct vexfs_cpuid {
	u32 a, b, c, d;
};

static inline struct vexfs_cpuid vexfs_cpuid(u32 leaf)
{
	struct vexfs_cpuid r = { .a = leaf };

	asm volatile("cpuid" : "+a" (r.a), "=b" (r.b), "+c" (r.c), "=d" (r.d));
	return r;
}

static inline bool vexfs_cpu_is_amd(void)
{
	struct vexfs_cpuid r = vexfs_cpuid(0);

	/* "AuthenticAMD" */
	return r.b == 0x68747541 && r.d == 0x69746e65 && r.c == 0x444d4163;
}

static inline u32 vexfs_cpu_family(void)
{
	u32 a = vexfs_cpuid(1).a, base = a >> 8 & 0xf;

	return base == 0xf ? base + (a >> 20 & 0xff) : base;
}
#endif

#endif
