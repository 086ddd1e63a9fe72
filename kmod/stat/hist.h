/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Latency histograms with log-linear buckets: every octave is cut into 64, so
 * that the middle of a bucket is within 0.8 % of any value in it, from 1 ns to
 * more than an hour. Writers touch memory of their own CPU only and are never
 * stopped by readers.
 */
#ifndef _VEXFS_STAT_HIST_H
#define _VEXFS_STAT_HIST_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>

#define VEXFS_HIST_SUB_BITS	6u
#define VEXFS_HIST_SUB		(1u << VEXFS_HIST_SUB_BITS)
/* Octave 0 holds 0 to 63; octave i holds [2^(5+i), 2^(6+i)), up to 2^42 ns. */
#define VEXFS_HIST_OCTAVES	37u
#define VEXFS_HIST_BUCKETS	(VEXFS_HIST_OCTAVES * VEXFS_HIST_SUB)

/*
 * The histogram of one CPU: octaves are allocated at their first value. @busy is set while the
 * owner counts, so that an interrupt uses the spill.
 */
struct vexfs_hist_cpu {
	u32 busy;
	void *octave[VEXFS_HIST_OCTAVES];
};

/**
 * struct vexfs_hist - a histogram that is being written
 * @cpu: each CPU's octaves
 * @spill: values by octave for which there was no memory: counted, less precisely
 */
struct vexfs_hist {
	struct vexfs_hist_cpu __percpu *cpu;
	atomic64_t spill[VEXFS_HIST_OCTAVES];
};

/**
 * struct vexfs_hist_data - a histogram at rest; large, so never on the stack
 * @count: number of values
 * @bucket: values by bucket
 */
struct vexfs_hist_data {
	u64 count;
	u64 bucket[VEXFS_HIST_BUCKETS];
};

int vexfs_hist_init(struct vexfs_hist *h);
void vexfs_hist_exit(struct vexfs_hist *h);

/* Any context but NMI. */
void vexfs_hist_add(struct vexfs_hist *h, u64 ns);

/* Allocates an empty histogram, to be freed with kvfree(); NULL without memory. May sleep. */
struct vexfs_hist_data *vexfs_hist_data_new(void);

/* Adds what @h holds to @d. Clear @d first for a copy; do not to merge. */
void vexfs_hist_read(const struct vexfs_hist *h, struct vexfs_hist_data *d);
/* @d minus an earlier reading of the same histogram. */
void vexfs_hist_subtract(struct vexfs_hist_data *d, const struct vexfs_hist_data *base);

/* Value below which @ppm millionths lie; 0 when empty. The middle of a bucket. */
u64 vexfs_hist_percentile(const struct vexfs_hist_data *d, u32 ppm);
/* Upper edge of the highest bucket that is not empty. */
u64 vexfs_hist_max(const struct vexfs_hist_data *d);

unsigned int vexfs_hist_bucket(u64 ns);
u64 vexfs_hist_low(unsigned int bucket);	/* smallest value in it */
u64 vexfs_hist_high(unsigned int bucket);	/* largest */

/* Bytes of memory that @h takes now. */
size_t vexfs_hist_bytes(const struct vexfs_hist *h);

#endif
