// SPDX-License-Identifier: GPL-2.0
/*
 * Can the time stamp counter be used to measure, and at which rate does it run? A counter
 * that the processor does not call invariant is not used.
 */
#include "clock.h"
#include "vexstress.h"

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

/* Reads both clocks together; takes the fastest of several attempts. */
static void both(uint64_t *ns, uint64_t *ticks)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 9; i++) {
		uint64_t before = vx_ticks(), now = vx_monotonic_ns(), after = vx_ticks();

		if (after - before < best) {
			best = after - before;
			*ns = now;
			*ticks = before + (after - before) / 2;
		}
	}
}

void vx_clock_init(void)
{
	uint64_t n0 = 0, n1 = 0, t0 = 0, t1 = 0;
	struct timespec wait = { 0, 20000000 };

	if (vx_clock.tsc || !invariant())
		return;
	vx_clock.tsc = true;
	both(&n0, &t0);
	nanosleep(&wait, NULL);
	both(&n1, &t1);
	if (t1 <= t0 || n1 <= n0) {
		vx_clock.tsc = false;
		return;
	}
	vx_clock.ns_per_tick = (double)(n1 - n0) / (double)(t1 - t0);
	vx_clock.ticks_per_ns = 1 / vx_clock.ns_per_tick;
}

double vx_probe_machine(double seconds)
{
	uint64_t begin = vx_ticks(), end = begin + vx_to_ticks(seconds * 1e9);
	uint64_t limit = vx_to_ticks(VX_UNAVAILABLE_NS), last = begin, now = begin, lost = 0;

	while (now < end) {
		now = vx_ticks();
		if (now - last > limit)
			lost += now - last;
		last = now;
	}
	return now > begin ? (double)lost / (double)(now - begin) : 0;
}
