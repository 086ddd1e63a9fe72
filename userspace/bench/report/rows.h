/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of a benchmark: one line of a table each. The file of all rows is rewritten
 * with every row, so that a later failure loses none.
 */
#ifndef VEXFS_BENCH_ROWS_H
#define VEXFS_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rows_goal {
	GOAL_NONE,		/* for information */
	GOAL_RATIO_AT_LEAST,	/* ours / theirs */
	GOAL_RATIO_AT_MOST,
	GOAL_DIFFERENCE_AT_LEAST,	/* ours - theirs, for recall and the like */
	GOAL_DIFFERENCE_AT_MOST,
};

/* The result of one contender in one place; 0 where it was not measured. */
struct rows_other {
	const char *who;
	double lab, host;
};

struct rows_row {
	const char *name, *peer, *unit;
	double ours, theirs;
	enum rows_goal kind;
	double goal;
	const char *not_measured;	/* the reason; there are no values then */
	const struct rows_other *others;
	size_t n_others;
};

struct rows;

/* Rows for the file @path. Ends the program if it cannot be written. */
struct rows *rows_open(const char *path);

/* Prints the row and saves it with the previous ones. */
void rows_add(struct rows *r, const struct rows_row *row);

/* The number of rows that missed their goal. Frees @r. */
unsigned int rows_close(struct rows *r);

/* The median; sorts @v. */
double rows_median(double *v, size_t n);

#ifdef __cplusplus
}
#endif

#endif
