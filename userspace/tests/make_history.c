// SPDX-License-Identifier: GPL-2.0
/*
 * make_history FILE: thirty days of history up to now, with vector ops slower by a fifth
 * from three days ago on, a setting changed a quarter of an hour before, and semantic ops
 * that follow the load of the processors. The same each time, but for the time of day.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "history.h"
#include "rng.h"

#define DAY	86400000ll

static struct history_error err;

static int gauge(struct history *h, const char *name, double scale)
{
	struct history_series s = { .unit = "", .kind = HISTORY_GAUGE, .sketch = true,
				    .scale = scale };

	snprintf(s.name, sizeof(s.name), "%s", name);
	return history_series(h, &s, &err);
}

int main(int argc, char **argv)
{
	const struct history_limits limits = HISTORY_LIMITS_DEFAULT;
	int64_t now = (int64_t)time(NULL) * 1000, t, tidy = 0;
	struct history *h = argc == 2 ? history_open(argv[1], HISTORY_WRITE, &err) : NULL;
	int fuse, vector, semantic, busy, memory;
	double slow = 0, other = 0;
	bool changed = false;
	struct vs_rng g;

	if (!h) {
		fprintf(stderr, "make_history: %s\n", argc == 2 ? err.text : "usage: make_history FILE");
		return 1;
	}
	vs_rng_seed(&g, 5);
	fuse = gauge(h, "fuse_ops", 1e-3);
	vector = gauge(h, "vector_ops", 1e-3);
	semantic = gauge(h, "semantic_ops", 1e-3);
	busy = gauge(h, "cpu_busy", 1e-4);
	memory = gauge(h, "memory", 1);
	history_epoch(h, now - 30 * DAY, "made", &err);
	history_add_change(h, now - 30 * DAY, "setting", "pool_small", "", "128", &err);
	for (t = now - 30 * DAY; t <= now; t += 60000) {
		double hours = (double)(t % DAY) / 3600000.0, swing = 1 + 0.2 * sin(hours * M_PI / 12);
		bool after = t >= now - 3 * DAY;

		slow = 0.995 * slow + 0.1 * (double)vs_rng_gauss(&g);
		other = 0.98 * other + 0.2 * (double)vs_rng_gauss(&g);
		if (t >= now - 3 * DAY - 900000 && !changed) {
			changed = true;
			history_add_change(h, t, "setting", "pool_small", "128", "4", &err);
		}
		history_put(h, fuse, llround(4e6 * swing * (1 + 0.03 * other)));
		history_put(h, vector, llround((after ? 1.6e6 : 2e6) * swing *
					       (1 + 0.03 * (double)vs_rng_gauss(&g))));
		history_put(h, busy, llround(1e4 * fmin(0.99, fmax(0.01, 0.5 + 0.15 * slow))));
		history_put(h, semantic, llround(6e5 * (1 - 0.1 * slow +
						       0.02 * (double)vs_rng_gauss(&g))));
		history_put(h, memory, 500000000);
		if (history_sample(h, t, &err))
			return 1;
		if (t >= tidy + 6 * 3600000ll) {
			tidy = t;
			if (history_tidy(h, t, &limits, &err))
				return 1;
		}
	}
	if (history_tidy(h, now, &limits, &err)) {
		fprintf(stderr, "make_history: %s\n", err.text);
		return 1;
	}
	history_close(h);
	return 0;
}
