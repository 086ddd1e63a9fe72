/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The runs of a comparison: the output of ours, library and the database clients, one
 * JSON object each, and queries on them.
 */
#ifndef VEXFS_BENCH_RUNS_H
#define VEXFS_BENCH_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "rows.h"

enum { RUNS_MAX = 256, RUNS_LABEL = 96 };

extern json_t *runs[RUNS_MAX];
extern int nruns;

/* Ends the program if the file contains anything else. */
void runs_read(const char *path);

const char *run_str(json_t *o, const char *key);
double run_num(json_t *o, const char *key);

bool run_is_ours(json_t *run);
bool run_on_host(json_t *run);
/* A database that is used through its usual interface. */
bool run_is_database(json_t *run);
bool run_in_set(json_t *run, const char *set);

/* "vexfs f32 by i8" or "FAISS 1.7.3 (avx2, -march=native)", in @to. */
const char *run_label(json_t *run, char *to, size_t size);

/*
 * @what ("qps", ...) at @recall, interpolated logarithmically between two measured
 * points; NAN outside of them.
 */
double run_at_recall(json_t *run, double recall, const char *what);
double run_at_ef(json_t *run, int ef, const char *what);
double run_best_recall(json_t *run);

/* A value that a library's run reports; @of returns NAN if there is none. */
struct run_question {
	double (*of)(json_t *run, const struct run_question *q);
	double recall;
	int ef;
	const char *what;
};

/**
 * struct run_best - the best of the libraries
 * @value: NAN if there is none
 * @who: which library, and where: each counts with the better of lab and host
 * @others: all libraries with a result
 */
struct run_best {
	double value;
	char who[RUNS_LABEL + 16];
	struct rows_other others[16];
	char names[16][RUNS_LABEL];
	size_t n;
};

/* Among the libraries' runs with the data, type and threads of @run. */
void run_best_of(json_t *run, const struct run_question *q, struct run_best *best);

#endif
