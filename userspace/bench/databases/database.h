/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Databases that a user might choose instead, measured by one client through their usual
 * interface. The data set is stored, queries are sent one at a time, and the result is
 * one JSON object.
 */
#ifndef VEXFS_BENCH_DATABASE_H
#define VEXFS_BENCH_DATABASE_H

#include "ask.h"

/**
 * struct database - a connected database
 * @build: kind of index
 * @store: stores all vectors and builds the index
 * @set_ef: for the following queries
 * @search: the ASK_K nearest; missing ones are UINT64_MAX
 */
struct database {
	const char *peer, *version, *build;
	void (*store)(const struct ask_set *set);
	void (*set_ef)(int ef);
	void (*search)(const float *query, uint32_t dim, uint64_t *ids);
};

/* Stores, measures every ef of @efs and prints. */
int database_run(const struct database *db, const char *prefix, const char *dim, char **efs, int n);

/* Ends the program with the database's error message. */
__attribute__((format(printf, 1, 2), noreturn)) void database_die(const char *fmt, ...);

#endif
