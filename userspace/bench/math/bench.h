/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of math-bench share: timing in turns, and the table of results.
 */
#ifndef VEXFS_MATH_BENCH_H
#define VEXFS_MATH_BENCH_H

#include "drive.h"

/**
 * struct bench_pair - two ways of doing the same work
 * @ours: called with @arg; does @items pieces of work
 * @theirs: the same for the peer
 * @items: pieces of work in a call
 */
struct bench_pair {
	void (*ours)(void *arg);
	void (*theirs)(void *arg);
	void *arg;
	double items;
};

/**
 * struct bench_result - what came out
 * @ours: nanoseconds for an item, median of the rounds
 * @theirs: the same for the peer
 * @ratio: median over the rounds of theirs / ours: above 1, we are faster
 */
struct bench_result {
	double ours, theirs, ratio;
};

/* Rounds of ours and theirs in turns, each at least @ms long in all. */
struct bench_result bench_run(const struct bench_pair *p, unsigned int rounds, double ms);

/* A row of the table and of the JSON file; @goal 0 is for information. */
void bench_row(const char *name, const char *peer, const char *unit, double ours, double theirs,
	       double ratio, double goal);

u64 bench_ns(void);
double bench_unit(void);
void *bench_alloc(size_t bytes);
const struct vexfs_math_ops *bench_form(const char *variant, u32 type, u32 metric);

/* Rows and a query of random components, imported. */
struct bench_set {
	struct vexfs_space sp;
	u32 n;
	u8 *rows, *q;
	u32 *aux, q_aux, *keys;
	const void **ptr;
};

void bench_set_make(struct bench_set *s, u32 type, u32 metric, u32 dim, u32 n);
void bench_set_free(struct bench_set *s);

/* The parts. */
void bench_simsimd(void);
void bench_scan(void);
void bench_import(void);
void bench_block(void);

/* Reads memory and does nothing with it; multiply-adds that wait for nothing. */
void bench_read_avx2(const void *p, size_t bytes);
void bench_read_avx512(const void *p, size_t bytes);
/* Returns how many floating point operations it did. */
double bench_fma_avx2(void);
double bench_fma_avx512(void);

#endif
