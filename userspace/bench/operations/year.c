// SPDX-License-Identifier: GPL-2.0
/*
 * year FILE DAYS: a history as vexfs-monitord writes it at its interval of 30 s, for a machine
 * with 100 collections: all metrics, whose values change in each sample; 750 counters of the
 * module, a fifth of which do; and three series per collection, a tenth of which do. Prints
 * the size at the end and that of the last tenth of the time, in bytes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "history.h"
#include "metrics.h"
#include "rng.h"

#define DAY		86400000ll
#define STEP		30000
#define COUNTERS	750
#define COLLECTIONS	100

static struct history_error err;
static struct vs_rng g;

static int number(struct history *h, const char *name, enum history_kind kind, bool sketch, double scale)
{
	struct history_series s = { .unit = "", .kind = kind, .sketch = sketch, .scale = scale };

	snprintf(s.name, sizeof(s.name), "%s", name);
	return history_series(h, &s, &err);
}

static void put_metrics(struct history *h, const int *id, int64_t t)
{
	double swing = 1 + 0.2 * sin((double)(t % DAY) / 3600000.0 * M_PI / 12);

	for (int i = 0; i < METRICS; i++) {
		double level = metrics[i].sort == METRIC_THROUGHPUT ? 2000 :
			       metrics[i].sort == METRIC_TIME ? 150 :
			       metrics[i].sort == METRIC_MEMORY ? 5e8 : 0.5;

		history_put(h, id[i], llround(level * swing * (1 + 0.05 * (double)vs_rng_gauss(&g)) /
					      metrics[i].scale));
	}
}

static int write_it(struct history *h, int64_t from, int64_t to)
{
	const struct history_limits limits = HISTORY_LIMITS_DEFAULT;
	int64_t value[COUNTERS + 3 * COLLECTIONS] = { 0 }, before = 0, t;
	int id[METRICS], more[COUNTERS + 3 * COLLECTIONS];
	char name[80];

	for (int i = 0; i < METRICS; i++)
		id[i] = number(h, metrics[i].name, HISTORY_GAUGE, metrics[i].sort <= METRIC_HITS,
			       metrics[i].scale);
	for (int i = 0; i < COUNTERS + 3 * COLLECTIONS; i++) {
		snprintf(name, sizeof(name), i < COUNTERS ? "op/op%d/count" : "collection/c%d/changes", i);
		more[i] = number(h, name, i < COUNTERS || i % 3 ? HISTORY_COUNTER : HISTORY_GAUGE, false, 1);
	}
	history_epoch(h, from, "made", &err);
	for (t = from; t < to; t += STEP) {
		put_metrics(h, id, t);
		for (int i = 0; i < COUNTERS + 3 * COLLECTIONS; i++) {
			bool busy = i < COUNTERS ? i % 5 == 0 : i % 30 < 3;

			if (busy)
				value[i] += (int64_t)vs_rng_below(&g, 60000);
			history_put(h, more[i], value[i]);
		}
		if (history_sample(h, t, &err))
			return -1;
		if (t % 300000 < STEP && history_tidy(h, t, &limits, &err))
			return -1;
		if (t < to - (to - from) / 10)
			before = history_bytes(h);
	}
	printf("%" PRId64 " %" PRId64 "\n", history_bytes(h), history_bytes(h) - before);
	return 0;
}

int main(int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL) * 1000;
	int days = argc == 3 ? atoi(argv[2]) : 0, ret;
	struct history *h = days > 0 ? history_open(argv[1], HISTORY_WRITE, &err) : NULL;

	if (!h) {
		fprintf(stderr, "year: %s\n", days > 0 ? err.text : "usage: year FILE DAYS");
		return 2;
	}
	vs_rng_seed(&g, 9);
	ret = write_it(h, now - days * DAY, now);
	if (ret)
		fprintf(stderr, "year: %s\n", err.text);
	history_close(h);
	return ret ? 1 : 0;
}
