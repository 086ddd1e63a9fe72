// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses the clock when the module is loaded: a counter that does not keep time is
 * not used. Its pace is measured then and corrected over ever longer spans.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "math/clock.h"

#define ONE	(1U << VEXFS_CLOCK_SHIFT)

struct vexfs_clock vexfs_the_clock __read_mostly = { .pace = ONE };
VEXFS_EXPORT_KUNIT(vexfs_the_clock);

struct reading {
	u64 stamp;
	u64 ns;
};

static struct reading start;

/* Both clocks at one moment: the tightest of a few tries, for one may be interrupted. */
static struct reading read_both(void)
{
	struct reading r = {};
	u64 best = U64_MAX;
	int i;

	for (i = 0; i < 16; i++) {
		u64 before = vexfs_cycles();
		u64 ns = ktime_get_ns();
		u64 took = vexfs_cycles() - before;

		if (took < best) {
			best = took;
			r.stamp = before + took / 2;
			r.ns = ns;
		}
	}
	return r;
}

/* The pace between two readings, or 0 when no counter runs like that. */
static u32 pace_of(const struct reading *a, const struct reading *b)
{
	u64 cycles = b->stamp - a->stamp, ns = b->ns - a->ns, p;

	if ((s64)cycles <= 0 || !ns)
		return 0;
	p = mul_u64_u64_div_u64(ns, (u64)ONE, cycles);
	/* 100 MHz to 10 GHz. */
	return p >= ONE / 10 && p <= ONE * 10ULL ? p : 0;
}

void vexfs_clock_init(void)
{
	struct reading r[3];
	u32 first, second;

	r[0] = read_both();
	usleep_range(4000, 6000);
	r[1] = read_both();
	usleep_range(4000, 6000);
	r[2] = read_both();
	first = pace_of(&r[0], &r[1]);
	second = pace_of(&r[1], &r[2]);
	/* The same pace twice, within half a percent, and nobody warns of it. */
	if (!vexfs_cycles_trusted() || !first || !second ||
	    abs((s64)first - (s64)second) >= first / 200) {
		pr_info("ops and FPU sections are timed with the kernel's clock\n");
		return;
	}
	start = r[0];
	vexfs_the_clock.pace = pace_of(&r[0], &r[2]);
	vexfs_the_clock.cycles = true;
}

void vexfs_clock_tune(void)
{
	u32 old = vexfs_the_clock.pace, p;
	struct reading now;

	if (!vexfs_the_clock.cycles)
		return;
	now = read_both();
	p = pace_of(&start, &now);
	/* A counter that stood still in a suspend is not believed. */
	if (p && abs((s64)p - (s64)old) < old / 200)
		WRITE_ONCE(vexfs_the_clock.pace, p);
}
