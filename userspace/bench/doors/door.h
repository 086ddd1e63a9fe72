/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Databases that a user would pick instead, asked by one client through their usual
 * interface: the data set goes in, queries are asked one at a time, one JSON object comes out.
 */
#ifndef VEXFS_BENCH_DOOR_H
#define VEXFS_BENCH_DOOR_H

#include "ask.h"

/**
 * struct door - a database, connected
 * @build: the kind of index
 * @store: puts all vectors in and builds the index
 * @set_ef: for the queries to come
 * @search: the ASK_K nearest; missing ones are UINT64_MAX
 */
struct door {
	const char *peer, *version, *build;
	void (*store)(const struct ask_set *set);
	void (*set_ef)(int ef);
	void (*search)(const float *query, uint32_t dim, uint64_t *ids);
};

/* Stores, asks for every ef of @efs and prints. */
int door_run(const struct door *door, const char *prefix, const char *dim, char **efs, int n);

/* Ends the program with what the database said. */
__attribute__((format(printf, 1, 2), noreturn)) void door_die(const char *fmt, ...);

#endif
