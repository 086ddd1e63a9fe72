// SPDX-License-Identifier: GPL-2.0
/*
 * Reading, adding and subtracting histograms. Recording is inline in the header: workers
 * that measure call nothing in this file.
 */
#include "hist.h"

#include <math.h>
#include <string.h>

void vs_hist_merge(struct vs_hist *dst, const struct vs_hist *src)
{
	uint64_t min = vs_hist_get(&src->min);
	uint64_t max = vs_hist_get(&src->max);
	uint64_t n = 0;
	unsigned int i;

	/* Sums up the buckets: a writer may be between updating a bucket and the count. */
	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		uint64_t b = vs_hist_get(&src->bucket[i]);

		dst->bucket[i] += b;
		n += b;
	}
	dst->count += n;
	dst->sum += vs_hist_get(&src->sum);
	if (max > dst->max)
		dst->max = max;
	if (min && (!dst->min || min < dst->min))
		dst->min = min;
}

void vs_hist_diff(struct vs_hist *dst, const struct vs_hist *after,
		  const struct vs_hist *before)
{
	unsigned int i;

	memset(dst, 0, sizeof(*dst));
	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		uint64_t n = after->bucket[i] - before->bucket[i];

		if (!n)
			continue;
		dst->bucket[i] = n;
		dst->count += n;
		if (!dst->min)
			dst->min = vs_hist_low(i) + 1;
		dst->max = vs_hist_low(i) + vs_hist_width(i) - 1;
	}
	if (!dst->count)
		return;
	dst->sum = after->sum - before->sum;
	if (after->max != before->max)
		dst->max = after->max;
	if (dst->max > after->max)
		dst->max = after->max;
}

uint64_t vs_hist_quantile(const struct vs_hist *h, double q)
{
	uint64_t rank, seen = 0;
	unsigned int i;

	if (!h->count)
		return 0;
	if (q >= 1)
		return h->max;
	rank = (uint64_t)ceil(q * (double)h->count);
	if (!rank)
		rank = 1;
	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		uint64_t v;

		seen += h->bucket[i];
		if (seen < rank)
			continue;
		v = vs_hist_low(i) + (vs_hist_width(i) - 1) / 2;
		if (v > h->max)
			v = h->max;
		if (v < vs_hist_min(h))
			v = vs_hist_min(h);
		return v;
	}
	return h->max;
}

double vs_hist_mean(const struct vs_hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

double vs_hist_stddev(const struct vs_hist *h)
{
	double mean = vs_hist_mean(h), sq = 0;
	unsigned int i;

	if (h->count < 2)
		return 0;
	for (i = 0; i < VS_HIST_BUCKETS; i++) {
		double d;

		if (!h->bucket[i])
			continue;
		d = (double)vs_hist_low(i) + (double)(vs_hist_width(i) - 1) / 2 - mean;
		sq += d * d * (double)h->bucket[i];
	}
	return sqrt(sq / (double)(h->count - 1));
}
