/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of a benchmark: a line of a table each, and all of them in a file that is
 * written anew with every row, so that a failure later on loses none.
 */
#ifndef VEXFS_BENCH_ROWS_H
#define VEXFS_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rows_goal {
	GOAL_NONE,		/* there to be seen */
	GOAL_RATIO_AT_LEAST,	/* ours / theirs */
	GOAL_RATIO_AT_MOST,
	GOAL_DIFFERENCE_AT_LEAST,	/* ours - theirs: of recall and its kind */
	GOAL_DIFFERENCE_AT_MOST,
};

/* What one contender reached in one place; 0 where it was not measured. */
struct rows_other {
	const char *who;
	double lab, host;
};

struct rows_row {
	const char *name, *peer, *unit;
	double ours, theirs;
	enum rows_goal kind;
	double goal;
	const char *not_measured;	/* why, and then there are no figures */
	const struct rows_other *others;
	size_t n_others;
};

struct rows;

/* Rows that go to the file @path. They end the program when it cannot be written. */
struct rows *rows_open(const char *path);

/* Prints the row and saves it with those before. */
void rows_add(struct rows *r, const struct rows_row *row);

/* Rows that missed their goal. Frees @r. */
unsigned int rows_close(struct rows *r);

/* The median, and @v is in order afterwards. */
double rows_median(double *v, size_t n);

#ifdef __cplusplus
}
#endif

#endif
