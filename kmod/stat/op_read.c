// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of ops as readers see them: sums of one kind or of a class, with
 * percentiles and rates worked out. Nothing here runs when an op is counted.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "stat/hist.h"
#include "stat/op.h"
#include "stat/op_priv.h"
#include "stat/rate.h"

static void finish_stats(struct vexfs_op_stats *st, const struct vexfs_hist_data *hist)
{
	st->mean_ns = st->count ? div64_u64(st->ns, st->count) : 0;
	st->p50_ns = vexfs_hist_percentile(hist, 500000);
	st->p95_ns = vexfs_hist_percentile(hist, 950000);
	st->p99_ns = vexfs_hist_percentile(hist, 990000);
	st->p999_ns = vexfs_hist_percentile(hist, 999000);
	/* Exact unless the slowest op was before the reset. */
	st->max_ns = min(st->max_ns, vexfs_hist_max(hist));
	/* The middle of the last bucket may lie above its largest value. */
	st->p50_ns = min(st->p50_ns, st->max_ns);
	st->p95_ns = min(st->p95_ns, st->max_ns);
	st->p99_ns = min(st->p99_ns, st->max_ns);
	st->p999_ns = min(st->p999_ns, st->max_ns);
}

/* The sum of the kinds for which @wanted is true. */
static int read_where(bool (*wanted)(unsigned int kind, unsigned int arg), unsigned int arg,
		      bool since_reset, struct vexfs_op_stats *st, struct vexfs_hist_data *hist)
{
	struct vexfs_hist_data *own = NULL;
	unsigned int kind;

	if (!hist) {
		own = vexfs_hist_data_new();
		if (!own)
			return -ENOMEM;
		hist = own;
	} else {
		memset(hist, 0, sizeof(*hist));
	}
	memset(st, 0, sizeof(*st));
	vexfs_op_sum(wanted, arg, since_reset, st, hist);
	for (kind = 0; kind < VEXFS_OP_KINDS; kind++) {
		if (!wanted(kind, arg))
			continue;
		st->rate_1s += vexfs_rate_milli(kind, VEXFS_RATE_1);
		st->rate_10s += vexfs_rate_milli(kind, VEXFS_RATE_10);
		st->rate_60s += vexfs_rate_milli(kind, VEXFS_RATE_60);
	}
	finish_stats(st, hist);
	kvfree(own);
	return 0;
}

static bool same_kind(unsigned int kind, unsigned int arg)
{
	return kind == arg;
}

static bool same_class(unsigned int kind, unsigned int arg)
{
	return vexfs_op_class(kind) == arg;
}

int vexfs_op_read(unsigned int kind, bool since_reset, struct vexfs_op_stats *st,
		  struct vexfs_hist_data *hist)
{
	if (kind >= VEXFS_OP_KINDS)
		return -EINVAL;
	return read_where(same_kind, kind, since_reset, st, hist);
}
VEXFS_EXPORT_KUNIT(vexfs_op_read);

int vexfs_op_read_errors(unsigned int kind, bool since_reset, u64 err[VEXFS_ERR_SLOTS])
{
	struct vexfs_op_stats st = {};

	if (kind >= VEXFS_OP_KINDS)
		return -EINVAL;
	vexfs_op_sum(same_kind, kind, since_reset, &st, NULL);
	memcpy(err, st.err, sizeof(st.err));
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_op_read_errors);

int vexfs_op_read_class(unsigned int class, bool since_reset, struct vexfs_op_stats *st,
			struct vexfs_hist_data *hist)
{
	if (class >= VEXFS_CLASS_COUNT)
		return -EINVAL;
	return read_where(same_class, class, since_reset, st, hist);
}
VEXFS_EXPORT_KUNIT(vexfs_op_read_class);
