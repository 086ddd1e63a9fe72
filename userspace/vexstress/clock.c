// SPDX-License-Identifier: GPL-2.0
/*
 * Is the time stamp counter fit to measure with, and how fast does it run?
 * Never trusts a counter that the processor does not call invariant.
 */
#include "clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct vx_clock vx_clock = { false, 1, 1 };

static bool invariant(void)
{
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
#else
	return false;
#endif
}

void vx_clock_init(void)
{
	uint64_t n0, n1, t0, t1;
	struct timespec wait = { 0, 20000000 };

	if (vx_clock.tsc || !invariant())
		return;
	vx_clock.tsc = true;
	n0 = vx_monotonic_ns();
	t0 = vx_ticks();
	nanosleep(&wait, NULL);
	n1 = vx_monotonic_ns();
	t1 = vx_ticks();
	if (t1 <= t0 || n1 <= n0) {
		vx_clock.tsc = false;
		return;
	}
	vx_clock.ns_per_tick = (double)(n1 - n0) / (double)(t1 - t0);
	vx_clock.ticks_per_ns = 1 / vx_clock.ns_per_tick;
}
