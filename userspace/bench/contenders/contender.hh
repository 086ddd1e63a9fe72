/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the benchmarks compare with, each library in a shared object of its own: several
 * builds and versions of one library are compared in one process and must not meet.
 */
#ifndef VEXFS_BENCH_CONTENDER_H
#define VEXFS_BENCH_CONTENDER_H

#include <cstddef>
#include <cstdint>

namespace bench {

static constexpr unsigned K = 10;
/* Graphs of all contenders have these parameters. */
static constexpr unsigned M = 16, EF_CONSTRUCTION = 200;

/* Exact search by squared L2. Answers with K ids a query. */
struct flat {
	virtual ~flat() = default;
	virtual void search(const float *queries, size_t count, uint64_t *ids) = 0;
};

/* A graph over normalised vectors, in the form in which the library is fastest. */
struct graph {
	virtual ~graph() = default;
	virtual void build(const float *base, size_t n, int threads) = 0;
	virtual void save(const char *file) = 0;
	virtual void load(const char *file) = 0;
	virtual void set_ef(int ef) = 0;
	/* With one thread. */
	virtual void search(const float *queries, size_t count, uint64_t *ids) = 0;
};

struct library {
	const char *name, *version;
	const char *build;	/* how it was compiled, or what it says that it uses */
	bool blocks;	/* many queries at once are more than one after another */
	/* The vectors stay where they are. Null: the library has none. */
	flat *(*make_flat)(unsigned dim, const float *base, size_t n);
	/* Null also for a type (f32, bf16, i8) that the library does not have. */
	graph *(*make_graph)(unsigned dim, const char *type);
};

}

#define BENCH_EXPORT extern "C" __attribute__((visibility("default")))

/* The one symbol of a shared object. */
BENCH_EXPORT const bench::library *bench_library();

#endif
