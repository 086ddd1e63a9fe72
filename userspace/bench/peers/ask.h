/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A data set of the comparison, and how all contenders (vexfs, libraries and servers) are
 * measured with its queries: equally often and timed the same way.
 */
#ifndef VEXFS_BENCH_ASK_H
#define VEXFS_BENCH_ASK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	ASK_K = 10,
	ASK_TRUTH_K = 100,	/* true neighbours per query in a data set */
	ASK_GROUP = 50,		/* queries that are timed together */
	ASK_RUNS = 7,		/* runs of every group, for every contender */
};

/**
 * struct ask_set - output of dataset.c
 * @name: file name without directory
 * @base: @n normalised vectors of @dim components
 * @queries: @nq more
 * @truth: ASK_TRUTH_K vectors per query, nearest first
 */
struct ask_set {
	const char *name;
	uint32_t dim;
	size_t n, nq;
	float *base, *queries;
	uint32_t *truth;
};

/**
 * struct asker - a contender
 * @ask: sends @count queries from @first on. Returns the seconds of it that the contender
 * reports itself, 0 if it reports none
 * @qps: queries per second by the wall clock
 * @inside_qps: queries per second by the contender's own report
 */
struct asker {
	double (*ask)(void *arg, size_t first, size_t count);
	void *arg;
	double qps, inside_qps;
};

/* Ends the program if a file is missing, truncated or inconsistent with the others. */
void ask_load(struct ask_set *s, const char *prefix, const char *dim);

/*
 * Sends all queries from one thread. Contenders take turns group by group; each group
 * counts with the median of its ASK_RUNS runs.
 */
void ask_in_turns(size_t nq, struct asker *a, int n);

/* Recall: the fraction of ASK_K ids per query that is in the truth. */
double ask_recall(const struct ask_set *s, const uint64_t *ids);

void *ask_alloc(size_t count, size_t size);
double ask_now(void);

/* Parses an integer from @min to @max, or ends the program with the name of the argument. */
uint64_t ask_number(const char *text, const char *what, uint64_t min, uint64_t max);

#ifdef __cplusplus
}
#endif

#endif
