// SPDX-License-Identifier: GPL-2.0
/*
 * Can the time stamp counter be used to measure, and at which rate does it run? A counter
 * that the processor does not call invariant is not used.
 */
#include "clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct vs_clock vs_clock = { false, 1, 1 };

static bool invariant(void)
{
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
#else
	return false;
#endif
}

/* Reads both clocks together; takes the fastest of several attempts. */
static void both(uint64_t *ns, uint64_t *ticks)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 9; i++) {
		uint64_t before = vs_ticks(), now = vs_monotonic_ns(), after = vs_ticks();

		if (after - before < best) {
			best = after - before;
			*ns = now;
			*ticks = before + (after - before) / 2;
		}
	}
}

void vs_clock_init(void)
{
	uint64_t n0 = 0, n1 = 0, t0 = 0, t1 = 0;
	struct timespec wait = { 0, 20000000 };

	if (vs_clock.tsc || !invariant())
		return;
	vs_clock.tsc = true;
	both(&n0, &t0);
	nanosleep(&wait, NULL);
	both(&n1, &t1);
	if (t1 <= t0 || n1 <= n0) {
		vs_clock.tsc = false;
		return;
	}
	vs_clock.ns_per_tick = (double)(n1 - n0) / (double)(t1 - t0);
	vs_clock.ticks_per_ns = 1 / vs_clock.ns_per_tick;
}
