/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results over time, one line per benchmark and run, in a CSV file that may be kept in
 * a source tree: benchmark,mean_time_ns,timestamp and columns of ours behind them.
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
void trend_free(struct trend_file *f);
bool trend_has(const struct trend_file *f, const char *name, int64_t t);

/*
 * Appends a line for each job of @result, all or none; lines that are there already are
 * left out. Two writers wait for each other. -1 after printing an error.
 */
int trend_append(const char *path, const json_t *result);

#endif
