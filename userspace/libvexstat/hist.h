/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histogram of durations with log-linear buckets. Values from 1 ns to more than an hour
 * are known to better than 1 %. Histograms can be added and subtracted; recording costs a
 * few instructions and no memory. There is one writer; readers may read at any time and
 * see a histogram that is at most a few values old.
 */
#ifndef VEXSTAT_HIST_H
#define VEXSTAT_HIST_H

#include <stdint.h>

#define VS_HIST_SUB_BITS	6
#define VS_HIST_SUB		(1u << VS_HIST_SUB_BITS)
#define VS_HIST_TOP_BIT		42	/* 2^43 ns is two hours and a half */
#define VS_HIST_BUCKETS		((VS_HIST_TOP_BIT - VS_HIST_SUB_BITS + 2) * VS_HIST_SUB)

/**
 * struct vs_hist - a histogram; all zeroes is an empty one
 * @count: number of values
 * @sum: of all values, for the mean
 * @min: smallest value, plus one (0: none yet)
 * @max: largest value
 * @bucket: values per bucket
 */
struct vs_hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[VS_HIST_BUCKETS];
};

static inline unsigned int vs_hist_index(uint64_t v)
{
	unsigned int top, shift;

	if (v < 2 * VS_HIST_SUB)
		return v;
	top = 63 - __builtin_clzll(v);
	if (top > VS_HIST_TOP_BIT)
		return VS_HIST_BUCKETS - 1;
	shift = top - VS_HIST_SUB_BITS;
	return (shift << VS_HIST_SUB_BITS) + (v >> shift);
}

/* First value of a bucket, and the number of values it covers. */
static inline uint64_t vs_hist_low(unsigned int i)
{
	unsigned int shift;

	if (i < 2 * VS_HIST_SUB)
		return i;
	shift = (i >> VS_HIST_SUB_BITS) - 1;
	return (uint64_t)((i & (VS_HIST_SUB - 1)) + VS_HIST_SUB) << shift;
}

static inline uint64_t vs_hist_width(unsigned int i)
{
	return i < 2 * VS_HIST_SUB ? 1 : 1ULL << ((i >> VS_HIST_SUB_BITS) - 1);
}

/* Relaxed stores: a reader in another process must not see a torn number. */
#define vs_hist_set(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define vs_hist_get(p)		__atomic_load_n((p), __ATOMIC_RELAXED)

static inline void vs_hist_add_n(struct vs_hist *h, uint64_t v, uint64_t n)
{
	uint64_t *b = &h->bucket[vs_hist_index(v)];

	vs_hist_set(b, *b + n);
	vs_hist_set(&h->sum, h->sum + v * n);
	if (v > h->max)
		vs_hist_set(&h->max, v);
	if (!h->min || v + 1 < h->min)
		vs_hist_set(&h->min, v + 1);
	vs_hist_set(&h->count, h->count + n);
}

static inline void vs_hist_add(struct vs_hist *h, uint64_t v)
{
	vs_hist_add_n(h, v, 1);
}

static inline uint64_t vs_hist_min(const struct vs_hist *h)
{
	uint64_t m = vs_hist_get(&h->min);

	return m ? m - 1 : 0;
}

/* dst += src; src may be written to at the same time. */
void vs_hist_merge(struct vs_hist *dst, const struct vs_hist *src);

/*
 * dst = after - before, two copies of one growing histogram. Minimum and maximum become
 * the bounds of the outermost buckets in use.
 */
void vs_hist_diff(struct vs_hist *dst, const struct vs_hist *after,
		  const struct vs_hist *before);

/* The quantile @q (0 to 1). */
uint64_t vs_hist_quantile(const struct vs_hist *h, double q);

double vs_hist_mean(const struct vs_hist *h);

/* Standard deviation, from the middles of the buckets. */
double vs_hist_stddev(const struct vs_hist *h);

#endif
