// SPDX-License-Identifier: GPL-2.0
/*
 * The records of an open loop, for ops that are simulated: the latency of each, and its
 * latency on a machine that is always available.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

static int tests, failures;
static struct vx_shared *shared;
static struct vx_worker worker;

static void check(bool ok, const char *name)
{
	const struct vx_measure *m = &shared->kind[0];

	printf("%sok %d - %s: raw mean %.1f max %llu, without mean %.1f max %llu us\n",
	       ok ? "" : "not ", ++tests, name, vs_hist_mean(&m->corrected) / 1e3,
	       (unsigned long long)m->corrected.max / 1000, vs_hist_mean(&m->available) / 1e3,
	       (unsigned long long)m->available.max / 1000);
	failures += !ok;
}

/*
 * @n ops, due every @every us from 1 ms on, each taking @takes us. When op @gap_at is due
 * the machine is unavailable for @gap us; op @stall_at takes @stall us longer. One worker
 * runs them in order, each when it is due or as soon as possible.
 */
static void play(unsigned int n, unsigned int every, unsigned int takes, int gap_at,
		 unsigned int gap, int stall_at, unsigned int stall)
{
	uint64_t now = 0;
	unsigned int i;

	memset(shared, 0, sizeof(*shared));
	memset(&worker, 0, sizeof(worker));
	worker.shared = shared;
	for (i = 0; i < n; i++) {
		uint64_t due = 1000000 + (uint64_t)i * every * 1000, missing = 0;

		if (now < due)
			now = due;
		if ((int)i == gap_at) {
			missing = (uint64_t)gap * 1000;
			now += missing;
		}
		worker.started = now;
		now += (uint64_t)takes * 1000 + ((int)i == stall_at ? (uint64_t)stall * 1000 : 0);
		worker.ended = now;
		worker.done = 1;
		vx_record(&worker, 0, due, missing, 0);
	}
}

int main(void)
{
	const struct vs_hist *raw, *rest;

	shared = calloc(1, sizeof(*shared));
	if (!shared)
		return 1;
	raw = &shared->kind[0].corrected;
	rest = &shared->kind[0].available;

	play(1000, 60, 20, -1, 0, -1, 0);
	check(raw->max == 20000 && rest->max == 20000 && raw->sum == rest->sum,
	      "nothing missing: the two are the same");
	play(1000, 60, 20, 100, 5000, -1, 0);
	check(raw->max == 5020000 && rest->max == 20000,
	      "5 ms missing: the queue behind them is raw latency only");
	check(vs_hist_quantile(raw, 0.9) > 1000000 && vs_hist_quantile(rest, 0.999) == 20000,
	      "and so are its percentiles");
	play(1000, 60, 20, -1, 0, 100, 5000);
	check(raw->max == 5020000 && rest->max == 5020000 && raw->sum == rest->sum,
	      "an op of 5 ms counts in full, with the ops that wait behind it");
	play(1000, 60, 20, 100, 5000, 110, 5000);
	check(raw->max >= 9000000 && rest->max == 5020000,
	      "an op that is slow after the machine was missing is not excused");
	play(1000, 60, 20, 100, 5000, 900, 5000);
	check(rest->max == 5020000 && rest->sum > 100u * 1000 * 1000,
	      "time that was missing earlier excuses nothing later");
	play(1000, 20, 30, -1, 0, -1, 0);
	check(raw->max == rest->max && raw->max > 9000000, "overload is lateness in both");
	free(shared);
	printf("1..%d\n", tests);
	return failures != 0;
}
