// SPDX-License-Identifier: GPL-2.0
/*
 * The clock that ops are timed with. Its pace is measured when the module is
 * loaded and corrected over ever longer spans; a counter that does not keep time
 * is not used. Which clock it is does not change while the module runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "math/fpu.h"
#include "stat/clock.h"

#ifdef HAVE_TSC_UNSTABLE
#include <asm/tsc.h>
#endif

/* Nanoseconds in a cycle, times 2^SHIFT. */
#define SHIFT	24

struct reading {
	u64 stamp;
	u64 ns;
};

static bool use_counter __read_mostly;
static u32 pace __read_mostly;
static struct reading start;

u64 vexfs_clock(void)
{
	return likely(use_counter) ? vexfs_fpu_stamp() : ktime_get_ns();
}
VEXFS_EXPORT_KUNIT(vexfs_clock);

u64 vexfs_clock_ns(u64 from, u64 to)
{
	if (unlikely((s64)(to - from) < 0))
		return 0;
	return likely(use_counter) ? mul_u64_u32_shr(to - from, READ_ONCE(pace), SHIFT) : to - from;
}
VEXFS_EXPORT_KUNIT(vexfs_clock_ns);

/* Both clocks at one moment: the tightest of a few tries, for one may be interrupted. */
static struct reading read_both(void)
{
	struct reading r = {};
	u64 best = U64_MAX;
	int i;

	for (i = 0; i < 16; i++) {
		u64 before = vexfs_fpu_stamp();
		u64 ns = ktime_get_ns();
		u64 took = vexfs_fpu_stamp() - before;

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
	p = mul_u64_u64_div_u64(ns, 1ULL << SHIFT, cycles);
	/* 100 MHz to 10 GHz. */
	return p >= (1U << SHIFT) / 10 && p <= (1U << SHIFT) * 10ULL ? p : 0;
}

static bool counter_trusted(void)
{
#ifdef HAVE_TSC_UNSTABLE
	return !check_tsc_unstable();
#else
	return true;
#endif
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
	use_counter = counter_trusted() && first && second &&
		      abs((s64)first - (s64)second) < first / 200;
	if (!use_counter) {
		pr_info("ops are timed with the kernel's clock\n");
		return;
	}
	start = r[0];
	pace = pace_of(&r[0], &r[2]);
}

void vexfs_clock_tune(void)
{
	struct reading now = read_both();
	u32 p = pace_of(&start, &now);

	/* A counter that stood still in a suspend is not believed. */
	if (use_counter && p && abs((s64)p - (s64)pace) < pace / 200)
		WRITE_ONCE(pace, p);
}
