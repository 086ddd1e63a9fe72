// SPDX-License-Identifier: GPL-2.0
/*
 * USearch: exact search, and a graph by inner product, of i8 by cosine.
 */
#include "contender.hh"
#include "parallel.hh"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include <usearch/index_dense.hpp>
#include <usearch/index_plugins.hpp>

namespace {

using namespace unum::usearch;

template <typename T> void must(T &&result)
{
	if (!result)
		throw std::runtime_error(result.error.release());
}

struct usearch_flat : bench::flat {
	exact_search_t exact;
	metric_punned_t metric;
	const float *base;
	size_t n;
	unsigned dim;

	usearch_flat(unsigned d, const float *vectors, size_t count)
		: metric(d, metric_kind_t::l2sq_k, scalar_kind_t::f32_k), base(vectors), n(count), dim(d)
	{
	}
	void search(const float *queries, size_t count, uint64_t *ids) override
	{
		using bytes = unum::usearch::byte_t const *;
		auto found = exact((bytes)base, n, dim * sizeof(float), (bytes)queries, count,
				   dim * sizeof(float), bench::K, metric);

		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < bench::K; j++)
				ids[i * bench::K + j] = found.at(i)[j].offset;
	}
};

struct usearch_graph : bench::graph {
	index_dense_t index;
	unsigned dim;

	usearch_graph(unsigned d, const std::string &type) : dim(d)
	{
		scalar_kind_t kind = type == "bf16" ? scalar_kind_t::bf16_k :
				     type == "i8" ? scalar_kind_t::i8_k : scalar_kind_t::f32_k;
		metric_punned_t metric(dim, type == "i8" ? metric_kind_t::cos_k : metric_kind_t::ip_k,
				       kind);
		auto made = index_dense_t::make(metric, index_dense_config_t(bench::M,
									bench::EF_CONSTRUCTION, 64));

		must(made);
		index = std::move(made.index);
	}
	void build(const float *base, size_t n, int threads) override
	{
		index.reserve(index_limits_t(n, std::max(threads, 2)));
		parallel(n, threads, [&](size_t i, int t) { index.add(i, base + i * dim, t); });
	}
	void save(const char *file) override { must(index.save(file)); }
	void load(const char *file) override
	{
		must(index.load(file));
		index.reserve(index_limits_t(index.size(), 16));
	}
	void set_ef(int ef) override { index.change_expansion_search(ef); }
	void search(const float *queries, size_t count, uint64_t *ids) override
	{
		for (size_t i = 0; i < count; i++) {
			uint64_t *keys = ids + i * bench::K;
			size_t n = index.search(queries + i * dim, bench::K, 0).dump_to(keys);

			std::fill(keys + n, keys + bench::K, UINT64_MAX);
		}
	}
};

bench::flat *make_flat(unsigned dim, const float *base, size_t n)
{
	return new usearch_flat(dim, base, n);
}

bench::graph *make_graph(unsigned dim, const char *type)
{
	return new usearch_graph(dim, type);
}

}

const bench::library *bench_library()
{
	/* What its kernels for f32 are is found out at run time. */
	static const metric_punned_t asked(100, metric_kind_t::l2sq_k, scalar_kind_t::f32_k);
	static const std::string build = std::string(LIBRARY_BUILD ", ") + asked.isa_name();
	static const bench::library me = { "USearch", LIBRARY_VERSION, build.c_str(), false,
					   make_flat,
					   make_graph };

	return &me;
}
