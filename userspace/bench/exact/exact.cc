// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search of vexfs beside FAISS and USearch, and what it costs to put
 * vectors in and to cross into the kernel. One process, one thread, one set of
 * vectors; the contenders take turns, all as many, and the median turn counts. The rows
 * of build/bench/exact.json are saved one by one; figures from different runs must never
 * be compared.
 */
#include "exact.hh"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <cblas.h>
#include <omp.h>

extern "C" {
#include "parse.h"
}

static const sizes FULL = { 50000, 300000 }, SMOKE = { 5000, 30000 };

std::string size_name(size_t n, const char *type)
{
	return std::to_string(n / 1000) + ",000 x 100" + type;
}

void add(rows *out, const std::string &name, const std::string &peer, const char *unit, double ours,
	 double theirs, rows_goal kind, double goal, const std::vector<rows_other> &others)
{
	rows_row row = {};

	row.name = name.c_str();
	row.peer = peer.c_str();
	row.unit = unit;
	row.ours = ours;
	row.theirs = theirs;
	row.kind = kind;
	row.goal = goal;
	row.others = others.data();
	row.n_others = others.size();
	rows_add(out, &row);
}

static std::vector<float> load(const char *path, size_t want)
{
	vexfs_file_info info;
	vexfs_file *file;
	vexfs_error err;

	if (vexfs_file_open(path, &file, &info, &err))
		die(err.text);
	if (info.dim != DIM || info.rows < want)
		die(std::string(path) + " is not the data set that is compared on");
	std::vector<float> v(want * DIM);
	if (vexfs_file_read_f32(file, v.data(), want, &err) != (ssize_t)want)
		die(err.text);
	vexfs_file_close(file, nullptr);
	return v;
}


static void usage()
{
	fprintf(stderr, "usage: exact host DATA.fbin SIZE HOST-RATES LIBRARY.so...\n"
		"       exact lab DATA.fbin SIZE HOST-RATES MACHINE-GB/S RESULT.json PARTS LIBRARY.so...\n"
		"SIZE is full or smoke; PARTS some of search,types,insert.\n");
	exit(2);
}

static bool has_part(const char *parts, const char *name)
{
	std::string all = std::string(",") + parts + ",";

	return all.find(std::string(",") + name + ",") != std::string::npos;
}

int main(int argc, char **argv)
{
	bool host = argc > 5 && !strcmp(argv[1], "host"), lab = argc > 8 && !strcmp(argv[1], "lab");
	double machine = 0;

	if (!host && !lab)
		usage();
	bool smoke = !strcmp(argv[3], "smoke");

	if ((!smoke && strcmp(argv[3], "full")) || (lab && !parse_number(argv[5], &machine)))
		usage();
	const sizes &size = smoke ? SMOKE : FULL;
	std::vector<library> libraries =
		load_libraries({ argv + (host ? 5 : 8), argv + argc });

	omp_set_num_threads(1);
	openblas_set_num_threads(1);
	std::vector<float> base = load(argv[2], size.large + BATCH);
	std::vector<float> queries(base.end() - BATCH * DIM, base.end());

	base.resize(size.large * DIM);
	if (host) {
		host_measure(argv[4], size, libraries, base, queries);
		return 0;
	}
	host_rates rates = host_read(argv[4]);
	rows *out = rows_open(argv[6]);

	if (has_part(argv[7], "search"))
		for (size_t n : { size.small, size.large })
			compare_search(out, n, libraries, base, queries, machine, rates);
	if (has_part(argv[7], "types"))
		compare_types(out, size.large, base, queries);
	if (has_part(argv[7], "insert"))
		compare_insert(out, size.large, base);
	unsigned int missed = rows_close(out);

	printf("%u rows missed their goal%s\n", missed,
	       smoke ? "; this was the small size, by which no figure counts" : "");
	return 0;
}
