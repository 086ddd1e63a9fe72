/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A data set of the comparison of graphs, and how everybody is asked its queries: ours,
 * libraries and servers, as often and timed in the same way.
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
	ASK_TRUTH_K = 100,	/* true neighbours that a set knows of each query */
	ASK_GROUP = 50,		/* queries that are timed together */
	ASK_RUNS = 7,		/* of every group, by every contender */
};

/**
 * struct ask_set - what dataset.c has written
 * @name: of the files, without their folder
 * @base: @n vectors of @dim components, normalised
 * @queries: @nq more
 * @truth: ASK_TRUTH_K vectors a query, the nearest first
 */
struct ask_set {
	const char *name;
	uint32_t dim;
	size_t n, nq;
	float *base, *queries;
	uint32_t *truth;
};

/**
 * struct asker - a contender that answers queries
 * @ask: asks @count queries from @first on. Returns the seconds of it that the contender
 *	itself says it took, 0 when it says nothing
 * @qps: queries a second by the clock on the wall
 * @inside_qps: and by what the contender says
 */
struct asker {
	double (*ask)(void *arg, size_t first, size_t count);
	void *arg;
	double qps, inside_qps;
};

/* Ends the program when a file is missing, cut short or does not fit the others. */
void ask_load(struct ask_set *s, const char *prefix, const char *dim);

/*
 * Asks all queries, with one thread. Contenders take turns group by group; each group
 * counts with the median of its ASK_RUNS runs.
 */
void ask_in_turns(size_t nq, struct asker *a, int n);

/* ASK_K ids a query against the truth: the share that is right. */
double ask_recall(const struct ask_set *s, const uint64_t *ids);

void *ask_alloc(size_t count, size_t size);
double ask_now(void);

/* A whole number from @min to @max, or the program ends with the name of what it is. */
uint64_t ask_number(const char *text, const char *what, uint64_t min, uint64_t max);

#ifdef __cplusplus
}
#endif

#endif
