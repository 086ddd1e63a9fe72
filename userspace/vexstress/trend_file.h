/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results over time: one line per benchmark and run in a CSV file that may be kept in a
 * source tree (benchmark,mean_time_ns,timestamp and columns of ours behind them), or the
 * runs that the history holds.
 */
#ifndef VEXSTRESS_TREND_FILE_H
#define VEXSTRESS_TREND_FILE_H

#include "vexstress.h"

/**
 * struct trend_point - a benchmark in one run
 * @name: of the benchmark
 * @t: when it ran, seconds since 1970
 * @mean_ns: of its ops
 * @unavailable: share of the time in which the machine was unavailable; 0 if unknown
 * @line: of the file
 */
struct trend_point {
	char *name;
	int64_t t;
	double mean_ns;
	double unavailable;
	size_t line;
};

/* All lines, by benchmark and then by time. */
struct trend_file {
	struct trend_point *p;
	size_t n, room;
	size_t unavailable;	/* its column, 0: there is none */
};

/* 0, or -1 after printing an error. */
int trend_read(const char *path, struct trend_file *f);
/*
 * The runs of the history at @path: of jobs the mean time of an op, of programs that exec ran,
 * as "exec:PROGRAM", their time. Of the machine and lab of the newest run alone; how many others
 * were left out is in *@others. 0, or -1 after printing an error.
 */
int trend_read_history(const char *path, struct trend_file *f, size_t *others);
/* The jobs of @result that @f does not hold yet. -1 after printing an error. */
int trend_add_result(struct trend_file *f, const json_t *result);
/* Adds a point, whose name is copied. False after printing an error. */
bool trend_add(struct trend_file *f, const struct trend_point *p);
/* By benchmark and time, as trend_read() leaves it. */
void trend_sort(struct trend_file *f);
void trend_free(struct trend_file *f);
bool trend_has(const struct trend_file *f, const char *name, int64_t t);

/*
 * Appends a line for each job of @result, all or none; lines that are there already are
 * left out. Two writers wait for each other. -1 after printing an error.
 */
int trend_append(const char *path, const json_t *result);

#endif
