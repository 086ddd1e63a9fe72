// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: once a second a worker samples the number of ops of each kind. A rate is the difference to
 * an earlier sample, divided by the time between them.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "stat/op.h"
#include "stat/rate.h"

/* Slightly more than a minute, since a sample may be late. */
#define SAMPLES	64u

struct sample {
	u64 ns;
	u64 count[VEXFS_OP_KINDS];
};

/* Guards the samples; held while a few words are copied. */
static DEFINE_SPINLOCK(sample_lock);
static struct sample *samples;
static u64 sampled;

static const u32 window_ms[VEXFS_RATE_WINDOWS] = {
	[VEXFS_RATE_1] = 1000,
	[VEXFS_RATE_10] = 10000,
	[VEXFS_RATE_60] = 60000,
};

static void take_sample(struct work_struct *work);
/* Does not wake idle CPUs and does not run on isolated ones: a sample holds its own time. */
static DECLARE_DEFERRABLE_WORK(sample_work, take_sample);

static void take_sample(struct work_struct *work)
{
	struct sample *n = &samples[sampled % SAMPLES];
	u64 count[VEXFS_OP_KINDS];
	unsigned int i;

	for (i = 0; i < VEXFS_OP_KINDS; i++)
		count[i] = vexfs_op_count(i);
	spin_lock(&sample_lock);
	n->ns = ktime_get_ns();
	memcpy(n->count, count, sizeof(count));
	sampled++;
	spin_unlock(&sample_lock);
	vexfs_clock_tune();
	queue_delayed_work(system_dfl_wq, &sample_work, HZ);
}

u64 vexfs_rate_milli(unsigned int kind, enum vexfs_rate_window window)
{
	u64 now, then = 0, before = 0, i;

	if (kind >= VEXFS_OP_KINDS || window >= VEXFS_RATE_WINDOWS)
		return 0;
	spin_lock(&sample_lock);
	/* Not before the newest sample. */
	now = ktime_get_ns();
	/* Newest first; the oldest sample is used when none is old enough. */
	for (i = sampled; i && sampled - i < SAMPLES; i--) {
		const struct sample *n = &samples[(i - 1) % SAMPLES];

		then = n->ns;
		before = n->count[kind];
		/* A worker may run a little early, each time. */
		if (now - then >= (u64)window_ms[window] * 950000)
			break;
	}
	spin_unlock(&sample_lock);
	if (!then || now - then < NSEC_PER_MSEC)
		return 0;
	return mul_u64_u64_div_u64(vexfs_op_count(kind) - before, 1000ULL * NSEC_PER_SEC,
				   now - then);
}
VEXFS_EXPORT_KUNIT(vexfs_rate_milli);

int vexfs_rate_init(void)
{
	sampled = 0;
	samples = kvcalloc(SAMPLES, sizeof(*samples), GFP_KERNEL);
	if (!samples)
		return -ENOMEM;
	take_sample(NULL);
	return 0;
}

void vexfs_rate_exit(void)
{
	cancel_delayed_work_sync(&sample_work);
	kvfree(samples);
	samples = NULL;
}
