/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of the measuring loop. It reads the time stamp counter if that is invariant,
 * because in a User Mode Linux lab clock_gettime() is a system call that may cost more
 * than the measured op; CLOCK_MONOTONIC otherwise. Ticks are only compared and converted
 * to nanoseconds.
 */
#ifndef VEXSTRESS_CLOCK_H
#define VEXSTRESS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct vx_clock {
	bool tsc;
	double ns_per_tick;
	double ticks_per_ns;
};

extern struct vx_clock vx_clock;

/* Measures the rate of the counter; takes about 20 ms. */
void vx_clock_init(void);

/*
 * Spins for @seconds and returns the share of that time in which it did not run: the machine
 * was unavailable. Pauses of up to VX_UNAVAILABLE_NS are not counted.
 */
double vx_probe_machine(double seconds);

static inline uint64_t vx_monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t vx_ticks(void)
{
#if defined(__x86_64__)
	if (vx_clock.tsc)
		return __rdtsc();
#endif
	return vx_monotonic_ns();
}

static inline uint64_t vx_to_ns(uint64_t ticks)
{
	return vx_clock.tsc ? (uint64_t)((double)ticks * vx_clock.ns_per_tick) : ticks;
}

static inline uint64_t vx_to_ticks(double ns)
{
	return (uint64_t)(ns * vx_clock.ticks_per_ns);
}

#endif
