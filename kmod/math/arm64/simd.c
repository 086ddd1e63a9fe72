// SPDX-License-Identifier: GPL-2.0
/*
 * Vector registers of arm64. Newer kernels want a buffer from a soft interrupt, for the
 * registers of the section that it may have interrupted. Preemption is off, so one for
 * each CPU is enough; a task needs none.
 */
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <asm/neon.h>
#include <asm/simd.h>

#include "compat/compat.h"
#include "math/simd.h"

bool vexfs_simd_usable(void)
{
	return may_use_simd();
}

#ifdef HAVE_NEON_STATE
static DEFINE_PER_CPU(struct user_fpsimd_state, softirq_state);

static struct user_fpsimd_state *state_buffer(void)
{
	return in_serving_softirq() ? this_cpu_ptr(&softirq_state) : NULL;
}

void vexfs_simd_begin(void)
{
	kernel_neon_begin(state_buffer());
}

void vexfs_simd_end(void)
{
	kernel_neon_end(state_buffer());
}
#else
void vexfs_simd_begin(void)
{
	kernel_neon_begin();
}

void vexfs_simd_end(void)
{
	kernel_neon_end();
}
#endif
