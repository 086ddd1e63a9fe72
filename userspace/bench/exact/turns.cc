// SPDX-License-Identifier: GPL-2.0
/*
 * Contenders that take turns, the libraries among them, and what these reached on the
 * host. The lab maps the memory of programs page by page, which is slow for large arrays
 * on some machines; so the libraries are asked on the host as well, right before.
 */
#include "exact.hh"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>

extern "C" {
#include "outfile.h"
}

static constexpr double TURN_SECONDS = 0.15;

void die(const std::string &what)
{
	fprintf(stderr, "bench-exact: %s\n", what.c_str());
	exit(1);
}

double now()
{
	using namespace std::chrono;
	return duration<double>(steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v)
{
	return rows_median(v.data(), v.size());
}

double turn_single(contender &c, const std::vector<float> &queries, size_t *next)
{
	uint64_t ids[K];
	double start = now();
	size_t n = 0;

	do {
		c.search(&queries[(*next)++ % BATCH * DIM], 1, ids);
		n++;
	} while (now() - start < TURN_SECONDS);
	return n / (now() - start);
}

double turn_batch(contender &c, const std::vector<float> &queries)
{
	std::vector<uint64_t> ids(BATCH * K);
	double start = now();

	c.search(queries.data(), BATCH, ids.data());
	return BATCH / (now() - start);
}

std::vector<library> load_libraries(const std::vector<std::string> &paths)
{
	std::vector<library> all;

	for (const std::string &path : paths) {
		void *object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
		auto *find = object ? (decltype(&bench_library))dlsym(object, "bench_library") : nullptr;

		if (!find)
			die(dlerror());
		const bench::library *l = find();

		if (!l->make_flat)
			continue;
		all.push_back({ l, std::string(l->name) + " " + l->version + " (" + l->build + ")",
				!strcmp(l->build, "Debian's build") });
	}
	return all;
}

/* Runs on the host: a line a size and library. */
void host_measure(const char *path, const struct sizes &sizes, const std::vector<library> &all,
		  const std::vector<float> &base, const std::vector<float> &queries)
{
	struct outfile out;

	if (outfile_open(&out, path, false))
		die(out.why);
	for (size_t n : { sizes.small, sizes.large }) {
		std::vector<std::unique_ptr<bench::flat>> indexes;
		std::vector<contender> peers;
		size_t next = 0;

		for (const library &l : all) {
			indexes.emplace_back(l.methods->make_flat(DIM, base.data(), n));
			bench::flat *index = indexes.back().get();

			peers.push_back({ l.name, [index](const float *q, size_t count, uint64_t *ids) {
				index->search(q, count, ids);
			}, {} });
		}
		std::vector<std::vector<double>> batches(peers.size());

		for (int t = 0; t < TURNS; t++)
			for (contender &c : peers)
				c.rates.push_back(turn_single(c, queries, &next));
		for (int t = 0; t < BATCH_TURNS; t++)
			for (size_t i = 0; i < peers.size(); i++)
				batches[i].push_back(turn_batch(peers[i], queries));
		for (size_t i = 0; i < peers.size(); i++)
			fprintf(out.f, "%zu %f %f %s\n", n, median(peers[i].rates), median(batches[i]),
				peers[i].name.c_str());
	}
	if (outfile_commit(&out))
		die(out.why);
}

host_rates host_read(const char *path)
{
	FILE *in = fopen(path, "r");
	char line[512], name[256];
	host_rates all;

	if (!in)
		die(std::string(path) + ": " + strerror(errno));
	while (fgets(line, sizeof(line), in)) {
		peer_rates r;
		size_t n;

		if (sscanf(line, "%zu %lf %lf %255[^\n]", &n, &r.single, &r.batch, name) != 4)
			die(std::string(path) + " holds a line that is no rate: " + line);
		all[n][name] = r;
	}
	fclose(in);
	return all;
}
