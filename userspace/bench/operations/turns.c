// SPDX-License-Identifier: GPL-2.0
/*
 * turns CONFIG N: N turns of vexfs-monitord at its interval; the time of each from wake to
 * sleep, in ms. Where processor time is counted in ticks, a process that wakes at ticks and
 * sleeps before the next looks either free or a tick long. The time from wake to sleep counts
 * waits, too: it is an upper bound.
 *
 * Prints the median over windows of ten turns, which hold whatever is done less often than
 * each time (except for the rollups, every five minutes): a window in which others had the
 * processor does not count. And the mean over all.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "monitord.h"

#define WINDOW	10
#define WINDOWS	1000

volatile bool stopping;
volatile bool again;

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct monitor m = { .foreground = true };
	static double window[WINDOWS];
	int windows = argc == 3 ? atoi(argv[2]) / WINDOW : 0;
	double sum = 0;
	uint64_t due;
	char why[400];

	if (windows < 1 || windows > WINDOWS) {
		fprintf(stderr, "usage: turns CONFIG N, N of 10 to 10000\n");
		return 2;
	}
	if (config_read(argv[1], &m.conf, why, sizeof(why))) {
		fprintf(stderr, "turns: %s\n", why);
		return 1;
	}
	snprintf(m.etc, sizeof(m.etc), "%s", argv[1]);
	dirname(m.etc);
	take_turn(&m);	/* what is done once is not counted */
	due = now_ns();
	for (int i = 0; i < windows * WINDOW; i++) {
		struct timespec at;
		uint64_t began;

		due += (uint64_t)(m.conf.interval * 1e9);
		at = (struct timespec){ (time_t)(due / 1000000000), (long)(due % 1000000000) };
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
			;
		began = now_ns();
		take_turn(&m);
		window[i / WINDOW] += (double)(now_ns() - began) / 1e6 / WINDOW;
		sum += (double)(now_ns() - began) / 1e6;
	}
	qsort(window, (size_t)windows, sizeof(window[0]), by_size);
	printf("turn_median_ms=%.4f\nturn_mean_ms=%.4f\n", window[windows / 2],
	       sum / (windows * WINDOW));
	disconnect_module(&m);
	history_close(m.h);
	return m.samples ? 0 : 1;
}
