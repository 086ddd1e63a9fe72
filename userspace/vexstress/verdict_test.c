// SPDX-License-Identifier: GPL-2.0
/* Verdicts on made-up values; nothing is measured. */
#include "verdict.h"
#include "vexstress.h"

#include <string.h>

static int tests, failures;

static void expect(enum vx_verdict want, struct vx_figures f, const char *name)
{
	enum vx_verdict got = vx_verdict_of(&f);

	printf("%sok %d - %s: %s\n", got == want ? "" : "not ", ++tests, name, vx_verdict_word(got));
	failures += got != want;
}

static void status(int want, struct vx_count c, bool strict, const char *name)
{
	int got = vx_count_status(&c, strict);

	printf("%sok %d - %s: %d\n", got == want ? "" : "not ", ++tests, name, got);
	failures += got != want;
}

#define LATENCY(raw, rest, now, then)						\
	((struct vx_figures){ .target = 10, .measured = true, .got = (raw),	\
			      .without = (rest), .due = 1000, .held = (now),	\
			      .held_without = (then) })
#define RATE(v)									\
	((struct vx_figures){ .higher = true, .target = 10, .measured = true,	\
			      .got = (v), .without = (v) })
#define COUNT(met, missed, doubt, skipped)					\
	((struct vx_count){ { [VX_V_MET] = (met), [VX_V_MISSED] = (missed),	\
			      [VX_V_CANNOT_TELL] = (doubt), [VX_V_SKIPPED] = (skipped) } })

int main(void)
{
	struct vx_figures f;

	expect(VX_V_MET, RATE(10), "a rate that is reached");
	expect(VX_V_MISSED, RATE(9.999), "a rate that is not");
	expect(VX_V_MET, LATENCY(9, 9, 1000, 1000), "a latency with everything in it");
	expect(VX_V_MET, LATENCY(10, 1, 1000, 1000), "just");
	expect(VX_V_CANNOT_TELL, LATENCY(11, 9, 1000, 1000),
	       "it misses, and without unavailable time it would not");
	expect(VX_V_MISSED, LATENCY(12, 11, 1000, 1000), "both miss");
	expect(VX_V_MISSED, LATENCY(11, 11, 1000, 1000), "it misses, and nothing was unavailable");
	expect(VX_V_MISSED, LATENCY(5, 5, 900, 900), "the rate was not held: no latency counts");
	expect(VX_V_CANNOT_TELL, LATENCY(5, 5, 900, 990),
	       "the rate was held for as long as the machine was there");
	expect(VX_V_MISSED, LATENCY(12, 11, 900, 1000), "neither rate nor latency");
	expect(VX_V_MET, LATENCY(9, 9, 980, 980), "nearly all of the rate is all of it");

	f = RATE(20);
	f.failed = true;
	expect(VX_V_MISSED, f, "a rate whose recall was too low");
	f = LATENCY(11, 9, 1000, 1000);
	f.failed = true;
	expect(VX_V_MISSED, f, "a failed condition leaves no doubt");
	memset(&f, 0, sizeof(f));
	expect(VX_V_SKIPPED, f, "nothing to measure");
	f.broken = true;
	expect(VX_V_MISSED, f, "a job that broke off is missed, not skipped");

	status(VX_OK, COUNT(12, 0, 0, 3), false, "all met, some skipped");
	status(VX_OK, COUNT(12, 0, 0, 3), true, "the same when strict");
	status(VX_MISSED, COUNT(11, 1, 0, 3), false, "one missed");
	status(VX_OK, COUNT(11, 0, 1, 3), false, "one in doubt");
	status(VX_CANNOT_TELL, COUNT(11, 0, 1, 3), true, "one in doubt when strict");
	status(VX_MISSED, COUNT(10, 1, 1, 3), true, "missed stands above doubt");
	status(VX_CANNOT_TELL, COUNT(0, 0, 0, 3), true, "nothing measured proves nothing");
	printf("1..%d\n", tests);
	return failures != 0;
}
