// SPDX-License-Identifier: GPL-2.0
/*
 * Searches of histories whose truth is known: planted changes of 3, 10 and 30 %, noise,
 * drift and disturbed rounds. How often the verdict is right, and how often it is wrong.
 */
#include <math.h>
#include <string.h>

#include "../libvexstat/rng.h"
#include "../tests/tap.h"
#include "bisect_stat.h"

#define ROUNDS	64

static struct vs_rng rng;

static double gauss(void)
{
	return (double)vs_rng_gauss(&rng);
}

/* One round: the machine's speed of the moment, and noise of each build's own. */
static void draw(double noise, double change, double *good, double *bad, double *mid, double middle)
{
	double level = 1000 * exp(0.1 * gauss());

	*good = level * exp(noise * gauss());
	*bad = level * (1 + change) * exp(noise * gauss());
	*mid = level * (1 + middle) * exp(noise * gauss());
	/* one round of twenty is disturbed: something else ran */
	if (!vs_rng_below(&rng, 20))
		*mid *= 2;
}

/* As the command does: more rounds until it can be told. */
static enum bisect_side search(double noise, double change, double middle, double alpha)
{
	double good[ROUNDS], bad[ROUNDS], mid[ROUNDS];
	enum bisect_side side = BISECT_CANNOT_TELL;
	size_t n = 0, look;

	for (look = 4; look <= ROUNDS && side == BISECT_CANNOT_TELL; look *= 2) {
		for (; n < look; n++)
			draw(noise, change, &good[n], &bad[n], &mid[n], middle);
		side = bisect_side(good, bad, mid, n, alpha / 5);
	}
	return side;
}

static void planted(double change, double noise)
{
	int right = 0, wrong = 0, i;

	for (i = 0; i < 400; i++) {
		bool after = i & 1;
		enum bisect_side s = search(noise, change, after ? change : 0, 0.01);

		right += s == (after ? BISECT_BAD : BISECT_GOOD);
		wrong += s == (after ? BISECT_GOOD : BISECT_BAD);
	}
	ok(wrong <= 8, "%+.0f %% with %.0f %% noise: %d of 400 on the wrong side", 100 * change,
	   100 * noise, wrong);
	ok(right >= 380, "and %d on the right one", right);
}

static void ends(void)
{
	int called = 0, missed = 0, i, k;

	for (i = 0; i < 400; i++) {
		double good[16], bad[16], other[16];
		struct bisect_ends e;

		for (k = 0; k < 16; k++)
			draw(0.03, i & 1 ? 0.10 : 0, &good[k], &bad[k], &other[k], 0);
		bisect_ends(good, bad, 16, 0.05, &e);
		called += !(i & 1) && (e.low > 0 || e.high < 0);
		missed += (i & 1) && (e.low > 0.10 || e.high < 0.10);
	}
	ok(called <= 20, "of 200 equal ends %d are called unlike", called);
	ok(missed <= 20, "of 200 intervals %d miss the planted 10 %%", missed);
}

static void odd(void)
{
	double same[4] = { 5, 5, 5, 5 }, more[4] = { 6, 6, 6, 6 };
	struct bisect_ends e;

	ok(bisect_side(same, same, same, 4, 0.05) == BISECT_CANNOT_TELL, "equal ends have no sides");
	ok(bisect_side(same, more, more, 4, 0.05) == BISECT_BAD, "figures without noise decide");
	ok(bisect_side(same, more, same, 4, 0.05) == BISECT_GOOD, "either way");
	ok(bisect_side(more, same, same, 4, 0.05) == BISECT_BAD, "also where bad is less");
	ok(bisect_side(same, more, more, 3, 0.05) == BISECT_CANNOT_TELL, "three rounds say nothing");
	bisect_ends(same, more, 4, 0.05, &e);
	ok(fabs(e.change - 0.2) < 1e-9 && e.low > 0.19 && e.high < 0.21, "the change is their ratio");
	bisect_ends(same, more, 2, 0.05, &e);
	ok(isinf(e.high), "with an interval that has no end where there are two rounds");
}

int main(void)
{
	vs_rng_seed(&rng, 42);
	planted(0.03, 0.01);
	planted(0.10, 0.03);
	planted(0.30, 0.05);
	planted(-0.10, 0.03);
	ends();
	odd();
	return done();
}
