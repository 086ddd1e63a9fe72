/* SPDX-License-Identifier: GPL-2.0 */
/* Iterates over stored rows, with the value of every series. */
#ifndef VEXFS_HISTORY_REPLAY_H
#define VEXFS_HISTORY_REPLAY_H

#include "internal.h"

/**
 * struct replay - iterates over the samples of one epoch
 * @h: the history
 * @n: number of series
 * @now: values
 * @before: values of the previous sample
 * @has: the series is in this sample
 * @had: it was in the previous one
 * @t: time of this sample
 * @t_before: time of the previous one, 0 for none
 * @usual: median distance of recent samples
 */
struct replay {
	struct history *h;
	size_t n;
	int64_t *now;
	int64_t *before;
	bool *has;
	bool *had;
	int64_t t;
	int64_t t_before;
	int64_t usual;
};

typedef int (*replay_fn)(struct replay *r, void *arg);

/* All samples of @epoch from the last one before @from until @to (exclusive). */
int replay_samples(struct history *h, int epoch, int64_t from, int64_t to, replay_fn fn, void *arg,
		   struct history_error *err);

/*
 * The value of a series in this sample: a gauge unchanged, a counter as its rate since
 * the previous sample. False if there is none: no such series then, a gap, or a counter
 * that decreased.
 */
bool replay_value(const struct replay *r, size_t series, double *v);

/**
 * struct rollup - a row of rollups
 * @epoch: its epoch
 * @t: its start
 * @n: samples in it
 * @roll: by series
 * @figures: number of series
 */
struct rollup {
	int epoch;
	int64_t t;
	uint32_t n;
	struct roll *roll;
	size_t figures;
};

typedef int (*rollup_fn)(struct rollup *r, void *arg);
/* The same for rollups; @epoch -1: of all epochs, one after the other. */
int replay_rollups(struct history *h, int level, int epoch, int64_t from, int64_t to,
		   struct roll *roll,
		   const bool *wanted, rollup_fn fn, void *arg, struct history_error *err);

#endif
