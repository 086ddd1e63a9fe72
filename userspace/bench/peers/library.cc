// SPDX-License-Identifier: GPL-2.0
/*
 * A library's side of the comparison: builds an index, asks it the queries of a data set,
 * and prints one JSON object with the build rate and, for every ef, recall@10 and
 * queries a second. Vectors are normalised already, so the order by inner product, by
 * cosine and by squared L2 is the same; each library gets the form in which it is fastest.
 * An index may be kept in a file: one that is read from there has no build rate.
 */
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "ask.h"
#include "contender.hh"
extern "C" {
#include "json.h"
}

static_assert(bench::K == ASK_K, "all are asked for as many");

struct question {
	bench::graph &graph;
	const ask_set &set;
	std::vector<uint64_t> ids;
};

static double ask(void *arg, size_t first, size_t count)
{
	question *q = static_cast<question *>(arg);

	q->graph.search(q->set.queries + first * q->set.dim, count, q->ids.data() + first * ASK_K);
	return 0;
}

static void points(struct json *j, bench::graph &graph, const ask_set &set, char **efs, int n)
{
	question q = { graph, set, std::vector<uint64_t>(set.nq * ASK_K) };

	json_key(j, "points");
	json_array_begin(j);
	for (int i = 0; i < n; i++) {
		asker a = { ask, &q, 0, 0 };
		int ef = ask_number(efs[i], "ef", 1, 100000);

		graph.set_ef(ef);
		ask_in_turns(set.nq, &a, 1);
		json_object_begin(j);
		json_kv_u64(j, "ef", ef);
		json_kv_double(j, "recall", ask_recall(&set, q.ids.data()));
		json_kv_double(j, "qps", a.qps);
		json_object_end(j);
	}
	json_array_end(j);
}

static const bench::library *library(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	auto *find = object ? (decltype(&bench_library))dlsym(object, "bench_library") : nullptr;

	if (!find) {
		fprintf(stderr, "bench-peers: %s\n", dlerror());
		exit(1);
	}
	return find();
}

static void run(char **argv, int argc)
{
	const bench::library *l = library(argv[1]);
	int threads = ask_number(argv[5], "number of threads", 1, 64);
	std::string type = argv[2], file = argv[6];
	ask_set set;

	ask_load(&set, argv[3], argv[4]);
	std::unique_ptr<bench::graph> graph(l->make_graph ? l->make_graph(set.dim, argv[2]) : nullptr);

	if (!graph)
		throw std::runtime_error(std::string(l->name) + " has no graph of " + type);
	struct json j;

	json_start(&j, stdout, false);
	json_object_begin(&j);
	json_kv_string(&j, "peer", l->name);
	json_kv_string(&j, "version", l->version);
	json_kv_string(&j, "build", l->build);
	json_kv_string(&j, "type", argv[2]);
	json_kv_string(&j, "data", set.name);
	json_kv_u64(&j, "dim", set.dim);
	json_kv_u64(&j, "n", set.n);
	json_kv_u64(&j, "build_threads", threads);
	if (file != "-" && !access(file.c_str(), R_OK)) {
		graph->load(file.c_str());
	} else {
		double start = ask_now();

		graph->build(set.base, set.n, threads);
		json_kv_double(&j, "build_per_s", set.n / (ask_now() - start));
		/* under its name stands a whole index or none */
		if (file != "-") {
			std::string part = file + ".part";

			graph->save(part.c_str());
			if (rename(part.c_str(), file.c_str()))
				throw std::runtime_error(file + " cannot be written");
		}
	}
	points(&j, *graph, set, argv + 7, argc - 7);
	json_object_end(&j);
	if (json_finish(&j))
		throw std::runtime_error("the result cannot be written");
}

int main(int argc, char **argv)
{
	if (argc < 8) {
		fprintf(stderr, "usage: library LIBRARY.so f32|bf16|i8 PREFIX DIM BUILD-THREADS INDEX|- EF...\n"
			"Reads PREFIX.base, PREFIX.query and PREFIX.truth, as dataset writes them.\n"
			"INDEX is read if it exists, and written if it does not. One thread searches.\n");
		return 2;
	}
	try {
		run(argv, argc);
	} catch (const std::exception &e) {
		fprintf(stderr, "bench-peers: %s: %s\n", argv[1], e.what());
		return 1;
	}
	return 0;
}
