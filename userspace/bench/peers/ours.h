/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of `ours' share: the data set as a collection, and work that is divided
 * among threads.
 */
#ifndef VEXFS_BENCH_OURS_H
#define VEXFS_BENCH_OURS_H

#include "ask.h"
#include "json.h"
#include "vexfs.h"

enum { OURS_BATCH = 4096, OURS_THREADS_MAX = 16 };

/* The benchmark's collection, and the ids and records of its vectors. */
struct ours {
	const char *collection;
	struct ask_set set;
	int build_threads;
	uint64_t *ids;
	uint32_t *attrs;	/* a number below 1000, in network order */
};

extern struct ours ours;

void ours_die(const struct vexfs_error *err);
struct vexfs *ours_open(void);

/* Random numbers, the same in every run. */
uint32_t ours_random(uint32_t below);

/* ---- work that changes the collection ---- */

/* Stores or deletes @n vectors, in the order of @order or the first ones; returns seconds. */
double ours_put(const uint32_t *order, size_t n, int threads);
double ours_delete(const uint32_t *order, size_t n, int threads);

/* ---- searches ---- */

/**
 * struct ours_search - how queries are sent, and results
 * @block: queries per request
 * @plan: of the last request
 */
struct ours_search {
	struct vexfs *h;
	uint32_t ef, flags;
	size_t block;
	const struct vexfs_filter_insn *filter;
	uint32_t filter_len;
	uint64_t *found;
	uint32_t plan;
};

/* For struct asker: @arg is a struct ours_search. Returns the seconds in the kernel. */
double ours_ask(void *arg, size_t first, size_t count);

/* The measurements. Each writes a member of the object that is open in @j. */
void ours_points(struct json *j, char **efs, int n);
void ours_two_threads(struct json *j);
void ours_filtered(struct json *j);
void ours_turnover(struct json *j, struct vexfs *h, int rounds);

#endif
