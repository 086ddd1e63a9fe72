/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the comparisons of exact search share: contenders that take turns, and ours.
 */
#ifndef VEXFS_BENCH_EXACT_H
#define VEXFS_BENCH_EXACT_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "contender.hh"
#include "rows.h"
#include "vexfs.h"

using bench::K;

static constexpr uint32_t DIM = 100, BATCH = 1000;
/* Turns of every contender, ours and theirs, in the lab and on the host. */
static constexpr int TURNS = 7, BATCH_TURNS = 5, INSERT_TURNS = 21;

/* The full size and the small one, by which figures mean nothing: it shows that all runs. */
struct sizes {
	size_t small, large;
};

[[noreturn]] void die(const std::string &what);
double now();
double median(std::vector<double> v);
std::string size_name(size_t n, const char *type = " f32");

/* ---- turns ---- */

/* Queries of one contender, asked one at a time or all at once. */
using ask = std::function<void(const float *query, size_t count, uint64_t *ids)>;

struct contender {
	std::string name;
	ask search;
	std::vector<double> rates;
};

/* One at a time for a while, or BATCH at once; queries a second. */
double turn_single(contender &c, const std::vector<float> &queries, size_t *next);
double turn_batch(contender &c, const std::vector<float> &queries);

/* ---- the libraries ---- */

/* A shared object of the contenders that has exact search. */
struct library {
	const bench::library *methods;
	std::string name;	/* with version and build */
	bool plain;		/* the build of the distribution, that few would choose */
};

std::vector<library> load_libraries(const std::vector<std::string> &paths);

/* What one contender reached with one size: queries a second, the median turn. */
struct peer_rates {
	double single = 0, batch = 0;
};

/* By size and name. */
using host_rates = std::map<size_t, std::map<std::string, peer_rates>>;

void host_measure(const char *path, const struct sizes &sizes, const std::vector<library> &all,
		  const std::vector<float> &base, const std::vector<float> &queries);
host_rates host_read(const char *path);

/* ---- ours ---- */

/* A setting of the module; the lab is ours alone. */
void set(const char *name, const std::string &value);

std::vector<uint64_t> ids_in_order(size_t n);

struct collection {
	vexfs *h = nullptr;
	std::string name;
	uint32_t plan = 0;
	double kernel = 0, crossing = 0, total = 0;	/* of the last request, in ns */
	double asked = 0, spent = 0;			/* queries, and their time in the kernel */

	collection(const char *n, vexfs_type type);
	~collection();
	void put(const float *v, const std::vector<uint64_t> &ids);
	void search(const float *q, size_t n, uint64_t *ids);
	/* Queries a second of the time in the kernel, since this was asked before. */
	double kernel_rate();
	/* Asks until searches have made codes; without, there are none and will be none. */
	void make_codes(const float *q);
	ask asker()
	{
		return [this](const float *q, size_t n, uint64_t *ids) { search(q, n, ids); };
	}
};

/* With codes beside the rows every answer is that without, to the last place. */
void equal_answers(contender &plain, contender &coded, const std::vector<float> &queries);

/* ---- comparisons; each adds its rows ---- */

void add(rows *out, const std::string &name, const std::string &peer, const char *unit, double ours,
	 double theirs, rows_goal kind = GOAL_NONE, double goal = 0,
	 const std::vector<rows_other> &others = {});

void compare_search(rows *out, size_t n, const std::vector<library> &libraries,
		    const std::vector<float> &base, const std::vector<float> &queries, double machine,
		    const host_rates &host);
void compare_types(rows *out, size_t n, const std::vector<float> &base,
		   const std::vector<float> &queries);
void compare_insert(rows *out, size_t n, const std::vector<float> &base);

#endif
