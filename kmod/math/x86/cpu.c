// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the kernel which instruction sets there are and whether their registers
 * are saved on a context switch: a processor bit alone is not enough. Decides
 * nothing.
 */
#include <linux/kernel.h>

#include "compat/compat.h"
#include "compat/cpu.h"
#include "math/x86/x86.h"

/* State components, as bits of XCR0. */
#define STATE_AVX	0x06ull
#define STATE_AVX512	0xe6ull

static bool has_avx2(void)
{
	return boot_cpu_has(X86_FEATURE_AVX) && boot_cpu_has(X86_FEATURE_AVX2) &&
	       boot_cpu_has(X86_FEATURE_FMA) && boot_cpu_has(X86_FEATURE_F16C);
}

static bool has_avx512(void)
{
	return boot_cpu_has(X86_FEATURE_AVX512F) && boot_cpu_has(X86_FEATURE_AVX512BW) &&
	       boot_cpu_has(X86_FEATURE_AVX512VL) && boot_cpu_has(X86_FEATURE_AVX512DQ);
}

u32 vexfs_cpu_features(void)
{
	u32 cpu = 0;

	if (!has_avx2() || !vexfs_cpu_saves(STATE_AVX))
		return 0;
	cpu |= VEXFS_CPU_AVX2;
	if (!has_avx512() || !vexfs_cpu_saves(STATE_AVX512))
		return cpu;
	cpu |= VEXFS_CPU_AVX512;
	if (boot_cpu_has(X86_FEATURE_AVX512_VNNI))
		cpu |= VEXFS_CPU_VNNI;
	if (boot_cpu_has(X86_FEATURE_AVX512_VPOPCNTDQ))
		cpu |= VEXFS_CPU_VPOPCNTDQ;
	return cpu;
}

void vexfs_cpu_tune(void)
{
	vexfs_x86_tune(vexfs_cpu_is_amd(), vexfs_cpu_family());
}

bool vexfs_cpu_avoids(u32 needs)
{
	return needs & VEXFS_CPU_AVX512 && vexfs_cpu_prefers_ymm();
}

const char *vexfs_cpu_lacks(u32 needs)
{
	u32 lacks = needs & ~vexfs_cpu_features();

	if (!lacks)
		return NULL;
	if (!has_avx2())
		return "the processor has no AVX2 with FMA and F16C";
	if (!vexfs_cpu_saves(STATE_AVX))
		return "the system does not save AVX registers";
	if (lacks & VEXFS_CPU_AVX512) {
		if (!has_avx512())
			return "the processor has no AVX-512 F, BW, VL and DQ";
		return "the system does not save AVX-512 registers";
	}
	if (lacks & VEXFS_CPU_VNNI)
		return "the processor has no AVX512_VNNI";
	return "the processor has no AVX512_VPOPCNTDQ";
}
VEXFS_EXPORT_KUNIT(vexfs_cpu_lacks);
