// SPDX-License-Identifier: GPL-2.0
/*
 * hnswlib: a graph by inner product, which for normalised vectors is its fastest.
 */
#include "contender.hh"
#include "parallel.hh"

#include <memory>
#include <string>

#include <hnswlib/hnswlib.h>

namespace {

struct hnswlib_graph : bench::graph {
	hnswlib::InnerProductSpace space;
	std::unique_ptr<hnswlib::HierarchicalNSW<float>> index;
	unsigned dim;

	explicit hnswlib_graph(unsigned d) : space(d), dim(d) {}
	void build(const float *base, size_t n, int threads) override
	{
		index = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, n, bench::M,
									  bench::EF_CONSTRUCTION);
		parallel(n, threads, [&](size_t i, int) { index->addPoint(base + i * dim, i); });
	}
	void save(const char *file) override { index->saveIndex(file); }
	void load(const char *file) override
	{
		index = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, file);
	}
	void set_ef(int ef) override { index->setEf(ef); }
	void search(const float *queries, size_t count, uint64_t *ids) override
	{
		for (size_t i = 0; i < count; i++) {
			auto r = index->searchKnn(queries + i * dim, bench::K);

			for (unsigned j = bench::K; j--; ) {
				ids[i * bench::K + j] = r.empty() ? UINT64_MAX : r.top().second;
				if (!r.empty())
					r.pop();
			}
		}
	}
};

bench::graph *make_graph(unsigned dim, const char *type)
{
	return std::string(type) == "f32" ? new hnswlib_graph(dim) : nullptr;
}

}

const bench::library *bench_library()
{
	static const bench::library me = { "hnswlib", LIBRARY_VERSION, LIBRARY_BUILD, false, nullptr,
					   make_graph };

	return &me;
}
