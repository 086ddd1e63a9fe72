// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: a worker notes once a second how many ops of each kind there have
 * been; a rate is what has come since the right note, over the time since it.
 * No op knows of this.
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

/* A minute and a little, for a note may come late. */
#define NOTES	64u

struct note {
	u64 ns;
	u64 count[VEXFS_OP_KINDS];
};

/* Guards the notes; held while a few words are copied. */
static DEFINE_SPINLOCK(note_lock);
static struct note *notes;
static u64 noted;

static const u32 window_ms[VEXFS_RATE_WINDOWS] = {
	[VEXFS_RATE_1] = 1000,
	[VEXFS_RATE_10] = 10000,
	[VEXFS_RATE_60] = 60000,
};

static void take_note(struct work_struct *work);
/* No CPU wakes up for it, and no isolated one does it: a note carries its own time. */
static DECLARE_DEFERRABLE_WORK(note_work, take_note);

static void take_note(struct work_struct *work)
{
	struct note *n = &notes[noted % NOTES];
	u64 count[VEXFS_OP_KINDS];
	unsigned int i;

	for (i = 0; i < VEXFS_OP_KINDS; i++)
		count[i] = vexfs_op_count(i);
	spin_lock(&note_lock);
	n->ns = ktime_get_ns();
	memcpy(n->count, count, sizeof(count));
	noted++;
	spin_unlock(&note_lock);
	vexfs_clock_tune();
	queue_delayed_work(system_dfl_wq, &note_work, HZ);
}

u64 vexfs_rate_milli(unsigned int kind, enum vexfs_rate_window window)
{
	u64 now, then = 0, before = 0, i;

	if (kind >= VEXFS_OP_KINDS || window >= VEXFS_RATE_WINDOWS)
		return 0;
	spin_lock(&note_lock);
	/* Not before the newest note. */
	now = ktime_get_ns();
	/* Newest first; the oldest one will do when none is old enough. */
	for (i = noted; i && noted - i < NOTES; i--) {
		const struct note *n = &notes[(i - 1) % NOTES];

		then = n->ns;
		before = n->count[kind];
		/* A worker that was a little early is early every time. */
		if (now - then >= (u64)window_ms[window] * 950000)
			break;
	}
	spin_unlock(&note_lock);
	if (!then || now - then < NSEC_PER_MSEC)
		return 0;
	return mul_u64_u64_div_u64(vexfs_op_count(kind) - before, 1000ULL * NSEC_PER_SEC,
				   now - then);
}
VEXFS_EXPORT_KUNIT(vexfs_rate_milli);

int vexfs_rate_init(void)
{
	noted = 0;
	notes = kvcalloc(NOTES, sizeof(*notes), GFP_KERNEL);
	if (!notes)
		return -ENOMEM;
	take_note(NULL);
	return 0;
}

void vexfs_rate_exit(void)
{
	cancel_delayed_work_sync(&note_work);
	kvfree(notes);
	notes = NULL;
}
