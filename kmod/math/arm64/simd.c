// SPDX-License-Identifier: GPL-2.0
/*
 * Vector registers of arm64. Newer kernels want a buffer from a soft interrupt, for the
 * registers of the section that it may have interrupted. Preemption is off, so one for
 * each CPU is enough; a task needs none.
 */
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/thread_info.h>
#include <asm/neon.h>
#include <asm/simd.h>

#include "compat/compat.h"
#include "math/simd.h"

/*
 * may_use_simd() does not say whether this context is in a section already, and to begin
 * another one there is a BUG. A soft interrupt may interrupt the section of a task, but not
 * one of its own. Kernels without the flag of a task have a busy mark that may_use_simd()
 * reads.
 */
#ifdef TIF_KERNEL_FPSTATE
static DEFINE_PER_CPU(bool, softirq_section);

static bool in_section(void)
{
	return in_serving_softirq() ? this_cpu_read(softirq_section) :
				      test_thread_flag(TIF_KERNEL_FPSTATE);
}

static void mark_section(bool begins)
{
	if (in_serving_softirq())
		this_cpu_write(softirq_section, begins);
}
#else
static bool in_section(void)
{
	return false;
}

static void mark_section(bool begins)
{
}
#endif

bool vexfs_simd_usable(void)
{
	return may_use_simd() && !in_section();
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
	mark_section(true);
}

void vexfs_simd_end(void)
{
	mark_section(false);
	kernel_neon_end(state_buffer());
}
#else
void vexfs_simd_begin(void)
{
	kernel_neon_begin();
	mark_section(true);
}

void vexfs_simd_end(void)
{
	mark_section(false);
	kernel_neon_end();
}
#endif
