/* SPDX-License-Identifier: GPL-2.0 */
/* Going through what was stored, row by row, with every figure at its value. */
#ifndef VEXFS_HISTORY_REPLAY_H
#define VEXFS_HISTORY_REPLAY_H

#include "internal.h"

/**
 * struct replay - a walk over samples of one epoch
 * @h: the history
 * @n: figures
 * @now: values
 * @before: values of the sample before
 * @has: the figure is in the sample
 * @had: it was in the one before
 * @t: time of the sample
 * @t_before: of the one before, 0 for none
 * @usual: distance between samples, the median of the last ones seen
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

/* Every sample of @epoch from the last one before @from on, until @to (not included). */
int replay_samples(struct history *h, int epoch, int64_t from, int64_t to, replay_fn fn, void *arg,
		   struct history_error *err);

/*
 * The value of a figure in this sample: a gauge as it is, a counter as its rate since
 * the one before. False when there is none: no such figure then, a gap, or a counter
 * that went back.
 */
bool replay_value(const struct replay *r, size_t series, double *v);

/**
 * struct rollup - a row of rollups
 * @epoch: its epoch
 * @t: its beginning
 * @n: samples in it
 * @roll: by figure
 * @figures: how many
 */
struct rollup {
	int epoch;
	int64_t t;
	uint32_t n;
	struct roll *roll;
	size_t figures;
};

typedef int (*rollup_fn)(struct rollup *r, void *arg);
/* The same of rollups; @epoch -1: of all, one after the other. */
int replay_rollups(struct history *h, int level, int epoch, int64_t from, int64_t to,
		   struct roll *roll,
		   const bool *wanted, rollup_fn fn, void *arg, struct history_error *err);

#endif
