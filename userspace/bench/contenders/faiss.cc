// SPDX-License-Identifier: GPL-2.0
/*
 * FAISS: IndexFlatL2 and IndexHNSWFlat. Which build it is, the command line says.
 */
#include "contender.hh"

#include <memory>
#include <stdexcept>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/impl/HNSW.h>
#include <faiss/index_io.h>
#include <omp.h>

namespace {

using bench::K;

/* The ids of FAISS are signed, -1 for none. */
void found(faiss::Index &index, const float *queries, size_t count, uint64_t *ids,
	   std::vector<float> &distances)
{
	distances.resize(count * K);
	omp_set_num_threads(1);
	index.search(count, queries, K, distances.data(), reinterpret_cast<int64_t *>(ids));
}

struct faiss_flat : bench::flat {
	faiss::IndexFlatL2 index;
	std::vector<float> distances;

	faiss_flat(unsigned dim, const float *base, size_t n) : index(dim) { index.add(n, base); }
	void search(const float *queries, size_t count, uint64_t *ids) override
	{
		found(index, queries, count, ids, distances);
	}
};

struct faiss_graph : bench::graph {
	std::unique_ptr<faiss::IndexHNSWFlat> index;
	std::vector<float> distances;

	explicit faiss_graph(unsigned dim)
		: index(std::make_unique<faiss::IndexHNSWFlat>(dim, bench::M))
	{
		index->hnsw.efConstruction = bench::EF_CONSTRUCTION;
	}
	void build(const float *base, size_t n, int threads) override
	{
		omp_set_num_threads(threads);
		index->add(n, base);
	}
	void save(const char *file) override { faiss::write_index(index.get(), file); }
	void load(const char *file) override
	{
		std::unique_ptr<faiss::Index> read(faiss::read_index(file));
		auto *graph = dynamic_cast<faiss::IndexHNSWFlat *>(read.get());

		if (!graph)
			throw std::runtime_error("the file holds another kind of index");
		read.release();
		index.reset(graph);
	}
	void set_ef(int ef) override { index->hnsw.efSearch = ef; }
	void search(const float *queries, size_t count, uint64_t *ids) override
	{
		found(*index, queries, count, ids, distances);
	}
};

bench::flat *make_flat(unsigned dim, const float *base, size_t n)
{
	return new faiss_flat(dim, base, n);
}

bench::graph *make_graph(unsigned dim, const char *type)
{
	return std::string(type) == "f32" ? new faiss_graph(dim) : nullptr;
}

}

const bench::library *bench_library()
{
	static const bench::library me = { "FAISS", LIBRARY_VERSION, LIBRARY_BUILD, true, make_flat,
					   make_graph };

	return &me;
}
