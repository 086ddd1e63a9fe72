/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of programs that measure. It reads the time stamp counter if that is invariant,
 * because in a User Mode Linux lab clock_gettime() is a system call that may cost more
 * than the measured op; CLOCK_MONOTONIC otherwise. Ticks are only compared and converted
 * to nanoseconds.
 */
#ifndef VEXSTAT_CLOCK_H
#define VEXSTAT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct vs_clock {
	bool tsc;
	double ns_per_tick;
	double ticks_per_ns;
};

extern struct vs_clock vs_clock;

/* Measures the rate of the counter; takes about 20 ms. */
void vs_clock_init(void);

static inline uint64_t vs_monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t vs_ticks(void)
{
#if defined(__x86_64__)
	if (vs_clock.tsc)
		return __rdtsc();
#endif
	return vs_monotonic_ns();
}

static inline uint64_t vs_to_ns(uint64_t ticks)
{
	return vs_clock.tsc ? (uint64_t)((double)ticks * vs_clock.ns_per_tick) : ticks;
}

static inline uint64_t vs_to_ticks(double ns)
{
	return (uint64_t)(ns * vs_clock.ticks_per_ns);
}

#endif
